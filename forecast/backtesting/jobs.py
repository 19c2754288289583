"""Independent jobs: in this process, in worker processes or on a Dask cluster; killed and started again at will.

A result is an `xarray.Dataset`: it holds arrays and tables, labelled, in the netCDF that posteriors are kept in, and in
its attributes plain facts. Jobs go to a `concurrent.futures.Executor`; what comes back is written by this process, as
it arrives, to a file named by the key of the job. So workers need no common disk, and a run that was killed at any
moment has lost only the jobs that were under way.
"""

import hashlib
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.backtesting.workers import executor
from forecast.errors import ForecastError, shown_path
from forecast.netcdf import broken_seal, write_netcdf

logger = logging.getLogger(__name__)
SCHEMA = 1  # of the result files
RECORD = "capability_forecast_job"  # the attribute that holds what netCDF attributes cannot
_one_at_a_time = threading.RLock()  # a Dask worker may have several threads; work functions need not know


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work, which its `key` identifies: equal keys, equal results."""

    name: str  # for people; not part of the key
    arguments: Mapping[str, Any]  # JSON values that, with `version`, fix the result; of a table its content hash
    version: int = 1  # of what the work does: raise it when equal arguments give other results than before
    data: Any = field(default=None, repr=False, compare=False)  # pickled with the job; its hash is in `arguments`

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of arguments and version."""
        fixing = {"arguments": self.arguments, "version": self.version, "schema": SCHEMA}
        try:
            text = json.dumps(fixing, sort_keys=True, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise ValueError(f"job {self.name!r}: arguments must be JSON values, {error}") from error
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: a result, or the error that it ended with."""

    job: Job
    result: xr.Dataset | None  # None: failed
    error: str | None = None
    trace: str | None = None  # the traceback of the error, where it is one of the work
    seconds: float  # that the work took, when it was done
    stored: bool = False  # taken from a file of an earlier run


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is: `done` counts results, stored ones among them."""

    done: int
    total: int
    failed: int
    seconds_left: float | None  # None until a job of this run has ended


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What a worker sends back: data and plain values only, so that it arrives whatever the work did."""

    packed: xr.Dataset | None
    error: str | None = None
    trace: str | None = None
    seconds: float = 0.0


def run_jobs(
    work: Callable[[Job], xr.Dataset],
    jobs: Iterable[Job],
    *,
    folder: Path,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> list[Outcome]:
    """Carry out all jobs that have no result in `folder` yet; outcomes in the order of the jobs.

    Parameters
    ----------
    work : function of a module, which can be pickled. Its random numbers follow from the arguments. Workers live
        from job to job and do one at a time, so module-level caches, as of compiled programs, serve later jobs. The
        attributes of what it returns may be whatever JSON can hold.
    jobs : jobs with equal keys are done once
    folder : for the results of this work function, one file a job; made if need be
    workers : processes, of one thread each; 1 works in this process, with its threads
    scheduler : address of a Dask scheduler, whose workers are used instead; start them with one thread each
    progress : called at the start and whenever a job has ended

    A job that raises is an outcome with an error, as is one whose process died twice (on Dask: as often as its
    scheduler allows). Errors are not kept: the next run tries those jobs again. An interrupt ends the run at once and
    keeps all results so far. A `ForecastError` says that the folder or the scheduler cannot be used.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}; at least 1 is needed")
    folder, jobs = Path(folder), list(jobs)
    name = f"{work.__module__}.{work.__qualname__}"  # in a worker, the module of a script has another
    distinct = {job.key: job for job in jobs}
    with _usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        outcomes = {key: found for key, job in distinct.items() if (found := _stored(name, job, folder))}
    missing = [job for key, job in distinct.items() if key not in outcomes]
    if progress:
        progress(_so_far(outcomes, total=len(distinct), at_once=1))
    if missing:
        with executor(workers, scheduler) as (pool, at_once):
            for job, answer in _answers(pool, work, name, missing):
                outcomes[job.key] = _kept(job, answer, folder)
                if progress:
                    progress(_so_far(outcomes, total=len(distinct), at_once=at_once()))
    return [replace(outcomes[job.key], job=job) for job in jobs]


def _so_far(outcomes: Mapping[str, Outcome], *, total: int, at_once: int) -> Progress:
    failed = sum(outcome.result is None for outcome in outcomes.values())
    seconds = [outcome.seconds for outcome in outcomes.values() if not outcome.stored]
    left = total - len(outcomes)
    seconds_left = float(np.mean(seconds)) * max(min(left, 1), left / max(1, at_once)) if seconds else None
    return Progress(done=len(outcomes) - failed, total=total, failed=failed, seconds_left=seconds_left)


def _answers(pool: Executor | None, work: Callable, name: str, jobs: list[Job]) -> Iterator[tuple[Job, _Answer]]:
    """Each job with its answer, in the order of arrival."""
    if pool is None:
        for job in jobs:
            yield job, _carry_out(work, name, job)
        return
    futures = {pool.submit(_carry_out, work, name, job): job for job in jobs}
    for future in as_completed(futures):
        job = futures.pop(future)  # lets go of the answer once it is kept
        try:
            answer = future.result()
        except CancelledError:  # not by us: the cluster is gone
            raise
        except Exception as error:
            answer = _failure(error)
        yield job, answer


def _carry_out(work: Callable, name: str, job: Job) -> _Answer:
    """What a worker does; an error is an answer too, as text, since not every exception survives pickling."""
    with _one_at_a_time:
        begin = time.perf_counter()
        try:
            key, result = job.key, work(job)
            seconds = time.perf_counter() - begin
            return _Answer(packed=_packed(result, key=key, work=name, seconds=seconds), seconds=seconds)
        except Exception as error:
            return replace(_failure(error), trace=traceback.format_exc(), seconds=time.perf_counter() - begin)


def _failure(error: Exception) -> _Answer:
    kind = "" if isinstance(error, ForecastError) else f"{type(error).__name__}: "
    return _Answer(packed=None, error=f"{kind}{error}")


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fault = f"{shown_path(folder)}: cannot hold results, {error.strerror or error}"
        raise ForecastError(f"{fault}; results so far are kept: mend this and start again") from error


def _kept(job: Job, answer: _Answer, folder: Path) -> Outcome:
    """Write a result, and take it as the file has it, so that fresh and stored results are the same."""
    path, packed, result = _path(folder, job), answer.packed, None
    if packed is not None:
        try:
            with _usable(folder):
                write_netcdf(path, packed)
            result, _ = stored_result(path)
        except (TypeError, ValueError) as error:  # netCDF does not hold everything that can be pickled
            answer = replace(_failure(error), trace=traceback.format_exc(), seconds=answer.seconds)
    return Outcome(job=job, result=result, error=answer.error, trace=answer.trace, seconds=answer.seconds)


def _stored(name: str, job: Job, folder: Path) -> Outcome | None:
    """The result that an earlier run has left; None where there is none, or none that can be trusted."""
    path = _path(folder, job)
    if not path.exists():
        return None
    try:
        result, record = stored_result(path)
        if (record["key"], record["work"]) != (job.key, name):
            raise ValueError(f"is of {record['work']}, job {record['key']}")
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        logger.warning("%s: %s; %s is done again", shown_path(path), error, job.name)
        return None
    return Outcome(job=job, result=result, seconds=record["seconds"], stored=True)


def _path(folder: Path, job: Job) -> Path:
    return folder / f"{job.key}.nc"


def _packed(result: xr.Dataset, **record: Any) -> xr.Dataset:
    """The result as its file holds it: with one attribute, for the record and for what netCDF attributes cannot."""
    if not isinstance(result, xr.Dataset):
        raise TypeError(f"the work returned {type(result).__name__}, expected xarray.Dataset; see DataFrame.to_xarray")
    bare = result.copy(deep=False)
    bare.attrs = {RECORD: json.dumps(record | {"attrs": result.attrs}, default=lambda value: value.tolist())}
    return bare


def stored_result(path: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    """The result in a file, and its record: key, work and seconds; a `ValueError` where the file is damaged."""
    if fault := broken_seal(path):
        raise ValueError(fault)
    result = xr.load_dataset(path, engine="netcdf4")
    record = json.loads(result.attrs[RECORD])
    result.attrs = record.pop("attrs")
    return result, record
