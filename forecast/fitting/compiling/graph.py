"""Graphs of PyTensor: their known inputs, and a hash that two graphs share when they compute the same."""

from collections.abc import Mapping
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType
from typing import Any
from uuid import uuid4

import numpy as np
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.op import HasInnerGraph
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import toposort
from pytensor.tensor.shape import SpecifyShape

Variable = Any  # of a graph: what PyTensor says of their types is too little to check by


def unsized(output: Variable) -> Variable:
    """The same graph without checks of sizes, which hold for one table only."""
    while True:
        checks = [node for node in toposort([output]) if isinstance(node.op, SpecifyShape)]
        ends = [(node.outputs[0], node.inputs[0]) for node in checks]
        needless = next(((after, before) for after, before in ends if open_shape(after) == open_shape(before)), None)
        if needless is None:
            return output
        (output,) = clone_replace([output], dict([needless]), rebuild_strict=False)


def known_inputs(outputs: list[Variable]) -> list[Variable]:
    """What a graph takes from data and arrays of constants, in an order that the graph fixes.

    Lone numbers, such as those of priors, and what follows from them are not among it: they are part of the graph.
    """
    numbers: set[Variable] = set()  # known, and the same for all tables
    data: set[Variable] = set()  # known
    found: dict[Variable, None] = {}
    for node in toposort(outputs):
        numbers.update(each for each in node.inputs if isinstance(each, Constant) and np.size(each.data) == 1)
        constants = (each for each in node.inputs if isinstance(each, Constant | SharedVariable))
        data.update(each for each in constants if each not in numbers)
        if numbers.issuperset(node.inputs):
            numbers.update(node.outputs)
        elif (numbers | data).issuperset(node.inputs):
            data.update(node.outputs)
        else:
            found |= dict.fromkeys(each for each in node.inputs if each in data)
    return list(found)


def open_shape(variable: Variable) -> tuple[int | None, ...]:
    return tuple(1 if size == 1 else None for size in variable.type.shape)


def hash_of_graph(outputs: list[Variable], places: dict[Variable, Any], *, salt: str) -> str:
    """A hash that two graphs share when they compute the same with the same operations and constants."""
    hashed = sha256(salt.encode())
    known = dict(places)
    for number, node in enumerate(toposort(outputs)):
        inputs = [_constant(each) if isinstance(each, Constant) else known[each] for each in node.inputs]
        hashed.update(repr((described(node.op), inputs, [described(each.type) for each in node.outputs])).encode())
        known |= {each: (number, place) for place, each in enumerate(node.outputs)}
    return hashed.hexdigest()


def _constant(constant: Constant) -> tuple[str, ...]:
    data = constant.data
    content = sha256(np.ascontiguousarray(data).tobytes()).hexdigest() if isinstance(data, np.ndarray) else repr(data)
    return described(constant.type), content


def described(thing: Any) -> str:
    """An operation, type or property in words that tell it from every other one."""
    if isinstance(thing, type | FunctionType | BuiltinFunctionType | np.ufunc):
        name = f"{thing.__module__}.{thing.__qualname__}"
        return str(uuid4()) if "<" in name else name  # a function made by another may be any
    if isinstance(thing, str | bytes | bool | int | float | None | np.dtype | np.generic):
        return repr(thing)
    if isinstance(thing, tuple | list):
        return repr([described(each) for each in thing])
    if isinstance(thing, Mapping):
        return repr([(str(key), described(each)) for key, each in sorted(thing.items())])
    if isinstance(thing, HasInnerGraph):
        places = {each: ("inner", place) for place, each in enumerate(thing.inner_inputs)}
        return hash_of_graph(thing.inner_outputs, places, salt=described(type(thing)))
    names = getattr(thing, "__props__", None)
    if names is None and not hasattr(thing, "__dict__"):
        return str(uuid4()) if " at 0x" in (text := repr(thing)) else text
    if names is None:
        names = sorted(name for name in vars(thing) if name != "name" and not name.startswith("_"))
    return repr((described(type(thing)), [described(getattr(thing, name)) for name in names]))
