"""Back-test of 7 tasks x 5 cuts x all structures against the same fits one by one: run by hand, in one command.

`python3 -m uv run python tests/benchmarks/throughput.py [--naive 3]` times `forecast backtest` with two workers, then
`forecast fit` of single structures below single cuts, each in a fresh process; of these it makes some, evenly chosen,
and counts their mean for the others. The earlier cuts that weigh the structures are among both. A fit that the
back-test makes again, with thrice the draws, is a fit more on both sides; the ratio without these is printed too.
Python keeps its bytecode, as it does unless told otherwise: without, every naive fit would spend 8 s more on imports.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import beds
import numpy as np

from forecast.jobs import unpacked
from forecast.trial import SAMPLING
from models.priors import DEFAULT

CUTS = (9e17, 9e18, 3e19, 9e19, 3.4e20)
FORECAST = [sys.executable, "-m", "forecast"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--naive", type=int, default=6, help="how many of the naive fits are made")
    given = parser.parse_args()
    frame = beds.gadre()
    fits = [(cut, name) for cut in CUTS for name in DEFAULT]
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        frame.to_csv(table, index=False)
        at = [option for cut in CUTS for option in ("--cut", f"{cut:g}")]
        ours = timed([*FORECAST, "backtest", str(table), *at, "--workers", "2", "-o", str(Path(folder) / "out")])
        print(f"back-test, {len(fits)} fits and all scores: {ours:.0f} s", flush=True)
        chosen = np.linspace(0, len(fits) - 1, min(given.naive, len(fits))).round().astype(int)
        again = made_again(Path(folder) / "out" / "jobs")
        seconds: dict[int, list[float]] = {SAMPLING.draws: [], 3 * SAMPLING.draws: []}
        for (cut, name), draws in itertools.product((fits[place] for place in chosen), seconds):
            sampling = ["--tune", str(SAMPLING.tune), "--draws", str(draws), "-o", str(Path(folder) / "fit.nc")]
            options = ["--below", f"{cut:.6g}", "--structures", name, *sampling]
            seconds[draws].append(timed([*FORECAST, "fit", str(table), *options]))
            print(f"  naive, below {cut:.3g}, {name}, {draws} draws: {seconds[draws][-1]:.0f} s", flush=True)
    once, thrice = (float(np.mean(each)) for each in seconds.values())
    naive = once * len(fits) + thrice * again
    print(f"naively {naive:.0f} s for {len(fits)} fits and {again} again ({2 * len(chosen)} made): {naive / ours:.1f}")
    print(f"without those made again {once * len(fits):.0f} s: {once * len(fits) / ours:.1f}")


def made_again(jobs: Path) -> int:
    """How many fits of the jobs in a folder were made a second time."""
    results = [unpacked(path.read_bytes())[0] for path in jobs.glob("*.nc")]
    return sum(each["draws"] > SAMPLING.draws for result in results for each in result.attrs["diagnostics"].values())


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
