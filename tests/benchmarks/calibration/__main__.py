"""Calibration of the default posterior: `python -m tests.benchmarks.calibration COMMAND`.

ranks     simulate and refit each kind of table; killed and started again, only what is missing is done
controls  the same with a fault between truth and fit
fears     fit tables of known truth that a user would fear
reference compare with another sampler; needs the dependency group `reference`
show      figures, and the tables of README.md beside this file
"""

import argparse
import logging
import warnings
from collections.abc import Callable
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any

from forecast.backtesting.workers import executor
from tests.benchmarks.calibration import fears, reference
from tests.benchmarks.calibration.controls import CONTROLS, Control
from tests.benchmarks.calibration.designs import KINDS
from tests.benchmarks.calibration.ranks import run
from tests.benchmarks.calibration.shown import line_of, rewrite, table_of, write_figure
from tests.benchmarks.calibration.worlds import WORLDS

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def simulate(call: Callable, jobs: dict[str, tuple[Any, ...]], given: argparse.Namespace, usual: int) -> None:
    """One call for each file, which it appends to; in processes or on a cluster that shares this disk, if asked for."""
    RESULTS.mkdir(exist_ok=True)
    known = {"count": given.count or usual, "seconds": given.seconds}
    calls = {file: partial(call, *own, RESULTS / file, **known) for file, own in jobs.items()}
    with executor(given.workers, given.scheduler) as (pool, _):
        if pool is None:
            for file, each in calls.items():
                each()
                tell(file)
        else:
            futures = {pool.submit(each): file for file, each in calls.items()}
            for ended in as_completed(futures):
                ended.result()
                tell(futures[ended])


def tell(file: str) -> None:
    """How many tables a file of results holds."""
    print(f"{file}: {sum(1 for _ in (RESULTS / file).open()) - 1} tables", flush=True)


def _of_world(name: str) -> Path:
    return RESULTS / f"truth {name}.csv"


def show() -> None:
    """Figures and tables of all that is there."""
    kinds = [path for kind in KINDS if (path := RESULTS / f"{kind}.csv").exists()]
    controls = [path for name in CONTROLS if (path := RESULTS / f"control {name}.csv").exists()]
    for path in [*kinds, *controls]:
        write_figure(path, path.with_suffix(".png"))
    for name, paths in {"ranks": kinds, "controls": controls}.items():
        if paths:
            rewrite(HERE / "README.md", name, table_of([line_of(path) for path in paths]))
    compared = {kind: path for kind in reference.TABLES if (path := RESULTS / f"reference {kind}.csv").exists()}
    if compared:
        lines = [reference.summary(kind, path) for kind, path in compared.items()]
        rewrite(HERE / "README.md", "reference", table_of(lines))
    worlds = [name for name in WORLDS if _of_world(name).exists()]
    if worlds:
        rewrite(HERE / "README.md", "fears", table_of([fears.summary(name, _of_world(name)) for name in worlds]))
        rewrite(HERE / "README.md", "verdicts", table_of(fears.by_verdict(map(_of_world, worlds))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["ranks", "controls", "fears", "reference", "show"])
    parser.add_argument("names", nargs="*", help="kinds, controls or truths; all unless named")
    parser.add_argument("--count", type=int, help="of each; 300, of fears 50")
    parser.add_argument("--seconds", type=float, default=1e9, help="of each, after which it stops")
    parser.add_argument("--workers", type=int, default=1, help="processes; each does whole kinds")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers share this disk")
    given = parser.parse_args()
    logging.getLogger("pymc").setLevel(logging.WARNING)
    warnings.simplefilter("error", RuntimeWarning)
    if given.command == "show":
        show()
        return
    if given.command == "reference":
        RESULTS.mkdir(exist_ok=True)
        for kind in given.names or reference.TABLES:
            reference.compare(kind, RESULTS / f"reference {kind}.csv")
    elif given.command == "fears":
        simulate(fears.run, {_of_world(name).name: (name,) for name in given.names or WORLDS}, given, 50)
    elif given.command == "controls":
        simulate(run, {f"control {name}.csv": (CONTROLS[name],) for name in given.names or CONTROLS}, given, 300)
    else:
        simulate(run, {f"{kind}.csv": (Control(kind=kind),) for kind in given.names or KINDS}, given, 300)


if __name__ == "__main__":
    main()
