"""Files that are there whole or not at all; light to import, unlike what fills them."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from forecast.errors import ForecastError, shown_path

FIGURES = (".png", ".svg", ".pdf")


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: the file is there whole or not at all."""
    path = Path(path)
    check_target(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written before any work is done for it."""
    if path.is_dir():
        raise ForecastError(f"{shown_path(path)}: is a folder; name a file")
    if not path.parent.is_dir():
        raise ForecastError(f"{shown_path(path)}: the folder {shown_path(path.parent)} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise ForecastError(f"{shown_path(path)}: the folder {shown_path(path.parent)} cannot be written to")


def check_figure(path: Path) -> None:
    """The same of a figure, which also must be of a known kind."""
    if path.suffix.lower() not in FIGURES:
        raise ForecastError(f"{shown_path(path)}: a figure ends in {', '.join(FIGURES)}; name it otherwise")
    check_target(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
