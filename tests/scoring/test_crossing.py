"""Scores of thresholds on a ladder: perfect and wrong forecasts, censored truths, infinite draws."""

import numpy as np
import pytest
import scoringrules

from forecast.scoring.crossing import Crossing, crossing, ranked_probability_score
from tests.conftest import SEED

RUNGS = np.array([20.0, 21.0, 22.0, 23.0])


def crossed(*score, at=0.5) -> Crossing:
    return crossing(RUNGS, np.array(score), at)


@pytest.mark.parametrize(
    ("score", "low", "high"),
    [
        ((0.0, 0.2, 0.6, 0.9), 21, 22),
        ((0.0, 0.2, 0.5, 0.9), 21, 22),  # at the threshold is crossed
        ((0.0, 0.1, 0.2, 0.3), 23, np.inf),
        ((0.6, 0.7, 0.8, 0.9), -np.inf, 20),
    ],
)
def test_the_truth_lies_between_two_rungs_or_beyond_the_ladder(score, low, high):
    found = crossed(*score)
    assert (found.low, found.high) == (low, high)


def test_a_lone_success_is_averaged_with_the_failures_after_it():
    assert crossed(0.1, 0.6, 0.2, 0.9).first == 3
    assert crossed(0.1, 0.8, 0.4, 0.9).first == 1  # the failure after it is the smaller one
    assert crossed(0.9, 0.1, 0.1, 0.1).high == np.inf


def test_runs_come_in_any_order_and_equal_computes_are_one_rung():
    found = crossing(np.array([22.0, 21.0, 22.0, 20.0]), np.array([0.3, 0.2, 0.9, 0.1]), 0.5)
    assert found.log10_rungs.tolist() == [20, 21, 22] and found.high == 22


TRUTHS = {
    "between": crossed(0.0, 0.2, 0.6, 0.9),
    "later": crossed(0.0, 0.1, 0.2, 0.3),
    "earlier": crossed(0.6, 0.7, 0.8, 0.9),
}
PERFECT = {"between": [21.1, 21.9, 22.0], "later": [23.1, 40.0, np.inf], "earlier": [-np.inf, 3.0, 20.0]}


@pytest.mark.parametrize("name", TRUTHS)
def test_a_perfect_forecast_scores_zero(name):
    assert ranked_probability_score(np.array(PERFECT[name]), TRUTHS[name]) == 0


@pytest.mark.parametrize(
    ("name", "draw", "expected"), [("later", -np.inf, 1), ("earlier", np.inf, 1), ("between", np.inf, 0.5)]
)
def test_a_sure_and_wrong_forecast_costs_one_for_every_rung_between_it_and_the_truth(name, draw, expected):
    assert ranked_probability_score(np.full(5, draw), TRUTHS[name]) == expected


def test_never_and_later_than_the_ladder_cost_the_same():
    for truth in TRUTHS.values():
        never, later = (ranked_probability_score(np.array([21.5, beyond]), truth) for beyond in (np.inf, 24.0))
        assert never == later


def test_the_score_is_the_closed_form_of_squared_differences_of_cumulative_probabilities():
    draws = np.array([-np.inf, 20.5, 21.5, 22.0, np.inf])
    # P(threshold <= rung) = 1/5, 2/5, 4/5, 4/5 against 0, 0, 1, 1
    assert ranked_probability_score(draws, TRUTHS["between"]) == pytest.approx((0.04 + 0.16 + 0.04 + 0.04) / 4)


def test_on_a_dense_ladder_the_score_is_the_crps_of_the_threshold():
    rungs = np.linspace(15, 30, 3001)
    truth = Crossing(log10_rungs=rungs, first=int(np.searchsorted(rungs, 22.3)))
    draws = np.random.default_rng(SEED).normal(22.0, 1.0, 500)
    area = ranked_probability_score(draws, truth) * len(rungs) * (rungs[1] - rungs[0])
    assert area == pytest.approx(scoringrules.crps_ensemble(22.3, draws), abs=0.006)  # a rung's width


def test_an_honest_forecast_is_expected_to_beat_a_shifted_one():
    rng = np.random.default_rng(SEED)
    draws, truths = rng.normal(21.5, 1.0, 400), rng.normal(21.5, 1.0, 400)
    ladders = [Crossing(log10_rungs=RUNGS, first=int(np.searchsorted(RUNGS, each))) for each in truths]
    lost = [ranked_probability_score(draws + 1, each) - ranked_probability_score(draws, each) for each in ladders]
    assert np.mean(lost) > 4 * np.std(lost) / len(lost) ** 0.5


def test_nan_draws_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        ranked_probability_score(np.array([21.0, np.nan]), TRUTHS["later"])


@pytest.mark.parametrize("seed", range(5))
def test_the_score_is_that_of_scoringrules(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(20.0, 25.0, 6))
    truth = crossing(x, np.sort(rng.uniform(0.0, 1.0, 6)), 0.5)
    draws = np.append(rng.normal(22.5, 1.5, 200), [np.inf, -np.inf])
    counts = np.bincount(np.searchsorted(truth.log10_rungs, draws, side="left"), minlength=len(truth.log10_rungs) + 1)
    expected = scoringrules.rps_score(truth.first + 1, counts / len(draws)) / len(truth.log10_rungs)
    assert ranked_probability_score(draws, truth) == pytest.approx(float(expected), rel=1e-12)
