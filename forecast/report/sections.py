"""Sections of the report as data: fits with the forecasts of their tasks, checks on outcomes, k-sweeps, evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.posterior.views.curve import TaskForecast
from forecast.report.wording import Line


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the data moved and which rows surprise, of one fit."""

    headline: str  # the task whose parameters are drawn
    moved: Sequence[Line]  # of `forecast.fitting.contraction.contraction`, every threshold of the report among them
    surprising: Sequence[Mapping[str, Any]]  # what `forecast.posterior.outliers.outliers` answers
    rows: int  # rows of the fit


@dataclass(frozen=True, kw_only=True)
class OutcomeCheck:
    """Held-out outcomes against the forecast."""

    title: str
    outcomes: pd.DataFrame  # task, model, log10_compute, score, q05, q50, q95, crps, inside
    methods: pd.DataFrame  # method, crps, coverage_90, width_90; the first row is ours


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
