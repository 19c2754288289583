"""Metrics: pass@k, and what one row of `METRICS` gives a metric."""

import numpy as np
import pandas as pd
import pytest

from forecast.posterior.predict import row_means
from forecast.posterior.score import expected_score, theta_at_score
from forecast.posterior.tasks import rate_tasks
from forecast.questions.emergence.verdict import sharpness
from forecast.table.dataset import observations, read_table
from models.equations.metrics import METRICS, Metric, success_of_task
from models.equations.surrogates import at_least_k, pass_at_k
from models.facts.counts import conditional_counts
from models.facts.placing import surrogate_length

LOSSES, NUS, ATTEMPTS = (1e-3, 0.5, 3.0, 30.0, 1e5), (0.05, 0.5, 1.0, 3.0, 50.0), (1, 8, 32, 128)


def by_quadrature(loss, *, k, nu):
    """``1 - E (1 - p)^k`` by a plain sum over log g."""
    log_g = np.linspace(-60.0 / min(nu, 1.0), 8.0, 200_001)
    weight = nu * (log_g - np.exp(log_g))
    weight = np.exp(weight - weight.max())
    missed = np.log(-np.expm1(-np.clip(loss * np.exp(log_g), 1e-300, None)))
    return (weight * -np.expm1(k * missed)).sum() / weight.sum()


@pytest.mark.parametrize("nu", NUS)
@pytest.mark.parametrize("k", ATTEMPTS)
def test_pass_at_k_is_the_mean_over_items_by_quadrature(k, nu):
    for loss in LOSSES:
        expected = by_quadrature(loss, k=k, nu=nu)
        if expected > 1e-9:  # below, the plain sum is not exact
            assert pass_at_k(loss, k=k, nu=nu) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("nu", NUS)
@pytest.mark.parametrize("k", ATTEMPTS)
def test_pass_at_k_is_at_least_one_of_k_with_the_hazard_of_an_answer(k, nu):
    losses = np.array([*LOSSES, 1e30])
    np.testing.assert_allclose(pass_at_k(losses, k=k, nu=nu), at_least_k(losses, k=1, length=k, nu=nu), rtol=1e-8)


def test_pass_at_k_rises_with_the_attempts_and_pass_at_1_is_exact_match():
    losses, nu = np.geomspace(1e-3, 1e6, 40), 0.7
    each = [pass_at_k(losses, k=k, nu=nu) for k in (1, 2, 8, 128, 1000)]
    assert (np.diff(each, axis=0) >= 0).all() and (np.array(each) <= 1.0 + 1e-12).all()
    task = {"length": 3.0, "token_floor": None}
    match = success_of_task(losses, nu, metric="exact_match", k=np.nan, **task)
    np.testing.assert_allclose(success_of_task(losses, nu, metric="pass_at_k", k=1.0, **task), match, rtol=1e-12)
    assert pass_at_k(np.inf, k=5, nu=nu) == 0.0


# Rows at several k


RATES = {1: (0.0, 0.002, 0.01), 8: (0.004, 0.02, 0.06), 64: (0.02, 0.08, 0.25)}


@pytest.fixture(scope="module")
def attempts(tmp_path_factory):
    """A table of one task at three k of the same 500 items; pass@1 counts all 64 attempts at them."""
    rows = [
        {"model": f"m{n}", "task": "code", "metric": "pass_at_k", "k": k, "score": score, "compute": 10.0 ** (21 + n)}
        | {"trials": 32000 if k == 1 else 500}
        for k, scores in RATES.items()
        for n, score in enumerate(scores)
    ]
    path = tmp_path_factory.mktemp("attempts") / "table.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return read_table(path)


def test_rows_at_several_k_are_one_law_and_no_more_items(attempts):
    data = observations(attempts)
    assert data.sizes["law"] == 1 and data.sizes["task"] == 3
    counts, trials = conditional_counts(data)
    k = data.k.values
    assert (trials[k == 64] == 500).all()  # of all items
    np.testing.assert_allclose(trials[k == 8], counts[k == 64])  # of those solved in 64
    np.testing.assert_allclose(counts[k == 1], 500 * np.array(RATES[1]))  # the items, not the attempts at them


def test_expected_scores_at_several_k_are_in_order_in_every_draw(attempts, prior_fit):
    fit = prior_fit(attempts, draws=40)
    means = {k: row_means(fit)[fit.data.k.values == k] for k in RATES}
    assert (means[1] <= means[8]).all() and (means[8] <= means[64]).all() and (means[64] > means[1]).any()
    for task in rate_tasks(fit):
        theta = theta_at_score(fit, task, 0.1)
        found = expected_score(fit, task, theta.where(np.isfinite(theta), 0.0)).where(np.isfinite(theta), 0.1)
        np.testing.assert_allclose(found, 0.1, rtol=1e-6)


def test_a_surrogate_of_attempts_is_half_solved_where_pass_at_k_is(attempts):
    (length,) = surrogate_length(observations(attempts))
    loss = np.log(2.0) / length
    assert pass_at_k(loss, k=64, nu=1e6) == pytest.approx(0.5, rel=1e-4)


def test_attempts_need_their_number(tmp_path):
    from forecast.errors import TableError

    rows = [{"model": f"m{n}", "task": "t", "metric": "pass_at_k", "score": 0.1, "trials": 10} for n in range(3)]
    frame = pd.DataFrame(rows).assign(compute=[1e20, 1e21, 1e22])
    frame.to_csv(tmp_path / "no_column.csv", index=False)
    frame.assign(k=[1, None, 2]).to_csv(tmp_path / "blank.csv", index=False)
    for name in ("no_column", "blank"):
        with pytest.raises(TableError, match="the attempts at an item"):
            read_table(tmp_path / f"{name}.csv")


# Adding a metric


def test_a_metric_is_added_by_one_row(tmp_path, prior_fit, monkeypatch):
    """Both of two independent answers right: of a hazard twice as large."""

    def both(loss, nu, *, length, k, token_floor=None):
        return (1.0 + 2.0 * length * loss / nu) ** -nu

    monkeypatch.setitem(METRICS, "both_right", Metric(words="both right", sharpness=5, success=both))
    rows = [
        {"model": f"m{n}", "task": "pairs", "metric": "both_right", "score": 0.1 * n, "trials": 100}
        for n in range(1, 5)
    ]
    frame = pd.DataFrame(rows).assign(compute=np.geomspace(1e20, 1e23, 4))
    frame.to_csv(tmp_path / "table.csv", index=False)
    fit = prior_fit(read_table(tmp_path / "table.csv"), draws=20)
    assert rate_tasks(fit) == ["pairs"] and sharpness(fit, "pairs")[0] == 5
    theta = theta_at_score(fit, "pairs", 0.2)
    finite = np.isfinite(theta)
    np.testing.assert_allclose(
        expected_score(fit, "pairs", theta.where(finite, 0.0)).where(finite, 0.2), 0.2, rtol=1e-6
    )
    assert row_means(fit).shape == (4, 20)
