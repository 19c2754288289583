"""Dates of a column: ISO, with months in words, year and month alone, or numbers whose order the column settles."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from forecast.errors import shown

EARLIEST, LATEST = pd.Timestamp("1950-01-01"), pd.Timestamp("2200-01-01")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WHOLE = "january february march april may june july august september october november december"
WORD = r"(?P<word>[a-z]{3,9})\.?"
DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>[0-9]{4})"
TIME = r"(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?(?: ?UTC)?)?"  # does not matter
CERTAIN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{YEAR}([-/.])(?P<month>[0-9]{{1,2}})\2{DAY}{TIME}",
        rf"{YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})",
        rf"{DAY}[\s/-]*{WORD}[\s,/-]*{YEAR}",
        rf"{WORD}\s*{DAY}\s*,?\s+{YEAR}",
        rf"{WORD}[\s,./-]*{YEAR}",
        rf"{YEAR}[\s,./-]*{WORD}",
        rf"{YEAR}[-/](?P<month>[0-9]{{1,2}})",
        rf"(?P<month>[0-9]{{1,2}})[-/.]{YEAR}",
    )
)
NUMERIC = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<mark>[-/.])(?P<second>[0-9]{{1,2}})(?P=mark)(?P<year>[0-9]{{4}}|[0-9]{{2}}){TIME}"
)
LONGEST = 100  # characters
MILLISECONDS = re.compile(r"[0-9]{12,13}")  # since 1970, as pandas writes dates in JSON
ORDERS = {"D/M/Y": "day/month/year", "M/D/Y": "month/day/year"}
LATEST_SHORT = 69  # 20 to 69 are of this century, as C libraries have it
ISO = "write YYYY-MM-DD, such as 2020-05-28, or leave the cell blank"


@dataclass(frozen=True)
class Dates:
    """The cells of a column that should hold dates, blank where nothing is known."""

    cells: tuple[str, ...]
    order: str | None = None  # of `ORDERS`, where the user says so

    @cached_property
    def values(self) -> tuple[pd.Timestamp, ...]:
        """NaT where blank, no date, or a date whose order nothing settles; the 15th of a month without a day."""
        return tuple(self._value(cell) for cell in self.cells)

    @cached_property
    def settled(self) -> str | None:
        """The order of dates in numbers: the user's, else the one that the column leaves; dots are day first."""
        found = [each for cell in self.cells if (each := NUMERIC.fullmatch(cell.strip()))]
        if self.order is not None or not found:
            return self.order
        if any(each["mark"] == "." for each in found):
            return "D/M/Y"
        day_first = any(int(each["first"]) > 12 for each in found)
        month_first = any(int(each["second"]) > 12 for each in found)
        return {(True, False): "D/M/Y", (False, True): "M/D/Y"}.get((day_first, month_first))

    def _value(self, cell: str) -> pd.Timestamp:
        text = cell.strip()
        if len(text) > LONGEST:  # some patterns take the square of its time
            return pd.NaT
        if MILLISECONDS.fullmatch(text):
            return pd.Timestamp(int(text), unit="ms").normalize()
        if found := next((each for pattern in CERTAIN if (each := pattern.fullmatch(text))), None):
            parts = {"month": None, "day": None, "word": None} | found.groupdict()
            month = _month(parts["word"]) if parts["word"] else int(parts["month"] or 0)
            return _timestamp(int(found["year"]), month, None if parts["day"] is None else int(parts["day"]))
        if (found := NUMERIC.fullmatch(text)) is None:
            return pd.NaT
        first, second = int(found["first"]), int(found["second"])
        if self.settled is None and first != second:
            return pd.NaT
        day, month = (second, first) if self.settled == "M/D/Y" else (first, second)
        return _timestamp(_full_year(found["year"]), month, day)

    def problem(self, cell: str) -> tuple[str, str]:
        """What is wrong with a cell that has no value, and what to do about it."""
        found = NUMERIC.fullmatch(cell.strip())
        readings = {_timestamp(_full_year(found["year"]), *pair) for pair in _both(found)} if found else set()
        if found and self.settled is None and len(known := sorted(readings - {pd.NaT})) == 2:
            either = " or ".join(f"{each:%Y-%m-%d}" for each in known)
            return f"may be {either}: no date of the column settles which number is the day", ISO
        if found and self.settled is None and known:
            return "is a day first or a month first, where other dates of the column are the other way round", ISO
        return f"is not a date between {EARLIEST.year} and {LATEST.year}", ISO

    def said(self) -> Iterator[str]:
        """What was made of cells that are not ISO: a sentence for each kind, with its first cell."""
        for cell, value in zip(self.cells, self.values, strict=True):
            if NUMERIC.fullmatch(cell.strip()) and self.settled and value is not pd.NaT:
                yield f"as {ORDERS[self.settled]}: {shown(cell.strip())} -> {value:%Y-%m-%d}"
                break
        for cell, value in zip(self.cells, self.values, strict=True):
            if MILLISECONDS.fullmatch(cell.strip()):
                yield f"of milliseconds since 1970: {shown(cell.strip())} -> {value:%Y-%m-%d}"
                break
        for cell, value in zip(self.cells, self.values, strict=True):
            found = next((each for pattern in CERTAIN if (each := pattern.fullmatch(cell.strip()))), None)
            if found and value is not pd.NaT and found.groupdict().get("day") is None:
                yield f"of months as their middle: {shown(cell.strip())} -> {value:%Y-%m-%d}"
                break


def is_date(cell: str) -> bool:
    """Whether a cell holds a date, in whatever order."""
    return any(Dates((cell,), order).values[0] is not pd.NaT for order in ORDERS)


def _both(found: re.Match[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second = int(found["first"]), int(found["second"])
    return (first, second), (second, first)


def _month(word: str) -> int:
    word = word.lower()
    known = word in (*MONTHS, "sept", *WHOLE.split())
    return MONTHS.index(word[:3]) + 1 if known else 0


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year <= LATEST_SHORT else 1900)


def _timestamp(year: int, month: int, day: int | None) -> pd.Timestamp:
    """A date; NaT where there is no such day or it lies outside the years of a table."""
    if not 1 <= month <= 12 or not EARLIEST.year <= year < LATEST.year:
        return pd.NaT
    if day is not None and not 1 <= day <= monthrange(year, month)[1]:
        return pd.NaT
    return pd.Timestamp(year, month, 15 if day is None else day)


def iso_date_of(cell: str) -> str:
    """The date of a lone cell as YYYY-MM-DD; blank where it holds none, or one whose order nothing settles."""
    (date,) = Dates((cell,)).values
    return "" if pd.isna(date) else f"{date:%Y-%m-%d}"
