"""Sections of the report as data, and the report as a whole: what every form of it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.posterior.views.curve import TaskForecast
from forecast.report.views.wording import Line
from forecast.scales import COMPUTE, Scale


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the data moved and which rows surprise, of one fit."""

    headline: str  # the task whose parameters are drawn
    moved: Sequence[Line]  # of `forecast.fitting.contraction.contraction`, every threshold of the report among them
    surprising: Sequence[Mapping[str, Any]]  # what `forecast.posterior.outliers.outliers` answers
    rows: int  # rows of the fit
    sensitivity: Sequence[Mapping[str, Any]] = ()  # of `forecast.fitting.sensitivity.answer.sensitivity`


@dataclass(frozen=True, kw_only=True)
class OutcomeCheck:
    """Held-out outcomes against the forecast."""

    title: str
    outcomes: pd.DataFrame  # task, model, log10_compute, score, q05, q50, q95, crps, inside
    metric: str  # of a kind with those of all outcomes
    methods: pd.DataFrame  # method, crps, coverage_90, width_90; the first row is ours
    others: int = 0  # outcomes in other units, such as losses beside rates


@dataclass(frozen=True, kw_only=True)
class KSweep:
    """At least k of L tokens right for every k, from one fitted law."""

    task: str
    length: int  # L, tokens of the answer
    grid: np.ndarray  # (point,) log10 FLOP
    curves: Mapping[int, np.ndarray]  # k -> (point,) median success


@dataclass(frozen=True, kw_only=True)
class Section:
    """One fit of a study, such as 'fit on runs up to 13B'."""

    title: str
    text: str
    tasks: Sequence[TaskForecast]
    diagnostics: Mapping[str, Any]  # max_rhat, min_ess_bulk, min_ess_tail, divergences, worst, reasons
    provenance: Mapping[str, Any]  # nested plain values
    check: OutcomeCheck | None = None
    k_sweep: KSweep | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a report says, whatever its form.

    Without a verdict, the reasons for which a fit is not trustworthy and thresholds of the headline task that are
    prior-dominated are added to the warnings. Nothing is said twice.
    """

    title: str
    question: str
    answer: str  # in a sentence
    sections: Sequence[Section]  # the fits; the first is shown whole, of the others what they change
    warnings: Sequence[str] = ()  # what a reader must know before believing the answer
    record: Mapping[str, Any] | None = None  # the back-test, of `forecast.report.views.backtest.backtest_view`
    dates: Sequence[Mapping[str, Any]] = ()  # of each threshold, answers of `forecast.questions.when.answer.when`
    scale: Scale = field(default=COMPUTE)  # of the table, that all fits share
    command: str = ""  # that makes the report again
    live: Mapping[str, Any] | None = None  # of `forecast.report.live.data.live_data`; None: the page has no script

    def headline(self, section: Section | None = None) -> TaskForecast | None:
        """The task that a section, or the first, is about, at its first threshold; None where it has no tasks."""
        own = section or next(iter(self.sections), None)
        if own is None or not own.tasks:
            return None
        asked = own.evidence.headline if own.evidence else None
        return next((task for task in own.tasks if task.task == asked), own.tasks[0])
