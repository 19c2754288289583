"""Parameters and tokens: the curve of equal loss, its cheapest run, and what repeated tokens are worth."""

import numpy as np
import pytensor
import pytest
import xarray as xr
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from scipy import optimize

from models.equations.compute import (
    REPEATS_DECAY,
    cheapest_effective_tokens,
    effective_tokens,
    most_effective_tokens,
    optimal_compute,
    optimal_sizes,
    params_needed,
    split_deficit,
    tokens_needed,
    tokens_seen,
)
from tests.conftest import SEED

EXPONENTS = [(0.35, 0.37), (0.1, 0.6), (0.9, 0.2), (0.4, 0.4)]
OPTIMUM = {"log10_params_optimal": 9.3, "log10_tokens_optimal": 10.9}


def shape(a, b):
    return {"params_exponent": a, "tokens_exponent": b} | OPTIMUM


def loss(params, tokens, a, b):
    """Reducible loss in units of that of the optimal run."""
    both = a + b
    of_params = b / both * 10.0 ** (-a * (params - OPTIMUM["log10_params_optimal"]))
    return of_params + a / both * 10.0 ** (-b * (tokens - OPTIMUM["log10_tokens_optimal"]))


# the curve of equal loss


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_every_run_of_the_curve_has_the_loss_of_the_optimal_one(a, b):
    params = np.linspace(9.3 - np.log10(1 + a / b) / a + 1e-3, 16.0, 60)
    params = params[np.isfinite(tokens_needed(params, **shape(a, b)))]
    assert len(params) > 40
    np.testing.assert_allclose(loss(params, tokens_needed(params, **shape(a, b)), a, b), 1.0, rtol=1e-12)
    tokens = np.linspace(10.9, 16.0, 20)
    np.testing.assert_allclose(loss(params_needed(tokens, **shape(a, b)), tokens, a, b), 1.0, rtol=1e-12)


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_tokens_and_parameters_needed_are_inverses(a, b):
    params = 9.3 + np.linspace(-0.2, 2.0, 23)
    tokens = tokens_needed(params, **shape(a, b))
    np.testing.assert_allclose(params_needed(tokens, **shape(a, b)), params, atol=1e-9)
    assert np.all(np.diff(tokens) < 0)
    assert tokens_needed(9.3, **shape(a, b)) == 10.9


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_the_optimal_run_has_the_least_compute_of_the_curve(a, b):
    beside = 9.3 + np.array([-0.3, -0.1, -1e-3, 1e-3, 0.1, 0.5, 3.0])
    assert np.all(beside + tokens_needed(beside, **shape(a, b)) > 9.3 + 10.9)


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_optimal_sizes_are_those_of_no_deficit_and_of_the_compute(a, b):
    ratio, reference = 1.4, 21.0
    half = 0.5 * (reference - np.log10(6.0))
    sizes = {"log10_params_ref": half - 0.5 * ratio, "log10_tokens_ref": half + 0.5 * ratio}
    exponents = {"params_exponent": a, "tokens_exponent": b}
    compute = np.linspace(17.0, 28.0, 12)
    params, tokens = optimal_sizes(compute, **exponents, **sizes)
    np.testing.assert_allclose(np.log10(6.0) + params + tokens, compute)
    np.testing.assert_allclose(
        split_deficit(params, tokens, **exponents, log10_ratio=ratio, reference=reference), 0.0, atol=1e-13
    )
    np.testing.assert_allclose(optimal_compute(params, tokens, **exponents, **sizes), compute)
    assert optimal_sizes(reference, **exponents, **sizes) == pytest.approx(tuple(sizes.values()))


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_effective_compute_is_the_same_all_along_the_curve(a, b):
    """The curve is that of the fitted model: `equations.optimal_compute` sees one compute."""
    params = 9.3 + np.linspace(-0.1, 3.0, 12)
    sizes = dict(zip(("log10_params_ref", "log10_tokens_ref"), OPTIMUM.values(), strict=True))
    exponents = {"params_exponent": a, "tokens_exponent": b}
    found = optimal_compute(params, tokens_needed(params, **shape(a, b)), **exponents, **sizes)
    np.testing.assert_allclose(found, np.log10(6.0) + 9.3 + 10.9, rtol=1e-12)


def test_runs_too_small_never_reach_the_loss_and_it_takes_all_that_is_asked_for_without_end():
    a, b = 0.35, 0.37
    fewest = 9.3 - np.log10(1 + a / b) / a
    assert tokens_needed(np.array([fewest - 1e-6, 3.0, -np.inf]), **shape(a, b)).tolist() == [np.inf] * 3
    assert tokens_needed(fewest + 1e-6, **shape(a, b)) > 25
    assert params_needed(np.inf, **shape(a, b)) == pytest.approx(fewest)
    for end in (np.inf, -np.inf):
        both = shape(a, b) | dict.fromkeys(OPTIMUM, end)
        assert tokens_needed(10.0, **both) == params_needed(10.0, **both) == end


# repeated tokens


def test_tokens_seen_once_are_worth_themselves_and_few_repeats_nearly_so():
    assert effective_tokens(np.array([3.0, 9.99, 10.0]), log10_unique=10.0).tolist() == [3.0, 9.99, 10.0]
    small = 1e-4
    worth = 10.0 ** (effective_tokens(10.0 + np.log10(1 + small), log10_unique=10.0) - 10.0) - 1
    assert worth == pytest.approx(small, rel=small)


def test_four_epochs_lose_little_and_endless_ones_reach_a_limit():
    """Four epochs are nearly as good as new data, forty are worth little more (Muennighoff et al. 2023, figure 5)."""
    worth = 10.0 ** (effective_tokens(np.log10([4.0, 40.0, 1e4, np.inf]), log10_unique=0.0))
    assert 3.6 < worth[0] < 4.0 and 14 < worth[1] < 16
    assert worth[2] == pytest.approx(1 + REPEATS_DECAY) == worth[3]
    assert most_effective_tokens(0.0) == pytest.approx(np.log10(worth[3]))
    by_hand = 1 + 15.387756 * (1 - np.exp(-39 / 15.387756))
    assert worth[1] == pytest.approx(by_hand, rel=1e-12)


def test_tokens_seen_undoes_effective_tokens_and_beyond_the_limit_none_suffice():
    seen = np.linspace(6.0, 11.9, 60)
    worth = effective_tokens(seen, log10_unique=10.0)
    np.testing.assert_allclose(tokens_seen(worth, log10_unique=10.0), seen, rtol=1e-7)
    limit = most_effective_tokens(10.0)
    assert tokens_seen(np.array([limit + 1e-9, 30.0, np.inf]), log10_unique=10.0).tolist() == [np.inf] * 3
    assert np.isfinite(tokens_seen(limit - 1e-9, log10_unique=10.0))
    assert tokens_seen(-np.inf, log10_unique=10.0) == -np.inf


def test_more_unique_tokens_never_need_more_tokens_or_epochs():
    unique = np.linspace(8.0, 13.0, 101)
    seen = tokens_seen(10.7, log10_unique=unique)
    finite = np.isfinite(seen)
    assert not finite[0] and finite[-1] and np.all(np.diff(finite.astype(int)) >= 0)
    assert np.all(np.diff(seen[finite]) <= 1e-12) and np.all(np.diff(seen[finite] - unique[finite]) < 0)


def test_a_law_without_decay_counts_every_epoch_and_one_of_full_decay_none():
    seen = np.linspace(9.0, 12.0, 7)
    np.testing.assert_allclose(effective_tokens(seen, log10_unique=10.0, decay=1e9), seen, rtol=1e-8)
    np.testing.assert_allclose(effective_tokens(seen, log10_unique=10.0, decay=1e-9), np.minimum(seen, 10.0), rtol=1e-8)


# the cheapest run on limited data


@pytest.mark.parametrize("missing", [-0.3, 0.2, 0.8, 1.1])
@pytest.mark.parametrize(("a", "b"), EXPONENTS)
def test_the_cheapest_run_on_limited_data_is_that_of_a_search_along_the_curve(a, b, missing):
    unique = 10.9 - missing
    options = {"params_exponent": a, "tokens_exponent": b, "log10_tokens_optimal": 10.9, "log10_unique": unique}
    effective = cheapest_effective_tokens(**options)
    fewest_tokens = 10.9 - np.log10(1 + b / a) / b

    def compute(worth):
        return params_needed(worth, **shape(a, b)) + tokens_seen(worth, log10_unique=unique)

    most = min(10.9, most_effective_tokens(unique))
    found = optimize.minimize_scalar(compute, bounds=(fewest_tokens + 1e-9, most), options={"xatol": 1e-10})
    assert compute(effective) <= found.fun + 1e-9
    assert effective == pytest.approx(found.x, abs=1e-4)
    assert (effective == pytest.approx(10.9)) == (missing < 0)


def test_no_run_is_cheapest_where_the_unique_tokens_never_suffice():
    a, b = 0.35, 0.37
    options = {"params_exponent": a, "tokens_exponent": b}
    barely = 10.9 - np.log10(1 + b / a) / b - np.log10(1 + REPEATS_DECAY)
    found = cheapest_effective_tokens(
        **options, log10_tokens_optimal=10.9, log10_unique=barely + np.array([-5.0, -1e-6, 1e-6])
    )
    assert found[:2].tolist() == [np.inf] * 2 and np.isfinite(found[2])
    for end in (np.inf, -np.inf):
        assert cheapest_effective_tokens(**options, log10_tokens_optimal=end, log10_unique=10.0) == end


# kinds of numbers


CALLS = {
    "optimal_sizes": lambda x, a: optimal_sizes(
        x, params_exponent=a, tokens_exponent=0.37, log10_params_ref=8.0, log10_tokens_ref=9.0
    )[1],
    "tokens_needed": lambda x, a: tokens_needed(x, **shape(a, 0.37)),
    "params_needed": lambda x, a: params_needed(x, **shape(a, 0.37)),
    "effective_tokens": lambda x, u: effective_tokens(x, log10_unique=10.0 + u),
    "tokens_seen": lambda x, u: tokens_seen(x, log10_unique=10.0 + u),
    "most_effective_tokens": lambda x, u: most_effective_tokens(x + u),
    "cheapest_effective_tokens": lambda x, a: cheapest_effective_tokens(
        params_exponent=a, tokens_exponent=0.37, log10_tokens_optimal=x, log10_unique=10.0
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_arrays_labelled_arrays_and_graphs_agree(name):
    call, first, second = CALLS[name], np.array([9.2, 10.5, 12.0]), np.array([0.2, 0.6])
    one_by_one = np.array([[call(float(x), float(y)) for y in second] for x in first])
    np.testing.assert_allclose(call(first[:, None], second), one_by_one, rtol=1e-12)
    labelled = call(xr.DataArray(first, dims="run"), xr.DataArray(second, dims="draw"))
    np.testing.assert_allclose(labelled.transpose("run", "draw"), one_by_one, rtol=1e-12)
    if name == "cheapest_effective_tokens":  # a root, which takes no variables
        return
    x, y = pt.vector("x"), pt.vector("y")
    graph = pytensor.function([x, y], call(x[:, None], y[None]), mode=Mode("py", "fast_compile"))
    np.testing.assert_allclose(graph(first, second), one_by_one, rtol=1e-12)


def test_the_curve_of_random_laws_never_costs_less_than_the_optimum_and_has_no_nan():
    rng = np.random.default_rng(SEED)
    a, b = np.exp(rng.normal(np.log(0.35), 0.5, (2, 400)))
    best = rng.uniform(5, 15, 400), rng.uniform(5, 15, 400)
    laws = dict(zip(("params_exponent", "tokens_exponent", *OPTIMUM), (a, b, *best), strict=True))
    params = rng.uniform(3, 18, 400)
    tokens = tokens_needed(params, **laws)
    assert not np.isnan(tokens).any() and 0 < np.isinf(tokens).sum() < 400
    assert np.all(params + tokens >= best[0] + best[1] - 1e-9)
