"""Fits of tables whose truth is known, without MCMC."""

from functools import cache

import pytest

from tests.benchmarks.emergence_simulation import by_quadrature, read, simulated, written
from tests.conftest import SEED


@pytest.fixture(scope="module")
def known():
    """A fit of a simulated table whose posterior is written down: the frailty by quadrature, or as given; no MCMC."""

    @cache
    def write(world, seed=SEED, **law):
        data = read(simulated(world, seed))
        return written(data, draws=8, **law) if law else by_quadrature(data, seed)

    return write
