"""Compute, sizes, family and date of each model by its name, from a table of models or from one of scores."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.checks.columns import COLUMN_CHECKS
from forecast.table.reading.cells import COLUMNS, cells_of
from forecast.table.reading.dates import Dates
from forecast.table.reading.roles import AS_HEADERS_SAY, SIZES, Columns, likely_role, role_of
from forecast.table.reading.sheet import Sheet, logger, read_sheet
from forecast.table.reading.sizes import check_sizes, sizes_of

FACTS = ("compute", "params", "tokens", "active_params", "compute_sd", "family", "date")
ROLES = ("model", *FACTS, "confidence")
WITHIN_90 = 1.645  # standard deviations of a normal distribution on either side that hold 90%
CONFIDENCE = {"confident": 3.0, "likely": 10.0, "speculative": 30.0}
"""Factor within which compute is known with 90%: documentation of Epoch's data on models, column Confidence."""


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """What is known of each model: index `model`, columns `FACTS` as text, blank where nothing is known."""

    path: Path
    facts: pd.DataFrame
    headers: tuple[str, ...] = ()  # of the file
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)  # by model
    sizes_not_read: tuple[str, ...] = ()  # columns that look like compute, parameters or tokens
    times: Mapping[int, float] = field(default_factory=dict)  # of the date in a line, seconds since 1970

    def check(self, models: Iterable[str]) -> None:
        """A `TableError` with all problems of these models."""
        found = [problem for model in dict.fromkeys(models) for problem in self.problems.get(model, ())]
        if found:
            raise TableError(self.path, sorted(found, key=lambda problem: problem.row or 0))


def read_facts(path: str | os.PathLike[str], columns: Columns = AS_HEADERS_SAY) -> ModelTable:
    """The models of a table with a row for each.

    Raises
    ------
    TableError
        with all columns whose numbers cannot be meant.
    ForecastError
        if the file cannot be read, or has no column of models or of facts.
    """
    sheet = read_sheet(Path(path), ROLES, columns)
    check_models(sheet)
    if not set(FACTS) & set(sheet.columns):
        raise ForecastError(
            f"{shown_path(path)}: needs a column of compute, or params and tokens, or dates; it has "
            f"{', '.join(map(shown, sheet.frame.columns[:20]))}; say which is which with --columns 'compute=NAME'"
        )
    return facts_of(sheet)


def check_models(sheet: Sheet) -> None:
    """A `ForecastError` where no column has the names of models."""
    if "model" in sheet.columns:
        return
    tasks = role_of(sheet.frame.columns[0], ("task",)) if len(sheet.frame.columns) else None
    likely = sheet.unique_names or list(sheet.frame.columns) or ["NAME"]
    rows = "its rows look like tasks: transpose it, so that each model has a row, or " if tasks else ""
    raise ForecastError(
        f"{shown_path(sheet.path)}: no column is named 'model', of {', '.join(map(shown, sheet.frame.columns[:20]))}; "
        f"{rows}say which has the names of the models, such as --columns {shown(f'model={likely[0]}')}"
    )


def facts_of(sheet: Sheet, *, repeated: bool = False, repeats: str | None = None) -> ModelTable:
    """The facts of a sheet, and what is wrong with those of each model.

    A model has one row, or where it may be `repeated` as many as agree with one another. Where `repeats` says which
    counts, their dates may differ; that of the model is the latest for 'latest', else the first.
    """
    check_sizes(sheet)
    models = sheet.text("model")
    given = pd.DataFrame({name: _given(sheet, name) for name in FACTS})
    problems = [
        *_wrong_cells(sheet, given),
        *_contradictions(sheet, given, repeated=repeated, dates=repeats is not None),
    ]
    by_model: dict[str, tuple[Problem, ...]] = {}
    for problem in problems:
        model = models[problem.row]
        by_model[model] = (*by_model.get(model, ()), problem)
    dates = pd.to_datetime(given["date"], format="%Y-%m-%d", errors="coerce")
    by_date = given.loc[dates.sort_values(ascending=False, kind="stable").index] if repeats == "latest" else given
    first = by_date.mask(by_date == "").groupby(models, sort=False).first().fillna("").loc[models.unique()]
    return ModelTable(
        path=sheet.path,
        facts=first[first.index != ""].rename_axis("model"),
        headers=tuple(sheet.frame.columns),
        problems=by_model,
        sizes_not_read=tuple(sheet.sizes_not_read),
        times={int(str(line)): date.timestamp() for line, date in dates.dropna().items()},
    )


def numbered(sheet: Sheet, *beside: str) -> Sheet:
    """The sheet with rows of one model as runs of their own, 'model #1', 'model #2', where it has facts of each.

    Rows are of one model where these roles beside it agree as well.
    """
    if not set(FACTS) & set(sheet.columns):
        return sheet
    header, models = sheet.columns["model"].header, sheet.text("model")
    keys = pd.DataFrame({"model": models, **{role: sheet.text(role) for role in beside}})
    number = keys.groupby(list(keys)).cumcount() + 1
    names = models.where(~models.isin(models[keys.duplicated()]), models + " #" + number.astype(str))
    return replace(sheet, frame=sheet.frame.assign(**{header: names}))


def warn_of_dates(known: Iterable[Mapping[str, str]], sizes_not_read: Iterable[str]) -> None:
    """Say loudly that dates are the scale where files have sizes, or columns that look like some."""
    facts = list(known)
    if not facts or any(_sized(each) for each in facts):
        return
    half = [name for name in ("params", "active_params", "tokens") if any(each[name] for each in facts)]
    other = "tokens" if "tokens" not in half else "params"
    unread = list(dict.fromkeys(sizes_not_read))
    reasons = [f"{' and '.join(half)} without {other} give no compute: add a column of {other}"] if half else []
    if unread:
        options = " ".join(f"--columns {shown(f'{likely_role(name)}={name}')}" for name in unread[:4])
        reasons += [f"headers leave open whether {', '.join(map(shown, unread))} are sizes; {options} takes them"]
    if reasons:
        logger.warning(
            "warning: no model has a compute, so that dates are the scale of the table; %s", "; ".join(reasons)
        )


def _given(sheet: Sheet, name: str) -> pd.Series:
    """The cells of a fact as an observation table has them; as typed where they cannot be read."""
    if name in SIZES and name in sheet.columns:
        return sizes_of(sheet, name)
    cells = sheet.text(name)
    if name == "date" and name in sheet.columns:
        values = Dates(tuple(cells), sheet.columns[name].order).values
        read = [cell if value is pd.NaT else f"{value:%Y-%m-%d}" for cell, value in zip(cells, values, strict=True)]
        return pd.Series(read, index=cells.index, dtype=object)
    return _confidence(sheet) if name == "compute_sd" and name not in sheet.columns else cells


def _confidence(sheet: Sheet) -> pd.Series:
    """Standard deviation of log10 compute by Epoch's words for how well it is known; blank without compute."""
    words, compute = sheet.text("confidence").str.lower(), sheet.text("compute")
    sd = {word: f"{math.log10(factor) / WITHIN_90:.3g}" for word, factor in CONFIDENCE.items()}
    if (known := words.isin(sd) & (compute != "")).any():
        said = ", ".join(f"{word} -> {sd[word]} (factor {factor:g})" for word, factor in CONFIDENCE.items())
        logger.warning("read: column %s as compute_sd: %s", shown(sheet.columns["confidence"].header), said)
    return words.map(sd).where(known, "")


def _wrong_cells(sheet: Sheet, given: pd.DataFrame) -> Iterator[Problem]:
    known = [name for name in given if name in COLUMNS]
    cells = cells_of(given[known].assign(model=sheet.text("model")), scored=False)
    for problem in (found for check in COLUMN_CHECKS for found in check(cells)):
        if problem.column not in {"model", *FACTS} & set(sheet.columns) or (
            problem.column == "model" and problem.value == ""
        ):
            continue
        column = sheet.columns[problem.column]
        remedy = problem.remedy
        if problem.column in SIZES and problem.wrong.startswith("is text"):
            remedy = "write a number, alone or with a unit as in 7B, 1.4T or 2.3 petaFLOP"
        if problem.column == "date" and problem.wrong.startswith("may be"):
            remedy = f"write YYYY-MM-DD, or add --columns {shown(f'date (D/M/Y)={column.header}')}, or M/D/Y"
        yield replace(problem, column=column.header, remedy=remedy)


def _is_copy(sheet: Sheet, line: int, other: int) -> bool:
    return sheet.frame.loc[line].astype(str).equals(sheet.frame.loc[other].astype(str))


def _contradictions(sheet: Sheet, given: pd.DataFrame, *, repeated: bool, dates: bool) -> Iterator[Problem]:
    """The first row of a model that says other than an earlier one; of models that have one row, its second."""
    models, column = sheet.text("model"), sheet.columns["model"].header
    for model, rows in given[models != ""].groupby(models[models != ""], sort=False):
        first, earlier = rows.mask(rows == "").bfill().iloc[0], int(rows.index[0])
        for line, row in rows.iloc[1:].iterrows():
            differs = [name for name in FACTS if row[name] not in ("", first[name]) and not (dates and name == "date")]
            if not differs if repeated else _is_copy(sheet, int(str(line)), earlier):
                continue
            wrong = f"the model is in row {earlier} too"
            remedy = (
                f"keep one row a model, or give the two models different names{_unique(sheet, column)}; of several "
                "scores of one model --repeats latest, best or mean makes one, --repeats each makes each row a run"
            )
            if repeated:
                name = differs[0]
                wrong = f"the model has {name} {shown(first[name])} in row {earlier}, and here {shown(row[name])}"
                remedy = "give one value for a model, or give the two models different names"
            yield Problem(row=int(str(line)), column=column, value=str(model), wrong=wrong, remedy=remedy)
            break


def _unique(sheet: Sheet, column: str) -> str:
    """How to take names from a column whose values are unique, where there is one."""
    proposed = [name for name in sheet.unique_names if name != column][:1]
    return f", or add --columns {shown(f'model={proposed[0]}')}, whose values are unique" if proposed else ""


def _sized(facts: Mapping[str, str]) -> bool:
    params = facts["params"] or facts["active_params"]
    return bool(facts["compute"] or (params and facts["tokens"]))
