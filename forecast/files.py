"""Files that are there whole or not at all; light to import, unlike what fills them."""

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path

FIGURES = (".png", ".svg", ".pdf")
written: list[Path] = []
"""Files that this process has finished, for the message of a command that fails after them."""


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
        written.append(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], answer: Any) -> None:
    """Write an answer as an indented JSON document."""
    text = json_text(answer, indent=1) + "\n"
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def json_text(answer: Any, *, indent: int | None = None) -> str:
    """An answer as standard JSON, which knows neither infinity nor NaN: see `json_number`."""
    return json.dumps(_as_json(answer), ensure_ascii=False, allow_nan=False, indent=indent)


def json_number(value: float) -> float | str | None:
    """A number for JSON: infinite ones are the strings "inf" and "-inf", what is not known is None."""
    return float(value) if math.isfinite(value) else None if math.isnan(value) else str(float(value))


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy, without importing it here
        return _as_json(value.tolist())
    if isinstance(value, float):
        return json_number(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


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


def make_folder(folder: Path) -> None:
    """Make the folder; a `ForecastError` where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForecastError(f"{shown_path(folder)}: cannot be made ({error.strerror}); name another folder") from error
