"""Averages over structures: weights that the past earns, and one posterior that holds each in its share."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.fitting.average import FEWEST_DRAWS, known_structures, mixed, mixed_diagnostics, samplings
from forecast.fitting.stacking import PSEUDO_TASKS, equal_weights, mixture, stacking_weights
from forecast.posterior.fit import Fit, load, of_structure, save
from models.priors import Priors
from models.structures import STRUCTURES, Parts
from tests.conftest import SEED


def scores_of(task="sums", **log_scores) -> pd.DataFrame:
    """Log scores of the rows of one task, by structure."""
    lines = [
        {"method": name, "task": task, "row": row, "log_score": value}
        for name, values in log_scores.items()
        for row, value in enumerate(values)
    ]
    return pd.DataFrame(lines)


def tasks_of(number, rows=1, **gains) -> pd.DataFrame:
    """So many tasks, each with rows of log score -3 and what a structure gains on it."""
    each = [scores_of(f"t{i}", **{name: [-3.0 + gain] * rows for name, gain in gains.items()}) for i in range(number)]
    return pd.concat(each)


# Weights


def test_weights_maximise_the_stacked_log_score_of_tasks_and_the_pull_to_equal_ones():
    rng = np.random.default_rng(SEED)
    values = {f"t{i}": rng.normal(-3.0, 1.5, (2, 1 + i % 4)) for i in range(9)}
    found = stacking_weights(pd.concat([scores_of(name, a=each[0], b=each[1]) for name, each in values.items()]))
    weight = np.linspace(1e-4, 1 - 1e-4, 9999)
    goal = PSEUDO_TASKS / 2 * (np.log(weight) + np.log1p(-weight))
    for ours, theirs in values.values():
        goal += np.log(weight[:, None] * np.exp(ours) + (1 - weight[:, None]) * np.exp(theirs)).mean(axis=1)
    assert found["a"] == pytest.approx(weight[goal.argmax()], abs=5e-4)


def test_a_structure_that_forecast_clearly_better_has_most_of_the_weight():
    found = stacking_weights(tasks_of(40, plain=0.0, better=2.0, worse=-2.0))
    assert found["better"] > 0.8 and found["better"] > 5 * max(found["plain"], found["worse"])
    assert min(found.values()) > 0


def test_structures_that_forecast_alike_share_the_weight():
    found = stacking_weights(tasks_of(40, rows=3, a=0.5, b=0.5, c=0.5))
    assert list(found.values()) == pytest.approx([1 / 3] * 3, abs=2e-3)


def test_few_tasks_are_drawn_to_equal_weights_and_many_are_not():
    lead = [stacking_weights(tasks_of(number, a=1.0, b=0.0))["a"] for number in (1, 4, 16, 64)]
    assert lead == sorted(lead) and 0.6 < lead[0] < 0.7 and lead[-1] > 0.9
    # A task where b is impossible is worth a whole success: (tasks + 1/2) / (tasks + 1) for a
    assert stacking_weights(tasks_of(6, a=0.0, b=-1e3))["a"] == pytest.approx(6.5 / 7, abs=1e-3)


def test_structures_that_are_right_about_different_tasks_share_the_weight():
    both = pd.concat([scores_of("easy", a=[-1.0], b=[-9.0]), scores_of("hard", a=[-9.0], b=[-1.0])])
    assert stacking_weights(both)["a"] == pytest.approx(0.5, abs=1e-3)


def test_a_task_counts_once_however_many_runs_it_has():
    once = pd.concat([scores_of("few", a=[-1.0], b=[-4.0]), scores_of("many", a=[-4.0], b=[-1.0])])
    often = pd.concat([scores_of("few", a=[-1.0], b=[-4.0]), scores_of("many", a=[-4.0] * 30, b=[-1.0] * 30)])
    assert stacking_weights(often) == pytest.approx(stacking_weights(once), abs=1e-3)


def test_rows_of_several_cuts_are_told_apart_and_their_tasks_count_once():
    one = tasks_of(8, a=1.0, b=0.0)
    two = pd.concat([one.assign(cut="early"), one.assign(cut="late")])
    assert stacking_weights(two) == pytest.approx(stacking_weights(one), abs=1e-3)
    apart = pd.concat([one.assign(cut="early"), tasks_of(8, a=-1.0, b=0.0).assign(cut="late")])
    assert stacking_weights(apart)["a"] < stacking_weights(one)["a"] - 0.1  # b was better late


def test_weights_are_shares_of_one_whatever_the_order_of_lines():
    rng = np.random.default_rng(SEED)
    scores = pd.concat([scores_of(f"t{i}", **{name: rng.normal(size=3) for name in "abcd"}) for i in range(5)])
    found = stacking_weights(scores)
    assert sum(found.values()) == pytest.approx(1.0, abs=3e-4) and min(found.values()) > 0  # rounded to 4 digits
    assert stacking_weights(scores.sample(frac=1, random_state=1)) == pytest.approx(found, abs=1e-3)


def test_without_a_past_weights_are_equal():
    assert equal_weights(["a", "b", "c", "d"]) == dict.fromkeys("abcd", 0.25)


@pytest.mark.parametrize(
    ("asked", "said"), [(["full", "fancy"], "'fancy'"), (["full+fancy"], "'full+fancy'"), ([], "none")]
)
def test_an_unknown_structure_and_none_at_all_are_refused_with_the_known_ones(asked, said):
    with pytest.raises(ForecastError) as caught:
        known_structures(asked)
    assert f"asked for: {said};" in str(caught.value) and all(f"'{name}'" in str(caught.value) for name in STRUCTURES)


def test_known_structures_keep_their_order_and_come_once():
    first, second, *_ = STRUCTURES
    assert known_structures([second, first, second]) == (second, first)
    assert known_structures([f"{first}+{second}"]) == (f"{first}+{second}",)


# How much of each


def test_structures_are_sampled_by_weight_and_none_too_shortly_to_be_judged():
    sampling = Sampling(seed=7, draws=2000, chains=3)
    found = samplings(sampling, {"full": 0.6, "logistic": 0.39, "ceiling 1": 0.01})
    assert found == [replace(sampling, draws=draws) for draws in (1200, 780, FEWEST_DRAWS)]
    assert samplings(Sampling(), {"full": 0.5, "logistic": 0.5}) == [Sampling()] * 2  # each until it can be trusted
    assert samplings(replace(sampling, draws=80), {"full": 1.0}) == [replace(sampling, draws=80)]  # as one asked for


@pytest.mark.parametrize(
    ("weights", "counts"), [((0.5, 0.3, 0.2), (500, 300, 200)), ((0.9999, 0.0001, 0.0), (1000, 1, 0))]
)
def test_members_of_a_mixture_give_draws_in_proportion_and_at_least_one(weights, counts):
    chosen = mixture([1000, 1000, 400], weights, 1000)
    assert tuple(map(len, chosen)) == counts
    assert all(((places >= 0) & (places < size)).all() for places, size in zip(chosen, (1000, 1000, 400), strict=True))


@pytest.mark.parametrize(("size", "count"), [(1000, 250), (1000, 300), (1000, 999), (7, 7), (500, 3)])
def test_draws_of_a_mixture_are_evenly_spaced_the_same_each_time_and_none_comes_twice(size, count):
    (places,) = mixture([size], [1.0], count)
    assert len(np.unique(places)) == count and np.ptp(np.diff(places)) <= 1
    assert abs((places[0] + places[-1]) / 2 - (size - 1) / 2) <= 1  # as far from either end
    np.testing.assert_array_equal(places, mixture([size], [1.0], count)[0])


# One posterior

GOOD = Diagnostics(max_rhat=1.01, min_ess_bulk=800, min_ess_tail=600, divergences=1, total_draws=2000, worst=("a",))
POOR = Diagnostics(max_rhat=1.2, min_ess_bulk=90, min_ess_tail=50, divergences=4, total_draws=1000, worst=("b",))


def fit_of(name, *, draws, level=0.0, diagnostics=GOOD) -> Fit:
    """Two chains whose draws say which structure, chain and draw they are: level + chain / 10 + draw / 1e5."""
    values = level + np.arange(2)[:, None] / 10 + np.arange(draws) / 1e5
    posterior = xr.Dataset({"theta": (("chain", "draw", "run"), values[..., None] + [0.0, 0.5])})
    posterior = posterior.assign_coords(chain=[0, 1], draw=np.arange(draws), run=["run é", "run 2"])
    facts = {"parts": Parts(), "priors": Priors(), "sampling": Sampling(), "table": "t.csv", "below": None}
    data = xr.Dataset({"score": ("run", [0.1, 0.2])}, attrs={"data_hash": "0"})
    options = {"data": data, "diagnostics": diagnostics, "versions": {}, "weights": {name: 1.0}}
    return Fit(posterior=posterior, **facts, **options)


WEIGHTS = {"full": 0.6, "logistic": 0.3, "one power law": 0.1, "ceiling 1": 0.0}
LEVELS = dict(zip(WEIGHTS, (0.0, 1.0, 2.0, 3.0), strict=True))
FITS = [
    fit_of(name, draws=draws, level=LEVELS[name]) for name, draws in zip(WEIGHTS, (600, 400, 200, 200), strict=True)
]


@pytest.fixture(scope="module")
def averaged() -> Fit:
    return mixed(FITS, WEIGHTS)


def test_an_average_holds_draws_of_each_structure_in_proportion_with_whose_they_are(averaged):
    names = pd.Series(averaged.posterior.structure.values)
    assert names.value_counts().to_dict() == {"full": 600, "logistic": 300, "one power law": 100}
    assert averaged.posterior.theta.dims == ("chain", "draw", "run") and averaged.weights == WEIGHTS
    np.testing.assert_array_equal(averaged.posterior.draw, np.arange(1000))
    whose = np.floor(averaged.posterior.theta.isel(run=0).values)
    np.testing.assert_array_equal(whose, np.tile(names.map(LEVELS), (2, 1)))


def test_the_mean_of_an_average_is_the_weighted_mean_of_its_members(averaged):
    expected = sum(WEIGHTS[name] * float(fit.posterior.theta.mean()) for name, fit in zip(WEIGHTS, FITS, strict=True))
    assert float(averaged.posterior.theta.mean()) == pytest.approx(expected, abs=1e-4)


def test_the_member_with_fewest_draws_for_its_weight_says_how_many_all_give():
    short = mixed([fit_of("full", draws=600), fit_of("logistic", draws=100)], {"full": 0.5, "logistic": 0.5})
    assert pd.Series(short.posterior.structure.values).value_counts().to_dict() == {"full": 100, "logistic": 100}


def test_the_parts_of_an_average_are_draws_of_its_members_as_they_were(averaged):
    for fit in FITS[:2]:
        (name,) = fit.weights
        part = of_structure(averaged, name)
        assert part.weights == {name: 1.0} and set(part.posterior.structure.values) == {name}
        assert np.isin(part.posterior.theta.values, fit.posterior.theta.values).all()
    whole = of_structure(averaged, "full").posterior.drop_vars("structure")
    xr.testing.assert_equal(whole.theta.drop_vars("draw"), FITS[0].posterior.theta.drop_vars("draw"))
    assert of_structure(averaged, "ceiling 1").posterior.sizes["draw"] == 0
    assert of_structure(FITS[1], "logistic") is FITS[1]
    with pytest.raises(ForecastError, match="'fancy' is not a structure of this fit; use one of: full, logistic"):
        of_structure(averaged, "fancy")


def test_an_average_that_was_saved_is_loaded_with_weights_and_with_whose_each_draw_is(answer_fitted, tmp_path):
    weights = {"full": 0.6, "ceiling 1": 0.4}
    averaged = mixed([replace(answer_fitted, weights={name: 1.0}) for name in weights], weights)
    save(averaged, tmp_path / "fit.nc")
    loaded = load(tmp_path / "fit.nc")
    assert loaded.weights == weights and loaded.diagnostics == averaged.diagnostics
    xr.testing.assert_equal(loaded.posterior, averaged.posterior)
    xr.testing.assert_equal(of_structure(loaded, "full").posterior, of_structure(averaged, "full").posterior)


def test_diagnostics_of_an_average_are_those_of_a_mean_of_independent_parts():
    found = mixed_diagnostics([GOOD, POOR], [0.8, 0.2])
    assert found.min_ess_bulk == pytest.approx(1 / (0.64 / 800 + 0.04 / 90))
    assert found.min_ess_tail == pytest.approx(1 / (0.64 / 600 + 0.04 / 50))
    assert found.max_rhat**2 - 1 == pytest.approx(0.64 * (1.01**2 - 1) + 0.04 * (1.2**2 - 1))
    assert (found.divergences, found.total_draws) == (5, 3000)
    assert mixed_diagnostics([GOOD], [1.0]) == replace(GOOD, max_rhat=pytest.approx(1.01))


def test_the_worst_parameter_of_an_average_is_that_of_the_part_that_adds_most_error():
    assert mixed_diagnostics([GOOD, POOR], [0.5, 0.5]).worst == ("b",)
    assert mixed_diagnostics([GOOD, POOR], [0.95, 0.05]).worst == ("a",)


def test_equal_parts_sampled_apart_know_their_mean_as_well_as_all_draws_together():
    found = mixed_diagnostics([GOOD] * 4, [0.25] * 4)
    assert (found.min_ess_bulk, found.min_ess_tail) == (pytest.approx(3200), pytest.approx(2400))
