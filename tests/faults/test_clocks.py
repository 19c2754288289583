"""Clocks that jump while a command is under way: no number and no duration follows them."""

import itertools
import time

import pytest

from forecast.backtesting.jobs import run_jobs
from forecast.stages import Stages
from forecast.table.dataset import read_table
from forecast.table.splits import Split
from tests.backtesting.test_jobs import jobs_of, numbers, work
from tests.conftest import CUT, simulated_rows, write_rows


@pytest.fixture
def jumping(monkeypatch):
    """A clock that jumps to and fro by decades whenever it is asked."""
    jumps = itertools.cycle([0.0, 4e9, -1e9, 1e9])
    monkeypatch.setattr(time, "time", lambda: next(jumps))


def test_jobs_take_no_negative_time_and_give_their_numbers(tmp_path, jumping):
    traces = tmp_path / "traces"
    traces.mkdir()
    seen = []
    outcomes = run_jobs(work, jobs_of(traces, 3), folder=tmp_path / "results", progress=seen.append)
    assert all(0 <= each.seconds < 60 for each in outcomes)
    assert all(each.seconds_left is None or 0 <= each.seconds_left < 60 for each in seen)
    again = run_jobs(work, jobs_of(traces, 3), folder=tmp_path / "results")
    assert numbers(again) == numbers(outcomes) and all(each.stored for each in again)


def test_a_stage_takes_no_negative_time(jumping):
    told = []

    class Told(Stages):
        def _ended(self, stage, seconds):
            told.append(seconds)

    with Told().stage("a"):
        pass
    assert len(told) == 1 and 0 <= told[0] < 60


def test_a_back_test_gives_the_numbers_that_it_gives_by_a_steady_clock(track_of, tmp_path, request):
    frame, cut = read_table(write_rows(tmp_path / "table.csv", simulated_rows())), Split(by="compute", at=CUT)
    steady = track_of(frame, cut, folder=tmp_path / "steady")
    request.getfixturevalue("jumping")
    jumped = track_of(frame, cut, folder=tmp_path / "jumped")
    assert steady.scores.equals(jumped.scores)
