"""Emergence: scores and widths of metrics, what items can show, and the command."""

from itertools import pairwise

import numpy as np
import pytest

from forecast.errors import ForecastError
from forecast.posterior.fit import save
from forecast.questions.emergence.answer import emergence, observed_scores, tasks_asked
from forecast.questions.emergence.curves import (
    chance_of_a_success,
    curves_along_compute,
    curves_at_runs,
    emergence_score,
    items_for_a_success,
    items_for_a_success_on_average,
    resolution,
    transition_width,
    typical_curves,
)
from forecast.table.dataset import read_table
from tests.benchmarks.emergence_simulation import LENGTH
from tests.conftest import SEED, forecast_command

SHARP, SMOOTH = "sums [exact_match]", "sums [token_accuracy]"


# the published score


def test_the_emergence_score_is_the_published_formula():
    """Steps of 0.1, 0.1 and 0.8: the median of their squares is 0.01."""
    assert emergence_score(np.array([0.0, 0.1, 0.2, 1.0])) == pytest.approx(10.0)


@pytest.mark.parametrize("factor", [1e-3, 0.5, 7.0])
def test_the_emergence_score_has_no_unit_and_turns_its_sign_with_the_order(factor):
    score = np.array([0.01, 0.02, 0.05, 0.04, 0.3, 0.8])
    assert emergence_score(factor * score) == pytest.approx(emergence_score(score))
    assert emergence_score(score[::-1]) == pytest.approx(-emergence_score(score))


def test_a_median_step_of_nothing_is_an_infinite_score_and_no_jump_none():
    assert emergence_score(np.array([0.0, 0.0, 0.0, 1.0])) == np.inf
    assert emergence_score(np.array([1.0, 0.0, 0.0, 0.0])) == -np.inf
    assert emergence_score(np.zeros(4)) == 0.0 and np.isnan(emergence_score(np.zeros(1)))


# resolution


def test_items_for_a_success_invert_its_chance():
    rate = np.array([1e-9, 1e-4, 0.01, 0.5, 0.999])
    for chance in (0.5, 0.95):
        items = items_for_a_success(rate, chance=chance)
        shown = [float(chance_of_a_success(p, items=n)) for p, n in zip(rate, items, strict=True)]
        np.testing.assert_allclose(shown, chance)
    assert items_for_a_success(np.array([0.0, 1.0])).tolist() == [np.inf, 0.0]


def test_items_on_average_over_draws_are_the_fewest_that_suffice():
    rate = np.random.default_rng(SEED).beta(0.5, 500, 400)
    items = items_for_a_success_on_average(rate)
    assert chance_of_a_success(rate, items=items).mean() >= 0.95 > chance_of_a_success(rate, items=items - 1).mean()
    assert items_for_a_success_on_average(np.full(5, 0.01)) == np.ceil(items_for_a_success(np.array(0.01)))


def test_no_number_of_items_suffices_where_one_draw_in_ten_is_zero():
    assert items_for_a_success_on_average(np.array([0.0] + [0.5] * 9)) == np.inf


def test_resolution_lists_the_runs_without_successes_and_needs_more_items_for_smaller_ones(known):
    fit = known("metric both")
    lines = resolution(fit, SHARP)
    silent = fit.data.successes.values[(fit.data.task_index == fit.data.task.values.tolist().index(SHARP)).values] < 1
    assert len(lines) >= silent.sum() and all(0 <= line["p_seen"] <= 1 for line in lines)
    steep = known("metric both", nu=2.0, exponent=1.5)
    needed = [float(line["items_needed"]) for line in resolution(steep, SHARP)]
    assert len(needed) > 2 and needed == sorted(needed, reverse=True)


# widths and curves of one law


def test_exact_match_of_one_law_is_token_accuracy_later_not_narrower(known):
    """``(1 + L loss / nu)^-nu``: the length moves the curve by log10(L) / exponent, and leaves its width."""
    fit = known("metric both", nu=1.5)  # no token is guessed, which would flatten token accuracy alone
    sharp, smooth = (transition_width(fit, task) for task in (SHARP, SMOOTH))
    np.testing.assert_allclose(sharp, smooth, rtol=1e-6)
    grid = np.array([21.0, 22.0])
    shift = float(np.log10(LENGTH) / 0.5)
    exact = typical_curves(known("metric both", exponent=0.5), SHARP, grid + shift)["exact_match", LENGTH]
    tokens = typical_curves(known("metric both", exponent=0.5), SHARP, grid)["token_accuracy", None]
    np.testing.assert_allclose(exact, tokens, rtol=1e-6)


def test_a_width_shrinks_with_the_exponent_and_grows_with_frailty(known):
    narrow, wide = (transition_width(known("metric both", exponent=e), SHARP) for e in (0.6, 0.3))
    np.testing.assert_allclose(wide, 2.0 * narrow, rtol=1e-6)
    frail, alike = (transition_width(known("metric both", nu=nu), SHARP).median() for nu in (0.5, 50.0))
    assert frail > alike > 0


def test_curves_fall_as_more_tokens_are_needed_and_their_mean_is_token_accuracy(known):
    fit = known("metric both")
    for curves in (typical_curves(fit, SHARP, np.linspace(19, 25, 7)), curves_at_runs(fit, SHARP, 0)):
        each = [curves["at_least_k", k] for k in range(1, LENGTH)] + [curves["exact_match", LENGTH]]
        assert all((low <= high + 1e-9).all() for high, low in pairwise(each))
        assert (curves["exact_match", LENGTH] <= curves["token_accuracy", None]).all()
        np.testing.assert_allclose(sum(each) / LENGTH, curves["token_accuracy", None], atol=1e-9)
    _, quantiles = curves_along_compute(fit, SHARP)
    assert all((of["q05"] <= of["q95"]).all() for of in quantiles.values())


# the answer


def test_the_same_seed_gives_the_same_facts(known):
    fit = known("metric both")
    assert emergence(fit, SHARP, seed=3) == emergence(fit, SHARP, seed=3)


@pytest.fixture(scope="module")
def prior(answer_table, prior_fit):
    """A law with every part on: several metrics, a measured loss, drift, guessed tokens, families and dates."""
    return prior_fit(read_table(answer_table), draws=12)


def test_a_measured_loss_is_a_companion_without_a_width(prior):
    facts = emergence(prior, SHARP, seed=SEED)
    assert set(facts["companions"]) == {"sums [at_least_k]", SMOOTH, "sums [loss]"}
    assert {each["task"] for each in facts["metrics"] if each["width_decades"] is None} == {"sums [loss]"}
    assert facts["comparison"]["tasks"] == ["sums [loss]"] and facts["comparison"]["runs"] == 8
    assert 0.0 <= facts["comparison"]["p_break"] <= 1.0 and facts["through_companion"]["tasks"][0].startswith("sums")


def test_a_companion_of_another_law_stands_in_for_the_loss(prior):
    facts = emergence(prior, "words [exact_match]", companion="validation", seed=SEED)
    assert facts["comparison"]["tasks"] == ["validation"]
    assert facts["through_companion"]["tasks"] == ["words [exact_match]"]


def test_a_choice_and_an_unknown_length_have_the_curve_of_their_own_metric(prior):
    grid, curves = curves_along_compute(prior, "picks")
    assert list(curves) == list(observed_scores(prior, "picks")) == [("choice", None)]
    assert curves["choice", None]["q50"].shape == grid.shape


# the command


@pytest.fixture(scope="module")
def fit_path(known, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    save(known("metric both"), path)
    return path


def test_the_command_answers_in_json_and_draws_a_figure(fit_path, tmp_path):
    figure = tmp_path / "figure.png"
    run = forecast_command("emergence", fit_path, "--json", "-o", figure)
    assert run.code == 3 and "R-hat" in run.err  # nobody diagnosed draws written down by hand
    (answer,) = run.json["tasks"]
    assert answer["task"] == SHARP and answer["companions"] == [SMOOTH] and answer["verdict"] in answer["sentence"]
    assert [each["task"] for each in answer["metrics"]] == [SHARP, SMOOTH]
    assert [each["k"] for each in answer["curves"]] == [None, *range(1, LENGTH + 1)]
    assert all(len(each["runs"]) == 16 for each in answer["curves"])
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_command_says_a_sentence_and_a_line_for_each_metric(fit_path):
    run = forecast_command("emergence", fit_path, "--task", "sums")
    assert run.code == 3 and run.out.startswith(f"{SHARP}: ") and run.out.count("emergence score") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "product"], "is not a task of this fit"),
        (["--companion", SMOOTH], "name it with --task"),
        (["--task", SHARP, "--companion", SHARP], "its own companion"),
        (["--task", "sums", "-o", "nowhere/figure.png"], "does not exist"),
        (["--task", "sums", "-o", "figure.doc"], "a figure ends in .png, .svg, .pdf"),
    ],
)
def test_what_cannot_be_answered_is_one_line(fit_path, arguments, said):
    run = forecast_command("emergence", fit_path, *arguments)
    assert run.code == 1 and said in run.err and run.err.count("\n") == 1 and not run.out


def test_a_loss_has_no_jump_to_explain(answer_table, prior_fit):
    fit = prior_fit(read_table(answer_table), draws=20)
    with pytest.raises(ForecastError, match="is a loss"):
        tasks_asked(fit, "validation")
    assert tasks_asked(fit, None) == ["sums [exact_match]", "words [exact_match]", "picks"]
