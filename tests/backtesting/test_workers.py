"""Workers and numbers: a back-test gives the same ones in this process, in two workers and on a cluster."""

import pandas as pd
import pytest

from forecast.backtesting.run import backtest
from forecast.draws import Sampling
from forecast.table.dataset import read_table
from forecast.table.splits import Split
from tests.conftest import SEED, TASKS, simulated_rows, write_rows

CUTS = tuple(Split(by="compute", at=at) for at in (5e21, 2e22))
FEW = Sampling(seed=SEED, draws=100, tune=100)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    rows = [row for row in simulated_rows() if row["task"] == next(iter(TASKS))]
    return read_table(write_rows(tmp_path_factory.mktemp("workers") / "table.csv", rows))


@pytest.fixture(scope="module")
def alone(frame):
    """The back-test in this process, with all threads that its libraries take."""
    return backtest(frame, CUTS, name="table.csv", sampling=FEW)


def assert_same(one, other):
    for name in ("scores", "thresholds", "together"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    pd.testing.assert_frame_equal(
        one.fits.drop(columns="seconds", errors="ignore"), other.fits.drop(columns="seconds", errors="ignore")
    )
    assert one.to_dict()["methods"] == other.to_dict()["methods"]


def test_two_workers_give_the_numbers_of_one(frame, alone):
    assert_same(backtest(frame, CUTS, name="table.csv", sampling=FEW, workers=2), alone)


def test_a_cluster_gives_the_numbers_of_one_process(frame, alone, cluster):
    assert_same(backtest(frame, CUTS, name="table.csv", sampling=FEW, scheduler=cluster.scheduler_address), alone)


def test_another_seed_gives_other_numbers(frame, alone):
    other = backtest(frame, CUTS, name="table.csv", sampling=Sampling(seed=SEED + 1, draws=100, tune=100))
    assert not other.scores["crps"].equals(alone.scores["crps"])
