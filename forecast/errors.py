"""The errors a user can meet and mend: shown as plain text, exit code 1, never a traceback."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

LISTED = 50  # lines of problems; more than a screen or two helps nobody
SHOWN_VALUES, SHOWN_RANGES = 3, 12  # of problems of one kind
SHOWN_CHARACTERS = 60  # of a value; enough to find the cell, short enough to keep one problem on one line


class ForecastError(Exception):
    """A known error: shown to the user as plain text, exit code 1."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with a table, where it stands and what to do about it."""

    wrong: str
    remedy: str
    row: int | None = None  # line in the file as an editor counts, the header being 1; None: the whole table
    column: str | None = None
    value: str | None = None  # as it stands in the file; None where no single cell is at fault

    def __str__(self) -> str:
        return _line([self])

    @property
    def kind(self) -> tuple[str | None, str, str]:
        """What problems of one kind share: the column, and their words without numbers and quoted names."""
        return self.column, _without_values(self.wrong), _without_values(self.remedy)


class TableError(ForecastError):
    """A table with problems: `problems` holds all of them, the text a line for each kind, at most fifty."""

    def __init__(self, path: str | os.PathLike[str], problems: Iterable[Problem]):
        self.path = path
        self.problems = tuple(problems)
        super().__init__(path, self.problems)

    def __str__(self) -> str:
        lines = by_kind(self.problems)
        count = len(self.problems)
        kinds = f" of {len(lines)} kind{'' if len(lines) == 1 else 's'}" if count > len(lines) else ""
        header = f"{shown_path(self.path)}: {count} problem{'' if count == 1 else 's'}{kinds}"
        more = [f"... and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
        return "\n".join([header, *(f"  {line}" for line in lines[:LISTED]), *more])


def by_kind(problems: Iterable[Problem]) -> list[str]:
    """A line for each kind of problem, in the order in which they first come: all rows, some values, the remedy."""
    kinds: dict[object, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind if problem.row is not None else problem, []).append(problem)
    return [_line(same) for same in kinds.values()]


def _line(same: Sequence[Problem]) -> str:
    """Problems of one kind in one line."""
    first = same[0]
    rows = sorted({problem.row for problem in same if problem.row is not None})
    values = list(dict.fromkeys(shown(problem.value) for problem in same if problem.value is not None))
    places = [
        f"row{'' if len(rows) == 1 else 's'} {row_ranges(rows)}" if rows else "",
        f"column {shown(first.column)}" if first.column is not None else "",
        f"value{'' if len(values) == 1 else 's'} {_listed(values)}" if values else "",
    ]
    wrong, remedy = (_folded([getattr(problem, name) for problem in same]) for name in ("wrong", "remedy"))
    return f"{', '.join(filter(None, places)) or 'table'}: {wrong}; {remedy}"


def row_ranges(rows: Iterable[int], most: int = SHOWN_RANGES) -> str:
    """Row numbers as ranges.

    >>> row_ranges([2, 3, 4, 7, 9, 10])
    '2-4, 7, 9-10'
    """
    rows = sorted(set(rows))
    if not rows:
        return ""
    ends = [0, *(place for place, (one, next) in enumerate(pairwise(rows), start=1) if next > one + 1), len(rows)]
    runs = [rows[start:stop] for start, stop in pairwise(ends)]
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    more = sum(len(run) for run in runs[most:])
    return ", ".join(texts[:most]) + (f" and {more} more" if more else "")


def _listed(texts: list[str]) -> str:
    return ", ".join(texts[:SHOWN_VALUES]) + (", ..." if len(texts) > SHOWN_VALUES else "")


def _folded(texts: list[str]) -> str:
    """Texts that differ in one place as one text with the differing parts side by side: 'write 7e9, 1.3e10, ...'."""
    different = list(dict.fromkeys(texts))
    if len(different) == 1:
        return different[0]
    words = [re.findall(r"[^ ;:,]+|[ ;:,]", text) for text in different]
    shortest = min(map(len, words))
    start = next((n for n in range(shortest) if len({each[n] for each in words}) > 1), shortest)
    most = shortest - start
    end = next((n for n in range(most) if len({each[-1 - n] for each in words}) > 1), most)
    parts = ["".join(each[start : len(each) - end]) for each in words]
    return "".join([*words[0][:start], _listed(parts), *words[0][len(words[0]) - end :]])


def _without_values(text: str) -> str:
    return re.sub(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|[0-9][0-9.e+-]*", "#", text)


def shown(value: str) -> str:
    """A value from a file in quotes, on one line: control characters escaped, long ones shortened.

    >>> shown("two\\nlines")
    "'two\\\\nlines'"
    """
    return repr(value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…")


def shown_path(path: str | os.PathLike[str]) -> str:
    """A path as the user knows it, escaped only where it holds control characters."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)
