"""Forecasts of several rows at once: of all runs of a size or a half-year, and of the typical and the best of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecast.scoring.joint import joint_scores
from forecast.scoring.rows import crps, on_crps_scale
from models.dates import years
from models.equations.metrics import METRICS, rates
from models.facts.times import half_years, sizes

DRAWS = 400  # of a joint score, whose time goes with the square of their number
COLUMNS = ["method", "event", "of", "n", "energy_score", "variogram_score", "crps", "inside_90"]


def scored_together(draws: Mapping[str, np.ndarray], rows: pd.DataFrame, *, by_date: bool) -> pd.DataFrame:
    """Joint scores of the hidden rows of each group, and the CRPS of each task's typical and best score among them.

    A group are the runs of one size within a recipe or, of a split by date, those of one half-year: what a shock that
    they share moves together. The typical score is the mean over the hidden runs of a task, the best the largest (of a
    loss the smallest): the frontier. Both are functions of all rows, so only draws that move together forecast them.

    Parameters
    ----------
    draws : (draw, row) by method, as of `forecast.scoring.rows.score_rows`

    Returns
    -------
    DataFrame
        a line a method and event: event 'group', with `of` its name, n rows, energy_score and variogram_score; events
        'typical' and 'best', with `of` the task, n runs, crps and inside_90. Groups and tasks of one row are left out.
    """
    rate = rows["metric"].isin(rates()).to_numpy()
    counted = (rows[name].to_numpy(dtype=float, na_value=np.nan) for name in ("successes", "trials"))
    outcome = np.where(rate, np.divide(*counted), rows["score"].to_numpy(dtype=float))
    groups = _places(_groups(rows, by_date=by_date))
    tasks = _places([f"{task} ({metric})" for task, metric in zip(rows["task"], rows["metric"], strict=True)])
    lines = []
    for method, values in draws.items():
        scaled, seen = on_crps_scale(rows, values, outcome)
        few = values[np.unique(np.linspace(0, len(values) - 1, DRAWS).round().astype(int))]
        for name, own in groups.items():
            line = {"method": method, "event": "group", "of": name, "n": len(own)}
            lines.append(line | joint_scores(rows.iloc[own], few[:, own], outcome[own]))
        for name, own in tasks.items():
            falls = METRICS[rows["metric"].iloc[own[0]]].falls
            for event in ("typical", "best"):
                line = {"method": method, "event": event, "of": name, "n": len(own)}
                both = _event(event, scaled[:, own], falls=falls), _event(event, seen[None, own], falls=falls)[0]
                lines.append(line | _scored(*both))
    return pd.DataFrame(lines, columns=COLUMNS)


def _event(event: str, scores: np.ndarray, *, falls: bool) -> np.ndarray:
    """The typical or the best score (draw) of several rows (draw, row)."""
    if event == "typical":
        return scores.mean(axis=1)
    return scores.min(axis=1) if falls else scores.max(axis=1)


def _scored(draws: np.ndarray, outcome: float) -> dict[str, float | bool]:
    low, high = np.quantile(draws, (0.05, 0.95), method="inverted_cdf")
    return {"crps": float(crps(draws[:, None], np.array([outcome]))[0]), "inside_90": bool(low <= outcome <= high)}


def _groups(rows: pd.DataFrame, *, by_date: bool) -> list[str | None]:
    if by_date:
        seasons = half_years(years(rows["date"].to_numpy()))
        return [None if season is None else f"half-year from {season:.1f}" for season in seasons]
    size = rows["params"].fillna(rows["compute"]).to_numpy(dtype=float)
    labels = sizes(rows["family"].tolist(), np.log10(size))
    return [
        None if label is None else f"{label[0]}, size {place:.3g}" for label, place in zip(labels, size, strict=True)
    ]


def _places(labels: list[str | None]) -> dict[str, np.ndarray]:
    """Positions by label, of labels that several have."""
    names = dict.fromkeys(label for label in labels if label is not None)
    found = {name: np.flatnonzero([label == name for label in labels]) for name in names}
    return {name: own for name, own in found.items() if len(own) > 1}
