"""Folders of result files and what `forecast import` makes of them, for tests of one format."""

import json

from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.importing import import_results

SIZES = {"brook-1b": "1e21", "brook-3b": "1e22", "brook-9b": "1e23", "brook-30b": "1e24"}


def write(folder, files):
    """Write each content, a document as JSON and text as it is, below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def models_file(folder, sizes=SIZES):
    path = folder / "models of the test.csv"
    path.write_text("model,compute\n" + "".join(f"{name},{flop}\n" for name, flop in sizes.items()), encoding="utf-8")
    return path


def imported(format, path, folder, *, models=True, **choices):
    """The table as every command reads it, and what was left out by what it is."""
    given = models_file(folder) if models else None
    outcome = import_results(format, path, folder / "t.csv", choices=Choices(**choices), models=given)
    return read_table(folder / "t.csv"), {each.what: each.why for each in outcome[1]}


def metric(**named):
    return PerTask(option="--metric", named=named)


def of_all(option, value):
    return PerTask(option=option, general=value)


def columns(frame, *names):
    """Values of these columns by model."""
    return frame.set_index("model")[list(names)].T.to_dict("list")
