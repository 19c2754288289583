"""Structures of the model by name, and the switches of its parts."""

from dataclasses import asdict, dataclass
from math import inf


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Which parts of the capability model are on."""

    frailty: bool = True  # False: items alike, tokens independent (nu -> infinity)
    free_ceiling: bool = True  # False: a perfect model scores 1
    free_floor: bool = True  # False: a hopeless model scores `chance`
    bend: bool = True  # False: one power law over all compute
    params_tokens: bool = True  # False: compute alone counts, however it is split into parameters and tokens
    warm_up: bool = True  # False: early checkpoints follow the law of late ones
    families: bool = True  # False: recipes are alike
    deviations: bool = True  # False: a family is as far ahead on every task
    progress: bool = True  # False: recipes do not improve with time
    progress_by_law: bool = True  # False: recipes improve at one rate on all tasks
    progress_walk: bool = True  # False: that rate never changes
    shocks: bool = True  # False: runs of one size, or of one half-year, have nothing in common beyond
    outliers: bool = True  # False: every row is a sound evaluation
    drift: bool = True  # False: items differ in difficulty as much for large models as for small ones
    token_floor: bool = True  # False: no token is right by guessing


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Which parameters are fixed at their simplest value.

    They enter the graph as numbers, so that one compiled program serves them all, and every posterior has the same
    variables: draws of several can be mixed.
    """

    # Frailty of every lone rate: 1 is the logistic curve, inf are independent tokens; None: learned. Several rates of
    # the same answers measure it: it is learned then, always.
    nu: float | None = None
    ceiling: bool = False  # True: a perfect model scores 1, where no irreducible loss is seen
    floor: bool = False  # True: a hopeless model scores `chance`
    bend: bool = False  # True: one power law over all compute


STRUCTURES: dict[str, Structure] = {
    "full": Structure(),
    "ceiling 1": Structure(ceiling=True),
    "independent": Structure(nu=inf),
    "nu 1": Structure(nu=1.0),
    "no floor": Structure(floor=True),
    "one power law": Structure(bend=True),
}
"""The structures by name; names joined by "+" have all restrictions of each, see `structure_of`."""
DEFAULT = ("full",)
"""The structure of a fit unless told otherwise: an average over three gains 1 to 2% of CRPS for many times the time."""
AVERAGED = ("full", "ceiling 1", "independent")
"""Those that an average is over, and that are compared."""


def structure_of(name: str) -> Structure:
    """Restrictions of a structure, as of 'ceiling 1' or 'ceiling 1+no floor'; a `KeyError` names what is unknown."""
    default = asdict(Structure())
    found = dict(default)
    for part in name.split("+"):
        found |= {key: value for key, value in asdict(STRUCTURES[part.strip()]).items() if value != default[key]}
    return Structure(**found)
