"""Every formula of the model against SciPy, closed forms and its own inverse, in the far tail too."""

import inspect
import warnings
from itertools import pairwise

import numpy as np
import pytensor
import pytest
import xarray as xr
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from scipy import integrate, optimize, special, stats

from models.equations import compute, guessed, loss, metrics
from models.equations import surrogates as equations
from models.equations.compute import bent_compute, compute_from_bent, optimal_compute
from models.equations.guessed import at_least_each
from models.equations.loss import power_law_loss, theta_from_loss
from models.equations.metrics import score_from_success, success_from_score
from models.equations.surrogates import (
    at_least_k,
    exact_match,
    loss_from_at_least_k,
    loss_from_exact_match,
    loss_from_token_accuracy,
    pass_at_k,
    token_accuracy,
)

ALIKE = 1e13  # nu so large that items are alike to better than 1e-10, down to a success of 1e-12
PAIRS = [(1, 2), (2, 3), (5, 8), (8, 8), (3, 20), (20, 40)]  # k, length
SUCCESSES = np.array([0.9, 0.3, 1e-3, 1e-12, 1e-40])
LAW = {"irreducible": 0.2, "log10_amplitude": 0.3, "exponent": 0.4, "theta_ref": -0.5}
SLOPES, KNOTS = np.array([0.6, 1.0, 1.7, 0.9]), np.array([-2.0, -0.25, 1.0])
SHAPE = {"params_exponent": 0.35, "tokens_exponent": 0.37, "log10_params_ref": 8.6, "log10_tokens_ref": 10.1}
REWRITTEN = Mode("py", "fast_compile")  # rewritten as in any mode, but run by Python: compilation costs seconds
AS_WRITTEN = Mode("py", None)


def loss_of_closed_form(success, *, length, nu):
    """Loss at which ``(1 + length loss / nu)^-nu`` is `success`, so that tests reach the tail they want."""
    return nu / length * np.expm1(-np.log(success) / nu)


def integral_over_items(loss, *, k, length, nu):
    """At least k of length by quadrature over y = log g: the regularised incomplete beta times the Gamma density.

    Scaled by the peak of the integrand and cut where it has fallen by exp(-45), so exact in the tail as well.
    """

    def log_integrand(y):
        with np.errstate(divide="ignore"):
            log_success = np.log(special.betainc(k, length - k + 1, np.exp(-loss * np.exp(y))))
        return log_success + nu * np.log(nu) - special.gammaln(nu) + nu * y - nu * np.exp(y)

    y = np.linspace(-50 / nu - np.log1p(loss) - 60, 8, 40001)
    values = log_integrand(y)
    peak = values.max()
    edges = np.linspace(*y[values > peak - 45][[0, -1]], 13)
    pieces = [
        integrate.quad(lambda y: np.exp(log_integrand(y) - peak), *piece, epsabs=0, epsrel=1e-12, limit=200)[0]
        for piece in pairwise(edges)
    ]
    return np.exp(peak) * sum(pieces)


def compiled(inputs, outputs, mode=REWRITTEN):
    with pytensor.config.change_flags(cxx=""):
        return pytensor.function(inputs, outputs, mode=mode)


@pytest.mark.parametrize(("k", "length"), PAIRS)
def test_at_least_k_is_the_binomial_tail_where_items_are_alike(k, length):
    loss = np.append([1e-6, 0.01, 0.3, 1.0], [5 / k, 15 / k, 27 / k])
    oracle = stats.binom.sf(k - 1, length, np.exp(-loss))
    ours = at_least_k(loss, k=k, length=length, nu=ALIKE)
    np.testing.assert_allclose(ours, oracle, rtol=1e-10)
    farther = -(np.log(1e-12) - np.log(special.comb(length, k))) / k  # the leading term C(L,k) q^k is 1e-12
    success = at_least_k(farther, k=k, length=length, nu=ALIKE)
    assert success < 1.01e-12
    assert success == pytest.approx(stats.binom.sf(k - 1, length, np.exp(-farther)), rel=3e-10, abs=0)


@pytest.mark.parametrize("nu", [0.1, 0.5, 1.0, 2.7, 10.0, 100.0])
@pytest.mark.parametrize(("k", "length"), PAIRS)
def test_at_least_k_is_the_gamma_average_of_the_binomial_tail(k, length, nu):
    loss = loss_of_closed_form(SUCCESSES[: 4 if nu < 0.5 else 5], length=k, nu=nu)
    oracle = [integral_over_items(one, k=k, length=length, nu=nu) for one in loss]
    assert min(oracle) < 1e-11
    np.testing.assert_allclose(at_least_k(loss, k=k, length=length, nu=nu), oracle, rtol=1e-10)


@pytest.mark.parametrize("nu", [0.1, 1.0, 10.0, 100.0])
def test_exact_match_and_token_accuracy_are_gamma_averages(nu):
    for length in (1, 4, 30):
        loss = loss_of_closed_form(SUCCESSES[:4], length=length, nu=nu)
        oracle = [integral_over_items(one, k=length, length=length, nu=nu) for one in loss]
        np.testing.assert_allclose(exact_match(loss, length=length, nu=nu), oracle, rtol=1e-10)
        if length == 1:
            np.testing.assert_allclose(token_accuracy(loss, nu=nu), oracle, rtol=1e-10)


@pytest.mark.parametrize("length", [1, 2, 5, 12, 40])
def test_the_mean_over_k_of_at_least_k_is_token_accuracy(length):
    loss, nu = np.logspace(-8, 3, 23), np.logspace(-1.3, 6, 9)[:, None]
    over_k = [at_least_k(loss, k=k, length=length, nu=nu) for k in range(1, length + 1)]
    np.testing.assert_allclose(np.mean(over_k, axis=0), token_accuracy(loss, nu=nu), rtol=1e-10)


def test_at_nu_one_exact_match_is_a_logistic_curve_in_log_compute():
    theta, length = np.linspace(-30, 30, 61), 7
    law = LAW | {"irreducible": 0.0}
    success = exact_match(power_law_loss(theta, **law), length=length, nu=1.0)
    slope = np.log(10) * law["exponent"]
    start = -np.log(length) - np.log(10) * law["log10_amplitude"] - slope * law["theta_ref"]
    np.testing.assert_allclose(success, special.expit(start + slope * theta), rtol=1e-12)


def test_exact_match_of_items_alike_is_an_exponential():
    loss = np.array([1e-9, 1e-3, 0.4, 5.0, 9.0])
    np.testing.assert_allclose(exact_match(loss, length=3, nu=ALIKE), np.exp(-3 * loss), rtol=1e-10)


def test_success_falls_with_loss_and_with_k_and_rises_with_the_tokens_to_choose_from():
    loss, nu = np.logspace(-1, 2, 40), np.array([[0.2], [1.0], [30.0]])
    by_k = np.array([at_least_k(loss, k=k, length=6, nu=nu) for k in range(1, 7)])
    assert np.all(np.diff(by_k, axis=2) < 0) and np.all(np.diff(by_k, axis=0) < 0)
    by_length = np.array([at_least_k(loss, k=3, length=length, nu=nu) for length in range(3, 9)])
    assert np.all(np.diff(by_length, axis=0) > 0)
    whole_answer = np.array([exact_match(loss, length=length, nu=nu) for length in range(1, 7)])
    assert np.all(np.diff(whole_answer, axis=0) < 0) and np.all(np.diff(whole_answer, axis=2) < 0)
    assert np.all(np.diff(token_accuracy(loss, nu=nu), axis=1) < 0)


def test_every_success_is_a_probability_from_no_loss_to_infinite_loss():
    loss, nu = np.array([0.0, *np.logspace(-300, 300, 31), np.inf]), np.logspace(-2, 8, 11)[:, None]
    for k, length in PAIRS:
        success = at_least_k(loss, k=k, length=length, nu=nu)
        assert np.all((success >= 0) & (success <= 1 + 1e-13))
        assert np.all(success[:, 0] == pytest.approx(1, abs=1e-13)) and np.all(success[:, -1] == 0)


@pytest.mark.parametrize(("k", "length"), [(1, 4), (2, 4), (3, 20)])
def test_at_least_k_is_above_the_power_by_the_binomial_coefficient_where_tokens_are_rarely_right(k, length):
    loss = -np.log(1e-7)
    ratio = at_least_k(loss, k=k, length=length, nu=ALIKE) / token_accuracy(loss, nu=ALIKE) ** k
    assert ratio == pytest.approx(special.comb(length, k), rel=1e-5)


# tokens right by guessing


@pytest.mark.parametrize(("k", "length"), [(0, 4), (-1, 4), (5, 4), (1, 0), (1.5, 4), (2, 4.5), (np.nan, 4)])
def test_k_outside_one_to_length_or_fractional_is_refused(k, length):
    with pytest.raises(ValueError, match=f"got k = {k} and length = {length}"):
        at_least_k(0.5, k=k, length=length, nu=1.0)


SURROGATES = {
    "exact_match": (exact_match, loss_from_exact_match, {"length": 5}),
    "token_accuracy": (token_accuracy, loss_from_token_accuracy, {}),
    "at_least_k": (at_least_k, loss_from_at_least_k, {"k": 3, "length": 9}),
    "at_least_all": (at_least_k, loss_from_at_least_k, {"k": 4, "length": 4}),
    "at_least_one": (at_least_k, loss_from_at_least_k, {"k": 1, "length": 30}),
}


@pytest.mark.parametrize("name", SURROGATES)
def test_the_loss_behind_a_success_gives_that_success(name):
    surrogate, inverse, answer = SURROGATES[name]
    success, nu = np.array([1e-12, 1e-6, 0.02, 0.5, 0.97, 1 - 1e-6]), np.array([[0.06], [0.7], [1.0], [40.0], [1e6]])
    loss = inverse(success, nu=nu, **answer)
    np.testing.assert_allclose(surrogate(loss, nu=nu, **answer) / success, np.ones_like(loss), rtol=1e-11)
    assert np.all(np.diff(loss, axis=1) < 0) and np.all(loss > 0)


@pytest.mark.parametrize("name", SURROGATES)
def test_theta_behind_a_score_is_the_theta_that_gave_it(name):
    surrogate, inverse, answer = SURROGATES[name]
    success, nu = np.array([1e-3, 0.1, 0.5, 0.9, 0.99]), np.array([[0.2], [1.0], [50.0]])
    law, ends = LAW | {"irreducible": 0.0}, {"floor": 0.03, "ceiling": 0.91}
    theta = theta_from_loss(inverse(success, nu=nu, **answer), **law)
    score = score_from_success(surrogate(power_law_loss(theta, **law), nu=nu, **answer), **ends)
    back = inverse(success_from_score(score, **ends), nu=nu, **answer)
    np.testing.assert_allclose(theta_from_loss(back, **law), theta, rtol=1e-9, atol=1e-9)


def test_power_law_and_its_inverse_undo_each_other():
    theta = np.linspace(-8, 8, 33)
    loss = power_law_loss(theta, **LAW)
    np.testing.assert_allclose(theta_from_loss(loss, **LAW), theta, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(power_law_loss(theta, **LAW | {"theta_ref": theta}), 0.2 + 10**0.3)


@pytest.mark.parametrize("theta_ref", [-3.0, -1.0, 0.2, 4.0])
def test_bent_compute_and_its_inverse_undo_each_other(theta_ref):
    x, shape = np.array([-9.0, -2.0, -1.0, 0.0, 0.2, 1.0, 7.0]), {"slopes": SLOPES, "knots": KNOTS}
    theta = bent_compute(x, **shape, theta_ref=theta_ref)
    np.testing.assert_allclose(compute_from_bent(theta, **shape, theta_ref=theta_ref), x, atol=1e-13)
    assert bent_compute(theta_ref, **shape, theta_ref=theta_ref) == 0


def test_bent_compute_has_the_slope_of_its_piece():
    x = np.array([-2.5, -1.0, 0.5, 3.0])  # one point in each piece
    ahead, behind = (bent_compute(x + h, slopes=SLOPES, knots=KNOTS, theta_ref=0.2) for h in (0.1, -0.1))
    np.testing.assert_allclose((ahead - behind) / 0.2, SLOPES, rtol=1e-12)


SHAPES = [SHAPE, SHAPE | {"tokens_exponent": 0.9}, SHAPE | {"params_exponent": 0.05}, SHAPE | {"tokens_exponent": 0.35}]


def on_optimal_path(decades, shape):
    """log10 N and log10 D where a run of the path through the reference has a loss lower by so many decades."""
    return (
        shape["log10_params_ref"] + decades / shape["params_exponent"],
        shape["log10_tokens_ref"] + decades / shape["tokens_exponent"],
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_optimal_compute_is_the_compute_itself_on_the_optimal_path_and_less_beside_it(shape):
    params, tokens = on_optimal_path(np.linspace(-3, 3, 13), shape)
    at_path = optimal_compute(params, tokens, **shape)
    np.testing.assert_allclose(at_path, np.log10(6.0) + params + tokens, rtol=1e-14, atol=1e-12)
    shift = np.array([-9.0, -2.0, -0.3, -1e-3, 1e-3, 0.3, 2.0, 9.0])[:, None]  # more parameters, fewer tokens
    beside = optimal_compute(params + shift, tokens - shift, **shape)
    assert (
        np.all(beside < at_path) and np.all(np.diff(beside[4:], axis=0) < 0) and np.all(np.diff(beside[:4], axis=0) > 0)
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_optimal_compute_does_not_depend_on_which_run_of_the_path_is_the_reference(shape):
    params, tokens = np.linspace(3, 15, 25), np.linspace(3, 15, 25)[:, None]
    for decades in (-1.0, 0.4):
        moved = dict(zip(("log10_params_ref", "log10_tokens_ref"), on_optimal_path(decades, shape), strict=True))
        elsewhere = optimal_compute(params, tokens, **shape | moved)
        np.testing.assert_allclose(elsewhere, optimal_compute(params, tokens, **shape), atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_optimal_compute_rises_with_parameters_and_with_tokens(shape):
    params, tokens = np.linspace(7, 12, 41), np.linspace(8, 13, 41)[:, None]
    compute = optimal_compute(params, tokens, **shape)
    assert np.all(np.diff(compute, axis=0) > 0) and np.all(np.diff(compute, axis=1) > 0)


def test_exchanging_parameters_and_tokens_leaves_optimal_compute_as_it_is():
    mirrored = dict(zip(SHAPE, [0.37, 0.35, 10.1, 8.6], strict=True))
    there = optimal_compute(11.0, 9.5, **mirrored)
    assert there == pytest.approx(optimal_compute(9.5, 11.0, **SHAPE), rel=1e-14)


@pytest.mark.parametrize("log10_run", [(7.0, 12.0), (9.4, 9.4), (11.0, 9.0), (8.0, 9.5)])
@pytest.mark.parametrize(("a", "b"), [(0.3478, 0.3658), (0.5, 0.2)])
def test_optimal_compute_is_the_least_compute_that_reaches_the_loss_of_the_run(log10_run, a, b):
    params_amplitude, tokens_amplitude = 482.01, 2085.43  # Besiroglu et al. 2024

    def cheapest(log10_params, log10_tokens):
        goal = params_amplitude * 10 ** (-a * log10_params) + tokens_amplitude * 10 ** (-b * log10_tokens)

        def tokens_needed(log10_params):
            return -np.log10((goal - params_amplitude * 10 ** (-a * log10_params)) / tokens_amplitude) / b

        fewest_params = np.log10(params_amplitude / goal) / a  # those of a run with endless tokens
        found = optimize.minimize_scalar(
            lambda log10_params: log10_params + tokens_needed(log10_params),
            bounds=(fewest_params + 1e-9, fewest_params + 10),
            options={"xatol": 1e-10},
        )
        assert found.success
        return found.x, tokens_needed(found.x)

    reference = dict(zip(("log10_params_ref", "log10_tokens_ref"), cheapest(8.0, 10.0), strict=True))
    ours = optimal_compute(*log10_run, params_exponent=a, tokens_exponent=b, **reference)
    assert ours == pytest.approx(np.log10(6.0) + sum(cheapest(*log10_run)), abs=1e-6)  # a minimum, so to sqrt(epsilon)


def test_runs_of_equal_loss_have_equal_optimal_compute_as_the_loss_is_a_power_law_in_it():
    run = (np.linspace(7, 12, 11), np.linspace(8, 13, 11)[:, None])
    a, b, params_ref, tokens_ref = SHAPE.values()
    loss = (b * 10 ** (a * (params_ref - run[0])) + a * 10 ** (b * (tokens_ref - run[1]))) / (a + b)
    law = {"irreducible": 0.0, "log10_amplitude": 0.0, "exponent": a * b / (a + b)}
    theta_ref = np.log10(6.0) + params_ref + tokens_ref
    theta = optimal_compute(*run, **SHAPE)
    np.testing.assert_allclose(power_law_loss(theta, **law, theta_ref=theta_ref), loss, rtol=1e-12)


@pytest.mark.parametrize("kind", [float, np.asarray, xr.DataArray], ids=["number", "array", "DataArray"])
@pytest.mark.parametrize("name", SURROGATES)
def test_the_impossible_has_a_value_and_no_warning(name, kind):
    _, inverse, answer = SURROGATES[name]
    law, ends = LAW | {"irreducible": 0.0}, {"floor": 0.02, "ceiling": 0.8}

    def compute_at(score):
        loss = inverse(success_from_score(kind(score), **ends), nu=0.7, **answer)
        theta = theta_from_loss(loss, **law)
        return float(compute_from_bent(theta, slopes=SLOPES, knots=KNOTS, theta_ref=0.2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [compute_at(score) for score in (0.8, 0.81, 1.0)] == [np.inf] * 3
        assert [compute_at(score) for score in (0.02, 0.01, 0.0)] == [-np.inf] * 3
        assert np.isfinite(compute_at(0.5))
        for loss in (LAW["irreducible"], 0.1, 0.0, -1.0):
            assert theta_from_loss(kind(loss), **LAW) == np.inf
        for theta in (-np.inf, np.inf):
            path = bent_compute(kind(theta), slopes=SLOPES, knots=KNOTS, theta_ref=0.2)
            assert path == theta


@pytest.mark.parametrize("name", ["at_least_k", "at_least_one"])
def test_a_loss_beyond_the_largest_number_is_infinite(name):
    _, inverse, answer = SURROGATES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(inverse(np.array([1e-12, 1e-200]), nu=0.01, **answer)) == [np.inf, np.inf]


COUNTS = {"k": 2, "length": 3}
TWO_ARGUMENTS = {  # function: call, first values, second values
    "power_law_loss": (
        lambda theta, exponent: power_law_loss(theta, **LAW | {"exponent": exponent}),
        [-2.0, 0.0, 3.0],
        [0.2, 0.9],
    ),
    "theta_from_loss": (
        lambda loss, irreducible: theta_from_loss(loss, **LAW | {"irreducible": irreducible}),
        [0.5, 1.0, 20.0],
        [0.0, 0.3],
    ),
    "exact_match": (lambda loss, nu: exact_match(loss, length=3, nu=nu), [0.1, 1.0, 9.0], [0.4, 2.0]),
    "loss_from_exact_match": (
        lambda success, nu: loss_from_exact_match(success, length=3, nu=nu),
        [1e-9, 0.4, 0.9],
        [0.4, 2.0],
    ),
    "token_accuracy": (lambda loss, nu: token_accuracy(loss, nu=nu), [0.1, 1.0, 9.0], [0.4, 2.0]),
    "loss_from_token_accuracy": (
        lambda success, nu: loss_from_token_accuracy(success, nu=nu),
        [1e-9, 0.4, 0.9],
        [0.4, 2.0],
    ),
    "at_least_k": (lambda loss, nu: at_least_k(loss, **COUNTS, nu=nu), [0.1, 1.0, 9.0], [0.4, 2.0]),
    "pass_at_k": (lambda loss, nu: pass_at_k(loss, k=8, nu=nu), [0.1, 1.0, 9.0], [0.4, 2.0]),
    "at_least_each": (
        lambda loss, nu: at_least_each(loss, ks=(2, 3), length=3, nu=nu, token_floor=0.1)[..., 0],
        [0.1, 1.0, 9.0],
        [0.4, 2.0],
    ),
    "loss_from_at_least_k": (
        lambda success, nu: loss_from_at_least_k(success, **COUNTS, nu=nu),
        [1e-9, 0.4, 0.9],
        [0.4, 2.0],
    ),
    "score_from_success": (
        lambda success, floor: score_from_success(success, floor=floor, ceiling=0.9),
        [0.0, 0.5, 1.0],
        [0.0, 0.1],
    ),
    "success_from_score": (
        lambda score, floor: success_from_score(score, floor=floor, ceiling=0.9),
        [0.0, 0.5, 1.0],
        [0.0, 0.1],
    ),
    "bent_compute": (
        lambda x, slopes: bent_compute(x, slopes=slopes, knots=KNOTS, theta_ref=0.2),
        [-3.0, 0.2, 4.0],
        [SLOPES, SLOPES[::-1]],
    ),
    "compute_from_bent": (
        lambda theta, slopes: compute_from_bent(theta, slopes=slopes, knots=KNOTS, theta_ref=0.2),
        [-3.0, 0.2, 4.0],
        [SLOPES, SLOPES[::-1]],
    ),
    "optimal_compute": (
        lambda n, a: optimal_compute(n, 10.5, **SHAPE | {"params_exponent": a}),
        [3.0, 8.6, 15.0],
        [0.1, 0.37],
    ),
}


ELSEWHERE = {
    *(
        "success_of_task",
        "loss_of_success",
        "rates",
        "metrics_where",
        "frailty",
        "token_floor_of_run",
        "log_measured_loss",
        "measured_score",
    ),  # tests of the score and of the model
    *("required_share_weights", "success_of_judgement"),  # test_rubrics
    "tails",  # test_guessed
    "room_above",  # test_ceilings
    *("optimal_sizes", "tokens_needed", "params_needed", "effective_tokens", "tokens_seen", "most_effective_tokens"),
    *("cheapest_effective_tokens", "split_deficit", "warm_up_deficit"),  # test_compute, and tests of effective compute
}


def test_every_public_formula_is_compared_across_kinds_of_numbers():
    found = {
        name
        for module in (compute, guessed, loss, metrics, equations)
        for name, formula in inspect.getmembers(module, inspect.isfunction)
        if formula.__module__ == module.__name__ and not name.startswith("_")
    }
    assert found == set(TWO_ARGUMENTS) | ELSEWHERE


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
def test_numbers_arrays_labelled_arrays_and_graphs_agree(name):
    formula, first, second = TWO_ARGUMENTS[name]
    one_by_one = np.array([[formula(a, b) for b in second] for a in first])
    first, second = np.array(first), np.array(second)
    tolerance = {"rtol": 1e-11, "atol": 1e-14}
    np.testing.assert_allclose(formula(first[:, None], second), one_by_one, **tolerance)

    labelled = formula(xr.DataArray(first, dims="run"), xr.DataArray(second, dims=("draw", "segment")[: second.ndim]))
    assert set(labelled.dims) == {"run", "draw"}
    np.testing.assert_allclose(labelled.transpose("run", "draw"), one_by_one, **tolerance)
    half = formula(xr.DataArray(first, dims="run"), second[0])
    assert half.dims == ("run",)
    np.testing.assert_allclose(half, one_by_one[:, 0], **tolerance)

    if name == "loss_from_at_least_k":  # a root, which takes no variables
        return
    a, b = pt.vector("a"), pt.tensor("b", shape=(None,) * second.ndim)
    graph = compiled([a, b], formula(a[:, None], b[None]), AS_WRITTEN)
    np.testing.assert_allclose(graph(first, second), one_by_one, **tolerance)


def gradients_of_log(formula, names):
    """A compiled function of the parameters `names`, all vectors: gradients of log formula in each of them."""
    inputs = [pt.vector(name) for name in names]
    log_value = pt.log(formula(**dict(zip(names, inputs, strict=True))))
    return compiled(inputs, pytensor.grad(log_value.sum(), inputs))


DIFFERENTIABLE = {
    "exact_match": (exact_match, ["loss", "length", "nu"]),
    "token_accuracy": (token_accuracy, ["loss", "nu"]),
    "at least 1 of 2": (lambda loss, nu: at_least_k(loss, k=1, length=2, nu=nu), ["loss", "nu"]),
    "at least 3 of 5": (lambda loss, nu: at_least_k(loss, k=3, length=5, nu=nu), ["loss", "nu"]),
    "at least 10 of 20": (lambda loss, nu: at_least_k(loss, k=10, length=20, nu=nu), ["loss", "nu"]),
    "at least 3 of 5 with guessed tokens": (
        lambda loss, nu, token_floor: at_least_each(loss, ks=(3,), length=5, nu=nu, token_floor=token_floor).sum(
            axis=-1
        ),
        ["loss", "nu", "token_floor"],
    ),
    "all of 5 with guessed tokens": (
        lambda loss, nu, token_floor: at_least_each(loss, ks=(5,), length=5, nu=nu, token_floor=token_floor).sum(
            axis=-1
        ),
        ["loss", "nu", "token_floor"],
    ),
    "power_law_loss": (power_law_loss, ["theta", *LAW]),
    "compute of optimal_compute": (
        lambda **run: 10.0 ** optimal_compute(**run),
        ["log10_params", "log10_tokens", *SHAPE],
    ),
}
ORDINARY = {"loss": [0.02, 0.5, 3.0, 12.0], "nu": [0.3, 1.0, 7.0], "length": [1.0, 6.0]} | {
    "token_floor": [0.01, 0.3],
    "theta": [-2.0, 0.7],
    "irreducible": [0.05, 1.0],
    "log10_amplitude": [-1.0, 0.5],
    "exponent": [0.1, 0.8],
    "theta_ref": [0.0, 1.5],
    "log10_params": [7.0, 8.6, 12.0],
    "log10_tokens": [8.0, 10.1, 13.0],
    "params_exponent": [0.2, 0.35],
    "tokens_exponent": [0.35, 0.6],
    "log10_params_ref": [8.6],
    "log10_tokens_ref": [10.1],
}
EXTREME = {"loss": np.logspace(-12, 8, 41), "nu": np.logspace(-2, 8, 21), "length": [1.0, 300.0]} | {
    "token_floor": [1e-6, 0.1, 0.9],
    "theta": np.linspace(-12, 12, 7),
    "irreducible": [0.0, 1e-6, 5.0],
    "log10_amplitude": [-12.0, 0.0, 8.0],
    "exponent": [1e-3, 0.4, 8.0],
    "theta_ref": [-3.0, 3.0],
    "log10_params": np.linspace(3, 15, 7),
    "log10_tokens": np.linspace(3, 15, 7),
    "params_exponent": [0.05, 0.35, 2.0],
    "tokens_exponent": [0.05, 0.35, 2.0],
    "log10_params_ref": [3.0, 9.0, 15.0],
    "log10_tokens_ref": [3.0, 9.0, 15.0],
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_finite_wherever_a_sampler_goes_and_are_those_of_finite_differences(name):
    formula, names = DIFFERENTIABLE[name]
    gradients = gradients_of_log(formula, names)

    points = [axis.ravel() for axis in np.meshgrid(*(np.array(EXTREME[one]) for one in names))]
    with np.errstate(under="ignore", over="ignore"):
        at_extremes = gradients(*points)
    for parameter, gradient in zip(names, at_extremes, strict=True):
        assert np.isfinite(gradient).all(), f"not finite in {parameter} at {(~np.isfinite(gradient)).sum()} points"

    points = [axis.ravel() for axis in np.meshgrid(*(np.array(ORDINARY[one]) for one in names))]
    for position, gradient in enumerate(gradients(*points)):
        step = 1e-5 * np.maximum(np.abs(points[position]), 0.1)
        ahead, behind = (
            np.log(formula(**dict(zip(names, [*points[:position], moved, *points[position + 1 :]], strict=True))))
            for moved in (points[position] + step, points[position] - step)
        )
        np.testing.assert_allclose(gradient, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


def test_a_loss_that_underflows_or_overflows_still_has_a_gradient_of_success():
    loss, nu = pt.vector("loss"), pt.vector("nu")
    success = at_least_k(loss, k=2, length=4, nu=nu)
    gradients = compiled([loss, nu], pytensor.grad(success.sum(), [loss, nu]))
    for gradient in gradients(np.array([0.0, 1e-300, 1e30, 1e100]), np.array([0.5, 1e3, 0.02, 1.0])):
        assert np.isfinite(gradient).all()
