"""Sources: the result files below a path, of which broken ones are named, and the facts of models in them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import ForecastError, shown_path
from forecast.files import LARGEST, parsed_json
from forecast.table.importers.measurements import LeftOut, source_of
from forecast.table.importers.models_table import FACTS
from forecast.words import counted


class OtherFile(ForecastError):
    """A file that can be read, but holds no results of the format; below a folder such files are passed over."""


def each_read[T](
    path: Path, found: Iterable[Path], read: Callable[[Path], T], left_out: list[LeftOut]
) -> Iterator[tuple[Path, T]]:
    """Each file with what `read` makes of it; below a folder a file that cannot be read goes to `left_out`.

    Files that hold something else are counted there.

    Raises
    ------
    ForecastError
        of a file that was given itself.
    """
    others: list[Path] = []
    for file in found:
        try:
            yield file, read(file)
        except ForecastError as error:
            if file == path:
                raise
            why = str(error).removeprefix(f"{shown_path(file)}: ").replace("\n", " ")
            if isinstance(error, OtherFile):
                others.append(file)
            else:
                left_out.append(LeftOut(what=source_of(file), why=why))
    if others:
        what = source_of(others[0]) + (f" and {counted(len(others) - 1, 'other file')}" if len(others) > 1 else "")
        left_out.append(LeftOut(what=what, why="passed over: no results of this format"))


def json_lines(path: Path) -> Iterator[Any]:
    """The documents of a file with one JSON document a line, one at a time; such files are long."""
    try:
        with path.open("rb") as lines:
            for position, line in enumerate(iter(lambda: lines.readline(LARGEST + 1), b""), start=1):
                if len(line) > LARGEST:
                    raise ForecastError(f"{shown_path(path)}: line {position} has more than {LARGEST // 10**6} MB")
                if line.strip():
                    yield _document(line, position, path)
    except OSError as error:
        raise ForecastError(f"{shown_path(path)}: cannot be read ({error.strerror}); check the file") from None


def _document(line: bytes, position: int, path: Path) -> Any:
    try:
        return parsed_json(line.decode("utf-8-sig"), path)
    except (ValueError, RecursionError):
        raise ForecastError(f"{shown_path(path)}: line {position} is not JSON; give a whole file") from None


def facts_frame(known: Iterable[tuple[str, Mapping[str, str]]]) -> pd.DataFrame | None:
    """Facts as text by model, of each the first that is said; None where nothing is known."""
    facts: dict[str, dict[str, str]] = {}
    for model, said in known:
        for name, text in said.items():
            if text:
                facts.setdefault(model, {}).setdefault(name, text)
    if not facts:
        return None
    rows = [[said.get(name, "") for name in FACTS] for said in facts.values()]
    return pd.DataFrame(rows, index=pd.Index(list(facts), name="model"), columns=list(FACTS), dtype=object)


def size(value: float | None) -> str:
    """A size as the text of a fact; blank where it is none."""
    return repr(float(value)) if value is not None and value > 0 else ""


def number_of(text: Any) -> float | None:
    """The number that a cell or a value holds, of any size; None where it is none."""
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        return None
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < float("inf") else None  # NaN is not below either
