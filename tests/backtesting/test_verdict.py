"""The verdict: every reason is given where it holds and nowhere else, in words with their numbers and in plain JSON."""

import json
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from forecast.backtesting.record import record
from forecast.backtesting.run import BacktestResult
from forecast.backtesting.scored import OURS
from forecast.backtesting.verdict import (
    APART,
    CARE,
    COUNTS,
    FARTHER,
    MAX_FORECAST_RHAT,
    NEW_SIZE,
    NO_BETTER,
    NOT,
    WORSE,
    verdict,
    verdict_on_fit,
)
from forecast.files import json_number
from forecast.scales import COMPUTE, DATES
from forecast.scoring.rows import score_rows
from forecast.table.describe import FEW_RUNS
from tests.benchmarks.cells import cell_trust
from tests.conftest import SEED, refuse_constant

CUT, TRIALS = 22.0, 1000
WIDE = 0.12  # to either side of the outcome: even draws over it have a CRPS of a sixth
TASKS = ("sums", "words", "picks", "code")


def rows_of(tasks=TASKS, runs=5, **columns) -> pd.DataFrame:
    """Outcomes of 0.4 by runs from 0.25 decades beyond the cut, a quarter apart."""
    beyond = np.tile(0.25 * (1 + np.arange(runs)), len(tasks))
    names = [f"run {run}" for run in range(runs)] * len(tasks)
    frame = pd.DataFrame({"model": names, "task": np.repeat(tasks, runs), "metric": "exact_match", "score": 0.4})
    return frame.assign(successes=400, trials=TRIALS, compute=10 ** (CUT + beyond), **columns)


def scores_of(rows=None, **methods) -> pd.DataFrame:
    """Lines of `score_rows`: of each method, how far off it is (row), and how wide its even draws are."""
    rows = rows_of() if rows is None else rows
    methods = {OURS: methods.pop("ours", (0.0, WIDE))} | methods
    lines = []
    for name, (off, wide) in methods.items():
        centre = 0.4 + np.broadcast_to(off, len(rows))
        draws = centre + np.linspace(-1.0, 1.0, 401)[:, None] * wide
        lines.append(score_rows(draws, rows, method=name.replace("_", " "), log10_cut=CUT, seed=SEED))
    return pd.concat(lines).assign(bed="table", cut="a cut")


def track_of(scores, rhat=1.0) -> BacktestResult:
    """A back-test of which all but the scores and the R-hat of one fit is empty."""
    fits = pd.DataFrame({"forecast_rhat": [rhat]})
    empty = {field.name: {} for field in fields(BacktestResult) if field.name not in ("scale", "data_hash")}
    return BacktestResult(**empty | {"scores": scores, "fits": fits})


def worse_by(ratio):
    """Scores with a baseline that our CRPS is so many times of, on every outcome alike."""
    return scores_of(last_value=(0.2, 0.0), linear=(WIDE / 6 / ratio, 0.0))


def missed(number) -> np.ndarray:
    """How far off a forecast is that misses so many of 20 outcomes, one of each task after the other."""
    order = np.arange(20).reshape(4, 5).T.ravel()
    return np.isin(np.arange(20), order[:number]) * 0.15


def missing(number):
    return scores_of(ours=(missed(number), WIDE), linear=(0.1, 0.0))


def answer(q50: float | str = 23.0, **changes):
    """The JSON of a threshold of which two structures say the same, half a decade beyond the data."""
    quantiles = {name: json_number(float(q50) + off) for name, off in (("q05", -0.5), ("q50", 0.0), ("q95", 0.5))}
    each = [{"structure": name, "weight": 0.5, "log10_compute": dict(quantiles)} for name in ("full", "ceiling 1")]
    known = {
        "task": "sums",
        "metric": "exact_match",
        "at": 0.5,
        "log10_compute": quantiles,
        "data_log10_compute": [20.0, 22.5],
    }
    return known | {"structures": each} | changes


def apart(*quantiles, weights=(0.5, 0.5)):
    """The same where structures say otherwise: 5, 50 and 95% of each."""
    names = ("full", "ceiling 1")
    named = [dict(zip(("q05", "q50", "q95"), each, strict=True)) for each in quantiles]
    lines = zip(names, weights, named, strict=True)
    return answer(structures=[dict(zip(("structure", "weight", "log10_compute"), each, strict=True)) for each in lines])


def line_of(moved, task="sums", at="0.5"):
    return {"task": task, "parameter": f"log10_compute at {at}", "moved": moved}


def at(answer, **options):
    return {"thresholds": [answer], **options}


GOOD = scores_of(last_value=(0.2, 0.0), linear=(0.1, 0.0))


def verdict_of(scores=GOOD, runs=10, **options):
    return verdict(None if scores is None else track_of(scores), runs=runs, **options)


def kinds(reasons) -> list[tuple[str, str]]:
    return [(each["kind"], each["level"]) for each in reasons]


# The record


def test_the_record_compares_the_average_with_the_best_baseline_of_these_outcomes():
    found = record(scores_of(last_value=(0.2, 0.0), linear=(0.1, 0.0), full=(0.001, 0.001)))
    assert (found["n"], found["tasks"]) == (20, 4)
    assert (found["best_baseline"], found["best_baseline_crps"]) == ("linear", pytest.approx(0.1))  # not the structure
    assert found["crps"] == pytest.approx(WIDE / 6, rel=0.01)
    assert found["crps_ratio"]["estimate"] == pytest.approx(found["crps"] / 0.1) and found["p_better"] == 1.0
    assert found["width_90"] == pytest.approx(1.8 * WIDE, rel=0.01)
    assert found["tested_decades"] == pytest.approx(1.25)
    inside = record(missing(3))["coverage_90"]
    assert inside["share"] == pytest.approx(17 / 20) and inside["low"] < 0.85 < inside["high"] < 1


def test_a_baseline_that_forecast_only_easy_outcomes_is_not_the_best():
    two_step = scores_of(rows_of(tasks=TASKS[:1]), **{"two-step": (0.001, 0.0)})
    both = pd.concat([GOOD, two_step[two_step["method"] == "two-step"]])
    assert record(both) == record(GOOD)
    assert verdict_of(both)["distances"] == verdict_of(GOOD)["distances"]


def test_distances_hold_the_record_from_near_to_far():
    lines = verdict_of(scores_of(ours=(0.15 * (np.tile(np.arange(5), 4) == 4), WIDE), linear=(0.1, 0.0)))["distances"]
    assert [each["distance"] for each in lines] == ["0-0.5", "0.5-1", "1-2"]
    assert [each["n"] for each in lines] == [4, 8, 8] and [each["coverage_90"] for each in lines] == [1.0, 1.0, 0.5]
    assert {each["best_baseline"] for each in lines} == {"linear"} and lines[2]["crps"] > lines[0]["crps"]


# The verdict


def test_a_forecast_against_which_nothing_speaks_is_trusted():
    judged = verdict_of(thresholds=[answer()], moved=[line_of(True)])
    assert (judged["trust"], judged["reasons"]) == ("trust", [])
    assert judged["sentence"].startswith("This forecast can be trusted. Tested on this table up to 1.2 decades ahead: ")
    assert "80% better than the best baseline (linear), 100% of 20 held-out outcomes inside" in judged["sentence"]


def larger_by(decades):
    """A good record on runs that have up to so many decades more parameters than those that were learned from."""
    return {"scores": GOOD.assign(params_beyond=np.where(GOOD["model"] == "run 4", decades, -0.5))}


def test_where_sizes_are_not_known_none_is_called_untested():
    assert record(GOOD)["tested_params_decades"] is None
    unknown = GOOD.assign(params_beyond=np.nan)
    assert record(unknown)["tested_params_decades"] is None and verdict_of(unknown)["trust"] == "trust"
    some = record(GOOD.assign(params_beyond=np.where(GOOD["model"] == "run 4", 0.3, np.nan)))
    assert some["tested_params_decades"] == pytest.approx(0.3)


FAR = 22.5 + 1.25 + FARTHER
AHEAD = {"scores": worse_by(NO_BETTER - 0.03)}
PRIOR = [line_of(True, "words"), line_of(False)]
OTHERS = [line_of(True), line_of(False, "words"), line_of(False, at="0.25")]
LOW, NEAR, HIGH = (22.5, 23.0, 23.5), (23.4, 23.0 + 0.9 * APART, 24.4), (23.7, 24.2, 24.7)
CASES = {  # kind: level, numbers in its text, what brings it about, what falls just short of it
    "too few runs": (NOT, [f"only {FEW_RUNS - 1} runs"], {"runs": FEW_RUNS - 1}, {"runs": FEW_RUNS}),
    "untested": (NOT, [], {"scores": None}, {"scores": GOOD}),
    # the Wilson interval of 15 ends at 0.89
    "intervals too narrow": (NOT, ["15 of 20 outcomes"], {"scores": missing(5)}, {"scores": missing(4)}),
    "beaten by a baseline": (NOT, ["0.020", "'linear' 0.017"], {"scores": worse_by(WORSE + 0.03)}, AHEAD),
    "no better than a baseline": (CARE, ["0.020", "'linear' 0.020"], {"scores": worse_by(1.0)}, AHEAD),
    "sizes untested": (CARE, [], larger_by(NEW_SIZE - 0.01), larger_by(NEW_SIZE)),
    "farther than tested": (NOT, ["2.4 decades beyond", "tested to 1.2"], at(answer(FAR + 0.1)), at(answer(FAR - 0.1))),
    "prior-dominated": (NOT, ["sums at 0.5"], at(answer(), moved=PRIOR), at(answer(), moved=OTHERS)),
    "structures disagree": (CARE, ["sums at 0.5", "1.2 decades apart"], at(apart(LOW, HIGH)), at(apart(LOW, NEAR))),
    "not converged": (NOT, ["R-hat is 1.3"], {"unsound": ["R-hat is 1.3"]}, {"unsound": []}),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_reason_is_the_only_one_where_it_holds_and_absent_just_short_of_it(kind):
    level, said, holds, short = CASES[kind]
    judged = verdict_of(**holds)
    assert kinds(judged["reasons"]) == [(kind, level)] and judged["trust"] == level
    text = judged["reasons"][0]["text"]
    assert all(number in text for number in said) and text in judged["sentence"]
    assert verdict_of(**short)["trust"] == "trust"


def test_a_record_of_fits_that_did_not_converge_calls_for_care():
    judged = verdict(track_of(GOOD, rhat=MAX_FORECAST_RHAT + 0.03), runs=10)
    assert kinds(judged["reasons"]) == [("tests not converged", CARE)] and "R-hat 1.08" in judged["sentence"]
    assert verdict(track_of(GOOD, rhat=MAX_FORECAST_RHAT), runs=10)["trust"] == "trust"


def test_a_baseline_that_was_better_by_chance_only_is_no_reason_for_distrust():
    """On one task in four we were far off: the ratio is high, and another draw of tasks would have had us ahead."""
    far_off = scores_of(ours=(np.repeat([0.0, 0.0, 0.0, 0.2], 5), WIDE), linear=(0.03, 0.0))
    found = record(far_off)["crps_ratio"]
    assert found["estimate"] > WORSE and found["q05"] < 1
    given = dict(kinds(verdict_of(far_off)["reasons"]))
    assert given["no better than a baseline"] == CARE and "beaten by a baseline" not in given


@pytest.mark.parametrize(
    ("structures", "said"),
    [
        (apart((22, 23, 24), (22, "inf", "inf")), "'ceiling 1' says never"),
        (apart((22, "inf", "inf"), ("inf", "inf", "inf")), ""),
        (apart((22, 23, "inf"), (22, 23, "inf")), ""),
        (apart((22.5, 23, 23.5), (27, 28, 29), weights=(1 - COUNTS / 2, COUNTS / 2)), ""),
        (apart((22.5, 23, 23.5), (22, "inf", "inf"), weights=(1 - COUNTS / 2, COUNTS / 2)), ""),
        (apart((22.5, 23, 23.5), (27, 28, "inf")), "5.0 decades apart"),
        (apart(("-inf", "-inf", 21), ("-inf", "-inf", 21)), ""),
    ],
)
def test_structures_disagree_where_those_with_a_say_are_apart_or_only_some_say_never(structures, said):
    reasons = verdict_of(thresholds=[structures])["reasons"]
    assert [said in each["text"] for each in reasons] == ([True] if said else [])


@pytest.mark.parametrize("median", ["inf", "-inf", 15.0])
def test_never_and_long_ago_are_not_farther_than_tested(median):
    assert verdict_of(thresholds=[answer(median)])["trust"] == "trust"


def test_without_a_test_a_forecast_far_ahead_is_farther_than_tested():
    near, far = (verdict_of(None, **at(answer(22.5 + FARTHER + over)))["reasons"] for over in (-0.1, 0.1))
    assert kinds(near) == [("untested", NOT)] and kinds(far) == [("untested", NOT), ("farther than tested", NOT)]


def test_a_verdict_on_a_fit_is_that_on_its_table_and_on_the_thresholds_that_are_shown():
    of_table = {name: verdict_of()[name] for name in ("record", "reasons")}  # what summary.json keeps
    given = {"runs": 10, "moved": [line_of(True)], "unsound": [], "scale": COMPUTE, "table": "my table.csv"}
    near = verdict_on_fit(of_table, thresholds=[answer()], **given)
    assert near["sentence"] == verdict_of(**at(answer()), moved=[line_of(True)])["sentence"]
    far = verdict_on_fit(of_table, thresholds=[answer(FAR + 0.1)], **given)
    assert kinds(far["reasons"]) == [("farther than tested", NOT)] and far["trust"] == NOT
    never = verdict_on_fit(None, thresholds=[answer()], **given | {"unsound": ["few draws"]})
    assert kinds(never["reasons"]) == [("not converged", NOT), ("untested", NOT)]
    assert "never tested; `forecast backtest 'my table.csv' -o backtest` hides" in never["sentence"]


def test_the_worst_reason_decides_and_the_sentence_names_all_of_both_levels():
    judged = verdict_of(worse_by(1.0), unsound=["few draws"], runs=3, **at(apart(LOW, HIGH)))
    assert judged["trust"] == NOT == "do not trust" and len(judged["reasons"]) == 4
    few = f"only 3 runs can be learned from; at least {FEW_RUNS} are needed"
    assert judged["sentence"].startswith(f"Do not trust this forecast: {few}; few draws. Besides, take care: ")
    against, care = judged["sentence"].split(" Besides, take care: ")
    assert "apart" in care and "no clear gain" in care and not ("apart" in against or "no clear gain" in against)
    assert care.index(" Tested on this table") > care.index("apart")
    both = verdict_of(worse_by(1.0), **at(apart(LOW, HIGH)))
    assert both["trust"] == CARE == "trust with care" and "apart" in both["sentence"]
    assert both["sentence"].startswith("Trust this forecast with care: no clear gain")
    assert "Besides" not in both["sentence"]


def test_reasons_are_named_once_each_and_heaviest_first():
    twice = {"unsound": ["few draws", "few draws"], "runs": 3} | at(answer(FAR + 0.1), moved=PRIOR)
    given = kinds(verdict_of(larger_by(NEW_SIZE - 0.01)["scores"], **twice)["reasons"])
    heaviest = ["too few runs", "not converged", "prior-dominated", "farther than tested"]
    assert given == [*((kind, NOT) for kind in heaviest), ("sizes untested", CARE)]
    untested = kinds(verdict_of(None, **twice)["reasons"])
    assert [kind for kind, _ in untested] == [*heaviest[:2], "untested", *heaviest[2:]]


def test_where_dates_are_the_scale_distances_are_in_years():
    dated = at(apart(LOW, HIGH) | {"date": {}})
    assert "medians lie 1.2 years apart" in verdict_of(**dated)["sentence"]  # 1.2 decades, of which a year has one
    far = answer(22.5 + FARTHER + 3.0) | {"date": {}}
    (reason,) = verdict_of(None, **at(far))["reasons"][1:]
    ahead = f"{FARTHER + 3.0:.1f} years beyond the latest run"
    assert ahead in reason["text"]
    tested = replace(track_of(GOOD), scale=DATES)
    assert f"up to {GOOD['decades_beyond'].max():.1f} years ahead" in verdict(tested, runs=10)["sentence"]


def test_a_sentence_says_how_much_worse_than_the_best_baseline():
    change = record(worse_by(1.25))["crps_ratio"]["estimate"] - 1
    assert change == pytest.approx(0.25, abs=0.02)
    assert f"{change:.0%} worse than the best baseline (linear)" in verdict_of(worse_by(1.25))["sentence"]
    ratio = record(worse_by(4.0))["crps_ratio"]["estimate"]
    assert f": CRPS {ratio:.1f} times that of the best baseline" in verdict_of(worse_by(4.0))["sentence"]
    assert ": as good as the best baseline (linear), " in verdict_of(worse_by(1.0))["sentence"]


def endless() -> pd.DataFrame:
    """Forecasts of losses, of which ours holds draws at infinity."""
    off = np.append(np.zeros(8), np.inf)[:, None] + np.zeros(20)
    draws, rows = {OURS: 0.4 + off, "power law": np.full((9, 20), 0.5)}, rows_of(metric="loss")
    options = {"log10_cut": CUT, "seed": SEED}
    return pd.concat([score_rows(each, rows, method=name, **options) for name, each in draws.items()])


@pytest.mark.parametrize(
    "scores",
    [GOOD, None, endless(), scores_of(rows_of(TASKS[:1], runs=1), linear=(0.1, 0.0)), scores_of(linear=(0.0, 0.0))],
    ids=["good", "untested", "infinite", "one outcome", "a perfect baseline"],
)
def test_a_verdict_is_plain_json_without_nan_or_infinity(scores):
    judged = verdict_of(scores, thresholds=[answer("inf")], moved=[line_of(False)], unsound=["x"])
    assert json.loads(json.dumps(judged, allow_nan=False), parse_constant=refuse_constant) == judged
    assert "nan" not in judged["sentence"]


# One task


MISSED = np.r_[[0.15] * 2, [0.0] * 18]  # two of five of sums
BEATEN = np.r_[[0.01] * 5, [0.1] * 15]


def test_a_task_that_was_forecast_well_is_trusted_as_near_as_it_was_tested():
    assert cell_trust(GOOD, "sums", farther=FARTHER) == ("trust", [])


@pytest.mark.parametrize(
    ("past", "task", "farther", "kind", "level"),
    [
        (GOOD, "sums", FARTHER + 0.1, "far", CARE),
        (GOOD, "other", 0.0, "untested task", CARE),
        (scores_of(ours=(MISSED, WIDE), linear=(0.1, 0.0)), "sums", 0.0, "task missed", NOT),
        (scores_of(linear=(BEATEN, 0.0)), "sums", 0.0, "task beaten", CARE),
        (missing(5), "code", 0.0, "intervals too narrow", NOT),
        (worse_by(WORSE + 0.03), "other", 0.0, "beaten by a baseline", NOT),
    ],
)
def test_what_speaks_against_a_task_is_its_own_record_or_that_of_its_table(past, task, farther, kind, level):
    trust, reasons = cell_trust(past, task, farther=farther)
    assert (kind, level) in kinds(reasons) and trust == level


def test_what_speaks_against_one_task_does_not_speak_against_another():
    one = scores_of(ours=(MISSED, WIDE), linear=(BEATEN, 0.0))
    assert cell_trust(one, "words", farther=0.0) == ("trust", [])
    assert kinds(cell_trust(one, "sums", farther=0.0)[1]) == [("task missed", NOT), ("task beaten", CARE)]


def test_a_threshold_out_of_reach_is_called_so_and_not_by_its_distance():
    found = verdict_of(**at(answer(110.0)))
    assert (
        "is expected more than 6.0 decades beyond the largest run" in found["sentence"]
        and "87." not in found["sentence"]
    )


# Tasks that fall or turn

FALLS = "scores of sums fall with training compute (rank correlation -1.00, 90% -1.00 to -0.86): this is not"


def falling(**changes):
    found = {"rank_correlation": -0.999, "interval": [-0.999, -0.861], "says": "falls"}
    quantiles = dict.fromkeys(("q05", "q50", "q95"))
    return answer(metric="exact_match", direction=found, log10_compute=quantiles, structures=[], **changes)


def test_a_threshold_of_a_falling_task_is_not_to_be_trusted_whatever_else_is():
    found = verdict_of(**at(falling()))
    assert kinds(found["reasons"])[0] == ("not this model's case", NOT)
    assert found["sentence"].startswith(f"Do not trust this forecast: {FALLS}")


def test_a_falling_task_of_the_table_calls_for_care_about_others_and_alone_for_distrust():
    tested = replace(track_of(GOOD), refusals={"sums": f"{FALLS} this model's case"}, tasks=4)
    some, one = verdict(tested, runs=10), verdict(replace(tested, tasks=1), runs=10)
    assert kinds(some["reasons"]) == [("not this model's case", CARE)] and "leave the task out" in some["sentence"]
    assert kinds(one["reasons"]) == [("not this model's case", NOT)]
    asked = verdict(tested, runs=10, **at(falling()))
    assert kinds(asked["reasons"])[0] == ("not this model's case", NOT) and len(asked["reasons"]) == 1
