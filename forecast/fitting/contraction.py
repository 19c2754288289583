"""Prior-posterior contraction: how much the data narrowed each parameter of interest and each threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import order_statistics
from forecast.files import json_number
from forecast.fitting.sampler import draw_prior
from forecast.posterior.fit import Fit
from forecast.posterior.score import PER_TASK, law_of_task
from forecast.posterior.tasks import is_measured
from forecast.posterior.threshold import threshold_draws
from forecast.table.direction import direction_of_task
from forecast.words import spoken_score
from models.capability import capability_model

PRIOR_DRAWS = 1000
CONTRACTED = 0.5  # a 90% interval at most half as wide as that of the prior: the data had the larger say
SHARED = (
    *("sigma_run", "sigma_half_year", "sigma_bend", "progress", "sigma_progress", "sigma_progress_walk"),
    *("sigma_family", "family_slope", "sigma_deviation", "sigma_skill"),
)
SHARED_SPLIT = ("params_exponent", "tokens_exponent", "log10_optimal_ratio", "log10_warm_up_tokens", "warm_up_lag")
EACH_TASK = (
    "exponent",
    "nu",
    "irreducible",
    "ceiling",
    "floor",
    "frailty_drift",
    "token_floor",
    "log_loss_link_factor",
    "loss_link_power",
    "required_share",
    "required_share_softness",
)
MEASURED_PLAIN = (  # all other widths are those of the log
    *("ceiling", "floor", "irreducible", "family_slope", "log10_optimal_ratio"),
    *("frailty_drift", "token_floor", "log_loss_link_factor", "log10_warm_up_tokens", "required_share"),
)


def prior_of(fit: Fit, *, draws: int = PRIOR_DRAWS, seed: int = 1) -> Fit:
    """The same fit with draws from its prior in place of the posterior; it knows the table's runs, not their scores.

    The few draws are left out whose laws are so steep that their exponent overflows: they have no threshold.
    """
    names = [str(name) for name in fit.posterior.data_vars]
    model = capability_model(fit.data, fit.parts, fit.priors)
    drawn = draw_prior(model, draws=draws, seed=seed, names=names)["prior"].to_dataset()
    finite = [np.isfinite(each.transpose("draw", ...).values).reshape(draws, -1).all(axis=1) for each in drawn.values()]
    return replace(fit, posterior=drawn.isel(draw=np.logical_and.reduce(finite)))


def contraction(
    fit: Fit,
    *,
    at: Sequence[float],
    tasks: Sequence[str] | None = None,
    family: str | None = None,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """Prior and posterior 5, 50 and 95% quantiles of each parameter of interest and of each threshold.

    Thresholds are at each score of `at`, of those of `tasks` (None: all rates) that neither fall nor turn, and of a
    family or the typical recipe.
    `width_ratio` is the posterior width of the 90% interval by the prior's, for positive parameters that of their log;
    where the 95% quantile of a threshold is infinite, that from 5 to 50%, and None where the median is infinite too.
    The data moved what has a ratio of at most one half.
    """
    prior = prior_of(fit, seed=seed)
    lines = [
        _prior_beside_posterior(label, None, before, after, on_log=name not in MEASURED_PLAIN)
        for name in (*SHARED, *SHARED_SPLIT)
        if name in fit.posterior
        for label, before, after in _each_kind(name, prior.posterior[name], fit.posterior[name])
    ]
    for task in fit.posterior.task.values.tolist():
        before, after = law_of_task(prior, task), law_of_task(fit, task)
        lines += [
            _prior_beside_posterior(name, task, before[name], after[name], on_log=name not in MEASURED_PLAIN)
            for name in EACH_TASK
            if name in before and float(before[name].std()) > 0 and not (is_measured(fit, task) and name in PER_TASK)
        ]
        asked = not is_measured(fit, task) if tasks is None else task in tasks
        for score in at if asked and direction_of_task(fit.data, task).can_be_modelled else ():
            crossed = [threshold_draws(each, task, score, family=family) for each in (prior, fit)]
            never = [float((draws == np.inf).mean()) for draws in crossed]
            line = _prior_beside_posterior(
                f"log10_compute at {_spoken(fit, task, score)}", task, *crossed, on_log=False
            )
            lines.append(line | {"prior_p_never": never[0], "p_never": never[1]})
    return lines


def _spoken(fit: Fit, task: str, score: float) -> str:
    return spoken_score(score, fit.data.metric.sel(task=task).item())


def _each_kind(
    name: str, before: xr.DataArray, after: xr.DataArray
) -> Iterator[tuple[str, xr.DataArray, xr.DataArray]]:
    """A shared parameter or, where laws of each kind have their own, each of them by its kind."""
    if "kind" not in after.dims:
        yield name, before, after
        return
    for kind in after.kind.values.tolist():
        label = name if after.sizes["kind"] == 1 else f"{name} of {kind}s"
        yield label, before.sel(kind=kind), after.sel(kind=kind)


def _prior_beside_posterior(
    name: str, task: str | None, prior: xr.DataArray, posterior: xr.DataArray, *, on_log: bool
) -> dict[str, Any]:
    before, after = (np.array([*order_statistics(draws.values).values()]) for draws in (prior, posterior))
    ratio = _width_ratio(*(np.log([before, after]) if on_log else (before, after)))
    return {
        "parameter": name,
        "task": task,
        "prior": [json_number(value) for value in before],
        "posterior": [json_number(value) for value in after],
        "width_ratio": ratio,
        "moved": ratio is not None and ratio <= CONTRACTED,
    }


def _width_ratio(before: np.ndarray, after: np.ndarray) -> float | None:
    for upper in (2, 1):
        ends = np.array([before[0], before[upper], after[0], after[upper]])
        if np.isfinite(ends).all() and ends[1] > ends[0]:
            return float((ends[3] - ends[2]) / (ends[1] - ends[0]))
    return None
