"""Programs: what samples a PyMC model, its density in machine code, and the way back to its variables."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from numba import types
from numba.core.ccallback import CFunc
from nutpie.compile_pymc import CompiledPyMCModel
from pymc.initial_point import make_initial_point_fn
from pytensor import tensor as pt
from pytensor.graph.replace import vectorize_graph
from pytensor.link.numba.cache import compile_numba_function_src

from forecast.errors import ForecastError
from forecast.fitting.compiling.density import INTERPRETED, VERSION, Density, evaluated, kept, raises, table_of_arrays

logger = logging.getLogger(__name__)
STARTS = 500  # as many as nutpie tries for each chain


@dataclass(frozen=True, kw_only=True)
class Program:
    """What samples a model: its values one after another as a vector, the log density of it, and the way back."""

    sampler: CompiledPyMCModel  # for `nutpie.sample`; its variables are the values
    new: bool  # compiled, not found
    density: Density

    def with_present_data(self) -> "Program":
        """The same for what the data of the model are now, after `pm.set_data`; sizes must not differ."""
        sizes = self.sampler.shared_data["0"]
        kept, address = table_of_arrays([sizes, *self.density.data()])
        return replace(self, sampler=replace(self.sampler, shared_data=_by_place(kept), user_data=address))


def compiled(model: pm.Model) -> Program:
    """The program of a model, found again where a model of the same graph was compiled before."""
    start = make_initial_point_fn(model=model, return_transformed=True, jitter_rvs=set(model.free_RVs))
    first, values = start(0), (model.rvs_to_values[each] for each in model.free_RVs)
    shapes = {str(value.name): first[str(value.name)].shape for value in values}
    point = _start(start, tuple(shapes))
    density = Density(model)
    code, new = density.code()
    arguments, address = table_of_arrays([_sizes(shapes), *density.data()])
    if raises(code, point(0), address):  # where sizes decide what is broadcast, they are part of the code
        density = Density(model, sized=True)
        code, new = density.code()
        arguments, address = table_of_arrays([_sizes(shapes), *density.data()])
    names, slices, size = tuple(shapes), [], 0
    for shape in shapes.values():
        slices.append(slice(size, size := size + int(np.prod(shape))))
    _check_start(partial(evaluated, code, table=address), point, dict(zip(names, slices, strict=True)))
    logger.info("model %s: %d parameters", "compiled" if new else "found compiled", size)
    sampler = CompiledPyMCModel(
        dims={},
        reparameterized_names=[],
        compiled_logp_func=code,
        compiled_expand_func=_copying(),
        initial_point_func=point,
        shared_data=_by_place(arguments),
        shared_var_keys={},
        user_data=address,
        n_expanded=size,
        shape_info=(list(names), slices, list(shapes.values())),
        logp_func=None,
        expand_func=None,
        _n_dim=size,
        _shapes=shapes,
        _coords={},
    )
    return Program(sampler=sampler, new=new, density=density)


class Variables:
    """The unobserved variables of a model, from draws of the values that are sampled.

    The equations are those of the model, taken for all draws at once and interpreted: nothing is compiled.
    """

    def __init__(self, model: pm.Model) -> None:
        self._model = model
        names = {str(each.name) for each in model.unobserved_RVs}
        values = [model.rvs_to_values[each] for each in model.free_RVs]
        self._sampled = [str(each.name) for each in values if each.name in names]  # sampled as they are
        self._computed = [each for each in model.unobserved_value_vars if each.name in names and each not in values]
        many = {each: pt.tensor(dtype=each.dtype, shape=(None,) * (each.ndim + 1)) for each in values}
        self._inputs = [str(each.name) for each in values]
        outputs = vectorize_graph(self._computed, many)
        with pytensor.config.change_flags(cxx=""):
            self._function = pytensor.function([*many.values()], outputs, on_unused_input="ignore", mode=INTERPRETED)

    def of(self, values: xr.Dataset) -> xr.Dataset:
        """Every variable (chain, draw, and its own dims, labelled) of draws of the values."""
        chains, draws = values.sizes["chain"], values.sizes["draw"]
        flat = {name: values[name].values.reshape(-1, *values[name].shape[2:]) for name in self._inputs}
        found = {name: flat[name] for name in self._sampled}
        for variable, each in zip(self._computed, self._function(*flat.values()), strict=True):
            own = each.shape[each.ndim - variable.ndim :]  # a variable that depends on no value has no draws
            found[str(variable.name)] = np.broadcast_to(each, (chains * draws, *own))
        order = [str(each.name) for each in self._model.unobserved_RVs]
        return xr.Dataset(
            {
                name: (("chain", "draw", *self._dims(name)), found[name].reshape(chains, draws, *found[name].shape[1:]))
                for name in order
            },
            coords={"chain": range(chains), "draw": range(draws)} | self._labels(order),
        )

    def _dims(self, name: str) -> tuple[str, ...]:
        known = self._model.named_vars_to_dims.get(name) or (None,) * self._model[name].ndim
        return tuple(dim or f"{name}_dim_{place}" for place, dim in enumerate(known))

    def _labels(self, names: list[str]) -> dict[str, list]:
        dims = {dim for name in names for dim in self._dims(name)}
        return {dim: list(labels) for dim, labels in self._model.coords.items() if dim in dims and labels is not None}


def _check_start(
    density: Callable[[np.ndarray], tuple[int, float, np.ndarray]],
    point: Callable[[int], np.ndarray],
    places: Mapping[str, slice],
) -> None:
    """A `ForecastError` where no chain can start: nutpie would say so from threads that outlive its error."""
    for seed in range(STARTS):
        fault, value, slopes = density(point(seed))
        if not fault:
            return
    wrong = [name for name, place in places.items() if not np.isfinite(slopes[place]).all()]
    what = f"slope of the log density in {', '.join(wrong)}" if np.isfinite(value) and wrong else "log density"
    raise ForecastError(
        f"the sampler finds no start: the {what} is not a finite number at any of {STARTS} random places; take prior "
        "numbers nearer to those of models/priors.py, and see `forecast validate TABLE`"
    )


def _copying() -> CFunc:
    """The callback of nutpie that computes what is stored of a vector: the vector."""
    source = "\n".join(
        [
            "def copied(size, expanded, point_, out_, data_):",
            "    for place in range(size):",
            "        out_[place] = point_[place]",
            "    return 0",
        ]
    )
    signature = (types.uint64, types.uint64, *(types.CPointer(types.double),) * 2, types.voidptr), types.int64
    if "copied" not in kept:
        options: dict[str, Any] = {"global_env": {"__name__": __name__}, "cache_key": f"copied_{VERSION}"}
        function = compile_numba_function_src(source, "copied", **options)
        kept["copied"] = CFunc(function, signature, locals={}, options={})
        kept["copied"].enable_caching()
        kept["copied"].compile()
    return kept["copied"]


def _start(point: Callable[[int], Mapping[str, np.ndarray]], names: tuple[str, ...]) -> Callable[[int], np.ndarray]:
    """Where a chain of a seed starts, as a vector; chains of several threads ask one after another."""
    lock = Lock()

    def start(seed: int) -> np.ndarray:
        with lock:
            found = point(seed)
        return np.concatenate([np.ravel(found[name]).astype(np.float64) for name in names])

    return start


def _by_place(arguments: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The arguments of machine code under names, so that their memory stays alive."""
    return {str(place): each for place, each in enumerate(arguments)}


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    return np.array([size for shape in shapes.values() for size in shape], dtype=np.int64)
