"""Files as cells by column and line, before anything is known of what they mean."""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow
from pyarrow import parquet

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.reading.cells import COLUMNS

FOREIGN_FILES = {  # first bytes: what the file is and what to do
    b"PAR1": ("a Parquet file", "give it the suffix .parquet"),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "save the table as CSV UTF-8"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the table as CSV UTF-8"),
    b"\x1f\x8b": ("gzip-compressed", "unpack it first"),
    b"\xff\xfe": ("UTF-16 text", "save the table as CSV UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "save the table as CSV UTF-8"),
}


def read_cells(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The cells of any CSV or Parquet file as they stand, unchecked; the index `line` is the line in the file.

    Raises
    ------
    TableError
        with all rows that do not fit the header.
    ForecastError
        if the file cannot be read at all.
    """
    frame, ragged = cells_and_ragged(Path(path))
    if ragged:
        raise TableError(path, ragged)
    return frame


def cells_and_ragged(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """The same, beside the rows of a CSV that do not fit its header and are left out."""
    frame, ragged = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    frame.columns = pd.Index(_known_names(frame.columns), dtype=object)
    return frame, ragged


def _known_names(header: pd.Index) -> list[str]:
    """Column names with stray spaces and capitals mended where that makes them known; unnamed ones numbered."""
    names = [str(name).strip() or f"unnamed {position}" for position, name in enumerate(header, start=1)]
    return [name.lower() if name.lower() in COLUMNS else name for name in names]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ForecastError(f"{shown_path(path)}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise ForecastError(f"{shown_path(path)}: is a directory; give the CSV or Parquet file in it") from None
    except OSError as error:
        raise ForecastError(f"{shown_path(path)}: cannot be read: {error.strerror}; check the file") from None


def _read_parquet(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    content = _bytes(path)
    try:
        table = parquet.ParquetFile(io.BytesIO(content)).read()
        frame = table.to_pandas(ignore_metadata=True)  # an index saved by pandas is a column like any other
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        advice = "write it again as Parquet, or give CSV another suffix"
        raise ForecastError(f"{shown_path(path)}: is not a Parquet file ({reason}); {advice}") from None
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return frame, []


def _read_csv(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Cells as text by line number, and the lines that do not fit the header."""
    problems: list[Problem] = []
    records = list(_records(_decoded(path), problems))
    if not records:
        empty = Problem(wrong="the file is empty", remedy="give a header line and one row for each measurement")
        raise TableError(path, problems or [empty])
    (_, header), *rows = records
    if len(header) == 1 and (found := [mark for mark in ";\t|" if mark in header[0]]):
        wrong = f"the columns are separated by {shown(found[0])}, not by commas"
        raise TableError(path, [Problem(row=1, wrong=wrong, remedy="save the table with commas between columns")])
    fitting = {line: fields for line, fields in rows if len(fields) == len(header)}
    problems += [_ragged(line, fields, len(header)) for line, fields in rows if line not in fitting]
    index = pd.Index(list(fitting), name="line", dtype=int)
    return pd.DataFrame(list(fitting.values()), index=index, columns=header, dtype=object), problems


def _decoded(path: Path) -> str:
    content = _bytes(path)
    for start, (kind, remedy) in FOREIGN_FILES.items():
        if content.startswith(start):
            raise ForecastError(f"{shown_path(path)}: is {kind}, not CSV; {remedy}")
    if (position := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, position) + 1
        wrong = "the file holds NUL bytes and is not text"
        raise TableError(path, [Problem(row=line, value="\0", wrong=wrong, remedy="save the table as CSV UTF-8")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        seen = error.object[error.start : error.start + 1].decode("latin-1")
        problem = Problem(row=line, value=seen, wrong="the file is not UTF-8", remedy="save the table as CSV UTF-8")
        raise TableError(path, [problem]) from None


def _records(text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """(line at which it starts, fields) of each record that is not blank; stops with a problem at broken quoting."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        remedy = 'close every quote, and write a quote inside a quoted cell as ""'
        problems.append(Problem(row=start, wrong=f"the row cannot be read as CSV: {error}", remedy=remedy))


def _ragged(line: int, fields: list[str], expected: int) -> Problem:
    remedy = "quote cells that hold commas" if len(fields) > expected else "add the missing commas"
    wrong = f"the row has {len(fields)} fields, the header {expected}"
    return Problem(row=line, value=",".join(fields), wrong=wrong, remedy=remedy)
