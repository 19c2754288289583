"""The back-test on all open beds: run by hand, `python3 -m uv run python tests/benchmarks/record.py FOLDER`.

Prints a line a bed: CRPS of the average, the best baseline and their ratio, coverage and width of intervals; then CRPS
by structure, and what the verdict on earlier runs was worth. Results of fits are kept in FOLDER and not made again.
Beds can be named: `record.py FOLDER gpt3 'obsscaling 8.5e22'`.
"""

import argparse
import logging
import warnings
from pathlib import Path
from typing import Any

import beds
import cells as trust_of_cells
import numpy as np
import pandas as pd
import record_table

from forecast.backtesting.record import METHODS
from forecast.backtesting.run import BacktestResult, backtest
from forecast.backtesting.scored import OURS
from forecast.backtesting.verdict import NOT
from forecast.fitting.average import known_structures
from forecast.scoring.summary import summary
from forecast.table.splits import Split, latest
from models.structures import DEFAULT


def split_of(bed: beds.Bed) -> Split:
    if bed.below is not None:
        return Split(by="compute", at=bed.below)
    return Split(by="date", at=bed.before) if bed.before is not None else Split(by="model", at=bed.hidden or ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("beds", nargs="*", default=list(beds.BEDS))
    parser.add_argument("--structures", default=",".join(DEFAULT))
    parser.add_argument("--readme", action="store_true", help="write record.csv and the table of README from it")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    structures = known_structures(given.structures.split(","))
    scores, together, fits, cells = [], [], [], []
    for name in given.beds:
        bed = beds.BEDS[name]()
        options: dict[str, Any] = {"structures": structures, "folder": given.folder, "workers": given.workers}
        tested = backtest(bed.table, [split_of(bed)], name=name, **options)
        scores.append(tested.scores)
        together.append(tested.together)
        fits.append(tested.fits.assign(bed=name))
        if len(structures) > 1:  # else no earlier split is fitted, by which a cell could be trusted
            cells += cells_of(tested, past_of(bed, name, options), name)
        weights = next(iter(tested.weights.values()))
        print(line(name, tested.scores), ", ".join(f"{key} {value:.2f}" for key, value in weights.items()), flush=True)
    table = pd.concat(scores, ignore_index=True)
    table.to_csv(given.folder / "scores.csv", index=False)
    pd.concat(together).to_csv(given.folder / "together.csv", index=False)
    pd.concat(fits).to_csv(given.folder / "fits.csv", index=False)
    if given.readme:
        record_table.write(table, pd.concat(fits))
    if cells:
        pd.DataFrame(cells).to_csv(given.folder / "cells.csv", index=False)
        print("\n" + by_verdict(pd.DataFrame(cells)).to_string(float_format=lambda value: f"{value:.3f}"))
    print("\n" + by_method(table, structures).to_string(float_format=lambda value: f"{value:.3f}"))


def line(name: str, scores: pd.DataFrame) -> str:
    by = summary(scores).set_index("method")
    ours, baselines = by.loc[OURS], by.loc[[each for each in METHODS if each in by.index], "crps"]
    covered = " ".join(f"{ours[f'coverage_{level}']:.2f}" for level in (50, 80, 90))
    return (
        f"{name:<20} n {ours['n']:4.0f}  CRPS {ours['crps']:.4f}  {baselines.idxmin():<18} {baselines.min():.4f}  "
        f"ratio {ours['crps'] / baselines.min():.2f}  inside {covered}  width {ours['width_90']:.3f}"
    )


def past_of(bed: beds.Bed, name: str, options: dict[str, Any]) -> pd.DataFrame:
    """Scores of a back-test of the training runs alone; empty where too few are left to hide some of them."""
    split = split_of(bed)
    train = split.parts(bed.table)[0]
    earlier = latest(train, "date" if split.by == "date" else None)
    return pd.DataFrame() if earlier is None else backtest(train, [earlier], name=name, **options).scores


def cells_of(tested: BacktestResult, past: pd.DataFrame, bed: str) -> list[dict[str, Any]]:
    """Each task of a bed: the verdict on its forecast before the outcome, from earlier runs alone, and the outcome."""
    found, rhat = [], float(tested.fits["forecast_rhat"].max())
    for task, own in tested.scores.groupby("task", sort=False):
        mean = own.groupby("method")["crps"].mean()
        ours = own[own["method"] == OURS]
        farther = ours["decades_beyond"].max() - past["decades_beyond"].max() if len(past) else np.inf
        trust = trust_of_cells.cell_trust(past, str(task), farther=farther, rhat=rhat)[0] if len(past) else NOT
        best = mean[[each for each in METHODS if each in mean.index]].min()
        cell = {"bed": bed, "task": task, "trust": trust, "n": len(ours), "inside": ours["inside_90"].mean()}
        found.append(cell | {"crps": mean[OURS], "best": best})
    return found


def by_verdict(cells: pd.DataFrame) -> pd.DataFrame:
    """What became of the forecasts that the verdict trusts and of those that it warns about; a task counts once."""
    log_ratio = np.log(cells["crps"] / cells["best"])
    table = cells.assign(log_ratio=log_ratio).groupby("trust")
    found = table.agg(cells=("task", "size"), coverage_90=("inside", "mean"), ratio=("log_ratio", "mean"))
    return found.assign(ratio=np.exp(found["ratio"]))


def by_method(scores: pd.DataFrame, structures: tuple[str, ...]) -> pd.DataFrame:
    """CRPS of the average and of each structure, in units of the best baseline, and 90% coverage, by bed."""
    by = summary(scores, by=("bed", "method"))
    crps, inside = (by.pivot(index="bed", columns="method", values=name) for name in ("crps", "coverage_90"))
    best = crps[[each for each in METHODS if each in crps]].min(axis=1)
    names = [OURS, *(name for name in structures if name in crps)]
    ratio = crps[names].div(best, axis=0)
    ratio.loc["geometric mean"] = np.exp(np.log(ratio).mean())
    return ratio.join(inside[names].add_prefix("inside, "))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    main()
