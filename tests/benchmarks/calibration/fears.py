"""Fears: how thresholds and warnings fare in worlds of known truth, fitted as a user would fit them.

`worlds.py` beside this file draws the tables. Here facts of the scores place priors and coordinates as they always do.
"""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtesting.run import backtest
from forecast.backtesting.verdict import CARE, NOT, YES, verdict
from forecast.draws import Sampling, order_statistics
from forecast.fitting.contraction import contraction
from forecast.fitting.structures import fit_table
from forecast.posterior.outliers import outliers
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.table.dataset import read_table
from tests.benchmarks.calibration.worlds import HALF, WORLDS, World

SAMPLING = Sampling(chains=2, tune=400, draws=500)
TASK = "sums [exact_match]"


def run(name: str, path: Path, *, count: int, seconds: float) -> None:
    """Tables of a world up to so many, one line each, appended to a CSV until the time is over."""
    end = time.monotonic() + seconds
    done = set(pd.read_csv(path)["table"]) if path.exists() else set()
    for table in (each for each in range(count) if each not in done):
        if time.monotonic() > end:
            return
        line = {"table": table} | line_of(WORLDS[name](table), seed=table)
        pd.DataFrame([line]).to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")


def read(rows: pd.DataFrame) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        rows.to_csv(path, index=False)
        return read_table(path)


def line_of(world: World, *, seed: int) -> dict[str, Any]:
    """Truth, threshold, what is said of the direction, of outliers and of the sampling, and the verdict."""
    frame, started = read(world.rows), time.monotonic()
    fit = fit_table(frame, table="world", sampling=Sampling(**vars(SAMPLING) | {"seed": seed}))
    task = TASK if TASK in fit.data.task.values else "sums"
    draws = threshold_draws(fit, task, HALF, family=world.family).values.ravel()
    answer = threshold(fit, task, HALF, family=world.family)
    moved = contraction(fit, at=[HALF], tasks=[task], family=world.family, seed=seed)
    tested = backtest(frame, sampling=SAMPLING)
    known = {"runs": frame["model"].nunique(), "thresholds": [answer], "moved": moved}
    judged = verdict(tested, **known, seed=seed)
    return {
        "truth": world.crossed_at,
        **order_statistics(draws),
        "p_never": float(np.mean(draws == np.inf)),
        "direction": answer["direction"]["says"],
        "outliers": len(outliers(fit, seed=seed)),
        "trust": judged["trust"],
        "reasons": "; ".join(each["kind"] for each in judged["reasons"]),
        "max_rhat": fit.diagnostics.max_rhat,
        "seconds": time.monotonic() - started,
    }


def by_verdict(paths: Iterable[Path]) -> list[dict[str, str]]:
    """One line for each verdict: of how many tables of all worlds with a truth the threshold was inside."""
    table = pd.concat([pd.read_csv(path) for path in paths]).dropna(subset="truth")
    said = [(name, table[table["trust"] == name]) for name in (YES, CARE, NOT)]
    return [
        {"verdict": name, "tables": f"{len(own)}", "inside the 90% interval": f"{_covered(own).mean():.0%}"}
        for name, own in said
        if len(own)
    ]


def _covered(table: pd.DataFrame) -> pd.Series:
    return (table["q05"] <= table["truth"]) & (table["truth"] <= table["q95"])


def summary(name: str, path: Path) -> dict[str, str]:
    """One line of the table of fears."""
    table = pd.read_csv(path)
    truth, refused = table["truth"], table["direction"].isin(["falls", "turns"])
    covered, trusted = _covered(table), table["trust"] == YES
    error = (table["q50"] - truth)[np.isfinite(truth) & np.isfinite(table["q50"])]
    width = (table["q95"] - table["q05"])[np.isfinite(table["q95"])]
    has_truth = truth.notna().all()
    return {
        "truth": name,
        "tables": f"{len(table)}",
        "inside the 90% interval": f"{covered.mean():.0%}" if has_truth else "",
        "P(never), mean": f"{table['p_never'].mean():.2f}" if has_truth else "",
        "median error, decades": f"{error.median():+.2f}" if len(error) else "",
        "median width, decades": f"{width.median():.1f}" if len(width) and has_truth else "",
        "no threshold given": f"{refused.mean():.0%}",
        "do not trust": f"{(table['trust'] == NOT).mean():.0%}",
        "with care": f"{(table['trust'] == CARE).mean():.0%}",
        "trusted, of these inside": f"{covered[trusted].sum()} of {trusted.sum()}" if has_truth else f"{trusted.sum()}",
        "outliers named": f"{(table['outliers'] > 0).mean():.0%}",
    }
