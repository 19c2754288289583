"""Fit the capability model to a table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from forecast.errors import ForecastError
from forecast.fit import UNKNOWN, Sampling, sampled
from forecast.reported import reported
from forecast.splits import FEWEST_RUNS
from forecast.stages import SILENT, Stages
from forecast.store import Fit, installed_versions
from forecast.table import observations
from forecast.words import counted, plain_power
from models import facts, scale_facts
from models.capability import capability_model
from models.priors import Held, Priors, Structure, held_of


def fit_table(
    frame: pd.DataFrame,
    *,
    table: str,
    name: str = "full",
    sampling: Sampling = Sampling(),
    below: float | None = None,
    structure: Structure = Structure(),
    priors: Priors = Priors(),
    stages: Stages = SILENT,
) -> Fit:
    """Fit all tasks of a validated table jointly.

    Parameters
    ----------
    frame : what `forecast.table.read_table` gives
    table : name of the table, kept with the fit
    name : of a structure, see `models.priors.held_of`
    below : compute cut in FLOP; only runs strictly below it are used
    stages : see `forecast.fit.sampled`

    A `ForecastError` says why nothing can be fitted: fewer than three runs below the cut.
    """
    data = observed(frame, below)
    known: dict[str, Any] = {"data": data, "table": table, "below": below, "structure": structure, "priors": priors}
    known |= {"sampling": sampling, "versions": installed_versions(), "weights": {name: 1.0}}
    found = sampled(
        capability_model(data, structure, priors, held_of(name)),
        sampling,
        reported=lambda posterior: reported(Fit(posterior=posterior, diagnostics=UNKNOWN, **known)),
        stages=stages,
    )
    return Fit(posterior=found.posterior, diagnostics=found.diagnostics, **known)


def distinct(names: Sequence[str], data: xr.Dataset) -> tuple[str, ...]:
    """The named structures that differ on a table; of those that are alike there the first.

    Where every law has an irreducible loss in place of a ceiling, 'ceiling 1' is 'full'; where several rates look at
    every law, 'independent' is; of losses alone all are one.
    """
    first: dict[Held, str] = {}
    for name in names:
        first.setdefault(_held_on(held_of(name), data), name)
    return tuple(first.values())


def _held_on(held: Held, data: xr.Dataset) -> Held:
    """What of a structure can be held at all on a table."""
    rates = ~facts.is_loss(data)
    return Held(
        nu=held.nu if facts.is_frailty_open(data).any() else None,
        ceiling=held.ceiling and not facts.has_irreducible(data).all(),
        floor=held.floor and bool((rates & (data.chance.values == 0)).any()),
        bend=held.bend and scale_facts.has_bend(data, Structure()),
    )


def observed(frame: pd.DataFrame, below: float | None) -> xr.Dataset:
    """The runs below a cut as labelled arrays; a `ForecastError` where they are fewer than three."""
    used = frame if below is None else frame[frame["compute"] < below]
    runs = used["model"].nunique()
    if runs < FEWEST_RUNS:
        where = "" if below is None else f" below {plain_power(below)} FLOP"
        raise ForecastError(
            f"{counted(runs, 'run')}{where}, at least {FEWEST_RUNS} are needed; "
            + ("add runs" if below is None else "raise the cut")
        )
    return observations(used)
