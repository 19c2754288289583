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
from pathlib import Path

from tests.benchmarks.calibration import fears, reference
from tests.benchmarks.calibration.controls import CONTROLS, Control
from tests.benchmarks.calibration.designs import KINDS
from tests.benchmarks.calibration.ranks import run
from tests.benchmarks.calibration.shown import line_of, rewrite, table_of, write_figure
from tests.benchmarks.calibration.worlds import WORLDS

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def ranks(names: list[str], *, count: int, seconds: float, controls: bool) -> None:
    """Simulations of the named kinds or controls, each until its time is over."""
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        control = CONTROLS[name] if controls else Control(kind=name)
        path = RESULTS / f"{'control ' if controls else ''}{name}.csv"
        run(control.kind, path, count=count, seconds=seconds, control=control)
        print(f"{path.name}: {sum(1 for _ in path.open()) - 1} simulations", flush=True)


def fear(names: list[str], *, count: int, seconds: float) -> None:
    """Tables of the named worlds, each until its time is over."""
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        fears.run(name, _of_world(name), count=count, seconds=seconds)
        print(f"{name}: {sum(1 for _ in _of_world(name).open()) - 1} tables", flush=True)


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
    given = parser.parse_args()
    logging.getLogger("pymc").setLevel(logging.WARNING)
    warnings.simplefilter("error", RuntimeWarning)
    if given.command == "show":
        show()
        return
    if given.command == "fears":
        fear(given.names or list(WORLDS), count=given.count or 50, seconds=given.seconds)
        return
    if given.command == "reference":
        RESULTS.mkdir(exist_ok=True)
        for kind in given.names or reference.TABLES:
            reference.compare(kind, RESULTS / f"reference {kind}.csv")
        return
    controls = given.command == "controls"
    names = given.names or (list(CONTROLS) if controls else list(KINDS))
    ranks(names, count=given.count or 300, seconds=given.seconds, controls=controls)


if __name__ == "__main__":
    main()
