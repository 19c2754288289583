"""Baselines: each is right where its own assumption holds, and its intervals are those of its residuals."""

import numpy as np
import pytest
from conftest import SEED
from scipy.special import expit

from forecast.baselines import BASELINES, baseline_draws, gompertz, last_value, linear, logistic, power_law

X = np.linspace(20.0, 23.0, 13)
NEW = np.array([19.0, 21.7, 24.0, 25.5])
CURVES = {
    "last value": lambda x: np.full_like(x, 0.37),
    "linear": lambda x: np.clip(0.1 + 0.2 * (x - 20), 0, 1),
    "logistic": lambda x: expit(1.7 * (x - 22.5)),
    "power law": lambda x: np.exp(-(10 ** (0.3 - 0.4 * (x - 21)))),
}
CURVES["Gompertz"] = CURVES["power law"]  # one curve, fitted on two scales
MANY = 10**6  # trials, so that half counts do not matter


def draws_of(method, score, new=NEW, draws=400, trials=MANY):
    trials = np.full(len(score), float(trials))
    rng = np.random.default_rng(SEED)
    return baseline_draws(method, X, np.round(score * trials), trials, new, draws=draws, rng=rng)


def test_every_baseline_is_tested_here():
    assert set(BASELINES) == set(CURVES)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_recovers_its_own_noiseless_curve(name):
    np.testing.assert_allclose(BASELINES[name](X, CURVES[name](X))(NEW), CURVES[name](NEW), atol=1e-6)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_does_not_recover_the_curve_of_another(name):
    other = "linear" if name in ("power law", "Gompertz") else "power law"
    assert np.abs(BASELINES[name](X, CURVES[other](X))(NEW) - CURVES[other](NEW)).max() > 0.02


@pytest.mark.parametrize("name", BASELINES)
def test_rows_in_another_order_give_the_same_curve(name):
    shuffled = np.random.default_rng(SEED).permutation(len(X))
    score = expit(X - 22)
    np.testing.assert_allclose(
        BASELINES[name](X[shuffled], score[shuffled])(NEW), BASELINES[name](X, score)(NEW), atol=1e-6
    )


def test_last_value_is_the_score_of_the_largest_run():
    assert np.all(last_value(np.array([21.0, 23.0, 22.0]), np.array([0.1, 0.2, 0.9]))(NEW) == 0.2)


@pytest.mark.parametrize("name", BASELINES)
def test_noiseless_data_give_draws_on_the_curve(name):
    np.testing.assert_allclose(
        draws_of(BASELINES[name], CURVES[name](X)), CURVES[name](NEW)[None].repeat(400, 0), atol=3e-3
    )


@pytest.mark.parametrize("method", [linear, logistic, power_law, gompertz])
def test_intervals_cover_the_spread_of_the_residuals(method):
    """Residuals of +-1 on the logit scale: the predictive spread inside the data is at least theirs, not many times."""
    signs = np.resize([1.0, -1.0, -1.0, 1.0], len(X))
    score = expit(0.5 * (X - 21.5) + signs)
    draws = draws_of(method, score, new=np.array([21.5]), draws=2000)[:, 0]
    spread = np.log(draws / (1 - draws)).std()
    error = spread / (2 * len(draws)) ** 0.5
    assert 1.0 - 5 * error < spread < 2.0
    quiet = draws_of(method, expit(0.5 * (X - 21.5) + 0.1 * signs), new=np.array([21.5]), draws=2000)[:, 0]
    assert np.log(quiet / (1 - quiet)).std() < 0.3  # a tenth of the noise: far narrower


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("score", [np.zeros(13), np.ones(13), np.r_[np.zeros(12), 1.0], np.r_[np.ones(12), 0.0]])
def test_zero_and_full_scores_give_draws_within_the_unit_interval(name, score):
    draws = draws_of(BASELINES[name], score, draws=50, trials=20)
    assert draws.shape == (50, len(NEW)) and np.all((draws >= 0) & (draws <= 1))


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_gives_the_same_draws(name):
    score = expit(X - 22 + np.sin(7 * X))
    np.testing.assert_array_equal(
        draws_of(BASELINES[name], score, draws=20), draws_of(BASELINES[name], score, draws=20)
    )
