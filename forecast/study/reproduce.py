"""Reproduction of a result: its study run again, what came out otherwise, and what is no longer the same."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forecast.draws import Sampling
from forecast.errors import ForecastError, shown_path
from forecast.files import json_text
from forecast.stages import SILENT, Stages
from forecast.study.differences import ERRORS, differences, effective_draws
from forecast.study.file import read_study
from forecast.study.provenance import changed
from forecast.study.run import run_study
from forecast.words import counted
from models.structures import DEFAULT

IDENTICAL, WITHIN, DIFFERS = "identical", "within Monte Carlo error", "differs"
COMMAND = re.compile(r"`[^`]*`")  # in a sentence: it names folders
FEW_DRAWS = 2 * ERRORS**2  # effective draws at which Monte Carlo error is as wide as the middle half of a posterior


def reproduce(
    path: Path,
    *,
    study: Path | None = None,
    output: Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    stages: Stages = SILENT,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Run the study of a result again, with the structures and the sampling of then, and compare.

    Numbers are `exact`, so that any difference counts, where nothing that fixes them has changed: files, options,
    versions, code and machine. Elsewhere differences count where they are beyond Monte Carlo error. A difference in
    words alone, such as a verdict at its limit, never does; `verdict` shows both.

    Parameters
    ----------
    path : a `result.json`
    study : the folder of its study; None: that of the file, or the one above it
    output : for the files of the new run; None: they are not kept

    Raises
    ------
    ForecastError
        if the file is no result, or its study cannot be carried out.
    """
    before = read_result(path)
    known = before.get("provenance")
    asked = read_study(study_folder(path) if study is None else study)
    if output is not None and output.resolve() == path.parent.resolve():
        raise ForecastError(f"{shown_path(output)}: holds the result that is compared; name another folder")
    options: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "stages": stages, "warn": warn}
    options |= {"structures": known["structures"] if known else DEFAULT, "sampling": _sampling(known)}
    with nullcontext(output) if output else TemporaryDirectory() as place:
        run_study(asked, Path(place), **options)
        now = json.loads((Path(place) / "result.json").read_text(encoding="utf-8"))
    return {"result": str(path), "study": str(asked.folder), **_compared(before, now)}


def _compared(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Two results beside each other, as plain values."""
    known = before.get("provenance")
    moved = list(changed(known, now["provenance"])) if known else []
    found, unequal = differences(before, now), list(_unequal(before, now))
    exact = known is not None and not moved
    differs = found or (exact and unequal)
    answer = {
        "outcome": IDENTICAL if not unequal else DIFFERS if differs else WITHIN,
        "exact": exact,
        "changed": moved if known else None,
        "differences": [asdict(each) | {"text": str(each)} for each in found],
        "unequal_values": len(unequal),
        "first_unequal": unequal[:5],
        "effective_draws": effective_draws(before, now),
        "verdict": {"before": before["verdict"]["trust"], "now": now["verdict"]["trust"]},
    }
    return answer | {"sentence": _sentence(answer)}


def _sentence(answer: Mapping[str, Any]) -> str:
    """The outcome in words."""
    beyond, values = counted(len(answer["differences"]), "difference"), counted(answer["unequal_values"], "value")
    if answer["outcome"] == IDENTICAL:
        return "Reproduced: every value is identical."
    if answer["outcome"] == WITHIN:
        few = "; with so few effective draws that says little" if answer["effective_draws"] < FEW_DRAWS else ""
        return f"Reproduced within Monte Carlo error: {values} not identical, none of them beyond it{few}."
    if not answer["differences"]:
        return f"Not reproduced: {values} not identical, though nothing that fixes them has changed."
    return f"Not reproduced: {beyond} beyond Monte Carlo error, {values} not identical."


def read_result(path: Path) -> dict[str, Any]:
    """What a `result.json` holds; a `ForecastError` where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for each in found["fits"]:
            effective_draws({"fits": [each]}), each["fit"], each["thresholds"]
        found["verdict"]["trust"], found["seed"]
    except OSError as error:
        raise ForecastError(
            f"{shown_path(path)}: cannot be read ({error.strerror}); name the result.json of a study"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ForecastError(
            f"{shown_path(path)}: is no result of a study; `forecast run STUDY` writes STUDY/output/result.json"
        ) from error
    return dict(found)


def study_folder(path: Path) -> Path:
    """The folder of the study of a result: its own, or the one above."""
    for folder in (path.resolve().parent, path.resolve().parent.parent):
        if (folder / "study.toml").is_file():
            return folder
    raise ForecastError(f"{shown_path(path)}: no study.toml beside or above it; name its folder by --study DIR")


def _sampling(provenance: Mapping[str, Any] | None) -> Sampling:
    return Sampling(**provenance["sampling"]) if provenance else Sampling()


def _unequal(before: Any, now: Any, *where: str) -> Iterator[str]:
    """Places of all values that are not the same; provenance, and commands in sentences, are no part of a result."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*before, *now]):
            if where or name != "provenance":
                yield from _unequal(before.get(name), now.get(name), *where, name)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, (one, two) in enumerate(zip(before, now, strict=True), start=1):
            yield from _unequal(one, two, *where, str(place))
    elif _bare(before) != _bare(now):
        yield " ".join(where)


def _bare(value: Any) -> str:
    return COMMAND.sub("``", json_text(value))
