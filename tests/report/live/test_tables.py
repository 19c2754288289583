from dataclasses import replace

import numpy as np
import pytest

from forecast.posterior.score import has_closed_inverse
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.report.live.tables import SHAPE, scores_of, threshold_table
from forecast.table.dataset import NO_FAMILY, read_table


def bare(fit):
    return replace(fit, posterior=fit.posterior.drop_vars(("chain", "draw"), errors="ignore"))


def tasks_and_families(fit):
    for task in fit.data.task.values.tolist():
        for family in (None, *fit.data.family.values.tolist()):
            if family != NO_FAMILY:  # which nobody can ask for
                yield task, family


def test_a_table_holds_the_quantiles_of_forecast_threshold_score_by_score(fitted, answer_fitted):
    for fit in (fitted, answer_fitted):
        for task, family in tasks_and_families(fit):
            scores = np.array([0.1, 0.3, 0.5, 0.9])
            table = threshold_table(bare(fit), task, scores, family=family)
            for at, row, never in zip(scores, table.interval, table.never, strict=True):
                answer = threshold(fit, task, float(at), family=family)
                quantiles = [float(answer["log10_compute"][name]) for name in ("q05", "q50", "q95")]
                np.testing.assert_allclose(row, quantiles, atol=1e-9)
                assert never / table.draws == answer["p_never"]


def test_the_shape_is_of_the_same_draws(fitted):
    task = fitted.data.task.values[0]
    table = threshold_table(bare(fitted), task, np.array([0.5]))
    draws = threshold_draws(fitted, task, 0.5).values.ravel()
    expected = np.quantile(draws, SHAPE, method="inverted_cdf")
    np.testing.assert_allclose(table.shape[0], expected, atol=1e-9)


def test_infinite_draws_stay_infinite_and_no_number_is_lost(prior_fit, answer_table):
    fit = prior_fit(read_table(answer_table), draws=200)
    task = "words [exact_match]"
    table = threshold_table(bare(fit), task, np.array([0.05, 0.95, 0.99]))
    assert not np.isnan(table.interval).any() and not np.isnan(table.shape).any()
    assert np.isposinf(table.interval[-1, -1]) and table.never[-1] > 0


def test_scores_are_every_percent_above_guessing_and_those_asked(fitted):
    scores = scores_of(fitted, "addition", [0.5, 0.625])
    assert scores[0] == 0.01 and scores[-1] == 0.99 and len(scores) == 100 and 0.625 in scores
    assert scores_of(fitted, "four choices", [0.5])[0] == pytest.approx(0.26)
    assert scores_of(fitted, "four choices", [0.2])[0] == 0.2  # what is asked is there in any case


def test_a_curve_without_a_closed_inverse_has_fewer_scores_and_a_loss_only_those_asked(answer_fitted):
    assert not has_closed_inverse(answer_fitted, "sums [exact_match]")
    assert len(scores_of(answer_fitted, "sums [exact_match]", [0.5])) == 9
    assert scores_of(answer_fitted, "validation", [1.9]).tolist() == [1.9]
