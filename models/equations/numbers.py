"""Numbers of any kind: helpers that Python numbers, arrays and graphs all take."""

import numpy as np


def positive_part(value):
    """``max(value, 0)``, written so that arrays, DataArrays and PyTensor variables all take it, infinities too."""
    return (np.float64(1.0) * value).clip(0.0, np.inf)
