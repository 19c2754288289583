"""lighteval: ``results_*.json`` of one model, and Parquet files of its answers below ``details``, if they are there.

``{"config_general": {"model_name"}, "results": {"gsm8k|5": {"extractive_match": 0.2, "extractive_match_stderr": 0.01}},
"config_tasks": {...}}``; the keys of older versions are ``suite|task|shots|truncated``.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
from pyarrow import parquet

from forecast.errors import shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    count,
    files,
    number,
    read_json,
    section,
    source_of,
    words,
)
from forecast.table.importers.rates import EXACT, PASS_AT_K, Meaning, known_rate, measured
from forecast.table.importers.selection import trials_of_error, with_trials_of_others
from forecast.table.importers.sources import OtherFile, each_read

AVERAGE = re.compile(r"all|.*:_average\|.*")  # names that lighteval gives to averages
OF_ATTEMPTS = re.compile(r"(?:.*_)?(?P<kind>pass|avg|maj)@(?P<first>\d+|[kn])(?P<rest>:.*)?")
K_OF_REST = re.compile(r"[:&]k=(\d{1,6})")
STDERR, DETAILS = "_stderr", "details"


class Task(NamedTuple):
    """What a file says of one task."""

    name: str
    shots: str
    trials: int | None
    chance: float | None


def read(path: Path, choices: Choices) -> Found:
    """All results of a file, or of all ``*.json`` below a folder; averages are taken where they are named."""
    left_out: list[LeftOut] = []
    each = [
        found
        for file, document in each_read(path, files(path, ("*.json",)), _document, left_out)
        for found in _of_file(document, file, choices)
    ]
    left_out += [one for one in each if isinstance(one, LeftOut)]
    measurements = with_trials_of_others(one for one in each if isinstance(one, Measurement))
    return Found(measurements=tuple(measurements), left_out=tuple(dict.fromkeys(left_out)))


def _document(file: Path) -> dict[str, Any]:
    document = section(read_json(file))
    if not _model(document) or not section(document, "results"):
        raise OtherFile(
            f"{shown_path(file)}: is JSON, but has no 'config_general' with a model and 'results' of lighteval"
        )
    return document


def _model(document: dict[str, Any]) -> str:
    general, config = section(document, "config_general"), section(document, "config_general", "model_config")
    name = words(general.get("model_name")) or words(config.get("model_name"))
    revision = words(config.get("revision"))
    return name if not name or revision in ("", "main") else f"{name}@{revision}"


def _of_file(document: dict[str, Any], file: Path, choices: Choices) -> Iterator[Measurement | LeftOut]:
    results = section(document, "results")
    averages = {key: _parts(key, results) for key in results if AVERAGE.fullmatch(key)}
    chosen = {key: parts for key, parts in averages.items() if choices.tasks and choices.wants(key, _name(key))}
    for key in results:
        above = [_name(average) for average, parts in chosen.items() if key in parts]
        why = f"is part of {above[0]}, which is taken" if above else ""
        if key in averages and key not in chosen:
            why = "is an average of other tasks; name it in --tasks to have it in their stead"
        if why:
            yield LeftOut(what=_name(key), why=why, task=_name(key))
        else:
            yield from _of_task(document, key, averages.get(key, [key]), file, choices)


def _parts(average: str, results: dict[str, Any]) -> list[str]:
    """The tasks of an average: ``mmlu:_average|5`` is that of ``mmlu:anatomy|5`` and others."""
    before, _, after = average.partition("_average")
    tasks = [key for key in results if not AVERAGE.fullmatch(key)]
    return tasks if average == "all" else [key for key in tasks if key.startswith(before) and key.endswith(after)]


def _pieces(key: str) -> list[str]:
    """Suite, task and shots of a key, of which the first is blank in newer versions."""
    pieces = key.split("|")
    return ["", *pieces, ""][:3] if len(pieces) < 3 else pieces[:3]


def _name(key: str) -> str:
    return words(_pieces(key)[1]) or words(key)


def _of_task(
    document: dict[str, Any], key: str, parts: list[str], file: Path, choices: Choices
) -> Iterator[Measurement | LeftOut]:
    task = _task(document, key, parts, file)
    scores = section(document, "results", key)
    limited = section(document, "config_general").get("max_samples") is not None
    for native, value in scores.items():
        if native.endswith(STDERR) or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        error, rate = number(scores.get(native + STDERR)), number(value)
        found = measured(
            words(native),
            value,
            choices,
            meaning=_meaning(native),
            task=task.name,
            variant=task.shots,
            trials=task.trials or (None if rate is None or len(parts) > 1 else trials_of_error(rate, error)),
            chance=task.chance,
            model=_model(document),
            source=source_of(file),
        )
        if limited and isinstance(found, Measurement) and found.metric != "loss" and not found.trials:
            why = "only some items were scored, and the file does not say how many; give a run without --max-samples"
            found = LeftOut(what=f"{task.name} of {found.model}", why=why, task=task.name)
        yield found


def _meaning(native: str) -> Meaning | None:
    """``acc:logprob_normalization=...`` is acc of another kind; ``pass@k:k=4&n=16`` is in four attempts."""
    attempts = OF_ATTEMPTS.fullmatch(native)
    if attempts is None:
        known = known_rate(native.partition(":")[0])
        return known and (known[0], known[1] - (native.startswith("acc:") and known[1] > 0), known[2])
    if attempts["kind"] == "maj":
        return None
    if attempts["kind"] == "avg":
        return EXACT, 1, None
    given = K_OF_REST.search(attempts["rest"] or "")
    k = int(given[1]) if given else int(attempts["first"]) if attempts["first"].isdigit() else 0
    return None if k == 0 else (EXACT, 0, None) if k == 1 else (PASS_AT_K, 0, k)


def _task(document: dict[str, Any], key: str, parts: list[str], file: Path) -> Task:
    """Number of items and chance of a task, which for an average are those of its parts together."""
    shots = _pieces(key)[2]
    each = [_counted(document, part, file) for part in parts]
    sizes = [trials for trials, _ in each]
    chances = {chance for _, chance in each}
    return Task(
        name=_name(key),
        shots=f"{shots}-shot" if shots.isascii() and shots.isdigit() else "",
        trials=sum(size for size in sizes if size) if all(sizes) and sizes else None,
        chance=chances.pop() if len(chances) == 1 else None,
    )


def _counted(document: dict[str, Any], key: str, file: Path) -> tuple[int | None, float | None]:
    tasks = section(document, "config_tasks")
    config = section(tasks, key) or section(tasks, key.rpartition("|")[0])
    trials, chance = _of_answers(document, file, key)
    return count(config.get("effective_num_docs")) or trials, chance


def _of_answers(document: dict[str, Any], file: Path, key: str) -> tuple[int | None, float | None]:
    """Items and chance from the answers, which lie in ``details/MODEL/DATE`` where results lie in ``results/MODEL``."""
    date = file.stem.removeprefix("results_")
    model = words(section(document, "config_general").get("model_name")).strip("/")
    places = (folder / DETAILS / model / date / f"{DETAILS}_{key}_{date}.parquet" for folder in file.parents)
    found = next((each for each in places if os.path.isfile(each)), None)  # False where no file can have such a name
    return (None, None) if found is None else _of_parquet(found)


def _of_parquet(file: Path) -> tuple[int | None, float | None]:
    """Items, and mean over them of one in the number of choices; nothing of a file that cannot be read."""
    try:
        answers = parquet.ParquetFile(file)
        columns = [each for each in ("doc", "choices") if each in answers.schema_arrow.names]
        rows = answers.read(columns=columns).to_pylist() if columns else []
        items = answers.metadata.num_rows
    except (pyarrow.ArrowException, OSError, ValueError):
        return None, None
    offered = [section(row, "doc").get("choices", row.get("choices")) for row in rows]
    sizes = [len(each) if isinstance(each, list) else 0 for each in offered]
    return count(items), sum(1 / size for size in sizes) / len(sizes) if sizes and min(sizes) >= 2 else None
