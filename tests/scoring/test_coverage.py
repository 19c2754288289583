"""Coverage of intervals and PIT histograms: against SciPy, and what honest and dishonest forecasts look like."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from forecast.scoring.summary import LEVELS, pit_histogram, reliability, wilson_interval
from tests.conftest import SEED


def pits(**methods) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"method": name, "pit": values}) for name, values in methods.items()])


def test_wilson_interval_is_that_of_scipy():
    for successes, trials in [(0, 2000), (3, 7), (2000, 2000), (1, 1)]:
        oracle = binomtest(successes, trials).proportion_ci(method="wilson")
        lower, upper = wilson_interval(np.array(successes / trials), np.array(trials), z=1.959963984540054)
        assert (lower, upper) == (pytest.approx(oracle.low, abs=1e-12), pytest.approx(oracle.high, abs=1e-12))


def test_uniform_pits_are_covered_as_often_as_the_level_says():
    even = (np.arange(1000) + 0.5) / 1000
    table = reliability(pits(ours=even))
    np.testing.assert_allclose(table["observed"], LEVELS, atol=1e-12)
    assert (table["low"] < table["nominal"]).all() and (table["nominal"] < table["high"]).all()


def test_methods_keep_their_order_and_their_numbers_of_outcomes():
    found = pits(zebra=np.full(4, 0.5), ant=np.full(9, 0.99))
    for table in (reliability(found), pit_histogram(found)):
        first = table.drop_duplicates("method")
        assert first["method"].tolist() == ["zebra", "ant"] and first["n"].tolist() == [4, 9]


def test_pits_at_the_ends_are_outside_every_interval_and_those_in_the_middle_inside():
    narrow, wide = reliability(pits(a=np.array([0.001, 0.999]))), reliability(pits(a=np.array([0.49, 0.51])))
    assert (narrow["observed"] == 0).all() and (wide["observed"] == 1).all()


def test_shares_of_the_histogram_add_to_one_with_both_ends():
    table = pit_histogram(pits(ours=np.array([0.0, 0.05, 0.55, 1.0])))
    assert table["share"].tolist() == [0.5, 0, 0, 0, 0, 0.25, 0, 0, 0, 0.25]
    assert table["left"].iloc[0] == 0 and table["right"].iloc[-1] == 1


def test_the_band_holds_bars_of_uniform_pits_as_often_as_it_says_and_fewer_of_others():
    rng = np.random.default_rng(SEED)

    def held(draw) -> float:
        tables = [pit_histogram(pits(a=draw())) for _ in range(200)]
        return np.mean([((t["low"] <= t["share"]) & (t["share"] <= t["high"])).mean() for t in tables])

    error = (0.9 * 0.1 / 2000) ** 0.5
    assert (
        0.9 - 4 * error < held(lambda: rng.uniform(size=100)) < 0.97
    )  # counts are whole: the band holds more than 90%
    assert held(lambda: rng.beta(0.4, 0.4, 100)) < 0.85
