"""Horizons in the model: one over a loss without an irreducible part, from the table to the graph."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.posterior.compute import compute_at_theta, effective_compute
from forecast.posterior.predict import predict, typical_score
from forecast.posterior.reached import reached
from forecast.posterior.recipes.ahead import family_deviation, family_shift
from forecast.posterior.score import expected_score, theta_at_score
from forecast.posterior.threshold import doubling_decades, growth_in_words, growth_of, threshold, threshold_draws
from forecast.table.dataset import observations, read_rows, read_table
from models.capability import capability_model
from models.dates import DAYS_A_YEAR, year_of
from models.equations.metrics import METRICS, measured_score
from models.facts.layout import error_of_log, is_measured_law, is_reciprocal_law
from models.facts.parts import has_bend, has_irreducible
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

DATES = [f"{2021 + run // 2}-0{1 + 5 * (run % 2)}-15" for run in range(8)]
MINUTES = [0.5, 1.5, 2.0, 6.0, 9.0, 31.0, 44.0, 130.0]


def rows(**cells):
    """Eight runs with a horizon each, half a year apart."""
    return pd.DataFrame(
        {"model": [f"agent {run}" for run in range(8)], "task": "jobs", "metric": "horizon", "score": MINUTES}
        | {"date": DATES}
        | cells
    )


def written(tmp_path, frame):
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


@pytest.fixture
def frame(tmp_path):
    return read_table(written(tmp_path, rows(score_sd=0.1)))


@pytest.fixture(scope="module")
def drawn(prior_fit, tmp_path_factory):
    """Prior draws of a table by date, and of one by compute with a rate beside."""
    folder = tmp_path_factory.mktemp("horizons")
    dated = read_table(written(folder, rows(score_sd=0.1)))
    compute = 10.0 ** np.linspace(22, 25, 8)
    rates = {"metric": "exact_match", "task": "sums", "score": np.linspace(0.1, 0.8, 8), "trials": 100}
    both = pd.concat([rows(compute=compute, trials=np.nan), rows(compute=compute, **rates)])
    return prior_fit(dated, draws=4000), prior_fit(read_table(written(folder, both)), draws=200)


def test_a_horizon_is_one_over_a_loss_and_back():
    assert measured_score(measured_score(12.5, metric="horizon"), metric="horizon") == 12.5
    assert measured_score(np.zeros(1), metric="horizon") == np.inf and measured_score(2.0, metric="loss") == 2.0
    assert METRICS["loss"].falls and not METRICS["horizon"].falls and not METRICS["exact_match"].falls


def test_a_table_of_horizons_by_date_has_a_law_that_may_bend_and_nothing_irreducible(frame):
    data = observations(frame)
    assert data.attrs["scale"] == "date"
    assert is_measured_law(data).all() and is_reciprocal_law(data).all()
    assert not has_irreducible(data).any() and has_bend(data, Parts())
    np.testing.assert_allclose(error_of_log(data), 0.1 * np.log(10))


def test_horizons_are_observed_as_losses_of_one_over_them_within_their_own_error(frame):
    """Twice the horizons are one and the same log density with a law twice as high, but for the prior of the level."""
    model = capability_model(observations(frame))
    np.testing.assert_allclose(model["log_loss_observed"].get_value(), -np.log(MINUTES))
    np.testing.assert_allclose(model["error_of_log"].get_value(), 0.1 * np.log(10))
    bare = capability_model(observations(frame.assign(score_sd=0.0)))
    assert "error_of_log" not in bare.named_vars


def test_the_prior_has_room_for_doubling_times_from_three_months_to_two_years(drawn):
    days = doubling_decades(drawn[0], "jobs").values / 0.6 * DAYS_A_YEAR
    low, middle, high = np.quantile(days, [0.05, 0.5, 0.95])
    assert low < 91 and 180 < middle < 365 and high > 730
    assert np.mean((days > 91) & (days < 730)) > 0.6


def test_the_prior_crosses_a_working_month_within_the_data_and_far_beyond_it(drawn):
    crossed = year_of(threshold_draws(drawn[0], "jobs", 10020.0).values)
    assert np.isfinite(crossed).all()
    assert np.mean(crossed < 2025) > 0.05 and np.mean(crossed > 2035) > 0.05


def test_a_horizon_doubles_in_its_doubling_time(drawn):
    """By date, on a law without bends: the threshold of twice the horizon lies one doubling time later."""
    fit = drawn[0]
    straight = fit.posterior.assign(slopes=xr.ones_like(fit.posterior.slopes))
    fit = type(fit)(**{**vars(fit), "posterior": straight})
    twice, once = (compute_at_theta(fit, "jobs", theta_at_score(fit, "jobs", at)) for at in (960.0, 480.0))
    apart = twice - once  # before dates are spread
    np.testing.assert_allclose(apart, doubling_decades(fit, "jobs"), rtol=1e-8)


def test_growth_is_that_between_the_first_and_the_last_run(drawn):
    fit = drawn[0]
    x = fit.data.log10_compute.values
    ends = typical_score(fit, "jobs", np.array([x.min(), x.max()]))
    rate = np.log2(ends.isel(point=1) / ends.isel(point=0)) / np.ptp(x)
    np.testing.assert_allclose(1 / rate, doubling_decades(fit, "jobs"), rtol=1e-8)


def test_the_curve_at_a_threshold_is_the_threshold_and_rises(drawn):
    for fit in drawn:
        at = compute_at_theta(fit, "jobs", theta_at_score(fit, "jobs", 480.0))  # before dates are spread
        theta = effective_compute(fit, at, shift=family_shift(fit, None, None)) + family_deviation(fit, "jobs", None)
        np.testing.assert_allclose(expected_score(fit, "jobs", theta), 480.0, rtol=1e-8)
        curve = typical_score(fit, "jobs", np.linspace(*np.sort(fit.data.log10_compute.values)[[0, -1]], 5))
        assert (np.diff(curve.transpose(..., "point")) > 0).all()


def test_an_answer_by_date_holds_days_and_one_by_compute_decades(drawn):
    by_date, by_compute = (threshold(fit, "jobs", 480.0) for fit in drawn)
    assert list(by_date["doubling_days"]) == ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]
    assert "doubling_decades" not in by_date and "doubling_days" not in by_compute
    assert growth_in_words(by_date).startswith("doubling time ")
    assert growth_in_words(by_compute).startswith("doubles with ") and "the compute (90% " in growth_in_words(
        by_compute
    )
    assert growth_of(drawn[1], "sums", None) == {} and growth_in_words(threshold(drawn[1], "sums", 0.5)) == ""
    assert growth_in_words({"doubling_days": {"q05": 104.2, "q50": 128.7, "q95": 157.9}}) == (
        "doubling time 129 days (90% 104 to 158)"
    )


def test_runs_of_a_longer_horizon_reached_a_shorter_one(drawn):
    assert reached(drawn[0], "jobs", 40.0)["model"].tolist() == ["agent 6", "agent 7"]


def test_the_error_of_a_row_widens_its_prediction(drawn, tmp_path):
    new = pd.DataFrame({"model": ["a", "b"], "task": "jobs", "metric": "horizon", "date": "2025-03-01"})
    path = written(tmp_path, new.assign(score_sd=[0.0, 2.0]))
    widths = np.log10(predict(drawn[0], read_rows(path), seed=SEED)).quantile([0.25, 0.75], "draw").diff("quantile")
    assert widths.values[0, 1] > widths.values[0, 0] * 1.1


def test_priors_of_horizons_move_nothing_else(frame):
    """A table without horizons has the graph that it had: no prior of horizons enters it."""
    losses = frame.assign(metric="loss", score=1.0 / np.array(MINUTES), score_sd=0.0)
    point = (model := capability_model(observations(losses))).initial_point()
    other = capability_model(observations(losses), priors=Priors(horizon_median=1e3, horizon_exponent_median=3.0))
    assert model.compile_logp()(point) == other.compile_logp()(point)
