"""At least k of L where tokens may be guessed, against sums over the tokens guessed, in numbers and in graphs."""

import warnings

import numpy as np
import pytest
import xarray as xr
from pytensor import tensor as pt
from scipy import stats

from models.equations.guessed import Tails, at_least_each, tails
from models.equations.surrogates import at_least_k, token_accuracy
from tests.models.equations.test_surrogates import compiled

GUESSED_PAIRS = [(1, 2), (2, 4), (4, 4), (8, 16), (16, 16), (3, 32), (31, 32), (32, 32)]  # k, length
FLOORS = np.array([1e-4, 0.06, 0.3])


def at_least_k_guessed(loss, *, k, length, nu, token_floor):
    """At least k of length right, summed over how many of the tokens were guessed right: those need not be known."""
    total = 0.0
    for guessed in range(length + 1):
        needed, left = k - guessed, length - guessed
        known = at_least_k(loss, k=needed, length=left, nu=nu) if needed > 0 else 1.0
        total = total + stats.binom.pmf(guessed, length, token_floor) * known
    return total


@pytest.mark.parametrize(("k", "length"), GUESSED_PAIRS)
def test_at_least_each_is_the_sum_over_the_tokens_guessed(k, length):
    loss, floor = np.logspace(-3, 2, 16), FLOORS[:, None]
    for nu in (0.1, 0.3, 1.0, 4.0, 10.0, 50.0):
        ours = at_least_each(loss, ks=(k,), length=length, nu=nu, token_floor=floor)[..., 0]
        oracle = at_least_k_guessed(loss, k=k, length=length, nu=nu, token_floor=floor)
        narrow = length <= 16 and 0.3 <= nu <= 10
        tolerance = 1e-11 if k == length else 2e-4 if narrow else 6e-3  # closed form; docstring
        np.testing.assert_allclose(ours, oracle, rtol=tolerance)
        if k < length:
            wrong = at_least_k(loss, k=k, length=length, nu=nu)  # without a floor
            assert abs(ours / wrong - 1).max() > 6e-3


def test_the_far_tail_of_guessed_answers_is_as_exact_as_its_body():
    """Down to 1e-40, where nobody knows a token and nearly nobody guesses ten of them."""
    floor = np.array([1e-4, 1e-3])[:, None]
    loss = np.array([30.0, 100.0])
    ours = at_least_each(loss, ks=(10,), length=16, nu=50.0, token_floor=floor)[..., 0]
    oracle = at_least_k_guessed(loss, k=10, length=16, nu=50.0, token_floor=floor)
    assert oracle.min() < 1e-30
    np.testing.assert_allclose(ours, oracle, rtol=6e-3)


@pytest.mark.parametrize("length", [1, 2, 5, 16, 32])
def test_the_mean_over_k_of_at_least_each_is_token_accuracy_above_its_floor(length):
    """The mean over k = 1..L of a tail is the mean of the count, whatever the items are."""
    loss, nu, ks = np.logspace(-3, 2, 11), np.array([0.1, 0.3, 1.0, 10.0, 50.0])[:, None], range(1, length + 1)
    for floor in FLOORS:
        found = at_least_each(loss, ks=tuple(ks), length=length, nu=nu, token_floor=floor)
        assert found.shape == (5, 11, length)
        expected = floor + (1 - floor) * token_accuracy(loss, nu=nu)
        np.testing.assert_allclose(found.mean(axis=-1), expected, rtol=6e-3)
        np.testing.assert_allclose(found.mean(axis=-1)[1:4], expected[1:4], rtol=2e-4)


def test_at_least_each_in_a_graph_is_that_of_numbers():
    rng = np.random.default_rng(1)
    values = {"loss": np.logspace(-6, 4, 60), "nu": rng.uniform(0.2, 10, 60), "token_floor": rng.uniform(0, 0.5, 60)}
    names = {name: pt.vector(name) for name in values}
    options = {"ks": (1, 9, 16), "length": 16}
    graph = at_least_each(names["loss"], nu=names["nu"], token_floor=names["token_floor"], **options)
    found = compiled(list(names.values()), graph)(*values.values())
    loss, nu, floor = values.values()
    np.testing.assert_allclose(found, at_least_each(loss, nu=nu, token_floor=floor, **options), rtol=1e-12)


def test_guessed_success_rises_with_the_floor_and_falls_with_loss_and_with_k():
    loss = np.logspace(-1, 0.8, 30)  # beyond, hard items are only guessed and the curve is flat to a double
    nu, floor = np.array([0.2, 1.0, 30.0])[:, None], np.linspace(0.001, 0.9, 20)
    options = {"ks": range(1, 7), "length": 6, "nu": nu[..., None], "token_floor": floor}
    each = at_least_each(loss[:, None], **options)  # nu, loss, floor, k
    assert np.all(np.diff(each, axis=2) > 0) and np.all(np.diff(each, axis=1) < 0) and np.all(np.diff(each) < 0)
    assert np.all((each > 0) & (each < 1))


def test_each_of_several_k_is_what_it_is_alone_and_labelled_arrays_gain_a_dim_of_them():
    loss = xr.DataArray(np.logspace(-2, 1, 4), dims="run")
    nu, floor = xr.DataArray([0.4, 3.0], dims="draw"), xr.DataArray([0.05, 0.2], dims="draw")
    found = at_least_each(loss, ks=(1, 2, 4), length=4, nu=nu, token_floor=floor)
    assert set(found.dims) == {"run", "draw", "k"} and found.dims[-1] == "k"
    for position, k in enumerate((1, 2, 4)):
        alone = at_least_each(loss.values, ks=(k,), length=4, nu=3.0, token_floor=0.2)[..., 0]
        np.testing.assert_allclose(found.isel(k=position, draw=1), alone, rtol=1e-13)


def test_of_an_infinite_loss_only_guesses_are_left():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = np.array([1e306, 1e308, np.inf])
        found = at_least_each(loss, ks=(1, 3, 4), length=4, nu=0.5, token_floor=0.2)
    np.testing.assert_allclose(found, np.tile(stats.binom.sf([0, 2, 3], 4, 0.2), (3, 1)), rtol=1e-12)


def test_without_guessing_at_least_each_is_at_least_k():
    loss = np.logspace(-2, 1.5, 12)
    found = at_least_each(loss, ks=(2, 4, 7), length=7, nu=0.8, token_floor=0.0)
    for position, k in enumerate((2, 4, 7)):
        np.testing.assert_allclose(
            found[:, position], at_least_k(loss, k=k, length=7, nu=0.8), rtol=2e-4, err_msg=f"k = {k}"
        )


def test_tails_of_answers_of_several_lengths_are_one_graph_and_those_of_numbers():
    rng = np.random.default_rng(1)
    values = {"loss": np.logspace(-3, 2, 12), "nu": rng.uniform(0.3, 10, 12), "token_floor": rng.uniform(0, 0.5, 12)}
    names = {name: pt.vector(name) for name in values}
    length = np.array([1, 3, 4, 4, 9, 16] * 4)
    k, answer = np.array([1, 2, 1, 4, 9, 11] * 4), rng.integers(0, 12, 24)
    data = Tails.of(answer, length, k)
    graph = tails(names["loss"], nu=names["nu"], token_floor=names["token_floor"], of=data.map(pt.as_tensor))
    found = compiled(list(names.values()), graph)(*values.values())
    for place, (a, n, m) in enumerate(zip(answer, length, k, strict=True)):
        own = {name: value[a] for name, value in values.items()}
        expected = at_least_each(own["loss"], ks=(m,), length=n, nu=own["nu"], token_floor=own["token_floor"])[0]
        np.testing.assert_allclose(found[place], expected, rtol=1e-11, err_msg=f"{m} of {n}")
