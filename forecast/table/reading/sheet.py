"""Sheets: the cells of a file with the roles of its columns, each as numbers, dates or text; what was made of it is
said."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.reading.cells import MISSING, NUMBER
from forecast.table.reading.dates import Dates
from forecast.table.reading.files import read_cells
from forecast.table.reading.quantities import PLAIN, Unit, example, quantity, short, with_unit_of
from forecast.table.reading.roles import (
    AS_HEADERS_SAY,
    LIKE_A_SIZE,
    SIZES,
    Columns,
    Given,
    is_letter,
    parts_of,
    role_of,
)

logger = logging.getLogger(__name__)
DASHES = ("-", "–", "—", "?")
SMALLEST = {"params": 1e4, "active_params": 1e4, "tokens": 1e6, "compute": 1e9}  # of the largest of a column
LARGEST = {"params": 1e16, "active_params": 1e16, "tokens": 1e18, "compute": 1e36}  # a thousand times those of 2026
OF_A_LETTER = 1e5  # N, D and C below are counts of something else


@dataclass(frozen=True)
class Column:
    """A column by its header, and the unit of its numbers or the order of its dates where header or user say so."""

    header: str
    unit: Unit = PLAIN
    order: str | None = None
    given: bool = False  # by the user


@dataclass(frozen=True)
class Sheet:
    """The cells of a file and the columns of its roles."""

    path: Path
    frame: pd.DataFrame
    columns: Mapping[str, Column]

    def text(self, role: str) -> pd.Series:
        """Cells as text without spaces around them; blank where they say nothing, or no column has the role."""
        return self._cells.get(role, self._blank)

    @cached_property
    def _cells(self) -> dict[str, pd.Series]:
        return {role: texts(self.frame, column.header) for role, column in self.columns.items()}

    @cached_property
    def _blank(self) -> pd.Series:
        return pd.Series("", index=self.frame.index, dtype=object)

    @cached_property
    def sizes_not_read(self) -> list[str]:
        """Columns of numbers whose headers look like compute, parameters or tokens, and that have no role."""
        used = {column.header for column in self.columns.values()}
        named = [name for name in self.frame if name not in used and LIKE_A_SIZE.search(name)]
        return [name for name in named if any(outside(cell) for cell in texts(self.frame, name))]

    @property
    def unique_names(self) -> list[str]:
        """Columns of text whose cells all differ, and else pairs of columns that do."""
        frame = pd.DataFrame({name: texts(self.frame, name) for name in dict.fromkeys(self.frame)})
        words = [name for name in frame if not frame[name].map(_is_number).any() and (frame[name] != "").all()]
        facts = [column.header for role, column in self.columns.items() if role in SIZES and column.header in frame]
        alone = [name for name in words if frame[name].is_unique]
        pairs = [(one, two) for i, one in enumerate(words) for two in words[i + 1 :]]
        pairs += [(one, two) for one in words for two in facts if one != two]
        return alone or [f"{one}+{two}" for one, two in pairs if not frame.duplicated([one, two]).any()]


def texts(frame: pd.DataFrame, header: str) -> pd.Series:
    """The cells of a column, or of several put together, without spaces around them."""
    if header not in frame:
        parts = [texts(frame, part) for part in parts_of(header)]
        return parts[0].str.cat(parts[1:], sep=" ")
    column = frame.loc[:, [name == header for name in frame.columns]].iloc[:, 0]
    cells = ["" if missing else str(cell).strip() for cell, missing in zip(column, column.isna(), strict=True)]
    return pd.Series([_filled(cell) for cell in cells], index=frame.index, dtype=object)


def _filled(cell: str) -> str:
    return "" if cell.lower() in MISSING or cell in DASHES else cell


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def outside(cell: str) -> bool:
    """Whether a cell holds a number that is no score."""
    value = quantity(cell)
    return value is not None and not 0 <= value <= 100


def read_sheet(path: Path, roles: Iterable[str], columns: Columns = AS_HEADERS_SAY) -> Sheet:
    """The sheet of a file, with these roles as the user names them or else as headers do; what was decided is logged.

    Raises
    ------
    ForecastError
        if several columns may have a role, or the file cannot be read.
    """
    frame = read_cells(path)
    found = {}
    for role in roles:
        column = _column(frame, role, tuple(roles), columns, path)
        if column is not None:
            found[role] = column
    sheet = Sheet(path, frame, found)
    for role, column in found.items():
        for sentence in _said(sheet, role, column):
            logger.warning("read: %s", sentence)
    return sheet


def _column(frame: pd.DataFrame, role: str, roles: tuple[str, ...], columns: Columns, path: Path) -> Column | None:
    given = columns.named.get(role)
    if given is not None and (header := _in_frame(frame, given)) is not None:
        _check_single(frame, header, role, path)
        known = role_of(header, roles)
        unit = with_unit_of(given.unit, PLAIN if known is None else known[1])
        return Column(header, unit, given.order, given=True)
    if role in frame:
        _check_single(frame, role, role, path)
        return Column(role)
    taken = {each.header for each in columns.named.values()}
    fitting = [name for name in dict.fromkeys(frame) if name not in taken and _fits(frame, name, role, roles)]
    if len(fitting) > 1:
        named = " and ".join(map(shown, fitting))
        raise ForecastError(
            f"{shown_path(path)}: columns {named} may both be {role}; name one with "
            f"--columns {shown(f'{role}={fitting[0]}')}"
        )
    return Column(fitting[0], role_of(fitting[0], roles)[1]) if fitting else None  # type: ignore[index]


def _in_frame(frame: pd.DataFrame, given: Given) -> str | None:
    """The header that the user means: as it stands, but for capitals, or several put together."""
    if given.header in frame:
        return given.header
    close = [name for name in frame if name.casefold() == given.header.casefold()]
    together = len(parts_of(given.header)) > 1 and all(part in frame for part in parts_of(given.header))
    return given.header if together else close[0] if len(close) == 1 else None


def _check_single(frame: pd.DataFrame, header: str, role: str, path: Path) -> None:
    if list(frame.columns).count(header) > 1:
        raise ForecastError(f"{shown_path(path)}: two columns are named {shown(header)}; rename one")


def _fits(frame: pd.DataFrame, header: str, role: str, roles: tuple[str, ...]) -> bool:
    """Whether a header has the role, and a cell below it is of the kind."""
    known = role_of(header, roles)
    if known is None or known[0] != role:
        return False
    cells = [cell for cell in texts(frame, header) if cell]
    if role in SIZES:
        values = [value for cell in cells if (value := quantity(cell, known[1])) is not None]
        return bool(values) and (min(values) >= OF_A_LETTER or not is_letter(header))
    if role == "date":
        return any(value is not pd.NaT for value in Dates(tuple(cells)).values)
    if role in ("trials", "successes"):
        return bool(cells) and all(_is_number(cell) and float(cell) % 1 == 0 for cell in cells)
    return bool(cells)


def _said(sheet: Sheet, role: str, column: Column) -> Iterator[str]:
    """What was made of a column whose header or cells are not those of an observation table."""
    cells = [cell for cell in sheet.text(role) if cell]
    name = f"column {shown(column.header)} as {role}"
    if role in SIZES:
        known = ((cell, quantity(cell, column.unit)) for cell in cells)
        changed = next(((cell, value) for cell, value in known if value and not _same(cell, value)), None)
        unit = f" in {column.unit.words}" if column.unit.words else ""
        if changed:
            yield f"{name}{unit}: {example(*changed)}"
        elif column.header != role:
            yield f"{name}{unit}"
        return
    if column.header != role and role != "confidence":
        yield name
    if role == "date":
        for sentence in Dates(tuple(cells), column.order).said():
            yield f"column {shown(column.header)} {sentence}"


def _same(cell: str, value: float) -> bool:
    return _is_number(cell) and math.isclose(float(cell), value, rel_tol=1e-12)


def sizes_of(sheet: Sheet, role: str) -> pd.Series:
    """Cells of a size as plain numbers in text: as typed where they are that, or are no quantity at all."""
    unit = sheet.columns[role].unit

    def plain(cell: str) -> str:
        value = quantity(cell, unit)
        return cell if value is None or _same(cell, value) else short(value)

    return sheet.text(role).map(plain)


def check_sizes(sheet: Sheet) -> None:
    """A `TableError` with all columns of sizes whose numbers cannot be meant in the unit that they are read in."""
    problems = [found for role in SIZES if role in sheet.columns for found in _unmeant(sheet, role)]
    if problems:
        raise TableError(sheet.path, problems)


def _unmeant(sheet: Sheet, role: str) -> Iterator[Problem]:
    header, unit = sheet.columns[role].header, sheet.columns[role].unit
    cells = sheet.text(role)
    known = {line: value for line, cell in cells.items() if (value := quantity(cell, unit)) is not None and value > 0}
    largest = max(known, key=lambda line: known[line], default=None)
    if largest is not None and known[largest] < SMALLEST[role]:
        wrong = f"cannot be meant: no {role} of the column reach {short(SMALLEST[role])}"
        option = f"--columns {shown(f'{_likely(role, known.values())}={header}')}"
        remedy = f"give their unit, such as {option}, or write the numbers out"
        yield Problem(row=int(str(largest)), column=header, value=cells[largest], wrong=wrong, remedy=remedy)
    for line in [line for line, value in known.items() if value > LARGEST[role]][:1]:
        beyond = sum(value > LARGEST[role] for value in known.values())
        others = f", and so {beyond - 1} more" if beyond > 1 else ""
        wrong = f"cannot be meant: read in {unit.words or 'plain numbers'} it is {short(known[line])}{others}"
        plain = f", or --columns {shown(f'{role} (1e0)={header}')} where cells are plain numbers" if unit.said else ""
        remedy = f"write all cells of the column in one unit{plain}"
        yield Problem(row=int(str(line)), column=header, value=cells[line], wrong=wrong, remedy=remedy)


def _likely(role: str, values: Iterable[float]) -> str:
    """A role with the unit that numbers too small for it are likely in."""
    least, largest = min(values := list(values)), max(values)
    if role == "compute":
        return "log10 compute" if least > 12 and largest < 30 else "compute (1e21)"
    if role == "tokens":
        return "tokens (T)" if largest < 50 else "tokens (B)"
    return f"{role} (B)" if largest < 1000 else f"{role} (M)"
