"""How often `forecast emergence` is right where the truth is known: run by hand.

`python tests/benchmarks/emergence_simulation.py [COUNT] [WORLD ...]` simulates COUNT tables of each world, fits each by
MCMC and counts the three sentences. Worlds: a pure metric effect and a true break, each with token accuracy beside
exact match, and with exact match alone.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.emergence import judged
from forecast.emergence_test import BREAK, EXPLAINED, UNDECIDED
from forecast.fit import Sampling, compiled, fit
from forecast.simulate import drawn_fit
from forecast.store import Fit
from forecast.table import observations, read_table
from models.capability import capability_model
from models.priors import Priors, Structure

SAMPLING = Sampling(chains=2, tune=300, draws=200)
LENGTH, ITEMS, RUNS = 8, 1000, 16
TASK = {"both": "sums [exact_match]", "alone": "sums"}
WORLDS = ("metric both", "break both", "metric alone", "break alone")


def log10_loss(x: np.ndarray, *, broken: bool, rng: np.random.Generator) -> np.ndarray:
    """A power law, or one that from a place within the runs on falls four to eight times as fast; runs scatter."""
    if broken:
        slope, steepening, place = rng.uniform(0.05, 0.15), rng.uniform(4, 8), rng.uniform(21.5, 22.5)
        fall = slope * (x - place) + slope * (steepening - 1) * np.maximum(x - place, 0)
        level = rng.uniform(-0.1, 0.3)  # of the loss at the break: exact match is near 0 there
    else:
        fall, level = rng.uniform(0.25, 0.5) * (x - 22), rng.uniform(-0.5, 0.2)
    return level - fall + rng.normal(0, rng.uniform(0.02, 0.06), len(x))


def simulated(world: str, seed: int) -> pd.DataFrame:
    """Sixteen runs over four decades: items of different difficulty, answers of eight tokens."""
    rng = np.random.default_rng(seed)
    x = np.sort(np.linspace(20, 24, RUNS) + rng.uniform(-0.1, 0.1, RUNS))
    nu = np.exp(rng.normal(0.3, 0.5))
    rows = []
    for run, loss in enumerate(10 ** log10_loss(x, broken="break" in world, rng=rng)):
        right = rng.binomial(LENGTH, np.exp(-loss * rng.gamma(nu, 1 / nu, ITEMS)))
        cells = {"model": f"run {run}", "task": "sums", "compute": 10 ** x[run], "length": float(LENGTH)}
        rows.append(cells | {"metric": "exact_match", "successes": (right == LENGTH).sum(), "trials": ITEMS})
        if "both" in world:
            rows.append(cells | {"metric": "token_accuracy", "successes": right.sum(), "trials": ITEMS * LENGTH})
    return pd.DataFrame(rows)


_programs: dict[str, Any] = {}


def fitted(table: pd.DataFrame, kind: str, seed: int) -> Fit:
    """The posterior of a simulated table; one compiled program serves all tables of one layout."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.to_csv(path, index=False)
        data = observations(read_table(path))
    model = capability_model(data, Structure(), Priors())
    key = f"{kind} {[(name, size) for name, size in data.sizes.items()]} {model.initial_point().keys()}"
    key += str([np.shape(each.get_value()) for each in model.data_vars])
    if key not in _programs:
        _programs[key] = compiled(model, reusable=True)
    sampling = Sampling(seed=seed, chains=SAMPLING.chains, tune=SAMPLING.tune, draws=SAMPLING.draws)
    posterior = fit(model, sampling, program=_programs[key])
    return drawn_fit(posterior.astype(np.float64), data, Priors(), Structure())


def main() -> None:
    """Print each verdict and, for each world, the counts."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for world in sys.argv[2:] or WORLDS:
        said: Counter[str] = Counter()
        started = time.time()
        for seed in range(1, count + 1):
            kind = world.split()[1]
            of = fitted(simulated(world, seed), kind, seed)
            verdict, reason, compared, _ = judged(of, TASK[kind], seed=seed)
            said[verdict] += 1
            numbers = "" if compared is None else f"{compared.difference:.1f} ± {compared.error:.1f}, {compared.inside}"
            print(f"{world} {seed}: {verdict} ({reason}) {numbers}", flush=True)
        counts = ", ".join(f"{name} {said[name]}" for name in (EXPLAINED, BREAK, UNDECIDED))
        print(f"{world}, {count} tables: {counts}; {(time.time() - started) / count:.1f} s a table", flush=True)


if __name__ == "__main__":
    main()
