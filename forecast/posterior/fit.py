"""Fit: a posterior as one netCDF file that can be used without the table it came from."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import write_whole
from models.priors import Priors
from models.structures import Parts, structure_of

ROUND, MOST_ROUNDS = 400, 10  # kept draws a chain after which they are judged, and how often
FINE_ACCEPT = 0.95  # target of a posterior that is hard to sample
MAX_RHAT = 1.01  # Vehtari et al. 2021, Bayesian Analysis 16:667
MIN_ESS = 400  # the same source: 100 a chain
MAX_DIVERGENT_SHARE = 0.001  # of all draws: a few among thousands are always shown, more make the fit untrustworthy


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample. Same seed, same draws."""

    seed: int = 1
    chains: int = 4
    tune: int = 500  # warm-up draws a chain
    draws: int | None = None  # kept draws a chain; None: rounds of 400 until they can be trusted, at most ten
    target_accept: float = 0.88


@dataclass(frozen=True, kw_only=True)
class Check:
    """A diagnostic beside its limit."""

    name: str  # a field of `Diagnostics`
    value: float
    limit: float
    above: bool  # whether the value has to be at least the limit; else at most

    @property
    def passed(self) -> bool:
        """Whether the limit is kept; NaN keeps none."""
        return bool(self.value >= self.limit if self.above else self.value <= self.limit)


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Worst values over all that is reported, and the reasons not to trust the draws (none when they are fine).

    Those of all sampled parameters, spreads and nuisances among them, are there to be read and decide nothing.
    """

    max_rhat: float
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int
    total_draws: int
    worst: tuple[str, ...]  # what of it has the lowest effective sample size
    parameters_max_rhat: float | None = None  # of all of them; None: where they are what was judged
    parameters_min_ess: float | None = None

    def beside(self, parameters: "Diagnostics") -> "Diagnostics":
        """The same with the worst values of all parameters."""
        return replace(self, parameters_max_rhat=parameters.max_rhat, parameters_min_ess=parameters.min_ess)

    @property
    def min_ess(self) -> float:
        """The smaller of both effective sample sizes; NaN where either is."""
        return float(np.minimum(self.min_ess_bulk, self.min_ess_tail))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Each diagnostic beside its limit: the only rule of what can be trusted."""
        return (
            Check(name="max_rhat", value=self.max_rhat, limit=MAX_RHAT, above=False),
            Check(name="min_ess_bulk", value=self.min_ess_bulk, limit=MIN_ESS, above=True),
            Check(name="min_ess_tail", value=self.min_ess_tail, limit=MIN_ESS, above=True),
            Check(
                name="divergences",
                value=self.divergences,
                limit=math.floor(MAX_DIVERGENT_SHARE * self.total_draws),
                above=False,
            ),
        )

    @property
    def reasons(self) -> list[str]:
        """What is wrong, heaviest first; empty when the draws can be trusted. Causes: `forecast.report.complaints`."""
        rhat, bulk, tail, divergences = self.checks
        found = []
        if not rhat.passed:
            found.append(f"chains disagree: R-hat is {self.max_rhat:.3f}, above {MAX_RHAT}")
        if not (bulk.passed and tail.passed):
            found.append(f"effective sample size is {self.min_ess:.0f}, below {MIN_ESS}")
        if not divergences.passed:
            found.append(f"part of the posterior is unexplored: {self.divergences} divergent transitions")
        return found


UNKNOWN = Diagnostics(
    max_rhat=math.nan, min_ess_bulk=math.nan, min_ess_tail=math.nan, divergences=0, total_draws=1, worst=()
)
"""Of draws that nobody has judged."""
SCHEMA = 7
SIZES = {"rows": "observation", "runs": "run", "tasks": "task"}
PACKAGES = ("capability-forecast", "pymc", "nutpie", "arviz", "numpy", "xarray")


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
    versions: dict[str, str]
    weights: Mapping[str, float] = field(default_factory=lambda: {"full": 1.0})  # of `models.structures.STRUCTURES`

    def provenance(self) -> dict:
        """Everything that fixes this posterior, as plain values."""
        return {
            "table": self.table,
            "data_hash": self.data.attrs["data_hash"],
            "below": self.below,
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

    def to_dict(self) -> dict[str, Any]:
        """What was fitted and how well, as plain values."""
        sizes = {noun: self.data.sizes[dim] for noun, dim in SIZES.items()}
        return sizes | {"weights": dict(self.weights), "diagnostics": asdict(self.diagnostics)}

    def _repr_html_(self) -> str:
        """Runs, tasks, parts and convergence, for a notebook."""
        found = self.diagnostics
        off = [name for name, on in asdict(self.parts).items() if not on]
        lines = {
            "table": f"{self.table}, {', '.join(f'{self.data.sizes[dim]} {noun}' for noun, dim in SIZES.items())}",
            "runs below": "all" if self.below is None else f"{self.below:g} FLOP",
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
    write_whole(path, lambda temporary: tree.to_netcdf(temporary, engine="netcdf4"))


def load(path: str | os.PathLike[str]) -> Fit:
    """Read what `save` wrote; a `ForecastError` says why a file cannot be used."""
    path = Path(path)
    if not path.is_file():
        raise ForecastError(f"{shown_path(path)}: no such file; `forecast fit TABLE -o FIT.nc` makes one")
    try:
        with xr.open_datatree(path, engine="netcdf4") as tree:
            tree.load()
    except (OSError, ValueError) as error:
        raise ForecastError(
            f"{shown_path(path)}: not a posterior file (netCDF expected); `forecast fit TABLE -o FIT.nc` makes one"
        ) from error
    foreign = ForecastError(
        f"{shown_path(path)}: a netCDF file, but not a posterior; `forecast fit TABLE -o FIT.nc` makes one"
    )
    try:
        schema = int(tree.attrs["schema"])
        attributes = json.loads(tree.attrs["capability_forecast"])
    except (KeyError, TypeError, ValueError) as error:
        raise foreign from error
    if schema != SCHEMA:
        raise ForecastError(
            f"{shown_path(path)}: written with schema {schema}, this version reads schema {SCHEMA}; "
            "fit the table again with this version, or use the version that wrote it"
        )
    try:
        return _fit_of(tree, attributes)
    except (KeyError, TypeError) as error:
        raise foreign from error


def _fit_of(tree: xr.DataTree, attributes: dict) -> Fit:
    diagnostics = attributes["diagnostics"] | {"worst": tuple(attributes["diagnostics"]["worst"])}
    return Fit(
        posterior=tree["posterior"].to_dataset(),
        data=tree["data"].to_dataset(),
        priors=Priors(**attributes["priors"]),
        parts=Parts(**attributes["parts"]),
        sampling=Sampling(**attributes["sampling"]),
        diagnostics=Diagnostics(**diagnostics),
        table=attributes["table"],
        below=attributes["below"],
        versions=attributes["versions"],
        weights=attributes["weights"],
    )


def of_structure(fit: Fit, name: str) -> Fit:
    """The part of an averaged fit that is of one structure."""
    if name not in fit.weights:
        raise ForecastError(f"{shown(name)} is not a structure of this fit; use one of: {', '.join(fit.weights)}")
    if len(fit.weights) == 1:
        return fit
    own = fit.posterior.structure.values == name
    return replace(fit, posterior=fit.posterior.isel(draw=np.flatnonzero(own)), weights={name: 1.0})
