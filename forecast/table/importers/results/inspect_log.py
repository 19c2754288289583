"""Logs of the UK AI Security Institute's Inspect: ``.json``, or ``.eval``, a zip archive with the same in header.json.

The archive has the samples apart, and what tells their answers in summaries.json.

``{"status": "success", "eval": {"task", "model"}, "results": {"scores": [{"name", "metrics": {"accuracy": ...}}]}}``
"""

import io
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    checked_score,
    count,
    each_of,
    files,
    merged,
    parsed,
    read_json,
    section,
    sorted_out,
    source_of,
    words,
)

if sys.version_info >= (3, 14):
    import zipfile

    from compression.zstd import ZstdError
else:  # logs are packed by Zstandard, which `zipfile` knows from then on
    from backports.zstd import ZstdError, zipfile


ACCURACY = "accuracy"
AVERAGES = {"exact": "mean"}  # scorer: its metric that is an accuracy under another name
SHOTS = ("fewshot", "num_fewshot")  # arguments of a task that say how many examples it shows
CHOICE = "choice"  # the scorer of multiple choice
HEADER, SUMMARIES = "header.json", "summaries.json"


def read(path: Path, choices: Choices) -> Found:
    """All measurements of a log, or of all logs below a folder; those of runs that did not succeed are left out."""
    found = [_of_file(file, alone=not path.is_dir()) for file in files(path, ("*.json", "*.eval"))]
    return merged(found)


def _of_file(file: Path, *, alone: bool) -> Found:
    document = _archived(file) if file.suffix.lower() == ".eval" else read_json(file)
    of = section(document, "eval")
    task, model, status = words(of.get("task")), words(of.get("model")), section(document).get("status")
    if document is None or (task and status not in ("success", None)):
        why = "the run has not ended" if document is None else f"the run did not succeed: its status is {status!r}"
        return _nothing(file, why)
    if not task or not model or not isinstance(section(document, "results").get("scores"), list):
        if alone:
            raise ForecastError(f"{shown_path(file)}: is no log of Inspect with a task, a model and results")
        return _nothing(file, "is no log of Inspect with a task, a model and results")
    return sorted_out(_scores(document, file, task, model))


def _nothing(file: Path, why: str) -> Found:
    return sorted_out([LeftOut(what=source_of(file), why=why)])


def _archived(file: Path) -> Any:
    """The document of a zip archive, its samples in short; None where the run has written none yet.

    `zipfile` has an error of its own for each fault: no archive, corrupt, cut short, packed in a way that it does not
    know, encrypted, with offsets or names that cannot be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
            held = {name: archive.read(name) for name in (HEADER, SUMMARIES) if name in archive.namelist()}
    except OSError as error:
        raise ForecastError(f"{shown_path(file)}: cannot be read ({error.strerror}); check the file") from None
    except (zipfile.BadZipFile, zlib.error, ZstdError, EOFError, RuntimeError, ValueError) as error:
        advice = "copy it again, or convert it to JSON with `inspect log convert`"
        raise ForecastError(f"{shown_path(file)}: is not a zip archive that can be read ({error}); {advice}") from None
    if HEADER not in held:
        return None
    samples = {"samples": parsed(held[SUMMARIES], file)} if SUMMARIES in held else {}
    return samples | section(parsed(held[HEADER], file))


def _scores(document: Any, file: Path, task: str, model: str) -> Iterator[Measurement | LeftOut]:
    """The accuracy of each scorer; other metrics are named."""
    of, results = section(document, "eval"), section(document, "results")
    epochs = count(section(of, "config").get("epochs")) or 1
    answered = (count(results.get("completed_samples")) or 0) // epochs
    for score in each_of(results.get("scores"), dict):
        native, reducer = words(score.get("name")), score.get("reducer")
        for metric, cell in section(score, "metrics").items():
            if metric in ("stderr", "std"):
                continue
            is_accuracy = metric == AVERAGES.get(native, ACCURACY)
            if not is_accuracy or reducer not in (None, "mean"):
                why = f"reduces the epochs by {reducer!r}" if is_accuracy else "is no metric of a table"
                yield LeftOut(what=f"{task}: {native} {words(metric)}", why=why, task=task)
                continue
            of_table = "choice" if native == CHOICE else "exact_match"
            value = section(cell).get("value")
            yield Measurement(
                model=model,
                task=task,
                variant=_variant(section(of, "task_args")),
                native=native,
                metric=of_table,
                score=checked_score(value, of_table, path=file, task=task, native=f"{native} {metric}"),
                trials=count(score.get("scored_samples")) or answered or None,
                chance=_chance(document) if of_table == "choice" else None,
                time=_seconds(of.get("created")),
                source=source_of(file),
            )


def _chance(document: Any) -> float | None:
    """Mean over the items of one in the number of their choices; None where not all have some and one right answer."""
    chances = []
    for sample in each_of(section(document).get("samples"), dict):
        choices, right = sample.get("choices"), sample.get("target")
        if not isinstance(choices, list) or len(choices) < 2 or (isinstance(right, list) and len(right) != 1):
            return None
        chances.append(1 / len(choices))
    return sum(chances) / len(chances) if chances else None


def _variant(arguments: dict[str, Any]) -> str:
    """'5-shot, subject=algebra': the arguments of a task, without those left at None."""
    shots = [f"{arguments[name]}-shot" for name in SHOTS if count(arguments.get(name)) or arguments.get(name) == 0]
    others = [f"{name}={value}" for name, value in sorted(arguments.items()) if name not in SHOTS and value is not None]
    return words(", ".join([*shots, *others]))


def _seconds(date: Any) -> float:
    try:
        found = datetime.fromisoformat(words(date))
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
