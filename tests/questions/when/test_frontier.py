"""The largest run over time: the record process against closed forms, tables of runs, and paths into the future."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, stats

from forecast.draws import Diagnostics
from forecast.errors import ForecastError
from forecast.fitting.sampler import fit
from forecast.questions.when.frontier import (
    SAMPLING,
    Frontier,
    fit_frontier,
    future_years,
    past_years,
    paths,
    records_of,
    slowed_time,
)
from forecast.table.training_runs import read_runs
from models.dates import iso_date, years
from models.frontier import (
    expected_above,
    frontier_model,
    largest_between,
    log_first_record,
    log_next_record,
    piece_edges,
    time_in_pieces,
)
from tests.conftest import SEED

JUMP = 0.5
EPOCH = "shared/data/epoch_training_compute_to_2025-02.csv"
SHARED = next((parent / EPOCH for parent in Path(__file__).parents if (parent / EPOCH).is_file()), Path(EPOCH))
RUNS = """model,date,compute
a,2012-01-01,1e18
b,2014-01-01,1e20
c,2015-01-01,3e19
d,2016-01-01,1e21
e,2018-01-01,1e23
"""
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=1e3, min_ess_tail=1e3, divergences=0, total_draws=4000, worst=())


@pytest.fixture
def write(tmp_path):
    def to_file(text):
        (tmp_path / "runs.csv").write_text(text, encoding="utf-8")
        return tmp_path / "runs.csv"

    return to_file


def frontier_of(
    *, growth=0.6, jump=JUMP, trend=25.0, walk_sd=0.0, known_to=2022.0, largest=25.0, draws=4000
) -> Frontier:
    """A posterior that knows its parameters."""
    one = {
        name: (("chain", "draw"), np.full((1, draws), value))
        for name, value in {"trend": trend, "jump": jump, "walk_sd": walk_sd}.items()
    }
    posterior = xr.Dataset(one | {"growth": (("chain", "draw", "piece"), np.full((1, draws, 3), growth))})
    dates = pd.to_datetime(["2019-01-01", "2020-01-01", "2021-01-01", "2022-01-01"])
    records = pd.DataFrame({"model": list("abcd"), "date": dates, "compute": 10.0 ** (largest - np.arange(3, -1, -1))})
    return Frontier(
        posterior=posterior, records=records, known_to=known_to, ends=known_to, table="t", diagnostics=SOUND
    )


# the record process


def test_the_first_record_has_the_gumbel_density_of_the_largest_run_so_far():
    y = np.linspace(15, 30, 7)
    expected = stats.gumbel_r(20 + JUMP * np.log(JUMP), JUMP).logpdf(y)
    np.testing.assert_allclose(log_first_record(y, 20.0, jump=JUMP), expected, rtol=1e-12)


def test_the_next_record_has_a_density_that_adds_up_to_one():
    def density(y, m):
        gone = expected_above(20.0, 19.0, m, jump=JUMP)
        return np.exp(log_next_record(y, m, jump=JUMP) - gone)

    total, error = integrate.dblquad(density, 19.0, 27.0, 20.0, 40.0)
    assert total == pytest.approx(1.0, abs=1e-6 + error)


def test_a_record_beats_the_one_before_by_an_exponential_amount_of_mean_jump():
    excess = np.linspace(0, 3, 5)
    found = log_next_record(20.0 + excess, 21.0, jump=JUMP) - log_next_record(20.0, 21.0, jump=JUMP)
    np.testing.assert_allclose(found, stats.expon(scale=JUMP).logpdf(excess) - stats.expon(scale=JUMP).logpdf(0))


def test_the_largest_run_of_a_climb_is_below_y_with_the_probability_that_none_is_above():
    u = np.linspace(0.01, 0.99, 9)
    y = largest_between(20.0, 21.3, -np.log(-np.log(u)), jump=JUMP)
    np.testing.assert_allclose(np.exp(-expected_above(y, 20.0, 21.3, jump=JUMP)), u, rtol=1e-10)


def test_a_trend_that_stands_still_sets_no_record():
    assert largest_between(20.0, 20.0, 5.0, jump=JUMP) == -np.inf
    assert expected_above(19.0, 20.0, 20.0, jump=JUMP) == 0.0


def test_time_in_pieces_adds_up_to_the_time_since_the_origin():
    edges = piece_edges(2012.3, 2020.0)
    assert edges[0] <= 2012.3 and edges[-1] == 2020.0
    dates = np.array([2012.3, 2015.1, 2016.0, 2020.0])
    np.testing.assert_allclose(time_in_pieces(dates, edges, 2016.0).sum(axis=1), dates - 2016.0, atol=1e-9)


LAST_YEAR = 2042.0  # thirty years of records: with ten, one table in five has fewer than eight


def simulated_records(growth: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Records of a Poisson process by brute force: all runs above a low bar, in small steps of the trend."""
    dates = np.arange(1980, LAST_YEAR, 0.02)
    trend = 17.0 + growth * (dates - 2012.0)
    runs = rng.poisson(growth * 0.02 * np.exp(3.0 / JUMP), len(dates))  # above three decades below the trend
    best = np.array([trend[i] - 3.0 + rng.exponential(JUMP, n).max() if n else -np.inf for i, n in enumerate(runs)])
    is_record = (best > np.maximum.accumulate(np.concatenate([[-np.inf], best[:-1]]))) & (dates >= 2012)
    return dates[is_record], best[is_record]


@pytest.mark.mcmc
def test_growth_jump_and_trend_are_recovered_from_simulated_records():
    """Within five posterior standard deviations, which other values are not."""
    date, y = simulated_records(0.6, np.random.default_rng(SEED))
    posterior = fit(frontier_model(date, y, LAST_YEAR), replace(SAMPLING, seed=SEED))
    trend = 17.0 + 0.6 * (LAST_YEAR - 2012.0)
    for draws, truth, wrong in (
        (np.log(posterior.growth.mean("piece")), np.log(0.6), np.log(0.9)),
        (np.log(posterior.jump), np.log(JUMP), np.log(4 * JUMP)),
        (posterior.trend, trend, trend + 2.0),
    ):
        found, sd = float(draws.mean()), float(draws.std())
        assert abs(found - truth) < 5 * sd < abs(found - wrong)


# tables of runs


def test_the_built_in_table_is_read_and_grows():
    runs = read_runs()
    records, known_to = records_of(runs)
    assert 15 <= len(records) < len(runs) and known_to == years(runs["date"].max())
    assert (np.diff(records["compute"]) > 0).all()
    assert "GPT-3" in set(records["model"]) and "AlexNet" not in set(records["model"])


def test_epochs_format_is_read_directly_and_rows_without_compute_are_left_out(write):
    ours = read_runs(write(RUNS))
    text = RUNS.replace("model,date,compute", "Model,Publication date,Training compute (FLOP)")
    epoch = read_runs(write(text + "unknown,2019-01-01,\n"))
    pd.testing.assert_frame_equal(ours, epoch)


EPOCH_NOW = (  # headers of Epoch's table of all models, of which most say nothing of compute here
    *("Model", "Domain", "Task", "Organization", "Publication date", "Parameters", "Training compute (FLOP)"),
    *("Training compute notes", "Training dataset size (gradients)", "Training compute cost (2023 USD)", "Confidence"),
    *("Base model", "Finetune compute (FLOP)", "Training compute lower bound", "Training compute upper bound"),
    *("Training compute estimation method", "Frontier model"),
)


def test_epochs_table_of_all_models_is_read_as_it_is_downloaded(write):
    def line(model, date, compute, domain="Language", confidence="Confident"):
        cells = dict.fromkeys(EPOCH_NOW, "")
        cells |= {"Model": model, "Publication date": date, "Training compute (FLOP)": compute, "Domain": domain}
        cells |= {"Confidence": confidence, "Training compute notes": 'of the "paper",\nand more', "Base model": "old"}
        cells |= {"Finetune compute (FLOP)": "1e20", "Training compute upper bound": "9e29", "Parameters": "7e9"}
        return cells

    rows = [line("a", "2019-05-01", "3e22"), line("b", "2020-05-28", "314000000000000000000000")]
    rows += [
        line("c", "2023-03-15", "2.1e25", "Multimodal,Language", "Speculative"),
        line("go", "2017-10-18", "1e30", "Games"),
    ]
    rows += [line("no compute", "2024-01-01", "", confidence="Unknown"), line("no date", "", "1e29")]
    file = io.StringIO()
    writer = csv.DictWriter(file, EPOCH_NOW)
    writer.writeheader()
    writer.writerows(rows)
    runs = read_runs(write(file.getvalue()))
    assert list(runs["model"]) == ["a", "b", "c"] and list(runs["compute"]) == [3e22, 3.14e23, 2.1e25]
    assert list(runs["speculative"]) == [False, False, True]


@pytest.mark.skipif(not SHARED.is_file(), reason=f"needs {EPOCH} beside or above the repository")
def test_epochs_file_of_early_2025_has_the_records_of_the_built_in_table():
    theirs, _ = records_of(read_runs(SHARED))
    ours, _ = records_of(read_runs())
    assert list(theirs["date"])[-1] == list(ours["date"])[-1]
    assert set(ours["date"][-3:]) <= set(theirs["date"])


def test_self_play_of_games_is_left_out_of_epochs_rows(write):
    text = RUNS.replace("model,date,compute", "Model,Publication date,Training compute (FLOP),Domain").strip()
    lines = text.split("\n")
    with_domain = [lines[0], *(f"{line},Language" for line in lines[1:])]
    plain = read_runs(write("\n".join(with_domain) + "\n"))
    assert len(plain) == len(lines) - 1
    games = read_runs(write("\n".join([*with_domain, "zero,2017-10-18,1e30,Games"]) + "\n"))
    pd.testing.assert_frame_equal(plain, games)


def test_only_runs_larger_than_all_before_them_are_records(write):
    records, known_to = records_of(read_runs(write(RUNS)))
    assert list(records["model"]) == ["a", "b", "d", "e"] and known_to == years(np.datetime64("2018-01-01"))


def test_runs_after_the_date_of_the_forecast_change_nothing(write):
    as_of = float(years(np.datetime64("2018-06-01")))
    later = "f,2018-05-01,1e20\ng,2019-01-01,{}\n"
    found = [records_of(read_runs(write(RUNS + later.format(size))), as_of=as_of) for size in ("1e24", "1e30", "1e10")]
    for records, known_to in found:
        pd.testing.assert_frame_equal(records, found[0][0])
        assert known_to == as_of
    assert "g" not in set(found[0][0]["model"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "model,date\na,2012-01-01\n",
            "column 'compute': the column is missing; give columns of model, date and compute",
        ),
        (RUNS + "f,soon,1e24\n", "row 7, column 'date', value 'soon': is not a date.*write YYYY-MM-DD"),
        (RUNS + "f,2020-01-01,huge\ng,2020-01-01,-1\n", "(?s)row 7, column 'compute', value 'huge': is text.*row 8"),
        (RUNS + "f,2020-01-01,inf\n", "row 7, column 'compute', value 'inf': is not a positive finite number.*blank$"),
        (RUNS + "f,2020-01-01\n", "row 7, .*the row has 2 fields, the header 3"),
        ("", "the file is empty; give a header line"),
    ],
)
def test_a_table_of_runs_that_cannot_be_used_is_named_with_its_rows(write, text, said):
    with pytest.raises(ForecastError, match=said):
        read_runs(write(text))


def test_too_few_records_are_an_error_that_says_what_to_do(write):
    with pytest.raises(ForecastError, match=r"3 record training runs since 2012 by 2016-12-31.*later --as-of"):
        records_of(read_runs(write(RUNS)), as_of=2017.0)
    with pytest.raises(ForecastError, match="there is no such file; check the path"):
        read_runs("nowhere.csv")


# into the future


def test_paths_follow_the_closed_form_of_the_largest_run_so_far():
    frontier = frontier_of(draws=20000)
    found = paths(frontier, draws=20000, seed=SEED)
    far = []
    for ahead in (1.0, 5.0):
        at = found.log10_compute[:, np.argmin(abs(found.years - 2022.0 - ahead))]
        for y in (25.2, 26.0, 28.0):
            right, wrong = (np.exp(-expected_above(y, 25.0, 25.0 + rate * ahead, jump=JUMP)) for rate in (0.6, 0.8))
            error = np.sqrt(right * (1 - right) / len(at)) + 1e-9
            assert abs(np.mean(at < y) - right) < 5 * error
            far.append(abs(np.mean(at < y) - wrong) > 5 * error)
    assert any(far)  # the control: another growth is seen to be wrong


def test_the_largest_run_so_far_never_falls_and_is_the_known_record_in_the_past():
    found = paths(frontier_of(walk_sd=0.3), draws=50, seed=SEED)
    assert (np.diff(found.log10_compute, axis=1) >= 0).all() and (np.diff(found.years) > 0).all()
    past = found.years < 2022.0
    assert (found.log10_compute[:, past] == found.log10_compute[:1, past]).all()
    assert found.log10_compute[0, 0] == pytest.approx(22.0) and found.years[-1] == pytest.approx(10000.0)


def test_faster_growth_is_nowhere_lower_and_a_slowdown_nowhere_higher():
    frontier = frontier_of(walk_sd=0.2)
    slow, fast = (paths(frontier, draws=200, seed=SEED, growth=rate).log10_compute for rate in (0.3, 0.6))
    slowed = paths(frontier, draws=200, seed=SEED, growth=0.6, halving=5.0).log10_compute
    assert (fast >= slow).all() and (fast >= slowed).all() and (fast[:, -1] > slowed[:, -1]).all()


def test_same_seed_same_paths_and_another_seed_other_ones():
    first, again, other = (paths(frontier_of(), draws=20, seed=seed).log10_compute for seed in (SEED, SEED, SEED + 1))
    assert (first == again).all() and not (first == other).all()


def test_growth_that_halves_every_h_years_adds_up_to_h_over_log_two():
    at = np.array([2020.0, 2025.0, 2030.0, 9000.0])
    assert slowed_time(at, 2025.0, 4.0)[0] == pytest.approx([-5.0, 0.0, 4 / np.log(2) * (1 - 2**-1.25), 4 / np.log(2)])
    np.testing.assert_allclose(slowed_time(at, 2025.0, np.inf)[0], at - 2025.0)


def test_dates_in_words_of_iso():
    assert [iso_date(year) for year in (np.inf, -np.inf, 10000.0)] == ["inf", "-inf", "after 9999"]
    assert iso_date(float(years(np.datetime64("2023-03-15")))) == "2023-03-15"


def test_dates_looked_at_are_months_first_and_hold_every_record():
    ahead = future_years(2022.0)
    np.testing.assert_allclose(np.diff(ahead)[:480], 1 / 12, rtol=1e-6)
    frontier = frontier_of()
    assert set(years(frontier.records["date"].to_numpy())[:-1]) <= set(past_years(frontier))


@pytest.mark.mcmc
def test_a_fit_of_the_built_in_runs_before_2022_expects_those_of_2023_to_2025():
    frontier = fit_frontier(read_runs(), as_of=2022.0, seed=SEED)
    assert not frontier.diagnostics.reasons
    found = paths(frontier, draws=4000, seed=SEED)
    for year, truth in ((2024.0, 5e25), (2025.0, 5e25), (2025.2, 4.6e26)):
        draws = found.log10_compute[:, np.searchsorted(found.years, year) - 1]
        assert 0.05 < np.mean(draws < np.log10(truth)) < 0.95
    assert frontier.records["model"].iloc[-1] == "Megatron-Turing NLG"
