"""Result files as tools write them, with invented names and numbers, and their import."""

import json
from pathlib import Path

from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.importing import import_results

NAMES = ("owl-a", "owl-b", "owl-c")
MODELS = "model,params,tokens\n" + "".join(f"{name},{n}e9,2e12\n" for name, n in zip(NAMES, (1, 3, 9), strict=True))


def write(path: Path, content) -> Path:
    """A file of text, or of a document as JSON; of a list of documents one a line where it ends in .jsonl."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.suffix == ".jsonl" and not isinstance(content, str)
    text = (
        "\n".join(map(json.dumps, content)) if lines else content if isinstance(content, str) else json.dumps(content)
    )
    path.write_text(text, encoding="utf-8")
    return path


def harness(model, scores, *, items=200, kind="generate_until", **rest):
    """A results file of lm-evaluation-harness: scores are those of the task, or of several tasks by name."""
    tasks = scores if all(isinstance(each, dict) for each in scores.values()) else {"sums": scores}
    known = {} if items is None else {"n-samples": {task: {"effective": items} for task in tasks}}
    configs = {} if kind is None else {"configs": {task: {"output_type": kind} for task in tasks}}
    return {"results": tasks, "model_name": model} | known | configs | rest


def imported(path, *, models=MODELS, format="lm-eval", aliases=None, **choices):
    """The table of a path, what was left out of it by what it is, and the notes."""
    notes: list[str] = []
    folder = path.parent
    facts = None if models is None else write(folder / "models.csv", models)
    names = None if aliases is None else write(folder / "aliases.csv", aliases)
    options = {"choices": Choices(**choices), "models": facts, "aliases": names, "say": notes.append}
    _, left_out = import_results(format, path, folder / "t.csv", **options)
    return read_table(folder / "t.csv"), {each.what: each.why for each in left_out}, "\n".join(notes)


def option(name, general=None, **named):
    return PerTask(option=f"--{name}", general=general, named=named)
