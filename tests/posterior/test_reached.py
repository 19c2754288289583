"""Whose curve a threshold is of, and runs of the table that reached the score with less."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.draws import Diagnostics
from forecast.posterior.fit import save
from forecast.posterior.reached import already, family_in_words, reached, reached_with_less
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.questions.design.answer import design
from forecast.questions.design.interval import Simulation
from forecast.questions.howmuch.answer import FixedSizes, howmuch
from forecast.table.dataset import read_table
from tests.conftest import SEED, forecast_command, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "params", "tokens", "family", "date")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
FAMILIES = ("old", "new")


def rows():
    """Two families of eight runs; those of the new one reach a half, of every size."""
    for run in range(16):
        new, size = run % 2, 10 ** (8.0 + 0.15 * (run // 2))
        yield {
            **{"model": f"{FAMILIES[new]} {run // 2}", "task": "sums", "metric": "exact_match", "trials": 200},
            **{"score": 0.5 + 0.05 * (run // 2) if new else 0.02 * run, "family": FAMILIES[new]},
            **{"params": f"{size:.6g}", "tokens": f"{(20 + 30 * (run % 3)) * size:.6g}"},
            **{"date": "2022-01-01" if not new else "2024-01-01"},
        }


@pytest.fixture(scope="module")
def fit(prior_fit, tmp_path_factory):
    table = write_rows(tmp_path_factory.mktemp("families") / "table.csv", list(rows()), header=HEADER)
    return replace(prior_fit(read_table(table), draws=600), diagnostics=SOUND)


@pytest.fixture(scope="module")
def path(fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    save(fit, path)
    return path


@pytest.mark.parametrize("family", [None, *FAMILIES])
@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_threshold_design_and_howmuch_give_one_interval_for_one_threshold(fit, at, family):
    """Of all draws, also where a simulation takes fewer and where some draws never reach the score."""
    simulation = Simulation(seed=SEED, outcomes=3, draws=100)
    told = threshold(fit, "sums", at, family=family)
    planned = design(fit, "sums", at, family=family, items=10, simulation=simulation)
    sized = howmuch(fit, "sums", at, family=family)
    draws = threshold_draws(fit, "sums", at, family=family).values.ravel()
    for name, share in {"q05": 0.05, "q50": 0.5, "q95": 0.95}.items():
        (one,) = {
            float(q[name])
            for q in (told["log10_compute"], planned["log10_compute"], sized["compute_optimal"]["log10_compute"])
        }
        assert one == np.quantile(draws, share, method="inverted_cdf")
    assert told["p_never"] == planned["p_never"] == sized["p_never"] > 0
    assert planned["draws"] < draws.size


def test_the_runs_that_reached_a_score_are_those_of_the_table_smallest_first(fit):
    found = reached(fit, "sums", 0.6)
    assert sorted(found["model"]) == [f"new {i}" for i in range(2, 8)] and (found["score"] >= 0.6).all()
    assert (np.diff(found["log10_compute"]) >= 0).all()
    np.testing.assert_allclose(6 * found["params"] * found["tokens"], 10 ** found["log10_compute"], rtol=1e-6)
    assert reached(fit, "sums", 0.6, "old").empty and reached(fit, "sums", 0.95).empty


def test_with_less_is_below_the_median_threshold(fit):
    median = float(np.quantile(threshold_draws(fit, "sums", 0.5).values, 0.5, method="inverted_cdf"))
    less = reached_with_less(fit, "sums", 0.5, median=median)
    everything = reached(fit, "sums", 0.5)
    assert less["model"].tolist() == everything["model"][everything["log10_compute"] < median].tolist()
    three = everything["log10_compute"].iloc[2] + 1e-6
    assert len(reached_with_less(fit, "sums", 0.5, median=three)) == 3
    assert len(reached_with_less(fit, "sums", 0.5, median=np.inf)) == len(everything) == 8


def test_an_answer_says_whose_recipe_it_is_of_where_there_are_several(fit):
    typical, own = (threshold(fit, "sums", 0.5, family=family) for family in (None, "new"))
    assert (family_in_words(typical), family_in_words(own)) == ("typical of 2 families", "family 'new'")
    assert family_in_words({**typical, "families": 1}) == "" and family_in_words({"at": 0.5}) == ""
    assert {each["family"] for each in typical["reached_with_less"]} <= set(FAMILIES)


def test_at_most_three_runs_are_named():
    runs = [{"model": name} for name in "abcdef"]
    assert already(runs, less="earlier") == "runs that reached it earlier: a, b, c and 3 more"
    assert already(runs[:2], less="with less compute") == "runs that reached it with less compute: a, b"
    assert already([], less="earlier") == ""


def test_runs_within_a_given_size_that_took_less_of_the_other_are_named(fit):
    given = FixedSizes(params=10**8.31, tokens=5e9)
    answer = howmuch(fit, "sums", 0.5, given=given)
    everything = reached(fit, "sums", 0.5)
    for fixed, size, other in (("params", given.params, "tokens"), ("tokens", given.tokens, "params")):
        run = answer[f"fixed_{fixed}"]
        needed = 10 ** float(run[f"log10_{other}"]["q50"])
        own = everything[(everything[fixed] <= size) & (everything[other] < needed)]
        assert [each["model"] for each in run["reached_with_less"]] == own["model"].tolist()
    never = howmuch(fit, "sums", 0.5, given=FixedSizes(params=1.0))["fixed_params"]
    assert never["reached_with_less"] == []
    exact = howmuch(fit, "sums", 0.5, given=FixedSizes(params=float(f"{10**8.3:.6g}")))["fixed_params"]
    assert float(exact["log10_tokens"]["q50"]) > 9.8 and len(exact["reached_with_less"]) == 3  # that size is within


@pytest.mark.parametrize("command", ["threshold", "howmuch", "design"])
def test_each_command_says_the_recipe_and_how_to_ask_about_one(command, path):
    asked = (command, path, "--task", "sums", "--at", 0.55)
    typical, own = forecast_command(*asked), forecast_command(*asked, "--family", "new")
    assert typical.code == own.code == 0
    assert "typical of 2 families" in typical.out and "--family NAME asks about one" in typical.out
    assert "family 'new'" in own.out and "typical of" not in own.out and "--family" not in own.out
    less = forecast_command(*asked, "--json").json["reached_with_less"]
    assert bool(less) == ("runs that reached it with less compute: " in typical.out)
    for run in less[:3]:
        assert run["model"] in typical.out
