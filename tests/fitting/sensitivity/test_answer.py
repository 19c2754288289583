"""Sensitivity of a threshold: exact where a closed form is known, and it says where weights fail."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.draws import Sampling, order_statistics
from forecast.fitting.average import mixed
from forecast.fitting.sensitivity import answer
from forecast.fitting.sensitivity.answer import WIDER, refitted, sensitivity
from forecast.fitting.sensitivity.scales import PriorScale
from forecast.fitting.sensitivity.weights import largest_k, smoothed
from forecast.posterior.threshold import threshold
from tests.conftest import SEED, TASKS

SIDES = tuple(WIDER)
DRAWS = 4000


def scale_of(z, number="run_sd_log_sd"):
    standard = xr.DataArray(z, dims=("chain", "draw", "of")[: z.ndim])
    return PriorScale(number=number, name="", standard=standard)


def normal_draws(mean, sd):
    """Of four chains, in the order that no chain knows."""
    return np.random.default_rng(SEED).normal(mean, sd, (4, DRAWS // 4))


@pytest.mark.parametrize("wider", [0.5, 2.0])
def test_weights_of_a_conjugate_normal_give_its_exact_posterior(wider):
    """One outcome of 1 with unit noise under Normal(0, 1), and under Normal(0, wider)."""
    x = normal_draws(0.5, np.sqrt(0.5))
    weights, k = smoothed(scale_of(x).log_ratio(wider).values)
    variance = 1.0 / (1.0 + wider**-2)
    error = np.sqrt(variance * (weights**2).sum())
    mean = (weights * x).sum()
    assert abs(mean - variance) < 4.0 * error < abs(0.5 - variance)  # and unweighted draws would not pass
    assert (weights * (x - mean) ** 2).sum() == pytest.approx(variance, abs=8.0 * error)
    assert k < largest_k(DRAWS) and weights.sum() == pytest.approx(1.0)
    q = order_statistics(x, (0.05, 0.95), weights=weights)
    exact = stats.norm(variance, np.sqrt(variance))
    assert exact.cdf(q["q05"]) == pytest.approx(0.05, abs=0.03) and exact.cdf(q["q95"]) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("wider", [0.5, 2.0])
def test_a_prior_that_the_data_dominate_moves_nothing(wider):
    weights, k = smoothed(scale_of(normal_draws(0.3, 0.01)).log_ratio(wider).values)
    assert weights.std() < 0.01 * weights.mean() and k < largest_k(DRAWS)


def test_where_the_prior_is_all_there_is_a_wider_one_is_not_told_by_weights():
    z = np.random.default_rng(SEED).normal(size=(4, DRAWS // 4, 10))
    assert smoothed(scale_of(z).log_ratio(2.0).values)[1] > 0.7


def test_few_draws_have_a_smaller_largest_k():
    assert largest_k(100) == 0.5 and largest_k(10**6) == 0.7


def test_alike_draws_keep_alike_weights():
    weights, k = smoothed(np.zeros((4, 50)))
    assert np.allclose(weights, 1 / 200) and k <= largest_k(200)


@pytest.fixture(scope="module")
def rows(fitted):
    return sensitivity(fitted, "addition", 0.5)


def test_there_is_a_row_for_each_prior_that_bears_on_the_task_the_strongest_first(rows, fitted):
    names = [row["prior"] for row in rows]
    assert {"ceiling", "typical exponent", "bend", "run residual", "frailty of the task"} <= set(names)
    assert "progress" not in names and "spread of families" not in names
    effects = [answer.effect(row) for row in rows]
    assert effects == sorted(effects, reverse=True)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows == sensitivity(fitted, "addition", 0.5)


def test_changes_are_from_what_the_threshold_is(rows, fitted):
    before = threshold(fitted, "addition", 0.5)
    for side in (row[name] for row in rows for name in SIDES):
        assert side["log10_compute"]["q50"] - before["log10_compute"]["q50"] == pytest.approx(side["shift"])
        assert side["p_never"] - before["p_never"] == pytest.approx(side["shift_p_never"])
        assert side["by"] == "weights"


def test_a_wider_prior_of_the_ceiling_makes_never_likelier(fitted):
    for task in TASKS:
        (row,) = [row for row in sensitivity(fitted, task, 0.9) if row["prior"] == "ceiling"]
        assert row["halved"]["shift_p_never"] <= 0 <= row["doubled"]["shift_p_never"]


def with_thresholds(monkeypatch, draws_of):
    """Thresholds (chain, draw) from the posterior, in place of those of the task."""
    monkeypatch.setattr(answer, "threshold_draws", lambda fit, *_, **__: draws_of(fit.posterior))


def row_of(fit, number, **options):
    (row,) = [row for row in sensitivity(fit, "addition", 0.5, **options) if row["number"] == number]
    return row


def known_run_spread(fit, mean=0.0, sd=1.0):
    """The fit with another spread of runs: its log is normal, in multiples of its prior."""
    shape = fit.posterior.sigma_run.shape
    z = mean + sd * stats.norm.ppf((np.random.default_rng(SEED).permutation(np.prod(shape)) + 0.5) / np.prod(shape))
    spread = fit.priors.run_sd_median * np.exp(fit.priors.run_sd_log_sd * z.reshape(shape))
    return replace(fit, posterior=fit.posterior.assign(sigma_run=(("chain", "draw"), spread)))


def test_a_threshold_that_the_prior_pushes_to_never_moves_by_the_exact_share(fitted, monkeypatch):
    """Never where z > 1, and z is normal with half the sd: exactly Phi(-2) in place of Phi(-1)."""
    fit = known_run_spread(fitted)
    limit = fit.priors.run_sd_median * np.exp(fit.priors.run_sd_log_sd)
    with_thresholds(monkeypatch, lambda x: xr.where(x.sigma_run > limit, np.inf, 20.0 + 0 * x.sigma_run))
    row = row_of(fit, "run_sd_log_sd")
    assert row["halved"]["p_never"] == pytest.approx(stats.norm.sf(2.0), abs=0.01)
    assert row["halved"]["log10_compute"] == {"q05": 20.0, "q50": 20.0, "q95": 20.0}
    assert row["doubled"]["p_never"] == pytest.approx(stats.norm.sf(0.5), abs=0.06)
    assert row["doubled"]["log10_compute"]["q95"] == "inf" and row["doubled"]["shift"] == 0.0


def test_a_median_that_becomes_never_or_is_it_no_longer_shifts_without_end(fitted, monkeypatch):
    fit = known_run_spread(fitted)
    limit = fit.priors.run_sd_median * np.exp(0.4 * fit.priors.run_sd_log_sd)
    with_thresholds(
        monkeypatch, lambda x: xr.where(abs(np.log(x.sigma_run / 0.15)) > np.log(limit / 0.15), np.inf, 20.0)
    )
    row = row_of(fit, "run_sd_log_sd")
    assert row["halved"]["shift"] == "-inf" and row["doubled"]["shift"] == 0.0
    with_thresholds(monkeypatch, lambda x: xr.where(x.sigma_run > 0, -np.inf, 0.0))
    assert row_of(fit, "run_sd_log_sd")["halved"]["shift"] == 0.0


def test_structures_of_an_average_keep_their_shares(fitted, monkeypatch):
    other = replace(fitted, weights={"ceiling 1": 1.0})
    fit = mixed([fitted, other], {"full": 0.75, "ceiling 1": 0.25})
    structure = fit.posterior.structure
    with_thresholds(monkeypatch, lambda x: xr.where(structure == "ceiling 1", np.inf, 20.0 + 0 * x.sigma_run))
    rows = sensitivity(fit, "addition", 0.5)
    assert {"ceiling", "run residual"} <= {row["prior"] for row in rows}
    for side in (row[name] for row in rows for name in SIDES):
        assert side["shift_p_never"] == pytest.approx(0.0, abs=1e-12)
    with_thresholds(monkeypatch, lambda x: xr.where(structure == "ceiling 1", x.ceiling.sel(task="addition"), 20.0))
    ceilings = [side["log10_compute"]["q05"] for side in (row_of(fit, "ceiling_shortfall_power")[n] for n in SIDES)]
    assert ceilings[0] == ceilings[1]  # it has no weights where the ceiling is 1


def test_priors_are_refitted_only_where_weights_fail_and_it_is_asked_for(fitted, monkeypatch):
    fit, asked = known_run_spread(fitted, sd=3.0), []
    with_thresholds(monkeypatch, lambda x: 20.0 + 0 * x.sigma_run)
    assert not row_of(fit, "run_sd_log_sd")["doubled"]["reliable"]

    def refit(old, priors):
        asked.append(priors)
        return replace(old, posterior=old.posterior.assign(sigma_run=old.posterior.sigma_run + 1))

    with_thresholds(monkeypatch, lambda x: 20.0 + xr.where(x.sigma_run.min() > 1, 1.0, 0.0) + 0 * x.sigma_run)
    row = row_of(fit, "run_sd_log_sd", refit=refit)
    assert row["doubled"]["by"] == "refit" and row["doubled"]["shift"] == 1.0 and row["doubled"]["pareto_k"] > 0.5
    assert 2.0 * fit.priors.run_sd_log_sd in {priors.run_sd_log_sd for priors in asked}
    assert all(priors != fit.priors for priors in asked)


def test_a_refit_is_the_same_table_with_other_priors(fitted):
    fit = replace(fitted, sampling=Sampling(seed=SEED, chains=2, tune=50, draws=20))
    found = refitted(fit, replace(fit.priors, run_sd_log_sd=0.8))
    assert found.priors.run_sd_log_sd == 0.8 and found.data is fit.data and found.weights == fit.weights
    assert set(found.posterior) == set(fit.posterior) and found.posterior.sizes["draw"] == 20


def test_a_task_that_falls_has_no_rows(fitted, monkeypatch):
    class Falls:
        can_be_modelled = False

    monkeypatch.setattr(answer, "direction_of_task", lambda *_: Falls)
    assert sensitivity(fitted, "addition", 0.5) == []


def test_losses_and_families_are_asked_for_in_the_same_way(answer_fitted):
    rows = sensitivity(answer_fitted, "validation", 1.9, family="recipe 1")
    names = {row["prior"] for row in rows}
    assert {"irreducible loss", "level of the loss", "progress"} <= names and "ceiling" not in names
    assert json.dumps(rows, allow_nan=False)
    linked = {row["prior"] for row in sensitivity(answer_fitted, "sums [exact_match]", 0.5)}
    assert {"factor of the loss", "scatter of measured losses", "residual of answers", "drift of frailty"} <= linked
