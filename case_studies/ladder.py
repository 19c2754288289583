"""Ladders of training runs: sizes and FLOP, results kept on disk, rows of the observation table, the command line.

The scripts `characters/train.py`, `digits/train.py` and `addition/train.py` share this module and `transformer.py`.
Nothing here needs the training library.

FLOP are counted from the matrix products of the forward and backward passes, 2 a multiplication and addition:

    compute = D (6 N + 12 depth context width)

N are the weights that every token is multiplied with: 12 depth width^2 in the blocks and vocabulary x width in the last
layer. Embeddings and biases of attention are looked up, not multiplied, and are left out. The second term is attention,
whose products are made for the whole context, masked or not. Softmax, norms, activations, the optimiser and tests are
left out.
"""

import argparse
import csv
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import ForecastError
from forecast.files import check_target, make_folder, write_json, write_whole

COLUMNS = (
    *("model", "family", "compute", "params", "tokens", "source"),
    *("task", "metric", "score", "successes", "trials", "length", "k", "chance", "note"),
)
STEPS_AT_ONCE = 10  # that are compiled as one program
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A transformer and how long it is trained; equal runs give equal results."""

    width: int
    depth: int
    tokens_per_param: float  # as wanted; `tokens` is of whole steps
    vocabulary: int
    context: int  # tokens of a sequence
    seed: int = 0

    @property
    def name(self) -> str:
        return f"d{self.width} l{self.depth} {self.tokens_per_param:g} tokens/param seed {self.seed}"

    @property
    def params(self) -> int:
        return 12 * self.depth * self.width**2 + self.vocabulary * self.width

    @property
    def batch(self) -> int:
        """Sequences of a step, a power of two: a step takes about the square root of all tokens."""
        return 2 ** max(0, round(np.log2(np.sqrt(self.tokens_per_param * self.params) / self.context)))

    @property
    def steps(self) -> int:
        wanted = self.tokens_per_param * self.params / (self.batch * self.context)
        return STEPS_AT_ONCE * max(1, round(wanted / STEPS_AT_ONCE))

    @property
    def tokens(self) -> int:
        return self.steps * self.batch * self.context

    @property
    def flop_per_token(self) -> int:
        return 6 * self.params + 12 * self.depth * self.context * self.width

    @property
    def compute(self) -> float:
        return float(self.flop_per_token) * self.tokens

    @property
    def recipe(self) -> dict[str, float]:
        """What a kept result must have been made with."""
        derived = {"steps": self.steps, "batch": self.batch, "learning_rate": self.learning_rate}
        return {**asdict(self), **derived, "compute": self.compute}

    @property
    def learning_rate(self) -> float:
        """The largest one; it falls as one over the width."""
        return 0.02 * 16 / self.width


def grid(sizes: dict[tuple[int, int], Sequence[float]], repeated: Iterable[tuple[int, int, float]], **fixed: int):
    """Runs of each (width, depth) at its tokens per parameter, and seeds 1 and 2 of the repeated ones; largest first.

    `fixed` : vocabulary and context
    """
    shapes = [(width, depth, ratio, 0) for (width, depth), ratios in sizes.items() for ratio in ratios]
    shapes += [(*shape, seed) for shape in repeated for seed in (1, 2)]
    names = ("width", "depth", "tokens_per_param", "seed")
    return sorted(
        (Run(**dict(zip(names, shape, strict=True)), **fixed) for shape in shapes), key=lambda run: -run.compute
    )


def histogram(correct: np.ndarray) -> list[int]:
    """Number of items with 0, 1, ..., L right tokens; `correct` is (item, token)."""
    return np.bincount(correct.sum(axis=1), minlength=correct.shape[1] + 1).tolist()


def histogram_rows(task: str, counts: Sequence[int]) -> Iterator[Row]:
    """Token accuracy, at least k for each k from 1 to L - 1, and exact match: all that a histogram says."""
    length, trials = len(counts) - 1, sum(counts)
    of_task = {"task": task, "length": length}
    right = sum(k * count for k, count in enumerate(counts))
    yield {**of_task, "metric": "token_accuracy", "successes": right, "trials": trials * length}
    for k in range(1, length):
        yield {**of_task, "metric": "at_least_k", "successes": sum(counts[k:]), "trials": trials, "k": k}
    yield {**of_task, "metric": "exact_match", "successes": counts[-1], "trials": trials}


def table_rows(run: Run, measured: Iterable[Row], *, family: str, source: str) -> Iterator[Row]:
    """Measurements with the facts of their run beside them."""
    facts = {"model": run.name, "family": family, "compute": f"{run.compute:.6g}", "params": run.params}
    for row in measured:
        yield {**facts, "tokens": run.tokens, "source": source, **row}


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """The observation table, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    write_whole(path, write)


def file_of(run: Run, folder: Path) -> Path:
    return folder / f"{run.name.replace(' ', '_').replace('/', '_per_')}.json"


def stored(run: Run, folder: Path) -> Any | None:
    """Result of a finished run; None if there is none, or only one of another recipe."""
    path = file_of(run, folder)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept.get("result") if kept.get("run") == run.recipe else None


def keep(run: Run, train: Callable[[Run], Any], folder: Path, deadline: float = np.inf) -> bool:
    """Train a run and keep its result, a small file; False if the deadline (`time.time()`) has passed before."""
    if time.time() > deadline:
        return False
    started = time.time()
    result = train(run)
    seconds = round(time.time() - started, 1)
    write_json(file_of(run, folder), {"run": run.recipe, "seconds": seconds, "result": result})
    return True


def keep_all(runs: Sequence[Run], train: Callable[[Run], Any], folder: Path, *, workers: int, deadline: float) -> int:
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


def main(
    runs: Sequence[Run], train: Callable[[Run], Any], rows: Callable[[Run, Any], Iterable[Row]], words: str
) -> None:
    """The command line of a training script.

    `train` : goes from a run to its result, which JSON can hold
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
