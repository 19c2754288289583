"""Ranks: where a truth lies among draws of its posterior, in parameters and in what is reported.

If graph, sampler and forecasts agree, each rank is uniform on 0 to 99 (Cook, Gelman and Rubin 2006; Talts et al. 2018,
arXiv:1804.06788). The log likelihood of the data is ranked too: it sees what parameters alone do not, such as a
posterior that is the prior (Modrák et al. 2023, Bayesian Analysis).
"""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.fitting.sampler import labels_of
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.compute import compute_at_theta
from forecast.posterior.fit import Fit
from forecast.posterior.predict import predict
from forecast.posterior.score import theta_at_score
from forecast.questions.when.arrival import Outlook, arrival
from forecast.questions.when.frontier import Frontier, Paths
from forecast.questions.when.needed import needed_path
from forecast.questions.when.scenarios import Scenario, progress_of
from models.dates import latest
from models.facts.layout import is_measured
from models.structures import Parts
from tests.benchmarks.calibration.controls import Control
from tests.benchmarks.calibration.designs import LAST, Design, design
from tests.benchmarks.calibration.refits import Refitter, log_likelihood, table_of, truths

HALF = 0.5
GROWTH, FARTHEST = 0.6, 9999.0  # of the largest run, decades a year: given, so that the date is a function of the fit
SMALL_DIMS = {"law", "task", "kind", "measured", "unknown_chance"}
AT_ONCE = 300  # truths that are drawn together
HIDDEN = ("_own", "log_concentration")  # ends of names that are ranked under another
PLAIN = ("simulation", "never", "p_never", "max_rhat", "divergences", "seconds")  # columns that are no ranks


def reported(fit: Fit, drawn: Design, *, seed: int) -> dict[str, np.ndarray]:
    """Thresholds at one half, arrival, the score of a new run and the log likelihood (draw), by name."""
    found = {
        f"threshold {task}": compute_at_theta(fit, task, theta_at_score(fit, task, HALF)).values.ravel()
        for task in fit.data.task.values[~is_measured(fit.data)].tolist()  # before dates are spread as the record says
    }
    if "progress" in fit.posterior:
        found["arrival"] = _arrival(fit, str(fit.data.task.values[0]))
    return found | {
        "score of a new run": predict(fit, drawn.new, seed=seed).values[:, 0],
        "log likelihood": log_likelihood(fit),
    }


def _arrival(fit: Fit, task: str) -> np.ndarray:
    """Date at which the largest run, growing as given, and the recipes of the day bring one half: (draw,)."""
    as_of, needed = latest(fit.data), needed_path(fit, task, HALF)
    times = np.append(as_of + np.arange(-240, 481) / 12, FARTHEST)
    largest = np.broadcast_to(LAST + GROWTH * (times - as_of), (needed.size, len(times)))
    progress = progress_of(fit, Scenario(name="as before"), task=task, family=None, as_of=as_of, seed=1)
    nobody: Frontier = None  # type: ignore[assignment]  # the path is given
    outlook = Outlook(fit=fit, family=None, needed={"typical": needed}, frontier=nobody, as_of=as_of, seed=1)
    return arrival(outlook, "typical", Paths(years=times, log10_compute=largest), progress).values.ravel()


def parameters(fit: Fit) -> Iterator[tuple[str, np.ndarray]]:
    """Values (draw) of each named parameter, and of the effective compute of the first and the last run."""
    posterior = fit.posterior
    kept = [name for name in posterior if set(posterior[name].dims) <= SMALL_DIMS | {"chain", "draw"}]
    ends = posterior.theta.isel(run=[0, -1])
    for values in [*(posterior[name] for name in kept if not str(name).endswith(HIDDEN)), ends]:
        flat = values.transpose("chain", "draw", ...).values.reshape(values.sizes["chain"] * values.sizes["draw"], -1)
        yield from zip(labels_of(values), flat.T, strict=True)


def rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Draws below the truth, and a random part of those that equal it, as infinite thresholds do; NaN if all do."""
    equal = np.sum(draws == truth)
    return np.sum(draws < truth) + rng.integers(equal + 1) if equal < len(draws) or np.isinf(truth) else np.nan


def ranks_of(truth: Fit, refitted: Fit, drawn: Design, rng: np.random.Generator) -> dict[str, float]:
    """The rank of every number of a truth, whose data are those of the refit."""
    one, many = (
        dict(parameters(fit)) | reported(fit, drawn, seed=int(rng.integers(2**31))) for fit in (truth, refitted)
    )
    return {name: rank(many[name], values[0], rng) for name, values in one.items()}


def run(control: Control, path: Path, *, count: int, seconds: float, seed: int = 1) -> None:
    """Simulations of a control's kind up to so many, appended to a CSV that may hold some, until the time is over."""
    drawn, end = design(control.kind), time.monotonic() + seconds
    done = set(pd.read_csv(path)["simulation"]) if path.exists() else set()
    left = [each for each in range(count) if each not in done]
    if not left:
        return
    draws = AT_ONCE * math.ceil(count / AT_ONCE)  # so that a count does not move the truths of a smaller one
    true = truths(drawn, draws=draws, seed=seed, priors=control.of_truth)
    with control.fitted():
        refitter = Refitter(drawn, control.of_fit)
        for simulation in left:
            if time.monotonic() > end:
                return
            _append(path, _line(simulation, drawn, true, refitter, control))


def _line(simulation: int, drawn: Design, true: xr.Dataset, refitter: Refitter, control: Control) -> dict[str, float]:
    started, rng = time.monotonic(), np.random.default_rng([simulation, 2])
    truth = drawn_fit(true.isel(draw=[simulation]), drawn.data, control.of_truth, Parts())
    refit = refitter.refit(table_of(truth, drawn, seed=simulation), seed=simulation)
    seen = replace(refit.fit, posterior=truth.posterior)
    found = ranks_of(seen, refit.fit, drawn, rng)
    task = str(drawn.data.task.values[0])
    never = {
        name: float(np.mean(compute_at_theta(fit, task, theta_at_score(fit, task, HALF)) == np.inf))
        for name, fit in (("never", truth), ("p_never", refit.fit))
    }
    sampled = {"max_rhat": refit.max_rhat, "divergences": refit.divergences, "seconds": time.monotonic() - started}
    return {"simulation": simulation, **found, **never, **sampled}


def _append(path: Path, line: dict[str, float]) -> None:
    pd.DataFrame([line]).to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")
