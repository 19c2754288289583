"""Candidates to measure next: new runs, more items, partial credit, the loss of the answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.posterior.fit import Fit
from forecast.table.dataset import rows_of_task
from forecast.table.reading.cells import COLUMNS
from forecast.table.splits import ADD_COMPUTE, IN_YEARS, check_same_scale
from forecast.words import counted, plain_power
from models.dates import by_date
from models.equations.metrics import METRICS, rates
from models.facts.placing import reference_compute

GRID = 9  # sizes of new runs
AHEAD = 1.0  # decades beyond the largest run, where there is no budget
LEAST_SPAN = 1.0  # decades between the smallest and the largest new run
NEW_RUN, MORE_ITEMS, PARTIAL_CREDIT, LOSS = "new run", "more items", "partial credit", "loss"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Rows that could be measured together: all of one run."""

    name: str
    kind: str
    rows: pd.DataFrame  # as `forecast.table.dataset.read_rows` gives them; trials are those to be added
    flop: float  # of training; 0 for a run that is there
    items: float  # answers to be scored


def candidates_of(fit: Fit, label: str, *, items: int, budget: float | None, family: str | None) -> list[Candidate]:
    """New runs over a grid of compute, and what the runs of the table could still be scored on, for the law of a task.

    New runs are scored on all that the law is seen by in the table, `items` items each; where that is exact match alone
    and its length is known, by token accuracy beside it too. Of a table without compute there are none: nobody can
    choose the date of a run, nor say what it costs.
    """
    data = fit.data
    own = [str(task) for task in data.task.values[data.law_index.values == int(data.law_index.sel(task=label))]]
    new = [] if by_date(data) else _new_runs(fit, own, items, budget, family)
    return [*new, *_of_known_runs(fit, own, items)]


def candidates_of_rows(fit: Fit, rows: pd.DataFrame, *, items: int) -> list[Candidate]:
    """The candidates of a user: each model is one, scored further where the fit knows it, to be trained where not."""
    check_same_scale(rows, dated=by_date(fit.data))
    found = []
    for model, own in rows.groupby("model", sort=False):
        is_loss = ~own["metric"].isin(rates())
        size = own["length"].where(own["metric"] == "token_accuracy").fillna(1.0)
        own = own.assign(
            trials=own["trials"].astype(float).where(is_loss, own["trials"].astype(float).fillna(items * size))
        )
        new = model not in fit.data.run.values
        count = float((own["trials"] / size).where(~is_loss).max()) if not is_loss.all() else float(items)
        kind = NEW_RUN if new else "evaluation"
        flop = float(own["compute"].iloc[0]) if new and not by_date(fit.data) else 0.0
        found.append(Candidate(name=str(model), kind=kind, rows=own, flop=flop, items=count))
    return found


def _new_runs(
    fit: Fit, own: Sequence[str], items: int, budget: float | None, family: str | None
) -> Iterator[Candidate]:
    family = family or _latest_family(fit, own)
    extra = _unseen_partial_credit(fit, own)
    for x in _grid(fit, own, budget):
        run = {"compute": 10.0**x, "family": family, **_sizes_of_new_run(fit, x)}
        name = f"new run of {plain_power(10.0**x, '.2g')} FLOP"
        rows = [_row(fit, task, name, items, run) for task in own]
        yield Candidate(name=name, kind=NEW_RUN, rows=_frame(rows), flop=10.0**x, items=items)
        if extra:
            with_tokens = _frame([*rows, _row(fit, own[0], name, items, run) | _tokens(extra, items)])
            yield Candidate(name=f"{name} + token accuracy", kind=NEW_RUN, rows=with_tokens, flop=10.0**x, items=items)


def _of_known_runs(fit: Fit, own: Sequence[str], items: int) -> Iterator[Candidate]:
    data, extra = fit.data, _unseen_partial_credit(fit, own)
    rates = [task for task in own if METRICS[_metric(data, task)].is_rate]
    for place, model in enumerate(data.run.values.tolist()):
        run = _run_facts(data, place)
        scored = {task: int(row) for task in own for row in _rows_of(data, task, place)}
        known = [task for task in rates if task in scored]
        rows = _frame([_row(fit, task, model, items, run) for task in known or rates])
        if rates:
            name = f"{counted(items, 'more item' if known else 'item')} on {model}"
            yield Candidate(name=name, kind=MORE_ITEMS, rows=rows, flop=0.0, items=items)
        exact = [task for task in known if _metric(data, task) == "exact_match"]
        if exact:
            answers = int(data.trials.values[scored[exact[0]]])
            lacking = [task for task in rates if _metric(data, task) != "exact_match" and task not in scored]
            again = [(task, _row(fit, task, model, answers, run)) for task in lacking]
            if extra:
                again.append(("token accuracy", _row(fit, exact[0], model, answers, run) | _tokens(extra, answers)))
            for what, row in again:
                name = f"{what} of {model}"
                yield Candidate(name=name, kind=PARTIAL_CREDIT, rows=_frame([row]), flop=0.0, items=answers)
        for task in [task for task in own if task not in rates and task not in scored]:
            row = _frame([_row(fit, task, model, items, run)])
            yield Candidate(name=f"{task} of {model}", kind=LOSS, rows=row, flop=0.0, items=items)


def _grid(fit: Fit, own: Sequence[str], budget: float | None) -> np.ndarray:
    """Log10 FLOP of new runs: from the middle of the runs to a decade beyond or to the budget."""
    tasks = np.flatnonzero(np.isin(fit.data.task.values, own))
    x = fit.data.log10_compute.values[fit.data.run_index.values[np.isin(fit.data.task_index.values, tasks)]]
    top = x.max() + AHEAD if budget is None else np.log10(budget)
    return np.linspace(min(0.5 * (x.min() + x.max()), top - LEAST_SPAN), top, GRID)


def _sizes_of_new_run(fit: Fit, x: float) -> dict[str, float]:
    """Parameters and tokens of a compute-optimal run where the fit knows the optimum; else split as the runs are."""
    posterior, data = fit.posterior, fit.data
    if "params_exponent" in posterior:
        reference = reference_compute(data)
        share = float((posterior.tokens_exponent / (posterior.params_exponent + posterior.tokens_exponent)).median())
        ratio = float(posterior.log10_optimal_ratio.median())
        params = 0.5 * (reference - np.log10(6.0) - ratio) + share * (x - reference)
    else:
        ratios = data.log10_tokens.values - data.log10_params.values
        if not np.isfinite(ratios).any():
            return {}
        params = 0.5 * (x - np.log10(6.0) - float(np.nanmedian(ratios[np.isfinite(ratios)])))
    return {"params": float(10.0**params), "tokens": float(10.0 ** (x - np.log10(6.0) - params))}


def _latest_family(fit: Fit, own: Sequence[str]) -> str:
    """The family of the largest run that is scored on one of the tasks."""
    data = fit.data
    runs = data.run_index.values[np.isin(data.task.values[data.task_index.values], own)]
    largest = runs[np.argmax(data.log10_compute.values[runs])]
    return str(data.family.values[data.family_index.values[largest]])


def _unseen_partial_credit(fit: Fit, own: Sequence[str]) -> float:
    """Answer length where the law is seen by exact match alone; 0 where no token accuracy can be added."""
    if len(own) != 1 or _metric(fit.data, own[0]) != "exact_match":
        return 0.0
    length = float(fit.data.task_length.sel(task=own[0]))
    return length if length > 1 else 0.0


def _tokens(length: float, items: int) -> dict[str, Any]:
    return {"metric": "token_accuracy", "length": length, "trials": items * length}


def _row(fit: Fit, task: str, model: str, items: int, run: dict[str, Any]) -> dict[str, Any]:
    facts = fit.data.sel(task=task)
    metric, length = facts.metric.item(), facts.task_length.item()
    size = length if metric == "token_accuracy" and np.isfinite(length) else 1.0
    return {
        "model": model,
        "task": facts.task_name.item(),
        "metric": metric,
        "trials": items * size if METRICS[metric].is_rate else np.nan,
        "length": length,
        "k": facts.task_k.item(),
        "chance": facts.chance.item(),
        **run,
    }


def _run_facts(data: xr.Dataset, place: int) -> dict[str, Any]:
    of = data.isel(run=place)
    return {
        "compute": 10.0 ** of.log10_compute.item(),
        "params": 10.0 ** of.log10_params.item(),
        "tokens": 10.0 ** of.log10_tokens.item(),
        "compute_sd": of.compute_sd.item(),
        "family": str(data.family.values[of.family_index.item()]),
        "date": of.date.values,
    }


def _frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows)).reindex(columns=list(COLUMNS))
    frame["compute_sd"] = frame["compute_sd"].astype(float).fillna(0.0)
    return frame.assign(date=pd.to_datetime(frame["date"]))


def _metric(data: xr.Dataset, task: str) -> str:
    return str(data.metric.sel(task=task).item())


def _rows_of(data: xr.Dataset, task: str, run: int) -> np.ndarray:
    of_task = rows_of_task(data, task)
    return np.flatnonzero(of_task & (data.run_index.values == run))


def checked_budget(fit: Fit, budget: float | None) -> None:
    """A `ForecastError` for a budget that buys nothing, or of a table that knows no compute."""
    if budget is not None and by_date(fit.data):
        raise ForecastError(f"a budget of FLOP: {IN_YEARS}; leave --budget out, or {ADD_COMPUTE}")
    if budget is not None and not 0 < budget < np.inf:
        raise ForecastError(f"the budget must be a positive number of FLOP, got {shown(str(budget))}")
