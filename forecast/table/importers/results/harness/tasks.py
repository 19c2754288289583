"""Tasks and models of results files of lm-evaluation-harness: what a file says of them beside scores."""

from typing import Any, NamedTuple

from forecast.table.importers.measurements import count, number, words
from forecast.table.importers.measurements import section as part
from forecast.table.importers.names.paths import path_parts

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
GENERATED = ("generate_until", "loglikelihood")  # kinds of task whose acc is an answer got right, not a choice


class Task(NamedTuple):
    """What a file says of one task."""

    name: str  # in the table
    shots: int | None
    trials: int | None
    chance: float | None
    generated: bool
    told: bool  # whether the file says that answers are generated or chosen


def model_name(document: Any) -> str:
    """The model of a file, with its ``+adapter`` and, but for main, its ``@revision``; blank where none is named."""
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
    adapter = words(arguments.get("peft")) or words(arguments.get("delta"))
    name = name.rstrip("/") or name
    name = f"{name}+{path_parts(adapter)[-1]}" if name and adapter else name
    return name if not name or revision in ("", "main") else f"{name}@{revision}"


def subtasks(document: Any, group: str) -> set[str]:
    """All tasks below a group, groups among them included; none of a task."""
    below: set[str] = set()
    ahead = [group]
    while ahead:
        listed = part(document, "group_subtasks").get(ahead.pop())
        new = {each for each in (listed if isinstance(listed, list) else []) if isinstance(each, str)} - below - {group}
        below |= new
        ahead += new
    return below


def task_of(document: Any, key: str, below: set[str]) -> Task:
    pieces = key.split("|")  # lighteval: suite|task|shots|...
    leaves = [each for each in below if not subtasks(document, each)] or [key]
    sizes = [count(part(document, "n-samples", each).get("effective")) for each in leaves]
    configs = [part(document, "configs", each) for each in leaves]
    shots = {_shots(document, each, config) for each, config in zip(leaves, configs, strict=True)}
    chances = {_chance(config) for config in configs}
    return Task(
        name=words(key) if len(pieces) < 3 else words(pieces[1]),
        shots=whole_number(pieces[2]) if len(pieces) >= 3 else shots.pop() if len(shots) == 1 else None,
        trials=sum(size for size in sizes if size) if all(sizes) else None,
        chance=chances.pop() if len(chances) == 1 else None,
        generated=all(config.get("output_type") in GENERATED for config in configs),
        told=all(isinstance(config.get("output_type"), str) for config in configs),
    )


def _shots(document: Any, key: str, config: dict[str, Any]) -> int | None:
    given = (part(document, "n-shot").get(key), config.get("num_fewshot"), part(document, "config").get("num_fewshot"))
    known = [number(each) for each in given]
    return next((int(each) for each in known if each is not None), None)


def whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _chance(config: dict[str, Any]) -> float | None:
    """One in the number of choices, where the task has the same for every item."""
    choices = config.get("doc_to_choice")
    return 1 / len(choices) if isinstance(choices, list) and len(choices) > 1 else None


def shots_of(task: Task) -> str:
    """What tells a task from the same with other examples in its prompt."""
    return "" if task.shots is None else f"{task.shots}-shot"
