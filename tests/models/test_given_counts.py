"""Counts of the same answers at more k tell nothing that one of them does not tell, and are not counted twice."""

from dataclasses import dataclass

import arviz as az
import numpy as np
import pytest

from forecast.draws import Sampling
from forecast.fitting.sampler import diagnose, fit
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.threshold import threshold_draws
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED, write_rows

pytestmark = pytest.mark.mcmc
RUNS, TRIALS, LENGTH, SCORE = 8, 40, 4, 0.3
SAMPLING = Sampling(seed=SEED, tune=500, draws=1000)
PLAIN = Parts(bend=False, free_floor=False, free_ceiling=False, outliers=False, drift=False, token_floor=False)
NOISE_OF_COUNTS_ALONE = Priors(concentration_median=1e4, concentration_log_sd=0.1)  # so that trials matter


@dataclass(frozen=True)
class Width:
    """Width of a 90% interval in decades, and its Monte Carlo standard error."""

    value: float
    error: float

    def is_below(self, other):
        return self.value < other.value - 4.0 * np.hypot(self.error, other.error)


def rows(metrics):
    """Counts as expected of a law with nu = 1: all of four tokens right, by either name."""
    for run, x in enumerate(np.linspace(20.0, 23.0, RUNS)):
        right = round(TRIALS / (1 + LENGTH * 10 ** (-0.6 - 0.5 * (x - 21.5))))
        for metric in metrics:
            k = LENGTH if metric == "at_least_k" else ""
            cells = {"metric": metric, "length": LENGTH, "k": k, "successes": right, "trials": TRIALS}
            yield {"model": f"run {run}", "task": "sums", "compute": f"{10**x:.6g}"} | cells


@pytest.fixture(scope="module")
def data_of(tmp_path_factory):
    def build(*metrics):
        path = tmp_path_factory.mktemp("table") / "table.csv"
        return observations(read_table(write_rows(path, list(rows(metrics)))))

    return build


def width(data):
    """That of the threshold of exact match."""
    posterior = fit(capability_model(data, PLAIN, NOISE_OF_COUNTS_ALONE), SAMPLING)
    assert diagnose(posterior).max_rhat < 1.05  # else the error of the width is not to be believed
    task = data.task.values[data.metric.values == "exact_match"].item()
    crossed_at = threshold_draws(drawn_fit(posterior, data, NOISE_OF_COUNTS_ALONE, PLAIN), task, SCORE)
    draws = crossed_at.transpose("chain", "draw").values
    assert np.isfinite(draws).all()
    low, high = np.quantile(draws, [0.05, 0.95])
    errors = [float(az.mcse(draws, method="quantile", prob=prob)) for prob in (0.05, 0.95)]
    return Width(float(high - low), float(np.hypot(*errors)))


@pytest.fixture(scope="module")
def alone(data_of):
    return width(data_of("exact_match"))


@pytest.fixture(scope="module")
def twice(data_of):
    """The observations of a table that counts each answer by two names."""
    return data_of("exact_match", "at_least_k")


def test_the_interval_of_a_threshold_does_not_shrink_where_the_same_answers_are_counted_at_more_k(alone, twice):
    assert (twice.given_index.values >= 0).sum() == RUNS
    assert not width(twice).is_below(alone)


def test_it_would_shrink_if_the_counts_were_taken_for_those_of_other_answers(alone, twice):
    """The negative control, by four Monte Carlo errors and more."""
    independent = twice.assign(given_index=0 * twice.given_index - 1)
    assert width(independent).is_below(alone)
