"""Densities: log density and gradient of a model in machine code, kept on disk and found again by its graph.

Rewriting and compiling the gradient of a model takes ten seconds, and all of it follows from the graph of the log
density. So this graph and the versions of the packages are hashed, and numba keeps the machine code under that hash.
Data (`pm.Data`) and sizes are arguments of the code and no part of the hash: tables that differ in nothing else share
one code, in this process and the next.
"""

import logging
from collections.abc import Callable
from ctypes import POINTER, c_double, c_void_p
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numba import carray, njit, types
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from nutpie.compile_pymc import address_as_void_pointer
from pymc.pytensorf import compile as compile_pymc
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.link.numba.cache import compile_numba_function_src

from forecast.fitting.compiling.graph import Variable, described, hash_of_graph, known_inputs, open_shape, unsized

logger = logging.getLogger(__name__)
PACKAGES = ("pytensor", "pymc", "nutpie", "numba")  # whose versions the machine code depends on
VERSION = 3  # raise with every change of the code below that changes the machine code, and of the name of this module
INTERPRETED = Mode("py", "fast_compile")  # of graphs that are evaluated once
kept: dict[str, CFunc] = {}
"""Machine code of this process, by its key."""


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
        return list(map(np.asarray, self._known()))

    @cached_property
    def _known(self) -> Callable[[], list]:
        with pytensor.config.change_flags(cxx=""):
            return pytensor.function([], self._given, mode=INTERPRETED)

    def code(self) -> tuple[CFunc, bool]:
        """The machine code, and whether it had to be made."""
        key = self.key()
        if key in kept:
            return kept[key], False
        environment: dict[str, Any] = {"__name__": __name__, "np": np, "carray": carray}
        function = compile_numba_function_src(CALLBACK, "density", global_env=environment, cache_key=key)
        kept[key] = _Code(function, self._compiled)
        return kept[key], kept[key].cache_hits == 0

    def key(self) -> str:
        """A name that models share whose machine code is the same."""
        places: dict[Variable, Any] = {each: ("data", place) for place, each in enumerate(self._data)}
        places |= {each: ("value", place) for place, each in enumerate(self._values)}
        versions = [f"{name} {version(name)}" for name in PACKAGES]
        types_ = [described(each.type) for each in places]
        return hash_of_graph([self._logp], places, salt=repr((VERSION, versions, types_)))

    def _compiled(self) -> Any:
        """The jitted function of a vector and the table of `table_of_arrays` that answers log density and gradient."""
        logp: Variable = rewrite_graph(self._logp, include=["canonicalize", "stabilize"])
        slopes: Variable = pt.grad(logp, self._values)
        gradient = pt.concatenate([each.ravel() for each in slopes])
        point, sizes = pt.vector("point"), pt.lvector("sizes")
        outputs = clone_replace([logp, gradient], value_parts(point, sizes, self._values), rebuild_strict=False)
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


def table_of_arrays(arrays: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Arrays that keep their place, and the table of their addresses and sizes."""
    kept = [np.array(each, order="C") for each in arrays]
    return kept, np.array([number for each in kept for number in (each.ctypes.data, *each.shape)], dtype=np.int64)


def evaluated(code: CFunc, point: np.ndarray, table: np.ndarray) -> tuple[int, float, np.ndarray]:
    """What the machine code answers at a point: 0, `FAILED` or another fault; the log density and its slopes."""
    slopes, value = np.full_like(point, np.nan), np.full(1, np.nan)
    places = (each.ctypes.data_as(POINTER(c_double)) for each in (point, slopes, value))
    return code.ctypes(len(point), *places, c_void_p(table.ctypes.data)), float(value[0]), slopes


def raises(code: CFunc, point: np.ndarray, table: np.ndarray) -> bool:
    """Whether the machine code raises an error at a point; a density or slope that is not finite is none."""
    return evaluated(code, point, table)[0] == FAILED


def value_parts(point: Variable, sizes: Variable, values: list[Variable]) -> dict[Variable, Variable]:
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
