"""Draws as quantiles: order statistics, of numbers or of dates, under the names that JSON has."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.files import json_number
from models.dates import iso_date

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
INTERVAL = (0.05, 0.50, 0.95)  # the 90% interval and the median in it


def order_statistics(
    draws: np.ndarray, at: Sequence[float] = INTERVAL, *, axis: int | tuple[int, ...] | None = None
) -> dict[str, Any]:
    """Order statistics by name, such as q05, of all draws or along axes: infinite draws stay what they are."""
    values = np.quantile(draws, at, axis=axis, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": value for q, value in zip(at, values, strict=True)}


def quantiles(draws: np.ndarray, at: Sequence[float] = INTERVAL) -> dict[str, Any]:
    """The same of all draws, as numbers for JSON."""
    return {name: json_number(value) for name, value in order_statistics(draws, at).items()}


def date_quantiles(years: np.ndarray) -> dict[str, str]:
    """Order statistics of decimal years as ISO dates, or 'inf', '-inf' and 'after 9999'."""
    return {name: iso_date(value) for name, value in order_statistics(years, QUANTILES).items()}
