"""Numbers of any kind: helpers of equations that take Python numbers and arrays alike, some of them graphs too."""

import numpy as np
from scipy.optimize import elementwise

TOLERANCES = {"xatol": 1e-15}  # beside the relative one, of four roundings


def positive_part(value):
    """``max(value, 0)``, written so that arrays, DataArrays and PyTensor variables all take it, infinities too."""
    return (np.float64(1.0) * value).clip(0.0, np.inf)


def root_between(function, low, high, *args):
    """Where ``function(x, *args)``, which rises or falls, is zero between two ends, element by element; no variables.

    The function takes flat arrays of the elements that are still sought. NaN where it has one sign at both ends.
    """
    with np.errstate(all="ignore"):
        return elementwise.find_root(function, (low, high), args=args, tolerances=TOLERANCES).x
