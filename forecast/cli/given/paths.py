"""Paths that a command reads, and those that it writes: one is never the other."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path

WRITTEN = ("output", "draws", "figure", "figures", "hubverse", "truth")
"""Parameters of commands that are files or folders to write; all other paths are read."""


def sparing[**P](command: Callable[P, None]) -> Callable[P, None]:
    """A command that first refuses to write over what it reads, or twice into one file."""

    @wraps(command)
    def careful(*args: P.args, **given: P.kwargs) -> None:
        paths = [(name, path) for name, value in given.items() for path in _paths(value)]
        written = [path for name, path in paths if name in WRITTEN]
        check_apart([path for name, path in paths if name not in WRITTEN], written)
        command(*args, **given)

    return careful


def check_apart(read: Sequence[Path], written: Sequence[Path]) -> None:
    """A `ForecastError` where a file to write is one that is read, or is named twice."""
    from forecast.files import is_same_file

    for place, path in enumerate(written):
        for how, others in {"read": read, "written twice": written[:place]}.items():
            if any(is_same_file(path, other) for other in others):
                raise ForecastError(f"{shown_path(path)}: is {how} by this command; name another file")


def _paths(value: Any) -> list[Path]:
    """The paths that are given for a parameter of a command."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Path)]
