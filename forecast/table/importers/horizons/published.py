"""Published horizons: the time horizon of each agent with its 95% interval, as METR's YAML or a table gives it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from forecast.errors import ForecastError, Problem, TableError, shown_path
from forecast.files import contents
from forecast.table.importers.choices import Choices
from forecast.table.importers.horizons.bootstrap import sd_of_interval
from forecast.table.importers.horizons.columns import DATE, MODEL, NATIVE, TASK, column_of, columns_of, facts_by_date
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    files,
    number,
    sorted_out,
    source_of,
    words,
)
from forecast.table.reading.cells import NUMBER
from forecast.table.reading.dates import iso_date_of
from forecast.table.reading.files import read_cells

ESTIMATE = ("time_horizon", NATIVE, "p50_horizon", "horizon", "horizon_minutes", "p50", "50%", "estimate")
LOW = ("ci_low", "p50_ci_low", "p50_low", "50_low", "horizon_low", "low", "lower")
HIGH = ("ci_high", "p50_ci_high", "p50_high", "50_high", "horizon_high", "high", "upper")
HORIZON = re.compile(r"p(?P<percent>[0-9]{1,2})_horizon_length")
STRUCTURE = ("results", "metrics", "agents", "scaffolds", "models")  # keys that name no model
DEEPEST, MOST = 12, 100_000  # of a document: nested deeper, or with more values, it is no list of horizons


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A horizon of a file."""

    path: tuple[str, ...]  # names above it, outermost first
    task: str
    native: str
    minutes: float | None
    low: float | None
    high: float | None
    date: str


def read(path: Path, choices: Choices) -> Found:
    """The horizons of a file, or of all YAML files of a folder: those at 50%, or those named with --tasks.

    Raises
    ------
    TableError
        with all cells of a table that are no horizons.
    ForecastError
        if a file cannot be read, or holds no horizons.
    """
    found: list[Measurement | LeftOut] = []
    dates: dict[str, str] = {}
    for file in files(path, ("*.yaml", "*.yml")):
        entries = list(_of_table(file) if file.suffix.lower() in (".csv", ".parquet") else _of_yaml(file))
        for name, each in zip(_names(entries), entries, strict=True):
            dates[name] = each.date or dates.get(name, "")
            found.append(_measurement(name, each, source_of(file), choices))
    return replace(sorted_out(dict.fromkeys(found)), facts=facts_by_date(dates))


def _measurement(name: str, entry: Entry, source: str, choices: Choices) -> Measurement | LeftOut:
    if entry.task != TASK and entry.task not in choices.tasks:
        why = f"{TASK!r}, of half of the tasks, is taken; --tasks {entry.task!r} takes it"
        return LeftOut(what=entry.task, why=why, task=entry.task)
    if entry.minutes is None or entry.minutes <= 0:
        return LeftOut(what=f"{entry.task} of {name}", why="the estimate is blank or not above 0", task=entry.task)
    known = entry.low is not None and entry.high is not None
    sd = sd_of_interval(entry.minutes, entry.low or 0.0, entry.high or 0.0) if known else None
    of_table: dict[str, Any] = {"task": entry.task, "native": entry.native, "metric": "horizon", "source": source}
    return Measurement(
        model=name, score=entry.minutes, score_sd=None if sd is None else round(min(sd, 5.0), 4), **of_table
    )


def _names(entries: list[Entry]) -> list[str]:
    """The model of each entry; with what stands below it where a model has several horizons of one kind."""
    first = [(each.path[0], each.task) for each in entries]
    return [
        each.path[0] if first.count(own) == 1 else " ".join(each.path) for each, own in zip(entries, first, strict=True)
    ]


def _of_table(path: Path) -> Iterator[Entry]:
    frame = read_cells(path)
    cells = columns_of(path, frame, {"model": MODEL, "estimate": ESTIMATE})
    low, high, date = (column_of(frame, names) for names in (LOW, HIGH, DATE))
    problems = [
        Problem(row=int(line), column="horizon", value=str(cell), wrong="is no horizon", remedy="give minutes above 0")
        for line, cell in cells["estimate"].items()
        if str(cell).strip() and not (_number(cell) or 0) > 0
    ]
    if problems:
        raise TableError(path, problems)
    for line, own in cells.iterrows():
        yield Entry(
            path=(words(str(own["model"])),),
            task=TASK,
            native=str(column_of(frame, ESTIMATE)),
            minutes=_number(own["estimate"]),
            low=None if low is None else _number(frame.at[line, low]),
            high=None if high is None else _number(frame.at[line, high]),
            date="" if date is None else iso_date_of(str(frame.at[line, date])),
        )


def _number(cell: Any) -> float | None:
    text = "" if pd.isna(cell) else str(cell).strip()
    return number(float(text)) if NUMBER.fullmatch(text) else None


def _of_yaml(path: Path) -> Iterator[Entry]:
    try:
        document = yaml.load(contents(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ForecastError(f"{shown_path(path)}: is not YAML ({reason}); give METR's file of results") from None
    found = list(_entries(document, (), "", [MOST]))
    if not found:
        raise ForecastError(
            f"{shown_path(path)}: holds no {NATIVE} of any agent; give METR's file of results (YAML), or a CSV with "
            "columns model, release_date, time horizon, ci_low and ci_high"
        )
    yield from found


def _entries(node: Any, path: tuple[str, ...], date: str, left: list[int]) -> Iterator[Entry]:
    """The horizons below a node; `left` counts down the values that may still be looked at."""
    left[0] -= 1
    if left[0] < 0 or len(path) > DEEPEST:
        return
    if isinstance(node, list):
        for each in node:
            name = next((words(each[key]) for key in MODEL if key in each), "") if isinstance(each, dict) else ""
            yield from _entries(each, (*path, name) if name else path, date, left)
    if not isinstance(node, dict):
        return
    date = iso_date_of(str(node.get("release_date", ""))) or date
    for key, below in node.items():
        if horizon := HORIZON.fullmatch(str(key)):
            task = TASK if horizon["percent"] == "50" else f"{TASK} at {horizon['percent']}%"
            yield _entry(below, path or ("agent",), task, str(key), date)
        else:
            yield from _entries(below, path if key in STRUCTURE else (*path, words(str(key))), date, left)


def _entry(value: Any, path: tuple[str, ...], task: str, native: str, date: str) -> Entry:
    parts = value if isinstance(value, dict) else {"estimate": value}
    minutes, low, high = (number(parts.get(name)) for name in ("estimate", "ci_low", "ci_high"))
    return Entry(path=path, task=task, native=native, minutes=minutes, low=low, high=high, date=date)
