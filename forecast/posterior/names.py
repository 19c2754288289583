"""Names of parameters in plain words: those that are reported, and every sampled one as diagnostics name it."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.scales import scale_of
from forecast.table.dataset import index_of
from models.dates import iso_date
from models.facts.layout import answers
from models.facts.parts import has_irreducible
from models.facts.placing import bend_knots

WORDS: Mapping[str, tuple[str, str]] = {
    "exponent": ("exponent", "decades that the loss of a task falls in a decade of effective compute"),
    "nu": ("frailty ν", "how alike the items of a task are; the smaller, the more they differ"),
    "irreducible": ("irreducible loss", "loss that remains at any compute, nats"),
    "ceiling": ("ceiling", "success of a perfect model; where it lies below the threshold, the answer is “never”"),
    "floor": ("floor", "success of a hopeless model"),
    "frailty_drift": ("drift of frailty", "change of log ν in a decade of effective compute"),
    "token_floor": ("floor of a token", "chance that a single token is right by guessing"),
    "log_loss_link_factor": (
        "factor of the loss",
        "log of the factor between the loss that answers follow and the measured one",
    ),
    "loss_link_power": ("power of the loss", "power of the measured loss in the loss that answers follow"),
    "sigma_run": ("run residual", "spread of runs around what their compute says, decades"),
    "sigma_bend": ("bend", "how far the slope of the law may change with compute"),
    "progress": ("progress", "decades that algorithms improve in a year at equal compute"),
    "progress_of_law": ("progress", "decades that algorithms improve in a year at equal compute, on one task"),
    "sigma_progress": ("spread of progress", "how far tasks differ in it, of its log"),
    "sigma_progress_walk": ("change of progress", "how far its rate changes in a year, of its log"),
    "sigma_half_year": ("shock of a half-year", "what all releases of one half-year have in common, decades"),
    "sigma_family": ("spread of families", "how far families lie apart at equal compute, decades"),
    "family_slope": ("slope of families", "decades that families gain in a decade of their mean compute"),
    "sigma_deviation": ("deviations of families", "how far families lie apart on one task beyond that, decades"),
    "sigma_skill": ("skills of families", "how far families lie apart on one kind of tasks beyond that, decades"),
    "params_exponent": ("exponent of parameters", "power of the number of parameters in the loss"),
    "tokens_exponent": ("exponent of tokens", "power of the number of training tokens in the loss"),
    "log10_optimal_ratio": ("optimal ratio", "log10 of the tokens per parameter of a compute-optimal run"),
    "log10_warm_up_tokens": ("tokens of warm-up", "log10 of the tokens until which checkpoints lag behind the law"),
    "warm_up_lag": ("lag in warm-up", "decades that a checkpoint lags behind at a third of these tokens"),
    "required_share": ("passing share", "share of the sub-judgements that a judgement wants"),
    "required_share_softness": ("softness of passing", "how far judges differ in the number that they want"),
}
"""Words and meaning of each parameter of `forecast.fitting.contraction.contraction`."""
_SAMPLED: Mapping[str, str] = {  # of those that only diagnostics name
    "log_concentration": "scatter of scores",
    "concentration": "scatter of scores",
    "log_nu_own": "frailty",
    "log_nu_mean": "typical frailty",
    "nu": "frailty",
    "log10_amplitude": "level",
    "floor_logit": "floor",
    "choice_floor_logit": "floor",
    "floor_logit_mean": "typical floor",
    "floor_logit_spread": "spread of floors",
    "log_exponent_mean": "typical exponent",
    "log_exponent_spread": "spread of exponents",
    "reference_logit_mean": "typical level",
    "reference_logit_spread": "spread of levels",
    "sigma_run": "spread of the residuals of runs",
    "sigma_bend": "size of bends",
    "run_residual": "residual",
    "progress_own": "progress",
    "progress_step": "change of progress",
    "progress_speed": "pace of progress",
    "half_year_own": "shock",
    "half_year_shock": "shock",
    "theta": "residual",
    "theta_origin": "level of all runs",
    "theta_scale": "spread of all runs",
    "family_effect": "effect",
    "family_own": "effect",
    "log_optimal_ratio": "optimal ratio",
    "frailty_drift_own": "drift of frailty",
    "token_floor_own": "floor of a token",
    "token_floor_spread": "spread of floors of a token",
    "token_floor_residual": "floor of a token",
    "token_floor_residual_own": "floor of a token",
    "answer_sd": "spread of the residuals of answers",
    "answer_residual": "residual",
    "answer_residual_own": "residual",
    "log_measured": "level of the measured loss",
    "log_guess_loss": "loss of a guess",
    "guess_excess": "loss of a guess",
    "log_loss_scale": "scatter of measured losses",
    "loss_scale": "scatter of measured losses",
}
OF_TASKS = ("score", "threshold")  # see `forecast.fitting.reported`
_COORDINATES = {"level": "level", "log_rise": "slope", "shortfall": "ceiling"}
_OF_ALL_RUNS = ("level of all runs", "spread of all runs")


def named(fit: Fit, label: str) -> str:
    """A parameter as diagnostics label it, such as `slopes[5]`, in words: 'the bend between 1.0e22 and 3.2e22 FLOP'."""
    variable, _, where = label.partition("[")
    if variable in OF_TASKS:
        return f"the {variable} of {where.removesuffix(']')}"
    if variable not in fit.posterior:
        return label
    draws = fit.posterior[variable]
    place = _places(draws).get(label)
    return label if place is None else f"the {_phrase(fit, variable, draws, place)}"


def _places(draws: xr.DataArray) -> dict[str, dict[str, int]]:
    """Indices by dim of every number of a variable, by its label in a summary."""
    dims = [str(dim) for dim in draws.dims if dim not in ("chain", "draw")]
    found = {}
    for place in product(*(range(draws.sizes[dim]) for dim in dims)):
        texts = [str(draws[dim].values[at]) for dim, at in zip(dims, place, strict=True)]
        found[f"{draws.name}[{', '.join(texts)}]" if dims else str(draws.name)] = dict(zip(dims, place, strict=True))
    return found


def _phrase(fit: Fit, variable: str, draws: xr.DataArray, place: Mapping[str, int]) -> str:
    label = {dim: str(draws[dim].values[at]) for dim, at in place.items()}
    words = _SAMPLED.get(variable) or (WORDS[variable][0] if variable in WORDS else variable)
    match tuple(place):
        case ("segment",):
            return _bend(fit, place["segment"])
        case ("knot",):
            return f"bend at {_at(fit, bend_knots(fit.data)[place['knot']])}"
        case (law, "law_coordinate"):
            at = index_of(fit.data, "law", label[law])
            return f"{_coordinate(fit, label['law_coordinate'], at)} of {label[law]}"
        case ("run_coordinate",):
            at = place["run_coordinate"]
            return _OF_ALL_RUNS[at] if at < len(_OF_ALL_RUNS) else "residuals of the runs"
        case ("answer",):
            return f"{words} of {_answer(fit, place['answer'])}"
        case ("kind", "family"):
            return f"skill of family {label['family']} in {label['kind']}s"
        case (_, "family"):
            return f"deviation of family {label['family']} on {next(iter(label.values()))}"
        case ("progress_piece",) | ("progress_knot",) | ("half_year",):
            return f"{words} in the half-year from {iso_date(float(next(iter(label.values()))))}"
        case ("kind",):
            return f"{words} of {label['kind']}s"
        case ("run",) | ("uninformative_run",):
            return f"{words} of run {next(iter(label.values()))}"
        case ("family",):
            return f"{words} of family {label['family']}"
        case ():
            return words
        case _:
            return f"{words} of {', '.join(label.values())}"


def _bend(fit: Fit, segment: int) -> str:
    """The piece of the law between two knots; the first and the last have one end."""
    knots = bend_knots(fit.data)
    if not len(knots):
        return "slope of the law"
    if segment == 0:
        return f"bend below {_at(fit, knots[0])}"
    if segment == len(knots):
        return f"bend beyond {_at(fit, knots[-1])}"
    return f"bend between {scale_of(fit.data).text(knots[segment - 1])} and {_at(fit, knots[segment])}"


def _at(fit: Fit, place: float) -> str:
    scale = scale_of(fit.data)
    return f"{scale.text(place)}{scale.unit}"


def _coordinate(fit: Fit, name: str, law: int) -> str:
    if name == "shortfall" and has_irreducible(fit.data)[law]:
        return "irreducible loss"
    return _COORDINATES[name]


def _answer(fit: Fit, answer: int) -> str:
    """The run and the law of a residual that the metrics of the same answers share."""
    row = int(np.argmax(answers(fit.data) == answer))
    law = fit.data.law_index.values[fit.data.task_index.values[row]]
    return f"run {fit.data.run.values[fit.data.run_index.values[row]]} on {fit.data.law.values[law]}"
