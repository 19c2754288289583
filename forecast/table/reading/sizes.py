"""Sizes of models in a sheet: as plain numbers, and refused where they cannot be meant in the unit of their column."""

from collections.abc import Iterable, Iterator

import pandas as pd

from forecast.errors import Problem, TableError, shown
from forecast.table.reading.quantities import quantity, short
from forecast.table.reading.roles import SIZES
from forecast.table.reading.sheet import Sheet, same

SMALLEST = {"params": 1e3, "active_params": 1e3, "tokens": 1e4, "compute": 1e9}
"""Below, no training run is meant; models of 2,000 parameters and of 4e8 FLOP have been trained to study scaling."""
REACHED = {"params": 1e4, "active_params": 1e4, "tokens": 1e6, "compute": 1e9}
"""What the largest of a column reaches: a table of runs below is in another unit."""
LARGEST = {"params": 1e15, "active_params": 1e15, "tokens": 1e17, "compute": 1e32}


def sizes_of(sheet: Sheet, role: str) -> pd.Series:
    """Cells of a size as plain numbers in text: as typed where they are that, or are no quantity at all."""
    unit = sheet.columns[role].unit

    def plain(cell: str) -> str:
        value = quantity(cell, unit)
        return cell if value is None or same(cell, value) else short(value)

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
    if largest is not None and known[largest] < REACHED[role]:
        wrong = f"cannot be meant: no {role} of the column reach {short(REACHED[role])}"
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
