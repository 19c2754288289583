"""Compute, size, family and date of each model by its name: our own columns, or Epoch's table of models."""

import os
from collections.abc import Iterator

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.checks.columns import COLUMN_CHECKS
from forecast.table.reading.cells import Cells, cells_of
from forecast.table.reading.files import read_cells
from forecast.table.training_runs import COLUMNS as EPOCH
from forecast.table.training_runs import read_runs

FACTS = ("compute", "params", "tokens", "compute_sd", "family", "date")


def read_facts(path: str | os.PathLike[str]) -> pd.DataFrame:
    """What is known of each model: index `model`, columns `FACTS` as text, blank where nothing is known.

    Raises
    ------
    TableError
        with all cells that cannot be used.
    ForecastError
        if the file cannot be read, or has no column of models or of facts.
    """
    frame = read_cells(path)
    if "compute" not in frame and EPOCH["compute"] in frame:
        runs = read_runs(path).drop_duplicates("model", keep="last")
        text = {"compute": runs["compute"].map("{!r}".format), "date": runs["date"].dt.strftime("%Y-%m-%d")}
        return pd.DataFrame(text).set_index(runs["model"].str.strip()).reindex(columns=list(FACTS), fill_value="")
    if "model" not in frame or not set(FACTS) & set(frame):
        raise ForecastError(
            f"{shown_path(path)}: needs a column model and compute, or params and tokens, or date; "
            f"it has {', '.join(map(shown, frame.columns[:10]))}"
        )
    return facts_of(frame, path)


def facts_of(frame: pd.DataFrame, path: str | os.PathLike[str]) -> pd.DataFrame:
    """The facts of a frame of `read_cells` with a column `model`, checked."""
    cells = cells_of(frame, scored=False)
    problems = [*_wrong_cells(cells), *_repeated(cells.text["model"].str.strip())]
    if problems:
        raise TableError(path, sorted(problems, key=lambda problem: problem.row or 0))
    text = cells.text[list(FACTS)].mask(cells.blank[list(FACTS)], "")
    return text.apply(lambda column: column.str.strip()).set_index(cells.text["model"].str.strip())


def _wrong_cells(cells: Cells) -> Iterator[Problem]:
    for check in COLUMN_CHECKS:
        yield from (found for found in check(cells) if found.column in {"model", *FACTS} & cells.present)


def _repeated(models: pd.Series) -> Iterator[Problem]:
    for line in models.index[models.duplicated() & (models != "")]:
        earlier = models.index[models == models[line]][0]
        remedy = "keep one row a model, or give the two models different names"
        wrong = f"the model is in row {earlier} too"
        yield Problem(row=int(line), column="model", value=models[line], wrong=wrong, remedy=remedy)
