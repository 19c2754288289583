"""Files as cells by column and line, before anything is known of what they mean; told apart by their content."""

import os
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown_path
from forecast.files import LARGEST, contents
from forecast.table.reading.cells import COLUMNS
from forecast.table.reading.structured import (
    is_json,
    is_workbook,
    table_of_json,
    table_of_parquet,
    table_of_workbook,
)
from forecast.table.reading.text import decoded, table_of_text

WORKBOOKS = (".xlsx", ".xlsm")
FOREIGN_FILES = {  # first bytes: what the file is and what to do
    b"PK\x03\x04": ("a zip archive and no Excel workbook", "unpack it first, or save the table as CSV UTF-8"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the table as .xlsx or CSV UTF-8"),
    b"\x1f\x8b": ("gzip-compressed", "unpack it first"),
    b"\x28\xb5\x2f\xfd": ("zstandard-compressed", "unpack it first"),
    b"%PDF": ("a PDF", "save the table as CSV UTF-8"),
    b"<!DOCTYPE": ("a web page", "download the file itself, or save the table as CSV UTF-8"),
    b"<html": ("a web page", "download the file itself, or save the table as CSV UTF-8"),
}


def read_cells(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The cells of any CSV, JSON, Parquet or Excel file as they stand; the index `line` is the line in the file.

    Columns of text are separated by commas, semicolons, tabs or bars. Decimal commas are points in what is returned.

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
    """The same, beside the rows of a text that do not fit its header and are left out."""
    frame, ragged = _read(_bytes(path), path)
    if _characters(frame) > LARGEST:  # of a Parquet file that holds a long text once
        raise ForecastError(
            f"{shown_path(path)}: holds more than {LARGEST // 10**6} MB of text; leave out long columns"
        )
    frame.columns = pd.Index(_known_names(frame.columns), dtype=object)
    return frame, ragged


def _read(content: bytes, path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    if content.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
        return table_of_parquet(content, path), []
    if content.startswith(b"PK\x03\x04") and is_workbook(content):
        return table_of_workbook(content, path), []
    for start, (kind, remedy) in FOREIGN_FILES.items():
        if content.startswith(start):
            raise ForecastError(f"{shown_path(path)}: is {kind}, no table; {remedy}")
    if path.suffix.lower() in WORKBOOKS:
        raise ForecastError(
            f"{shown_path(path)}: is no Excel workbook, whatever its suffix; save it as one, or give CSV another suffix"
        )
    text = decoded(content, path)
    return (table_of_json(text, path), []) if is_json(text) else table_of_text(text, path)


def _known_names(header: pd.Index) -> list[str]:
    """Column names with stray spaces and capitals mended where that makes them known; unnamed ones numbered."""
    names = [str(name).strip() or f"unnamed {position}" for position, name in enumerate(header, start=1)]
    return [name.lower() if name.lower() in COLUMNS else name for name in names]


def _characters(frame: pd.DataFrame) -> int:
    """Characters of all cells that are text."""
    texts = (cells for _, cells in frame.items() if cells.dtype == object)
    return sum(len(cell) for cells in texts for cell in cells if isinstance(cell, str))


def _bytes(path: Path) -> bytes:
    try:
        return contents(path)
    except FileNotFoundError:
        maker = path.with_suffix(".py")  # of a table that a study makes of a public file
        remedy = f"make it with `python {shown_path(maker)} SOURCE`" if maker.is_file() else "check the path"
        raise ForecastError(f"{shown_path(path)}: there is no such file; {remedy}") from None
    except IsADirectoryError:
        raise ForecastError(f"{shown_path(path)}: is a directory; give the file of the table in it") from None
    except OSError as error:
        raise ForecastError(f"{shown_path(path)}: cannot be read: {error.strerror}; check the file") from None
