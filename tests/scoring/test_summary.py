"""Scores of outcomes: closed forms, honest and dishonest forecasts, and comparisons of methods."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scoringrules
from scipy.stats import binomtest, kstest

from forecast.scoring.rows import crps, score_rows
from forecast.scoring.summary import DISTANCES, paired_bootstrap, summary, wilson_interval
from tests.conftest import SEED

CUT = 21.0


def rows_of(successes, trials=100, **columns) -> pd.DataFrame:
    """Rates as `read_table` gives them, labelled from line 2 on."""
    successes = np.asarray(successes)
    number = len(successes)
    table = {"model": [f"run {i}" for i in range(number)], "task": "t", "metric": "exact_match"}
    table |= {"score": successes / trials, "successes": successes, "trials": trials, "compute": 10.0 ** (CUT + 0.25)}
    frame = pd.DataFrame(table | columns, index=pd.RangeIndex(2, number + 2, name="line"))
    return frame.astype({"successes": "Int64", "trials": "Int64"})


def losses_of(*losses) -> pd.DataFrame:
    frame = rows_of([0] * len(losses), metric="loss", score=losses)
    frame[["successes", "trials"]] = pd.NA
    return frame


def scored(draws, rows, method="ours", **options) -> pd.DataFrame:
    return score_rows(np.asarray(draws), rows, method=method, **{"log10_cut": CUT, "seed": SEED} | options)


def lines(crps, method="ours", task="t", **columns) -> pd.DataFrame:
    """What `score_rows` gives, for the columns that comparisons read."""
    number = len(crps)
    table = {"method": method, "row": np.arange(number), "model": [f"m{i}" for i in range(number)], "task": task}
    table |= {"metric": "exact_match", "log10_cut": CUT, "decades_beyond": 0.2, "crps": crps, "log_score": -1.0}
    table |= {"q05": 0.2, "q95": 0.5, "inside_50": False, "inside_80": False, "inside_90": True}
    return pd.DataFrame(table | columns)


def test_crps_of_one_sure_value_is_its_distance_and_of_two_the_closed_form():
    rows = rows_of([30, 50])
    np.testing.assert_allclose(scored(np.full((40, 2), 0.7), rows)["crps"], [0.4, 0.2])
    # E|X - y| - E|X - X'| / 2 for X in {0, 1} at evens
    np.testing.assert_allclose(scored([[0.0, 0.0], [1.0, 1.0]], rows)["crps"], [0.5 - 0.25, 0.5 - 0.25])


def test_a_line_keeps_what_its_row_is():
    rows = rows_of([30], score=0.3004, task="sums", compute=3e22)
    line = scored(np.linspace(0, 1, 101)[:, None], rows, method="linear").iloc[0]
    assert (line["method"], line["row"], line["model"], line["task"]) == ("linear", 2, "run 0", "sums")
    assert line["outcome"] == 0.3  # the count, not the rounded score
    assert line["decades_beyond"] == pytest.approx(np.log10(3e22) - CUT)
    np.testing.assert_allclose(line[["q05", "q50", "q95"]].astype(float), [0.05, 0.5, 0.95], atol=0.011)


def test_intervals_are_closed_and_nested():
    draws = np.linspace(0, 1, 101)[:, None].repeat(4, axis=1)
    line = scored(draws, rows_of([50, 80, 93, 98]))
    inside = line[["inside_50", "inside_80", "inside_90"]].to_numpy()
    assert inside.tolist() == [[True] * 3, [False, True, True], [False, False, True], [False] * 3]
    assert scored(np.full((9, 1), 0.3), rows_of([30]))["inside_50"].all()


def test_infinite_draws_of_a_loss_have_infinite_scores_and_quantiles_and_no_nan():
    draws = np.array([[1.0, 2.0, np.inf], [2.0, 2.5, np.inf], [np.inf, 3.0, np.inf]])
    line = scored(draws, losses_of(1.5, 2.5, 2.0))
    assert line["crps"].tolist() == [np.inf, pytest.approx(1 / 3 - 2 / 9), np.inf]
    assert line["q95"].tolist() == [np.inf, 3.0, np.inf]
    assert not line.isna().any(axis=None) and np.isfinite(line["log_score"]).all()
    assert not summary(line, ["row"]).isna().any(axis=None)


def test_log_scores_prefer_the_forecast_that_holds_the_outcome():
    rng = np.random.default_rng(SEED)
    near, far = (rng.binomial(100, mean, (500, 1)) / 100 for mean in (0.3, 0.7))
    rows = rows_of([31])
    assert scored(near, rows)["log_score"].item() > scored(far, rows)["log_score"].item() + 2


def simulated_pits(narrowing: float, draws: int = 40, number: int = 2000) -> np.ndarray:
    """PITs of counts out of 12 and of draws that vary too little by a factor: many ties, many zeros."""
    rng = np.random.default_rng(SEED)
    mean = rng.beta(0.5, 2.0, number)

    def counts(concentration, size):
        return rng.binomial(12, rng.beta(mean * concentration + 1e-9, (1 - mean) * concentration + 1e-9, size))

    outcome = counts(4.0, number)
    forecast = counts(4.0 * narrowing, (draws, number))
    return scored(forecast / 12, rows_of(outcome, trials=12))["pit"].to_numpy()


def test_pits_of_exact_forecasts_are_uniform_and_of_narrow_ones_are_not():
    limit = 2.2 / 2000**0.5  # of Kolmogorov and Smirnov's distance, exceeded once in 1e4
    assert kstest(simulated_pits(1.0), "uniform").statistic < limit
    assert kstest(simulated_pits(30.0), "uniform").statistic > limit


def test_ties_are_split_by_the_seed_and_alike_for_every_method():
    rows, sure = rows_of([0] * 50), np.zeros((30, 50))
    first = scored(sure, rows)["pit"]
    assert first.nunique() == 50
    np.testing.assert_array_equal(first, scored(sure, rows, method="other")["pit"])
    assert (first != scored(sure, rows, seed=SEED + 1)["pit"]).all()


def test_a_share_that_is_no_count_ties_with_the_count_it_rounds_to():
    found = scored(np.full((30, 400), 2e-4), rows_of([0] * 400, trials=2000))["pit"]
    assert kstest(found, "uniform").statistic < 2.2 / 20
    assert (scored(np.full((30, 9), 4e-4), rows_of([0] * 9, trials=2000))["pit"] < 1 / 31).all()


def test_no_rows_give_no_lines():
    assert scored(np.zeros((5, 0)), rows_of([])).empty


@pytest.mark.parametrize("draws", [np.zeros((3, 2)), np.zeros(1), np.zeros((0, 1))])
def test_draws_of_another_shape_are_refused_with_the_shape(draws):
    with pytest.raises(ValueError, match=r"draws of ours have shape .* expected \(draws, 1\)"):
        scored(draws, rows_of([3]))


def test_nan_draws_are_refused_with_their_rows():
    draws = np.zeros((4, 3))
    draws[1, 1:] = np.nan
    with pytest.raises(ValueError, match=r"NaN for 2 rows \(3, 4\)"):
        scored(draws, rows_of([1, 2, 3]))


def test_a_summary_holds_means_and_coverage_with_wilson_intervals():
    frame = lines(np.arange(10.0), inside_90=[True] * 9 + [False])
    table = summary(frame).iloc[0]
    assert (table["method"], table["n"], table["crps"], table["log_score"]) == ("ours", 10, 4.5, -1.0)
    assert (table["width_90"], table["coverage_50"], table["coverage_90"]) == (pytest.approx(0.3), 0.0, 0.9)
    oracle = binomtest(9, 10).proportion_ci(method="wilson")
    assert table["coverage_90_low"] == pytest.approx(oracle.low, abs=1e-4)
    assert table["coverage_90_high"] == pytest.approx(oracle.high, abs=1e-4)
    assert wilson_interval(np.array(0.0), np.array(10))[0] == table["coverage_50_low"] == 0


def test_groups_come_in_order_of_appearance_and_distances_from_near_to_far():
    beyond = [2.0, 0.5, 1.0, 0.49, -0.1, 0.0]
    frame = pd.concat([lines(np.ones(6), method, decades_beyond=beyond) for method in ("zebra", "ant")])
    assert summary(frame)["method"].tolist() == ["zebra", "ant"]
    table = summary(frame, ["distance", "method"])
    assert table["distance"].tolist() == [name for name in DISTANCES for _ in range(2)]
    assert table["n"].tolist() == [1, 1, 2, 2, 1, 1, 1, 1, 1, 1]


def test_ten_times_the_cut_is_one_decade_beyond_it_whatever_the_rounding():
    beyond = [np.nextafter(1.0, 0.0), 1.0]
    assert summary(lines(np.ones(2), decades_beyond=beyond), ["distance"])["distance"].tolist() == ["1-2"]


def test_a_summary_groups_by_any_column_or_none():
    frame = pd.concat([lines([1.0, 2.0], task=task, bed=bed) for task, bed in (("t", "a"), ("u", "a"), ("t", "b"))])
    assert summary(frame, ["bed", "task"])[["bed", "task"]].to_numpy().tolist() == [["a", "t"], ["a", "u"], ["b", "t"]]
    assert summary(frame, [])["n"].tolist() == [6] and "method" not in summary(frame, [])
    assert summary(frame.iloc[:0]).empty


def two_methods(ours, theirs, **columns) -> pd.DataFrame:
    return pd.concat([lines(ours, "ours", **columns), lines(theirs, "theirs", **columns)])


def compared(frame, method="ours", against="theirs", **options):
    return paired_bootstrap(frame, method=method, against=against, **{"seed": SEED} | options)


TASKS = np.repeat([f"t{i}" for i in range(12)], 5)


def test_the_better_method_has_a_negative_difference_and_a_ratio_below_one():
    crps = np.random.default_rng(SEED).uniform(0.1, 0.3, 60)
    frame = two_methods(crps / 2, crps, task=TASKS)
    found, swapped = compared(frame), compared(frame, "theirs", "ours")
    assert found["over"] == "task" and found["units"] == 12 and found["n"] == 60
    assert found["ratio"] == pytest.approx(dict.fromkeys(("estimate", "q05", "q95"), 0.5))
    assert found["difference"]["estimate"] == pytest.approx(-crps.mean() / 2)
    assert found["difference"]["q95"] < 0 and found["p_better"] == 1
    assert swapped["difference"]["estimate"] == -found["difference"]["estimate"] and swapped["p_better"] == 0


def test_a_method_against_its_equal_is_better_half_of_the_time():
    found = compared(two_methods(np.zeros(60), np.zeros(60), task=TASKS))
    assert found["p_better"] == 0.5
    assert found["difference"] == dict.fromkeys(("estimate", "q05", "q95"), 0)
    assert found["ratio"] == dict.fromkeys(("estimate", "q05", "q95"), 1)


def test_the_interval_is_that_of_tasks_and_not_of_single_outcomes():
    """Outcomes of a task differ alike: the standard error is that of 12 numbers, sqrt(5) times that of 60."""
    of_task = np.random.default_rng(SEED).normal(0, 0.1, 12)
    found = compared(two_methods(1 + np.repeat(of_task, 5), np.ones(60), task=TASKS), draws=20000)
    width = found["difference"]["q95"] - found["difference"]["q05"]
    expected = 2 * 1.645 * of_task.std() / 12**0.5
    assert width == pytest.approx(expected, rel=0.05)
    alone = compared(two_methods(1 + np.repeat(of_task, 5), np.ones(60), task=np.arange(60)), draws=20000)
    assert alone["difference"]["q95"] - alone["difference"]["q05"] == pytest.approx(expected / 5**0.5, rel=0.05)


def test_runs_are_drawn_where_there_is_one_task():
    found = compared(two_methods([0.1, 0.3, 0.2], [0.2, 0.2, 0.4], model=["a", "a", "b"]))
    assert (found["over"], found["units"], found["n"]) == ("model", 2, 3)


def test_one_unit_says_nothing_of_the_next():
    found = compared(two_methods([0.1], [0.4]))
    assert found["difference"] == {"estimate": pytest.approx(-0.3), "q05": -np.inf, "q95": np.inf}
    assert found["ratio"] == {"estimate": pytest.approx(0.25), "q05": 0.0, "q95": np.inf}
    assert found["p_better"] == 0.5


def test_outcomes_are_matched_by_table_cut_and_row_and_those_of_one_method_left_out():
    ours = [lines([0.1, 0.2], bed=bed, log10_cut=cut, task=["t", "u"]) for bed in "ab" for cut in (21.0, 22.0)]
    theirs = [part.assign(method="theirs", crps=part["crps"] + 1)[::-1] for part in ours[:3]]
    found = compared(pd.concat([*ours, *theirs], ignore_index=True))
    assert found["n"] == 6 and found["units"] == 4  # a task of another table is another task
    assert found["difference"]["estimate"] == pytest.approx(-1)


def test_splits_that_share_a_distance_are_told_apart_by_their_name():
    frame = pd.concat([two_methods([0.1, 0.2], [0.3, 0.3], cut=cut) for cut in ("2021-01-01", "2022-01-01")])
    assert compared(frame)["n"] == 4


def test_methods_without_common_outcomes_and_doubled_outcomes_are_refused():
    with pytest.raises(ValueError, match="share none"):
        compared(lines([0.1]))
    frame = two_methods([0.1, 0.2], [0.2, 0.2])
    with pytest.raises(ValueError, match="one-to-one"):
        compared(pd.concat([frame, frame]))


def test_an_infinite_crps_is_infinitely_worse_and_never_nan():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worse = compared(two_methods([np.inf] * 60, [0.1] * 60, task=TASKS))
        both = compared(two_methods([np.inf] * 60, [np.inf] * 60, task=TASKS))
    assert worse["difference"]["q05"] == np.inf == worse["ratio"]["estimate"] and worse["p_better"] == 0
    assert both["difference"]["estimate"] == 0 and both["p_better"] == 0.5


def test_the_same_seed_gives_the_same_comparison():
    frame = two_methods(*np.random.default_rng(SEED).uniform(size=(2, 60)), task=TASKS)
    assert compared(frame) == compared(frame) != compared(frame, seed=SEED + 1)


@pytest.mark.parametrize("count", [1, 2, 400])
def test_the_crps_is_that_of_scoringrules(count):
    rng = np.random.default_rng(SEED)
    draws, outcome = rng.normal(size=(count, 7)).round(1), rng.normal(size=7).round(1)  # with ties
    np.testing.assert_allclose(
        crps(draws, outcome), scoringrules.crps_ensemble(outcome, draws.T), rtol=1e-10, atol=1e-14
    )
