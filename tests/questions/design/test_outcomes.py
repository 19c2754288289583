"""Importance weights of measurements not yet made, against closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import gammaln, ndtr

from forecast.questions.design.expected import even_normals
from forecast.questions.design.outcomes import (
    Measurement,
    Scatter,
    draw_outcomes,
    effective_draws,
    interval_ends,
    interval_scores,
    log_likelihood,
    spread_truths,
    weights_of,
)
from models.facts.counts import Contamination
from models.log_rising import log_rising_of
from tests.conftest import SEED

SOUND = Scatter(counts=Contamination(0.0, 0.0, 12.0), degrees_of_freedom=1e9)
MIXED = Scatter(counts=Contamination(0.05, 1e-5, 12.0), degrees_of_freedom=3.0)
Z95 = 1.6448536
DRAWS, OUTCOMES = 4000, 200


@pytest.fixture
def rng():
    return np.random.default_rng(SEED)


def after(measurements, values, rng, scatter=SOUND, outcomes=OUTCOMES):
    """Ends (2, outcome), interval scores (outcome) and weights after measurements, of a quantity with these draws."""
    truth = spread_truths(values, outcomes, rng)
    found, trials = draw_outcomes(measurements, truth, scatter, rng)
    weights = weights_of(log_likelihood(measurements, found, trials, scatter), truth, np.zeros(len(values)))
    ends = interval_ends(values, weights)
    return ends, interval_scores(values, weights, ends), weights


def counted(mean, trials, **more):
    return Measurement(mean=mean, spread=np.full(mean.shape[1], 1e6), trials=trials, **more)


@pytest.mark.parametrize(("noise", "residual"), [(1.0, 0.0), (0.5, 0.0), (0.5, 0.7)])
def test_a_normal_measurement_shrinks_a_normal_interval_as_the_conjugate_posterior_does(rng, noise, residual):
    """Prior N(0, 1), measured with noise and a residual that is integrated out: variance 1 / (1 + 1 / (s^2 + t^2))."""
    values = rng.standard_normal(DRAWS)
    mean = values + residual * even_normals((13, DRAWS), rng=rng)
    ends, scores, _ = after([Measurement(mean=mean, spread=np.full(DRAWS, noise), loss=True)], values, rng)
    expected = 2 * Z95 * (1 + 1 / (noise**2 + residual**2)) ** -0.5
    widths = ends[1] - ends[0]
    assert abs(widths.mean() - expected) < 4 * widths.std() / OUTCOMES**0.5 + 2 * expected / DRAWS**0.5
    assert abs(widths.mean() - 2 * Z95) > 0.3  # the negative control: as it was
    np.testing.assert_allclose(scores.mean(), widths.mean() * 4.1254 / (2 * Z95), rtol=0.04)  # of a normal


def test_a_measurement_of_something_known_for_sure_leaves_the_interval_as_it_is(rng):
    values = rng.standard_normal(DRAWS)
    ends, scores, weights = after([counted(np.full((1, DRAWS), 0.3), 50)], values, rng)
    now = np.quantile(values, (0.05, 0.95), method="inverted_cdf")
    places = np.searchsorted(np.sort(values), [*ends, *np.broadcast_to(now[:, None], ends.shape)])
    assert np.abs(places[:2] - places[2:]).max() <= 1  # the one draw left out
    np.testing.assert_allclose(effective_draws(weights), DRAWS - 1)
    np.testing.assert_allclose(scores, scores[0], rtol=0.01)


def test_more_items_are_never_expected_to_leave_a_larger_score(rng):
    values = rng.standard_normal(DRAWS)
    mean = (1 / (1 + np.exp(-1.5 * values)))[None]
    scores = [after([counted(mean, trials)], values, np.random.default_rng(SEED))[1] for trials in (1, 10, 100, 1000)]
    for fewer, more in pairwise(scores):
        assert more.mean() < fewer.mean() + 3 * np.hypot(more.std(), fewer.std()) / OUTCOMES**0.5
    assert scores[-1].mean() < 0.5 * scores[0].mean()


def test_more_items_of_an_evaluation_say_less_than_those_of_another(rng):
    """The spread of prompts is shared by all items of one evaluation: its further items cannot average it out."""
    values = rng.standard_normal(DRAWS)
    mean = (1 / (1 + np.exp(-values)))[None]
    shared = {"mean": mean, "spread": np.full(DRAWS, 30.0), "trials": 1000}
    old = Measurement(**shared, old_count=500, old_trials=1000)
    scores = [after([each], values, rng)[1].mean() for each in (old, Measurement(**shared))]
    assert scores[0] > 1.2 * scores[1]


@pytest.mark.parametrize("scatter", [SOUND, MIXED])
@pytest.mark.parametrize("old", [(0.0, 0.0), (3.0, 8.0)])
def test_the_probabilities_of_all_counts_add_to_one(rng, scatter, old):
    trials = 12
    spread, mean = rng.uniform(2, 300, 5), rng.uniform(0, 1, (3, 5))
    each = Measurement(mean=mean, spread=spread, trials=trials, old_count=old[0], old_trials=old[1])
    counts = np.arange(trials + 1.0)
    log = log_likelihood([each], counts[None], np.full((1, trials + 1), float(trials)), scatter)
    log += (gammaln(trials + 1) - gammaln(counts + 1) - gammaln(trials - counts + 1))[:, None]
    np.testing.assert_allclose(np.exp(log).sum(axis=0), 1.0, rtol=1e-9)


@pytest.mark.parametrize("old", [(0.0, 0.0), (30.0, 40.0)])
def test_counts_are_drawn_as_often_as_they_are_probable(rng, old):
    each = Measurement(mean=np.array([[0.2]]), spread=np.array([8.0]), trials=6, old_count=old[0], old_trials=old[1])
    found, trials = draw_outcomes([each], np.zeros(20_000, int), MIXED, rng)
    log = log_likelihood([each], np.arange(7.0)[None], np.full((1, 7), 6.0), MIXED)[:, 0]
    counts = np.arange(7.0)
    expected = np.exp(log + gammaln(7) - gammaln(counts + 1) - gammaln(7 - counts))
    seen = np.bincount(found[0].astype(int), minlength=7) / 20_000
    assert np.all(np.abs(seen - expected) < 5 * np.sqrt(expected / 20_000) + 1e-4)
    assert np.all(trials == 6)


def test_a_measurement_given_another_counts_among_its_passes_or_its_failures(rng):
    mean = np.full((1, 1), 0.5)
    chain = [counted(mean, 100), counted(mean, 0, given=0), counted(mean, 0, given=1, complement=True)]
    values, trials = draw_outcomes(chain, np.zeros(50, int), SOUND, rng)
    np.testing.assert_array_equal(trials[0], 100)
    np.testing.assert_array_equal(trials[1], values[0])
    np.testing.assert_array_equal(trials[2], trials[1] - values[1])
    assert np.all(values <= trials) and values.min() >= 0


def test_structures_keep_their_share_whatever_is_measured(rng):
    group = np.repeat(["a", "b"], [300, 100])
    log = np.where(group == "a", -1000.0, 0.0) + rng.standard_normal((5, 400))
    weights = weights_of(log, np.arange(5), group)
    np.testing.assert_allclose(weights[:, group == "a"].sum(axis=1), 0.75)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert np.all(weights[np.arange(5), np.arange(5)] == 0)  # no draw judges what it made


def test_ends_are_weighted_order_statistics_that_may_be_infinite(rng):
    values = np.where(rng.random(300) < 0.07, np.inf, rng.standard_normal(300))
    weights = rng.dirichlet(np.ones(300), 20)
    found = interval_ends(values, weights)
    for place, each in enumerate(weights):
        expected = np.quantile(values, (0.05, 0.95), method="inverted_cdf", weights=each)
        np.testing.assert_array_equal(found[:, place], expected)
    assert np.isinf(found[1]).any() and np.isfinite(found[1]).any()


def test_the_score_of_the_interval_of_a_posterior_is_the_distance_of_its_tails(rng):
    values, weights = np.sort(rng.gumbel(size=2000)), np.full((1, 2000), 1 / 2000)
    found = interval_scores(values, weights, interval_ends(values, weights))
    np.testing.assert_allclose(found, values[-100:].mean() - values[:100].mean(), rtol=1e-3)


def test_truths_are_spread_evenly_over_the_order_of_the_values(rng):
    values = np.where(rng.random(1000) < 0.3, np.inf, rng.standard_normal(1000))
    truth = spread_truths(values, 100, rng)
    assert abs(np.isinf(values[truth]).mean() - np.isinf(values).mean()) <= 0.01
    assert len(truth) == 100 and np.ptp(truth) > 500


def test_residuals_of_a_draw_lie_one_in_each_interval_of_equal_mass(rng):
    normals = even_normals((9, 50), rng=rng)
    places = np.sort(np.floor(ndtr(normals[:-1]) * 8), axis=0)
    np.testing.assert_array_equal(places, np.repeat(np.arange(8)[:, None], 50, axis=1))
    assert np.abs(normals).max() < 6 and normals[-1].std() > 0.5


def test_the_rising_factorial_of_arrays_is_that_of_scipy():
    x, n = np.array([1e-6, 0.3, 5.0, 2e3]), np.array([3.0, 0.0, 200.0, 17.5])
    expected = gammaln(x + n) - gammaln(x) - n * np.log(np.maximum(n, 1e-300))
    np.testing.assert_allclose(log_rising_of(x, n), expected, rtol=1e-9, atol=1e-9)
