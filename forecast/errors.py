"""The errors a user can meet and mend: shown as plain text, exit code 1, never a traceback."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

LISTED = 50  # problems printed in full; more than a screen or two helps nobody
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
        places = [
            f"row {self.row}" if self.row is not None else "",
            f"column {shown(self.column)}" if self.column is not None else "",
            f"value {shown(self.value)}" if self.value is not None else "",
        ]
        return f"{', '.join(filter(None, places)) or 'table'}: {self.wrong}; {self.remedy}"


class TableError(ForecastError):
    """A table with problems: `problems` holds all of them, the text the first fifty."""

    def __init__(self, path: str | os.PathLike[str], problems: Iterable[Problem]):
        self.path = path
        self.problems = tuple(problems)
        super().__init__(path, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        header = f"{shown_path(self.path)}: {count} problem{'' if count == 1 else 's'}"
        more = [f"... and {count - LISTED} more"] if count > LISTED else []
        return "\n".join([header, *(f"  {problem}" for problem in self.problems[:LISTED]), *more])


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
