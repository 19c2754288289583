"""Columns and names that the files of horizons share, however their owners call them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, shown, shown_path
from forecast.table.importers.models_table import FACTS

TASK = "time horizon"  # in the table; of half of the tasks
NATIVE = "p50_horizon_length"
MODEL = ("alias", "agent", "model_version", "model", "name")
DATE = ("release_date", "version_release_date", "model_release_date", "date", "released")


def plain_name(name: str) -> str:
    """What of the name of a column does not depend on who writes it: 'Version release date', 'release_date'."""
    return re.sub(r"[^a-z0-9%]+", "_", name.casefold()).strip("_")


def column_of(frame: pd.DataFrame, names: Iterable[str]) -> str | None:
    """The first of these columns that a frame has; None where it has none."""
    known = {plain_name(str(column)): str(column) for column in reversed(frame.columns)}
    return next((known[name] for name in names if name in known), None)


def columns_of(path: Path, frame: pd.DataFrame, wanted: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """The wanted columns under our names; a `ForecastError` names all that are missing, and what there is."""
    found = {ours: column_of(frame, names) for ours, names in wanted.items()}
    missing = [names[0] for ours, names in wanted.items() if found[ours] is None]
    if missing:
        raise ForecastError(
            f"{shown_path(path)}: no column is named {' or '.join(map(shown, missing))}, of "
            f"{', '.join(map(shown, map(str, frame.columns[:20])))}; rename the columns that hold them"
        )
    return pd.DataFrame({ours: frame[column] for ours, column in found.items()}, index=frame.index)


def facts_by_date(dates: Mapping[str, str]) -> pd.DataFrame | None:
    """Facts of models of which a file gives the date of release alone; None where it gives none."""
    if not any(dates.values()):
        return None
    facts = pd.DataFrame("", index=pd.Index(list(dates), name="model"), columns=list(FACTS), dtype=object)
    return facts.assign(date=list(dates.values()))
