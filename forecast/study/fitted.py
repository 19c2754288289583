"""Fit of a study: what is shown of the posterior of the runs that a cut leaves, or of all runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from forecast.backtesting.run import BacktestResult
from forecast.files import write_csv
from forecast.posterior.fit import Fit, save
from forecast.posterior.threshold import threshold_by_structure
from forecast.report.answered import answered_tasks
from forecast.report.complaints import complaints, run_command, spelled_out
from forecast.report.content import (
    answer_sentence,
    check_held_out,
    evidence,
    k_sweep,
    size_in_words,
    task_forecast,
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
    cut: Split | None  # None: it has seen all runs
    tasks: list[TaskForecast]  # of every task of the headline's kind at every threshold of the study
    check: OutcomeCheck | None  # the hidden runs beside their forecast; None: none were hidden
    evidence: Evidence
    reasons: list[str]  # not to trust the draws

    @property
    def runs(self) -> str:
        """The runs that the fit has seen, in words."""
        return seen_runs(self.cut)

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
            provenance=self.fit.provenance() | ({} if self.cut is None else {"runs": self.cut.name}),
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
            "fit": f"fit_{name_in_files(self.cut)}.nc",
            "below": self.fit.below,
            **({"before": self.cut.at} if self.cut is not None and self.cut.by == "date" else {}),
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
    cut: Split | None,
    study: Study,
    frame: pd.DataFrame,
    data: xr.Dataset,
    *,
    tested: BacktestResult | None,
    output: Path,
    stages: Stages,
) -> StudyFit:
    """What is shown of a fit; writes the posterior and, where runs were hidden, their predictions and scores."""
    name, headline = name_in_files(cut), headline_task(study, fit)
    save(fit, output / f"fit_{name}.nc")
    answered = answered_tasks(fit.data, headline)
    tasks = [task_forecast(fit, task, at, data) for task in answered for at in study.thresholds]
    check = None
    if cut is not None and tested is not None:
        predictions = output / f"predictions_{name}.csv"
        check = check_held_out(fit, frame, tested, cut, predictions, headline=headline, seed=study.seed)
    if check is not None:
        write_csv(output / f"scores_{name}.csv", check.outcomes)
    reasons = complaints(fit, start=run_command(fit, study.folder, output))
    with stages.stage("prior beside posterior", weight=EVIDENCE):
        moved = evidence(fit, headline, study.thresholds, seed=study.seed)
    return StudyFit(fit=fit, cut=cut, tasks=tasks, check=check, evidence=moved, reasons=reasons)


def headline_task(study: Study, fit: Fit) -> str:
    """The task that the study asks about, or else the first that a report of the fit answers for."""
    known = study.headline is not None and study.headline in fit.data.task.values
    return str(study.headline) if known else answered_tasks(fit.data)[0]


def seen_runs(cut: Split | None) -> str:
    """The runs that a cut leaves, or all, in words."""
    return "all runs" if cut is None else f"the {cut.name}"


def name_in_files(cut: Split | None) -> str:
    """What tells the files of a fit from those of others."""
    if cut is None:
        return "all"
    return f"before_{cut.at}" if cut.by == "date" else f"below_{plain_power(float(str(cut.at)))}"
