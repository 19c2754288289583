"""How often `forecast emergence` is right where the truth is known: run by hand.

`python tests/benchmarks/emergence_simulation.py COUNT quadrature|mcmc [WORLD ...]` simulates COUNT tables of each world
and counts the three sentences. Truths: a pure metric effect, the same with easy items and guessed tokens (floors), and
a break; each with token accuracy beside exact match, with a measured loss of another name, and with exact match alone.
What runs share is drawn by quadrature, the frailty and guessing only, or by MCMC of everything.
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
from scipy.special import expit, logsumexp

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.fit import Fit
from forecast.questions.emergence.likelihood import log_likelihood
from forecast.questions.emergence.verdict import BREAK, EXPLAINED, UNDECIDED, judged
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.facts.layout import is_measured
from models.facts.parts import has_token_floor
from models.facts.placing import bend_knots, reference_compute
from models.priors import Priors
from models.structures import Parts

SAMPLING = Sampling(chains=2, tune=250, draws=100)
PRIOR_DRAWS, DRAWS = 60, 4
LENGTH, ITEMS, RUNS = 8, 1000, 16
SEEN = {"both": "sums [exact_match]", "loss": "sums", "alone": "sums"}  # the sharp task
WORLDS = tuple(f"{truth} {seen}" for seen in SEEN for truth in ("metric", "floors", "break"))


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
    (truth, seen), rng = world.split(), np.random.default_rng(seed)
    x = np.sort(np.linspace(20, 24, RUNS) + rng.uniform(-0.1, 0.1, RUNS))
    nu = np.exp(rng.normal(0.3, 0.5))
    losses = 10 ** log10_loss(x, broken=truth == "break", rng=rng)
    easy, guessed = (rng.uniform(0.05, 0.2), rng.uniform(0.02, 0.1)) if truth == "floors" else (0.0, 0.0)
    rows = []
    for run, loss in enumerate(losses):
        known = np.exp(-loss * rng.gamma(nu, 1 / nu, ITEMS))
        known[: round(easy * ITEMS)] = 1.0
        right = rng.binomial(LENGTH, guessed + (1.0 - guessed) * known)
        cells = {"model": f"run {run}", "task": "sums", "compute": 10 ** x[run], "length": float(LENGTH)}
        rows.append(cells | {"metric": "exact_match", "successes": (right == LENGTH).sum(), "trials": ITEMS})
        if seen == "both":
            rows.append(cells | {"metric": "token_accuracy", "successes": right.sum(), "trials": ITEMS * LENGTH})
        if seen == "loss":  # answers follow a smaller loss than teacher forcing measures
            measured = (2.0 * loss) ** (1 / 1.3) * np.exp(rng.normal(0, 0.01))
            rows.append(cells | {"task": "text", "metric": "loss", "score": measured, "length": np.nan})
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
    law |= {"token_floor": 0.0} if "token_floor" in values else {}
    task = {"floor": 0.0, "ceiling": 1.0, "concentration": 1e4}
    one = xr.DataArray(np.ones((1, draws)), dims=("chain", "draw"))

    def of(name: str, default: float) -> xr.DataArray:
        return one * xr.DataArray(np.broadcast_to(values.get(name, default), draws)[None], dims=("chain", "draw"))

    found = {name: of(name, default) for name, default in (plain | law | task).items()}
    found |= {name: found[name].expand_dims({"law": dims["law"]}, -1) for name in law}
    found |= {name: found[name].expand_dims({"task": dims["task"]}, -1) for name in task}
    found["loss_scale"] = 0.02 * one.expand_dims({"measured": data.task.values[is_measured(data)]}, -1)
    found["theta"] = one * xr.DataArray(x, dims="run", coords={"run": dims["run"]})
    found["slopes"] = one * xr.DataArray(np.ones(knots + 1), dims="segment")
    return drawn_fit(xr.Dataset(found), data, Priors(), Parts())


def by_quadrature(data: xr.Dataset, seed: int) -> Fit:
    """Draws of what runs share from its posterior given every run's own loss, under a flat prior: no law is assumed.

    That is the frailty, and the chance of guessing a token where several rates tell it. One rate alone says nothing of
    the frailty: then these are draws of its prior. Floor and ceiling are 0 and 1.
    """
    rng, priors = np.random.default_rng(seed), Priors()
    shared = {"nu": np.exp(rng.normal(np.log(priors.frailty_median), priors.frailty_log_sd, PRIOR_DRAWS))}
    if several := has_token_floor(data, Parts()).any():
        logit = rng.normal(priors.token_floor_logit_mean, priors.token_floor_logit_sd, PRIOR_DRAWS)
        shared["token_floor"] = expit(logit) * (rng.uniform(size=PRIOR_DRAWS) < 0.5)
    fit = written(data, draws=PRIOR_DRAWS, **shared)
    seen = log_likelihood(fit, data.task.values[~is_measured(data)].tolist(), np.arange(data.sizes["run"]))
    log = logsumexp(seen, axis=-1).sum(axis=-1) * several
    chosen = rng.choice(PRIOR_DRAWS, DRAWS, p=np.exp(log - logsumexp(log)))
    return written(data, draws=DRAWS, **{name: values[chosen] for name, values in shared.items()})


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
        started = time.process_time()
        for seed in range(1, count + 1):
            of = posterior(read(simulated(world, seed)), seed)
            verdict, reason, *compared = judged(of, SEEN[world.split()[1]], seed=seed)
            said[verdict] += 1
            numbers = [f"{each.p_break:.3f}, {each.inside}" for each in compared if each is not None]
            print(f"{world} {seed}: {verdict} ({reason}) {'; '.join(numbers)}", flush=True)
        counts = ", ".join(f"{name} {said[name]}" for name in (EXPLAINED, BREAK, UNDECIDED))
        seconds = (time.process_time() - started) / count
        print(f"{world}, {count} tables: {counts}; {seconds:.1f} s of a processor a table", flush=True)


if __name__ == "__main__":
    main()
