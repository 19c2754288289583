"""Checks of a stored fit: its attributes, and whether draws and data are of one another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from pydantic import TypeAdapter, ValidationError

from forecast.draws import Diagnostics, Sampling
from models.priors import Priors
from models.structures import Parts, structure_of

OF_EVERY_FIT = (
    *("theta", "theta_origin", "theta_scale", "slopes", "sigma_run"),
    *("exponent", "log10_amplitude", "irreducible", "nu", "ceiling", "floor", "concentration"),
)
OBSERVED = {  # variables of the data, and what they are along
    **dict.fromkeys(("run_index", "task_index", "given_index", "score_for_placing"), "observation"),
    **dict.fromkeys(("successes", "trials", "score", "length", "k"), "observation"),
    **dict.fromkeys(("log10_compute", "log10_params", "log10_tokens", "compute_sd", "family_index", "date"), "run"),
    **dict.fromkeys(("task_name", "metric", "chance", "task_length", "task_k", "law_index"), "task"),
    "knots": "knot",
}
INDICES = {"run_index": "run", "task_index": "task", "family_index": "family", "law_index": "law"}
LABELLED = ("run", "task", "law", "family")


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What a file holds beside draws and data."""

    priors: Priors
    parts: Parts
    sampling: Sampling
    diagnostics: Diagnostics
    table: str
    below: float | None
    versions: dict[str, str]
    weights: dict[str, float]  # of structures
    adjusted: tuple[str, ...] = ()  # older files have none
    since: str | None = None


def attributes_of(stored: Mapping[str, Any]) -> Attributes:
    """The attributes as plain values of JSON have them; a `ValueError`, `KeyError` or `TypeError` where they do not."""
    for kind, name in ((Priors, "priors"), (Parts, "parts"), (Sampling, "sampling")):
        kind(**stored[name])  # refuses numbers and switches that this version does not know
    try:
        found = TypeAdapter(Attributes).validate_python(dict(stored))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if not found.weights or not np.isclose(sum(found.weights.values()), 1.0) or min(found.weights.values()) < 0:
        raise ValueError("the weights of its structures are no shares")
    for name in found.weights:
        structure_of(name)
    return found


def disagreements(posterior: xr.Dataset, data: xr.Dataset) -> Iterator[str]:
    """Where draws and data lack something, or are not of one another."""
    yield from _missing(posterior, data)
    for dim in LABELLED:
        labels = data.indexes.get(dim)
        if labels is None or not labels.is_unique:
            yield f"{dim}: has no labels of its own"
        elif dim in posterior.dims and not labels.equals(posterior.indexes.get(dim)):
            yield f"{dim}: draws and data name others"
    for name, dim in INDICES.items():
        values = data[name].values if name in data else np.zeros(0, dtype=int)
        if values.dtype.kind not in "iu" or not ((values >= 0) & (values < data.sizes.get(dim, 0))).all():
            yield f"{name}: points at no {dim}"
    for name in ("log10_compute", "chance", "knots"):
        if name in data and not (data[name].dtype.kind in "fiu" and np.isfinite(data[name].values).all()):
            yield f"{name}: is not known everywhere"
    for variable, draws in posterior.data_vars.items():
        if draws.dtype.kind not in "fiub" or (draws.dtype.kind == "f" and np.isnan(draws.values).any()):
            yield f"{variable}: holds draws that are no numbers"
    if not isinstance(data.attrs.get("data_hash"), str) or not np.isfinite(_number(data.attrs.get("reference"))):
        yield "data: the hash or the reference is missing"


def _missing(posterior: xr.Dataset, data: xr.Dataset) -> Iterator[str]:
    if min(posterior.sizes.get("chain", 0), posterior.sizes.get("draw", 0)) < 1:
        yield "posterior: there are no chains of draws"
    for name in OF_EVERY_FIT:
        if name not in posterior or not {"chain", "draw"} <= set(posterior[name].dims):
            yield f"{name}: the draws are missing"
    for name, dim in OBSERVED.items():
        if name not in data or data[name].dims != (dim,):
            yield f"{name}: is missing from the data"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
