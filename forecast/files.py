"""Files that are there whole or not at all, and limits of those that are read; light to import."""

import json
import logging
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path

logger = logging.getLogger(__name__)
FIGURES = (".png", ".svg", ".pdf")
LARGEST = 200 * 10**6
"""Bytes of a file that is read whole, packed or not: some twenty times as many are needed to hold what is in it."""
MOST_VALUES = 2 * 10**7
"""Marks of JSON that begin a value or end one; an empty value takes a hundred bytes of memory, and two of a file."""
FORMULA = re.compile(r"'*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|inf)", re.IGNORECASE)
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
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=path.suffix)
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
    """Hold a folder for the files of one run; a `ForecastError` where another process holds it, or the one above."""
    with beside_others(folder.resolve().parent), _held(folder, "LOCK_EX"):
        yield


def beside_others(folder: Path) -> AbstractContextManager[None]:
    """Hold a folder for files of which others write theirs too; a `ForecastError` where a run holds it for its own."""
    return _held(folder, "LOCK_SH")


@contextmanager
def _held(folder: Path, how: str) -> Iterator[None]:
    """A hold of the kernel's, on the folder itself: it ends with the process, however that ends, and leaves no file."""
    with ExitStack() as held:
        try:
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            held.callback(os.close, handle)
            fcntl.flock(handle, getattr(fcntl, how) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ForecastError(
                f"{shown_path(folder)}: another run is writing into this folder; wait for it, or name another folder"
            ) from error
        except (ImportError, OSError) as error:  # a system, or a file system, that knows no locks
            reason = getattr(error, "strerror", None) or error
            if how == "LOCK_EX":
                logger.warning("%s: cannot be locked (%s); let no other run write into it", folder, reason)
        yield


def contents(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file; a `ForecastError` where it has no end, or too many of them to be read whole."""
    check_name(path)
    with Path(path).open("rb") as file:
        found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise ForecastError(
            f"{shown_path(path)}: holds more than {LARGEST // 10**6} MB, too much to read; give a part of it, "
            "or one row for each measurement with its count of items"
        )
    return found


def parsed_json(text: str | bytes, path: str | os.PathLike[str], **options: Any) -> Any:
    """The document of JSON; a `ForecastError` where it holds more values than memory should be taken for.

    What is no JSON is a `ValueError`, what is nested too deeply a `RecursionError`.
    """
    marks = map(text.count, ",{[") if isinstance(text, str) else map(text.count, b",{[")
    if sum(marks) > MOST_VALUES:
        raise ForecastError(f"{shown_path(path)}: holds more than {MOST_VALUES:,} values, too many; give a part of it")
    return json.loads(text, **options)


def write_csv(path: str | os.PathLike[str], frame: Any) -> None:
    """Write a frame as CSV of which no spreadsheet computes a cell, whole or not at all."""
    safe = without_formulas(frame)
    write_whole(path, lambda temporary: safe.to_csv(temporary, index=False))


def without_formulas(frame: Any) -> Any:
    """A frame with all its texts, those of the header among them, as `without_formula` has them."""
    safe = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if kind.kind == "O":  # texts; not numbers or dates
            safe.isetitem(place, frame.iloc[:, place].map(without_formula))
    return safe.set_axis([without_formula(name) for name in frame.columns], axis="columns")


def without_formula(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula behind an apostrophe, which makes it text there; others as
    they are.

    >>> without_formula("=1+1"), without_formula("addition"), without_formula("-0.5")
    ("'=1+1", 'addition', '-0.5')
    """
    taken = isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if taken else cell


def as_written(cell: str) -> str:
    """The inverse of `without_formula`."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


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
    check_name(path)
    if path.is_dir():
        raise ForecastError(f"{shown_path(path)}: is a folder; name a file")
    if not path.parent.is_dir():
        raise ForecastError(f"{shown_path(path)}: the folder {shown_path(path.parent)} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise ForecastError(f"{shown_path(path)}: the folder {shown_path(path.parent)} cannot be written to")


def check_name(path: str | os.PathLike[str]) -> None:
    """Refuse what no file can be called."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # said in words of its own where it matters
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ForecastError(f"{shown_path(path)}: no file can be called so ({reason}); name it otherwise") from None


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
