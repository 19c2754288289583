"""Back-tests: hide the larger or later runs of a table, forecast them and score the forecasts.

Nothing that is learned looks at a hidden row. The fits are `forecast.backtesting.jobs`, whose content is the training
rows and the hidden runs without their scores; weights of structures come from splits of the training rows alone.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import xarray as xr

from forecast.backtesting.jobs import Job, Outcome, Progress, run_jobs
from forecast.backtesting.record import summarised
from forecast.backtesting.scored import THRESHOLD_COLUMNS, BacktestScores, Past, SplitTest, scored_split
from forecast.backtesting.verdict import verdict
from forecast.draws import Sampling
from forecast.errors import ForecastError
from forecast.fitting.stacking import SAMPLING, forecast_hidden, hidden
from forecast.fitting.structures import distinct
from forecast.posterior.fit import installed_versions
from forecast.posterior.tasks import check_rate
from forecast.scales import scale_of
from forecast.table.dataset import data_hash, observations, read_table
from forecast.table.direction import refusals
from forecast.table.splits import Split, latest
from models.structures import DEFAULT, Structure, structure_of

VERSION = 9
"""Of the forecasts: raise it when the same table gives other ones than before."""


def trial(name: str, frame: pd.DataFrame, split: Split, table: str, options: Mapping[str, Any]) -> Job:
    """The job of one split; `options` are structures, at and sampling, all as JSON values."""
    train, rows = split.parts(frame)
    asked = hidden(rows)
    structure = {name: _held_parts(structure_of(name)) for name in options["structures"]}
    arguments = dict(options) | {"train": data_hash(train), "rows": data_hash(asked), "structure": structure}
    arguments |= {"versions": installed_versions()}
    return Job(name=name, arguments=arguments, version=VERSION, data={"train": train, "rows": asked, "table": table})


def _held_parts(structure: Structure) -> dict[str, Any]:
    """What a structure holds, as JSON values."""
    return {name: str(value) for name, value in asdict(structure).items()}


def forecasts(job: Job) -> xr.Dataset:
    """The work of a job: see `forecast.fitting.stacking.forecast_hidden`."""
    asked, data = dict(job.arguments), job.data
    options = {"table": data["table"], "structures": asked["structures"], "at": asked["at"]}
    return forecast_hidden(data["train"], data["rows"], **options, sampling=Sampling(**asked["sampling"]))


class BacktestResult(BacktestScores):
    """The back-test of forecasts of one table, with its verdict as JSON."""

    def to_dict(self) -> dict[str, Any]:
        """The back-test and the verdict on forecasts of its table, as `forecast backtest --json` shows them."""
        judged = verdict(self, runs=max(runs for runs, _ in self.runs.values()), seed=self.seed)
        return summarised(self, judged, table=self.table, seed=self.seed)


def backtest(
    table: str | os.PathLike[str] | pd.DataFrame,
    splits: Sequence[Split] | None = None,
    *,
    name: str | None = None,
    folder: Path | None = None,
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
    table : a file, or what `forecast.read_table` gives
    splits : of `forecast.table.splits`; None: the largest three in ten runs are hidden
    name : of the table; None: that of the file
    folder : keeps the result of every fit, so that a run that was killed redoes only what is missing; None: nowhere
    at : scores whose threshold is scored too, on the rungs of the table
    made : forecasts that need no fit of their own, by the name of their split: see
    `forecast.fitting.stacking.forecasts_of`
    sampling : its seed is that of everything
    workers, scheduler, progress : see `forecast.backtesting.jobs.run_jobs`
    """
    for score in at:
        check_rate(score)
    frame = table if isinstance(table, pd.DataFrame) else read_table(table)
    name = name or ("table" if isinstance(table, pd.DataFrame) else Path(table).name)
    splits = [each for each in [latest(frame)] if each] if splits is None else splits
    if not splits:
        raise ForecastError("there is no cut to test at; name one, or add runs")
    splits = list({split.name: split for split in splits}.values())  # a cut named twice counts once
    data = observations(frame)
    structures = distinct(structures, data)
    options = {"structures": list(structures), "at": list(at), "sampling": asdict(sampling)}
    tests = [_test(split.checked(frame), frame, name, options) for split in splits]
    run: dict[str, Any] = {"workers": workers, "scheduler": scheduler, "progress": progress}
    with nullcontext(folder) if folder else TemporaryDirectory() as place:
        tests = _carried_out(tests, made or {}, folder=Path(place), **run)
    scored = [
        scored_split(test, frame, structures, name, seed=sampling.seed) for test in tests if test.result is not None
    ]
    failed = {name: error for test in tests for name, error in test.failed.items()}
    if not scored:
        raise ForecastError(f"no fit of the back-test succeeded; the first ended with: {next(iter(failed.values()))}")
    return BacktestResult(
        scores=pd.concat([each.scores for each in scored], ignore_index=True),
        together=pd.concat([each.together for each in scored], ignore_index=True),
        thresholds=pd.DataFrame([line for each in scored for line in each.thresholds], columns=THRESHOLD_COLUMNS),
        weights={each.cut: each.weights for each in scored},
        fits=pd.DataFrame([line for each in scored for line in each.fits]),
        failed=failed,
        runs={test.split.name: (test.train["model"].nunique(), test.rows["model"].nunique()) for test in tests},
        scale=scale_of(data),
        data_hash=data.attrs["data_hash"],
        table=name,
        seed=sampling.seed,
        tasks=data.sizes["task"],
        refusals=refusals(data),
    )


def _test(split: Split, frame: pd.DataFrame, table: str, options: Mapping[str, Any]) -> SplitTest:
    """A test that is to be carried out; `options` as of `trial`."""
    train, rows = split.parts(frame)
    earlier = latest(train, "date" if split.by == "date" else None) if len(options["structures"]) > 1 else None
    past = None
    if earlier is not None:
        name = f"{earlier.name} of the {split.name}"
        past = Past(split=earlier, job=trial(name, train, earlier, table, options))
    job = trial(split.name, frame, split, table, options)
    return SplitTest(split=split, train=train, rows=rows, job=job, past=past)


def _carried_out(
    tests: Sequence[SplitTest], made: Mapping[str, xr.Dataset], *, folder: Path, **options: Any
) -> list[SplitTest]:
    """The tests with their outcomes; `made` and the options are those of `backtest`."""
    needed = [test.past.job for test in tests if test.past]
    needed += [test.job for test in tests if test.split.name not in made]
    longest_first = sorted(needed, key=lambda job: -len(job.data["train"]))  # so that no worker waits long for another
    done = {outcome.job.key: outcome for outcome in run_jobs(forecasts, longest_first, folder=folder, **options)}
    for test in tests:
        if test.split.name in made:
            done[test.job.key] = Outcome(job=test.job, result=made[test.split.name], seconds=0.0)
    return [
        replace(
            test,
            outcome=done[test.job.key],
            past=test.past and replace(test.past, outcome=done[test.past.job.key]),
        )
        for test in tests
    ]
