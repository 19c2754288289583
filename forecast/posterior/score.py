"""Expected score of one task: from effective compute to score or loss, and back."""

from dataclasses import dataclass, fields

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.posterior.tasks import is_measured, law_name
from models.equations.loss import log_measured_loss, power_law_loss, theta_from_loss
from models.equations.metrics import (
    METRICS,
    frailty,
    loss_of_success,
    measured_score,
    score_from_success,
    success_from_score,
    success_of_judgement,
    success_of_task,
    token_floor_of_run,
)
from models.equations.numbers import root_between
from models.facts.layout import has_unknown_k, links_loss_to_rates, unknown_k_length
from models.facts.parts import has_drift, has_token_floor
from models.facts.placing import drift_limits

PER_LAW = ("nu", "log10_amplitude", "exponent", "irreducible", "frailty_drift", "token_floor", "answer_sd")
PER_TASK = ("floor", "ceiling", "concentration")
REQUIRED = ("required_share", "required_share_softness")
LOSS_LINK = ("log_loss_link_factor", "loss_link_power", "log_guess_loss")
FARTHEST = 60.0  # decades of standard effective compute between which a crossing without a closed form is sought
USUAL_LOG10_LOSSES = 1.0, 0.0, -1.0, -2.0, -3.0  # reducible: most crossings lie between two of them
TOLERANCE = 1e-11  # decades, of a crossing that is sought
LARGEST, SMALLEST = 1e300, 1e-300  # in place of an infinite loss, and of a score of none


def law_of_task(fit: Fit, task: str) -> xr.Dataset:
    """Parameters of one task and its law, by their name in the equations: dims chain, draw.

    frailty_drift, token_floor, required_share, required_share_softness, log_loss_link_factor, loss_link_power,
    log_guess_loss and loss_scale are there only where they apply.
    """
    posterior, law = fit.posterior, law_name(fit, task)
    at, data = int(fit.data.law_index.sel(task=task)), fit.data
    found = {name: posterior[name].sel(law=law, drop=True) for name in PER_LAW if name in posterior}
    found |= {name: posterior[name].sel(task=task, drop=True) for name in PER_TASK}
    if not has_drift(data, fit.parts)[at]:
        found.pop("frailty_drift", None)
    if not has_token_floor(data, fit.parts)[at]:
        found.pop("token_floor", None)
    if has_unknown_k(data)[data.task.values == task].item():
        found |= {name: posterior[name].sel(unknown_k=task, drop=True) for name in REQUIRED}
    if is_measured(fit, task):
        found["loss_scale"] = posterior.loss_scale.sel(measured=task, drop=True)
        if links_loss_to_rates(data)[at]:
            found |= {name: posterior[name].sel(law=law, drop=True) for name in LOSS_LINK}
    return xr.Dataset(found)


def loss_per_token(law: xr.Dataset, theta: xr.DataArray, *, residual: xr.DataArray | float = 0.0) -> xr.DataArray:
    """Loss that the answers follow, nats per token, at standard effective compute theta; `residual` is of its log."""
    shape = {name: law[name] for name in ("irreducible", "log10_amplitude", "exponent")}
    return power_law_loss(theta, theta_ref=0.0, **shape) * np.exp(residual)


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """What the metrics of one run's answers share beyond its effective compute; of a typical run zero."""

    log_loss: xr.DataArray | float = 0.0  # of the natural log of the loss
    token_floor: xr.DataArray | float = 0.0  # of the logit of the chance that a token is guessed


def residuals_of_answers(fit: Fit, answer: xr.DataArray | int) -> Residuals:
    """Residuals of fitted answers, by their index."""
    names = {"log_loss": "answer_residual", "token_floor": "token_floor_residual"}
    found = {
        name: fit.posterior[of].isel(answer=answer, drop=True) for name, of in names.items() if of in fit.posterior
    }
    return Residuals(**found)


def expected_score(fit: Fit, task: str, theta: xr.DataArray, residuals: Residuals = Residuals()) -> xr.DataArray:
    """Expected score of a task at standard effective compute theta, per posterior draw.

    Of a loss its median, nats; of a horizon too, minutes.
    """
    return _expected(fit, task, law_of_task(fit, task), theta, residuals)


def _expected(fit: Fit, task: str, law: xr.Dataset, theta: xr.DataArray, residuals: Residuals) -> xr.DataArray:
    metric, length, k = _facts(fit, task)
    loss = loss_per_token(law, theta, residual=residuals.log_loss)
    if not METRICS[metric].is_rate:
        if "log_loss_link_factor" not in law:
            return measured_score(loss, metric=metric)
        with np.errstate(over="ignore", divide="ignore"):  # far away a loss is infinite or zero
            return np.exp(log_measured_loss(loss, **{name: law[name] for name in LOSS_LINK}))
    nu = frailty(theta, law.nu, law.get("frailty_drift"), limits=drift_limits(fit.data))
    floor = token_floor_of_run(law.token_floor, residuals.token_floor) if "token_floor" in law else None
    if "required_share" in law:
        own = {
            "share": law.required_share,
            "softness": law.required_share_softness,
            "length": _judged_length(fit, task),
        }
        success = success_of_judgement(loss, nu, **own, token_floor=0.0 if floor is None else floor)
    else:
        success = success_of_task(loss, nu, metric=metric, length=length, k=k, token_floor=floor)
    return score_from_success(success, floor=law.floor, ceiling=law.ceiling)


def theta_at_score(fit: Fit, task: str, at: float | xr.DataArray, residuals: Residuals = Residuals()) -> xr.DataArray:
    """Standard effective compute at which the expected score of a task is `at`: dims chain, draw and those of `at`.

    Closed form where there is one. `inf` where no compute suffices, `-inf` where any does.
    """
    law, metric, length, k = law_of_task(fit, task), *_facts(fit, task)
    if not _is_closed(metric, law):
        return _crossing(fit, task, at, residuals, like=law.nu + 0.0 * at + 0.0 * residuals.log_loss)
    shape = {name: law[name] for name in ("irreducible", "log10_amplitude", "exponent")}
    if not METRICS[metric].is_rate:
        loss = measured_score(at, metric=metric)
        return theta_from_loss(loss * np.exp(-residuals.log_loss), theta_ref=0.0, **shape)
    success = success_from_score(at, floor=law.floor, ceiling=law.ceiling)
    loss = loss_of_success(success, law.nu, metric=metric, length=length, k=k)
    return theta_from_loss(loss * np.exp(-residuals.log_loss), theta_ref=0.0, **shape)


def has_closed_inverse(fit: Fit, task: str) -> bool:
    """Whether `theta_at_score` is a formula for this task; else it is a search, draw by draw."""
    return _is_closed(_facts(fit, task)[0], law_of_task(fit, task))


def _is_closed(metric: str, law: xr.Dataset) -> bool:
    bent = {"frailty_drift", "token_floor", "log_loss_link_factor", "required_share"}
    return not (METRICS[metric].is_rate and METRICS[metric].inverse is None) and not bent & set(law)


def _crossing(
    fit: Fit, task: str, at: float | xr.DataArray, residuals: Residuals, *, like: xr.DataArray
) -> xr.DataArray:
    """The crossing of a curve without a closed inverse, taken to cross once.

    It is sought where the logit of the score, or the log of the loss, meets that of `at`: nearly straight lines.
    """
    law, measured = law_of_task(fit, task), is_measured(fit, task)
    every = {str(name): each for name, each in law.items()} | {"at": xr.DataArray(at)}
    every |= {f"residual_{each.name}": xr.DataArray(getattr(residuals, each.name)) for each in fields(residuals)}
    flat = xr.Dataset(
        {
            name: ("element", each.broadcast_like(like).transpose(*like.dims).values.ravel())
            for name, each in every.items()
        }
    )

    def excess(theta: np.ndarray, where: np.ndarray) -> np.ndarray:
        own = flat.isel(element=where)
        shared = Residuals(**{each.name: own[f"residual_{each.name}"] for each in fields(residuals)})
        score = _expected(fit, task, own, xr.DataArray(theta, dims="element"), shared)
        if measured:
            return np.log(own["at"].values) - np.log(score.values.clip(SMALLEST, LARGEST))
        return _logit(score.values) - _logit(own["at"].values)

    elements, ends = np.arange(like.size), [np.full(like.size, end) for end in (-FARTHEST, FARTHEST)]
    low, high = (excess(end, elements) for end in ends)
    for log10_loss in USUAL_LOG10_LOSSES:
        place = ((flat["log10_amplitude"] - log10_loss) / flat["exponent"]).values.clip(-FARTHEST, FARTHEST)
        below = excess(place, elements) < 0
        ends = [np.where(below, place, ends[0]), np.where(below, ends[1], np.minimum(place, ends[1]))]
    found = root_between(excess, *ends, elements, tolerance=TOLERANCE)
    found = np.select([low >= 0, ~(high > 0)], [-np.inf, np.inf], found)
    return like.copy(data=found.reshape(like.shape))


def _logit(score: np.ndarray) -> np.ndarray:
    """Logit of a score, finite at none and all."""
    return np.log(score.clip(SMALLEST)) - np.log((1.0 - score).clip(SMALLEST))


def _judged_length(fit: Fit, task: str) -> int:
    return int(unknown_k_length(fit.data)[fit.data.task.values == task].item())


def _facts(fit: Fit, task: str) -> tuple[str, float, float]:
    facts_of_task = fit.data.sel(task=task)
    return facts_of_task.metric.item(), facts_of_task.task_length.item(), facts_of_task.task_k.item()
