"""Fits of the capability model to a table, one structure each."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from forecast.draws import UNKNOWN, Sampling
from forecast.errors import ForecastError
from forecast.fitting.reported import reported
from forecast.fitting.sampler import sampled
from forecast.posterior.fit import Fit, installed_versions
from forecast.stages import SILENT, Stages
from forecast.table.dataset import observations
from forecast.table.splits import FEWEST_RUNS
from forecast.words import counted, plain_power
from models.capability import capability_model
from models.facts.layout import is_measured
from models.facts.parts import has_bend, has_irreducible, is_frailty_open
from models.priors import Priors
from models.structures import Parts, Structure, structure_of


def fit_table(
    frame: pd.DataFrame,
    *,
    table: str,
    name: str = "full",
    sampling: Sampling = Sampling(),
    below: float | None = None,
    parts: Parts = Parts(),
    priors: Priors = Priors(),
    stages: Stages = SILENT,
) -> Fit:
    """Fit all tasks of a validated table jointly.

    Parameters
    ----------
    frame : what `forecast.table.dataset.read_table` gives
    table : name of the table, kept with the fit
    name : of a structure, see `models.structures.structure_of`
    below : compute cut in FLOP; only runs strictly below it are used
    stages : see `forecast.fitting.sampler.sampled`

    A `ForecastError` says why nothing can be fitted: fewer than three runs below the cut.
    """
    data = observed(frame, below)
    known: dict[str, Any] = {"data": data, "table": table, "below": below, "parts": parts, "priors": priors}
    known |= {"sampling": sampling, "versions": installed_versions(), "weights": {name: 1.0}}
    found = sampled(
        capability_model(data, parts, priors, structure_of(name)),
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
    first: dict[Structure, str] = {}
    for name in names:
        first.setdefault(_on_table(structure_of(name), data), name)
    return tuple(first.values())


def _on_table(structure: Structure, data: xr.Dataset) -> Structure:
    """The restrictions of a structure that mean anything on a table."""
    rates = ~is_measured(data)
    return Structure(
        nu=structure.nu if is_frailty_open(data).any() else None,
        ceiling=structure.ceiling and not has_irreducible(data).all(),
        floor=structure.floor and bool((rates & (data.chance.values == 0)).any()),
        bend=structure.bend and has_bend(data, Parts()),
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
