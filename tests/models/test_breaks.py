"""Straight line against one break: leave-one-out scores beside exact ones."""

import numpy as np
import pytest
from scipy.special import log_ndtr, logsumexp
from scipy.stats import multivariate_normal, norm

from models.breaks import PRIORS, bent_axis, hypotheses, left_out, log_scores
from tests.conftest import SEED

GRID = np.arange(-4.0, 4.01, 0.02)
X = np.linspace(20.0, 23.0, 9)


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(SEED)
    return 0.2 - 0.4 * (X - X.mean()) + rng.normal(0, 0.08, len(X))


def axis_of(of):
    return bent_axis(X, position=of.position, steepening=of.steepening)


def test_every_axis_is_centred_and_rises_by_one_a_decade():
    of = hypotheses(np.array([21.1, 22.3]))
    axis = axis_of(of)
    np.testing.assert_allclose(axis.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.ptp(axis, axis=1), np.ptp(X))
    np.testing.assert_allclose(axis[of.straight], np.tile(X - X.mean(), (of.straight.sum(), 1)), atol=1e-12)
    slope = np.diff(axis, axis=1)
    np.testing.assert_allclose(slope[:, -1] / slope[:, 0], of.steepening)


def test_measured_with_normal_errors_the_scores_are_those_of_linear_regression(points):
    of, error = hypotheses(np.array([21.4])), 0.1
    found = left_out(norm.logpdf(GRID, points[:, None], error), GRID, axis_of(of), of.scatter)
    for h, axis in enumerate(axis_of(of)):
        v, noise = -axis, np.eye(len(X)) * (error**2 + of.scatter[h] ** 2)
        covariance = PRIORS.level_sd**2 + PRIORS.fall_sd**2 * np.outer(v, v) + noise
        whole = multivariate_normal(PRIORS.fall_mean * v, covariance).logpdf(points)
        assert found.log_evidence[h] == pytest.approx(whole, abs=2e-3)
        for run in range(len(X)):
            others = np.arange(len(X)) != run
            left = multivariate_normal(PRIORS.fall_mean * v[others], covariance[np.ix_(others, others)])
            part = left.logpdf(points[others])
            assert found.log_score[h, run] == pytest.approx(whole - part, abs=2e-3)


def test_bounds_alone_give_the_scores_of_integration_on_a_grid(points):
    """Three runs only say that their loss is above something: what no success at all says."""
    log_likelihood = norm.logpdf(GRID, points[:, None], 0.1)
    log_likelihood[:3] = log_ndtr((GRID - points[:3, None] + 0.2) / 0.2)
    of = hypotheses(np.array([21.4]))
    found = left_out(log_likelihood, GRID, axis_of(of), of.scatter)
    level, fall = np.meshgrid(np.linspace(-1, 1.5, 301), np.linspace(-0.6, 1.6, 301), indexing="ij")
    prior = norm.logpdf(level, 0, PRIORS.level_sd) + norm.logpdf(fall, PRIORS.fall_mean, PRIORS.fall_sd)
    for h in (1, 2, 7):
        mean = level[..., None] - fall[..., None] * axis_of(of)[h]
        width = np.hypot(0.1, of.scatter[h])
        each = norm.logpdf(points, mean, width)
        each[..., :3] = log_ndtr((mean[..., :3] - points[:3] + 0.2) / np.hypot(0.2, of.scatter[h]))
        total = each.sum(axis=-1) + prior
        exact = [logsumexp(total) - logsumexp(total - each[..., run]) for run in range(len(X))]
        # Of nine runs one is off by 0.06, where what is left is skewed; a verdict needs 4 nats.
        np.testing.assert_allclose(found.log_score[h], exact, atol=0.1)


def test_mixed_scores_are_those_of_the_weights_that_the_other_runs_give():
    rng = np.random.default_rng(SEED)
    log_score, evidence = rng.normal(size=(4, 3)), rng.normal(size=4)
    for run, mixed in enumerate(log_scores(log_score, evidence)):
        weight = np.exp(evidence - log_score[:, run])
        assert mixed == pytest.approx(np.log(weight @ np.exp(log_score[:, run]) / weight.sum()))


def test_a_likelihood_goes_on_beyond_its_grid():
    """A law far off the grid scores what the end of the grid says, not nothing."""
    of = hypotheses(np.array([21.4]))
    flat = np.zeros((len(X), len(GRID)))
    found = left_out(flat, GRID, axis_of(of), of.scatter)
    np.testing.assert_allclose(found.log_score, 0.0, atol=1e-4)


@pytest.mark.parametrize(("slope_after", "sign"), [(0.4, -1), (1.6, 1)])
def test_a_straight_truth_is_forecast_better_straight_and_a_bent_one_bent(slope_after, sign):
    rng = np.random.default_rng(SEED)
    x = np.linspace(20, 24, 16)
    truth = 0.5 - 0.4 * (x - 22) - (slope_after - 0.4) * np.maximum(x - 22, 0) + rng.normal(0, 0.05, 16)
    of = hypotheses(np.array([21.5, 22.0, 22.5]))
    axis = bent_axis(x, position=of.position, steepening=of.steepening)
    found = left_out(norm.logpdf(GRID, truth[:, None], 0.03), GRID, axis, of.scatter)
    straight, bent = (
        log_scores(found.log_score[own], found.log_evidence[own]).sum() for own in (of.straight, ~of.straight)
    )
    assert sign * (bent - straight) > 3
