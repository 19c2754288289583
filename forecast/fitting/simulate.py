"""Simulation: tables drawn from the model with known truth, for tests, teaching and planning."""

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import UNKNOWN, Sampling
from forecast.fitting.sampler import draw_prior
from forecast.posterior.fit import Fit, installed_versions
from forecast.posterior.predict import row_means
from forecast.table.dataset import observations
from models.capability import capability_model
from models.equations.metrics import METRICS, metrics_where, rates
from models.facts.counts import contamination_of, draw_counts, mean_among
from models.facts.layout import error_of_log, tokens_per_item
from models.priors import Priors
from models.structures import Parts

ITEMS = 1000  # of a row that does not say


def simulate(
    rows: pd.DataFrame, *, seed: int, parts: Parts = Parts(), priors: Priors = Priors()
) -> tuple[pd.DataFrame, xr.Dataset]:
    """One table with the rows of `rows` and scores drawn from the model, and the truth they were drawn from.

    `rows` is what `forecast.table.dataset.read_rows` gives: models, tasks and compute, without scores. The truth has
    the variables of a posterior without chain and draw. Counts of the same answers (several k, tokens) agree with each
    other. Same seed, same table.
    """
    tokens = rows["length"].where(rows["metric"].isin(metrics_where("counts_tokens"))).fillna(1.0)  # in each item
    trials = rows["trials"].astype(float).fillna((ITEMS * tokens).round())
    design = rows.assign(trials=trials.where(rows["metric"].isin(rates())), successes=0)
    design = design.assign(score=(~rows["metric"].isin(rates())).astype(float))  # one nat; only its place counts
    data = observations(design.astype({"successes": "Int64", "trials": "Int64"}))
    model = capability_model(data, parts, priors)
    names = [variable.name for variable in model.unobserved_RVs]
    prior = draw_prior(model, draws=1, seed=seed, names=names)["prior"].to_dataset()[names]
    truth = drawn_fit(prior, data, priors, parts)
    drawn = prior.isel(chain=0, draw=0, drop=True).assign_attrs(seed=seed)
    return drawn_scores(design, truth, np.random.default_rng([seed, len(design)])), drawn


def drawn_fit(draws: xr.Dataset, data: xr.Dataset, priors: Priors, parts: Parts) -> Fit:
    """Draws that no diagnosis belongs to, such as a truth, as a fit that forecasts can be asked of."""
    return Fit(
        posterior=draws,
        data=data,
        priors=priors,
        parts=parts,
        sampling=Sampling(),
        diagnostics=UNKNOWN,
        table="simulated",
        below=None,
        versions=installed_versions(),
    )


def drawn_scores(design: pd.DataFrame, truth: Fit, rng: np.random.Generator) -> pd.DataFrame:
    """The design with measurements drawn around the expected ones: a count of the same answers after its given one."""
    data, priors, law = truth.data, truth.priors, truth.posterior.isel(chain=0, draw=0, drop=True)
    mean = row_means(truth)[:, 0]
    among, given, task = mean_among(mean, data), data.given_index.values, data.task_index.values
    options = contamination_of(priors, truth.parts)._asdict() | {"rng": rng}
    successes, score, size = np.full(len(design), np.nan), np.empty(len(design)), tokens_per_item(data)
    for row in _given_first(given):
        t = task[row]
        tokens, length = METRICS[data.metric.values[t]].counts_tokens, size[t]
        if not METRICS[data.metric.values[t]].is_rate:
            scale = np.hypot(float(law.loss_scale.sel(measured=data.task.values[t])), error_of_log(data)[row])
            score[row] = mean[row] * np.exp(scale * rng.standard_t(priors.loss_degrees_of_freedom))
            continue
        items = data.trials.values[row] / length
        out_of = items if given[row] < 0 else successes[given[row]]
        if tokens and given[row] >= 0:
            out_of = items - out_of
        count = draw_counts(out_of, among[row], float(law.concentration.values[t]), **options)
        if tokens:
            count = count + (successes[given[row]] if given[row] >= 0 else 0.0)
        successes[row] = np.round(count * length)
        score[row] = successes[row] / data.trials.values[row]
    return design.assign(successes=pd.array(successes, dtype="Float64").astype("Int64"), score=score)


def _given_first(given: np.ndarray) -> list[int]:
    """All rows in an order in which the row that another is a count out of comes before it."""
    depth = np.zeros(len(given), dtype=int)
    for _ in range(len(given)):
        deeper = np.where(given >= 0, depth[np.maximum(given, 0)] + 1, 0)
        if (deeper == depth).all():
            break
        depth = deeper
    return np.argsort(depth, kind="stable").tolist()
