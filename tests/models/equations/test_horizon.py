"""Time horizons: the weighted logistic regression against SciPy's optimiser, its limits and invariants."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from models.equations.horizon import RIDGE, fitted_horizon, success_at_minutes
from tests.conftest import SEED

LOG2_MINUTES = np.linspace(-2.0, 11.0, 60)


def drawn(horizon, slope, tries=8):
    rng = np.random.default_rng(SEED)
    won = rng.binomial(tries, success_at_minutes(2.0**LOG2_MINUTES, horizon=horizon, slope=slope))
    return won / tries, rng.uniform(0.2, 2.0, len(won))


def by_optimiser(share, weight):
    """Horizon and slope at which the penalised likelihood is largest, by a search that knows no gradient."""
    weight = weight / weight.sum()

    def misfit(parameters):
        logit = parameters[0] - parameters[1] * LOG2_MINUTES
        return -(weight * (share * log_expit(logit) + (1 - share) * log_expit(-logit))).sum() + (
            0.5 * RIDGE * parameters[1] ** 2
        )

    level, slope = minimize(misfit, [0.0, 0.1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}).x
    return 2.0 ** (level / slope), slope


@pytest.mark.parametrize(("horizon", "slope"), [(0.3, 0.8), (12.0, 0.4), (300.0, 1.5)])
def test_the_regression_is_the_optimum_of_the_likelihood(horizon, slope):
    share, weight = drawn(horizon, slope)
    np.testing.assert_allclose(fitted_horizon(LOG2_MINUTES, share, weight), by_optimiser(share, weight), rtol=1e-4)


def test_success_is_one_half_at_the_horizon_and_falls_with_time():
    assert success_at_minutes(40.0, horizon=40.0, slope=0.7) == 0.5
    assert (np.diff(success_at_minutes(2.0**LOG2_MINUTES, horizon=40.0, slope=0.7)) < 0).all()
    assert success_at_minutes(80.0, horizon=40.0, slope=0.7) == pytest.approx(expit(-0.7))


def test_exact_shares_give_their_horizon_back():
    share = success_at_minutes(2.0**LOG2_MINUTES, horizon=25.0, slope=0.6)
    horizon, slope = fitted_horizon(LOG2_MINUTES, share, np.ones(len(share)))
    assert horizon == pytest.approx(25.0, rel=1e-3) and slope == pytest.approx(0.6, rel=1e-3)


def test_a_horizon_does_not_depend_on_the_scale_of_weights_and_moves_with_the_unit_of_time():
    share, weight = drawn(30.0, 0.5)
    first = fitted_horizon(LOG2_MINUTES, share, weight)[0]
    assert fitted_horizon(LOG2_MINUTES, share, 1000 * weight)[0] == pytest.approx(first)
    assert fitted_horizon(LOG2_MINUTES + np.log2(60), share, weight)[0] == pytest.approx(60 * first)


def test_a_task_of_double_weight_counts_as_two_tasks():
    share, weight = drawn(30.0, 0.5)
    twice = fitted_horizon(*(np.append(each, each[:5]) for each in (LOG2_MINUTES, share, weight)))[0]
    weight[:5] *= 2
    assert fitted_horizon(LOG2_MINUTES, share, weight)[0] == pytest.approx(twice)


def test_many_weights_at_once_are_as_one_after_the_other():
    share, weight = drawn(30.0, 0.5)
    weights = np.stack([weight, weight[::-1], np.where(np.arange(60) % 2, weight, 0.0)])
    together = fitted_horizon(LOG2_MINUTES, np.tile(share, (3, 1)), weights)[0]
    np.testing.assert_allclose(together, [fitted_horizon(LOG2_MINUTES, share, own)[0] for own in weights])


def test_success_that_does_not_fall_puts_the_horizon_beyond_all_tasks():
    ones = np.ones(60)
    assert fitted_horizon(LOG2_MINUTES, 0 * ones, ones)[0] == 0.0
    assert fitted_horizon(LOG2_MINUTES, ones, ones / 7)[0] == np.inf
    assert fitted_horizon(LOG2_MINUTES, (LOG2_MINUTES > 2.0) * 1.0, ones)[0] == np.inf
    assert fitted_horizon(LOG2_MINUTES, (LOG2_MINUTES > 9.0) * 1.0, ones)[0] == 0.0


def test_tasks_that_are_told_apart_without_error_still_have_a_horizon_between_them():
    horizon, slope = fitted_horizon(LOG2_MINUTES, (LOG2_MINUTES < 5.0) * 1.0, np.ones(60))
    assert 2**4.5 < horizon < 2**5.5 and 3 < slope < np.inf
