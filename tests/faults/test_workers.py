"""Workers that die: their cut alone is lost, and named; without any result the command ends in one line."""

import os
import signal

import pytest

from tests.conftest import CUT, forecast_command, guesses, simulated_rows, write_rows


def dying(job):
    """In place of `forecast.backtesting.run.forecasts`: the worker dies, each time at the cut that leaves four runs."""
    if job.data["train"]["model"].nunique() == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return guesses(job)


def always_dying(job):
    """In place of it: the worker dies."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def backtest(tmp_path, monkeypatch):
    """The command with two cuts and two workers, whose work is another."""
    table = write_rows(tmp_path / "table.csv", simulated_rows())

    def command(work):
        monkeypatch.setattr("forecast.backtesting.run.forecasts", work)
        cuts = ("--cut", "5e21", "--cut", CUT)
        return forecast_command("backtest", table, *cuts, "-o", tmp_path / "out", "--workers", 2, "--quiet")

    return command


def test_a_worker_that_dies_costs_its_cut_alone_and_is_named(backtest):
    done = backtest(dying)
    assert "failed: runs below 5e21 FLOP: its worker process died 2 times" in done.out
    assert done.code == 3 and "1 cut of 2 failed" in done.err


def test_workers_that_all_die_are_one_line_and_leave_no_results(backtest, tmp_path):
    done = backtest(always_dying)
    assert done.code == 1 and done.err.startswith("error: no fit of the back-test succeeded")
    assert "its worker process died 2 times, at last by signal SIGKILL" in done.err and done.err.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["jobs"]
