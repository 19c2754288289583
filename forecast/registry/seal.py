"""Seal of a registered forecast: SHA-256 of each of its parts and of the whole, by which an altered file is known.

A digest is that of the canonical JSON of a value: keys sorted, no spaces, ASCII. `sha256` is that of everything else in
the file, the digests of its parts among it. Who alters a file and seals it again has another `sha256` than was
published.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path
from forecast.files import contents, json_text, parsed_json, write_whole

FORMAT = "capability-forecast registration 1"
CLOCKS_APART = timedelta(days=1)  # at most, of machines that a fit is copied between
OF_PARTS, OF_ALL = "sha256_of", "sha256"


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def time_of_registration(fit: Path) -> str:
    """The time in UTC; a `ForecastError` where the clock cannot be right, since the fit is of a later day.

    Outcomes after this time are held to be unknown to the forecast, so that it must not be told too early.
    """
    now, written = datetime.now(UTC), datetime.fromtimestamp(fit.stat().st_mtime, UTC)
    if written > now + CLOCKS_APART:
        raise ForecastError(
            f"the clock says {now:%Y-%m-%d}, but {shown_path(fit)} was written on {written:%Y-%m-%d}: "
            "set the clock, or fit again, before a forecast is registered"
        )
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"


def sealed(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts as plain values of JSON, with their digests and that of all."""
    plain = json.loads(json_text({"format": FORMAT, **parts}))
    whole = plain | {OF_PARTS: {name: digest(part) for name, part in plain.items()}}
    return whole | {OF_ALL: digest(whole)}


def altered(document: Mapping[str, Any]) -> list[str]:
    """The parts of a sealed document that do not match their digests; empty where it is as it was sealed."""
    sealed_as = document[OF_PARTS] if isinstance(document.get(OF_PARTS), dict) else {}
    parts = {name: part for name, part in document.items() if name not in (OF_PARTS, OF_ALL)}
    names = dict.fromkeys([*parts, *sealed_as])
    wrong = [name for name in names if name not in parts or digest(parts[name]) != sealed_as.get(name)]
    whole = {name: part for name, part in document.items() if name != OF_ALL}
    return wrong or ([] if digest(whole) == document.get(OF_ALL) else [OF_ALL])


def write_sealed(path: Path, document: Mapping[str, Any]) -> None:
    """Write a sealed document, a line for each part; a file that exists is not replaced."""
    lines = (f"{json_text(name)}: {json_text(part)}" for name, part in document.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    try:
        write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), replace=False)
    except FileExistsError as error:
        raise _taken(path) from error


def check_free(path: Path) -> None:
    """A `ForecastError` where a file is there already."""
    if path.exists():
        raise _taken(path)


def _taken(path: Path) -> ForecastError:
    return ForecastError(f"{shown_path(path)}: exists, and a registered forecast is not replaced; name another file")


def read_sealed(path: Path, *, published: str | None = None) -> dict[str, Any]:
    """The document of a file, as it was registered.

    A `ForecastError` says what was altered, or that its SHA-256 is not the `published` one.
    """
    if not path.is_file():
        raise ForecastError(f"{shown_path(path)}: no such file; `forecast register FIT.nc -o {path.name}` makes one")
    document = _document(path)
    if document is None:
        raise ForecastError(f"{shown_path(path)}: not a registered forecast; `forecast register FIT.nc` makes one")
    if wrong := altered(document):
        raise ForecastError(
            f"{shown_path(path)}: altered since it was registered: {', '.join(wrong)} "
            f"{'does' if len(wrong) == 1 else 'do'} not match its SHA-256; take the file as it was registered"
        )
    if document["format"] != FORMAT:  # of another version, which seals alike
        raise ForecastError(f"{shown_path(path)}: format {document['format']!r}, this version reads {FORMAT!r}")
    if published is not None and published.strip().lower() != document[OF_ALL]:
        raise ForecastError(
            f"{shown_path(path)}: its SHA-256 is {document[OF_ALL]}, the published one {published.strip()}; "
            "take the file that was published"
        )
    return document


def is_registration(path: Path) -> bool:
    """Whether a file says of itself that it is a registered forecast, altered or not."""
    return _document(path) is not None


def _document(path: Path) -> dict[str, Any] | None:
    """A JSON object with the format or the digests of a registered forecast; None of any other file."""
    try:
        document = parsed_json(contents(path), path, parse_constant=_no_number)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    return document if OF_PARTS in document or document.get("format") == FORMAT else None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
