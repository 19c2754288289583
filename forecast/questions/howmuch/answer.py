"""Answer of `howmuch`: all runs that reach a score, in parameters and tokens, and what limits cost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import QUANTILES, quantiles
from forecast.errors import ForecastError
from forecast.posterior.fit import Fit
from forecast.posterior.reached import reached, with_sizes
from forecast.posterior.threshold import silenced, threshold
from forecast.published import Answer
from forecast.questions.howmuch.sizes import LOG10_SIX, cheapest_run, known_sizes, optimal_run, params_of, tokens_of
from forecast.table.splits import ADD_COMPUTE, IN_YEARS
from models.dates import by_date
from models.equations.compute import REPEATS_DECAY, effective_tokens, most_effective_tokens, tokens_seen

CURVE_QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
REACH, STEP = 1.5, 0.05  # decades of parameters to either side of the optimal ones, and between points of the curve
Size = xr.DataArray | float  # log10 of parameters or of tokens: draws, or given
SPLIT_NOTES = {
    "learned": "the split of compute into parameters and tokens is learned from the runs of the table",
    "prior": (
        "the table does not vary parameters and tokens independently: the split is that of published work (Hoffmann et "
        "al. 2022, refitted by Besiroglu et al. 2024: exponents near 0.35, about 20 tokens a parameter), with its "
        "uncertainty, and the runs of the table count as compute-optimal"
    ),
}


@dataclass(frozen=True, kw_only=True)
class FixedSizes:
    """What is fixed beforehand; None: nothing is."""

    params: float | None = None  # size of the model
    tokens: float | None = None  # tokens seen in training, repeats and all
    unique_tokens: float | None = None  # different tokens that there are

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 1 <= value < np.inf:
                option = f"--{name.replace('_', '-')}"
                raise ForecastError(f"{option} must be a number of at least 1, got {value:g}; 7 billion is written 7e9")


def howmuch(
    fit: Fit,
    task: str,
    at: float,
    *,
    given: FixedSizes = FixedSizes(),
    family: str | None = None,
    year: float | None = None,
    seed: int = 1,
) -> Answer:
    """What it takes to reach a score, as plain values: quantiles are order statistics of draws that may be infinite.

    compute_optimal: the run of least compute. curve: tokens needed at each number of parameters. fixed_params and
    fixed_tokens: what the other size must be, and its cost beside the optimal run. limited_data: the same where only
    so many different tokens exist and are repeated, and the cheapest run under that limit. Of a table of dates nothing
    of the kind follows: a `ForecastError`.
    """
    if by_date(fit.data):
        raise ForecastError(
            f"{IN_YEARS}; no parameters or tokens follow from it; {ADD_COMPUTE} (`forecast when` says the date)"
        )
    threshold_answer = threshold(fit, task, at, family=family, year=year)
    asked = {name: threshold_answer[name] for name in ("task", "metric", "at", "event", "family")}
    optimal = optimal_run(fit, task, at, family=family, year=year, seed=seed)
    runs = reached(fit, task, at, family)
    return silenced(
        fit,
        asked
        | {
            "split": optimal.attrs["split"],
            "split_note": SPLIT_NOTES[optimal.attrs["split"]],
            "seed": seed,
            "compute_optimal": {
                name: quantiles(optimal[name].values, QUANTILES)
                for name in ("log10_compute", "log10_params", "log10_tokens")
            },
            "curve": _curve(optimal, given),
            **{name: run and run | with_sizes(runs, name, run) for name, run in _fixed(optimal, given).items()},
            "limited_data": _limited(optimal, given),
            "p_never": threshold_answer["p_never"],
            "diagnostics": threshold_answer["diagnostics"],
            **{name: threshold_answer[name] for name in ("families", "reached_with_less", "data_log10_compute")},
            **{f"data_{name}": ends for name, ends in known_sizes(fit).items()},
        },
        curve=[],
    )


def _curve(optimal: xr.Dataset, given: FixedSizes) -> list[dict[str, Any]]:
    """Tokens needed along a grid of parameters around the optimal ones, and around those given."""
    centre = optimal.log10_params.values
    centre = centre[np.isfinite(centre)]
    middles = [float(np.median(centre))] if centre.size else []
    middles += [] if given.params is None else [float(np.log10(given.params))]
    if not middles:
        return []
    first, last = np.floor((min(middles) - REACH) / STEP), np.ceil((max(middles) + REACH) / STEP)
    grid = np.arange(first, last + 1) * STEP
    needed = tokens_of(optimal, xr.DataArray(grid, dims="point"))
    return [
        {
            "log10_params": round(float(x), 6),
            "log10_tokens": quantiles(needed.isel(point=point).values, CURVE_QUANTILES),
            "p_never": float((needed.isel(point=point) == np.inf).mean()),
        }
        for point, x in enumerate(grid)
    ]


def _fixed(optimal: xr.Dataset, given: FixedSizes, log10_unique: float | None = None) -> dict[str, Any]:
    """What the other size must be where one is given: fixed_params and fixed_tokens, None where it is not."""
    found: dict[str, Any] = {"fixed_params": None, "fixed_tokens": None}
    if given.params is not None:
        x = float(np.log10(given.params))
        needed = tokens_of(optimal, x)
        seen = needed if log10_unique is None else tokens_seen(needed, log10_unique=log10_unique)
        smaller = {"p_overtrained": float((x < optimal.log10_params).mean())}
        found["fixed_params"] = _run(optimal, x, seen, log10_unique) | smaller
    if given.tokens is not None:
        x = float(np.log10(given.tokens))
        worth = x if log10_unique is None else float(effective_tokens(x, log10_unique=log10_unique))
        longer = {"p_overtrained": float((x > optimal.log10_tokens).mean())}
        found["fixed_tokens"] = _run(optimal, params_of(optimal, worth), x, log10_unique) | longer
    return found


def _limited(optimal: xr.Dataset, given: FixedSizes) -> dict[str, Any] | None:
    """The same where only so many different tokens exist, and the cheapest run, by the law of repeated tokens."""
    if given.unique_tokens is None:
        return None
    unique = float(np.log10(given.unique_tokens))
    return {
        "log10_unique_tokens": unique,
        "log10_most_effective_tokens": float(most_effective_tokens(unique)),
        "repeats_decay": REPEATS_DECAY,
        "cheapest": _run(optimal, *cheapest_run(optimal, unique), unique),
        **_fixed(optimal, given, unique),
    }


def _run(optimal: xr.Dataset, log10_params: Size, log10_tokens: Size, log10_unique: float | None) -> dict[str, Any]:
    """Sizes of runs that reach the score, their compute, and its log ratio to that of the optimal run.

    The ratio is `inf` where the score is never reached and 0 where any run reaches it.
    """
    compute = xr.DataArray(LOG10_SIX + log10_params + log10_tokens)
    both = np.isfinite(compute) & np.isfinite(optimal.log10_compute)
    ratio = (compute - optimal.log10_compute.where(both, 0.0)).where(both, xr.where(compute == np.inf, np.inf, 0.0))
    epochs = {} if log10_unique is None else {"epochs": _size(10.0 ** (log10_tokens - log10_unique))}
    return {
        "log10_params": _size(log10_params),
        "log10_tokens": _size(log10_tokens),
        **epochs,
        "log10_compute": quantiles(compute.values, QUANTILES),
        "log10_compute_ratio": quantiles(ratio.values, QUANTILES),
        "p_never": float((compute == np.inf).mean()),
    }


def _size(value: Size) -> float | dict[str, float | str]:
    return quantiles(value.values, QUANTILES) if isinstance(value, xr.DataArray) else value
