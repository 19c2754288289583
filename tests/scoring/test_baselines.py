"""Baselines: each is right where its own assumption holds, and its intervals are those of its residuals."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from forecast.report.content import check_held_out
from forecast.scoring import curves
from forecast.scoring.baselines import (
    BASELINES,
    LOG,
    LOGIT,
    LOSS_BASELINES,
    TWO_STEP,
    baseline_draws,
    baseline_forecasts,
)
from forecast.scoring.curves import (
    Curve,
    _gompertz,
    _gompertz_gradient,
    _logistic,
    _logistic_gradient,
    _offset,
    _offset_gradient,
    _sigmoid,
    _sigmoid_gradient,
    broken_power_law,
    gompertz,
    last_value,
    logistic,
    loss_power_law,
    offset_power_law,
    power_law,
    sigmoid,
)
from forecast.table.dataset import read_table
from forecast.table.splits import Split
from tests.conftest import COLUMNS, SEED, write_rows

X = np.linspace(20.0, 23.0, 13)
NEW = np.array([19.0, 21.7, 24.0, 25.5])
CURVES = {
    "last value": lambda x: np.full_like(x, 0.37),
    "linear": lambda x: np.clip(0.1 + 0.2 * (x - 20), 0, 1),
    "logistic": lambda x: expit(1.7 * (x - 22.5)),
    "power law": lambda x: np.exp(-(10 ** (0.3 - 0.4 * (x - 21)))),
    "broken power law": lambda x: np.exp(-(10 ** (0.3 - 0.05 * (x - 21))) * (1 + 10 ** ((x - 21.6) / 0.2)) ** -0.12),
    "sigmoid": lambda x: 0.2 + 0.5 * expit(3.0 * (x - 21.5)),
}
CURVES["Gompertz"] = CURVES["power law"]  # one curve, fitted on two scales
LOSS_CURVES = {
    "last value": lambda x: np.full_like(x, 2.2),
    "power law": lambda x: 2.5 * 10 ** (-0.1 * (x - 20)),
    "offset power law": lambda x: 1.7 + 10 ** (-0.35 * (x - 20)),
}
METHODS = {**BASELINES, "sigmoid": sigmoid}
SCORES = [pytest.param(method, CURVES[name], LOGIT, id=f"score, {name}") for name, method in METHODS.items()]
LOSSES = [pytest.param(method, LOSS_CURVES[name], LOG, id=f"loss, {name}") for name, method in LOSS_BASELINES.items()]
every_method = pytest.mark.parametrize(("method", "curve", "scale"), SCORES + LOSSES)


def fitted(method, values, new=NEW, x=X):
    return method(x, values[None]).at(new)[0]


def draws_of(method, values, scale=LOGIT, new=NEW, draws=200, x=X):
    return baseline_draws(method, x, values, new, scale=scale, draws=draws, rng=np.random.default_rng(SEED))


def tolerance(method):
    return 0.01 if method is broken_power_law else 1e-6  # the position of a break is searched on a grid


# Curves


def test_every_baseline_is_tested_here():
    assert set(METHODS) == set(CURVES) and set(LOSS_BASELINES) == set(LOSS_CURVES)


@every_method
def test_a_baseline_recovers_its_own_noiseless_curve(method, curve, scale):
    np.testing.assert_allclose(fitted(method, curve(X)), curve(NEW), atol=tolerance(method))


@every_method
def test_a_baseline_does_not_recover_the_curve_of_another(method, curve, scale):
    others = CURVES.values() if scale is LOGIT else [*LOSS_CURVES.values(), lambda x: 3.0 - 0.2 * (x - 20) ** 2]
    assert max(np.abs(fitted(method, other(X)) - other(NEW)).max() for other in others) > 0.05


@every_method
def test_many_data_sets_are_fitted_as_each_alone(method, curve, scale):
    noise = np.random.default_rng(SEED).normal(0, 0.2, (3, len(X)))
    values = scale.back(scale.to(curve(X)) + noise)
    together = method(X, values).at(NEW)
    np.testing.assert_allclose(together, [fitted(method, each) for each in values], rtol=1e-6)
    np.testing.assert_allclose(method(X, values).at(np.tile(NEW, (3, 1))), together)


@every_method
def test_rows_in_another_order_and_another_origin_give_the_same_curve(method, curve, scale):
    shuffled = np.random.default_rng(SEED).permutation(len(X))
    values = curve(X) * (1 + 0.05 * np.sin(7 * X))
    found = fitted(method, values[shuffled], new=NEW - 2000, x=X[shuffled] - 2000)
    np.testing.assert_allclose(found, fitted(method, values), rtol=1e-5, atol=1e-8)


def test_last_value_is_the_mean_score_of_the_largest_runs():
    assert np.all(fitted(last_value, np.array([0.1, 0.2, 0.9]), x=np.array([21.0, 23.0, 22.0])) == 0.2)
    found = fitted(last_value, np.array([0.1, 0.2, 0.4]), x=np.array([21.0, 23.0, 23.0]))
    np.testing.assert_allclose(found, 0.3)


def test_a_smooth_break_needs_six_runs():
    score = CURVES["broken power law"](X)
    five, six = np.linspace(0, 12, 5).astype(int), np.linspace(0, 12, 6).astype(int)
    for method, values in ((broken_power_law, score), (sigmoid, CURVES["sigmoid"](X))):
        simple = power_law if method is broken_power_law else logistic
        np.testing.assert_array_equal(fitted(method, values[five], x=X[five]), fitted(simple, values[five], x=X[five]))
        assert np.abs(fitted(method, values[six], x=X[six]) - fitted(simple, values[six], x=X[six])).max() > 0.02


def test_an_offset_power_law_needs_four_runs_and_never_rises():
    loss = LOSS_CURVES["offset power law"](X)
    np.testing.assert_array_equal(
        fitted(offset_power_law, loss[::6], x=X[::6]), fitted(loss_power_law, loss[::6], x=X[::6])
    )
    assert fitted(offset_power_law, loss[::4], x=X[::4])[-1] > fitted(loss_power_law, loss)[-1]
    rising = fitted(offset_power_law, loss[::-1])
    np.testing.assert_allclose(rising, np.exp(np.log(loss).mean()), rtol=0.05)


@pytest.mark.parametrize("runs", [1, 2])
@every_method
def test_one_or_two_runs_leave_the_last_value(method, curve, scale, runs):
    values = curve(X)[:runs]
    np.testing.assert_array_equal(fitted(method, values, x=X[:runs]), np.full_like(NEW, values[-1]))


@every_method
def test_a_search_that_ends_nowhere_leaves_a_finite_forecast(method, curve, scale, monkeypatch):
    nowhere = np.full(4, math.nan), 0
    monkeypatch.setattr(curves, "leastsq", lambda *args, **options: nowhere)
    draws = draws_of(method, curve(X) * (1 + 0.05 * np.sin(7 * X)), scale, draws=20)
    assert np.isfinite(draws).all()


@pytest.mark.parametrize(
    ("form", "gradient", "law"),
    [
        (_logistic, _logistic_gradient, (0.3, -1.2)),
        (_gompertz, _gompertz_gradient, (0.3, -1.2)),
        (_sigmoid, _sigmoid_gradient, (0.3, 2.0, -2.0, 1.0)),
        (_offset, _offset_gradient, (-0.5, 0.4, 0.2)),
    ],
)
def test_gradients_are_those_of_their_forms(form, gradient, law):
    z = np.linspace(-0.5, 0.5, 5)
    numerical = approx_fprime(np.array(law), lambda p: form(z, *p))
    np.testing.assert_allclose(np.stack(gradient(z, *law), axis=-1), numerical, atol=1e-6)


# Bootstrap


@every_method
def test_noiseless_data_give_draws_on_the_curve(method, curve, scale):
    draws = draws_of(method, curve(X), scale)
    np.testing.assert_allclose(draws, np.tile(curve(NEW), (len(draws), 1)), atol=max(3e-3, 3 * tolerance(method)))


@pytest.mark.parametrize("name", ["linear", "logistic", "power law", "Gompertz"])
def test_intervals_cover_the_spread_of_the_residuals(name):
    """Residuals of +-1 on the logit scale: the predictive spread inside the data is at least theirs, not many times."""
    signs = np.resize([1.0, -1.0, -1.0, 1.0], len(X))
    score = expit(0.5 * (X - 21.5) + signs)
    middle = np.array([21.5])
    spread = logit(draws_of(BASELINES[name], score, new=middle, draws=2000)).std()
    error = spread / (2 * 2000) ** 0.5
    assert 1.0 - 5 * error < spread < 2.0
    quiet = draws_of(BASELINES[name], expit(0.5 * (X - 21.5) + 0.1 * signs), new=middle, draws=2000)
    assert logit(quiet).std() < 0.3  # a tenth of the noise: far narrower


def test_residuals_are_enlarged_for_the_parameters_that_were_fitted():
    """A method that answers 1/2 whatever it sees has the residuals of the data, times what its parameters cost."""
    score = expit(np.array([-1.0, 0.5, 0.7, -0.2]))
    for parameters, factor in ((0, 1.0), (2, 2**0.5), (3, 2.0), (4, 2.0)):
        draws = draws_of(
            lambda x, values, p=parameters: Curve(lambda new: np.full((len(values), len(new)), 0.5), p),
            score,
            x=X[:4],
        )
        np.testing.assert_allclose(np.unique(logit(draws).round(9)), factor * np.sort(logit(score)))


def coverage(method, curve, scale, *, repeats, outcome_noise=1.0):
    """Share of 90% intervals that hold the outcome half a decade beyond 13 runs, over simulated tables."""
    rng = np.random.default_rng(SEED)
    sd, new, inside = (0.3 if scale is LOGIT else 0.02), np.array([23.5]), 0
    for _ in range(repeats):
        values = scale.back(scale.to(curve(X)) + rng.normal(0, sd, len(X)))
        outcome = scale.back(scale.to(curve(new)) + rng.normal(0, outcome_noise * sd, 1))
        low, high = np.quantile(baseline_draws(method, X, values, new, scale=scale, draws=100, rng=rng), (0.05, 0.95))
        inside += low <= outcome[0] <= high
    return inside / repeats


@every_method
def test_intervals_hold_about_nine_of_ten_outcomes_where_the_curve_is_right(method, curve, scale):
    searches = method in (logistic, gompertz, sigmoid, offset_power_law)
    repeats = 60 if searches else 400
    error = (0.9 * 0.1 / repeats) ** 0.5
    assert 0.85 - 4 * error < coverage(method, curve, scale, repeats=repeats) <= 0.95 + 4 * error
    surprised = coverage(method, curve, scale, repeats=repeats, outcome_noise=5.0)
    assert surprised < 0.85 - 4 * error  # outcomes five times as noisy as the data: the same check fails


@every_method
@pytest.mark.parametrize("score", [np.zeros(13), np.ones(13), np.r_[np.zeros(12), 1.0], np.r_[np.ones(12), 0.0]])
@pytest.mark.parametrize("x", [X, np.full(13, 22.0), np.r_[np.full(12, 20.0), 23.0], 22.0 + 1e-9 * X])
def test_zero_and_full_scores_and_equal_computes_give_finite_draws(method, curve, scale, score, x):
    values = (20 * score + 0.5) / 21 if scale is LOGIT else np.exp(3 - 4 * score)
    draws = draws_of(method, values, scale, draws=10, x=x, new=np.array([0.0, 19.0, 24.0, 40.0]))
    assert draws.shape == (10, 4) and np.isfinite(draws).all() and np.all(draws >= 0)
    assert scale is LOG or np.all(draws <= 1)


@every_method
def test_the_same_seed_gives_the_same_draws(method, curve, scale):
    values = curve(X) * (1 + 0.05 * np.sin(7 * X))
    np.testing.assert_array_equal(draws_of(method, values, scale, draws=5), draws_of(method, values, scale, draws=5))


# Tables

RUNS = np.linspace(20.0, 23.5, 8)
CUT = 10**22.8  # leaves two runs to forecast
ITEMS = 10**6
LOSS_OF = {"sums": LOSS_CURVES["offset power law"], "other": lambda x: 2 + np.sin(9 * x)}


def score_of(x):
    """A sigmoid in the loss of sums, which no baseline in compute is."""
    return 0.1 + 0.8 * expit(8 * (2.1 - LOSS_OF["sums"](x)))


def rate_rows(task="sums", runs=RUNS):
    cells = {"task": task, "metric": "exact_match", "trials": ITEMS}
    return [{"model": f"{x:g}", "compute": 10**x, "successes": round(ITEMS * score_of(x)), **cells} for x in runs]


def loss_rows(task, of="sums", runs=RUNS):
    cells = {"task": task, "metric": "loss"}
    return [{"model": f"{x:g}", "compute": 10**x, "score": float(LOSS_OF[of](x)), **cells} for x in runs]


@pytest.fixture
def table_of(tmp_path):
    def read(rows):
        return read_table(write_rows(tmp_path / "table.csv", rows, header=(*COLUMNS, "score", "date")))

    return read


def forecasts_of(table, draws=20, seed=SEED, metric="exact_match"):
    """Baselines for the rows of one metric above the cut, from all rows below it."""
    rows = table[(table["compute"] >= CUT) & (table["metric"] == metric)]
    return baseline_forecasts(table[table["compute"] < CUT], rows, seed, draws)


def two_step_error(table):
    return np.abs(np.median(forecasts_of(table)[TWO_STEP], axis=0) - score_of(RUNS[RUNS > 22.8])).max()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda: [*loss_rows("other", of="other"), *loss_rows("sums")], id="of the same name"),
        pytest.param(lambda: [*loss_rows("b", of="other", runs=RUNS[:5]), *loss_rows("a")], id="of most runs"),
        pytest.param(lambda: [*loss_rows("a"), *loss_rows("b", of="other")], id="the first of equals"),
        pytest.param(
            lambda: [*loss_rows("sums", of="other", runs=RUNS[:2]), *loss_rows("a")], id="same name on too few runs"
        ),
    ],
)
def test_two_steps_recover_a_sigmoid_in_the_loss_that_goes_with_the_task(table_of, rows):
    table = table_of([*rate_rows(), *rows()])
    assert two_step_error(table) < 0.01
    in_compute = {name: draws for name, draws in forecasts_of(table).items() if name != TWO_STEP}
    assert min(np.abs(draws - score_of(RUNS[-2:])).max() for draws in in_compute.values()) > 0.01


def test_another_loss_would_not_do(table_of):
    assert two_step_error(table_of([*rate_rows(), *loss_rows("other", of="other")])) > 0.1


@pytest.mark.parametrize("runs", [RUNS[:0], RUNS[:2], RUNS[-2:], RUNS + 0.1])
def test_there_are_no_two_steps_without_a_loss_on_three_of_the_runs(table_of, runs):
    found = forecasts_of(table_of([*rate_rows(), *loss_rows("sums", runs=runs)]))
    assert list(found) == list(BASELINES)


def test_a_task_without_a_loss_has_the_power_law_for_two_steps(table_of):
    found = forecasts_of(table_of([*rate_rows("words", RUNS + 0.1), *rate_rows(), *loss_rows("sums")]))
    words, sums = slice(0, 2), slice(2, 4)
    np.testing.assert_array_equal(found[TWO_STEP][:, words], found["power law"][:, words])
    assert np.abs(found[TWO_STEP][:, sums] - found["power law"][:, sums]).max() > 0.01


def test_losses_are_forecast_in_nats_by_their_own_methods(table_of):
    found = forecasts_of(table_of([*rate_rows(), *loss_rows("sums")]), metric="loss")
    assert list(found) == list(LOSS_BASELINES)
    np.testing.assert_allclose(found["offset power law"], np.tile(LOSS_OF["sums"](RUNS[-2:]), (20, 1)), rtol=1e-6)


def test_scores_and_losses_together_have_all_methods_and_no_gap(table_of):
    table = table_of([*rate_rows(), *loss_rows("sums")])
    rows = table[table["compute"] >= CUT].sample(frac=1, random_state=1)  # in any order
    found = baseline_forecasts(table[table["compute"] < CUT], rows, SEED, 20)
    assert set(found) == {*BASELINES, *LOSS_BASELINES, TWO_STEP}
    assert all(draws.shape == (20, 4) and np.isfinite(draws).all() for draws in found.values())
    loss = (rows["metric"] == "loss").to_numpy()
    np.testing.assert_allclose(
        found["offset power law"][:, loss], np.tile(rows["score"][loss].to_numpy(), (20, 1)), rtol=1e-6
    )
    np.testing.assert_array_equal(found["logistic"][:, loss], found["power law"][:, loss])
    np.testing.assert_array_equal(found["offset power law"][:, ~loss], found["power law"][:, ~loss])


def test_hidden_scores_and_line_numbers_do_not_move_a_forecast(table_of):
    table = table_of([*rate_rows(), *loss_rows("sums")])
    train, rows = table[table["compute"] < CUT], table[(table["compute"] >= CUT) & (table["metric"] != "loss")]
    hidden = rows.assign(score=np.nan, successes=pd.NA).set_axis(train.index[: len(rows)])
    for name, draws in baseline_forecasts(train, rows, SEED, 20).items():
        np.testing.assert_array_equal(baseline_forecasts(train, hidden, SEED, 20)[name], draws)


@pytest.mark.parametrize("runs", [1, 2])
def test_a_task_of_one_or_two_runs_is_forecast_by_its_last_value(table_of, runs):
    few = np.r_[RUNS[:runs], RUNS[-2:]]
    found = forecasts_of(table_of([*rate_rows("few", few), *loss_rows("sums")]))
    assert list(found) == list(BASELINES)
    for draws in found.values():
        assert draws.shape == (20, 2) and np.isfinite(draws).all()
        assert abs(np.median(draws) - score_of(few[runs - 1])) < 0.05


def test_two_steps_pass_on_that_the_loss_is_uncertain(table_of):
    """Scores that follow the loss exactly are forecast as loosely as the loss, whose draws come first."""
    noisy = [{**row, "score": row["score"] + 0.03 * (-1) ** i} for i, row in enumerate(loss_rows("sums"))]
    follows = [
        {**row, "successes": round(ITEMS * (0.1 + 0.8 * expit(8 * (2.1 - loss["score"]))))}
        for row, loss in zip(rate_rows(), noisy, strict=True)
    ]
    table = table_of([*follows, *noisy])
    loss = forecasts_of(table, metric="loss", draws=400)["offset power law"][:, 0]
    spread = forecasts_of(table, draws=400)[TWO_STEP][:, 0].std()
    expected = (0.1 + 0.8 * expit(8 * (2.1 - loss))).std()
    assert 0.7 < spread / expected < 1.4
    assert forecasts_of(table_of([*rate_rows(), *loss_rows("sums")]), draws=400)[TWO_STEP][:, 0].std() < 0.1 * spread


def test_a_run_on_which_a_loss_was_measured_twice_counts_once(table_of):
    table = table_of([*rate_rows(), *loss_rows("sums"), *loss_rows("sums")])
    assert two_step_error(table) < 0.01


def test_rows_of_a_task_that_was_never_seen_are_named(table_of):
    table = table_of([*rate_rows(), *rate_rows("new", RUNS[-2:])])
    with pytest.raises(ValueError, match="2 rows lack a training row of their task: 10, 11"):
        forecasts_of(table)


def test_the_check_of_held_out_runs_has_two_steps_where_losses_were_measured(table_of, track_of, prior_fit, tmp_path):
    table, split = table_of([*rate_rows(), *loss_rows("sums")]), Split(by="compute", at=CUT)
    fit, tested = prior_fit(split.parts(table)[0], draws=5), track_of(table, split)
    methods = check_held_out(fit, table, tested, split, tmp_path / "predictions.csv", seed=SEED).methods
    assert list(methods["method"]) == ["capability model", *dict.fromkeys([*BASELINES, TWO_STEP, *LOSS_BASELINES])]
    assert methods.set_index("method")["crps"].idxmin() == TWO_STEP
