"""Aliases: a file of two columns, the name of a model in the results and its name in the table of models."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.files import contents
from forecast.table.importers.choices import closest
from forecast.table.importers.names.paths import path_parts, readable_names
from forecast.table.importers.names.spelling import spelling

HEADERS = ("name", "model", "result", "alias", "from", "to", "table")  # words of a first line that names no models


def read_aliases(path: Path, names: Iterable[str], rows: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The row of each aliased model by its name in the results, and the aliases of models that no result has.

    Raises
    ------
    TableError
        with all lines that are no two names, name two rows for one model, or a row that the table of models lacks.
    ForecastError
        if the file cannot be read.
    """
    lines = _lines(path)
    by_name = {way: name for name, readable in readable_names(names).items() for way in _ways(name, readable)}
    by_spelling: dict[str, list[str]] = {}
    for row in rows:
        by_spelling.setdefault(spelling(row), []).append(row)
    aliases: dict[str, str] = {}
    problems, strangers = [], []
    for number, cells in lines:
        problem = _problem(number, cells, rows, by_spelling)
        if problem is not None:
            if not (number == lines[0][0] and _is_header(cells, by_name, rows)):
                problems.append(problem)
            continue
        left, right = cells
        row = right if right in rows else by_spelling[spelling(right)][0]
        name = by_name.get("/".join(path_parts(left)))
        if name is None:
            near = closest(left, by_name)
            hint = "" if near is None else f"; did you mean {shown(near)}?"
            strangers.append(f"{path.name}, row {number}: no result has the model {shown(left)}{hint}")
        elif aliases.setdefault(name, row) != row:
            wrong = f"the model is {shown(aliases[name])} in an earlier row"
            problems.append(Problem(row=number, value=left, wrong=wrong, remedy="keep one of the two rows"))
    if problems:
        raise TableError(path, problems)
    return aliases, strangers


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells of the lines that hold anything; commas, semicolons or tabs part the cells."""
    try:
        text = contents(path).decode("utf-8-sig")
    except OSError as error:
        raise ForecastError(f"{shown_path(path)}: cannot be read ({error.strerror}); check the file") from None
    except ValueError:
        raise ForecastError(f"{shown_path(path)}: is no text; give a CSV of two columns, in UTF-8") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise ForecastError(f"{shown_path(path)}: is no CSV ({error}); give two columns of names") from None
    if not lines:
        raise ForecastError(
            f"{shown_path(path)}: the file is empty; give a line NAME IN RESULTS,NAME IN MODELS for each"
        )
    return lines


def _ways(name: str, readable: str) -> tuple[str, ...]:
    return "/".join(path_parts(name)), readable


def _is_header(cells: list[str], by_name: Mapping[str, str], rows: Sequence[str]) -> bool:
    known = any("/".join(path_parts(cell)) in by_name or cell in rows for cell in cells if cell)
    return len(cells) == 2 and not known and all(any(word in cell.casefold() for word in HEADERS) for cell in cells)


def _problem(
    number: int, cells: list[str], rows: Sequence[str], by_spelling: Mapping[str, list[str]]
) -> Problem | None:
    if len(cells) != 2 or not all(cells):
        remedy = "give the name in the results and the name in the table of models, quoted where it holds a comma"
        return Problem(row=number, value=",".join(cells), wrong="is not two names", remedy=remedy)
    same = by_spelling.get(spelling(cells[1]), [])
    if cells[1] in rows or len(same) == 1:
        return None
    near = closest(cells[1], rows)
    remedy = f"did you mean {shown(near)}?" if near else "give the name as it stands in the table of models"
    return Problem(row=number, value=cells[1], wrong="is no model of the table of models", remedy=remedy)
