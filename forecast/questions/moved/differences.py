"""Differences of two fits in what they were made of: rows, facts of runs, and settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from forecast.posterior.fit import Fit
from forecast.table.dataset import OF_RUN, frame_of
from models.dates import by_date

KEY = ("model", "task", "metric", "length", "k")
VALUES = ("score", "successes", "trials", "chance", "score_sd")  # of a row
SETTINGS = ("below", "since", "adjusted", "parts", "priors", "weights", "versions")
NAMES = ("before", "after")  # the fits
SAME = 1e-9  # relative; sizes are stored as logarithms


def matched(before: Fit, after: Fit) -> pd.DataFrame:
    """Positions of each row in both fits, `before` and `after`, -1 where it is in the other only.

    A row is known by model, task, metric, length and k; where several have the same, by its place among them.
    """
    both = [_keyed(frame_of(fit.data)) for fit in (before, after)]
    found = pd.concat([each["position"].rename(name) for each, name in zip(both, NAMES, strict=True)], axis=1)
    return found.fillna(-1).astype(int).reset_index(drop=True)


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    key = frame[list(KEY)].fillna(-1.0)
    place = key.groupby(list(KEY), sort=False).cumcount()
    index = pd.MultiIndex.from_frame(key.assign(place=place))
    return pd.DataFrame({"position": np.arange(len(frame))}, index=index)


def changed_rows(before: Fit, after: Fit, rows: pd.DataFrame) -> np.ndarray:
    """Whether each row of `matched` is in both fits with another value."""
    in_both = ((rows["before"] >= 0) & (rows["after"] >= 0)).to_numpy()
    frames = _frames(before, after, rows)
    differs = np.zeros(len(rows), dtype=bool)
    for name in VALUES:
        differs |= ~_same(*(frame[name].to_numpy() for frame in frames))
    return in_both & differs


def differences(before: Fit, after: Fit, rows: pd.DataFrame) -> dict[str, Any]:
    """Rows added, removed and changed, facts of runs that changed, and settings that differ, as JSON."""
    old, new = _frames(before, after, rows)
    changed = changed_rows(before, after, rows)
    return {
        "added": [_row(new.iloc[at], after, rows["after"][at]) for at in np.flatnonzero(rows["before"] < 0)],
        "removed": [_row(old.iloc[at], before, rows["before"][at]) for at in np.flatnonzero(rows["after"] < 0)],
        "changed": [
            _row(new.iloc[at], after, rows["after"][at]) | {"was": _values(old.iloc[at])}
            for at in np.flatnonzero(changed)
        ],
        "runs_changed": list(_of_runs(before, after)),
        "settings": _settings(before, after),
    }


def _frames(before: Fit, after: Fit, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The tables of both fits, a line for each row of `matched`; where a fit has none, its last."""
    return [frame_of(fit.data).iloc[rows[name]] for fit, name in zip((before, after), NAMES, strict=True)]


def _same(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    numbers = (pd.to_numeric(pd.Series(each, dtype=object), errors="coerce").to_numpy(float) for each in (one, other))
    return np.isclose(next(numbers), next(numbers), rtol=SAME, atol=0.0, equal_nan=True)


def _row(line: pd.Series, fit: Fit, position: int) -> dict[str, Any]:
    names = {name: str(line[name]) for name in ("model", "task", "metric")}
    task = str(fit.data.task.values[fit.data.task_index.values[position]])
    return {"row": int(fit.data.observation.values[position]), **names, "label": task, **_values(line)}


def _values(line: pd.Series) -> dict[str, Any]:
    return {name: None if pd.isna(line[name]) else float(line[name]) for name in ("score", "trials")}


def _of_runs(before: Fit, after: Fit) -> Iterator[dict[str, Any]]:
    """Each fact of a run of both fits that differs."""
    frames = [frame_of(fit.data).groupby("model", sort=False)[list(OF_RUN)].first() for fit in (before, after)]
    for model in frames[0].index.intersection(frames[1].index, sort=False):
        for name in OF_RUN if not by_date(after.data) else ("family", "date"):
            old, new = (frame.loc[model, name] for frame in frames)
            alike = (pd.isna(old) and pd.isna(new)) or old == new
            if not alike and not (isinstance(old, float) and np.isclose(old, new, rtol=SAME, atol=0.0)):
                yield {"model": str(model), "column": name, "before": _plain(old), "after": _plain(new)}


def _plain(value: Any) -> float | str | None:
    if pd.isna(value):
        return None
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else value if isinstance(value, float) else str(value)


def _settings(before: Fit, after: Fit) -> dict[str, Any]:
    """Settings by name as both fits have them, where they differ; of several numbers those that do."""
    old, new = before.provenance(), after.provenance()
    found: dict[str, Any] = {}
    for name in SETTINGS:
        one, other = old.get(name), new.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            differing = [key for key in one | other if one.get(key) != other.get(key)]
            found |= {f"{name}.{key}": [one.get(key), other.get(key)] for key in differing}
        elif one != other:
            found[name] = [one, other]
    return found
