"""Joint scores: closed forms, what each of them sees, and units."""

import numpy as np
import pandas as pd
import pytest

from forecast.scoring.joint import energy_score, joint_scores, variogram_score
from forecast.scoring.rows import crps
from tests.conftest import SEED

ROWS, DRAWS = 4, 400


def forecasts(correlation: float, *, count: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """Draws (draw, row), standard normal, of rows that are equally correlated."""
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((count, 1)), rng.standard_normal((count, ROWS))
    return np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own


def test_the_energy_score_of_one_row_is_its_crps():
    draws, outcome = forecasts(0.0)[:, :1], np.array([0.3])
    assert energy_score(draws, outcome) == pytest.approx(crps(draws, outcome)[0], rel=1e-10)


def test_two_draws_of_two_rows_are_scored_as_by_hand():
    draws, outcome = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([0.0, 0.0])
    assert energy_score(draws, outcome) == pytest.approx(2.5 - 0.5 * 2.5)
    assert variogram_score(draws, outcome) == pytest.approx(0.25)  # of |3 - 4|^(1/2) / 2, for both orders of the pair


def test_a_sure_and_right_forecast_scores_zero():
    outcome = np.array([0.1, 0.4, 0.9])
    sure = np.tile(outcome, (5, 1))
    assert [energy_score(sure, outcome), variogram_score(sure, outcome)] == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("score", [energy_score, variogram_score])
def test_of_rows_that_move_together_the_forecast_that_knows_it_is_better(score):
    knows, ignores = forecasts(0.9), forecasts(0.0)
    outcomes = forecasts(0.9, count=400, seed=SEED + 1)
    lost = np.array([score(ignores, outcome) - score(knows, outcome) for outcome in outcomes])
    assert lost.mean() > 3 * lost.std() / np.sqrt(len(lost))


def test_an_error_that_all_rows_share_is_seen_by_the_energy_score_alone():
    draws, outcome = forecasts(0.5), np.zeros(ROWS)
    assert energy_score(draws + 5.0, outcome) > 4 * energy_score(draws, outcome)
    assert variogram_score(draws + 5.0, outcome) == pytest.approx(variogram_score(draws, outcome))


def test_one_row_has_no_pair_and_an_infinite_draw_an_infinite_score():
    assert np.isnan(variogram_score(np.zeros((3, 1)), np.zeros(1)))
    never = np.array([[0.0, 1.0], [np.inf, 1.0]])
    assert energy_score(never, np.ones(2)) == variogram_score(never, np.ones(2)) == np.inf


def test_horizons_are_scored_in_decades_of_minutes_and_rates_as_they_are():
    minutes = 10.0 ** forecasts(0.5)[:, :2]
    horizons, rates = (pd.DataFrame({"metric": [metric] * 2}) for metric in ("horizon", "choice"))
    found = joint_scores(horizons, minutes, np.array([1.0, 100.0]))
    assert found == joint_scores(rates, np.log10(minutes), np.array([0.0, 2.0]))
    assert found == {"energy_score": pytest.approx(energy_score(np.log10(minutes), np.array([0.0, 2.0])))} | {
        "variogram_score": pytest.approx(variogram_score(np.log10(minutes), np.array([0.0, 2.0])))
    }
