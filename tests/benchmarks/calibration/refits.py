"""Refits: truths and tables drawn from the prior predictive of a design, and its posterior again and again.

One model and one program serve all refits of a design: only counts and losses are swapped, by `pm.set_data`.
"""

from dataclasses import dataclass, replace

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from scipy import stats

from forecast.draws import Sampling
from forecast.fitting.compiling.program import Variables, compiled
from forecast.fitting.sampler import draw_prior, values_drawn
from forecast.fitting.simulate import drawn_fit, drawn_scores
from forecast.posterior.fit import Fit
from forecast.posterior.predict import row_means
from models.capability import capability_model
from models.facts.counts import conditional_counts, contamination_of, log_density_of_count, mean_among
from models.facts.layout import error_of_log, is_measured
from models.priors import Priors
from models.structures import Parts
from tests.benchmarks.calibration.designs import Design

SAMPLING = Sampling(chains=1, tune=400, draws=400)
RANKS = 99  # draws that a truth is ranked among


@dataclass(frozen=True, kw_only=True)
class Refit:
    """Nearly independent draws of a posterior, and how it was sampled."""

    fit: Fit
    max_rhat: float  # of all sampled values, of the halves of the chain
    divergences: int


class Refitter:
    """The posterior of any scores of a design."""

    def __init__(self, design: Design, priors: Priors = Priors(), parts: Parts = Parts()):
        self._design, self._priors, self._parts = design, priors, parts
        self._model = capability_model(design.data, parts, priors)
        self._program, self._variables = compiled(self._model), Variables(self._model)

    def refit(self, table: pd.DataFrame, *, seed: int) -> Refit:
        data = with_scores(self._design.data, table)
        with self._model:
            pm.set_data(_observed(data))
        values, divergences = values_drawn(self._program.with_present_data(), replace(SAMPLING, seed=seed))
        few = values.isel(draw=np.linspace(0, values.sizes["draw"] - 1, RANKS).round().astype(int))
        found = drawn_fit(self._variables.of(few), data, self._priors, self._parts)
        with np.errstate(invalid="ignore", divide="ignore"):  # under a fault a chain may stand still
            rhat = az.rhat(_halves(values))
        return Refit(fit=found, max_rhat=max(float(rhat[name].max()) for name in rhat), divergences=divergences)


def _halves(values: xr.Dataset) -> xr.Dataset:
    """The first and the second half of a lone chain, as chains."""
    half = values.sizes["draw"] // 2
    parts = (values.isel(chain=0, draw=slice(start, start + half)).drop_vars("draw") for start in (0, half))
    return xr.concat(list(parts), dim="chain")


def truths(design: Design, *, draws: int, seed: int, priors: Priors = Priors(), parts: Parts = Parts()) -> xr.Dataset:
    """Draws of all variables from the prior of a design: dims chain, draw and their own."""
    model = capability_model(design.data, parts, priors)
    names = [str(variable.name) for variable in model.unobserved_RVs]
    return draw_prior(model, draws=draws, seed=seed, names=names)["prior"].to_dataset()[names]


def table_of(truth: Fit, design: Design, *, seed: int) -> pd.DataFrame:
    """The rows of a design with scores drawn around those that a truth (one draw) expects."""
    return drawn_scores(design.rows, truth, np.random.default_rng([seed, 1]))


def with_scores(data: xr.Dataset, table: pd.DataFrame) -> xr.Dataset:
    """Observations with the scores of a table, and all that is placed by scores left where it is."""
    successes, score = (table[name].to_numpy(dtype=float, na_value=np.nan) for name in ("successes", "score"))
    return data.assign(successes=("observation", successes), score=("observation", score))


def _observed(data: xr.Dataset) -> dict[str, np.ndarray]:
    """What the model observes, by the names of its data."""
    measured = is_measured(data)[data.task_index.values]
    counts = dict(zip(("successes", "trials"), conditional_counts(data), strict=True))
    found = {name: values[~measured] for name, values in counts.items()} if not measured.all() else {}
    return found | ({"log_loss_observed": np.log(data.score.values[measured])} if measured.any() else {})


def log_likelihood(fit: Fit) -> np.ndarray:
    """Log likelihood (draw) of the data of a fit, from its expected scores: in NumPy, beside the graph."""
    data, posterior = fit.data, fit.posterior.stack(sample=("chain", "draw"))
    task, mean = data.task_index.values, row_means(fit)
    rows = np.flatnonzero(~is_measured(data)[task])
    losses = np.flatnonzero(is_measured(data)[task])
    counts, trials = (each[rows, None] for each in conditional_counts(data))
    concentration = posterior.concentration.transpose("task", "sample").values[task[rows]]
    share = mean_among(mean, data)[rows]
    found = log_density_of_count(counts, trials, share, concentration, contamination_of(fit.priors, fit.parts)).sum(0)
    if len(losses):
        scale = posterior.loss_scale.sel(measured=data.task.values[task[losses]]).transpose("measured", "sample").values
        scale = np.hypot(scale, error_of_log(data)[losses, None])
        score, freedom = data.score.values[losses, None], fit.priors.loss_degrees_of_freedom
        found = found + stats.t.logpdf(np.log(score), freedom, np.log(mean[losses]), scale).sum(axis=0)
    return found
