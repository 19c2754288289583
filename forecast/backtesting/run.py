"""Back-tests: hide the larger or later runs of a table, forecast them and score the forecasts.

Nothing that is learned looks at a hidden row. The fits are `forecast.backtesting.jobs`, whose content is the training
rows and the hidden runs without their scores; weights of structures come from splits of the training rows alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtesting.jobs import Job, Outcome, Progress, run_jobs
from forecast.errors import ForecastError
from forecast.fitting.stacking import (
    SAMPLING,
    equal_weights,
    forecast_hidden,
    fullest,
    hidden,
    mixture,
    weights_of_scores,
)
from forecast.fitting.structures import distinct
from forecast.posterior.fit import Sampling, installed_versions
from forecast.scales import COMPUTE, Scale, scale_of
from forecast.scoring.baselines import baseline_forecasts
from forecast.scoring.crossing import Crossing, crossing, ranked_probability_score
from forecast.scoring.rows import score_rows
from forecast.table.dataset import data_hash, observations
from forecast.table.labels import task_labels
from forecast.table.splits import Split, latest, params_beyond
from models.structures import DEFAULT, Structure, structure_of

VERSION = 8
"""Of the forecasts: raise it when the same table gives other ones than before."""


def trial(name: str, frame: pd.DataFrame, split: Split, table: str, options: Mapping[str, Any]) -> Job:
    """The job of one split; `options` are structures, at and sampling, all as JSON values."""
    train, rows = split.parts(frame)
    asked = hidden(rows)
    structure = {structure: _plain(structure_of(structure)) for structure in options["structures"]}
    arguments = dict(options) | {"train": data_hash(train), "rows": data_hash(asked), "structure": structure}
    arguments |= {"versions": installed_versions()}
    return Job(name=name, arguments=arguments, version=VERSION, data={"train": train, "rows": asked, "table": table})


def _plain(structure: Structure) -> dict[str, Any]:
    return {name: str(value) for name, value in asdict(structure).items()}


def forecasts(job: Job) -> xr.Dataset:
    """The work of a job: see `forecast.fitting.stacking.forecast_hidden`."""
    asked, data = dict(job.arguments), job.data
    options = {"table": data["table"], "structures": asked["structures"], "at": asked["at"]}
    return forecast_hidden(data["train"], data["rows"], **options, sampling=Sampling(**asked["sampling"]))


OURS = "capability model"
THRESHOLD_COLUMNS = ["cut", "method", "task", "at", "low", "high", "rps", "q05", "q50", "q95", "p_never"]


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """The back-test of forecasts of one table."""

    scores: pd.DataFrame  # lines of `forecast.scoring.rows.score_rows`, with bed and cut, of all methods
    thresholds: pd.DataFrame  # cut, method, task, at, low, high (log10 FLOP of the rungs around), rps, q05, q50, q95
    past: pd.DataFrame  # the same of the largest training runs of each cut, which decide the weights; equal weights
    weights: Mapping[str, Mapping[str, float]]  # cut: structure: weight
    fits: pd.DataFrame  # cut, structure, draws (a chain), max_rhat, min_ess, divergences, forecast_rhat, seconds
    failed: Mapping[str, str]  # cut, or past of a cut, which then has equal weights: error that its fits ended with
    runs: Mapping[str, tuple[int, int]]  # cut: training runs and hidden runs
    scale: Scale = COMPUTE  # of the table
    data_hash: str = ""  # of the table, see `forecast.table.dataset.data_hash`

    @property
    def structures(self) -> list[str]:
        """The structures that were fitted."""
        return self.fits["structure"].drop_duplicates().tolist()


def backtest(
    frame: pd.DataFrame,
    splits: Sequence[Split],
    *,
    table: str,
    folder: Path,
    structures: Sequence[str] = DEFAULT,
    at: Sequence[float] = (0.5,),
    made: Mapping[str, xr.Dataset] | None = None,
    sampling: Sampling = SAMPLING,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> BacktestResult:
    """Forecasts of the hidden rows of each split by the average, each structure and the baselines, with their scores.

    Parameters
    ----------
    frame : of `forecast.table.dataset.read_table`
    folder : keeps the result of every fit, so that a run that was killed redoes only what is missing
    at : scores whose threshold is scored too, on the rungs of the table
    made : forecasts that need no fit of their own, by the name of their split: see
    `forecast.fitting.stacking.forecasts_of`
    sampling : its seed is that of everything
    workers, scheduler, progress : see `forecast.backtesting.jobs.run_jobs`
    """
    if not splits:
        raise ForecastError("there is no cut to test at; name one, or add runs")
    splits = list({split.name: split for split in splits}.values())  # a cut named twice counts once
    data = observations(frame)
    structures = distinct(structures, data)
    options = {"structures": list(structures), "at": list(at), "sampling": asdict(sampling)}
    outer = {split.name: trial(split.name, frame, split.checked(frame), table, options) for split in splits}
    earlier = {split.name: latest(split.parts(frame)[0], "date" if split.by == "date" else None) for split in splits}
    inner = {
        split.name: trial(f"{before.name} of the {split.name}", split.parts(frame)[0], before, table, options)
        for split in splits
        if len(structures) > 1 and (before := earlier[split.name])  # weighs structures
    }
    made = made or {}
    needed = [*inner.values(), *(job for name, job in outer.items() if name not in made)]
    longest_first = sorted(needed, key=lambda job: -len(job.data["train"]))
    done = run_jobs(
        forecasts,
        longest_first,  # so that no worker waits long for another in the end
        folder=folder,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    )
    results = {outcome.job.key: outcome for outcome in done}
    results |= {outer[name].key: Outcome(job=outer[name], result=result, seconds=0.0) for name, result in made.items()}
    scores, past, thresholds = [], [], []
    fits: list[dict[str, Any]] = []
    weights, failed = {}, {}
    for split in splits:
        outcome = results[outer[split.name].key]
        if outcome.result is None:
            failed[split.name] = outcome.error or "failed"
            continue
        judged, before = results[inner[split.name].key] if split.name in inner else None, earlier[split.name]
        weights[split.name] = equal_weights(structures)
        if judged is not None and judged.result is None:
            failed[judged.job.name] = judged.error or "failed"
        elif judged is not None and judged.result is not None and before is not None:
            lines = _scored(judged.result, split.parts(frame)[0], before, weights[split.name], sampling.seed)
            past.append(lines.assign(bed=table, cut=split.name))
            weights[split.name] = weights_of_scores(lines, structures)
        lines = _scored(outcome.result, frame, split, weights[split.name], sampling.seed)
        scores.append(lines.assign(bed=table, cut=split.name))
        thresholds += _threshold_lines(outcome.result, weights[split.name], frame, split)
        fits += _fit_lines(outcome, split)
    if not scores:
        raise ForecastError(f"no fit of the back-test succeeded; the first ended with: {next(iter(failed.values()))}")
    return BacktestResult(
        scores=pd.concat(scores, ignore_index=True),
        past=pd.concat(past, ignore_index=True) if past else scores[0][:0],
        thresholds=pd.DataFrame(thresholds, columns=THRESHOLD_COLUMNS),
        weights=weights,
        fits=pd.DataFrame(fits),
        failed=failed,
        runs={split.name: tuple(part["model"].nunique() for part in split.parts(frame)) for split in splits},
        scale=scale_of(data),
        data_hash=data.attrs["data_hash"],
    )


def _scored(
    result: xr.Dataset, frame: pd.DataFrame, split: Split, weights: Mapping[str, float], seed: int
) -> pd.DataFrame:
    """Scores of the hidden rows of a split by the average, each structure and the baselines; and `params_beyond`."""
    train, rows = split.parts(frame)
    cut = split.log10_cut(train)
    draws = _methods(result, weights) | baseline_forecasts(train, rows, seed)
    scores = [score_rows(values, rows, method=name, log10_cut=cut, seed=seed) for name, values in draws.items()]
    lines = pd.concat(scores, ignore_index=True)
    return lines.assign(params_beyond=lines["row"].map(params_beyond(train, rows)))


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


def _fit_lines(outcome: Outcome, split: Split) -> Iterable[dict[str, Any]]:
    assert outcome.result is not None
    for name, found in outcome.result.attrs["diagnostics"].items():
        yield {"cut": split.name, "structure": name, **found, "seconds": outcome.seconds}
