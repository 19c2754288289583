"""The fitted law of a task: its score at an effective compute, and the effective compute of a score."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import special

from forecast.errors import ForecastError
from forecast.posterior.score import Residuals, expected_score, law_of_task, loss_per_token, theta_at_score
from forecast.posterior.tasks import is_measured, law_name, rate_tasks
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.table.dataset import read_table
from models.equations.loss import log_measured_loss
from models.equations.metrics import frailty, success_from_score, token_floor_of_run
from models.facts.layout import largest_loss
from models.facts.placing import drift_limits
from models.priors import Priors
from tests.conftest import ANSWERS

LOSSES = ("sums [loss]", "words [loss]", "validation")
RATES = tuple(label for label in ANSWERS if label not in LOSSES)
LEVELS = {label: (0.5, 1.0, 2.0, 6.0) if label in LOSSES else (0.02, 0.3, 0.5, 0.9) for label in ANSWERS}
QUESTIONS = [(label, at) for label, levels in LEVELS.items() for at in levels]


@pytest.fixture(scope="module")
def prior(answer_table, prior_fit):
    return prior_fit(read_table(answer_table), draws=300)


# which parameters a task has


def test_tasks_of_one_name_share_the_law_and_have_what_applies_to_them(prior):
    assert {label: law_name(prior, label) for label in ANSWERS} == {
        label: cells["task"] for label, cells in ANSWERS.items()
    }
    several = {"frailty_drift", "token_floor"}
    for label in ANSWERS:
        parts = set(law_of_task(prior, label))
        assert (several <= parts) == label.startswith("sums") and bool(several & parts) == label.startswith("sums")
        assert ({"log_loss_link_factor", "loss_link_power"} <= parts) == (label in ("sums [loss]", "words [loss]"))
        assert ("loss_scale" in parts) == (label in LOSSES) == is_measured(prior, label)
    assert rate_tasks(prior) == list(RATES)


def test_a_table_of_losses_alone_has_no_rate_to_report(prior_fit, answer_table):
    frame = read_table(answer_table)
    fit = prior_fit(frame[frame["task"] == "validation"], draws=20)
    with pytest.raises(ForecastError, match=r"only losses.*--at NATS"):
        rate_tasks(fit)
    assert np.isfinite(threshold_draws(fit, "validation", 30.0)).any()


# score and its inverse


@pytest.mark.parametrize(("task", "at"), QUESTIONS)
def test_the_expected_score_at_the_theta_of_a_score_is_that_score(prior, task, at):
    theta = theta_at_score(prior, task, at)
    assert theta.dims == ("chain", "draw") and not np.isnan(theta).any()
    finite = np.isfinite(theta)
    score = expected_score(prior, task, theta.where(finite, 0.0))
    assert finite.sum() >= 20 or (task == "picks" and at < 0.25)
    np.testing.assert_allclose(score.where(finite, at), at, rtol=1e-9)


@pytest.mark.parametrize(("task", "at"), QUESTIONS)
def test_a_score_never_reached_is_missed_far_away_and_one_always_reached_is_met_there(prior, task, at):
    theta = theta_at_score(prior, task, at)
    ends = [expected_score(prior, task, xr.full_like(theta, end)) for end in (-60.0, 60.0)]
    short = [(end > at) if task in LOSSES else (end < at) for end in ends]
    slow = law_of_task(prior, task).exponent < 0.1  # may take more than sixty decades
    assert np.all(short[1].where((theta == np.inf) & ~slow, True) | np.isclose(ends[1], at, rtol=1e-9))
    assert np.all(~short[0].where(theta == -np.inf, False))


@pytest.mark.parametrize("task", ANSWERS)
def test_a_better_score_needs_more_compute_in_every_draw(prior, task):
    levels = sorted(LEVELS[task], reverse=task in LOSSES)
    drifts = "frailty_drift" in law_of_task(prior, task)
    thetas = np.stack([theta_at_score(prior, task, at) for at in levels])
    rising = thetas[1:] >= thetas[:-1]
    assert rising.all() if not drifts or task in LOSSES else rising.mean() > 0.99


@pytest.mark.parametrize("task", ANSWERS)
def test_a_law_too_steep_for_doubles_has_scores_at_its_ends_and_a_threshold_between(prior, task):
    """Fifty decades of loss a decade, of which nothing is irreducible: infinite and zero losses far away."""
    law = prior.posterior
    steep = law.assign(exponent=xr.full_like(law.exponent, 50.0), irreducible=xr.zeros_like(law.irreducible))
    fit = replace(prior, posterior=steep)
    worst, best = (expected_score(fit, task, xr.full_like(law.sigma_run, end)) for end in (-60.0, 60.0))
    if task in LOSSES:
        own = law_of_task(fit, task)
        most = np.exp(own.log_guess_loss) if "log_guess_loss" in own else np.inf
        assert np.all(abs(worst / most - 1) < 1e-12 if np.isfinite(most).all() else worst == np.inf)
        assert np.all(best == 0)
    else:
        own = law_of_task(fit, task)
        np.testing.assert_allclose(best, own.ceiling.transpose(*best.dims))
        assert np.all(worst >= own.floor - 1e-12) and not np.isnan(worst).any()
    theta = theta_at_score(fit, task, LEVELS[task][2])
    reached = (worst > LEVELS[task][2]) if task in LOSSES else (worst < LEVELS[task][2]) & (best > LEVELS[task][2])
    assert np.all(np.isfinite(theta) == reached) and reached.mean() > 0.5


@pytest.mark.parametrize("task", RATES)
def test_scores_stay_between_floor_and_ceiling(prior, task):
    law = law_of_task(prior, task)
    for theta in (-300.0, -5.0, 0.0, 5.0, 300.0):
        score = expected_score(prior, task, xr.full_like(law.nu, theta))
        assert np.all(score >= law.floor - 1e-12) and np.all(score <= law.ceiling + 1e-12)


def test_metrics_of_the_same_answers_agree_in_every_draw(prior):
    """A token in four is at most right where fewer than two are, and at least two in four where two are."""

    law = law_of_task(prior, "sums [exact_match]")

    def success(metric, theta):
        score = expected_score(prior, f"sums [{metric}]", xr.full_like(law.nu, theta))
        ends = law_of_task(prior, f"sums [{metric}]")
        return success_from_score(score, floor=ends.floor, ceiling=ends.ceiling)

    for theta in (-3.0, 0.0, 2.0):
        whole, half, tokens = (success(metric, theta) for metric in ("exact_match", "at_least_k", "token_accuracy"))
        nu = frailty(theta + 0.0 * law.nu, law.nu, law.frailty_drift, limits=drift_limits(prior.data))
        exact = (loss_per_token(law, theta + 0.0 * law.nu) < 100) & (nu > 0.1) & (nu < 50)  # where at_least_each is
        assert exact.sum() > 100
        error = 6e-3 * half + 1e-12  # of at_least_each, and of a difference of scores
        for agree in (
            whole <= half + error,
            tokens >= half / 2 + whole / 2 - error,
            tokens <= 0.25 + half / 2 + whole / 4 + error,
            tokens >= law.token_floor - 1e-12,
        ):
            assert agree.where(exact, True).all()


# drift, residuals, losses


def test_frailty_drifts_by_its_rate_a_decade_between_the_ends_of_the_runs(prior):
    low, high = drift_limits(prior.data)
    theta = np.array([low - 5, low, 0.0, 1.0, high, high + 5])
    found = frailty(theta, 2.0, -0.3, limits=drift_limits(prior.data))
    np.testing.assert_allclose(found, 2.0 * np.exp(-0.3 * np.array([low, low, 0.0, 1.0, high, high])))
    assert frailty(theta, 2.0, None, limits=()) == 2.0


def test_the_loss_of_the_answers_is_the_loss_link_power_law_of_the_measured_one_far_below_that_of_guessing():
    loss = np.array([1e-3, 0.2, 1.0, 7.0])
    relation = {"log_loss_link_factor": np.log(0.4), "loss_link_power": 1.3}
    measured = np.exp(log_measured_loss(loss, **relation, log_guess_loss=30.0))
    np.testing.assert_allclose(0.4 * measured**1.3, loss, rtol=1e-12)


def test_the_measured_loss_is_the_smooth_minimum_of_the_power_law_and_guessing():
    loss, guess = np.array([0.0, 0.1, 1.0, 10.0, 1e6, np.inf]), 3.3
    with np.errstate(divide="ignore"):
        found = np.exp(
            log_measured_loss(loss, log_loss_link_factor=np.log(0.4), loss_link_power=1.3, log_guess_loss=np.log(guess))
        )
        expected = ((loss / 0.4) ** (-2 / 1.3) + guess**-2) ** -0.5
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[0] == 0 and np.all(np.diff(found) >= 0)


def test_the_loss_of_guessing_lies_above_all_that_is_measured(prior):
    guess, data = np.exp(law_of_task(prior, "sums [loss]").log_guess_loss), prior.data
    assert np.all(guess > np.maximum(Priors().least_guess_loss, largest_loss(data)[data.law.values == "sums"]))
    seen = data.score_for_placing.where(data.task_index != data.task.values.tolist().index("sums [loss]"), 7.0)
    np.testing.assert_array_equal(largest_loss(data.assign(score_for_placing=seen))[data.law.values == "sums"], 7.0)


def test_a_loss_that_no_rate_looks_at_is_the_law_itself(prior):
    theta = xr.full_like(prior.posterior.sigma_run, 0.7)
    law = law_of_task(prior, "validation")
    np.testing.assert_allclose(expected_score(prior, "validation", theta), loss_per_token(law, theta))
    np.testing.assert_allclose(law.nu, 1.0)


@pytest.mark.parametrize("task", ANSWERS)
def test_a_residual_of_more_loss_makes_every_score_worse(prior, task):
    theta = xr.full_like(prior.posterior.sigma_run, 0.3)
    plain, worse = (expected_score(prior, task, theta, Residuals(log_loss=residual)) for residual in (0.0, 0.5))
    better = worse < plain if task in LOSSES else worse > plain
    assert not better.any() and float(abs(worse / plain - 1).max()) > 0.1


@pytest.mark.parametrize("task", ANSWERS)
def test_a_residual_of_guessed_tokens_moves_the_scores_of_laws_that_have_them(prior, task):
    theta = xr.full_like(prior.posterior.sigma_run, 0.3)
    plain, better = (expected_score(prior, task, theta, Residuals(token_floor=residual)) for residual in (0.0, 0.5))
    if "token_floor" in law_of_task(prior, task) and not is_measured(prior, task):
        assert np.all(better >= plain) and (better > plain).mean() > 0.9
    else:
        np.testing.assert_array_equal(better, plain)


def test_a_residual_of_guessed_tokens_is_of_the_logit():
    floor, residual = np.array([0.0, 0.01, 0.2, 0.9]), np.array([0.7, 0.5, -1.0, 3.0])
    np.testing.assert_allclose(token_floor_of_run(floor, 0.0 * residual), floor, rtol=1e-12)
    found = token_floor_of_run(floor, residual)
    np.testing.assert_allclose(special.logit(found[1:]), special.logit(floor[1:]) + residual[1:], rtol=1e-12)
    assert found[0] == 0


# thresholds


@pytest.mark.parametrize("at", [0.3, 0.7])
@pytest.mark.parametrize("task", RATES)
def test_never_is_by_the_ceiling_or_by_the_loss_and_by_nothing_else(prior, task, at):
    answer = threshold(prior, task, at)
    ceiling = law_of_task(prior, task).ceiling
    never = threshold_draws(prior, task, at) == np.inf
    assert np.all(never.where(ceiling <= at, True))
    assert answer["p_never"] == float(never.mean())
    assert answer["p_never_ceiling"] == float((ceiling <= at).mean())
    by_loss = float((never & (ceiling > at)).mean())
    assert answer["p_never_loss"] == pytest.approx(by_loss, abs=1e-12)
    assert (by_loss > 0) == (task not in ("picks",))  # a lone rate has a ceiling, others what cannot be reduced


def test_the_threshold_of_a_loss_is_in_nats_and_reached_from_above(prior):
    answer = threshold(prior, "validation", 2.0)
    assert (answer["metric"], answer["at"], answer["p_never_ceiling"]) == ("loss", 2.0, 0.0)
    irreducible = law_of_task(prior, "validation").irreducible
    never = threshold_draws(prior, "validation", 2.0) == np.inf
    np.testing.assert_array_equal(never, irreducible >= 2.0)
    assert answer["p_never"] == answer["p_never_loss"] == float(never.mean()) and 0 < never.mean() < 1


@pytest.mark.parametrize("at", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("task", LOSSES)
def test_a_loss_of_no_nats_is_refused(prior, task, at):
    with pytest.raises(ForecastError, match="above 0 nats"):
        threshold(prior, task, at)
