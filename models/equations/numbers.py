"""Numbers of any kind: helpers of equations that take Python numbers and arrays alike, some of them graphs too."""

import numpy as np
from scipy import special
from scipy.optimize import elementwise

ROUNDING = 1e-15


def positive_part(value):
    """``max(value, 0)``, written so that arrays, DataArrays and PyTensor variables all take it, infinities too."""
    return (np.float64(1.0) * value).clip(0.0, np.inf)


def root_between(function, low, high, *args, tolerance=ROUNDING):
    """Where ``function(x, *args)``, which rises or falls, is zero between two ends, element by element; no variables.

    The function takes flat arrays of the elements that are still sought. NaN where it has one sign at both ends.
    `tolerance` is absolute, beside a relative one of four roundings.
    """
    with np.errstate(all="ignore"):
        return elementwise.find_root(function, (low, high), args=args, tolerances={"xatol": tolerance}).x


def log_choose(length, right):
    """Log of the binomial coefficient, of numbers and arrays."""
    return special.gammaln(length + 1) - special.gammaln(right + 1) - special.gammaln(length - right + 1)


def logsumexp(terms):
    """Log of the sum of exponentials over the last axis, of arrays and variables."""
    return (special if isinstance(terms, np.ndarray) else of_graphs()).logsumexp(terms, axis=-1)


def of_graphs():
    """The functions of PyTensor, imported for graphs alone: importing it takes a second."""
    from pytensor import tensor

    return tensor
