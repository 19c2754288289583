"""NetCDF files with a seal: a last line that holds the SHA-256 of all before it.

NetCDF is read by a library in C, which crashes on some damaged files and takes wrong numbers from others. A file is
therefore read only where it is as it was written. That library passes over what follows the last byte of its own.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from forecast.files import write_whole

SEAL = b"\nsha256 "
LENGTH = len(SEAL) + 64 + 1  # of the line, with its end
CHUNK = 2**20  # bytes read at once


def write_netcdf(path: str | os.PathLike[str], dataset: Any) -> None:
    """Write a Dataset or DataTree, sealed, whole or not at all."""

    def write(temporary: Path) -> None:
        dataset.to_netcdf(temporary, engine="netcdf4")
        seal(temporary)

    write_whole(path, write)


def seal(path: Path) -> None:
    """Add the line to a file that has none."""
    digest = _digest(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(SEAL + digest.encode("ascii") + b"\n")


def broken_seal(path: Path) -> str:
    """What is wrong with the seal of a file; blank where the file is as it was written."""
    size = path.stat().st_size - LENGTH
    with path.open("rb") as file:
        file.seek(max(size, 0))
        line = file.read(LENGTH)
    if not (line.startswith(SEAL) and line.endswith(b"\n")):
        return "it is cut short, of an earlier version or of another program"
    same = line[len(SEAL) : -1] == _digest(path, size).encode("ascii")
    return "" if same else "its bytes have changed since it was written"


def _digest(path: Path, size: int) -> str:
    """SHA-256 of the first bytes of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (part := file.read(min(CHUNK, size))):
            found.update(part)
            size -= len(part)
    return found.hexdigest()
