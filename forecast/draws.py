"""Draws as quantiles: order statistics, of numbers or of dates, under the names that JSON has."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.files import json_number
from models.dates import iso_date


def quantiles(draws: np.ndarray, at: Sequence[float]) -> dict[str, Any]:
    """Order statistics of draws by name, such as q05, as numbers for JSON: infinite draws stay what they are."""
    values = np.quantile(np.ravel(draws), at, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": json_number(value) for q, value in zip(at, values, strict=True)}


QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


def date_quantiles(years: np.ndarray) -> dict[str, str]:
    """Order statistics of decimal years as ISO dates, or 'inf', '-inf' and 'after 9999'."""
    values = np.quantile(years, QUANTILES, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": iso_date(value) for q, value in zip(QUANTILES, values, strict=True)}
