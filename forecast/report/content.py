"""Content of the report: check on held-out runs, k-sweep, evidence, and the report of one stored fit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtesting.run import BacktestResult
from forecast.backtesting.scored import OURS
from forecast.backtesting.verdict import verdict_on_fit
from forecast.files import write_csv
from forecast.fitting.contraction import contraction
from forecast.fitting.sensitivity.answer import sensitivity
from forecast.posterior.compute import effective_compute
from forecast.posterior.fit import Fit, thinned
from forecast.posterior.outliers import outliers
from forecast.posterior.predict import predict, summarise
from forecast.posterior.reached import family_in_words
from forecast.posterior.score import law_of_task, loss_per_token
from forecast.posterior.tasks import task_label
from forecast.posterior.views.curve import CURVE_DRAWS, TaskForecast, task_forecast
from forecast.report.answered import answered_tasks, metric_of, usual_threshold
from forecast.report.complaints import complaints, spelled_out
from forecast.report.live.data import live_data
from forecast.report.page import write_page
from forecast.report.sections import Evidence, KSweep, OutcomeCheck, Report, Section
from forecast.report.views.backtest import with_verdict
from forecast.report.views.pictures import known_places
from forecast.scales import named_by, scale_of
from forecast.scoring.summary import summary
from forecast.table.describe import warnings_of
from forecast.table.direction import refusal
from forecast.table.splits import Split
from forecast.words import counted, percent, plain_power, spoken_score
from models.equations.guessed import at_least_each
from models.equations.metrics import METRICS


def check_held_out(
    fit: Fit,
    frame: pd.DataFrame,
    tested: BacktestResult,
    split: Split,
    predictions: Path,
    *,
    headline: str | None = None,
    seed: int,
) -> OutcomeCheck | None:
    """What the back-test says of one cut, and in a file the predictive quantiles of the hidden rows under the fit.

    Metrics of another kind than the headline's, as losses are, stand in the file only: in other units they belong
    neither on the axis nor in the mean CRPS.
    """
    headline = headline or answered_tasks(fit.data)[0]
    asked = metric_of(fit.data, headline)
    kind = {name for name, each in METRICS.items() if (each.is_rate, each.falls) == (asked.is_rate, asked.falls)}
    scored = tested.scores[tested.scores["cut"] == split.name]
    own = scored[scored["metric"].isin(kind)]
    if own.empty:
        return None
    _, rows = split.parts(frame)
    write_csv(predictions, summarise(rows, predict(fit, rows, seed=seed)))
    outcomes = own[own["method"] == OURS].rename(columns={"outcome": "score", "inside_90": "inside"})
    methods = summary(own[~own["method"].isin(tested.structures)])
    title = f"Forecast from {split.name} beside what the others scored"
    return OutcomeCheck(
        title=title,
        metric=str(fit.data.metric.sel(task=headline).item()),
        outcomes=outcomes[["task", "model", "log10_compute", "score", "q05", "q50", "q95", "crps", "inside"]],
        methods=methods[["method", "crps", "coverage_90", "width_90"]],
        others=int((scored["method"] == OURS).sum()) - len(outcomes),
    )


def k_sweep(fit: Fit, task: str, length: int) -> KSweep:
    """Median success at 'at least k of `length` tokens' for every k, from the fitted law of one task.

    The law of the loss and the frailty are those of the task; only the metric changes, from token accuracy's slow rise
    at small k to exact match's late jump at k = length. Loss is per token of the fitted answer.
    """
    fit = thinned(fit, CURVE_DRAWS)
    law, ks = law_of_task(fit, task), range(1, length + 1)
    x = fit.data.log10_compute.values
    grid = np.linspace(x.min() - 0.3, x.max() + 3.0, 60)
    medians = []
    for place in grid:  # one after the other: all draws, places and k at once take gigabytes
        loss = loss_per_token(law, effective_compute(fit, xr.DataArray(place)))
        each = at_least_each(loss, ks=tuple(ks), length=length, nu=law.nu, token_floor=0.0)
        medians.append(each.median(("chain", "draw")).values)
    return KSweep(task=task, length=length, grid=grid, curves=dict(zip(ks, np.array(medians).T, strict=True)))


def evidence(fit: Fit, headline: str, thresholds: Sequence[float], *, family: str | None = None, seed: int) -> Evidence:
    """What the data moved, each parameter and threshold once and task by task, and the rows that surprise.

    Thresholds are those of a family or, for None, of the typical family.
    """
    return Evidence(
        headline=headline,
        moved=contraction(fit, at=thresholds, tasks=answered_tasks(fit.data, headline), family=family, seed=seed),
        surprising=outliers(fit, seed=seed),
        rows=fit.data.sizes["observation"],
        sensitivity=sensitivity(fit, headline, thresholds[0], family=family),
    )


def report_of(
    fit: Fit,
    *,
    at: float | None = None,
    headline: str | None = None,
    family: str | None = None,
    record: Mapping[str, Any] | None = None,
    command: str = "",
) -> Report:
    """The report of one stored fit: all tasks at one threshold.

    Parameters
    ----------
    at : the threshold; None: 0.5 or, of horizons, a working day
    headline : task of the sentence; None: the first rate or, where there is none, the first horizon
    family : whose curves and thresholds are shown; None: those of the typical family
    record : a back-test of the table, of `forecast.report.views.backtest.stored_view`; None: it was never tested
    command : that makes the report again
    """
    first = headline_of(fit, headline)
    at = usual_threshold(metric_of(fit.data, first)) if at is None else at
    tasks = [task_forecast(fit, task, at, family=family) for task in answered_tasks(fit.data, first)]
    shown = next(task for task in tasks if task.task == first)
    reasons, found = complaints(fit), evidence(fit, first, [at], family=family, seed=fit.sampling.seed)
    scale = scale_of(fit.data)
    judged = verdict_on_fit(
        record and record["verdict"],
        runs=fit.data.sizes["run"],
        thresholds=[shown.threshold],
        moved=found.moved,
        unsound=reasons,
        scale=scale,
        table=fit.table,
    )
    section = Section(
        title="Fit on " + ("all runs" if fit.below is None else f"runs below {plain_power(fit.below)} FLOP"),
        text=size_in_words(fit),
        tasks=tasks,
        diagnostics=spelled_out(fit, reasons),
        provenance=fit.provenance(),
        evidence=found,
    )
    asked, whose = spoken_score(at, shown.metric), "a typical run" + (f" of family {family}" if family else "")
    return Report(
        title=f"Forecast from {fit.table}",
        question=f"At what {scale.quantity} does {whose} reach {asked}, judging from {fit.table}?",
        answer=answer_sentence(shown),
        sections=[section],
        warnings=warnings_of(fit.data),
        record=with_verdict(record, judged),
        scale=scale,
        command=command,
        live=live_data(fit, tasks, headline=first, family=family, known=known_places(scale)),
    )


def write_report(fit: Fit, path: Path = Path("report.html"), **options: Any) -> str:
    """Write the report of one stored fit as HTML and answer its sentence; options as of `report_of`."""
    report = report_of(fit, **options)
    write_page(path, report)
    return report.answer


def headline_of(fit: Fit, name: str | None) -> str:
    """The task that a name means, or the first that a report answers for; a `ForecastError` where it is a loss."""
    task = None if name is None else task_label(fit, name)
    answered = answered_tasks(fit.data, task)
    return task or answered[0]


def size_in_words(fit: Fit) -> str:
    sizes = {noun: fit.data.sizes[dim] for dim, noun in (("run", "run"), ("task", "task"), ("observation", "row"))}
    return ", ".join(counted(number, noun) for noun, number in sizes.items()) + "."


def answer_sentence(task: TaskForecast) -> str:
    """The posterior of one threshold in a sentence."""
    q, never = task.threshold["log10_compute"], task.threshold["p_never"]
    scale = named_by(task.threshold)
    if refused := refusal(task.threshold, quantity=scale.quantity):
        return f"{refused}."
    where = f"is not expected {scale.none}" if q["q50"] == "inf" else f"is expected {scale.where(q['q50'])}"
    of = family_in_words(task.threshold)
    doubt = f"90% interval {scale.interval(q['q05'], q['q95'])}; chance that it never does {percent(never)}"
    return f"{task.task} reaching {spoken_score(task.at, task.metric)} {where} ({of + '; ' if of else ''}{doubt})."
