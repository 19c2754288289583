"""Answers about tables of dates as they leave the program: no number that stands in for a date."""

import json
from dataclasses import replace

import numpy as np
import pytest

from forecast.draws import Diagnostics
from forecast.errors import ForecastError
from forecast.fitting.average import compared
from forecast.posterior.fit import save
from forecast.posterior.threshold import threshold
from forecast.published import as_published, threshold_rows
from forecast.questions.design.answer import design
from forecast.questions.design.interval import Simulation
from forecast.questions.howmuch.answer import howmuch
from forecast.questions.when.answer import when
from forecast.report.sections import Evidence
from forecast.table.dataset import read_table
from models.dates import log10_compute_of
from tests.conftest import SEED, forecast_command, guesses, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "date", "compute")
DATES = ("2021-03-01", "2022-01-15", "2022-11-30", "2023-07-01", "2024-05-13", "2025-02-01")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
PLACE = float(log10_compute_of(np.datetime64("2025-07-01")))


def rows():
    return [
        {"model": f"m{i}", "task": "agents", "metric": "exact_match", "score": 0.02 + 0.12 * i, "trials": 100}
        | {"date": date}
        for i, date in enumerate(DATES)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dated")


@pytest.fixture(scope="module")
def table(folder):
    return write_rows(folder / "dated.csv", rows(), header=HEADER)


@pytest.fixture(scope="module")
def dated(table, prior_fit):
    return replace(prior_fit(read_table(table), draws=200), diagnostics=SOUND)


@pytest.fixture(scope="module")
def path(dated, folder):
    save(dated, folder / "fit.nc")
    return folder / "fit.nc"


def stand_ins(answer, name=""):
    """The keys of an answer under which a number stands that could be taken for log10 FLOP or decades."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from stand_ins(value, f"{name} {key}")
    elif isinstance(answer, list):
        for value in answer:
            yield from stand_ins(value, name)
    elif answer is not None and (
        "log10" in name or {"width_decades", "horizon", "between", "within"} & {*name.split()}
    ):
        yield name


def test_a_threshold_has_dates_and_null_where_a_compute_would_stand(dated):
    found = threshold(dated, "agents", 0.5)
    answer = as_published(found, dated=True)
    assert answer["log10_compute"] is None and answer["date"] == found["date"]
    assert answer["data_log10_compute"] is None and answer["data_dates"] == [DATES[0], DATES[-1]]
    rungs = answer["p_crossed_by"]
    assert [rung["date"] for rung in rungs] == [f"{year}-01-01" for year in range(2021, 2037)]
    assert [rung["p"] for rung in rungs] == [rung["p"] for rung in found["p_crossed_by"]]
    assert all(set(rung) == {"date", "p"} for rung in rungs)
    assert isinstance(found["log10_compute"]["q05"], float)  # the program itself goes on with numbers


def test_no_answer_about_such_a_table_holds_a_number_that_could_be_a_compute(dated):
    simulation = Simulation(seed=SEED, outcomes=5, draws=100)
    answers = {
        "threshold": threshold(dated, "agents", 0.5),
        "compare": compared(dated, at=[0.5]),
        "when": when(dated, "agents", 0.5, frontier=None, seed=SEED),
        "design": design(dated, "agents", 0.5, items=20, simulation=simulation),
    }
    for name, answer in answers.items():
        published = as_published(answer, dated=True)
        assert list(stand_ins(answer)) and not list(stand_ins(published)), name  # the first is the negative control
        assert as_published(answer, dated=False) is answer
        json.dumps(published, allow_nan=False)


def test_distances_are_in_years_and_say_so(dated):
    answer = as_published({"between": 0.6, "within": "inf", "width_decades": {"q50": 1.2}}, dated=True)
    assert answer == {
        **{"between": None, "between_years": pytest.approx(0.6), "within": None, "within_years": "inf"},
        **{"width_decades": None, "width_years": {"q50": pytest.approx(1.2)}},
    }
    found = design(dated, "agents", 0.3, items=20, simulation=Simulation(seed=SEED, outcomes=5, draws=100))
    first, last = (np.datetime64(date) for date in as_published(found, dated=True)["horizon_dates"])
    assert found["unit"] == "years"
    assert 0 < found["held_width"] <= (last - first) / np.timedelta64(365, "D") + 0.01


def test_what_the_data_moved_is_a_date_of_thresholds_alone():
    lines = [
        {"parameter": "log10_compute at 0.5", "prior": [PLACE, PLACE, "inf"], "posterior": [PLACE, PLACE, PLACE]},
        {"parameter": "exponent", "prior": [0.1, 0.2, 0.3], "posterior": [0.1, 0.2, 0.3]},
    ]
    first, second = as_published(lines, dated=True)
    assert first["parameter"] == "date at 0.5" and first["prior"] == ["2025-07-01", "2025-07-01", "inf"]
    assert second == lines[1]


def test_lines_of_thresholds_have_dates_in_place_of_computes(dated):
    found = threshold(dated, "agents", 0.5)
    line = threshold_rows([{"fit": "fit_all.nc", "thresholds": [found]}])
    assert line["date_q50"].item() == found["date"]["q50"] and not [name for name in line if "log10" in name]


def test_validate_says_which_dates_the_table_spans(table):
    answer = forecast_command("validate", table, "--json").json
    assert answer["log10_compute"] is None and answer["date"] == [DATES[0], DATES[-1]]
    assert answer["tasks"][0]["date"] == [DATES[0], DATES[-1]]


def test_parameters_and_tokens_do_not_follow_from_dates(dated, path):
    with pytest.raises(
        ForecastError,
        match="fit is in years: its table holds no compute; no parameters or tokens follow from it; add compute",
    ):
        howmuch(dated, "agents", 0.5)
    for given in ((), ("--params", 7e9), ("--tokens", 1e12), ("--json",)):
        done = forecast_command("howmuch", path, "--task", "agents", "--at", 0.5, *given)
        assert done.code == 1 and done.out == "" and done.err.count("\n") == 1 and "compute" in done.err


@pytest.mark.parametrize(
    "asked",
    [
        ("fit", "TABLE", "-o", "out.nc", "--below", 1e22),
        ("compare", "TABLE", "--below", 1e22),
        ("backtest", "TABLE", "-o", "track", "--cut", 1e22),
        ("design", "FIT", "--task", "agents", "--at", 0.5, "--budget", 1e22),
    ],
)
def test_flop_are_refused_in_one_line_on_a_table_of_dates(asked, table, path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = forecast_command(*({"TABLE": table, "FIT": path}.get(each, each) for each in asked))
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1
    assert "table holds no compute" in done.err


def test_every_command_that_answers_about_such_a_fit_speaks_of_dates(path, folder):
    question = ("--task", "agents", "--at", 0.5)
    for command in (("threshold", path, *question), ("when", path, *question), ("design", path, *question)):
        text, answer = forecast_command(*command), forecast_command(*command, "--json")
        assert text.code == answer.code == 0 and not list(stand_ins(answer.json)), command
        for absent in ("FLOP", "decade", " inf", "9999"):
            assert absent not in text.out, command


def test_rows_of_the_other_scale_are_refused(path, folder, prior_fit):
    row = {"model": "new", "task": "agents", "metric": "exact_match"}
    with_compute = write_rows(folder / "compute.csv", [row | {"compute": "1e24"}], header=HEADER)
    with_date = write_rows(folder / "date.csv", [row | {"date": "2026-01-01"}], header=HEADER)
    known = [each | {"compute": f"{10.0 ** (20 + i):g}"} for i, each in enumerate(rows())]
    other = prior_fit(read_table(write_rows(folder / "known.csv", known, header=HEADER)), draws=50)
    save(other, folder / "compute.nc")
    out = folder / "out.csv"
    assert forecast_command("predict", path, "--rows", with_date, "-o", out).code == 0
    assert forecast_command("predict", folder / "compute.nc", "--rows", with_compute, "-o", out).code == 3
    for fit, given, said in (
        (path, with_compute, "its scale is dates"),
        (folder / "compute.nc", with_date, "the rows have no compute"),
    ):
        done = forecast_command("predict", fit, "--rows", given, "-o", out)
        assert done.code == 1 and said in done.err and done.err.count("\n") == 1
        asked = ("design", fit, "--task", "agents", "--at", 0.5, "--candidates", given)
        assert said in forecast_command(*asked).err


def test_a_simulated_table_of_dates_holds_no_compute(table, folder):
    done = forecast_command("simulate", table, "-o", folder / "simulated.csv", "--seed", SEED)
    assert done.code == 0
    again = read_table(folder / "simulated.csv")
    header, first = (folder / "simulated.csv").read_text(encoding="utf-8").splitlines()[:2]
    assert first.split(",")[header.split(",").index("compute")] == "" and len(again) == len(DATES)


def test_a_study_of_such_a_table_publishes_dates_in_its_files_and_on_the_terminal(dated, table, tmp_path, monkeypatch):
    lines = ['title = "T"', 'question = "Q"', f'table = "{table}"', "thresholds = [0.5]", "when = true"]
    (tmp_path / "study.toml").write_text("\n".join(lines), encoding="utf-8")
    moved = {"parameter": "log10_compute at 0.5", "task": "agents", "prior": [PLACE] * 3, "posterior": [PLACE] * 3}
    moved |= {"width_ratio": 1.0, "moved": False, "p_never": 0.1, "prior_p_never": 0.2}
    found = Evidence(headline="agents", moved=[moved], surprising=[], rows=6)
    monkeypatch.setattr("forecast.study.run.fit_average", lambda *_, **__: dated)
    monkeypatch.setattr("forecast.study.fitted.evidence", lambda *_, **__: found)
    monkeypatch.setattr("forecast.backtesting.run.forecasts", guesses)
    text, answer = (forecast_command("run", tmp_path, "-o", tmp_path / "out", *more) for more in ((), ("--json",)))
    assert text.code in (0, 3) and "FLOP" not in text.out and "threshold date" in text.out
    written = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert written == answer.json and not list(stand_ins(written))
    (fit,) = written["fits"]
    assert fit["thresholds"][0]["date"] == threshold(dated, "agents", 0.5)["date"]
    assert fit["moved"][0]["parameter"] == "date at 0.5" and fit["moved"][0]["prior"] == ["2025-07-01"] * 3
    assert written["when"][0]["date"] == fit["thresholds"][0]["date"]
    header = (tmp_path / "out" / "thresholds.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "date_q50" in header and "log10" not in header
