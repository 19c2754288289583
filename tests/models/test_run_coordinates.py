"""Coordinates of runs: their log Jacobian against automatic differentiation, and the way there against the way back."""

import numpy as np
import pytensor
import pytest
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import jacobian
from scipy import stats

from models.facts.placing import residual_basis
from models.run_coordinates import (
    SMALLEST_SCALE,
    coordinates_of_runs,
    draw_runs,
    log_density_of_runs,
    origin_scale_and_standard,
)
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")
X = np.array([-2.0, -1.1, -0.3, 0.0, 0.4, 1.7, 1.7])  # decades from the reference; two runs of equal compute
SHARE = np.array([1.0, 2.0, 5.0, 6.0, 6.0, 3.0, 1.0]) / 24.0  # how much each run counts for the line


def weights_of_the_line():
    """Level at the reference and slope of the weighted least-squares line through runs, by the normal equations."""
    line = np.stack([np.ones_like(X), X])
    return np.linalg.solve(line * SHARE @ line.T, line * SHARE)


WEIGHTS = weights_of_the_line()
BASIS = residual_basis(WEIGHTS)


@pytest.fixture(scope="module", autouse=True)
def _without_a_compiler():
    with pytensor.config.change_flags(cxx=""):
        yield


def test_the_log_jacobian_is_that_of_automatic_differentiation():
    """Up to ln |det (1, x, B)|, which no value changes."""
    rng = np.random.default_rng(SEED)
    value, expected, sigma = pt.vectors("value", "expected", "sigma")
    origin, scale, standard = origin_scale_and_standard(value, X, BASIS)
    theta = origin + scale * standard
    density = log_density_of_runs(value, pt.as_tensor(X), expected, sigma, WEIGHTS, BASIS)
    outputs = [theta, jacobian(theta, value, vectorize=True), density]
    function = pytensor.function([value, expected, sigma], outputs, mode=UNCOMPILED)
    constant = np.linalg.slogdet(np.column_stack([np.ones_like(X), X, BASIS]))[1]
    for point in rng.normal(0.0, 0.7, size=(30, len(X))):
        mean, sd = X + rng.normal(0.0, 0.2, len(X)), np.exp(rng.normal(-1.5, 0.3, len(X)))
        values, derivative, found = function(point, mean, sd)
        log_jacobian = np.linalg.slogdet(derivative)[1]
        of_theta = stats.norm.logpdf(values, mean, sd).sum()
        assert found == pytest.approx(of_theta + log_jacobian - constant, rel=1e-10)
        assert log_jacobian == pytest.approx((len(X) - 1) * point[1] + constant, rel=1e-10, abs=1e-10)


def test_coordinates_of_runs_give_effective_compute_back():
    theta = X + np.random.default_rng(SEED).normal(0.0, 0.2, (40, len(X)))
    values = coordinates_of_runs(theta, X, WEIGHTS, BASIS)
    again = [np.exp(value[1]) * (X + BASIS @ value[2:]) + value[0] for value in values]
    np.testing.assert_allclose(again, theta, atol=1e-12)


def test_the_laws_see_runs_of_level_0_and_slope_1():
    value = np.random.default_rng(SEED).normal(size=len(X))
    standard = origin_scale_and_standard(pt.as_tensor(value), X, BASIS)[2].eval(mode=UNCOMPILED)
    np.testing.assert_allclose(WEIGHTS @ standard, [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(BASIS.T @ BASIS, np.eye(len(X) - 2), atol=1e-12)


@pytest.mark.parametrize(
    ("size", "batch", "expected_shape"),
    [
        (None, (), ()),
        ((), (), ()),
        (None, (5,), (5,)),
        ((5,), (1,), (5,)),
        ((5,), (5,), (5,)),
        ((2, 5), (1, 5), (2, 5)),
    ],
)
def test_drawn_coordinates_have_the_shape_of_the_batch(size, batch, expected_shape):
    """PyMC gives parameters as many batch dims as the size has. Every draw has noise of its own."""
    mean, sd = np.broadcast_to(X, (*batch, len(X))), np.full((*batch, len(X)), 0.1)
    x, weights, basis = (each.reshape((1,) * len(batch) + each.shape) for each in (X, WEIGHTS, BASIS))
    drawn = draw_runs(x, mean, sd, weights, basis, rng=np.random.default_rng(SEED), size=size)
    assert drawn.shape == (*expected_shape, len(X))
    assert len(np.unique(drawn[..., 0])) == np.prod(expected_shape, dtype=int)


def test_drawn_effective_compute_has_its_prior_and_never_a_slope_below_the_smallest():
    """Twice the standard deviation is the negative control."""
    sigma, rng = np.full(len(X), 0.2), np.random.default_rng(SEED)
    values = draw_runs(X, X, sigma, WEIGHTS, BASIS, rng=rng, size=(2000,))
    theta = values[:, :1] + np.exp(values[:, 1:2]) * (X + values[:, 2:] @ BASIS.T)
    z = ((theta - X) / sigma).ravel()
    assert stats.kstest(z, "norm").pvalue > 1e-5 > stats.kstest(z / 2.0, "norm").pvalue
    falling = draw_runs(X, -X, sigma, WEIGHTS, BASIS, rng=rng, size=(20,))
    np.testing.assert_allclose(np.exp(falling[:, 1]), SMALLEST_SCALE)
