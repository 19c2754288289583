"""Dates back-tested: run by hand, `python3 -m uv run python tests/benchmarks/when.py FOLDER [EPOCH.csv]`.

First the growth of the largest run alone: fitted to runs before each year, where do the largest runs of the later years
fall (PIT: the probability of a smaller one)? Then the dates of three- and four-digit addition as forecast at the end of
2021 from the built-in runs and the GPT-3 models known by then. EPOCH.csv, in Epoch's format, tests the growth a second
time. The fit is kept in FOLDER.
"""

import argparse
import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.cli.questions.when import print_dates
from forecast.fitting.average import fit_average
from forecast.posterior.fit import Fit, load, save
from forecast.questions.when.answer import when
from forecast.questions.when.frontier import fit_frontier, paths
from forecast.table.dataset import read_table
from forecast.table.training_runs import read_runs
from models.dates import iso_date, years

TABLE = Path(__file__).parents[2] / "case_studies" / "gpt3_arithmetic" / "gpt3_arithmetic.csv"
KNOWN = "2020-05-28"  # publication of the GPT-3 models (Brown et al. 2020)
TASKS = ("3-digit addition few-shot", "4-digit addition few-shot")
CUTS = (2018, 2019, 2020, 2021, 2022)
AS_OF = "2021-12-31"


def growth(path: Path | None) -> None:
    runs = read_runs(path)
    year, last = years(runs["date"].to_numpy()), float(years(runs["date"].max()))
    print(f"largest runs: {path or 'built-in'}, log10 FLOP of the largest run so far")
    pits = []
    for cut in CUTS:
        frontier = fit_frontier(runs, as_of=float(years(np.datetime64(f"{cut}-01-01"))) - 1e-6)
        found = paths(frontier, draws=8000, seed=1)
        rates = np.quantile(frontier.posterior["growth"].values[..., -1], [0.05, 0.5, 0.95]).round(2)
        print(f" before {cut}: {len(frontier.records)} records, growth {rates} decades a year")
        for end in [*(float(years(np.datetime64(f"{y}-01-01"))) for y in range(cut + 1, int(last) + 1)), last + 0.01]:
            draws = found.log10_compute[:, np.searchsorted(found.years, end, side="right") - 1]
            truth, q = np.log10(runs["compute"][year <= end].max()), np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95])
            ends = np.mean(draws < truth - 1e-9), np.mean(draws <= truth + 1e-9)
            pits.append((cut, end, *ends, q[0] - 1e-9 <= truth <= q[4], q[1] - 1e-9 <= truth <= q[3]))
            print(
                f"   to {iso_date(end)}: 5 to 95% {q[0]:.2f} to {q[4]:.2f}, median {q[2]:.2f}; "
                f"was {truth:.2f}, PIT {ends[0]:.2f} to {ends[1]:.2f}"
            )
    table = pd.DataFrame(pits, columns=["cut", "end", "pit_low", "pit_high", "inside_90", "inside_50"])
    print(table.groupby("cut")[["inside_50", "inside_90"]].mean().to_string(), "\n")


def addition(folder: Path) -> None:
    path = folder / "gpt3_by_2021.nc"
    if not path.exists():
        frame = read_table(TABLE).assign(date=pd.Timestamp(KNOWN))
        save(fit_average(frame, table=TABLE.name), path)
    fit: Fit = load(path)
    as_of = float(years(np.datetime64(AS_OF)))
    frontier = fit_frontier(read_runs(), as_of=as_of)
    for task in TASKS:
        print_dates(when(fit, task, 0.5, frontier=frontier, as_of=as_of, by=(2022, 2023, 2024, 2026)))
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("epoch", type=Path, nargs="?")
    given = parser.parse_args()
    for path in dict.fromkeys([None, given.epoch]):
        growth(path)
    addition(given.folder)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    main()
