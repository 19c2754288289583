"""Log of the rising factorial, the one special function of the beta-binomial, with its slope in the same pass."""

from math import log

from numba import njit, vectorize
from numba.extending import register_jitable
from pytensor import tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.link.numba.dispatch.basic import numba_njit
from pytensor.link.numba.dispatch.scalar import register_scalar_funcify, scalar_op_cache_key
from pytensor.scalar.basic import ScalarOp, float64
from pytensor.tensor.elemwise import Elemwise

VERSION = 1  # raise with every change of `_log_rising`: numba keeps compiled code between processes under this number


@register_jitable
def _stirling(x):
    """Stirling's series at y = x + 8, where it is exact to 1e-14: y; its rest for log Gamma(y) and for digamma(y); the
    product Gamma(y) / Gamma(x) of four pairs, and the slope of its log."""
    y = x + 8.0
    r = 1.0 / y
    s = r * r
    rest = r * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360))))))
    slope = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760))))))
    pair = x * (x + 7.0)
    left, right = pair * (pair + 6.0), (pair + 10.0) * (pair + 12.0)
    product = left * right  # 1e42 at x = 2e5 and 5e-11 at 1e-14: no logs needed to keep it in range
    product_slope = (2.0 * x + 7.0) * ((2.0 * pair + 6.0) * right + left * (2.0 * pair + 22.0)) / product
    return y, rest, 0.5 * r + slope, product, product_slope


def _log_rising(x, n):
    """log Gamma(x + n) - log Gamma(x) - n log n, and its slope in x; x > 0, n >= 0."""
    if n == 0.0:  # common: no success on a hard task. Exactly zero, though 1 / x may be 1e14
        return 0.0, 0.0
    low, low_rest, low_slope, low_product, low_product_slope = _stirling(x)
    high, high_rest, high_slope, high_product, high_product_slope = _stirling(x + n)
    ratio = log(high / low)  # logs of ratios: logs of the arguments are large and would cancel
    value = n * (log(high / n) - 1.0) + (low - 0.5) * ratio + (high_rest - low_rest) + log(low_product / high_product)
    return value, ratio + (low_slope - high_slope) + (low_product_slope - high_product_slope)


class _LogRising(ScalarOp):
    """Value and slope. Once differentiable, in x only."""

    nin, nout = 2, 2
    impl = staticmethod(_log_rising)

    def output_types(self, types):
        return [float64, float64]

    def pullback(self, inputs, outputs, gradients):
        if not isinstance(gradients[1].type, DisconnectedType):
            raise NotImplementedError("the slope of log_rising has no gradient")
        return [gradients[0] * outputs[1], inputs[1].zeros_like()]

    def c_code(self, *_, **__):
        raise NotImplementedError("compiled by numba, or interpreted")


@register_scalar_funcify(_LogRising)
def _compiled(op, node, **_):
    return numba_njit(_log_rising), scalar_op_cache_key(op, version=VERSION)


_ELEMENTWISE = Elemwise(_LogRising(name="log_rising"))


def log_rising(x, n):
    """log Gamma(x + n) - log Gamma(x) - n log n (0 at n = 0), elementwise, to about 1e-14 of the larger of x and n."""
    return _ELEMENTWISE(x, pt.cast(n, "float64"))[0]


_COMPILED = njit(_log_rising)  # at the first call


@vectorize
def log_rising_of(x, n):
    """`log_rising` of NumPy arrays, elementwise."""
    return _COMPILED(x, n)[0]
