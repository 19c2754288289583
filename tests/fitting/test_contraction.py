"""What the data moved, and which rows surprise: the prior as a fit, widths that shrink, a broken row found."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.fitting.contraction import contraction, prior_of
from forecast.fitting.sampler import draw_prior
from forecast.posterior.outliers import outliers
from forecast.posterior.threshold import threshold_draws
from tests.conftest import SEED, TASKS


@pytest.fixture(scope="module")
def prior(fitted):
    return prior_of(fitted, draws=400, seed=SEED)


def test_the_prior_of_a_fit_has_the_variables_of_its_posterior(fitted, prior):
    assert set(prior.posterior.data_vars) == set(fitted.posterior.data_vars)
    for name, draws in prior.posterior.data_vars.items():
        assert draws.sizes == {**fitted.posterior[name].sizes, "chain": 1, "draw": 400}
    assert prior.data is fitted.data


def test_a_prior_can_be_asked_for_thresholds_like_a_posterior(prior):
    for task in TASKS:
        crossed_at = threshold_draws(prior, task, 0.5)
        assert not np.isnan(crossed_at).any() and 0 < float((crossed_at == np.inf).mean()) < 1


def test_draws_of_the_prior_whose_exponent_overflows_are_left_out(fitted, monkeypatch):
    """One of a thousand has one where a table has dates alone; with it no quantile of a threshold was known."""

    def overflowing(*arguments, **options):
        tree = draw_prior(*arguments, **options)
        tree["prior"]["exponent"][0, 0, 0], tree["prior"]["log10_amplitude"][0, 0, 0] = np.inf, np.nan
        return tree

    monkeypatch.setattr("forecast.fitting.contraction.draw_prior", overflowing)
    prior = prior_of(fitted, draws=20, seed=SEED)
    assert prior.posterior.sizes["draw"] == 19
    assert not any(np.isnan(threshold_draws(prior, task, 0.5)).any() for task in fitted.data.task.values)


def test_a_posterior_equal_to_the_prior_has_a_width_ratio_near_one_and_moved_nothing(fitted):
    for line in contraction(prior_of(fitted, draws=4000, seed=SEED + 1), at=(0.5,), seed=SEED):
        if line["width_ratio"] is not None and not line["parameter"].startswith("log10_compute"):
            assert 0.7 < line["width_ratio"] < 1.4 and not line["moved"], line


def test_the_data_move_the_threshold_of_a_task_that_they_show_crossing(fitted):
    lines = {(line["parameter"], line["task"]): line for line in contraction(fitted, at=(0.5,), seed=SEED)}
    assert lines["log10_compute at 0.5", "addition"]["moved"]
    assert all(len(line["prior"]) == len(line["posterior"]) == 3 for line in lines.values())
    assert {"sigma_run", "sigma_bend"} <= {name for name, task in lines if task is None}


def test_no_row_of_a_table_drawn_from_the_model_is_called_broken(fitted):
    assert all(row["p_broken"] < 0.5 for row in outliers(fitted, seed=SEED))


def test_a_row_that_scores_nothing_among_full_marks_is_found_and_named(fitted):
    last = int(np.flatnonzero(fitted.data.successes.values == fitted.data.successes.values.max())[0])
    zero = xr.where(np.arange(fitted.data.sizes["observation"]) == last, 0.0, fitted.data.successes)
    broken = replace(fitted, data=fitted.data.assign(successes=zero, score=zero / fitted.data.trials))
    first = outliers(broken, seed=SEED)[0]
    assert first["row"] == int(fitted.data.observation.values[last])
    assert first["p_broken"] > 0.9 and first["score"] == 0.0 and first["expected"]["q05"] > 0.1
