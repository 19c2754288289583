"""Source of a study: a public file, at a path or an address, of which the importer makes the study's table."""

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import ForecastError, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.importing import import_results


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a study takes of a public file."""

    table: Path  # to write
    tasks: tuple[str, ...]
    sha256: str  # of the file that the committed result was made from


def main(source: Source) -> None:
    """The command `table.py SOURCE`: what it left out and wrote on stderr and stdout, an error in one line."""
    try:
        _make_table(source, _arguments(source))
    except ForecastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _arguments(source: Source) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the table of this study of a table with a row for each score.")
    parser.add_argument("source", metavar="SOURCE", help="path, or address with --sha256")
    parser.add_argument("--sha256", help="of the file at an address; another file is refused")
    parser.add_argument("-o", dest="table", type=Path, default=source.table, help="table to write [%(default)s]")
    given = parser.parse_args()
    if "://" in given.source and not given.sha256:
        parser.error("an address needs --sha256, so that a changed file is seen")
    return given


def _make_table(source: Source, given: argparse.Namespace) -> None:
    path = downloaded(given.source, given.sha256) if "://" in given.source else Path(given.source)
    if given.sha256 and path.is_file() and sha256_of(path) != given.sha256:
        raise ForecastError(f"{shown_path(path)}: has SHA-256 {sha256_of(path)}, not that of --sha256; check both")
    frame, left_out = import_results("long", path, given.table, choices=Choices(tasks=source.tasks), say=_say)
    for each in left_out:
        _say(f"left out: {each.what}: {each.why}")
    if sha256_of(path) != source.sha256:
        _say(
            f"warning: {shown_path(path)} is not the file that the committed result was made from (SHA-256 "
            f"{source.sha256}); the result will differ"
        )
    print(f"{shown_path(given.table)}: {len(frame)} rows, {frame['model'].nunique()} models")


def downloaded(address: str, sha256: str) -> Path:
    """The file at an address, kept in the user's cache; a `ForecastError` where it is another or cannot be had."""
    try:
        import pooch
    except ImportError:
        raise ForecastError(
            "downloads need pooch: run with `python3 -m uv run --group download`, or give a path"
        ) from None
    try:
        return Path(pooch.retrieve(address, known_hash=f"sha256:{sha256}", path=pooch.os_cache("capability-forecast")))
    except (OSError, ValueError) as error:  # no network; another hash
        said = " ".join(str(error).split())
        raise ForecastError(f"{address}: cannot be downloaded: {said}; give the path of a copy") from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(note: str) -> None:
    print(note, file=sys.stderr)
