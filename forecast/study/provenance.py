"""Provenance of a result: all that fixes its numbers. Where none of it differs, no number differs."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from llvmlite.binding import get_host_cpu_name

import models
from forecast.draws import Sampling
from forecast.posterior.fit import installed_versions
from forecast.study.file import Study

PACKAGES = (Path(__file__).parents[1], Path(models.__file__).parent)


def provenance(study: Study, *, structures: Sequence[str], sampling: Sampling) -> dict[str, Any]:
    """What `result.json` holds of it; options that leave the numbers as they are, such as workers, are none of it."""
    files = (study.folder / "study.toml", study.table, study.runs)
    return {
        "files": {path.name: _hash(path.read_bytes()) for path in files if path is not None},
        "structures": list(structures),
        "sampling": asdict(sampling),
        "versions": {"python": platform.python_version()} | installed_versions(),
        "code": code_hash(),
        "machine": {
            "system": sys.platform,
            "processor": get_host_cpu_name(),  # what machine code is made for
            "cores": os.cpu_count(),
        },
    }


@cache
def code_hash() -> str:
    """SHA-256 of the source of this version, which tells two states of one version number apart."""
    files = [(path.relative_to(package.parent), path) for package in PACKAGES for path in package.rglob("*.py")]
    return _hash(b"".join(name.as_posix().encode() + path.read_bytes() for name, path in sorted(files)))


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def changed(before: Mapping[str, Any], now: Mapping[str, Any], *above: str) -> Iterator[dict[str, Any]]:
    """What of two provenances is not the same, with both values: None where one does not have it."""
    for name in dict.fromkeys([*before, *now]):
        one, two = before.get(name), now.get(name)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            yield from changed(one, two, *above, name)
        elif one != two:
            yield {"what": " ".join([*above, name]), "before": one, "now": two}
