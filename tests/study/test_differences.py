"""Differences of two results: of draws of one distribution there are none, of others they are found and named."""

import json

import numpy as np
import pytest

from forecast.draws import QUANTILES, quantiles
from forecast.study.differences import ERRORS, differences, effective_draws, errors_apart, place_of
from tests.benchmarks.studies import names, result_of
from tests.conftest import SEED

DRAWS, TIMES = 1000, 200
RNG = np.random.default_rng(SEED)
DISTRIBUTIONS = {
    "normal": lambda size: RNG.normal(size=size),
    "with heavy tails": lambda size: RNG.standard_t(3, size),
    "skew": lambda size: np.exp(RNG.normal(size=size)),
    "now and then endless": lambda size: np.where(RNG.random(size) < 0.06, np.inf, RNG.normal(size=size)),
}


def changed(result, *path, to):
    """A copy of a result with one value changed."""
    found = json.loads(json.dumps(result))
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return found


def apart(draw, scale=1.0, shift=0.0):
    """How often draws of a distribution, and others of it scaled and shifted, are more than Monte Carlo error apart."""
    pairs = [(draw(DRAWS), shift + scale * draw(DRAWS)) for _ in range(TIMES)]
    found = (quantiles(one, QUANTILES) | {"other": quantiles(two, QUANTILES)} for one, two in pairs)
    errors = [errors_apart(each, each["other"], ess=DRAWS, may_be_endless=True) for each in found]
    return np.mean(np.array(errors) > ERRORS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_of_one_distribution_are_never_too_far_apart_and_others_always_are(name):
    draw = DISTRIBUTIONS[name]
    assert apart(draw) == 0
    assert apart(draw, scale=2.0) == apart(draw, shift=1.0) == 1


def test_quantiles_that_are_equal_to_one_another_are_no_difference():
    day = dict.fromkeys(["q05", "q10", "q25", "q50", "q75"], "2026-01-01") | {"q90": "2026-01-02", "q95": "2026-01-02"}
    later = day | {"q90": "2026-01-01"}
    assert errors_apart(day, later, ess=DRAWS) == errors_apart(day, day, ess=DRAWS) == 0


def test_an_end_that_one_lacks_is_a_difference_where_nothing_else_tells_how_often():
    ends = {"q05": 1.0, "q50": 2.0, "q95": 3.0}
    assert errors_apart(ends, ends | {"q95": "inf"}, ess=DRAWS) == np.inf
    assert errors_apart(ends, ends | {"q95": "inf"}, ess=DRAWS, may_be_endless=True) == 0


@pytest.mark.parametrize(
    ("value", "place"),
    [(1.5, 1.5), ("inf", np.inf), ("-inf", -np.inf), ("after 9999", np.inf), ("before 0001", -np.inf)],
)
def test_numbers_and_dates_are_places(value, place):
    assert place_of(value) == place


def test_dates_are_places_in_years():
    assert place_of("2024-07-01") == pytest.approx(2024.5, abs=0.01)
    assert place_of("2024-12-31") < place_of("2025-01-01")


@pytest.mark.parametrize("name", names())
def test_a_result_equals_itself(name):
    result = result_of(name)
    assert differences(result, result) == []
    assert effective_draws(result) >= 100


THRESHOLD = ("fits", 0, "thresholds", 0)


@pytest.mark.parametrize(
    ("path", "change", "where"),
    [
        (("fits", 0, "methods", 0, "crps"), lambda value: value + 0.1, "capability model: CRPS"),
        ((*THRESHOLD, "log10_compute", "q50"), lambda value: value + 1, "log10_compute"),
        ((*THRESHOLD, "log10_compute", "q50"), lambda value: None, "log10_compute"),
        ((*THRESHOLD, "log10_compute"), lambda value: None, "log10_compute: there before, missing now"),
        ((*THRESHOLD, "p_never"), lambda value: 0.5, "p_never"),
        ((*THRESHOLD, "p_never"), lambda value: None, "p_never"),
        ((*THRESHOLD, "p_crossed_by"), lambda rungs: [each | {"p": 1 - each["p"]} for each in rungs], "p_crossed_by"),
        ((*THRESHOLD, "task"), lambda value: "another", "another"),
        (("fits", 0, "thresholds"), lambda value: value[1:], "there before, missing now"),
        (("fits", 0, "fit"), lambda value: "fit_below_1e30.nc", "fit_below_1e30.nc"),
        (("fits",), lambda value: value[:1], "there before, missing now"),
    ],
)
def test_a_result_of_which_one_thing_changed_differs_there(path, change, where):
    result = result_of("gpt3_arithmetic")
    value = result
    for key in path:
        value = value[key]
    found = differences(result, changed(result, *path, to=change(value)))
    assert found and any(where in str(each) for each in found)


def test_of_dates_the_scenarios_are_compared_too():
    result = result_of("open_models")
    median = ("when", 0, "scenarios", 0, "events", "typical", "date")
    late = dict.fromkeys(("q05", "q10", "q25", "q50", "q75", "q90", "q95"), "2060-01-01")
    (found,) = differences(result, changed(result, *median, to=late))
    assert "typical, date" in found.where and found.errors > ERRORS
