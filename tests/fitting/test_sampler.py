"""Sampling any PyMC model: known posteriors, honest diagnostics, reproducible draws."""

from dataclasses import replace

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr

from forecast.draws import MOST_ROUNDS, ROUND, Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import diagnose, fit, sampled
from tests.conftest import SEED

TRUSTED = Diagnostics(
    max_rhat=1.002, min_ess_bulk=900.0, min_ess_tail=800.0, divergences=0, total_draws=4000, worst=("mu",)
)
DATA = np.array([0.3, 1.9, 2.4, 0.8, 1.1])
PRIOR_SD, NOISE_SD = 2.0, 1.5
SAMPLING = Sampling(seed=SEED, chains=4, tune=300, draws=500)


@pytest.fixture(scope="module")
def conjugate_model():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, PRIOR_SD)
        pm.Deterministic("constant", pm.math.constant(1.0))
        pm.Normal("y", mu, NOISE_SD, observed=DATA)
    return model


@pytest.fixture(scope="module")
def conjugate(conjugate_model):
    return fit(conjugate_model, SAMPLING)


@pytest.fixture(scope="module")
def funnel():
    """Neal's funnel (2003, Annals of Statistics 31:705), which no fixed step size explores."""
    with pm.Model() as model:
        v = pm.Normal("v", 0.0, 3.0)
        pm.Normal("x", 0.0, pm.math.exp(v / 2), shape=9)
    return fit(model, SAMPLING)


def test_the_posterior_of_a_conjugate_normal_is_the_known_one(conjugate):
    precision = 1 / PRIOR_SD**2 + len(DATA) / NOISE_SD**2
    mean, sd = DATA.sum() / NOISE_SD**2 / precision, precision**-0.5
    error_of_mean, error_of_sd = (float(az.mcse(conjugate[["mu"]], method=of)["mu"]) for of in ("mean", "sd"))
    assert abs(float(conjugate.mu.mean()) - mean) < 5 * error_of_mean
    assert abs(float(conjugate.mu.std()) - sd) < 5 * error_of_sd
    assert (
        abs(float(conjugate.mu.mean()) - DATA.mean()) > 5 * error_of_mean
    )  # the prior has its say: a wrong mean fails


def test_draws_have_the_dims_chain_and_draw(conjugate):
    assert conjugate.mu.dims == ("chain", "draw")
    assert conjugate.sizes["chain"] == SAMPLING.chains and conjugate.sizes["draw"] == SAMPLING.draws


def test_the_same_seed_gives_the_same_draws_and_another_seed_others(conjugate_model, conjugate):
    short = replace(SAMPLING, tune=50, draws=20, chains=2)
    first, again, other = (fit(conjugate_model, each) for each in (short, short, replace(short, seed=SEED + 1)))
    xr.testing.assert_equal(first, again)
    assert not np.array_equal(first.mu, other.mu)


def test_a_well_sampled_posterior_has_no_reasons_for_distrust(conjugate):
    enough = replace(diagnose(conjugate), max_rhat=1.0)  # R-hat of 2000 draws is near its limit: not the point here
    assert enough.min_ess_bulk > 400 and enough.min_ess_tail > 400
    assert enough.reasons == []


def test_a_funnel_is_not_trusted(funnel):
    found = diagnose(funnel)
    assert found.reasons
    assert found.min_ess_bulk < 400 or found.max_rhat > 1.01 or found.divergences > 0
    ess = xr.concat([az.ess(funnel[["v", "x"]], method=method) for method in ("bulk", "tail")], dim="method").min(
        "method"
    )
    of_each = {"v": float(ess.v)} | {f"x[{place}]": float(value) for place, value in enumerate(ess.x.values)}
    assert found.worst[0] == min(of_each, key=of_each.__getitem__)


def test_diagnostics_are_the_worst_over_parameters_as_arviz_gives_them(funnel):
    found = diagnose(funnel)
    rhat, ess = az.rhat(funnel), az.ess(funnel, method="bulk")
    assert found.max_rhat == pytest.approx(max(float(rhat[name].max()) for name in ("v", "x")))
    assert found.min_ess_bulk == pytest.approx(min(float(ess[name].min()) for name in ("v", "x")))
    assert found.divergences == funnel.attrs["divergences"]


def test_constants_are_not_diagnosed(conjugate):
    assert "constant" in conjugate and "constant" not in diagnose(conjugate).worst


def test_chains_that_stick_at_different_values_are_not_trusted():
    stuck = xr.Dataset({"a": (("chain", "draw"), np.repeat([[1.0], [2.0]], 100, axis=1))}, attrs={"divergences": 0})
    assert diagnose(stuck).reasons


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_rhat": 1.02}, "R-hat is 1.020, above 1.01"),
        ({"max_rhat": float("nan")}, "R-hat is nan, above 1.01"),
        ({"min_ess_bulk": 300.0}, "effective sample size is 300, below 400"),
        ({"min_ess_tail": 399.0}, "effective sample size is 399, below 400"),
        ({"min_ess_tail": float("nan"), "worst": ()}, "effective sample size is nan, below 400"),
        ({"divergences": 7}, "7 divergent transitions"),
    ],
)
def test_each_failed_check_is_one_reason_with_what_was_seen_and_the_limit(change, said):
    (reason,) = replace(TRUSTED, **change).reasons
    assert said in reason


def test_values_within_the_limits_give_no_reason():
    assert TRUSTED.reasons == []
    assert replace(TRUSTED, max_rhat=1.01, min_ess_bulk=400.0, min_ess_tail=400.0).reasons == []


# in rounds


@pytest.fixture(scope="module")
def until_trusted(conjugate_model):
    """Draws of which the number is left open, and how often they were judged."""
    judged = []

    def reported(posterior):
        judged.append(posterior.sizes["draw"])
        return posterior[["mu"]]

    return sampled(conjugate_model, Sampling(seed=SEED, tune=300), reported=reported), judged


def test_sampling_ends_with_the_first_round_whose_draws_can_be_trusted(until_trusted):
    found, judged = until_trusted
    assert found.diagnostics.reasons == [] and judged[-1] == found.posterior.sizes["draw"]
    assert all(draws % ROUND == 0 for draws in judged) and judged[-1] < ROUND * MOST_ROUNDS


def test_the_draws_of_rounds_are_the_first_of_those_that_are_asked_for_at_once(conjugate_model, until_trusted):
    found, _ = until_trusted
    draws = found.posterior.sizes["draw"]
    more = fit(conjugate_model, Sampling(seed=SEED, tune=300, draws=draws + 100)).isel(draw=slice(draws))
    xr.testing.assert_equal(found.posterior.drop_attrs(), more.drop_attrs())


def test_what_is_never_trusted_is_sampled_for_the_most_rounds_and_a_number_that_is_given_is_kept(conjugate_model):
    def stuck(posterior):
        return xr.Dataset({"a": posterior.mu * 0 + posterior.chain})

    found = sampled(conjugate_model, Sampling(seed=SEED, tune=100), reported=stuck)
    assert found.diagnostics.reasons and found.posterior.sizes["draw"] == ROUND * MOST_ROUNDS
    assert found.diagnostics.worst == ("a",) and found.diagnostics.parameters_max_rhat < 1.01
    once = sampled(conjugate_model, Sampling(seed=SEED, tune=100, draws=60), reported=stuck)
    assert once.posterior.sizes["draw"] == 60


def test_a_model_without_a_finite_start_is_an_error_and_no_wait_for_ever():
    with pm.Model() as model:
        pm.Potential("nowhere", pm.Normal("mu") * np.nan)
    with pytest.raises(ForecastError, match="finds no start"):
        fit(model, SAMPLING)
