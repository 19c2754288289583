"""Back-test of 7 tasks x 5 cuts x all structures against the same fits one by one: run by hand, in one command.

`python3 -m uv run python tests/benchmarks/throughput.py [--naive 3]` times `forecast backtest` with two workers, then
`forecast fit` of single structures below single cuts, each in a fresh process; of these it makes some, evenly chosen,
and counts their mean for the others.
Python keeps its bytecode, as it does unless told otherwise: without, every naive fit would spend 8 s more on imports.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import beds
import numpy as np

from models.structures import DEFAULT

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
        seconds = []
        for cut, name in (fits[place] for place in chosen):
            options = ["--below", f"{cut:.6g}", "--structures", name, "-o", str(Path(folder) / "fit.nc")]
            seconds.append(timed([*FORECAST, "fit", str(table), *options]))
            print(f"  naive, below {cut:.3g}, {name}: {seconds[-1]:.0f} s", flush=True)
    naive = float(np.mean(seconds)) * len(fits)
    print(f"naively {naive:.0f} s for {len(fits)} fits ({len(chosen)} made): {naive / ours:.1f}")


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
