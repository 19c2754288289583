"""Fit of a study: what is shown of the posterior of the runs below a cut, or of all runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from forecast.backtesting.run import BacktestResult
from forecast.posterior.fit import Fit, save
from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold_by_structure
from forecast.report.complaints import complaints, run_command, spelled_out
from forecast.report.content import (
    answer_sentence,
    check_held_out,
    evidence,
    k_sweep,
    size_in_words,
    task_forecast,
    write_csv,
)
from forecast.report.sections import Evidence, OutcomeCheck, Section, TaskForecast
from forecast.stages import Stages
from forecast.study.file import Study
from forecast.table.splits import Split
from forecast.words import plain_power

EVIDENCE = 3.0
"""Weight of the stage of `study_fit`, nearly seconds."""


@dataclass(frozen=True, kw_only=True)
class StudyFit:
    """One fit of a study, and what is shown of it."""

    fit: Fit
    tasks: list[TaskForecast]  # of every rate at every threshold of the study
    check: OutcomeCheck | None  # the hidden runs beside their forecast; None: none were hidden
    evidence: Evidence
    reasons: list[str]  # not to trust the draws

    @property
    def runs(self) -> str:
        """The runs that the fit has seen, in words."""
        return seen_runs(self.fit.below)

    def headline_thresholds(self) -> list[dict[str, Any]]:
        """Thresholds of the headline task, with those of each structure."""
        headline = [each for each in self.tasks if each.task == self.evidence.headline]
        return [
            {**each.threshold, "structures": threshold_by_structure(self.fit, each.task, each.at)} for each in headline
        ]

    def section(self, *, k_sweep_length: int | None) -> Section:
        """The section of the report."""
        return Section(
            title=f"Fit on {self.runs}",
            text=size_in_words(self.fit),
            tasks=self.tasks,
            diagnostics=spelled_out(self.fit, self.reasons),
            provenance=self.fit.provenance(),
            check=self.check,
            k_sweep=k_sweep(self.fit, self.evidence.headline, k_sweep_length) if k_sweep_length else None,
            evidence=self.evidence,
        )

    def sentence(self, headline: str | None) -> str:
        """The threshold of a task, or of the first, in words."""
        task = next((task for task in self.tasks if task.task == headline), self.tasks[0])
        return f"From {self.runs}, {answer_sentence(task)}"

    def result(self) -> dict[str, Any]:
        """What result.json holds of the fit."""
        return {
            "fit": f"fit_{name_in_files(self.fit.below)}.nc",
            "below": self.fit.below,
            "weights": dict(self.fit.weights),
            "thresholds": [dict(task.threshold) for task in self.tasks],
            "methods": self.check.methods.to_dict("records") if self.check else [],
            "diagnostics": asdict(self.fit.diagnostics),
            "reasons": self.reasons,
            "moved": list(self.evidence.moved),
            "surprising_rows": list(self.evidence.surprising),
        }


def study_fit(
    fit: Fit,
    study: Study,
    frame: pd.DataFrame,
    data: xr.Dataset,
    *,
    tested: BacktestResult | None,
    output: Path,
    stages: Stages,
) -> StudyFit:
    """What is shown of a fit; writes the posterior and, where runs were hidden, their predictions and scores."""
    name = name_in_files(fit.below)
    save(fit, output / f"fit_{name}.nc")
    tasks = [task_forecast(fit, task, at, data) for task in rate_tasks(fit) for at in study.thresholds]
    check = None
    if fit.below is not None and tested is not None:
        split, predictions = split_at(fit.below), output / f"predictions_{name}.csv"
        check = check_held_out(fit, frame, tested, split, predictions, seed=study.seed)
    if check is not None:
        write_csv(output / f"scores_{name}.csv", check.outcomes)
    reasons = complaints(fit, start=run_command(fit, study.folder, output))
    with stages.stage("prior beside posterior", weight=EVIDENCE):
        moved = evidence(fit, headline_task(study, fit), study.thresholds, seed=study.seed)
    return StudyFit(fit=fit, tasks=tasks, check=check, evidence=moved, reasons=reasons)


def headline_task(study: Study, fit: Fit) -> str:
    """The task that the study asks about, or else the first rate of the fit."""
    names = rate_tasks(fit)
    return study.headline if study.headline and study.headline in names else names[0]


def seen_runs(below: float | None) -> str:
    """The runs below a cut, or all, in words."""
    return "all runs" if below is None else f"the runs below {plain_power(below)} FLOP"


def split_at(below: float) -> Split:
    """The split of which a fit below a cut has seen the one side."""
    return Split(by="compute", at=below)


def name_in_files(below: float | None) -> str:
    """What tells the files of a fit from those of others."""
    return "all" if below is None else f"below_{plain_power(below)}"
