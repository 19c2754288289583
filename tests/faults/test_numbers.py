"""Numbers that fail: a density, or a slope of it, that is finite nowhere; one clear line and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pymc as pm
import pytest
from pytensor import tensor as pt

from forecast.draws import Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import sampled
from tests.conftest import forecast_command

ROOT = Path(__file__).parents[2]
FEW = Sampling(draws=100, tune=100)
NOWHERE = """
import pymc as pm
from pytensor import tensor as pt
from forecast.draws import Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import sampled
with pm.Model() as model:
    pm.Potential("p", pt.log(pm.Normal("x", shape=2)[0] - 50.0))
try:
    sampled(model, Sampling(draws=100, tune=100))
except ForecastError as error:
    print(error)
"""


def test_a_density_that_is_nowhere_finite_is_a_known_error():
    with pm.Model() as model:
        pm.Potential("p", pt.sqrt(-1 - pm.Normal("x", shape=2)[0] ** 2))
    with pytest.raises(ForecastError, match="finds no start: the log density is not a finite number at any of 500"):
        sampled(model, FEW)


def test_a_slope_that_is_nowhere_finite_is_a_known_error_that_names_it():
    with pm.Model() as model:
        pm.Normal("y")
        pm.Potential("p", pt.sqrt(pt.maximum(pm.Normal("x") - 50.0, 0.0)))  # at 0 its slope is 0 times infinity
    with pytest.raises(ForecastError, match="slope of the log density in x is not a finite number"):
        sampled(model, FEW)


def test_a_density_that_is_finite_in_places_is_sampled():
    with pm.Model() as model:
        pm.Potential("p", pt.log(pm.Normal("x")))  # NaN for one half of all starts
    assert (sampled(model, FEW).posterior["x"] > 0).all()


def test_the_process_ends_well_after_that_error():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for _ in range(3):  # threads of the sampler that outlived it ended two of three in a segmentation fault
        done = subprocess.run([sys.executable, "-c", NOWHERE], env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and "finds no start" in done.stdout, done.stderr


def test_prior_numbers_that_no_computer_holds_are_one_line(tmp_path):
    folder = tmp_path / "study"
    assert forecast_command("new", folder).code == 0
    with (folder / "study.toml").open("a") as file:
        file.write("\n[priors]\nexponent_median = 1e300\nexponent_sd = 1e300\n")
    done = forecast_command("run", folder, "--draws", "100", "--tune", "100", "--quiet")
    assert done.code == 1 and done.err.strip().splitlines()[-1].startswith("error: ")
    assert not (folder / "output" / "result.json").exists()
