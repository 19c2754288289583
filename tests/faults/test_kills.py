"""Kills of commands at random moments; `tests/benchmarks/faults.py` does many more of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.faults import faults_in
from tests.conftest import SEED

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("names", "kills"),
    [
        (["import"], 4),
        pytest.param(["fit", "report"], 4, marks=pytest.mark.slow),
        pytest.param(["run", "backtest with 2 workers"], 2, marks=pytest.mark.slow),
    ],
)
def test_a_killed_command_leaves_whole_files_alone_and_its_rerun_gives_the_same(names, kills):
    program = [sys.executable, "tests/benchmarks/faults.py", *names, "--kills", str(kills), "--seed", str(SEED)]
    done = subprocess.run(program, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith(tuple(f"| {n} " for n in names))]
    assert [line[2] for line in lines] == [str(kills)] * len(names)


def test_files_of_two_runs_and_half_files_are_seen():
    new, earlier = {"fit.nc": "new", "result.json": "new"}, {"fit.nc": "old", "result.json": "old"}
    assert not [*faults_in(new, new, earlier, "result.json"), *faults_in(earlier, new, earlier, "result.json")]
    assert not list(faults_in({"fit.nc": "new"}, new, earlier, "result.json"))
    mixed = {"fit.nc": "new", "result.json": "old"}
    assert list(faults_in(mixed, new, earlier, "result.json")) == ["result.json is there, but not of its run: fit.nc"]
    assert list(faults_in({"fit.nc": "half-written: OSError: x"}, new, {}, None)) == [
        "fit.nc: half-written: OSError: x"
    ]
    assert list(faults_in({"other": "new"}, new, {}, None)) == ["other: is of neither run"]
