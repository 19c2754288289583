"""How often `forecast emergence` is right where the truth is known: run by hand.

`python tests/benchmarks/emergence_simulation.py COUNT quadrature|mcmc [WORLD ...]` simulates COUNT tables of each world
and counts the three sentences. Worlds: a pure metric effect and a true break, each with token accuracy beside exact
match, and with exact match alone. What runs share is drawn by quadrature, the frailty only, or by MCMC of everything.
"""

import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.fit import Fit
from forecast.questions.emergence.comparison import BREAK, EXPLAINED, UNDECIDED
from forecast.questions.emergence.likelihood import log_likelihood
from forecast.questions.emergence.verdict import judged
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.facts.placing import bend_knots, reference_compute
from models.priors import Priors
from models.structures import Parts

SAMPLING = Sampling(chains=2, tune=250, draws=100)
PRIOR_DRAWS, DRAWS = 60, 6
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


def read(table: pd.DataFrame) -> xr.Dataset:
    """A simulated table as observations."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.to_csv(path, index=False)
        return observations(read_table(path))


def written(data: xr.Dataset, *, draws: int, **values: Any) -> Fit:
    """A posterior written down by hand: a power law without floor, ceiling 1, but for the values given (draw,)."""
    x = data.log10_compute.values - reference_compute(data)
    knots = len(bend_knots(data))
    dims = {"law": data.law.values, "task": data.task.values, "run": data.run.values}
    plain = {"theta_origin": 0.0, "theta_scale": 1.0, "sigma_run": 0.05}
    law = {"nu": 1.0, "log10_amplitude": -0.1, "exponent": 0.35, "irreducible": 0.0, "answer_sd": 0.05}
    task = {"floor": 0.0, "ceiling": 1.0, "concentration": 1e4}
    one = xr.DataArray(np.ones((1, draws)), dims=("chain", "draw"))

    def of(name: str, default: float) -> xr.DataArray:
        return one * xr.DataArray(np.broadcast_to(values.get(name, default), draws)[None], dims=("chain", "draw"))

    found = {name: of(name, default) for name, default in (plain | law | task).items()}
    found |= {name: found[name].expand_dims({"law": dims["law"]}, -1) for name in law}
    found |= {name: found[name].expand_dims({"task": dims["task"]}, -1) for name in task}
    found["theta"] = one * xr.DataArray(x, dims="run", coords={"run": dims["run"]})
    found["slopes"] = one * xr.DataArray(np.ones(knots + 1), dims="segment")
    return drawn_fit(xr.Dataset(found), data, Priors(), Parts())


def by_quadrature(data: xr.Dataset, seed: int) -> Fit:
    """Draws of the frailty from its posterior given every run's own loss, under a flat prior: no law is assumed.

    Exact match alone says nothing of it: then these are draws of its prior. Floor and ceiling are those of the truth.
    """
    rng = np.random.default_rng(seed)
    nu = np.exp(rng.normal(np.log(Priors().frailty_median), Priors().frailty_log_sd, PRIOR_DRAWS))
    fit = written(data, draws=PRIOR_DRAWS, nu=nu)
    seen = log_likelihood(fit, data.task.values.tolist(), np.arange(data.sizes["run"]))
    log = logsumexp(seen, axis=-1).sum(axis=-1) * (data.sizes["task"] > 1)
    chosen = rng.choice(PRIOR_DRAWS, DRAWS, p=np.exp(log - logsumexp(log)))
    return written(data, draws=DRAWS, nu=nu[chosen])


def by_mcmc(data: xr.Dataset, seed: int) -> Fit:
    """The posterior of the whole model."""
    model = capability_model(data, Parts(), Priors())
    posterior = fit(model, replace(SAMPLING, seed=seed))
    return drawn_fit(posterior.astype(np.float64), data, Priors(), Parts())


def main() -> None:
    """Print each verdict and, for each world, the counts."""
    count, posterior = int(sys.argv[1]), {"quadrature": by_quadrature, "mcmc": by_mcmc}[sys.argv[2]]
    for world in sys.argv[3:] or WORLDS:
        said: Counter[str] = Counter()
        started = time.time()
        for seed in range(1, count + 1):
            of = posterior(read(simulated(world, seed)), seed)
            verdict, reason, compared, *_ = judged(of, TASK[world.split()[1]], seed=seed)
            said[verdict] += 1
            numbers = "" if compared is None else f"{compared.difference:.1f} ± {compared.error:.1f}, {compared.inside}"
            print(f"{world} {seed}: {verdict} ({reason}) {numbers}", flush=True)
        counts = ", ".join(f"{name} {said[name]}" for name in (EXPLAINED, BREAK, UNDECIDED))
        print(f"{world}, {count} tables: {counts}; {(time.time() - started) / count:.1f} s a table", flush=True)


if __name__ == "__main__":
    main()
