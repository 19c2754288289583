"""Files that are there whole or not at all; light to import, unlike what fills them."""

import fcntl
import json
import logging
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path

logger = logging.getLogger(__name__)
FIGURES = (".png", ".svg", ".pdf")
written: list[Path] = []
"""Files that this process has finished, for the message of a command that fails after them."""


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object], *, replace: bool = True) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: the file is there whole or not at all.

    A file that is there already stays, whole, until then; where it may not be replaced, `FileExistsError` says so. What
    the disk refuses is a `ForecastError`.
    """
    path = Path(path)
    check_target(path)
    with _writable(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    temporary = Path(name)
    try:
        with _writable(path):
            write(temporary)
            temporary.chmod(0o666 & ~_umask())
            _sync(temporary)
            if replace:
                os.replace(temporary, path)
        if not replace:
            _name_anew(temporary, path)
        written.append(path)
    finally:
        temporary.unlink(missing_ok=True)


def _name_anew(temporary: Path, path: Path) -> None:
    """Rename a file to a name that is free: `FileExistsError` where it is not, even since a moment."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from error
        os.replace(temporary, path)


def _sync(path: Path) -> None:
    """Wait until a file is on the disk: some file systems only then say that it is full."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # netCDF says a full disk by RuntimeError
        if isinstance(error, RuntimeError) and "NetCDF" not in str(error):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ForecastError(
            f"{shown_path(path)}: cannot be written ({reason}); make room, or name another place"
        ) from error


def forget(paths: Iterable[Path]) -> None:
    """Take away files of an earlier run, if they are there, so that they do not stand beside those of this one."""
    for path in paths:
        with _writable(path):
            path.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder for the files of one run; a `ForecastError` where another process holds it.

    The hold is the kernel's, on the folder itself: it ends with the process, however that ends, and leaves no file.
    """
    with ExitStack() as held:
        try:
            handle = os.open(folder, os.O_RDONLY)
            held.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ForecastError(
                f"{shown_path(folder)}: another run is writing into this folder; wait for it, or name another folder"
            ) from error
        except OSError as error:  # a file system that knows no locks
            logger.warning("%s: cannot be locked (%s); let no other run write into it", folder, error.strerror)
        yield


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
    """Make the folder, if need be; a `ForecastError` where that cannot be done, or nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForecastError(f"{shown_path(folder)}: cannot be made ({error.strerror}); name another folder") from error
    if not os.access(folder, os.W_OK):
        raise ForecastError(f"{shown_path(folder)}: cannot be written to; name another folder")
