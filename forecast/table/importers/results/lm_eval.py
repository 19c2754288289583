"""Results of EleutherAI's lm-evaluation-harness, and of lighteval, which writes nearly the same.

A file holds one model: ``{"results": {task: {"acc,none": 0.3, "acc_stderr,none": 0.01}}, "n-samples": ..., ...}``;
older ones have no ``,filter`` in the names of metrics and no numbers of items.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from forecast.errors import ForecastError, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.conversions import TO_NATS
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
from forecast.table.importers.selection import trials_of_error, with_trials_of_others

RATES = {  # metric: the table's, and which is rather taken of those that score the same answers
    "acc_norm": ("choice", 0),
    "acc": ("choice", 1),
    "exact_match": ("exact_match", 0),
    "em": ("exact_match", 1),
    "qem": ("exact_match", 2),
    "pass@1": ("exact_match", 0),
    "pass_at_1": ("exact_match", 1),
    "prompt_level_strict_acc": ("exact_match", 0),
    "prompt_level_loose_acc": ("exact_match", 1),
}
PER_BYTE = {name: TO_NATS[name] for name in ("bits_per_byte", "byte_perplexity")}  # to nats per byte
GENERATED = ("generate_until", "loglikelihood")  # kinds of task whose acc is an answer got right, not a choice
MAJORITY = "maj@"  # of a filter: one vote of many answers
AVERAGE = re.compile(r"all|.*:_average\|.*")  # names that lighteval gives to averages
NOT_METRICS = ("sample_len", "sample_count")  # numbers beside the metrics
UNSUITABLE = {
    "word_perplexity": "is per word, and a loss of the table is per token or byte",
    "perplexity": "is per answer, and a loss of the table is per token or byte",
}


class Task(NamedTuple):
    """What a file says of one task."""

    name: str  # in the table
    shots: int | None
    trials: int | None
    chance: float | None
    generated: bool


def read(path: Path, choices: Choices) -> Found:
    """All measurements of a results file, or of all ``results*.json`` below a folder.

    A group of tasks is an average of its subtasks: it is taken where `choices` names it, and its subtasks are not then.
    """
    found = []
    for file in files(path, ("results*.json",)):
        document = read_json(file)
        if part(document, "results"):
            found.append(_of_file(document, file, choices))
        elif path.is_dir():
            why = "is JSON, but holds no results of lm-evaluation-harness"
            found.append(sorted_out([LeftOut(what=source_of(file), why=why)]))
        else:
            raise ForecastError(
                f"{shown_path(file)}: is JSON, but has no 'results' by task; give a file of lm-evaluation-harness"
            )
    both = merged(found)
    return replace(both, measurements=tuple(with_trials_of_others(both.measurements)))


def _of_file(document: Any, file: Path, choices: Choices) -> Found:
    model = model_name(document)
    if not model:
        raise ForecastError(f"{shown_path(file)}: names no model ('model_name', or 'pretrained' in 'model_args')")
    results = part(document, "results")
    below = {key: _subtasks(document, key) for key in results}
    averages = {key for key in results if below[key] or key in part(document, "groups") or AVERAGE.fullmatch(key)}
    chosen = [key for key in results if key in averages and choices.tasks and choices.wants(key)]
    said = {"model": model, "time": number(part(document).get("date")) or 0.0, "source": source_of(file)}
    found: list[Measurement | LeftOut] = []
    for key in results:
        above = [group for group in chosen if key in below[group]]
        why = f"is part of {above[0]}, which is taken" if above else ""
        if key in averages and key not in chosen:
            why = "is an average of other tasks; name it in --tasks to have it in their stead"
        found += (
            [LeftOut(what=words(key), why=why, task=words(key))]
            if why
            else _of_task(document, key, below[key], file, said)
        )
    return sorted_out(found)


def _of_task(
    document: Any, key: str, below: set[str], file: Path, said: dict[str, Any]
) -> Iterator[Measurement | LeftOut]:
    task = _task(document, key, below)
    limited = part(document, "config").get("limit") is not None
    for native, value, error in _metrics(part(document, "results", key)):
        found = _measured(native, value, error, task, file, said)
        if limited and isinstance(found, Measurement) and found.metric != "loss" and not found.trials:
            why = "only some items were scored, and the file does not say how many; give a run without --limit"
            found = LeftOut(what=f"{task.name} of {said['model']}", why=why, task=task.name)
        yield found


def model_name(document: Any) -> str:
    """The model of a file, with ``@revision`` where a revision other than main is named; blank where none is."""
    config = part(document, "config")
    given = config.get("model_args")
    if isinstance(given, str):
        pairs = (pair.partition("=") for pair in given.split(","))
        arguments: dict[str, Any] = {key.strip(): value for key, _, value in pairs}
    else:
        arguments = part(given)
    candidates = (
        part(document, "config_general").get("model_name"),
        part(document).get("model_name"),
        config.get("model_name"),
        arguments.get("pretrained"),
        arguments.get("model"),
        config.get("model"),
    )
    name = next((words(each) for each in candidates if words(each)), "")
    revision = words(arguments.get("revision")) or words(config.get("model_revision"))
    return name if not name or revision in ("", "main") else f"{name}@{revision}"


def _subtasks(document: Any, group: str) -> set[str]:
    """All tasks below a group, groups among them included; none of a task."""
    below: set[str] = set()
    ahead = [group]
    while ahead:
        listed = part(document, "group_subtasks").get(ahead.pop())
        new = {each for each in (listed if isinstance(listed, list) else []) if isinstance(each, str)} - below - {group}
        below |= new
        ahead += new
    return below


def _task(document: Any, key: str, below: set[str]) -> Task:
    pieces = key.split("|")  # lighteval: suite|task|shots|...
    leaves = [each for each in below if not _subtasks(document, each)] or [key]
    sizes = [count(part(document, "n-samples", each).get("effective")) for each in leaves]
    configs = [part(document, "configs", each) for each in leaves]
    shots = {_shots(document, each, config) for each, config in zip(leaves, configs, strict=True)}
    chances = {_chance(config) for config in configs}
    return Task(
        name=words(key) if len(pieces) < 3 else words(pieces[1]),
        shots=_whole(pieces[2]) if len(pieces) >= 3 else shots.pop() if len(shots) == 1 else None,
        trials=sum(size for size in sizes if size) if all(sizes) else None,
        chance=chances.pop() if len(chances) == 1 else None,
        generated=all(config.get("output_type") in GENERATED for config in configs),
    )


def _shots(document: Any, key: str, config: dict[str, Any]) -> int | None:
    given = (part(document, "n-shot").get(key), config.get("num_fewshot"), part(document, "config").get("num_fewshot"))
    known = [number(each) for each in given]
    return next((int(each) for each in known if each is not None), None)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _chance(config: dict[str, Any]) -> float | None:
    """One in the number of choices, where the task has the same for every item."""
    choices = config.get("doc_to_choice")
    return 1 / len(choices) if isinstance(choices, list) and len(choices) > 1 else None


def _metrics(scores: dict[str, Any]) -> Iterator[tuple[str, Any, float | None]]:
    """Name without the filter 'none', value, and standard error of each metric of a task."""
    for name, value in scores.items():
        metric, comma, kind = name.partition(",")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if metric.endswith("_stderr") or metric in NOT_METRICS or not (is_number or metric in {*RATES, *PER_BYTE}):
            continue
        if metric == "byte_perplexity" and f"bits_per_byte{comma}{kind}" in scores:
            continue  # the same number again
        native = words(metric if kind in ("", "none") else name)
        yield native, value, number(scores.get(f"{metric}_stderr{comma}{kind}"))


def _measured(
    native: str, value: Any, error: float | None, task: Task, file: Path, said: dict[str, Any]
) -> Measurement | LeftOut:
    metric, _, kind = native.partition(",")
    at: dict[str, Any] = {"path": file, "task": task.name, "native": native}
    if metric in PER_BYTE:
        nats = checked_score(PER_BYTE[metric](checked_score(value, "loss", **at)), "loss", **at)
        said = said | {"metric": "loss", "score": nats, "unit": "nats per byte"}
        return Measurement(task=task.name, native=native, **said)
    if metric not in RATES or MAJORITY in kind:
        why = "is a vote among many answers" if metric in RATES else "is no metric of a table"
        return LeftOut(what=f"{task.name}: {native}", why=UNSUITABLE.get(metric, why), task=task.name)
    of_table, rank = RATES[metric]
    of_table = "exact_match" if task.generated else of_table
    score = checked_score(value, of_table, **at)
    return Measurement(
        task=task.name,
        variant="" if task.shots is None else f"{task.shots}-shot",
        native=native,
        metric=of_table,
        score=score,
        trials=task.trials or trials_of_error(score, error),
        chance=task.chance if of_table == "choice" else None,
        rank=rank,
        **said,
    )
