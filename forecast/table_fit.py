"""Fit the capability model to a table: one structure, or several that share one compiled program."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from forecast.errors import ForecastError
from forecast.fit import Sampling, compiled, diagnose, fit
from forecast.splits import FEWEST_RUNS
from forecast.store import Fit, installed_versions
from forecast.table import observations
from forecast.words import counted, plain_power
from models import facts, scale_facts
from models.capability import HELD, capability_model
from models.priors import Held, Priors, Structure, held_of

KEPT_PROGRAMS = 2
_programs: dict[tuple[str, str], Any] = {}


def fit_table(
    frame: pd.DataFrame,
    *,
    table: str,
    sampling: Sampling = Sampling(),
    below: float | None = None,
    structure: Structure = Structure(),
    priors: Priors = Priors(),
    progress: Callable | None = None,
) -> Fit:
    """Fit all tasks of a validated table jointly.

    Parameters
    ----------
    frame : what `forecast.table.read_table` gives
    table : name of the table, kept with the fit
    below : compute cut in FLOP; only runs strictly below it are used

    A `ForecastError` says why nothing can be fitted: fewer than three runs below the cut.
    """
    data = observed(frame, below)
    sampling = sampling.of_rows(data.sizes["observation"])
    posterior = fit(capability_model(data, structure, priors), sampling, progress=progress)
    return _fit(posterior, data, table=table, below=below, sampling=sampling, structure=structure, priors=priors)


def fit_structures(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    samplings: Sequence[Sampling],
    progress: Callable | None = None,
    say: Callable[[str], None] = lambda text: None,
    **options: Any,
) -> Iterator[Fit]:
    """Fits of the named structures one after another; options are those of `Structures`."""
    structures = Structures(frame, names, **options)
    for name, sampling in zip(names, samplings, strict=True):
        say(f"sampling structure '{name}'")
        yield structures.fit(name, sampling, progress=progress)


class Structures:
    """The named structures (`models.priors.held_of`) on one table, compiled once for all of them."""

    def __init__(
        self,
        frame: pd.DataFrame,
        names: Sequence[str],
        *,
        table: str,
        below: float | None = None,
        priors: Priors = Priors(),
    ) -> None:
        data = observed(frame, below)
        self._models = {name: capability_model(data, Structure(), priors, held_of(name)) for name in names}
        alone = len(names) == 1  # numbers built in compile sooner
        self._program = None if alone else _program(self._models[names[0]], data, priors)
        self._known: dict[str, Any] = {
            "data": data,
            "table": table,
            "below": below,
            "structure": Structure(),
            "priors": priors,
        }

    def fit(self, name: str, sampling: Sampling, *, progress: Callable | None = None) -> Fit:
        """The fit of one structure."""
        posterior = fit(self._models[name], sampling, program=self._program, progress=progress)
        return replace(_fit(posterior, sampling=sampling, **self._known), weights={name: 1.0})


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


def _program(model: pm.Model, data: xr.Dataset, priors: Priors) -> Any:
    """The program of a table, kept for its next fit: a back-test and the fit of its training rows are the same."""
    key = data.attrs["data_hash"], repr(priors)
    if key not in _programs:
        while len(_programs) >= KEPT_PROGRAMS:
            _programs.pop(next(iter(_programs)))
        _programs[key] = compiled(model, reusable=HELD)
    return _programs[key]


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


def _fit(posterior: xr.Dataset, data: xr.Dataset, **facts: Any) -> Fit:
    diagnostics = diagnose(posterior)
    doubles = posterior.astype(np.float64)
    return Fit(posterior=doubles, data=data, diagnostics=diagnostics, versions=installed_versions(), **facts)
