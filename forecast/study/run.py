"""Study carried out, from validation to report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.backtesting.record import write_backtest
from forecast.backtesting.run import BacktestResult, backtest
from forecast.backtesting.verdict import verdict
from forecast.draws import Sampling
from forecast.files import alone_in, forget, make_folder, write_csv, write_json
from forecast.fitting.average import fit_average
from forecast.fitting.stacking import SAMPLING, forecasts_of, weights_of_scores
from forecast.posterior.fit import Fit
from forecast.published import as_published, threshold_rows
from forecast.questions.when.answer import when as dates_of
from forecast.questions.when.frontier import fit_frontier
from forecast.report.answered import metric_of
from forecast.report.complaints import worst_complaints
from forecast.report.live.dates import Asked
from forecast.report.views.backtest import BacktestView
from forecast.stages import SILENT, Stages
from forecast.study.checks import check_answerable, headline_of_table, largest_runs, split_at, splits_of
from forecast.study.file import Study
from forecast.study.fitted import EVIDENCE, StudyFit, seen_runs, study_fit
from forecast.study.provenance import provenance
from forecast.study.report import answer_of, report_of_study, write_index_above, write_study
from forecast.table.adjusting import Adjustments
from forecast.table.dataset import observations, read_table
from forecast.table.describe import warnings_of
from forecast.table.splits import Split
from models.dates import by_date
from models.structures import DEFAULT

FIT, TEST, TEST_BY_FITS, DATES, REPORT = 10.0, 2.0, 60.0, 6.0, 6.0  # of the time: nearly seconds


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

    First the back-test: the runs above or after each cut, or where the study names none the largest three in ten, are
    hidden, forecast and scored. Then the posteriors: of the runs below or before each cut and of all runs.

    Files: a posterior, predictions and scores for each cut, `fit_all.nc`, `thresholds.csv`, `result.json`,
    `report.html`, `forecast.svg` (the headline as forecast at the first cut, with what the hidden runs scored), and in
    `backtest/` what `forecast backtest` writes.
    """
    warnings: list[str] = []
    frame = read_table(study.table, adjust=Adjustments(tasks=study.tasks), warn=warnings.append)
    data = observations(frame)
    check_answerable(study, data)
    splits, runs = splits_of(study, frame), largest_runs(study, data)
    warnings += warnings_of(data)
    for sentence in warnings:
        warn(sentence)
    make_folder(output)
    stages.plan(_weight(study, averaged=len(structures) > 1))
    sampling = replace(sampling, seed=study.seed)
    fitting = _Fitting(frame=frame, study=study, structures=structures, sampling=sampling, stages=stages)
    with alone_in(output):
        return _carried_out(
            fitting, splits, runs, warnings=warnings, output=output, workers=workers, scheduler=scheduler
        )


def _carried_out(
    fitting: "_Fitting",
    splits: Sequence[Split],
    runs: pd.DataFrame | None,
    *,
    warnings: Sequence[str],
    output: Path,
    **workers: Any,
) -> dict[str, Any]:
    """The study carried out; `runs` are the largest training runs, where dates are asked for."""
    study, frame, stages = fitting.study, fitting.frame, fitting.stages
    data = observations(frame)
    cuts = [split_at(cut) for cut in study.cuts]
    fitted: dict[Split | None, Fit] = {}
    if len(fitting.structures) == 1:  # a fit of a cut makes its forecast too; several are weighed by shorter ones first
        fitted |= {cut: fitting.fit(cut, weights=None) for cut in cuts}
    tested = _tested(study, fitting, splits, fitted, output=output, **workers) if splits else None
    fits = []
    for cut in (*cuts, None):
        if cut not in fitted:
            fitted[cut] = fitting.fit(cut, weights=_weights(tested, cut))
        forget(output / name for name in ("result.json", "report.html"))  # of an earlier run, whose fits go now
        fits.append(study_fit(fitted[cut], cut, study, frame, data, tested=tested, output=output, stages=stages))
    believed = _believed(study, frame, fits, fits[-1], tested)
    asked = None if runs is None else _asked(study, runs)
    dates = _dates(study, fits[-1], asked, stages) if study.when else []
    if tested is not None:
        write_backtest(tested, believed.verdict, output / "backtest", table=study.table.name, seed=study.seed)
    result = _result(study, fits, believed, dates)
    result["provenance"] = provenance(study, structures=fitting.structures, sampling=fitting.sampling)
    with stages.stage("report", weight=REPORT):
        report = report_of_study(study, fits, believed, warnings=warnings, dates=dates, asked=asked, output=output)
        write_study(report, fits[0], output)
    write_csv(output / "thresholds.csv", threshold_rows(result["fits"]))
    write_json(output / "result.json", as_published(result, dated=by_date(data)))  # last: where it is, all is there
    write_index_above(study.folder, output)
    return result


@dataclass(frozen=True, kw_only=True)
class _Fitting:
    """What all fits of a study have in common."""

    frame: pd.DataFrame
    study: Study
    structures: Sequence[str]
    sampling: Sampling
    stages: Stages

    def fit(self, cut: Split | None, *, weights: dict[str, float] | None) -> Fit:
        """The posterior of the runs that a cut leaves, or of all; weights as of `fit_average`."""
        frame = self.frame if cut is None or cut.by == "compute" else cut.parts(self.frame)[0]
        options: dict[str, Any] = {"structures": self.structures, "sampling": self.sampling, "stages": self.stages}
        options |= {"weights": weights, "priors": self.study.priors}
        options["below"] = cut.at if cut is not None and cut.by == "compute" else None
        with self.stages.stage(f"fit of {seen_runs(cut)}", weight=FIT):
            return fit_average(frame, table=self.study.table.name, **options)


def _weight(study: Study, *, averaged: bool) -> float:
    """How much the weights of all stages add up to."""
    fits = len(study.cuts) + 1
    return fits * (FIT + EVIDENCE) + (TEST_BY_FITS if averaged else TEST) + DATES * study.when + REPORT


def _tested(
    study: Study,
    fitting: _Fitting,
    splits: Sequence[Split],
    fitted: Mapping[Split | None, Fit],
    *,
    output: Path,
    workers: int,
    scheduler: str | None,
) -> BacktestResult:
    """The back-test of the study; `fitted` are the fits below cuts that are there already."""
    frame, data = fitting.frame, observations(fitting.frame)
    rate = metric_of(data, headline_of_table(study, data)).is_rate
    at = study.thresholds if rate else ()  # a record of thresholds is of rates
    with fitting.stages.stage("forecasts of hidden runs", weight=TEST):
        made = {
            cut.name: forecasts_of(fit, cut.parts(frame)[1], at=at) for cut, fit in fitted.items() if cut is not None
        }
        return backtest(
            frame,
            splits,
            name=fitting.study.table.name,
            folder=output / "backtest" / "jobs",
            structures=fitting.structures,
            at=at,
            made=made,
            sampling=replace(SAMPLING, seed=study.seed),
            workers=workers,
            scheduler=scheduler,
        )


def _weights(tested: BacktestResult | None, cut: Split | None) -> dict[str, float] | None:
    """Weights of a fit: those of its cut, learned below it; of all runs by the record at all cuts; None: not known."""
    if tested is None:
        return None
    if cut is not None:
        return dict(tested.weights[cut.name]) if cut.name in tested.weights else None
    return weights_of_scores(tested.scores, tested.structures)


def _believed(
    study: Study, frame: pd.DataFrame, fits: Sequence[StudyFit], of_all: StudyFit, tested: BacktestResult | None
) -> BacktestView:
    """The verdict on the forecast from all runs, with the back-test behind it."""
    thresholds = of_all.headline_thresholds()
    judged = verdict(
        tested,
        runs=frame["model"].nunique(),
        thresholds=thresholds,
        moved=of_all.evidence.moved,
        unsound=worst_complaints({each.runs: (each.fit, each.reasons) for each in fits}),
        seed=study.seed,
    )
    return BacktestView(verdict=judged, tested=tested, weights=of_all.fit.weights, apart=thresholds)


def _asked(study: Study, runs: pd.DataFrame) -> Asked:
    """How dates are found: by the frontier of the largest runs."""
    table = "built-in" if study.runs is None else study.runs.name
    frontier = fit_frontier(runs, table=table, seed=study.seed)
    return Asked(frontier=frontier, scenario=study.scenarios[0], seed=study.seed)


def _dates(study: Study, of_all: StudyFit, asked: Asked | None, stages: Stages) -> list[dict[str, Any]]:
    """The dates at which the headline task reaches each threshold."""
    with stages.stage("dates", weight=DATES):
        frontier = asked and asked.frontier
        options: dict[str, Any] = {"frontier": frontier, "scenarios": study.scenarios, "seed": study.seed}
        return [dates_of(of_all.fit, of_all.evidence.headline, at, **options) for at in study.thresholds]


def _result(
    study: Study, fits: Sequence[StudyFit], believed: BacktestView, dates: list[dict[str, Any]]
) -> dict[str, Any]:
    """What result.json holds, before dates are published as such."""
    result = {
        "title": study.title,
        "question": study.question,
        "answer": answer_of(study, fits),
        "verdict": believed.verdict,
        "seed": study.seed,
        "fits": [each.result() for each in fits],
    }
    return result | ({"when": dates} if study.when else {})
