"""Kills: `kill -9` in the midst of commands, what is visible then, and what a rerun gives.

`python tests/benchmarks/faults.py [COMMAND ...] [--kills 20] [--seed 1] [--cold]` kills each command, with all of its
processes, at random moments: one half of the kills at any time that the command takes, the other within milliseconds of
a file that appears, hidden or not. Every second kill hits a command that replaces results of an earlier, other run.

After a kill every visible file must be, value by value, that of an undisturbed run or that of the earlier one; and
where the file that is written last is there, all others must be of the same run. Then the command is run again, on what
the kill has left, and must give the results of an undisturbed run. Exit code 1 where any of this fails.

With `--cold`, each command starts without machine code from before, so that kills hit compiling too.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = "seconds"  # a key whose value no two runs share
FEW = ("--draws", "100", "--tune", "100", "--quiet")
MODELS = "model,compute\n" + "".join(f"run {n},{10 ** (20 + n / 2):g}\n" for n in range(6))
ROWS = ((0.02, 0.05), (0.06, 0.11), (0.14, 0.22), (0.3, 0.38), (0.52, 0.55), (0.7, 0.72))  # of two tasks
STUDY = 'title = "T"\nquestion = "Q?"\ntable = "../{table}"\nthresholds = [0.5]\ncuts = [2e22]\n'


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command with what it writes into a folder."""

    words: Callable[[Path, str], tuple[object, ...]]  # of the folder that it writes into, and a table
    last: str | None = None  # the file that is written last; None: there is but one
    workers: tuple[str, ...] = ()


@dataclass
class Count:
    """What became of the kills of a command."""

    kills: int = 0
    at_a_write: int = 0
    over_an_earlier_run: int = 0
    ended_before: int = 0
    visible: int = 0  # files after kills
    hidden: int = 0  # temporary files after kills
    faults: list[str] = field(default_factory=list)


def commands(inputs: Path) -> dict[str, Command]:
    """The commands; tables, fits and studies lie in `inputs`, of each an earlier and a new one."""
    cuts = ("--cut", "1e22", "--cut", "2e22")
    return {
        "import": Command(
            words=lambda out, name: (
                *("import", "wide", inputs / f"{name}_wide.csv", "-o", out / "table.csv"),
                *("--trials", "500", "--models", inputs / "models.csv", "--quiet"),
            )
        ),
        "fit": Command(words=lambda out, name: ("fit", inputs / f"{name}.csv", "-o", out / "fit.nc", *FEW)),
        "report": Command(
            words=lambda out, name: (
                *("report", inputs / f"{name}.nc", "-o", out / "report.html", "--figures", out / "figures"),
            )
        ),
        "backtest": Command(
            words=lambda out, name: ("backtest", inputs / f"{name}.csv", "-o", out, *cuts, "--quiet"),
            last="summary.json",
        ),
        "backtest with 2 workers": Command(
            words=lambda out, name: (
                *("backtest", inputs / f"{name}.csv", "-o", out, *cuts, "--quiet", "--workers", "2"),
            ),
            last="summary.json",
        ),
        "run": Command(words=lambda out, name: ("run", inputs / f"{name}_study", "-o", out, *FEW), last="result.json"),
    }


def write_inputs(inputs: Path, *, fits: bool) -> None:
    """An earlier and a new table as observations, as people publish them, as a study and, where asked, as a fit."""
    (inputs / "models.csv").write_text(MODELS, encoding="utf-8")
    for name, less in {"earlier": 0.01, "new": 0.0}.items():
        lines = [f"run {n},sums,{one - less:g},words,{two - less:g}" for n, (one, two) in enumerate(ROWS)]
        cells = [line.split(",") for line in lines]
        wide = "model,sums,words\n" + "".join(f"{c[0]},{c[2]},{c[4]}\n" for c in cells)
        (inputs / f"{name}_wide.csv").write_text(wide, encoding="utf-8")
        done = ended(started(commands(inputs)["import"].words(inputs, name)))
        (inputs / "table.csv").rename(inputs / f"{name}.csv")
        (inputs / f"{name}_study").mkdir()
        (inputs / f"{name}_study" / "study.toml").write_text(STUDY.format(table=f"{name}.csv"), encoding="utf-8")
        fit = ended(started(("fit", inputs / f"{name}.csv", "-o", inputs / f"{name}.nc", *FEW))) if fits else 0
        if (done, fit) not in ((0, 0), (0, 3)):
            raise SystemExit(f"the inputs cannot be made: exit codes {done} and {fit}")


# Processes


def started(words: tuple[object, ...], *, cold: Path | None = None) -> int:
    """A command in a process group of its own, which knows all modules already; its process id.

    `cold`: where it finds and keeps machine code, in place of the usual.
    """
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    code = 70
    try:
        if cold:
            _forget_machine_code(cold)
        sys.argv = ["forecast", *map(str, words)]
        import_module("forecast.cli.main").main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def _forget_machine_code(place: Path) -> None:
    """Let this process keep its machine code in a place of its own."""
    from pytensor.link.numba import cache

    place.mkdir(exist_ok=True)
    cache.NUMBA_CACHE_PATH = place


def ended(pid: int) -> int:
    """The exit code of a process, once it has ended; minus the signal that has killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int) -> bool:
    """Kill a process and all of its group; whether it had not ended before."""
    os.killpg(pid, signal.SIGKILL)
    return ended(pid) == -signal.SIGKILL


def wait_for_writes(folder: Path, writes: int, patience: float) -> None:
    """Wait until so many names have come to be, or gone, in a folder, at most so many seconds."""
    seen, count, end = names_in(folder), 0, time.monotonic() + patience
    while count < writes and time.monotonic() < end:
        now = names_in(folder)
        count += len(now ^ seen)
        seen = now
        time.sleep(0.0005)


# Files


def names_in(folder: Path) -> set[str]:
    """Names of all files below a folder, hidden ones too."""
    return {os.path.relpath(os.path.join(above, name), folder) for above, _, names in os.walk(folder) for name in names}


def contents(folder: Path) -> dict[str, str]:
    """A digest of each visible file, in which seconds count for nothing; an error instead where it cannot be read.

    A file in a hidden folder is hidden.
    """
    visible = (name for name in sorted(names_in(folder)) if not any(part[0] == "." for part in Path(name).parts))
    return {name: digest(folder / name) for name in visible}


def digest(path: Path) -> str:
    """A hash of what a file holds."""
    try:
        whole = "".join(_of_netcdf(path)) if path.suffix == ".nc" else _of_text(path)
    except (OSError, ValueError, KeyError) as error:
        return f"half-written: {type(error).__name__}: {error}"
    return sha256(whole.encode()).hexdigest()


def _of_text(path: Path) -> str:
    if path.suffix == ".json":
        return json.dumps(without_seconds(json.loads(path.read_text(encoding="utf-8"))))
    return path.read_bytes().decode("latin-1")


def _of_netcdf(path: Path) -> Iterator[str]:
    import netCDF4

    with netCDF4.Dataset(path) as data:
        groups = [data]
        for group in groups:
            groups += group.groups.values()
            for name in group.ncattrs():
                value = group.getncattr(name)
                yield f"{name} {_of_attribute(value)}"
            for name, variable in group.variables.items():
                values = np.ma.filled(variable[:]) if variable.dtype != str else np.array(variable[:], dtype=str)
                yield f"{name} {variable.dimensions} {sha256(np.ascontiguousarray(values).tobytes()).hexdigest()}"


def _of_attribute(value: Any) -> str:
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(without_seconds(json.loads(value)))
    return repr(value)


def without_seconds(value: Any) -> Any:
    """A document without what the time of a run says."""
    if isinstance(value, dict):
        return {name: without_seconds(each) for name, each in value.items() if name != SECONDS}
    return [without_seconds(each) for each in value] if isinstance(value, list) else value


def faults_in(found: dict[str, str], new: dict[str, str], earlier: dict[str, str], last: str | None) -> Iterator[str]:
    """What is wrong with visible files after a kill: see the top."""
    for name, held in found.items():
        if held not in (new.get(name), earlier.get(name)):
            yield f"{name}: {held if held.startswith('half') else 'is of neither run'}"
    if last in found and found[last] in (new.get(last), earlier.get(last)):
        whole = new if found[last] == new.get(last) else earlier
        missing = [name for name, held in whole.items() if found.get(name) != held]
        if missing:
            yield f"{last} is there, but not of its run: {', '.join(missing)}"


# Kills


@dataclass
class Killer:
    """Kills one command again and again."""

    command: Command
    place: Path
    rng: np.random.Generator
    cold: bool
    count: Count = field(default_factory=Count)

    def prepare(self) -> None:
        """Undisturbed runs: of the earlier and the new table, and how long the new one takes."""
        self.results = {}
        for name in ("earlier", "new"):
            shutil.rmtree(self.place / "machine code 0", ignore_errors=True)
            folder, begin = self._folder(), time.monotonic()
            code = self._run(folder, name)
            self.seconds = time.monotonic() - begin
            self.results[name] = contents(folder)
            shutil.copytree(folder, self.place / name)
            if code not in (0, 3) or any(held.startswith("half") for held in self.results[name].values()):
                raise SystemExit(f"undisturbed, the command ends with {code}: {self.results[name]}")
        again = self._folder()
        self._run(again, "new")
        shutil.rmtree(self.place / "machine code 0", ignore_errors=True)
        if contents(again) != self.results["new"]:
            raise SystemExit(f"undisturbed, two runs differ: {_unequal(contents(again), self.results['new'])}")

    def kill_once(self, number: int) -> None:
        """One kill, a look at what is visible, and a rerun."""
        folder, over, at_a_write = self._folder(), number % 2 == 1, number % 4 >= 2
        if over:
            shutil.copytree(self.place / "earlier", folder, dirs_exist_ok=True)
        earlier = self.results["earlier"] if over else {}
        pid = started(self.command.words(folder, "new"), cold=self._cold())
        if at_a_write:
            wait_for_writes(folder, int(self.rng.integers(1, 3 * len(self.results["new"]) + 2)), 2 * self.seconds)
            time.sleep(self.rng.uniform(0, 0.004))
        else:
            time.sleep(self.rng.uniform(0, self.seconds))
        if not kill(pid):
            self.count.ended_before += 1
            return
        found = contents(folder)
        self.count.at_a_write += at_a_write
        self.count.over_an_earlier_run += over
        self.count.visible += len(found)
        self.count.hidden += len(names_in(folder)) - len(found)
        told = list(faults_in(found, self.results["new"], earlier, self.command.last))
        code, again = self._run(folder, "new"), contents(folder)
        of_new = {name: held for name, held in again.items() if name in self.results["new"]}
        if (
            code not in (0, 3)
            or of_new != self.results["new"]
            or not again.keys() <= self.results["new"].keys() | earlier
        ):
            told.append(f"the rerun ends with {code} and differs: {_unequal(of_new, self.results['new'])}")
        self.count.faults += [f"kill {number}: {each}" for each in told]
        self.count.kills += 1

    def _run(self, folder: Path, name: str) -> int:
        return ended(started(self.command.words(folder, name), cold=self._cold()))

    def _cold(self) -> Path | None:
        """Where a command and its reruns keep their machine code."""
        return self.place / f"machine code {self.count.kills}" if self.cold else None

    def _folder(self) -> Path:
        """An empty folder; the same for all runs, since reports name the command that makes them."""
        folder = self.place / "out"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _unequal(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(name for name in sorted({*one, *other}) if one.get(name) != other.get(name)) or "nothing"


def killed(names: list[str], *, kills: int, seed: int, cold: bool = False) -> dict[str, Count]:
    """Counts of each command, of so many kills each."""
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # threads of BLAS, idle
    for module in ("cli.main", "study.run", "fitting.average", "report.content", "report.forms", "figures.style"):
        import_module(f"forecast.{module}")  # so that a kill hits the work and not the start
    counts = {}
    with tempfile.TemporaryDirectory() as place:
        inputs = Path(place) / "inputs"
        inputs.mkdir()
        write_inputs(inputs, fits="report" in names)
        for name in names:
            rng = np.random.default_rng([seed, *name.encode()])
            killer = Killer(command=commands(inputs)[name], place=Path(place) / name, rng=rng, cold=cold)
            killer.prepare()
            number = 0
            while killer.count.kills < kills and number < 4 * kills:
                killer.kill_once(number)
                number += 1
            counts[name] = killer.count
            print(line_of(name, killer.count, killer.seconds), *killer.count.faults, sep="\n  ", flush=True)
    return counts


HEAD = (
    "| command | seconds | kills | at a write | over an earlier run | visible files | half-written or mixed, "
    "or another rerun | hidden files left |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def line_of(name: str, count: Count, seconds: float) -> str:
    """The line of a command in the table."""
    cells = (name, f"{seconds:.1f}", count.kills, count.at_a_write, count.over_an_earlier_run, count.visible)
    return f"| {' | '.join(map(str, (*cells, len(count.faults), count.hidden)))} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", choices=[[], *commands(Path())], default=[])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cold", action="store_true")
    asked = parser.parse_args()
    print(HEAD, flush=True)
    found = killed(asked.commands or list(commands(Path())), kills=asked.kills, seed=asked.seed, cold=asked.cold)
    sys.exit(any(each.faults for each in found.values()))
