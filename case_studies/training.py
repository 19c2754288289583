"""Training of a ladder: finished runs kept on disk, two at once, their plan, and the command line of the scripts."""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from case_studies.ladder import Row, Run, write_table
from forecast.errors import ForecastError
from forecast.files import check_target, make_folder, write_json, write_whole

Train = Callable[[Run], tuple[Any, list[np.ndarray]]]
"""From a run to its result, which JSON can hold, and the arrays of its weights."""


def file_of(run: Run, folder: Path) -> Path:
    return folder / f"{run.name.replace(' ', '_').replace('/', '_per_')}.json"


def weights_of(run: Run, folder: Path) -> Path:
    """File of the weights of a kept run."""
    return file_of(run, folder).with_suffix(".npz")


def stored(run: Run, folder: Path) -> Any | None:
    """Result of a finished run; None if there is none, or only one of another recipe."""
    path = file_of(run, folder)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept.get("result") if kept.get("run") == run.recipe else None


def keep(run: Run, train: Train, folder: Path, deadline: float = np.inf) -> bool:
    """Train a run, keep its weights and its result; False if the deadline (`time.time()`) has passed before."""
    if time.time() > deadline:
        return False
    started = time.time()
    result, weights = train(run)
    seconds = round(time.time() - started, 1)
    write_whole(weights_of(run, folder), lambda temporary: _write_weights(temporary, weights))
    write_json(file_of(run, folder), {"run": run.recipe, "seconds": seconds, "result": result})
    return True


def _write_weights(path: Path, weights: Sequence[np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, *weights)


def keep_all(runs: Sequence[Run], train: Train, folder: Path, *, workers: int, deadline: float) -> int:
    """Train all runs that are not kept yet, each on one core; how many are left when the deadline has passed."""
    todo = [run for run in runs if stored(run, folder) is None]
    print(f"{len(runs) - len(todo)} of {len(runs)} runs are kept in {folder}", file=sys.stderr)
    left, context = 0, multiprocessing.get_context("spawn")
    cores = context.SimpleQueue()
    for core in range(workers):
        cores.put(core)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_take_core, initargs=(cores,)) as pool:
        jobs = {pool.submit(keep, run, train, folder, deadline): run for run in todo}
        for job in as_completed(jobs):
            done = job.result()
            left += not done
            if done:
                print(f"trained: {jobs[job].name}, {jobs[job].compute:.2g} FLOP", file=sys.stderr, flush=True)
    return left


def _take_core(cores: Any) -> None:
    to_one_core(cores.get())


def to_one_core(number: int = 0) -> None:
    """Hold this process to one core, if the system can, before JAX counts cores: two such runs waste less."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[number % len(usable)]})


def plan(runs: Sequence[Run], seconds_per_step: Callable[[Run], float], *, workers: int) -> Iterator[str]:
    """Lines of the planned runs with FLOP and minutes; the speed of a size is that of its longest run."""
    longest = {(run.width, run.depth): run for run in sorted(runs, key=lambda run: run.tokens)}
    speed = {size: run.compute / run.steps / seconds_per_step(run) for size, run in longest.items()}
    minutes = {run: run.compute / speed[run.width, run.depth] / 60 for run in runs}
    yield f"{'run':<34}{'N':>9}{'D':>11}{'steps':>7}{'FLOP':>10}{'GFLOP/s':>9}{'minutes':>9}"
    for run in runs:
        numbers = f"{run.params:>9}{run.tokens:>11}{run.steps:>7}{run.compute:>10.2e}"
        yield f"{run.name:<34}{numbers}{speed[run.width, run.depth] / 1e9:>9.2g}{minutes[run]:>9.2f}"
    total = sum(run.compute for run in runs)
    yield f"{len(runs)} runs, {total:.2e} FLOP, {sum(minutes.values()) / workers:.0f} minutes with {workers} at once"
    yield "Minutes are extrapolated from some steps of each size in one process, as if each run had an idle core."
    yield "Compiling and testing, some seconds a run, are left out."


def main(runs: Sequence[Run], train: Train, rows: Callable[[Run, Any], Iterable[Row]], words: str) -> None:
    """The command line of a training script.

    `rows` : goes from a run and its result to measurements
    """
    parser = argparse.ArgumentParser(description=words)
    of_cache = "of finished runs, by default OUT.runs; delete it after a change of the training"
    parser.add_argument("out", type=Path, metavar="OUT.csv", nargs="?", help="the observation table to write")
    parser.add_argument("--plan", action="store_true", help="show runs, FLOP and estimated minutes; train nothing")
    parser.add_argument("--budget", type=float, default=np.inf, metavar="MINUTES", help="then start no further run")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help=of_cache)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="runs at once, each on one core")
    args = parser.parse_args()
    if args.plan:
        to_one_core()
        from case_studies.transformer import seconds_per_step

        print(*plan(runs, seconds_per_step, workers=args.workers), sep="\n")
        return
    if args.out is None:
        parser.error("name the table to write, such as characters.csv, or ask for --plan")
    try:
        _finish(args, runs, train, rows)
    except ForecastError as error:
        sys.exit(f"error: {error}")


def _finish(args: argparse.Namespace, runs: Sequence[Run], train: Callable, rows: Callable) -> None:
    check_target(args.out)
    folder = args.cache or args.out.with_suffix(".runs")
    make_folder(folder)
    deadline = time.time() + 60 * args.budget
    if left := keep_all(runs, train, folder, workers=args.workers, deadline=deadline):
        sys.exit(f"{left} of {len(runs)} runs are left and no table is written; run the same command again")
    write_table(args.out, (row for run in runs[::-1] for row in rows(run, stored(run, folder))))
    print(f"{args.out}: {len(runs)} runs", file=sys.stderr)
