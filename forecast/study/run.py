"""Study carried out, from validation to report."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from forecast.backtesting.record import write_backtest
from forecast.backtesting.run import BacktestResult, backtest
from forecast.backtesting.verdict import verdict
from forecast.errors import ForecastError, shown
from forecast.files import make_folder, write_json
from forecast.fitting.average import fit_average
from forecast.fitting.stacking import SAMPLING, forecasts_of, stacking_weights
from forecast.posterior.fit import Fit, Sampling, save
from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold_by_structure
from forecast.published import as_published, threshold_rows
from forecast.questions.when.answer import when as dates_of
from forecast.questions.when.frontier import fit_frontier
from forecast.report.backtest import BacktestView, backtest_view
from forecast.report.complaints import complaints, run_command, spelled_out, worst_complaints
from forecast.report.content import (
    answer_sentence,
    check_held_out,
    evidence,
    k_sweep,
    size_in_words,
    task_forecast,
    write_csv,
)
from forecast.report.page import write_report
from forecast.report.sections import Evidence, OutcomeCheck, Section, TaskForecast
from forecast.scales import scale_of
from forecast.stages import SILENT, Stages
from forecast.study.file import Study
from forecast.table.dataset import observations, read_table
from forecast.table.describe import warnings_of
from forecast.table.splits import Split, latest
from forecast.table.training_runs import read_runs
from forecast.words import plain_power
from models.dates import by_date
from models.structures import DEFAULT

FIT, EVIDENCE, TEST, TEST_BY_FITS, DATES, REPORT = 10.0, 3.0, 2.0, 60.0, 6.0, 6.0  # of the time: nearly seconds


def run_study(
    study: Study,
    output: Path,
    *,
    structures: Sequence[str] = DEFAULT,
    sampling: Sampling = Sampling(),
    workers: int = 1,
    scheduler: str | None = None,
    stages: Stages = SILENT,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Carry out a study and write its files into `output`; answers what `as_published` makes `result.json` of.

    `warn` is called with each weakness of the table before the first fit (see `forecast.table.describe.warnings_of`).

    First the back-test: the runs above each cut, or where the study names none the largest three in ten, are hidden,
    forecast and scored. Then the posteriors: of the runs below each cut and of all runs, averaged over structures.

    Files: a posterior, predictions and scores for each cut, `fit_all.nc`, `thresholds.csv`, `result.json`,
    `report.html`, and in `backtest/` what `forecast backtest` writes.
    """
    frame = read_table(study.table)
    data = observations(frame)
    splits = _splits(study, frame, data)
    for sentence in (warnings := warnings_of(data)):
        warn(sentence)
    make_folder(output)
    sampling = replace(sampling, seed=study.seed)
    options: dict[str, Any] = {"table": study.table.name, "structures": structures}
    how: dict[str, Any] = {"sampling": sampling, "stages": stages}
    stages.plan(_weight(study, averaged=len(structures) > 1))
    fitted: dict[float | None, Fit] = {}
    if len(structures) == 1:  # a fit of a cut makes its forecast too; several are weighed by shorter ones first
        for cut in study.cuts:
            with stages.stage(f"fit of {_seen(cut)}", weight=FIT):
                fitted[cut] = fit_average(frame, **options, **how, below=cut)
    tested = None
    if splits:
        with stages.stage("forecasts of hidden runs", weight=TEST):
            made = {
                split.name: forecasts_of(fitted[split.at], split.parts(frame)[1], at=study.thresholds)
                for split in splits
                if split.at in fitted
            }
            tested = backtest(
                frame,
                splits,
                **options,
                folder=output / "backtest" / "jobs",
                at=study.thresholds,
                made=made,
                sampling=replace(SAMPLING, seed=study.seed),
                workers=workers,
                scheduler=scheduler,
            )
    sections, results, sentences = [], [], []
    fits: dict[str, tuple[Fit, list[str]]] = {}
    for below in (*study.cuts, None):
        name, seen = "all" if below is None else f"below_{plain_power(below)}", _seen(below)
        if below not in fitted:
            with stages.stage(f"fit of {seen}", weight=FIT):
                fitted[below] = fit_average(frame, **options, **how, weights=_weights(tested, below), below=below)
        fit = fitted[below]
        save(fit, output / f"fit_{name}.nc")
        tasks = [task_forecast(fit, task, at, data) for task in rate_tasks(fit) for at in study.thresholds]
        check = None
        if below is not None and tested is not None:
            check = check_held_out(
                fit, frame, tested, _split(below), output / f"predictions_{name}.csv", seed=study.seed
            )
            if check is not None:
                write_csv(output / f"scores_{name}.csv", check.outcomes)
        said = complaints(fit, start=run_command(fit, study.folder, output))
        fits[seen] = fit, said
        with stages.stage("prior beside posterior", weight=EVIDENCE):
            found = evidence(fit, _headline(study, fit), study.thresholds, seed=study.seed)
        sections.append(_section(study, fit, tasks, check, found, seen, said))
        sentences.append(_sentence(tasks, study, seen))
        results.append(
            {
                "fit": f"fit_{name}.nc",
                "below": below,
                "weights": dict(fit.weights),
                "thresholds": [dict(task.threshold) for task in tasks],
                "methods": check.methods.to_dict("records") if check else [],
                "diagnostics": asdict(fit.diagnostics),
                "reasons": said,
                "moved": list(found.moved),
                "surprising_rows": list(found.surprising),
            }
        )
    headline = [
        {**each.threshold, "structures": threshold_by_structure(fit, each.task, each.at)}
        for each in tasks
        if each.task == found.headline
    ]
    judged = verdict(
        tested,
        runs=frame["model"].nunique(),
        thresholds=headline,
        moved=found.moved,
        unsound=worst_complaints(fits),
        seed=study.seed,
    )
    answer = " ".join(sentences)
    result = {"title": study.title, "question": study.question, "answer": answer, "verdict": judged, "seed": study.seed}
    result |= {"fits": results}
    dates = []
    if study.when:
        with stages.stage("dates", weight=DATES):
            result["when"] = dates = _dates(study, fit, found.headline)
    if tested is not None:
        write_backtest(tested, judged, output / "backtest", table=study.table.name, seed=study.seed)
    write_csv(output / "thresholds.csv", threshold_rows(results))
    believed = BacktestView(verdict=judged, tested=tested, weights=fit.weights, apart=headline)
    record = backtest_view(believed, table=study.table.name, seed=study.seed)
    texts: dict[str, Any] = {"title": study.title, "question": study.question, "answer": answer, "warnings": warnings}
    with stages.stage("report", weight=REPORT):
        write_report(
            output / "report.html", **texts, sections=sections, record=record, dates=dates, scale=scale_of(data)
        )
    write_json(output / "result.json", as_published(result, dated=by_date(data)))
    return result


def _weight(study: Study, *, averaged: bool) -> float:
    """How much the weights of all stages add up to."""
    fits = len(study.cuts) + 1
    return fits * (FIT + EVIDENCE) + (TEST_BY_FITS if averaged else TEST) + DATES * study.when + REPORT


def _dates(study: Study, fit: Fit, task: str) -> list[dict[str, Any]]:
    frontier = None if by_date(fit.data) else fit_frontier(read_runs(), seed=study.seed)
    options: dict[str, Any] = {"frontier": frontier, "scenarios": study.scenarios, "seed": study.seed}
    return [dates_of(fit, task, at, **options) for at in study.thresholds]


def _seen(below: float | None) -> str:
    return "all runs" if below is None else f"the runs below {plain_power(below)} FLOP"


def _split(below: float) -> Split:
    return Split(by="compute", at=below)


def _weights(tested: BacktestResult | None, below: float | None) -> dict[str, float] | None:
    """Weights of a fit: those of its cut, learned below it; of all runs by the record at all cuts; None: not known."""
    if tested is None:
        return None
    if below is not None:
        return dict(tested.weights[_split(below).name]) if _split(below).name in tested.weights else None
    names = tested.structures
    if len(names) == 1:
        return {names[0]: 1.0}
    found = stacking_weights(tested.scores[tested.scores["method"].isin(names)])
    return {name: found[name] for name in names}


def _splits(study: Study, frame: pd.DataFrame, data: xr.Dataset) -> list[Split]:
    """The cuts to test at; refuses before the first fit what could only fail after it."""
    tasks = data.task.values.tolist()
    if study.headline is not None and study.headline not in tasks:
        listed = "; ".join(shown(task) for task in tasks[:10])
        raise ForecastError(
            f"headline {shown(study.headline)} is not a task of {study.table.name}; use one of: {listed}"
        )
    if study.cuts:
        return [_split(cut).checked(frame) for cut in study.cuts]
    return [each for each in [latest(frame)] if each]


def _headline(study: Study, fit: Fit) -> str:
    names = rate_tasks(fit)
    return study.headline if study.headline and study.headline in names else names[0]


def _section(
    study: Study,
    fit: Fit,
    tasks: list[TaskForecast],
    check: OutcomeCheck | None,
    found: Evidence,
    seen: str,
    said: list[str],
) -> Section:
    return Section(
        title=f"Fit on {seen}",
        text=size_in_words(fit),
        tasks=tasks,
        diagnostics=spelled_out(fit, said),
        provenance=fit.provenance(),
        check=check,
        k_sweep=k_sweep(fit, found.headline, study.k_sweep_length) if study.k_sweep_length else None,
        evidence=found,
    )


def _sentence(tasks: list[TaskForecast], study: Study, seen: str) -> str:
    task = next((task for task in tasks if task.task == study.headline), tasks[0])
    return f"From {seen}, {answer_sentence(task)}"
