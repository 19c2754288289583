"""Programs of PyMC models: log density and gradient in machine code, kept on disk and found again by their graph.

Rewriting and compiling the gradient of a model takes ten seconds, and all of it follows from the graph of the log
density. So this graph and the versions of the packages are hashed, and numba keeps the machine code under that hash.
Data (`pm.Data`) and sizes are arguments of the code and no part of the hash: tables that differ in nothing else share
one program, in this process and the next.
"""

import logging
from collections.abc import Callable, Mapping
from ctypes import POINTER, c_double, c_void_p
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from numba import carray, njit, types
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from nutpie.compile_pymc import CompiledPyMCModel, address_as_void_pointer
from pymc.initial_point import make_initial_point_fn
from pymc.pytensorf import compile as compile_pymc
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.link.numba.cache import compile_numba_function_src

from forecast.fitting.graph import Variable, described, hash_of_graph, known_inputs, open_shape, unsized

logger = logging.getLogger(__name__)
PACKAGES = ("pytensor", "pymc", "nutpie", "numba")  # whose versions the machine code depends on
VERSION = 2  # raise with every change of the code below that changes the machine code
INTERPRETED = Mode("py", "fast_compile")  # of graphs that are evaluated once
_kept: dict[str, CFunc] = {}


@dataclass(frozen=True, kw_only=True)
class Program:
    """What samples a model: its values one after another as a vector, the log density of it, and the way back."""

    sampler: CompiledPyMCModel  # for `nutpie.sample`; its variables are the values
    new: bool  # compiled, not found


def compiled(model: pm.Model) -> Program:
    """The program of a model, found again where a model of the same graph was compiled before."""
    start = make_initial_point_fn(model=model, return_transformed=True, jitter_rvs=set(model.free_RVs))
    first, values = start(0), (model.rvs_to_values[each] for each in model.free_RVs)
    shapes = {str(value.name): first[str(value.name)].shape for value in values}
    point = _start(start, tuple(shapes))
    density = Density(model)
    code, new = density.code()
    arguments, address = _arguments([_sizes(shapes), *density.data()])
    if _fails(code, point(0), address):  # where sizes decide what is broadcast, they are part of the code
        density = Density(model, sized=True)
        code, new = density.code()
        arguments, address = _arguments([_sizes(shapes), *density.data()])
    names, slices, size = tuple(shapes), [], 0
    for shape in shapes.values():
        slices.append(slice(size, size := size + int(np.prod(shape))))
    logger.info("model %s: %d parameters", "compiled" if new else "found compiled", size)
    sampler = CompiledPyMCModel(
        dims={},
        reparameterized_names=[],
        compiled_logp_func=code,
        compiled_expand_func=_copying(),
        initial_point_func=point,
        shared_data={str(place): each for place, each in enumerate(arguments)},  # keeps the memory alive
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
    return Program(sampler=sampler, new=new)


class Variables:
    """The unobserved variables of a model, from draws of the values that are sampled.

    The equations are those of the model, taken for all draws at once and interpreted: nothing is compiled.
    """

    def __init__(self, model: pm.Model) -> None:
        self._model = model
        names = {str(each.name) for each in model.unobserved_RVs}
        values = [model.rvs_to_values[each] for each in model.free_RVs]
        self._plain = [str(each.name) for each in values if each.name in names]  # sampled as they are
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
        found = {name: flat[name] for name in self._plain}
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


class Density:
    """The log density of a model as a function of one vector, of sizes and of data."""

    def __init__(self, model: pm.Model, *, sized: bool = False) -> None:
        """`sized`: sizes of constants are part of it, so that tables of other sizes have other programs."""
        self._model = model
        self._values = [model.rvs_to_values[each] for each in model.free_RVs]
        # merged, so that what is there twice counts once
        logp: Variable = rewrite_graph(unsized(model.logp()), include=["merge"])
        self._given = known_inputs([logp])
        shapes = [each.type.shape if sized else open_shape(each) for each in self._given]
        self._data = [pt.tensor(dtype=each.dtype, shape=s) for each, s in zip(self._given, shapes, strict=True)]
        (self._logp,) = clone_replace([logp], dict(zip(self._given, self._data, strict=True)), rebuild_strict=False)

    def data(self) -> list[np.ndarray]:
        """The numbers that the machine code takes besides the vector and the sizes: whatever depends on no value."""
        with pytensor.config.change_flags(cxx=""):
            return list(map(np.asarray, pytensor.function([], self._given, mode=INTERPRETED)()))

    def code(self) -> tuple[CFunc, bool]:
        """The machine code, and whether it had to be made."""
        key = self.key()
        if key in _kept:
            return _kept[key], False
        environment: dict[str, Any] = {"__name__": __name__, "np": np, "carray": carray}
        function = compile_numba_function_src(CALLBACK, "density", global_env=environment, cache_key=key)
        _kept[key] = _Code(function, self._compiled)
        return _kept[key], _kept[key].cache_hits == 0

    def key(self) -> str:
        """A name that models share whose machine code is the same."""
        places: dict[Variable, Any] = {each: ("data", place) for place, each in enumerate(self._data)}
        places |= {each: ("value", place) for place, each in enumerate(self._values)}
        versions = [f"{name} {version(name)}" for name in PACKAGES]
        types_ = [described(each.type) for each in places]
        return hash_of_graph([self._logp], places, salt=repr((VERSION, versions, types_)))

    def _compiled(self) -> Any:
        """The jitted function of a vector and the table of `_arguments` that answers log density and gradient."""
        logp: Variable = rewrite_graph(self._logp, include=["canonicalize", "stabilize"])
        slopes: Variable = pt.grad(logp, self._values)
        gradient = pt.concatenate([each.ravel() for each in slopes])
        point, sizes = pt.vector("point"), pt.lvector("sizes")
        outputs = clone_replace([logp, gradient], _cut(point, sizes, self._values), rebuild_strict=False)
        with pytensor.config.change_flags(numba__fastmath=False), self._model:  # else code rounds as it is found
            inputs = [point, sizes, *self._data]
            function = compile_pymc(inputs, outputs, mode="NUMBA", on_unused_input="ignore")
        environment = {"np": np, "carray": carray, "pointer": address_as_void_pointer, "inner": function.vm.jit_fn}
        source = _unpacking([each.type for each in (sizes, *self._data)])
        return njit(compile_numba_function_src(source, "unpacked", global_env=environment))


class _Code(CFunc):  # type: ignore[misc]  # numba has no types
    """A C callback whose callee is made only when numba does not find the machine code."""

    def __init__(self, function: Callable, callee: Callable[[], Any]) -> None:
        super().__init__(function, SIGNATURE, locals={}, options={})
        self._callee = callee
        self._cache = _Cache(function)
        self.compile()

    def _compile_uncached(self) -> Any:
        self.__wrapped__.__globals__["of_table"] = self._callee()
        return super()._compile_uncached()  # type: ignore[misc]


class _Cache(FunctionCache):  # type: ignore[misc]
    """The cache of numba, to which a damaged file is no file."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:
            logger.warning("machine code that was kept cannot be read (%s); it is made again", error)
            self.flush()
            return None


SIGNATURE = (types.uint64, *(types.CPointer(types.double),) * 3, types.voidptr), types.int64
"""Of a density that nutpie calls: size, place of the vector, of its gradient and of the density, and its data."""
CALLBACK = """
def density(size, point_, gradient_, value_, table_):
    try:
        point, gradient = carray(point_, (size,)), carray(gradient_, (size,))
        value, found = of_table(point, carray(table_, (1,), np.int64))
        value_[0] = value.item()
        gradient[...] = found
        if not np.all(np.isfinite(gradient)):
            return 3
        if not np.isfinite(value_[0]):
            return 4
    except Exception:
        return 1
    return 0
"""
FAILED = 1


def _unpacking(types_: list[Any]) -> str:
    """Source of a function that calls `inner` with the arrays of which `table` has addresses and sizes."""
    lines, at = ["def unpacked(point, table):"], 0
    for place, each in enumerate(types_):
        shape = "".join(f"table[{at + 1 + axis}], " for axis in range(each.ndim))
        lines.append(f"    array_{place} = carray(pointer(table[{at}]), ({shape}), np.{each.dtype})")
        at += 1 + each.ndim
    names = ", ".join(f"array_{place}" for place in range(len(types_)))
    return "\n".join([*lines, f"    return inner(point, {names})"])


def _arguments(arrays: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Arrays that keep their place, and the table of their addresses and sizes."""
    kept = [np.array(each, order="C") for each in arrays]
    return kept, np.array([number for each in kept for number in (each.ctypes.data, *each.shape)], dtype=np.int64)


def _fails(code: CFunc, point: np.ndarray, table: np.ndarray) -> bool:
    """Whether the machine code raises an error at a point; a density or slope that is not finite is none."""
    slope, value = np.empty_like(point), np.empty(1)
    places = (each.ctypes.data_as(POINTER(c_double)) for each in (point, slope, value))
    return code.ctypes(len(point), *places, c_void_p(table.ctypes.data)) == FAILED


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
    if "copied" not in _kept:
        options: dict[str, Any] = {"global_env": {"__name__": __name__}, "cache_key": f"copied_{VERSION}"}
        function = compile_numba_function_src(source, "copied", **options)
        _kept["copied"] = CFunc(function, signature, locals={}, options={})
        _kept["copied"].enable_caching()
        _kept["copied"].compile()
    return _kept["copied"]


def _start(point: Callable[[int], Mapping[str, np.ndarray]], names: tuple[str, ...]) -> Callable[[int], np.ndarray]:
    """Where a chain of a seed starts, as a vector; chains of several threads ask one after another."""
    lock = Lock()

    def start(seed: int) -> np.ndarray:
        with lock:
            found = point(seed)
        return np.concatenate([np.ravel(found[name]).astype(np.float64) for name in names])

    return start


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    return np.array([size for shape in shapes.values() for size in shape], dtype=np.int64)


def _cut(point: Variable, sizes: Variable, values: list[Variable]) -> dict[Variable, Variable]:
    """Each value as its part of the vector, by sizes that are known when it is called."""
    parts, start, axis = {}, pt.constant(0, dtype="int64"), 0
    for value in values:
        shape = [sizes[axis + each] for each in range(value.ndim)]
        axis += value.ndim
        end = start + (pt.prod(pt.stack(shape)) if shape else 1)
        part = point[start:end].reshape(shape) if shape else point[start]
        parts[value] = pt.specify_shape(part, value.type.shape) if any(value.type.shape) else part
        start = end
    return parts
