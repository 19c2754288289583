"""Sampling any PyMC model: known posteriors, honest diagnostics, reproducible draws."""

from dataclasses import replace

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from conftest import SEED, write_rows

from forecast.fit import Diagnostics, Sampling, compiled, diagnose, fit
from forecast.table import observations, read_table
from models.capability import capability_model
from models.priors import Structure

TRUSTED = Diagnostics(
    max_rhat=1.002, min_ess_bulk=900.0, min_ess_tail=800.0, divergences=0, total_draws=4000, worst=("mu",)
)
DATA = np.array([0.3, 1.9, 2.4, 0.8, 1.1])
PRIOR_SD, NOISE_SD = 2.0, 1.5
SAMPLING = Sampling(seed=SEED, chains=4, tune=300, draws=500)


def test_the_number_of_draws_suits_the_table_unless_one_is_given():
    assert [Sampling().of_rows(rows).draws for rows in (8, 500, 501)] == [2000, 2000, 1300]
    assert Sampling(draws=300).of_rows(9000) == Sampling(draws=300)


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


# one program for several tables


def normal_model(observed, *, spread=NOISE_SD):
    """Of one layout for all tables of as many numbers, which enter as data."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, PRIOR_SD)
        pm.Normal("y", mu, pm.Data("spread", spread), observed=pm.Data("observed", observed))
    return model


SHORT = replace(SAMPLING, tune=100, draws=50, chains=2)
OTHER = np.array([5.1, 4.4, 6.0, 5.7, 4.9])


@pytest.fixture(scope="module")
def program():
    """Compiled for `DATA`, which it is to forget."""
    return compiled(normal_model(DATA), reusable=True)


@pytest.mark.parametrize(
    "change",
    [{"observed": OTHER}, {"observed": DATA}, {"observed": OTHER, "spread": 0.3}],
    ids=["other observations", "the same table", "other observations and spread"],
)
def test_a_program_of_another_table_gives_the_draws_of_one_compiled_for_the_table(program, change):
    model = normal_model(**change)
    borrowed, own = fit(model, SHORT, program=program), fit(model, SHORT, program=compiled(model, reusable=True))
    xr.testing.assert_equal(borrowed, own)


def test_a_program_of_another_table_does_not_give_the_draws_of_that_table(program):
    """The negative control of the test above."""
    first, second = (fit(normal_model(values), SHORT, program=program) for values in (DATA, OTHER))
    assert float(abs(first.mu - second.mu).min()) > 0 and float(second.mu.mean() - first.mu.mean()) > 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"observed": OTHER[:4]}, ": observed;"),
        ({"observed": OTHER, "spread": np.full(5, 0.3)}, ": spread;"),
        ({"observed": OTHER[:1], "spread": [0.3]}, ": observed, spread;"),
    ],
    ids=["fewer rows", "a number for each row", "both"],
)
def test_data_of_other_shapes_than_the_program_was_compiled_for_are_refused_by_name(program, change, named):
    with pytest.raises(ValueError, match=f"data of other shapes{named} compile the model"):
        fit(normal_model(**change), SHORT, program=program)


def test_data_that_the_program_needs_and_the_model_lacks_are_refused_by_name(program, conjugate_model):
    with pytest.raises(ValueError, match="observed, spread"):
        fit(conjugate_model, SHORT, program=program)


@pytest.fixture(scope="module")
def capability_of(tmp_path_factory):
    """A small capability model of one task, by runs a decade apart."""

    def build(successes):
        counts = zip(np.linspace(20.0, 23.0, len(successes)), successes, strict=True)
        rows = [
            {"model": f"run {run}", "task": "sums", "metric": "exact_match", "compute": f"{10**x:.6g}"}
            | {"successes": count, "trials": 200}
            for run, (x, count) in enumerate(counts)
        ]
        data = observations(read_table(write_rows(tmp_path_factory.mktemp("table") / "table.csv", rows)))
        return capability_model(data, Structure(bend=False, free_floor=False, broken_rows=False))

    return build


def test_a_program_of_a_capability_model_fits_another_table_of_its_layout_and_refuses_more_runs(capability_of):
    program = compiled(capability_of([1, 5, 60, 150]), reusable=True)
    other = capability_of([0, 30, 120, 180])  # half solved a run earlier, so counted from another reference
    own = fit(other, SHORT, program=compiled(other, reusable=True))
    xr.testing.assert_equal(fit(other, SHORT, program=program), own)
    with pytest.raises(ValueError, match=r"other shapes: .*log10_compute.*successes"):
        fit(capability_of([1, 5, 60, 100, 150]), SHORT, program=program)
