"""Units that people write sizes in, found from the numbers, and the same numbers in the unit of the column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

PETAFLOP_DAY = 1e15 * 86400


@dataclass(frozen=True)
class Unit:
    """A unit in words, and what one of it is in the unit of the column; None: the number is a logarithm."""

    words: str
    factor: float | None

    def of(self, values: pd.Series) -> pd.Series:
        return 10.0**values if self.factor is None else values * self.factor


MILLIONS, BILLIONS, TRILLIONS = Unit("millions", 1e6), Unit("billions", 1e9), Unit("trillions", 1e12)
LOG10_FLOP = Unit("log10 FLOP", None)
COMPUTES = (
    Unit("petaFLOP", 1e15),
    Unit("petaFLOP/s-days", PETAFLOP_DAY),
    Unit("exaFLOP", 1e18),
    Unit("units of 1e21 FLOP", 1e21),
    Unit("units of 1e24 FLOP", 1e24),
)
LOG10_RANGE = (8.0, 32.0)
COMPUTE_RANGE = (1e16, 1e28)  # of the runs that tables are about
USUAL = 22.0  # log10 FLOP
AGREE = 30.0  # as of 6 N D


def likely_units(column: str, values: pd.Series, *, sizes: pd.Series) -> tuple[Unit, ...]:
    """The units that small numbers of a column are probably in, likeliest first; none where nothing fits.

    `sizes` is 6 N D by row, NaN where it is not known: the unit of a compute follows from it.
    """
    if values.empty:
        return ()
    return _of_compute(values, sizes) if column == "compute" else _of_sizes(column, values)


def _of_sizes(column: str, values: pd.Series) -> tuple[Unit, ...]:
    whole = bool((values == values.round()).all())
    if column == "tokens":
        if values.max() > 1e5:
            return (MILLIONS,)
        return (TRILLIONS, BILLIONS) if values.max() <= 50 else (BILLIONS,)
    if values.max() > 5000:
        return (MILLIONS,)
    return (MILLIONS, BILLIONS) if whole and values.min() >= 60 else (BILLIONS,)


def _of_compute(values: pd.Series, sizes: pd.Series) -> tuple[Unit, ...]:
    known = sizes[values.index]
    if known.notna().any():
        off = {unit: abs(np.log10(unit.of(values) / known).median()) for unit in (*COMPUTES, LOG10_FLOP)}
        nearest = min(off, key=lambda unit: off[unit])
        return (nearest,) if off[nearest] < np.log10(AGREE) else ()
    if values.between(*LOG10_RANGE).all():
        return (LOG10_FLOP,)
    fitting = [unit for unit in COMPUTES if unit.of(values).between(*COMPUTE_RANGE).all()]
    return tuple(sorted(fitting, key=lambda unit: abs(np.log10(unit.of(values).median()) - USUAL))[:2])


def mended(value: float, units: Sequence[Unit]) -> str:
    """What to write for a number, in each of the units that it may be in."""
    texts = [typed(float(unit.of(pd.Series([value])).iloc[0]), 3 if unit.factor is None else 6) for unit in units]
    if len(units) == 1:
        return f"write {texts[0]}"
    factors = [f"{typed(unit.factor or 1.0)} if {unit.words}" for unit in units]
    return f"multiply by {' or by '.join(factors)}: {' or '.join(texts)}"


def typed(value: float, digits: int = 6) -> str:
    """A number as people type it: '7e9', '1.41e12', '0.25', '4096'.

    >>> typed(7e9), typed(0.25), typed(4.0)
    ('7e9', '0.25', '4')
    """
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{short}e{int(exponent)}" if abs(int(exponent)) > 4 else f"{float(f'{value:.{digits}g}'):.10g}"
