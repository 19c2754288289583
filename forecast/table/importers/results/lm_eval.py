"""Results of EleutherAI's lm-evaluation-harness, and of lighteval, which writes nearly the same.

A file holds one model: ``{"results": {task: {"acc,none": 0.3, "acc_stderr,none": 0.01}}, "n-samples": ..., ...}``;
older ones have no ``,filter`` in the names of metrics and no numbers of items.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.conversions import TO_NATS
from forecast.table.importers.known_tasks.parts import part_of
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    checked_score,
    count,
    files,
    merged,
    number,
    read_json,
    sorted_out,
    source_of,
    words,
)
from forecast.table.importers.measurements import section as part
from forecast.table.importers.names.paths import path_parts, tells_nothing
from forecast.table.importers.results.harness.losses import beside, with_samples
from forecast.table.importers.results.harness.tasks import RATES, Task, model_name, shots_of, subtasks, task_of
from forecast.table.importers.selection import trials_of_error, with_trials_of_others
from forecast.table.importers.sources import each_read, facts_frame
from forecast.words import counted

PER_BYTE = {name: TO_NATS[name] for name in ("bits_per_byte", "byte_perplexity")}  # to nats per byte
UNLISTED = 9  # rank of a metric that the user names
LISTED = 10  # broken files in an error
MAJORITY = "maj@"  # of a filter: one vote of many answers
AVERAGE = re.compile(r"all|.*:_average\|.*")  # names that lighteval gives to averages
NOT_METRICS = ("sample_len", "sample_count")  # numbers beside the metrics
UNSUITABLE = {
    "word_perplexity": "is per word, and a loss of the table is per token or byte",
    "perplexity": "is per answer, and a loss of the table is per token or byte: --log_samples of lm_eval tells that",
}


def read(path: Path, choices: Choices) -> Found:
    """All measurements of a results file, or of all below a folder, and the losses in samples beside them.

    A group of tasks is an average of its subtasks: it is taken where `choices` names it, and its subtasks are not then.
    """
    left_out: list[LeftOut] = []
    documents: dict[Path, Any] = {}
    passed_over = 0
    below = files(path, ("*.json", "samples_*.jsonl"))
    for file, document in each_read(path, [file for file in below if file.suffix != ".jsonl"], read_json, left_out):
        if _is_results(document, file, alone=file == path):
            documents[file] = document
        else:
            passed_over += 1
    documents = _told_apart(documents)
    samples = [file for file in below if file.suffix == ".jsonl"] or beside(path)
    if not documents and not samples:
        raise ForecastError(_nothing(path, left_out, passed_over))
    found = [_of_file(document, file, choices, alone=file == path) for file, document in documents.items()]
    notes = (f"passed over {counted(passed_over, 'JSON file')} without results",) if passed_over else ()
    both = merged([Found(measurements=(), left_out=tuple(left_out), notes=notes), *found])
    both = replace(both, measurements=tuple(with_trials_of_others(both.measurements)))
    return with_samples(both, path, samples, documents, choices)


def _is_results(document: Any, file: Path, *, alone: bool) -> bool:
    """Whether a document has results by task, and a model; an error where it was given itself and has not."""
    by_task = any(isinstance(scores, dict) and scores for scores in part(document, "results").values())
    if by_task and model_name(document):
        return True
    if alone and not by_task:
        raise ForecastError(
            f"{shown_path(file)}: is JSON, but has no 'results' by task; give a file of lm-evaluation-harness"
        )
    if alone:
        raise ForecastError(f"{shown_path(file)}: names no model ('model_name', or 'pretrained' in 'model_args')")
    return False


def _told_apart(documents: dict[Path, Any]) -> dict[Path, Any]:
    """Documents that name their model by a word for all models ('hf', './model') with their folder in its name."""
    names = {file: model_name(document) for file, document in documents.items()}
    folders: dict[str, set[Path]] = {}
    for file, name in names.items():
        if all(map(tells_nothing, path_parts(name))):
            folders.setdefault(name, set()).add(file.parent)
    return {
        file: document | {"config_general": {}, "model_name": f"{file.parent.as_posix()}/{names[file]}"}
        if len(folders.get(names[file], ())) > 1
        else document
        for file, document in documents.items()
    }


def _nothing(path: Path, left_out: list[LeftOut], passed_over: int) -> str:
    broken = [f"{each.what}: {each.why}" for each in left_out[:LISTED]]
    others = f"{counted(passed_over, 'JSON file')} without results by task and a model" if passed_over else ""
    return f"{shown_path(path)}: holds no results of lm-evaluation-harness; " + "; ".join(
        filter(None, [*broken, others])
    )


def _of_file(document: Any, file: Path, choices: Choices, *, alone: bool) -> Found:
    model = model_name(document)
    results = part(document, "results")
    below = {key: subtasks(document, key) for key in results}
    averages = {key for key in results if below[key] or key in part(document, "groups") or AVERAGE.fullmatch(key)}
    chosen = [key for key in results if key in averages and choices.tasks and choices.wants(key)]
    said = {"model": model, "time": number(part(document).get("date")) or 0.0, "source": source_of(file)}
    found: list[Measurement | LeftOut] = []
    for key in results:
        above = [group for group in chosen if key in below[group]]
        why = f"is part of {above[0]}, which is taken" if above else ""
        if key in averages and key not in chosen:
            why = "is an average of other tasks; name it in --tasks to have it in their stead"
        if why:
            found.append(LeftOut(what=words(key), why=why, task=words(key)))
        else:
            found += _of_task(document, key, below[key], file, said, choices, alone=alone)
    params = count(part(document, "config").get("model_num_parameters"))
    return replace(sorted_out(found), facts=facts_frame([(model, {"params": str(params or "")})]))


def _of_task(
    document: Any, key: str, below: set[str], file: Path, said: dict[str, Any], choices: Choices, *, alone: bool
) -> Iterator[Measurement | LeftOut]:
    task = task_of(document, key, below)
    limited = part(document, "config").get("limit") is not None
    rising = part(document, "higher_is_better", key)
    for native, value, error in _metrics(part(document, "results", key), choices.metric.of(task.name)):
        try:
            falls = rising.get(native.partition(",")[0]) is False
            found = _measured(native, value, error, task, file, said, choices, falls=falls)
        except ForecastError as problem:
            if alone:
                raise
            why = str(problem).partition(f"metric {shown(native)}: ")[2] or str(problem)
            found = LeftOut(what=f"{task.name} of {said['model']} in {said['source']}", why=why, task=task.name)
        if limited and isinstance(found, Measurement) and found.metric != "loss" and not found.trials:
            why = "only some items were scored, and the file does not say how many; give a run without --limit"
            found = LeftOut(what=f"{task.name} of {said['model']}", why=why, task=task.name)
        yield found


def _metrics(scores: dict[str, Any], asked: str | None) -> Iterator[tuple[str, Any, float | None]]:
    """Name without the filter 'none', value, and standard error of each metric of a task."""
    for name, value in scores.items():
        metric, comma, kind = name.partition(",")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_metric = is_number or metric in {*RATES, *PER_BYTE, asked}
        if metric.endswith("_stderr") or metric in NOT_METRICS or not is_metric:
            continue
        if metric == "byte_perplexity" and f"bits_per_byte{comma}{kind}" in scores:
            continue  # the same number again
        native = words(metric if kind in ("", "none") else name)
        yield native, value, number(scores.get(f"{metric}_stderr{comma}{kind}"))


def _measured(
    native: str,
    value: Any,
    error: float | None,
    task: Task,
    file: Path,
    said: dict[str, Any],
    choices: Choices,
    *,
    falls: bool,
) -> Measurement | LeftOut:
    metric, _, kind = native.partition(",")
    at: dict[str, Any] = {"path": file, "task": task.name, "native": native}
    if metric in PER_BYTE:
        nats = checked_score(PER_BYTE[metric](checked_score(value, "loss", **at)), "loss", **at)
        return Measurement(task=task.name, native=native, metric="loss", score=nats, unit="nats per byte", **said)
    part = part_of(task.name)
    names = (task.name, f"{task.name} {shots_of(task)}", part.whole if part else task.name)
    asked = choices.metric.of(*names) in (native, metric)
    if falls or not (asked or (metric in RATES and MAJORITY not in kind)):
        return LeftOut(what=f"{task.name}: {native}", why=_why_not(native, value, task, falls=falls), task=task.name)
    of_table, rank = RATES.get(metric, ("exact_match", UNLISTED))
    of_table = "exact_match" if task.generated else of_table
    score = checked_score(value, of_table, **at)
    return Measurement(
        task=task.name,
        variant=shots_of(task),
        native=native,
        metric=of_table,
        score=score,
        trials=task.trials or trials_of_error(score, error),
        chance=task.chance if of_table == "choice" else None,
        rank=rank,
        told=task.told,
        **said,
    )


def _why_not(native: str, value: Any, task: Task, *, falls: bool) -> str:
    """Why a metric is not taken, with the option that takes it where it may be a share of right answers."""
    metric, _, kind = native.partition(",")
    remedy = f"--metric {shown(native if part_of(task.name) else f'{task.name}={native}')} takes it"
    if falls:
        return UNSUITABLE.get(metric, "is better the lower it is, so no share of right answers")
    if MAJORITY in kind:
        return f"is a vote among many answers; {remedy}"
    is_rate = (known := number(value)) is not None and 0 <= known <= 1
    return UNSUITABLE.get(
        metric,
        f"is no metric of a table; {remedy} where it is a share of right answers"
        if is_rate
        else "is no metric of a table",
    )
