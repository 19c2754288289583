"""Test of a split: its jobs, their outcomes, and the scores of what they forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtesting.jobs import Job, Outcome
from forecast.fitting.stacking import equal_weights, fullest, mixture, weights_of_forecast
from forecast.scales import COMPUTE, Scale
from forecast.scoring.baselines import baseline_forecasts
from forecast.scoring.crossing import Crossing, crossing, ranked_probability_score
from forecast.scoring.rows import score_rows
from forecast.scoring.summary import OURS
from forecast.table.labels import task_labels
from forecast.table.splits import Split, params_beyond

THRESHOLD_COLUMNS = ["cut", "method", "task", "at", "low", "high", "rps", "q05", "q50", "q95", "p_never"]


@dataclass(frozen=True, kw_only=True)
class Past:
    """The forecast of the largest training runs of a split from the others, by which structures are weighed."""

    split: Split  # of the training rows
    job: Job
    outcome: Outcome | None = None  # None: not there yet


@dataclass(frozen=True, kw_only=True)
class SplitTest:
    """The forecast of what a split hides."""

    split: Split
    train: pd.DataFrame
    rows: pd.DataFrame  # hidden
    job: Job
    past: Past | None  # None: there is nothing to weigh, or nothing to weigh it by
    outcome: Outcome | None = None  # None: not there yet

    @property
    def result(self) -> xr.Dataset | None:
        """The forecast; None where it failed."""
        return None if self.outcome is None else self.outcome.result

    @property
    def failed(self) -> dict[str, str]:
        """Error by the job that ended with it; where the forecast failed, nobody asks for its weights."""
        done = (self,) if self.result is None or self.past is None else (self.past,)
        return {
            each.job.name: each.outcome.error or "failed"
            for each in done
            if each.outcome is not None and each.outcome.result is None
        }


@dataclass(frozen=True, kw_only=True)
class ScoredSplit:
    """What `BacktestResult` says of one split."""

    cut: str
    weights: dict[str, float]
    scores: pd.DataFrame
    thresholds: list[dict[str, Any]]
    fits: list[dict[str, Any]]


def scored_split(
    test: SplitTest, frame: pd.DataFrame, structures: Sequence[str], table: str, *, seed: int
) -> ScoredSplit:
    """Scores of a forecast that has not failed."""
    assert test.result is not None
    weights = _weights(test, structures, seed=seed)
    return ScoredSplit(
        cut=test.split.name,
        weights=weights,
        scores=_scores(test, weights, seed=seed).assign(bed=table, cut=test.split.name),
        thresholds=_threshold_lines(test.result, weights, frame, test.split),
        fits=_fit_lines(test),
    )


def _weights(test: SplitTest, structures: Sequence[str], *, seed: int) -> dict[str, float]:
    """Weights of structures by the past of a split; equal where there is none."""
    if test.past is None or test.past.outcome is None or test.past.outcome.result is None:
        return equal_weights(structures)
    return weights_of_forecast(test.past.outcome.result, test.train, test.past.split, structures, seed=seed)


def _scores(test: SplitTest, weights: Mapping[str, float], *, seed: int) -> pd.DataFrame:
    """Scores of the hidden rows by the average, each structure and the baselines; and `params_beyond`."""
    assert test.result is not None
    cut = test.split.log10_cut(test.train)
    draws = _methods(test.result, weights) | baseline_forecasts(test.train, test.rows, seed)
    scores = [score_rows(values, test.rows, method=name, log10_cut=cut, seed=seed) for name, values in draws.items()]
    lines = pd.concat(scores, ignore_index=True)
    return lines.assign(params_beyond=lines["row"].map(params_beyond(test.train, test.rows)))


def _methods(result: xr.Dataset, weights: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Draws (draw, row) of the average and, where there are several, of each structure."""
    each = {name: result.score.sel(structure=name).values for name in weights}
    average = {OURS: _mixture(list(each.values()), list(weights.values()))}
    return average | (each if len(each) > 1 else {})


def _mixture(members: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    sizes = [len(member) for member in members]
    chosen = mixture(sizes, weights, fullest(sizes, weights))
    return np.concatenate([member[places] for member, places in zip(members, chosen, strict=True)])


def _threshold_lines(
    result: xr.Dataset, weights: Mapping[str, float], frame: pd.DataFrame, split: Split
) -> list[dict[str, Any]]:
    """Thresholds of the average and of each structure, scored on the rungs of the ladder of all runs."""
    labels = task_labels(frame)
    names = result.structure.values.tolist()
    lines = []
    for task in result.task.values.tolist():
        own = frame[labels == task]
        if own.empty:  # a table of more rows labels the same task otherwise
            continue
        for score in result["at"].values.tolist():
            truth = crossing(np.log10(own["compute"].to_numpy()), own["score"].to_numpy(dtype=float), score)
            each = {name: result.log10_compute.sel(structure=name, task=task, at=score).values for name in names}
            draws = {OURS: _mixture(list(each.values()), [weights[name] for name in names])}
            for method, values in (draws | (each if len(names) > 1 else {})).items():
                lines.append(_threshold_line(values, truth, split, method, task, score))
    return lines


def _threshold_line(
    draws: np.ndarray, truth: Crossing, split: Split, method: str, task: str, at: float
) -> dict[str, Any]:
    low, middle, high = np.quantile(draws, (0.05, 0.5, 0.95), method="inverted_cdf")
    return {
        **{"cut": split.name, "method": method, "task": task, "at": at, "low": truth.low, "high": truth.high},
        **{"rps": ranked_probability_score(draws, truth), "q05": low, "q50": middle, "q95": high},
        "p_never": float(np.mean(draws == np.inf)),
    }


def _fit_lines(test: SplitTest) -> list[dict[str, Any]]:
    """The diagnostics of each structure."""
    assert test.outcome is not None and test.outcome.result is not None
    return [
        {"cut": test.split.name, "structure": name, **found, "seconds": test.outcome.seconds}
        for name, found in test.outcome.result.attrs["diagnostics"].items()
    ]


@dataclass(frozen=True, kw_only=True)
class BacktestScores:
    """The back-test of forecasts of one table."""

    scores: pd.DataFrame  # lines of `forecast.scoring.rows.score_rows`, with bed and cut, of all methods
    thresholds: pd.DataFrame  # cut, method, task, at, low, high (log10 FLOP of the rungs around), rps, q05, q50, q95
    weights: Mapping[str, Mapping[str, float]]  # cut: structure: weight
    fits: pd.DataFrame  # cut, structure, draws (a chain), max_rhat, min_ess, divergences, forecast_rhat, seconds
    failed: Mapping[str, str]  # cut, or past of a cut, which then has equal weights: error that its fits ended with
    runs: Mapping[str, tuple[int, int]]  # cut: training runs and hidden runs
    scale: Scale = COMPUTE  # of the table
    data_hash: str = ""  # of the table, see `forecast.table.dataset.data_hash`
    table: str = "table"  # its name
    seed: int = 1
    tasks: int = 1  # of the table
    refusals: Mapping[str, str] = field(default_factory=dict)  # of `forecast.table.direction.refusals`

    @property
    def structures(self) -> list[str]:
        """The structures that were fitted."""
        return self.fits["structure"].drop_duplicates().tolist()
