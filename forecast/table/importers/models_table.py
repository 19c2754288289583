"""Compute, size, family and date of each model by its name: our own columns, or Epoch's table of models."""

import os
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.checks.columns import COLUMN_CHECKS
from forecast.table.importers.choices import closest
from forecast.table.importers.measurements import LeftOut
from forecast.table.reading.cells import Cells, cells_of
from forecast.table.reading.files import read_cells
from forecast.table.training_runs import COLUMNS as EPOCH
from forecast.table.training_runs import read_runs

FACTS = ("compute", "params", "tokens", "active_params", "compute_sd", "family", "date")


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


def facts_by_model(
    names: Iterable[str], facts: pd.DataFrame, source: str
) -> tuple[dict[str, dict[str, str]], list[LeftOut]]:
    """The facts of each of these models that has a scale, and the others with the reason why not.

    A name is found as it stands or, where that is one model only, without organisation, case, spaces and hyphens:
    'meta-llama/Llama-2-7b' is 'Llama 2-7B'. The scale is compute, 6 N D, or, where no model has either, the date.
    """
    by_spelling = facts.groupby(facts.index.map(spelling)).groups
    known: dict[str, dict[str, str]] = {}
    left_out = []
    for name in names:
        same = [name] if name in facts.index else list(by_spelling.get(spelling(name), []))
        if len(same) == 1:
            known[name] = facts.loc[same[0]].to_dict()
        else:
            why = "several models have this name but for its spelling" if same else "there is no such model"
            left_out.append(LeftOut(what=f"model {name}", why=f"{why} in {source}{_hint(name, by_spelling)}"))
    scale = _sized if any(_sized(each) for each in known.values()) else _dated
    missing = "has no compute, nor both params and tokens" + (", nor a date" if scale is _dated else "")
    left_out += [
        LeftOut(what=f"model {name}", why=f"{missing} in {source}") for name in known if not scale(known[name])
    ]
    return {name: each for name, each in known.items() if scale(each)}, left_out


def spelling(name: str) -> str:
    """What of a name does not depend on who writes it.

    >>> spelling("meta-llama/Llama-2-7b") == spelling("Llama 2-7B")
    True
    """
    base, at, revision = name.partition("@")
    kept = base.rsplit("/", 1)[-1] + at + revision
    return "".join(c for c in kept.casefold() if c not in " -_")


def _hint(name: str, by_spelling: Mapping[str, pd.Index]) -> str:
    close = closest(spelling(name), by_spelling)
    return "" if close is None else f"; did you mean {shown(str(by_spelling[close][0]))}?"


def _sized(facts: dict[str, str]) -> bool:
    return bool(facts["compute"] or (facts["tokens"] and (facts["params"] or facts["active_params"])))


def _dated(facts: dict[str, str]) -> bool:
    return bool(facts["date"])
