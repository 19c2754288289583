"""Paths that a command reads, and those that it writes: one is never the other."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path
from forecast.files import beside_others, check_name

WRITTEN = ("output", "draws", "figure", "figures", "hubverse", "truth")
"""Parameters of commands that are files or folders to write; all other paths are read."""


def sparing[**P](command: Callable[P, None]) -> Callable[P, None]:
    """A command that refuses to write over what it reads, twice into one file, or into the folder of another run."""

    @wraps(command)
    def careful(*args: P.args, **given: P.kwargs) -> None:
        paths = [(name, path) for name, value in given.items() for path in _paths(value)]
        written = [path for name, path in paths if name in WRITTEN]
        check_apart([path for name, path in paths if name not in WRITTEN], written)
        with ExitStack() as held:
            for folder in {path.resolve().parent for path in written}:
                held.enter_context(beside_others(folder))
            command(*args, **given)

    return careful


def check_apart(read: Sequence[Path], written: Sequence[Path]) -> None:
    """A `ForecastError` where a file to write is one that is read, or is named twice."""
    for place, path in enumerate(written):
        for how, others in {"read": read, "written twice": written[:place]}.items():
            if any(_is_same(path, other) for other in others):
                raise ForecastError(f"{shown_path(path)}: is {how} by this command; name another file")


def _is_same(path: Path, other: Path) -> bool:
    """Whether both are names of one file, by whatever links, or would be."""
    check_name(path)
    check_name(other)
    if os.path.exists(path) and os.path.exists(other):
        return path.samefile(other) and not path.is_dir()
    return os.path.realpath(path) == os.path.realpath(other)


def _paths(value: Any) -> list[Path]:
    """The paths that are given for a parameter of a command."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Path)]
