"""Scales of the priors that bear on a task, and the posterior draws in multiples of them.

Every scale s of `models.priors.Priors` multiplies a standard number: ``x = m + s z``, z normal and x a parameter or its
log; or ``x = p e``, e exponential, for minus the log of a shortfall, ``u^p``. With g times the scale, the log prior
density of the same x changes by

    normal         z^2 (1 - 1 / g^2) / 2 - ln g
    exponential    e (1 - 1 / g) - ln g

as if the prior were raised to the power 1 / g^2, or 1 / g. A prior f times as wide has g = f times the scale; that of a
shortfall has g = 1 / f, since small powers allow asymptotes far from 1. Where laws are pooled, their prior about a mean
with a spread stays: scaled are the priors of this mean and this spread. What a law or a task has without pooling, such
as its ceiling, is scaled for one task alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from forecast.fitting.sensitivity.own import Own
from forecast.posterior.fit import Fit
from models.equations.loss import LN10
from models.equations.surrogates import room_above
from models.facts.ceilings import NONE, bounding_length, bounding_task, lowest_ceiling
from models.facts.parts import fewest_tokens, has_irreducible
from models.facts.placing import surrogate_length

POWERS = ("ceiling_shortfall_power", "human_shortfall_power", "loss_shortfall_power")
TINY = 2e-16  # the smallest shortfall that doubles near one know


@dataclass(frozen=True, kw_only=True)
class PriorScale:
    """A scale of a prior, and the draws of a fit in multiples of it."""

    number: str  # of `models.priors.Priors`
    name: str  # of the prior, in words
    standard: xr.DataArray  # chain, draw and, where several priors have the scale, others: z, or e

    def log_ratio(self, wider: float) -> xr.DataArray:
        """Log density of a prior `wider` times as wide over that of the prior as it is: dims chain, draw."""
        by = multiplier(self.number, wider)
        if self.number in POWERS:
            each = self.standard * (1.0 - 1.0 / by)
        else:
            each = 0.5 * self.standard**2 * (1.0 - by**-2)
        several = [dim for dim in each.dims if dim not in ("chain", "draw")]
        return (each - np.log(by)).sum(several).transpose("chain", "draw")


def multiplier(number: str, wider: float) -> float:
    """By what a number of the priors is multiplied in a prior `wider` times as wide."""
    return 1.0 / wider if number in POWERS else wider


def prior_scales(fit: Fit, task: str) -> list[PriorScale]:
    """The scales of all priors that bear on a task, by its label, of a fit of one structure."""
    own = Own(fit, task)
    return [
        PriorScale(
            number=prior.number, name=prior.name, standard=prior.distance(own) / getattr(own.priors, prior.number)
        )
        for prior in PRIORS
        if prior.variable in own.x and prior.number not in own.idle
    ]


class _Prior(NamedTuple):
    number: str  # the scale, of `models.priors.Priors`
    name: str  # in words
    variable: str  # without which a fit has no such prior
    distance: Callable[[Own], xr.DataArray]  # x - m


def _normal(number: str, name: str, x: str, m: str | None = None) -> _Prior:
    """A prior of a variable x around a number m of the priors, or zero; 'ln x' and 'ln m' are their logs."""
    return _Prior(number, name, x.removeprefix("ln "), lambda own: _of(own.x, x) - (_of(own.priors, m) if m else 0.0))


def _of(holder: Any, name: str) -> Any:
    value = getattr(holder, name.removeprefix("ln "))
    return np.log(value) if name.startswith("ln ") else value


def _of_standard(number: str, name: str, variable: str) -> _Prior:
    """A prior of which the model samples z itself."""
    return _Prior(number, name, variable, lambda own: own.x[variable] * getattr(own.priors, number))


def _bend(own: Own) -> xr.DataArray:
    median = "bend_sd_median_of_split" if "params_exponent" in own.x else "bend_sd_median"
    return np.log(own.x.sigma_bend) - np.log(getattr(own.priors, median))


def _split(own: Own) -> xr.DataArray:
    both = xr.concat([own.x.params_exponent, own.x.tokens_exponent], dim="of")
    return np.log(both) - np.log(own.priors.params_exponent_median)


def _warm_up_tokens(own: Own) -> xr.DataArray:
    return own.x.log10_warm_up_tokens - (fewest_tokens(own.data) + own.priors.log10_warm_up_beyond_fewest)


def _deviations(own: Own) -> xr.DataArray:
    names = ["sigma_deviation"] if own.laws_of_kind > 1 else []
    names += ["sigma_skill"] if "sigma_skill" in own.x else []
    return np.log(xr.concat([own.x[name] for name in names], dim="of")) - np.log(own.priors.deviation_sd_median)


def _minus_log_shortfall(own: Own) -> xr.DataArray:
    """Minus the log of what the asymptote lacks of 1, as a share of the room above success at the reference."""
    nu, length = own.x.nu, surrogate_length(own.data)[own.law]
    if has_irreducible(own.data)[own.law]:
        log_asymptote = -nu * np.log1p(length * own.x.irreducible / nu)
        stretch: Any = np.exp(-log_asymptote / nu)
    else:
        log_asymptote, stretch = np.log((own.x.ceiling - own.x.floor) / (1.0 - own.x.floor)), 1.0
    hazard = length * 10.0**own.x.log10_amplitude / stretch
    log_success = log_asymptote - nu * np.log1p(hazard / nu)
    room = (-np.expm1(log_success)).clip(TINY)
    if (task := bounding_task(own.data)[own.law]) != NONE:
        lengths = {"length": length, "bounding_length": bounding_length(own.data)[own.law]}
        floor = own.fit.posterior.floor.isel(task=task, drop=True)
        room = np.minimum(room, room_above(lowest_ceiling(own.data)[task], floor=floor, nu=nu, **lengths))
    return np.log(room) - np.log((-np.expm1(log_asymptote)).clip(TINY))


def _loss_level(own: Own) -> xr.DataArray:
    """Of the loss at the reference."""
    return np.log(own.x.irreducible + np.exp(LN10 * own.x.log10_amplitude)) - np.log(own.priors.loss_median)


def _horizon_level(own: Own) -> xr.DataArray:
    """Of the horizon at the reference, which is one over the loss."""
    return -LN10 * own.x.log10_amplitude - np.log(own.priors.horizon_median)


def _loss_exponent(own: Own) -> xr.DataArray:
    if "params_exponent" not in own.x:
        return np.log(own.x.exponent) - np.log(own.priors.loss_exponent_median)
    together = 1.0 / (1.0 / own.x.params_exponent + 1.0 / own.x.tokens_exponent)
    return np.log(own.x.exponent / (together * own.x.theta_scale))


PRIORS = (
    _normal("exponent_log_sd", "typical exponent", "log_exponent_mean", "ln exponent_median"),
    _normal("exponent_spread_log_sd", "spread of exponents", "ln log_exponent_spread", "ln exponent_spread_median"),
    _normal("reference_logit_sd", "typical level", "reference_logit_mean", "reference_logit_mean"),
    _normal(
        "reference_logit_spread_sd", "spread of levels", "ln reference_logit_spread", "reference_logit_spread_median"
    ),
    _normal("frailty_log_sd", "typical frailty", "log_nu_mean", "ln frailty_median"),
    _of_standard("frailty_log_spread", "frailty of the task", "log_nu_own"),
    _Prior("ceiling_shortfall_power", "ceiling", "ceiling", _minus_log_shortfall),
    _Prior("human_shortfall_power", "ceiling above experts", "ceiling", _minus_log_shortfall),
    _normal("floor_logit_sd", "typical floor", "floor_logit_mean", "floor_logit_mean"),
    _normal("floor_logit_spread_sd", "spread of floors", "ln floor_logit_spread", "floor_logit_spread_median"),
    _normal("choice_floor_logit_sd", "chance of a guess", "choice_floor_logit", "choice_floor_logit_mean"),
    _normal("run_sd_log_sd", "run residual", "ln sigma_run", "ln run_sd_median"),
    _Prior("bend_sd_log_sd", "bend", "sigma_bend", _bend),
    _normal("family_sd_log_sd", "spread of families", "ln sigma_family", "ln family_sd_median"),
    _normal("family_slope_sd", "slope of families", "family_slope"),
    _Prior("deviation_sd_log_sd", "deviations of families", "sigma_deviation", _deviations),
    _normal("progress_log_sd", "progress", "ln progress", "ln progress_median"),
    _normal("progress_spread_log_sd", "spread of progress", "ln sigma_progress", "ln progress_spread_median"),
    _normal("progress_walk_log_sd", "change of progress", "ln sigma_progress_walk", "ln progress_walk_median"),
    _normal("half_year_sd_log_sd", "shock of a half-year", "ln sigma_half_year", "ln half_year_sd_median"),
    _Prior("params_exponent_log_sd", "exponents of parameters and tokens", "params_exponent", _split),
    _normal("optimal_ratio_log_sd", "optimal ratio", "log_optimal_ratio", "ln optimal_ratio_median"),
    _Prior("log10_warm_up_sd", "tokens of warm-up", "log10_warm_up_tokens", _warm_up_tokens),
    _normal("warm_up_lag_sd", "lag in warm-up", "warm_up_lag"),
    _normal("concentration_log_sd", "scatter of scores", "log_concentration", "ln concentration_median"),
    _Prior("loss_log_sd", "level of the loss", "irreducible", _loss_level),
    *(
        _Prior(f"loss_exponent_log_sd{of}", "exponent of the loss", "exponent", _loss_exponent)
        for of in ("", "_of_own_split", "_of_split")
    ),
    _Prior("loss_shortfall_power", "irreducible loss", "irreducible", _minus_log_shortfall),
    *(
        _normal(f"loss_scale_log_sd{of}", "scatter of measured losses", "ln loss_scale", "ln loss_scale_median")
        for of in ("", "_of_answers")
    ),
    _Prior("horizon_log_sd", "level of the horizon", "log10_amplitude", _horizon_level),
    _normal("horizon_exponent_log_sd", "exponent of the horizon", "ln exponent", "ln horizon_exponent_median"),
    _normal("horizon_scale_log_sd", "scatter of horizons", "ln loss_scale", "ln horizon_scale_median"),
    _normal("answer_sd_log_sd", "residual of answers", "ln answer_sd", "ln answer_sd_median"),
    *(
        _normal(
            f"loss_link_factor_log_sd{of}", "factor of the loss", "log_loss_link_factor", "ln loss_link_factor_median"
        )
        for of in ("", "_of_unknown_length")
    ),
    _normal("loss_link_power_log_sd", "power of the loss", "ln loss_link_power", "ln loss_link_power_median"),
    _normal("guess_excess_log_sd", "loss of a guess", "ln guess_excess", "ln guess_excess_median"),
    _of_standard("frailty_drift_sd", "drift of frailty", "frailty_drift_own"),
    _of_standard("token_floor_logit_sd", "floor of a token", "token_floor_own"),
    _normal(
        "token_floor_spread_log_sd", "floors of tokens of runs", "ln token_floor_spread", "ln token_floor_spread_median"
    ),
    _normal(
        "required_share_softness_log_sd",
        "softness of passing",
        "ln required_share_softness",
        "ln required_share_softness_median",
    ),
)
"""All scales that are numbers of the priors, but for those of outliers and of the form of a distribution."""
