"""Summary of a table in words: what `forecast validate` prints of its description."""

import shlex
from collections.abc import Iterator
from typing import Any

from forecast.errors import shown_path
from forecast.words import counted, format_flop, spoken_score

NAMED = 60  # characters of a task in the list


def summary(answer: dict[str, Any]) -> Iterator[str]:
    """Lines: sizes, warnings, ranges with their units, tasks with their scores, and what each of them can tell."""
    sizes = {"row": answer["rows"], "run": answer["runs"], "task": len(answer["tasks"])}
    yield f"{shown_path(answer['table'])}: " + ", ".join(map(_counted, sizes.items())) + ", no problems"
    yield from (f"  warning: {sentence}" for sentence in answer["warnings"])
    yield ""
    yield from (f"  {line}" for line in _ranges(answer))
    yield ""
    yield from _tasks(answer["tasks"])
    yield ""
    yield "Parts of the model:"
    yield from (f"  {part}: {said}" for part, said in answer["parts"].items())
    for identified, tasks in _alike(answer["tasks"]).items():
        yield ""
        yield from map(_title, tasks)
        yield from (f"  {line}" for line in identified)
    yield ""
    yield f"Next: {_next(answer)}"


def _counted(size: tuple[str, int]) -> str:
    return counted(size[1], size[0])


def _ranges(answer: dict[str, Any]) -> Iterator[str]:
    """Lines about the runs of a table: from where to where, with units."""
    units = {"compute": " FLOP", "params": " parameters", "tokens": " training tokens"}
    for name, unit in units.items():
        ends = answer[f"log10_{name}"]
        if ends and not (name == "compute" and answer["scale"] == "date"):
            yield f"{name}: {_span([format_flop(end) for end in ends])}{unit}"
    if answer["dates"]:
        yield f"dates: {_span(answer['dates'])}"
    if len(answer["families"]) > 1:
        yield f"families: {len(answer['families'])}"


def _span(ends: list[str]) -> str:
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[str]:
    """A line a task, in columns: its name as `--task` takes it, metric, runs, items and scores."""
    rows = [("task (as in --task)", "metric", "runs", "items", "scores")]
    rows += [(_short(each["task"]), _metric(each), str(each["runs"]), _items(each), _scores(each)) for each in tasks]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        left = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        right = [row[2].rjust(widths[2]), row[3].rjust(widths[3])]
        yield f"  {'  '.join([*left, *right, row[4]])}"


def _short(name: str) -> str:
    return name if len(name) <= NAMED else name[: NAMED - 1] + "…"


def _metric(task: dict[str, Any]) -> str:
    words = {"chance": "chance", "human": "experts", "ceiling_at_least": "ceiling at least"}
    return ", ".join([task["metric"], *(f"{said} {task[name]:g}" for name, said in words.items() if task[name])])


def _items(task: dict[str, Any]) -> str:
    return _span([f"{end}" for end in task["trials"]]) if task["trials"] else ""


def _scores(task: dict[str, Any]) -> str:
    unit = " nats" if task["metric"] == "loss" else ""
    return _span([spoken_score(float(f"{end:.4g}"), task["metric"]) for end in task["score"]]) + unit


def _alike(tasks: list[dict[str, Any]]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Tasks by what can be identified of them."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for task in tasks:
        groups.setdefault(tuple(task["identified"]), []).append(task)
    return groups


def _title(task: dict[str, Any]) -> str:
    return f"{task['task']} ({task['metric']}): {counted(task['runs'], 'run')}, scores {_scores(task)}"


def _next(answer: dict[str, Any]) -> str:
    """The commands that a table is made for, on its first rate."""
    rates = [each["task"] for each in answer["tasks"] if each["metric"] not in ("loss", "horizon")]
    fit = f"`forecast fit {shlex.quote(answer['table'])} -o fit.nc`"
    if not rates:
        return fit
    return f"{fit}, then `forecast threshold fit.nc --task {shlex.quote(rates[0])} --at 0.5`"
