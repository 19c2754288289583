"""Sampling any PyMC model: known posteriors, honest diagnostics, reproducible draws."""

from dataclasses import replace

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from conftest import SEED

from forecast.fit import Diagnostics, Sampling, diagnose, fit

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
    assert found.worst[0] == "v" or found.worst[0].startswith("x[")


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
    ("change", "seen", "remedy"),
    [
        ({"max_rhat": 1.02}, "1.020", "--tune"),
        ({"max_rhat": float("nan")}, "nan", "--tune"),
        ({"min_ess_bulk": 300.0}, "300", "--draws"),
        ({"min_ess_tail": 399.0}, "399", "--draws"),
        ({"min_ess_tail": float("nan"), "worst": ()}, "nan", "--draws"),
        ({"divergences": 7}, "7", "--target-accept"),
    ],
)
def test_each_failed_check_is_one_reason_with_what_was_seen_and_a_remedy(change, seen, remedy):
    (reason,) = replace(TRUSTED, **change).reasons
    assert seen in reason and remedy in reason


def test_values_within_the_limits_give_no_reason():
    assert TRUSTED.reasons == []
    assert replace(TRUSTED, max_rhat=1.01, min_ess_bulk=400.0, min_ess_tail=400.0).reasons == []
