"""Tables of models without any compute: their dates are the scale, and thresholds are dates."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from forecast.cli.questions.compare import print_compared
from forecast.errors import ForecastError, TableError
from forecast.fitting.average import fit_average
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.questions.design.candidates import candidates_of, candidates_of_rows, checked_budget
from forecast.questions.when.answer import when
from forecast.report.content import write_report
from forecast.table.dataset import observations, read_rows, read_table
from forecast.table.describe import describe
from models.dates import by_date, is_by_date, log10_compute_of, year_of, years
from models.facts.parts import has_progress
from models.structures import Parts
from tests.conftest import SEED, refuse_constant, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "date", "family")
DATES_OF_QUANTILES = {"q05": 2024, "q50": 2025, "q95": 2026}
DATES = ("2021-03-01", "2022-01-15", "2022-11-30", "2023-07-01", "2024-05-13", "2025-02-01")


def rows(**changes):
    return [
        {
            "model": f"m{i}",
            "task": "agents",
            "metric": "exact_match",
            "score": 0.02 + 0.12 * i,
            "trials": 100,
            "date": date,
        }
        | changes
        for i, date in enumerate(DATES)
    ]


@pytest.fixture
def dated(tmp_path):
    return read_table(write_rows(tmp_path / "dated.csv", rows(), header=HEADER))


def test_a_table_without_compute_but_with_dates_is_read_on_the_scale_of_its_dates(dated, tmp_path):
    data = observations(dated)
    np.testing.assert_allclose(year_of(data.log10_compute.values), years(np.array(DATES, dtype="datetime64[D]")))
    assert by_date(data) and not has_progress(data, Parts())
    assert describe(tmp_path / "dated.csv")["runs"] == len(DATES)
    new = [{"model": "new", "task": "agents", "metric": "exact_match", "date": "2026-01-01"}]
    later = write_rows(tmp_path / "new.csv", new, header=HEADER)
    assert np.log10(read_rows(later)["compute"]).item() == pytest.approx(log10_compute_of(np.datetime64("2026-01-01")))


def test_a_table_with_compute_keeps_its_scale_whatever_its_dates(dated):
    with_compute = observations(dated.assign(compute=10.0 ** np.arange(20, 26)))
    assert not by_date(with_compute) and has_progress(with_compute, Parts())
    assert not is_by_date(np.array([12.0]), np.array(["NaT"], dtype="datetime64[ns]"))


def test_a_model_without_a_date_in_a_table_without_compute_is_a_problem_that_names_the_way_out(tmp_path):
    missing = rows()
    missing[2]["date"] = ""
    for table in (missing, rows(date=DATES[0])):
        with pytest.raises(TableError, match="or a date of every model \\(three"):
            read_table(write_rows(tmp_path / "missing.csv", table, header=HEADER))


def test_the_date_of_one_row_holds_for_all_rows_of_a_model(tmp_path):
    twice = rows() + rows(task="other", date="")
    data = observations(read_table(write_rows(tmp_path / "twice.csv", twice, header=HEADER)))
    assert by_date(data) and data.sizes["task"] == 2


def test_thresholds_and_arrivals_of_such_a_table_are_dates(dated, prior_fit):
    fit = prior_fit(dated, draws=200)
    fit = replace(fit, diagnostics=replace(fit.diagnostics, max_rhat=1.0, min_ess_bulk=1.0, min_ess_tail=1.0))
    assert "progress" not in fit.posterior
    found, answer = threshold(fit, "agents", 0.5), when(fit, "agents", 0.5, frontier=None, seed=SEED)
    (only,) = answer["scenarios"]
    assert answer["scale"] == "date" and answer["frontier"] is None and answer["as_of"] == DATES[-1]
    assert (
        found["date"] == only["events"]["typical"]["date"] and only["events"]["typical"]["p_never"] == found["p_never"]
    )
    middle = np.quantile(year_of(threshold_draws(fit, "agents", 0.5).values), 0.5, method="inverted_cdf")
    assert found["date"]["q50"][:4] == (f"{int(middle)}" if middle < 9999 else found["date"]["q50"][:4])
    json.loads(json.dumps(answer, allow_nan=False), parse_constant=refuse_constant)


def test_a_report_of_such_a_table_speaks_of_dates_alone(dated, prior_fit, tmp_path):
    fit = prior_fit(dated, draws=200)
    said = write_report(fit, tmp_path / "report.html", at=0.3)
    assert "FLOP" not in said and re.search(r"agents reaching 0.3 is (not )?expected (by [0-9]{4}-|at any date)", said)
    page = re.sub(r"<script.*?</script>", "", (tmp_path / "report.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    for absent in ("FLOP", "threshold compute", "largest run", "below any compute"):
        assert absent not in page
    for there in ("Threshold date of every task", "latest run of the data", "date of release"):
        assert there in page
    assert re.search(r">[12][0-9]{3}</text>", page)  # ticks at years


def test_no_run_of_another_date_is_proposed_and_no_budget_is_taken(dated, prior_fit):
    fit = prior_fit(dated, draws=200)
    kinds = {each.kind for each in candidates_of(fit, "agents", items=50, budget=None, family=None)}
    assert kinds == {"more items"}
    with pytest.raises(ForecastError, match="leave --budget out"):
        checked_budget(fit, 1e22)
    new = dated.tail(1).assign(model="new")
    (only,) = candidates_of_rows(fit, new, items=50)
    assert (only.kind, only.flop) == ("new run", 0.0)


def test_a_cut_in_flop_is_refused_before_anything_is_fitted(dated):
    with pytest.raises(ForecastError, match="dates are its scale"):
        fit_average(dated, table="dated.csv", below=1e22)


def test_progress_is_said_to_be_part_of_the_scale(dated, tmp_path):
    assert describe(tmp_path / "dated.csv")["parts"]["progress"].endswith(
        "dates are the scale and progress is part of it"
    )


def test_published_computes_are_never_taken_for_dates():
    from forecast.table.training_runs import read_runs

    runs = read_runs()
    assert not is_by_date(np.log10(runs["compute"].to_numpy()), runs["date"].to_numpy())


def test_structures_side_by_side_are_dates_and_their_spread_is_in_years(capsys):
    q = {name: float(log10_compute_of(np.datetime64(f"{year}-07-01"))) for name, year in DATES_OF_QUANTILES.items()}
    each = {"structure": "full", "weight": 1.0, "log10_compute": q, "p_never": 0.0}
    line = {"task": "agents", "at": 0.5, "date": {}, "structures": [each], "between": 0.6, "within": "inf"} | each
    line |= {"data_log10_compute": [q["q05"], q["q95"]]}
    print_compared({"weights": {"full": 1.0}, "thresholds": [line]})
    said = capsys.readouterr().out
    assert "agents at 0.5: median" in said and "2025-07-01   2024-07-01 to 2026-07-01" in said
    assert "between structures 1.00 years, within one unbounded" in said and "FLOP" not in said
