"""A fit as one netCDF file that can be used without the table it came from."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.errors import ForecastError, shown_path
from forecast.files import json_number, write_whole
from forecast.fit import Diagnostics, Sampling
from models.priors import Priors, Structure

SCHEMA = 6
PACKAGES = ("capability-forecast", "pymc", "nutpie", "arviz", "numpy", "xarray")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A posterior with all that is needed to use and to question it."""

    posterior: xr.Dataset  # chain, draw, and the dims of `models.capability.capability_model`
    data: xr.Dataset  # what was fitted, as `forecast.table.observations` gives it
    priors: Priors
    structure: Structure
    sampling: Sampling
    diagnostics: Diagnostics
    table: str  # name of the table
    below: float | None  # compute cut in FLOP; None: all runs
    versions: dict[str, str]
    weights: Mapping[str, float] = field(default_factory=lambda: {"full": 1.0})  # of `models.priors.STRUCTURES`

    def provenance(self) -> dict:
        """Everything that fixes this posterior, as plain values."""
        return {
            "table": self.table,
            "data_hash": self.data.attrs["data_hash"],
            "below": self.below,
            "seed": self.sampling.seed,
            "model": "capability_model",
            "structure": asdict(self.structure),
            "weights": dict(self.weights),
            "priors": asdict(self.priors),
            "sampling": asdict(self.sampling),
            "versions": self.versions,
            "schema": SCHEMA,
        }


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
        structure=Structure(**attributes["structure"]),
        sampling=Sampling(**attributes["sampling"]),
        diagnostics=Diagnostics(**diagnostics),
        table=attributes["table"],
        below=attributes["below"],
        versions=attributes["versions"],
        weights=attributes["weights"],
    )


def quantiles(draws: np.ndarray, at: Sequence[float]) -> dict[str, Any]:
    """Order statistics of draws by name, such as q05, as numbers for JSON: infinite draws stay what they are."""
    values = np.quantile(np.ravel(draws), at, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": json_number(value) for q, value in zip(at, values, strict=True)}
