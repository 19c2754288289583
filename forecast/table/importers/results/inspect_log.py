"""Logs of the UK AI Security Institute's Inspect: ``.json``, or ``.eval``, a zip archive with the same in header.json.

The archive has the samples apart, and what tells their answers in summaries.json.

``{"status": "success", "eval": {"task", "model"}, "results": {"scores": [{"name", "metrics": {"accuracy": ...}}]}}``
"""

import io
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import LARGEST, contents
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
    number,
    parsed,
    read_json,
    section,
    sorted_out,
    source_of,
    words,
)
from forecast.table.importers.results.inspect_samples import attempts, epochs_of, is_share, items_of
from forecast.table.importers.sources import each_read

if sys.version_info >= (3, 14):
    import zipfile

    from compression.zstd import ZstdError
else:  # logs are packed by Zstandard, which `zipfile` knows from then on
    from backports.zstd import ZstdError, zipfile


ACCURACY, MEAN = "accuracy", "mean"
EXACT = "exact"  # the scorer whose mean is always an accuracy
SHOTS = ("fewshot", "num_fewshot")  # arguments of a task that say how many examples it shows
CHOICE = "choice"  # the scorer of multiple choice
HEADER, SUMMARIES = "header.json", "summaries.json"
NOT_WHOLE = "is no share of right answers: times the items it is no whole number"
NO_RATE = "is no rate: a mean lies outside 0 to 1, as of grades from 1 to 5"
UNKNOWN = "is no metric of a table"
PIECE = 2**14  # bytes that are unpacked at once
OF_MEAN = 1  # rank of a mean that is taken as an accuracy
BESIDE = ("stderr", "std", "var")  # metrics that say how sure others are
PASS = re.compile(r"pass_at_([1-9][0-9]*)")  # reducer of the epochs


def read(path: Path, choices: Choices) -> Found:
    """All measurements of a log, or of all logs below a folder; those of runs that did not succeed are left out."""
    left_out: list[LeftOut] = []
    logs = each_read(path, files(path, ("*.json", "*.eval")), _document, left_out)
    found = merged(_of_log(document, file, choices, alone=file == path) for file, document in logs)
    return _without_doubtful(replace(found, left_out=(*found.left_out, *left_out)))


def _document(file: Path) -> Any:
    return _archived(file) if file.suffix.lower() == ".eval" else read_json(file)


def _of_log(document: Any, file: Path, choices: Choices, *, alone: bool) -> Found:
    of = section(document, "eval")
    task, model, status = words(of.get("task")), _model(of), section(document).get("status")
    if document is None or (task and status not in ("success", None)):
        why = "the run has not ended" if document is None else f"the run did not succeed: its status is {status!r}"
        return _nothing(file, why)
    scores = section(document, "results").get("scores")
    if task and model and not scores and "results" in section(document):
        return _nothing(file, "the log holds no scores; run `inspect score` on it")
    if not task or not model or not isinstance(scores, list):
        if alone:
            raise ForecastError(f"{shown_path(file)}: is no log of Inspect with a task, a model and results")
        return _nothing(file, "is no log of Inspect with a task, a model and results")
    said: dict[str, Any] = {"task": task, "model": model, "variant": _variant(section(of, "task_args"))}
    said |= {"time": _seconds(of.get("created")), "source": source_of(file)}
    measured = [each for score in each_of(scores, dict) for each in _scored(document, score, file, choices, said)]
    found = sorted_out(measured)
    return replace(found, measurements=(*found.measurements, *attempts(document, found.measurements)))


def _without_doubtful(found: Found) -> Found:
    """A mean is an accuracy only where it is one in every log; a note on each that is taken so."""
    doubtful = {each.what for each in found.left_out if each.why.startswith((NOT_WHOLE, NO_RATE))}
    means = [each for each in found.measurements if each.rank == OF_MEAN]
    kept = tuple(each for each in found.measurements if each not in means or _mean_of(each) not in doubtful)
    taken = dict.fromkeys(_mean_of(each) for each in means if each in kept)
    notes = tuple(
        f"{what} is taken as exact match: times the items it is a whole number in every log" for what in taken
    )
    return replace(found, measurements=kept, notes=(*found.notes, *notes))


def _mean_of(each: Measurement) -> str:
    return f"{each.task}: {each.native} {MEAN}"


def _model(of: dict[str, Any]) -> str:
    """The model of a log: of weights on a disk their path, with the revision where one is named."""
    arguments = section(of, "model_args")
    name = words(arguments.get("model_path")) or words(of.get("model"))
    revision = words(arguments.get("revision"))
    return name if revision in ("", "main") or not name else f"{name}@{revision}"


def _nothing(file: Path, why: str) -> Found:
    return sorted_out([LeftOut(what=source_of(file), why=why)])


def _archived(file: Path) -> Any:
    """The document of a zip archive, its samples in short; None where the run has written none yet.

    `zipfile` has an error of its own for each fault: no archive, corrupt, cut short, packed in a way that it does not
    know, encrypted, with offsets or names that cannot be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(contents(file))) as archive:
            held = {name: _unpacked(archive, name, file) for name in (HEADER, SUMMARIES) if name in archive.namelist()}
    except OSError as error:
        raise ForecastError(f"{shown_path(file)}: cannot be read ({error.strerror}); check the file") from None
    except (zipfile.BadZipFile, zlib.error, ZstdError, EOFError, RuntimeError, ValueError) as error:
        advice = "copy it again, or convert it to JSON with `inspect log convert`"
        raise ForecastError(f"{shown_path(file)}: is not a zip archive that can be read ({error}); {advice}") from None
    if HEADER not in held:
        return None
    samples = {"samples": parsed(held[SUMMARIES], file)} if SUMMARIES in held else {}
    return samples | section(parsed(held[HEADER], file))


def _unpacked(archive: zipfile.ZipFile, name: str, file: Path) -> bytes:
    """A file of the archive, piece by piece: what the archive says of its size need not be true."""
    found = bytearray()
    with archive.open(name) as packed:
        while part := packed.read(PIECE):
            found += part
            if len(found) > LARGEST:
                raise ForecastError(f"{shown_path(file)}: {name} in it unpacks to more than {LARGEST // 10**6} MB")
    return bytes(found)


def _scored(
    document: Any, score: dict[str, Any], file: Path, choices: Choices, said: dict[str, Any]
) -> Iterator[Measurement | LeftOut]:
    """The accuracy of a scorer, or its mean where that is one, in one attempt or the best of k; others are named."""
    native, task = words(score.get("name")), said["task"]
    metrics = {name: cell for name, cell in section(score, "metrics").items() if name not in BESIDE}
    for metric, cell in metrics.items():
        value = section(cell).get("value")
        given = choices.metric.of(task)
        asked = given is not None and given in (native, metric, f"{native} {metric}", f"{native}/{metric}")
        is_mean = metric == MEAN and ACCURACY not in metrics
        why = _why_not(document, score, metric, value, asked=asked, is_mean=is_mean, task=task)
        if why:
            yield LeftOut(what=f"{task}: {native} {words(metric)}", why=why, task=task)
            continue
        k = _attempts_of(score.get("reducer"), epochs_of(document))
        of_table = "choice" if native == CHOICE else "exact_match" if k == 1 else "pass_at_k"
        yield Measurement(
            native=given if given is not None and asked else native,
            metric=of_table,
            score=checked_score(value, of_table, path=file, task=task, native=f"{native} {metric}"),
            trials=items_of(document, score),
            chance=_chance(document) if of_table == "choice" else None,
            k=k if k > 1 else None,
            rank=OF_MEAN if is_mean and native != EXACT and not asked else 0,
            told=True,
            **said,
        )


def _why_not(
    document: Any, score: dict[str, Any], metric: str, value: Any, *, asked: bool, is_mean: bool, task: str
) -> str:
    """Why a metric is not taken, with the option that takes it; blank where it is a share of right answers."""
    native, reducer = words(score.get("name")), score.get("reducer")
    k = _attempts_of(reducer, epochs_of(document))
    if k == 0 or (k > 1 and native == CHOICE):
        return f"reduces the epochs by {reducer!r}"
    if metric == ACCURACY or asked or (is_mean and native == EXACT):
        return ""
    remedy = f"--metric {shown(f'{task}={native if is_mean else words(metric)}')} takes it"
    known = number(value)
    if known is None or not 0 <= known <= 1:
        return NO_RATE if is_mean and known is not None else UNKNOWN
    if is_mean:
        return "" if is_share(document, score, known) else f"{NOT_WHOLE}; {remedy} all the same"
    return f"{UNKNOWN}; {remedy} where it is a share of right answers"


def _attempts_of(reducer: Any, epochs: int) -> int:
    """Of how many attempts a reducer takes the best: 1 of the mean; 0 where it does something else, or of too few."""
    if reducer in (None, MEAN):
        return 1
    found = PASS.fullmatch(reducer) if isinstance(reducer, str) else None
    k = epochs if reducer == "max" else int(found[1][:9]) if found else 0
    return k if k <= epochs else 0


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
