"""Fit: a posterior as one netCDF file that can be used without the table it came from."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import UNKNOWN, Diagnostics, Sampling
from forecast.errors import ForecastError, shown, shown_path
from forecast.netcdf import broken_seal, write_netcdf
from forecast.posterior.stored.checks import attributes_of, disagreements
from models.priors import Priors
from models.structures import Parts, structure_of

SCHEMA = 9
FIGURES = "forecast.figures.of_fit"  # drawn on demand, as Matplotlib takes a second to import
SIZES = {"rows": "observation", "runs": "run", "tasks": "task"}
PACKAGES = ("capability-forecast", "pymc", "pytensor", "nutpie", "numba", "arviz", "numpy", "scipy", "xarray")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A posterior with all that is needed to use and to question it."""

    posterior: xr.Dataset  # chain, draw, and the dims of `models.capability.capability_model`
    data: xr.Dataset  # what was fitted, as `forecast.table.dataset.observations` gives it
    priors: Priors
    parts: Parts
    sampling: Sampling
    diagnostics: Diagnostics
    table: str  # name of the table
    below: float | None  # compute cut in FLOP; None: all runs
    adjusted: tuple[str, ...] = ()  # options that changed the table as it was read, as `forecast fit` takes them
    versions: dict[str, str]
    since: str | None = None  # ISO date; runs before it, or without a date, were left out
    weights: Mapping[str, float] = field(default_factory=lambda: {"full": 1.0})  # of `models.structures.STRUCTURES`

    def provenance(self) -> dict:
        """Everything that fixes this posterior, as plain values."""
        return {
            "table": self.table,
            "data_hash": self.data.attrs["data_hash"],
            "below": self.below,
            "adjusted": list(self.adjusted),
            **({} if self.since is None else {"since": self.since}),
            "seed": self.sampling.seed,
            "model": "capability_model",
            "parts": asdict(self.parts),
            "weights": dict(self.weights),
            "priors": asdict(self.priors),
            "sampling": asdict(self.sampling),
            "versions": self.versions,
            "schema": SCHEMA,
        }

    @staticmethod
    def from_posterior(
        posterior: xr.Dataset | xr.DataTree, *, like: "Fit", diagnostics: Diagnostics | None = None
    ) -> "Fit":
        """A posterior of a changed model in place of that of the fit `like`, to take thresholds and forecasts from.

        Parameters
        ----------
        posterior : chain, draw, with the variables of `models.capability.capability_model` by their names and dims; a
            DataTree gives its group of this name
        diagnostics : None: unknown, so that nothing is trusted; `forecast.fitting.sampler.diagnose` finds them

        A `ForecastError` says which variables are missing.
        """
        found = posterior["posterior"].to_dataset() if isinstance(posterior, xr.DataTree) else posterior
        missing = sorted(map(str, set(like.posterior.data_vars) - set(found.data_vars)))
        if missing:
            raise ForecastError(
                f"the posterior lacks {', '.join(missing)}; keep the variables of the model under their names"
            )
        weights = {next(iter(like.weights)): 1.0}
        return replace(like, posterior=found, diagnostics=diagnostics or UNKNOWN, weights=weights)

    def model(self, structure: str | None = None) -> Any:
        """The `pm.Model` of a structure of this fit, the first unless named; imports PyMC."""
        from models.capability import capability_model

        name = next(iter(self.weights)) if structure is None else structure
        return capability_model(self.data, self.parts, self.priors, structure_of(name))

    def to_datatree(self, **options: Any) -> xr.DataTree:
        """The fit in the groups of ArviZ: see `forecast.fitting.groups.groups_of`; imports PyMC."""
        return import_module("forecast.fitting.groups").groups_of(self, **options)

    def plot_curve(self, task: str, at: float = 0.5, **options: Any) -> Any:
        """A task's curve with its data and threshold; returns the Axes: see `forecast.figures.of_fit.plot_curve`."""
        return import_module(FIGURES).plot_curve(self, task, at, **options)

    def plot_threshold(self, task: str, at: float = 0.5, **options: Any) -> Any:
        """The density of a threshold and P(never): see `forecast.figures.of_fit.plot_threshold`."""
        return import_module(FIGURES).plot_threshold(self, task, at, **options)

    def plot_forest(self, at: float | Sequence[float] = 0.5, **options: Any) -> Any:
        """The thresholds of all tasks on one axis: see `forecast.figures.of_fit.plot_forest`."""
        return import_module(FIGURES).plot_forest(self, at, **options)

    def plot_track_record(self, record: Any, **options: Any) -> Any:
        """A back-test of the table beside baselines: see `forecast.figures.of_fit.plot_track_record`."""
        return import_module(FIGURES).plot_track_record(record, **options)

    def to_dict(self) -> dict[str, Any]:
        """What was fitted and how far it can be trusted, as plain values."""
        found = self.diagnostics
        both = {"min_ess_bulk": found.min_ess_bulk, "min_ess_tail": found.min_ess_tail}
        return {
            "tasks": self.data.task.values.tolist(),
            "runs": self.data.sizes["run"],
            "rows": self.data.sizes["observation"],
            "diagnostics": found.brief | both,
            "weights": dict(self.weights),
            "provenance": self.provenance(),
        }

    def _repr_html_(self) -> str:
        """Runs, tasks, parts and convergence, for a notebook."""
        found = self.diagnostics
        off = [name for name, on in asdict(self.parts).items() if not on]
        lines = {
            "table": f"{self.table}, {', '.join(f'{self.data.sizes[dim]} {noun}' for noun, dim in SIZES.items())}",
            "runs below": "all" if self.below is None else f"{self.below:g} FLOP",
            **({} if self.since is None else {"runs since": self.since}),
            "structures": ", ".join(f"{name} {weight:.2f}" for name, weight in self.weights.items()),
            "parts": "all" if not off else f"all but {', '.join(off)}",
            "draws": f"{self.posterior.sizes['chain']} chains of {self.posterior.sizes['draw']}",
            "convergence": "; ".join(found.reasons) or f"converged: R-hat at most {found.max_rhat:.3f}",
        }
        rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in lines.items())
        return f"<table>{rows}</table>"


def thinned(fit: Fit, draws: int) -> Fit:
    """The same fit with every n-th draw, at least so many of all chains together where it has them."""
    step = max(1, fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"] // draws)
    return replace(fit, posterior=fit.posterior.isel(draw=slice(None, None, step)))


def evenly_thinned(fit: Fit, draws_a_chain: int) -> Fit:
    """The same fit with so many draws a chain, or all, evenly spaced, so that structures keep their shares."""
    draws = fit.posterior.sizes["draw"]
    chosen = np.unique(np.linspace(0, draws - 1, min(draws, draws_a_chain)).round().astype(int))
    return replace(fit, posterior=fit.posterior.isel(draw=chosen))


def installed_versions() -> dict[str, str]:
    """Versions of the packages that could move a number."""
    return {name: version(name) for name in PACKAGES}


def save(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Write the fit as a netCDF DataTree with the groups posterior and data, and all else in the attributes."""
    attributes = fit.provenance() | {"diagnostics": asdict(fit.diagnostics)}
    tree = xr.DataTree.from_dict({"posterior": fit.posterior, "data": fit.data})
    tree.attrs = {"schema": SCHEMA, "capability_forecast": json.dumps(attributes)}
    write_netcdf(path, tree)


def load(path: str | os.PathLike[str]) -> Fit:
    """Read what `save` wrote; a `ForecastError` says why a file cannot be used."""
    path = Path(path)
    maker = "`forecast fit TABLE -o FIT.nc` makes one"
    if not path.is_file():
        raise ForecastError(f"{shown_path(path)}: no such file; {maker}")
    try:
        if fault := broken_seal(path):
            raise ForecastError(f"{shown_path(path)}: not a posterior file that can be used, {fault}; {maker}")
        with xr.open_datatree(path, engine="netcdf4") as tree:
            tree.load()
    except (OSError, ValueError, RuntimeError) as error:
        raise ForecastError(f"{shown_path(path)}: not a posterior file (netCDF expected); {maker}") from error
    foreign = f"{shown_path(path)}: a netCDF file, but not a posterior; {maker}"
    try:
        schema = int(tree.attrs["schema"])
        attributes = json.loads(tree.attrs["capability_forecast"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ForecastError(foreign) from error
    if schema != SCHEMA:
        raise ForecastError(
            f"{shown_path(path)}: written with schema {schema}, this version reads schema {SCHEMA}; "
            "fit the table again with this version, or use the version that wrote it"
        )
    try:
        posterior, data = tree["posterior"].to_dataset(), tree["data"].to_dataset()
        known = attributes_of(attributes)
        faults = list(disagreements(posterior, data))
    except (KeyError, TypeError, ValueError) as error:
        raise ForecastError(foreign) from error
    if faults:
        raise ForecastError(f"{shown_path(path)}: not a whole posterior ({shown(faults[0])}); {maker}")
    return Fit(posterior=posterior, data=data, **vars(known))


def of_structure(fit: Fit, name: str) -> Fit:
    """The part of an averaged fit that is of one structure."""
    if name not in fit.weights:
        raise ForecastError(f"{shown(name)} is not a structure of this fit; use one of: {', '.join(fit.weights)}")
    if len(fit.weights) == 1:
        return fit
    own = fit.posterior.structure.values == name
    return replace(fit, posterior=fit.posterior.isel(draw=np.flatnonzero(own)), weights={name: 1.0})
