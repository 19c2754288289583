"""How measurements scatter: densities that add to one, chains that are multinomial, and draws that follow both."""

import functools

import numpy as np
import pymc as pm
import pytensor
import pytest
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from scipy import stats

from forecast.table.dataset import observations, read_table
from models import observation
from models.equations.surrogates import at_least_k, token_accuracy
from models.facts.counts import MEAN_MARGIN, conditional_counts, draw_counts, mean_among, row_groups
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")
UNLIKELY = 1e-5
MIXTURES = {
    "sound": {"outlier": 0.0, "gross_error": 0.0, "ratio": 25.0},
    "outlier": {"outlier": 0.2, "gross_error": 0.0, "ratio": 25.0},
    "gross_error": {"outlier": 0.0, "gross_error": 0.1, "ratio": 25.0},
    "as in the priors": {
        "outlier": Priors().outlier_share,
        "gross_error": Priors().gross_error_share,
        "ratio": Priors().outlier_dispersion,
    },
}
HEADER = "model,task,metric,successes,trials,length,k,compute"
LENGTH, ITEMS = 4, 60
ALIKE = 1e9  # concentration at which counts are binomial to ITEMS^2 / 1e9 = 4e-6


@functools.cache
def log_density(outlier, gross_error, ratio):
    """The log density as a function of vectors of count, trials, mean and concentration."""
    inputs = pt.vectors("count", "trials", "mean", "concentration")
    log = observation.log_density_of_counts(*inputs, outlier=outlier, gross_error=gross_error, ratio=ratio)
    with pytensor.config.change_flags(cxx=""):
        return pytensor.function(inputs, log, mode=UNCOMPILED)


def density(count, trials, mean, concentration, **mixture):
    """Probability of each count."""
    numbers = np.broadcast_arrays(*(np.atleast_1d(each) * 1.0 for each in (count, trials, mean, concentration)))
    return np.exp(log_density(**mixture)(*numbers))


def chain_lines(run, histogram):
    """All metrics of one run's answers, of which histogram[j] have j tokens right."""
    right = np.arange(LENGTH + 1)
    above = [int(histogram[k:].sum()) for k in range(LENGTH + 1)]
    cells = [f"at_least_k,{above[k]},{ITEMS},{LENGTH},{k}" for k in range(1, LENGTH)]
    cells += [
        f"exact_match,{above[LENGTH]},{ITEMS},{LENGTH},",
        f"token_accuracy,{int(histogram @ right)},{ITEMS * LENGTH},{LENGTH},",
    ]
    return [f"run {run},t,{each},{10 ** (20 + 0.5 * run):g}" for each in cells]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Histograms (run, tokens right) and the observations of them, with the share of each row expected at `loss`."""
    rng = np.random.default_rng(SEED)
    loss = np.array([3.0, 1.0, 0.5, 0.2])
    tails = np.stack([at_least_k(loss, k=k, length=LENGTH, nu=1.3) for k in range(1, LENGTH + 1)], axis=1)
    chances = -np.diff(np.column_stack([np.ones(len(loss)), tails, np.zeros(len(loss))]), axis=1)
    histograms = np.array([rng.multinomial(ITEMS, each) for each in chances])
    lines = [line for run, histogram in enumerate(histograms) for line in chain_lines(run, histogram)]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join([HEADER, *lines]))
    mean = np.column_stack([tails, token_accuracy(loss, nu=1.3)]).ravel()
    return chances, histograms, observations(read_table(path)), mean


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("trials", [0, 1, 7, 200])
def test_the_density_of_counts_adds_to_one(trials, mixture):
    for mean in (0.0, 1e-9, 0.03, 0.5, 0.999, 1.0):
        for concentration in (0.05, 3.0, 1e4):
            chances = density(np.arange(trials + 1), float(trials), mean, concentration, **MIXTURES[mixture])
            assert chances.sum() == pytest.approx(1.0, rel=1e-10) and np.all(chances >= 0)


@pytest.mark.parametrize("mean", [0.02, 0.5, 0.98])
def test_a_sound_count_is_the_beta_binomial_of_scipy(mean):
    count = np.arange(51)
    for concentration in (0.5, 30.0, 1e3):
        expected = stats.betabinom.pmf(count, 50, mean * concentration, (1 - mean) * concentration)
        ours = density(count, 50.0, mean, concentration, **MIXTURES["sound"])
        np.testing.assert_allclose(ours, expected, rtol=1e-11 + 50 * MEAN_MARGIN / min(mean, 1 - mean))


def test_the_mixture_has_its_shares_of_strange_and_broken_rows():
    count, mean, concentration = np.arange(31), 0.3, 200.0
    parts = [stats.betabinom.pmf(count, 30, mean * c, (1 - mean) * c) for c in (200.0, 200.0 / 25.0)]
    expected = 0.75 * parts[0] + 0.2 * parts[1] + 0.05 / 31
    found = density(count, 30.0, mean, concentration, outlier=0.2, gross_error=0.05, ratio=25.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert abs(found / (0.8 * parts[0] + 0.2 * parts[1]) - 1).max() > 0.05


def test_no_success_where_the_mean_underflows_is_certain_and_costs_nothing():
    assert density([0], 1e5, 0.0, 1e-3, **MIXTURES["sound"]) == pytest.approx(1.0, abs=1e-9)
    assert density([0], 2000.0, 1e-300, 1e6, **MIXTURES["sound"]) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("mixture", MIXTURES)
def test_drawn_counts_follow_the_density(mixture):
    trials, mean, concentration, draws = 12, 0.3, 40.0, 40000
    options = MIXTURES[mixture]
    rng = np.random.default_rng(SEED)
    drawn = draw_counts(trials, np.full(draws, mean), concentration, **options, rng=rng)
    observed = np.bincount(drawn.astype(int), minlength=trials + 1)

    def p_value(mean):
        expected = draws * density(np.arange(trials + 1), float(trials), mean, concentration, **options)
        kept = expected > 5  # chi-squared wants five in each cell; the rest is one cell
        sums = [np.append(each[kept], each[~kept].sum()) for each in (observed, expected)]
        seen, wanted = (each[: kept.sum() + int(sums[1][-1] > 5)] for each in sums)
        return stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue

    assert p_value(mean) > UNLIKELY > p_value(mean + 0.02)


def test_rows_of_one_concentration_and_trials_may_share_what_they_have_alike(answers):
    data, rng = answers[2], np.random.default_rng(SEED)
    rows = np.arange(data.sizes["observation"])
    count, trials = conditional_counts(data)
    first, kind = row_groups(data, rows)
    given = data.given_index.values >= 0
    assert len(first) == 1 + given.sum()  # those out of other counts are of their own kind
    assert set(kind[~given]) == {kind[~given][0]} and (trials[first][kind] == trials).all()
    mean, concentration = (
        rng.uniform(size=len(rows)),
        rng.uniform(2.0, 90.0, data.sizes["task"])[data.task_index.values],
    )
    numbers = count, trials, mean, concentration
    options = MIXTURES["as in the priors"]
    inputs = pt.vectors("count", "trials", "mean", "concentration")
    shared = observation.log_density_of_counts(*inputs, **options, row_groups=(first, kind))
    found = pytensor.function(inputs, shared, mode=UNCOMPILED)(*numbers)
    np.testing.assert_allclose(found, log_density(**options)(*numbers), rtol=1e-13)


def test_draws_of_a_part_of_an_item_never_exceed_it():
    drawn = draw_counts(2.5, np.full(500, 0.9), 20.0, **MIXTURES["sound"], rng=np.random.default_rng(SEED))
    assert drawn.max() == 2.5 and set(drawn) <= {0.0, 1.0, 2.0, 2.5}


def test_the_node_of_counts_has_the_density_of_its_formula_and_follows_the_switch():
    count, mean = np.array([0.0, 3.0, 9.0]), np.array([0.1, 0.2, 0.3])
    concentration = np.full(3, 50.0)  # a lone 50.0 would be of single precision in a graph
    for gross_error in (True, False):
        with pm.Model(coords={"row": range(3)}) as model:
            observation.counts(
                *("count", mean, concentration, np.full(3, 10.0), count),
                parts=Parts(outliers=gross_error),
                priors=Priors(),
                dims="row",
            )
        found = model.compile_fn(model.logp(), mode=UNCOMPILED)({})
        mixture = MIXTURES["as in the priors" if gross_error else "sound"]
        assert found == pytest.approx(np.log(density(count, 10.0, mean, 50.0, **mixture)).sum(), rel=1e-10)


# counts of the same answers


def test_a_chain_of_counts_given_the_one_before_is_the_multinomial_of_the_histogram(answers):
    """``Mult(h; N, p) = prod_k Bin(n_k; n_{k-1}, P_k / P_{k-1})`` where answers do not scatter beyond chance."""
    chances, histograms, data, mean = answers
    counts, trials = conditional_counts(data)
    among = mean_among(mean, data)
    rows = (data.metric.values[data.task_index.values] != "token_accuracy").reshape(len(histograms), -1)
    log = log_density(**MIXTURES["sound"])(counts, trials, among, np.full(len(counts), ALIKE))
    of_run = np.where(rows, log.reshape(rows.shape), 0.0).sum(axis=1)
    expected = stats.multinomial.logpmf(histograms, ITEMS, chances)
    tolerance = LENGTH * ITEMS**2 / ALIKE + 1e-8 * ITEMS
    np.testing.assert_allclose(of_run, expected, atol=tolerance)
    independent = stats.binom.logpmf(data.successes, data.trials, mean).reshape(rows.shape)
    as_other_answers = np.where(rows, independent, 0.0).sum(axis=1)  # each k
    assert abs(as_other_answers - expected).max() > 1000 * tolerance


def test_rows_of_a_chain_are_counts_among_the_one_before(answers):
    _, histograms, data, _ = answers
    counts, trials = (values.reshape(len(histograms), -1) for values in conditional_counts(data))
    above = histograms[:, ::-1].cumsum(axis=1)[:, ::-1]  # at least 0, 1, ..., 4 right
    np.testing.assert_array_equal(counts[:, :LENGTH], above[:, 1:])
    np.testing.assert_array_equal(trials[:, :LENGTH], above[:, :-1])


def test_tokens_beside_exact_match_are_those_of_the_answers_that_are_not_all_right(answers):
    chances, histograms, data, mean = answers
    counts, trials = (values.reshape(len(histograms), -1)[:, -1] for values in conditional_counts(data))
    some = np.arange(LENGTH) / LENGTH  # share of tokens right of an answer that is not all right
    np.testing.assert_allclose(counts, histograms[:, :-1] @ some)
    np.testing.assert_array_equal(trials, ITEMS - histograms[:, -1])
    found = mean_among(mean, data).reshape(len(histograms), -1)[:, -1]
    np.testing.assert_allclose(found, chances[:, :-1] @ some / chances[:, :-1].sum(axis=1), rtol=1e-9)


def test_shares_among_are_between_zero_and_one_and_take_draws_on_further_axes(answers):
    _, _, data, mean = answers
    draws = np.column_stack([mean, mean**2, np.zeros_like(mean), np.ones_like(mean)])
    found = mean_among(draws, data)
    assert np.all((found >= 0) & (found <= 1))
    for column in range(4):
        np.testing.assert_array_equal(found[:, column], mean_among(draws[:, column], data))


def test_rows_given_no_other_keep_their_mean_and_their_counts(answers):
    *_, data, mean = answers
    alone = data.assign(given_index=("observation", np.full(data.sizes["observation"], -1)))
    np.testing.assert_array_equal(mean_among(mean, alone), mean)
    counts, trials = conditional_counts(alone)
    tokens = data.metric.values[data.task_index.values] == "token_accuracy"
    np.testing.assert_array_equal(counts, data.successes / np.where(tokens, LENGTH, 1))
    np.testing.assert_array_equal(trials, data.trials / np.where(tokens, LENGTH, 1))


# losses


def test_measured_losses_are_student_t_in_the_log():
    observed, scale = np.log([2.0, 3.0, 9.0]), np.array(0.05)
    with pm.Model(coords={"row": range(3)}) as model:
        observation.losses("loss", np.log([2.1, 3.0, 3.0]), scale, observed, priors=Priors(), dims="row")
    freedom = Priors().loss_degrees_of_freedom
    expected = stats.t.logpdf((observed - np.log([2.1, 3.0, 3.0])) / scale, freedom).sum() - 3 * np.log(scale)
    found = model.compile_fn(model.logp(), mode=UNCOMPILED)({})
    assert found == pytest.approx(expected, rel=1e-7)  # PyMC keeps the constant of the degrees of freedom as a single
