"""Views: one curve of one task with its table of thresholds, packed into a few kilobytes."""

import base64
from typing import Any

import numpy as np

from forecast.posterior.fit import Fit
from forecast.posterior.predict import typical_score
from forecast.report.live.tables import SHAPE, ThresholdTable, threshold_table

CURVE = (0.05, 0.25, 0.5, 0.75, 0.95)
POINTS = 72  # of a curve
AHEAD = 1.0, 4.0  # decades of a curve beyond the largest run, at least and at most
UNIT, SHAPE_UNIT = 1e-7, 1e-3  # decades: the first so fine that printed digits are those of the draws


def view(
    fit: Fit, few: Fit, task: str, family: str | None, *, scores: np.ndarray, at: float, ends: tuple[float, float]
) -> dict[str, Any]:
    """A view as plain values; arrays are base64 of little-endian numbers.

    Parameters
    ----------
    fit, few : all draws, of which thresholds are; and fewer, of which the curve is
    scores : tau, rising; `at` is one of them and says how far the curve is drawn
    ends : log10 FLOP of what is drawn beside the curve
    """
    table = threshold_table(fit, task, scores, family=family)
    far = table.shape[int(np.searchsorted(scores, at)), SHAPE.index(0.8)]
    grid = np.linspace(ends[0] - 0.3, np.clip(far, ends[1] + AHEAD[0], ends[1] + AHEAD[1]) + 0.3, POINTS)
    curve = typical_score(few, task, grid, family=family).transpose("point", ...).values.reshape(POINTS, -1)
    bands = np.quantile(curve, CURVE, axis=1)
    return {
        "grid": [round(float(grid[0]), 6), round(float(grid[-1]), 6), POINTS],
        "bands": packed(bands, "<f4"),
        "scores": [round(float(score), 6) for score in scores],
        **_table(table, origin=round(0.5 * (ends[0] + ends[1]))),
    }


def _table(table: ThresholdTable, *, origin: int) -> dict[str, Any]:
    """Quantiles as whole numbers of their unit, infinite ones at the ends of the range."""
    return {
        "interval": packed(whole(table.interval, UNIT, np.int32), "<i4"),
        "never": packed(table.never, "<i4"),
        "origin": origin,
        "shape": packed(whole(table.shape - origin, SHAPE_UNIT, np.int16), "<i2"),
    }


def whole(values: np.ndarray, unit: float, kind: type) -> np.ndarray:
    """Values in whole units; finite ones beyond the range of `kind` are the last before its ends."""
    ends = np.iinfo(kind)
    near = np.clip(np.round(np.where(np.isfinite(values), values, 0.0) / unit), ends.min + 1, ends.max - 1)
    return np.select([values == np.inf, values == -np.inf], [ends.max, ends.min], near)


def packed(values: np.ndarray, kind: str) -> str:
    """Base64 of numbers, as a typed array of the browser reads them."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")
