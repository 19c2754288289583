"""Measurements as result files hold them, and what was left out and why."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import contents, parsed_json
from models.equations.metrics import rates

LARGEST = 1e15  # of a score or a count; beyond, a file does not mean it


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One score of one model."""

    model: str
    task: str
    variant: str = ""  # what tells it from the same task done in another way, such as "5-shot"
    unit: str = ""  # of a loss that is not per token; part of the task's name in the table
    native: str  # name of the metric in the file
    metric: str  # of the table
    score: float  # a rate in [0, 1]; of a loss nats, of a horizon minutes
    score_sd: float | None = None  # of log10 of a loss or horizon, where known
    trials: int | None = None
    chance: float | None = None  # None: not known
    human: float | None = None  # score of experts
    ceiling_at_least: float | None = None  # a score that is known to be possible
    k: int | None = None  # of a metric that has one
    length: float | None = None  # of an answer, in the tokens that a loss of the same answers is per
    told: bool = False  # whether the file or the user says how answers are given: then its name decides nothing
    rank: int = 0  # of several native metrics of the same answers the lowest is taken, where all models have them
    time: float = 0.0  # of the evaluation, seconds since 1970
    source: str  # the file


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Something in a result file that is not in the table."""

    what: str
    why: str
    task: str = ""  # that it belongs to; blank: to several, or to a whole file


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a reader makes of result files."""

    measurements: tuple[Measurement, ...]
    left_out: tuple[LeftOut, ...] = ()
    facts: pd.DataFrame | None = None  # compute and more of each model, as of `read_facts`, where the file has them
    notes: tuple[str, ...] = ()  # what was decided, for the user to check
    headers: tuple[str, ...] = ()  # columns of a table
    sizes_not_read: tuple[str, ...] = ()  # of these such as look like compute, parameters or tokens


def merged(parts: Iterable[Found]) -> Found:
    """The findings of several files; what was left out of many for the same reason is named once."""
    found = list(parts)
    facts = [part.facts for part in found if part.facts is not None]
    every = pd.concat(facts) if facts else None
    return Found(
        measurements=tuple(each for part in found for each in part.measurements),
        left_out=tuple(dict.fromkeys(each for part in found for each in part.left_out)),
        facts=None if every is None else every[~every.index.duplicated()],
        notes=tuple(dict.fromkeys(note for part in found for note in part.notes)),
    )


def sorted_out(found: Iterable[Measurement | LeftOut]) -> Found:
    """Measurements here, what was left out there."""
    each = tuple(found)
    return Found(
        measurements=tuple(one for one in each if isinstance(one, Measurement)),
        left_out=tuple(one for one in each if isinstance(one, LeftOut)),
    )


def files(path: Path, patterns: tuple[str, ...]) -> list[Path]:
    """The file itself, or all files below a folder whose names fit one of the patterns, sorted; hidden ones never.

    Raises
    ------
    ForecastError
        if there is no such path, or no such file in the folder.
    """
    if not path.exists():
        raise ForecastError(f"{shown_path(path)}: there is no such file or folder; check the path")
    if not path.is_dir():
        return [path]
    found = sorted({each for pattern in patterns for each in path.rglob(pattern) if is_shown(each)})
    if not found:
        raise ForecastError(f"{shown_path(path)}: the folder holds no file {' or '.join(patterns)}; check the path")
    return found


def is_shown(path: Path) -> bool:
    """Whether a path is a file, and not hidden, as what a killed command leaves is."""
    return path.is_file() and not path.name.startswith(".")


def read_json(path: Path) -> Any:
    """The document of a JSON file."""
    try:
        return parsed(contents(path), path)
    except OSError as error:
        raise ForecastError(f"{shown_path(path)}: cannot be read ({error.strerror}); check the file") from None


def parsed(content: bytes, path: Path) -> Any:
    """The document of the bytes of a JSON file; NaN passes, as libraries write it for standard errors."""
    try:
        return parsed_json(content.decode("utf-8-sig"), path)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        raise ForecastError(f"{shown_path(path)}: is not JSON ({reason}); give a whole results file") from None


def section(document: Any, *keys: str) -> dict[str, Any]:
    """The object at a path of keys; empty where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def words(value: Any) -> str:
    """A name, stripped, as UTF-8 can hold it; blank where it is not text."""
    return value.strip().encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A whole number of 1 or more; None where it is none."""
    known = number(value)
    return int(known) if known is not None and known >= 1 and known == int(known) else None


def number(value: Any) -> float | None:
    """A finite number of a size that can be meant; None where it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= LARGEST else None  # NaN is not below either


def checked_score(value: Any, metric: str, *, path: Path, task: str, native: str) -> float:
    """A rate in [0, 1], or a positive loss or horizon.

    Raises
    ------
    ForecastError
        that names file, task, metric and value.
    """
    known = number(value)
    rate = metric in rates()
    if known is None or (not 0 <= known <= 1 if rate else known <= 0):
        limits = "a rate between 0 and 1" if rate else "a positive number"
        raise ForecastError(
            f"{shown_path(path)}: task {shown(task)}, metric {shown(native)}: {shown(str(value))} is not {limits}; "
            "correct the file, or name other tasks with --tasks"
        )
    return known


def source_of(path: Path) -> str:
    """A path as text that UTF-8 can hold."""
    return words(os.fspath(path))


def each_of[T](values: Any, kind: type[T]) -> Iterator[T]:
    """The items of a list that are of a kind; none where there is no list."""
    yield from (each for each in (values if isinstance(values, list) else []) if isinstance(each, kind))
