"""Sheets: the cells of a file with the roles of its columns, each as numbers, dates or text; what was made of it is
said."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, shown, shown_path
from forecast.table.reading.cells import MISSING, NUMBER
from forecast.table.reading.dates import Dates, is_date
from forecast.table.reading.files import read_cells
from forecast.table.reading.quantities import PLAIN, Unit, example, quantity, with_unit_of
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
from models.facts.ceilings import BOUNDS

logger = logging.getLogger(__name__)
DASHES = ("-", "–", "—", "?")
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

    @cached_property
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
        else:
            _say_not_taken(frame, role, tuple(roles))
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
    known = role_of(fitting[0], roles) if fitting else None
    return None if known is None else Column(fitting[0], known[1])


def _say_not_taken(frame: pd.DataFrame, role: str, roles: tuple[str, ...]) -> None:
    """Name the columns that are called as one of a role is, and hold nothing of the kind."""
    for name in dict.fromkeys(frame) if role in (*SIZES, "date") else ():
        known, cells = role_of(name, roles), [cell for cell in texts(frame, name) if cell]
        if known is not None and known[0] == role and cells and not is_letter(name):
            logger.warning(
                "read: column %s is not read as %s: no cell can be, such as %s", shown(name), role, shown(cells[0])
            )


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
        return any(is_date(cell) for cell in cells)
    if role in ("trials", "successes"):
        return bool(cells) and all(_is_number(cell) and float(cell) % 1 == 0 for cell in cells)
    if role in BOUNDS:
        return bool(cells) and all(_is_number(cell.rstrip("% ")) for cell in cells)
    return bool(cells)


def _said(sheet: Sheet, role: str, column: Column) -> Iterator[str]:
    """What was made of a column whose header or cells are not those of an observation table."""
    cells = [cell for cell in sheet.text(role) if cell]
    name = f"column {shown(column.header)} as {role}"
    if role in SIZES:
        known = ((cell, quantity(cell, column.unit)) for cell in cells)
        changed = next(((cell, value) for cell, value in known if value and not same(cell, value)), None)
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


def same(cell: str, value: float) -> bool:
    return _is_number(cell) and math.isclose(float(cell), value, rel_tol=1e-12)
