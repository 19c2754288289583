"""Simulation-based calibration, the small set: ranks of the truth are uniform, and with a fault they are not.

All kinds of tables, 300 simulations each: `tests/benchmarks/calibration/README.md`.
"""

import numpy as np
import pytest

from tests.benchmarks.calibration.bands import POINTS, band, p_value, shares
from tests.benchmarks.calibration.controls import CONTROLS, Control
from tests.benchmarks.calibration.ranks import run
from tests.benchmarks.calibration.shown import p_values
from tests.conftest import SEED

SIMULATIONS = 60
CHANCE = 1e-3  # of a false alarm, over all numbers of a table
SEEN = 1e-2  # the smallest p-value there is, 5e-5, times some thirty numbers is 1.5e-3


def smallest_p(tmp_path, control):
    """The smallest p-value over all numbers, times how many they are."""
    path = tmp_path / "ranks.csv"
    run(control, path, count=SIMULATIONS, seconds=np.inf, seed=SEED)
    found = p_values(path)
    assert {"log likelihood", "score of a new run"} < set(found)
    return min(found.values()) * len(found)


@pytest.mark.parametrize(
    "kind", [pytest.param("exact match", marks=pytest.mark.mcmc), pytest.param("choice", marks=pytest.mark.slow)]
)
def test_ranks_of_the_truth_are_uniform(kind, tmp_path):
    assert smallest_p(tmp_path, Control(kind=kind)) > CHANCE


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["sign", "weight"])
def test_a_fault_between_truth_and_fit_is_seen(fault, tmp_path):
    assert smallest_p(tmp_path, CONTROLS[fault]) < SEEN


def test_uniform_ranks_stay_within_the_band_as_often_as_it_says():
    rng, (low, high) = np.random.default_rng(SEED), band(300, 0.9)
    stays = [
        ((found := shares(rng.integers(100, size=300))) >= low).all() and (found <= high).all() for _ in range(1000)
    ]
    assert np.mean(stays) == pytest.approx(0.9, abs=4 * np.sqrt(0.9 * 0.1 / 1000))


def test_the_band_is_that_of_arviz():
    from arviz_stats.ecdf_utils import ecdf_pit

    size, rng = 300, np.random.default_rng(SEED)
    points, _, low, high = ecdf_pit(rng.uniform(size=size), 0.95, 4000, rng=rng)
    for own, its in zip(band(size), (low, high), strict=True):
        np.testing.assert_allclose(own, np.interp(POINTS, points, its), atol=1.01 / size)


@pytest.mark.parametrize("ranks", [np.arange(100) // 2, np.r_[:20, 80:100].repeat(3), 30 + np.arange(100) // 3])
def test_ranks_that_are_shifted_or_too_wide_or_too_narrow_are_far_from_uniform(ranks):
    assert p_value(ranks) < 1e-3


def test_p_values_of_uniform_ranks_are_uniform():
    rng = np.random.default_rng(SEED)
    found = np.array([p_value(rng.integers(100, size=200)) for _ in range(300)])
    for level in (0.05, 0.5):
        assert np.mean(found <= level) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(found)))
