"""The rising factorial of the beta-binomial against sums of logs, SciPy's digamma and first-order limits."""

import math

import numpy as np
import pytensor
import pytest
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from scipy import special

from models.log_rising import log_rising
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")
XS = [1e-14, 1e-9, 1e-4, 0.03, 0.5, 1.0, 2.5, 7.9, 8.1, 40.0, 1e3, 1e5, 1e7]
COUNTS = [1, 2, 3, 10, 57, 1000, 30000]


@pytest.fixture(scope="module")
def both():
    """Values and slopes of vectors (x, n), interpreted."""
    x, n = pt.vector("x"), pt.vector("n")
    value = log_rising(x, n)
    with pytensor.config.change_flags(cxx=""):
        return pytensor.function([x, n], [value, pytensor.grad(value.sum(), x)], mode=UNCOMPILED)


def log_of_product(x, n):
    """The sum of log((x + i) / n), rounded once: x (x + 1) ... (x + n - 1) over n^n for a whole n."""
    return math.fsum(math.log(x + i) for i in range(n)) - n * math.log(n)


@pytest.mark.parametrize("n", COUNTS)
def test_a_whole_rising_factorial_is_the_product_of_its_factors(both, n):
    value, _ = both(np.array(XS), np.full(len(XS), float(n)))
    for x, found in zip(XS, value, strict=True):
        assert found == pytest.approx(log_of_product(x, n), rel=1e-15, abs=1e-14 * max(x, n)), x


@pytest.mark.parametrize("n", COUNTS)
def test_its_slope_is_the_sum_of_the_inverse_factors(both, n):
    """To 1e-13 of itself where x is small, and of the digamma functions that cancel where x is large."""
    _, slope = both(np.array(XS), np.full(len(XS), float(n)))
    for x, found in zip(XS, slope, strict=True):
        assert found == pytest.approx(math.fsum(1.0 / (x + i) for i in range(n)), rel=1e-13, abs=1e-14), x


def test_fractional_counts_agree_with_the_gamma_and_digamma_functions(both):
    """Numbers are kept small: there SciPy's gammaln is exact to 1e-13."""
    rng = np.random.default_rng(SEED)
    x, n = rng.uniform(0.01, 40, 400), rng.uniform(0.01, 40, 400)
    value, slope = both(x, n)
    np.testing.assert_allclose(value, special.gammaln(x + n) - special.gammaln(x) - n * np.log(n), atol=5e-13)
    np.testing.assert_allclose(slope, special.digamma(x + n) - special.digamma(x), rtol=1e-12, atol=1e-13)


def test_the_slope_is_that_of_finite_differences(both):
    x = np.array([0.02, 0.7, 3.0, 25.0, 600.0])
    n, step = np.full(5, 12.0), 1e-5 * x
    ahead, behind = both(x + step, n)[0], both(x - step, n)[0]
    np.testing.assert_allclose(both(x, n)[1], (ahead - behind) / (2 * step), rtol=1e-8)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(both(x, n + 1)[1], (ahead - behind) / (2 * step), rtol=1e-8)


def test_nothing_of_zero_counts_is_exactly_zero_however_small_x_is(both):
    for values in both(np.array([1e-300, 1e-14, 1.0, 1e10]), np.zeros(4)):
        np.testing.assert_array_equal(values, 0.0)


def test_near_zero_it_is_the_log_of_x_and_a_slope_of_one_over_x(both):
    """``Gamma(x + n) / Gamma(x) = x Gamma(n) (1 + O(x))``."""
    n = np.array([1.0, 4.0, 200.0])
    value, slope = both(np.full(3, 1e-14), n)
    limit = math.log(1e-14) + special.gammaln(n) - n * np.log(n)
    np.testing.assert_allclose(value, limit, atol=1e-14 * 200 + 1e-14)
    np.testing.assert_allclose(slope, 1e14, rtol=1e-13)


def test_it_rises_with_x_and_successive_counts_multiply(both):
    x = np.logspace(-10, 6, 60)
    assert np.all(np.diff(both(x, np.full(60, 9.0))[0]) > 0)
    first, second, together = (both(x + a, np.full(60, n))[0] for a, n in ((0, 9.0), (9, 4.0), (0, 13.0)))
    parts = first + second + 9 * math.log(9) + 4 * math.log(4) - 13 * math.log(13)
    assert np.all(abs(together - parts) <= 3e-14 * np.maximum(x, 13))  # three values, each to 1e-14


def test_the_compiled_function_is_the_interpreted_one(both):
    x, n = np.array(XS), np.resize([0.0, 1.0, 2.5, 300.0], len(XS))
    found = log_rising(pt.as_tensor(x), n).eval()
    assert np.all(abs(found - both(x, n)[0]) <= 1e-14 * np.maximum(x, n) + 1e-14)
    assert len(np.unique(found)) > len(XS) // 2


def test_it_broadcasts_and_takes_whole_counts():
    found = log_rising(np.array([[0.5], [2.0]]), np.array([1, 2, 3])).eval(mode=UNCOMPILED)
    expected = [[log_of_product(x, n) for n in (1, 2, 3)] for x in (0.5, 2.0)]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_counts_are_data_without_a_slope_and_a_second_derivative_is_refused():
    x, n = pt.scalar("x"), pt.scalar("n")
    assert float(pytensor.grad(log_rising(x, n), n).eval({n: 3.0}, mode=UNCOMPILED)) == 0.0
    with pytest.raises(NotImplementedError, match="slope of log_rising has no gradient"):
        pytensor.grad(pytensor.grad(log_rising(x, n), x), x)
