"""Scales of priors: draws of the prior are standard in their multiples; ratios are those of the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from forecast.fitting.sensitivity.scales import POWERS, PriorScale, multiplier, prior_scales
from forecast.posterior.fit import thinned
from forecast.table.dataset import read_table
from models.priors import Priors

DRAWS = 1000
UNLIKELY = 1e-5  # of a p-value; some hundred are looked at
HALF_NORMAL = "warm_up_lag_sd"


def read(frame, folder):
    path = folder / f"{len(list(folder.iterdir()))}.csv"
    frame.to_csv(path, index=False)
    return read_table(path)


@pytest.fixture(scope="module")
def tables(answer_table, table, tmp_path_factory):
    sizes = np.linspace(7.0, 10.0, 4)
    checkpoints = [(n, d) for n in sizes for d in np.linspace(9.0, 11.0, 4)]
    split = pd.DataFrame(
        {
            "model": [f"run {at}" for at in range(len(checkpoints))],
            "task": "sums",
            "metric": "exact_match",
            "successes": np.arange(len(checkpoints)) + 1,
            "trials": 40,
            "params": [10**n for n, _ in checkpoints],
            "tokens": [10**d for _, d in checkpoints],
            "compute": [6 * 10 ** (n + d) for n, d in checkpoints],
        }
    )
    lone = split.drop(columns=["successes", "trials"]).assign(metric="loss", score=np.linspace(3.0, 2.0, 16))
    several = pd.concat([split, lone, lone.assign(task="text")])
    agents = lone.drop(columns=["params", "tokens"]).assign(metric="horizon", score=np.geomspace(1.0, 500.0, 16))
    judged = split.drop(columns=["params", "tokens"]).assign(metric="at_least_k", length=10, k=None)
    unknown = split.drop(columns=["params", "tokens"]).assign(
        metric="choice", successes=np.linspace(12, 30, 16).astype(int)
    )
    plain = split.drop(columns=["params", "tokens"])
    experts = pd.concat([plain.assign(human=0.8), plain.assign(task="more", metric="choice", ceiling_at_least=0.9)])
    answers = plain.assign(length=4.0, human=0.7), plain.assign(metric="token_accuracy", length=4.0, trials=160)
    experts = pd.concat([experts, *(each.assign(task="answers") for each in answers)])
    frames = {
        "experts": experts,
        "split": several,
        "loss": lone,
        "horizon": agents,
        "judged": judged,
        "unknown chance": unknown,
    }
    folder = tmp_path_factory.mktemp("scales")
    return {name: read(frame, folder) for name, frame in frames.items()} | {
        "answers": read_table(answer_table),
        "small": read_table(table),
    }


@pytest.fixture(scope="module")
def prior_fits(tables, prior_fit):
    return {name: prior_fit(frame, draws=DRAWS) for name, frame in tables.items()}


def p_value(scale):
    law = stats.expon if scale.number in POWERS else stats.halfnorm if scale.number == HALF_NORMAL else stats.norm
    return stats.kstest(scale.standard.values.ravel(), law.cdf).pvalue


def all_scales(fits):
    return [scale for fit in fits.values() for task in fit.data.task.values for scale in prior_scales(fit, str(task))]


def test_draws_of_the_prior_are_standard_in_multiples_of_every_scale(prior_fits):
    scales = all_scales(prior_fits)
    wrong = {(scale.number, scale.name): p for scale in scales if (p := p_value(scale)) < UNLIKELY}
    assert not wrong


def test_every_scale_that_is_a_number_of_the_priors_is_found_on_some_table(prior_fits):
    shape = {"outlier", "gross", "loss_degrees", "least_guess", "size_sd"}  # the last is of new runs, not of thresholds
    numbers = {name for name in vars(Priors()) if name.endswith(("_sd", "_power", "_spread")) or "_sd_of_" in name}
    numbers -= {name for name in numbers if "median" in name}
    found = {scale.number for scale in all_scales(prior_fits)}
    assert not {name for name in numbers - found if not name.startswith(tuple(shape))}


def test_draws_of_another_prior_are_not_standard(prior_fits):
    fit = prior_fits["small"]
    wide = replace(fit, priors=replace(fit.priors, exponent_log_sd=1.6, ceiling_shortfall_power=2.0))
    own = {scale.number: p_value(scale) for scale in prior_scales(wide, "addition")}
    assert own["exponent_log_sd"] < UNLIKELY and own["ceiling_shortfall_power"] < UNLIKELY


OF_ALL, OF_KINDS = ("reference_logit_spread_sd", "run_sd_log_sd", "bend_sd_log_sd", "floor_logit_sd"), "exponent_log_sd"
OF_TASKS = "concentration_log_sd"


def test_ratios_are_those_of_the_densities_of_the_model(fitted):
    """All numbers doubled at once; the two kinds of laws and all tasks have a prior each."""
    fit = thinned(fitted, 20)
    changed = {number: 2.0 * getattr(fit.priors, number) for number in (*OF_ALL, OF_KINDS, OF_TASKS)}
    both = fit, replace(fit, priors=replace(fit.priors, **changed))
    before, after = (each.to_datatree(prior_draws=2)["log_prior"].to_dataset() for each in both)
    change = sum(each.sum([*each.dims][2:]) for each in (after - before).values())
    own = {
        (scale.number, task): scale.log_ratio(2.0)
        for task in fit.data.task.values.tolist()
        for scale in prior_scales(fit, task)
    }
    expected = sum(own[number, "addition"] for number in OF_ALL)
    expected += own[OF_KINDS, "addition"] + own[OF_KINDS, "four choices"]
    expected += sum(own[OF_TASKS, task] for task in fit.data.task.values.tolist())
    np.testing.assert_allclose(expected, change, atol=1e-9)


def test_wider_priors_have_larger_scales_but_for_powers_of_a_shortfall():
    assert multiplier("run_sd_log_sd", 2.0) == 2.0 and multiplier("ceiling_shortfall_power", 2.0) == 0.5


@pytest.mark.parametrize("number", ["run_sd_log_sd", "ceiling_shortfall_power"])
@pytest.mark.parametrize("wider", [0.5, 1.0, 2.0])
def test_ratios_keep_the_prior_a_density(number, wider):
    """Their mean over the prior is one: both densities integrate to one."""
    law = stats.expon if number in POWERS else stats.norm
    z = law.ppf((np.arange(200_000) + 0.5) / 200_000)
    scale = PriorScale(number=number, name="", standard=xr.DataArray(z[None], dims=("chain", "draw")))
    assert float(np.exp(scale.log_ratio(wider)).mean()) == pytest.approx(1.0, abs=0.02)


def test_a_structure_has_no_scale_of_what_it_fixes(fitted):
    def numbers(structure):
        return {scale.number for scale in prior_scales(replace(fitted, weights={structure: 1.0}), "addition")}

    full = numbers("full")
    assert full - numbers("ceiling 1") == {"ceiling_shortfall_power"}
    assert full - numbers("independent") == {"frailty_log_sd", "frailty_log_spread"}
    assert full - numbers("one power law") == {"bend_sd_log_sd"}
    assert full - numbers("no floor") == {"floor_logit_sd", "floor_logit_spread_sd"}


def test_names_of_priors_of_a_task_are_distinct(prior_fits):
    for fit in prior_fits.values():
        for task in fit.data.task.values:
            names = [scale.name for scale in prior_scales(fit, str(task))]
            assert len(names) == len(set(names)) >= 5
