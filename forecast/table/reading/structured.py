"""Structured files as cells: JSON, JSON lines, Parquet and Excel."""

import datetime
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import LARGEST, parsed_json
from forecast.table.reading.cells import check_size

logger = logging.getLogger(__name__)
MODEL_KEYS = ("model", "model_name", "model_id", "name")  # one of them makes a list of objects a table
NAMED = 8  # keys in a message
RESULTS: tuple[tuple[frozenset[str], str], ...] = (  # keys of a document, and the format of `forecast import` it is of
    (frozenset({"evaluation_results"}), "every-eval-ever"),
    (frozenset({"results", "config_general"}), "lighteval"),
    (frozenset({"results", "versions"}), "lm-eval"),
    (frozenset({"results", "config"}), "lm-eval"),
    (frozenset({"results", "configs"}), "lm-eval"),
    (frozenset({"doc_id", "doc", "target"}), "lm-eval"),
    (frozenset({"eval", "version"}), "inspect"),
    (frozenset({"eval_metrics"}), "composer"),
    (frozenset({"name", "count", "sum", "mean"}), "helm"),
)
OF_FOLDERS = ("helm",)  # formats in which a file is a part of a run


def is_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def table_of_json(text: str, path: Path) -> pd.DataFrame:
    """The cells of an array of objects, of lines of objects, of an object that holds one such array, or of columns.

    The index counts records from 2, as lines of a table with a header; of JSON lines it is the line.

    Raises
    ------
    ForecastError
        if it is not JSON, or holds no table: with the import that reads it, or the keys that it has.
    """
    try:
        records, lines = _parsed(text, path), None
    except (ValueError, RecursionError) as error:
        found = _of_lines(text, path)
        if found is None:
            raise ForecastError(f"{shown_path(path)}: {_not_json(error)}; give the whole file, or a CSV") from None
        lines, records = found
    records = [records] if _is_record(records) and "model" in records else _table_in(records)
    if records is None or not all(isinstance(each, Mapping) for each in records) or _is_nested(records):
        raise ForecastError(
            f"{shown_path(path)}: is JSON{_advice(_parsed(text, path) if records is None else records, path)}"
        )
    index = pd.Index(lines or range(2, len(records) + 2), name="line", dtype=int)
    names = list(dict.fromkeys(name for each in records for name in each))
    check_size(len(records), len(names), path)
    cells = [[_cell(each.get(name)) for name in names] for each in records]
    return pd.DataFrame(cells, index=index, columns=[_utf8(str(name)) for name in names], dtype=object)


def _parsed(text: str, path: Path) -> Any:
    """A document with its numbers as they are typed."""
    return parsed_json(text, path, parse_int=str, parse_float=str, parse_constant=str)


def _not_json(error: Exception) -> str:
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
    return f"begins as JSON but is not ({reason})"


def _of_lines(text: str, path: Path) -> tuple[list[int], list[Any]] | None:
    """Line and object of each line that is not blank; None where one holds no JSON."""
    found: dict[int, Any] = {}
    try:
        for line, each in enumerate(text.splitlines(), start=1):
            if each.strip():
                found[line] = _parsed(each, path)
                check_size(len(found), 1, path)
    except (ValueError, RecursionError):
        return None
    return list(found), list(found.values())


def _is_record(document: Any) -> bool:
    return isinstance(document, Mapping) and not any(isinstance(each, list | Mapping) for each in document.values())


def _table_in(document: Any) -> list[Any] | None:
    """The records of an array, of an object with one array of objects, or of columns as lists or by index."""
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        return None
    names, rows = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        return [dict(zip(map(str, names), row, strict=False)) for row in rows]
    arrays = [each for each in document.values() if isinstance(each, list) and each and isinstance(each[0], Mapping)]
    if len(arrays) == 1:
        return arrays[0]
    columns = [list(each.values()) if isinstance(each, Mapping) else each for each in document.values()]
    flat = all(isinstance(each, list) and len(each) == len(columns[0]) for each in columns) and columns
    return [dict(zip(document, row, strict=True)) for row in zip(*columns, strict=True)] if flat else None


def _is_nested(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the objects hold others, and no name of a model by themselves."""
    nested = any(isinstance(cell, list | Mapping) for each in records for cell in each.values())
    return nested and not any(isinstance(each.get(key), str) for each in records for key in MODEL_KEYS)


def _cell(value: Any) -> Any:
    if isinstance(value, list | Mapping | bool):
        value = json.dumps(value, ensure_ascii=False)
    return _utf8(value) if isinstance(value, str) else value


def _utf8(text: str) -> str:
    """Text as UTF-8 can hold it: JSON may have half of a pair of surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def _advice(document: Any, path: Path) -> str:
    """Which import reads a document, or what it holds."""
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, Mapping):
        return ", but holds no objects; give an array of flat objects, one for each row"
    for keys, format in RESULTS:
        if keys <= set(first):
            source = shown_path(path.resolve().parent if format in OF_FOLDERS else path)
            return f", results as evaluation tools write them: `forecast import {format} {source} ...` reads them"
    named = ", ".join(shown(str(key)) for key in list(first)[:NAMED])
    return f" that is no table: its objects hold others (keys {named}); give an array of flat objects, one for each row"


def table_of_parquet(content: bytes, path: Path) -> pd.DataFrame:
    """The cells of a Parquet file; an index saved by pandas is a column like any other. Texts are held once each."""
    try:
        source = parquet.ParquetFile(io.BytesIO(content))
        _check_parquet(source.metadata, path)
        texts = [each.name for each in source.schema_arrow if each.type in (pyarrow.string(), pyarrow.large_string())]
        packed = parquet.ParquetFile(io.BytesIO(content), read_dictionary=texts)
        frame = packed.read().to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        advice = "write it again as Parquet, or give CSV another suffix"
        raise ForecastError(f"{shown_path(path)}: is not a Parquet file ({reason}); {advice}") from None
    for place, kind in enumerate(frame.dtypes):
        if isinstance(kind, pd.CategoricalDtype):
            frame.isetitem(place, frame.iloc[:, place].astype(object))
    frame.index = pd.RangeIndex(2, len(frame) + 2, name="line")
    return frame


def _check_parquet(said: parquet.FileMetaData, path: Path) -> None:
    """A `ForecastError` where a file says of itself that it holds too much: rows, cells within cells, or bytes."""
    groups = [said.row_group(i) for i in range(said.num_row_groups)]
    values = sum(group.column(i).num_values for group in groups for i in range(said.num_columns))
    check_size(said.num_rows, max(said.num_columns, -(-values // max(said.num_rows, 1))), path)
    _check_unpacked(sum(group.total_byte_size for group in groups), path)


def _check_unpacked(size: int, path: Path) -> None:
    if size > LARGEST:
        raise ForecastError(
            f"{shown_path(path)}: unpacks to more than {LARGEST // 10**6} MB, too much to read; give a part of it"
        )


def is_workbook(content: bytes) -> bool:
    try:
        return "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def table_of_workbook(content: bytes, path: Path) -> pd.DataFrame:
    """The cells of the first sheet of an Excel workbook that holds a table; the index is the row of the sheet."""
    try:
        import openpyxl
    except ImportError:
        raise ForecastError(
            f"{shown_path(path)}: is an Excel workbook, which takes openpyxl to read; "
            "`python3 -m pip install openpyxl` installs it, or save the table as CSV UTF-8"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a workbook has beside cells
            _check_unpacked(sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(content)).infolist()), path)
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = {sheet.title: _rows(_lines(sheet), path) for sheet in book.worksheets}
    except ForecastError:
        raise
    except Exception as error:  # a broken workbook fails in any part of openpyxl, zipfile or XML
        reason = str(error).partition("\n")[0]
        raise ForecastError(
            f"{shown_path(path)}: cannot be read as an Excel workbook ({reason}); save it again, or as CSV UTF-8"
        ) from None
    return _sheet({title: rows for title, rows in sheets.items() if len(rows) > 1}, path)


def _lines(sheet: Any) -> Iterable[tuple[Any, ...]]:
    """The rows of a sheet, each as long as it is; what the sheet says of its size is not believed."""
    sheet.reset_dimensions()
    return sheet.iter_rows(values_only=True)


def _rows(rows: Iterable[tuple[Any, ...]], path: Path) -> dict[int, list[Any]]:
    """Row number and cells, from the header on: the first row with two cells; rows without any are left out."""
    filled: dict[int, list[Any]] = {}
    width = 0
    for line, row in enumerate(rows, start=1):
        cells = [_typed(cell) for cell in row]
        if any(cell is not None for cell in cells):
            filled[line], width = cells, max(width, len(cells))
            check_size(len(filled), width, path)
    first = next((line for line, row in filled.items() if sum(cell is not None for cell in row) > 1), None)
    return {line: row + [None] * (width - len(row)) for line, row in filled.items() if first and line >= first}


def _typed(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime | datetime.date):
        return cell.isoformat()[:10]
    return None if isinstance(cell, str) and not cell.strip() else cell


def _sheet(sheets: Mapping[str, dict[int, list[Any]]], path: Path) -> pd.DataFrame:
    if not sheets:
        raise ForecastError(
            f"{shown_path(path)}: no sheet holds a table; give a header and one row for each measurement"
        )
    (title, rows), *others = sheets.items()
    if others:
        named = ", ".join(shown(name) for name, _ in others[:NAMED])
        logger.warning("read: sheet %s of %s, not %s; save another as CSV", shown(title), shown_path(path), named)
    (_, header), *body = rows.items()
    kept = [i for i in range(len(header)) if any(row[i] is not None for row in rows.values())]
    names = ["" if header[i] is None else str(header[i]) for i in kept]
    index = pd.Index([line for line, _ in body], name="line", dtype=int)
    return pd.DataFrame([[row[i] for i in kept] for _, row in body], index=index, columns=names, dtype=object)
