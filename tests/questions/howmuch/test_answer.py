"""How much a capability takes: draws, answers, command and figure, on posteriors written down or drawn from priors."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from forecast.cli.questions.howmuch import print_answer
from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit, simulate
from forecast.posterior.compute import effective_compute
from forecast.posterior.fit import save
from forecast.posterior.reached import measured_runs
from forecast.posterior.score import expected_score
from forecast.posterior.threshold import threshold_draws
from forecast.questions.howmuch.answer import FixedSizes, howmuch
from forecast.questions.howmuch.figure import in_reach, plot_iso_capability
from forecast.questions.howmuch.sizes import cheapest_run, known_sizes, optimal_run, params_of, tokens_of
from forecast.table.dataset import observations, read_rows, read_table
from models.capability import capability_model
from models.equations.compute import split_deficit
from models.facts.placing import reference_compute, with_constants
from models.priors import Priors
from models.structures import Parts
from tests.conftest import ANSWER_COLUMNS, SEED, forecast_command, write_rows

KEYS = [
    *("task", "metric", "at", "event", "family", "split", "split_note", "seed", "compute_optimal", "curve"),
    *("fixed_params", "fixed_tokens", "limited_data", "p_never", "diagnostics"),
    *("families", "reached_with_less", "data_log10_compute", "data_log10_params", "data_log10_tokens", "direction"),
]
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
SIZES = ("log10_params", "log10_tokens")
RATIOS = (-0.6, 0.4, 0.0, 0.8)  # decades of tokens per parameter beside 20 of the runs in turn
GIVEN = FixedSizes(params=1e10, tokens=1e11, unique_tokens=2e10)


def rows(*, sizes=True, runs=16):
    """Runs of two families over 3 decades, parameters and tokens varied, on two tasks and a validation loss."""
    for run in range(runs):
        half = 0.5 * (20.0 + 0.2 * run - np.log10(6.0))
        ratio = np.log10(20.0) + RATIOS[run % 4]
        params, tokens = 10 ** (half - 0.5 * ratio), 10 ** (half + 0.5 * ratio)
        cells = {"params": f"{params:.6g}", "tokens": f"{tokens:.6g}"} if sizes else {}
        cells |= {"model": f"run {run}", "compute": f"{6 * params * tokens:.6g}", "family": "ab"[run // 2 % 2]}
        for task in ("sums", "words"):
            yield cells | {"task": task, "metric": "exact_match", "successes": min(20 + 60 * run, 950), "trials": 1000}
        yield cells | {"task": "validation", "metric": "loss", "score": 3.5 - 0.1 * run}


def table_of(folder, **options):
    header = ("params", "tokens", *ANSWER_COLUMNS)
    return write_rows(folder / "table.csv", list(rows(**options)), header=header)


@pytest.fixture(scope="module")
def learned(prior_fit, tmp_path_factory):
    """Draws of the prior: splits, recipes and ceilings differ from draw to draw, and some never reach a score."""
    fit = prior_fit(read_table(table_of(tmp_path_factory.mktemp("learned"))), draws=300)
    return replace(fit, diagnostics=SOUND)


@pytest.fixture(scope="module")
def unsplit(prior_fit, tmp_path_factory):
    fit = prior_fit(read_table(table_of(tmp_path_factory.mktemp("unsplit"), sizes=False)), draws=300)
    return replace(fit, diagnostics=SOUND)


# draws


@pytest.mark.parametrize("family", [None, "a"])
@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.7])
def test_a_run_of_the_curve_is_expected_to_score_the_threshold(learned, shift, family):
    """The whole chain forwards: sizes, deficit of the split, recipe, law, score."""
    from forecast.posterior.recipes.ahead import family_deviation, family_shift

    optimal = optimal_run(learned, "sums", 0.5, family=family)
    params = optimal.log10_params + shift
    tokens = tokens_of(optimal, params)
    law, finite = learned.posterior, np.isfinite(params) & np.isfinite(tokens)
    params, tokens = params.where(finite, 9.0), tokens.where(finite, 10.0)
    exponents = {name: law[name] for name in ("params_exponent", "tokens_exponent")}
    lost = split_deficit(
        params, tokens, **exponents, log10_ratio=law.log10_optimal_ratio, reference=reference_compute(learned.data)
    )
    own = lost.where(finite, drop=True)
    assert np.nanmax(abs(own)) < 1e-9 if shift == 0 else np.nanmedian(own) < -0.01
    x = np.log10(6.0) + params + tokens + lost
    theta = effective_compute(learned, x, family=family, shift=family_shift(learned, family, None))
    score = expected_score(learned, "sums", theta + family_deviation(learned, "sums", family))
    assert finite.sum() > 60
    np.testing.assert_allclose(score.values[finite.values], 0.5, rtol=1e-6)


def test_draws_that_never_reach_the_score_are_infinite_in_every_answer(learned):
    optimal = optimal_run(learned, "sums", 0.8)
    never = threshold_draws(learned, "sums", 0.8) == np.inf
    assert 0.05 < float(never.mean()) < 0.95
    found = [optimal.log10_params, optimal.log10_tokens, tokens_of(optimal, 11.0), params_of(optimal, 12.0)]
    for draws in (*found, *cheapest_run(optimal, 10.5)):
        assert not np.isnan(draws).any() and draws.dims == ("chain", "draw")
        assert np.all(draws.where(never, np.inf) == np.inf)
    for draws in found[:2]:
        np.testing.assert_array_equal(draws == np.inf, never)


def test_a_score_that_guessing_reaches_takes_nothing(learned):
    law = learned.posterior
    ends = {name: xr.full_like(law[name], value) for name, value in {"floor": 0.6, "ceiling": 0.9}.items()}
    guessed = replace(learned, posterior=law.assign(ends))
    answer = howmuch(guessed, "sums", 0.5, given=GIVEN)
    assert set(answer["compute_optimal"]["log10_params"].values()) == {"-inf"}
    assert set(answer["fixed_params"]["log10_tokens"].values()) == {"-inf"}
    assert set(answer["limited_data"]["cheapest"]["epochs"].values()) == {0.0}
    assert set(answer["fixed_tokens"]["log10_compute_ratio"].values()) == {0.0}
    assert answer["curve"] and answer["p_never"] == 0


# answers


def test_the_answer_has_exactly_these_keys_and_is_json(learned):
    answer = howmuch(learned, "sums", 0.5, given=GIVEN)
    assert list(answer) == KEYS and answer["split"] == "learned"
    json.dumps(answer, allow_nan=False)
    optimal = answer["compute_optimal"]
    assert list(optimal) == ["log10_compute", "log10_params", "log10_tokens"]
    assert [list(q) for q in optimal.values()] == [["q05", "q10", "q25", "q50", "q75", "q90", "q95"]] * 3
    for point in answer["curve"]:
        assert list(point) == ["log10_params", "log10_tokens", "p_never"]
        assert list(point["log10_tokens"]) == ["q05", "q25", "q50", "q75", "q95"]
    assert answer["fixed_params"]["log10_params"] == 10.0 and answer["fixed_tokens"]["log10_tokens"] == 11.0
    limited = answer["limited_data"]
    assert list(limited) == [
        *("log10_unique_tokens", "log10_most_effective_tokens", "repeats_decay"),
        *("cheapest", "fixed_params", "fixed_tokens"),
    ]
    assert limited["fixed_tokens"]["epochs"] == pytest.approx(5.0)
    nothing = howmuch(learned, "sums", 0.5)
    assert [nothing[name] for name in ("fixed_params", "fixed_tokens", "limited_data")] == [None] * 3


def test_the_curve_falls_and_bands_are_ordered(learned):
    curve = howmuch(learned, "sums", 0.5, given=GIVEN)["curve"]
    tokens = np.array([[float(q) for q in point["log10_tokens"].values()] for point in curve])
    finite = np.isfinite(tokens)
    falls = [np.diff(column[seen]) <= 1e-12 for column, seen in zip(tokens.T, finite.T, strict=True)]
    assert all(each.all() for each in falls) and finite.any()
    assert all(list(point) == sorted(point) for point in tokens.tolist())
    never = [point["p_never"] for point in curve]
    assert never == sorted(never, reverse=True) and never[-1] >= howmuch(learned, "sums", 0.5)["p_never"]


def test_other_sizes_cost_more_than_the_optimal_run_and_limited_data_more_still(learned):
    answer = howmuch(learned, "sums", 0.5, given=GIVEN)
    limited = answer["limited_data"]
    for name in ("fixed_params", "fixed_tokens"):
        free, bound = answer[name]["log10_compute_ratio"], limited[name]["log10_compute_ratio"]
        assert all(float(value) >= -1e-9 for value in free.values())
        assert all(float(bound[q]) >= float(free[q]) - 1e-9 for q in free)
        assert limited[name]["p_never"] >= answer[name]["p_never"] >= answer["p_never"]
        cheapest = limited["cheapest"]["log10_compute"]
        assert all(float(cheapest[q]) <= float(limited[name]["log10_compute"][q]) + 1e-9 for q in cheapest)
    assert limited["cheapest"]["p_never"] >= answer["p_never"]


def test_unique_tokens_that_suffice_leave_the_answers_as_they_are(learned):
    answer = howmuch(learned, "sums", 0.3, given=replace(GIVEN, unique_tokens=1e30))
    limited = answer["limited_data"]
    for name in ("fixed_params", "fixed_tokens"):
        for q in ("q05", "q50", "q95"):
            of_both = [float(each[name]["log10_compute"][q]) for each in (answer, limited)]
            assert of_both[0] == pytest.approx(of_both[1], abs=1e-9)
    for size in ("log10_params", "log10_tokens"):
        median = float(answer["compute_optimal"][size]["q50"])
        assert float(limited["cheapest"][size]["q50"]) == pytest.approx(median, abs=1e-9)


def test_a_size_that_is_not_optimal_is_over_trained_or_under_trained(learned):
    answer = howmuch(learned, "sums", 0.5, given=FixedSizes(params=10.0, tokens=10.0))
    finite = 1 - np.isinf(optimal_run(learned, "sums", 0.5).log10_params).mean()
    assert answer["fixed_params"]["p_overtrained"] > 0.9
    assert answer["fixed_tokens"]["p_overtrained"] < 0.1 and finite > 0.5


def test_the_measured_runs_are_those_of_the_task_and_say_whether_they_reached_it(learned):
    found = measured_runs(learned, "sums", 0.5)
    assert len(found) == 16 and found["reached"].tolist() == [min(20 + 60 * run, 950) >= 500 for run in range(16)]
    assert found["log10_params"].iloc[0] < found["log10_params"].iloc[-1]
    assert measured_runs(learned, "validation", 3.0)["reached"].sum() == 11  # losses are reached from above


@pytest.mark.parametrize("size", [0.0, -1.0, 0.5, np.inf, np.nan])
@pytest.mark.parametrize("name", ["params", "tokens", "unique_tokens"])
def test_a_size_that_is_none_is_refused_with_the_option_and_an_example(name, size):
    with pytest.raises(ForecastError, match=rf"--{name.replace('_', '-')} must be a number of at least 1.*7e9"):
        FixedSizes(**{name: size})


# where the table cannot tell


def test_without_sizes_the_split_is_the_published_one_drawn_with_the_seed_and_the_answer_says_so(unsplit):
    answer, again, other = (howmuch(unsplit, "sums", 0.5, seed=seed) for seed in (1, 1, 2))
    assert answer["split"] == "prior" and "Besiroglu" in answer["split_note"] and answer["seed"] == 1
    assert answer == again and answer["compute_optimal"] != other["compute_optimal"]
    assert answer["compute_optimal"]["log10_compute"] == other["compute_optimal"]["log10_compute"]
    draws = optimal_run(unsplit, "sums", 0.5)
    log = np.log(draws.params_exponent.values)
    assert abs(log.mean() - np.log(0.35)) < 4 * 0.3 / np.sqrt(log.size) and 0.25 < log.std() < 0.35
    assert not np.array_equal(draws.params_exponent, draws.tokens_exponent)


def test_at_the_reference_compute_the_published_ratio_is_twenty_tokens_a_parameter(unsplit):
    many = xr.concat([unsplit.posterior] * 40, dim="draw")
    optimal = optimal_run(replace(unsplit, posterior=many), "sums", 0.5)
    away = optimal.log10_compute - reference_compute(unsplit.data)
    near = np.isfinite(away) & (abs(away) < 0.3)
    ratio = (optimal.log10_tokens - optimal.log10_params).values[near.values]
    assert len(ratio) > 400
    assert abs(np.median(ratio) - np.log10(20)) < 4 * 1.25 * ratio.std() / np.sqrt(len(ratio)) + 0.05


# command and figure


@pytest.fixture(scope="module")
def fit_path(learned, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    save(learned, path)
    return path


ASKED = ("--task", "sums", "--at", "0.5", "--params", "1e10", "--tokens", "1e11", "--unique-tokens", "2e10")


def test_the_command_answers_as_the_function_does_and_draws_the_figure(fit_path, learned, tmp_path):
    done = forecast_command("howmuch", fit_path, *ASKED, "-o", tmp_path / "figure.png", "--json")
    assert done.code == 0 and done.err == "" and done.json == howmuch(learned, "sums", 0.5, given=GIVEN)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]


def test_in_plain_words_each_question_has_its_sizes_and_its_cost(fit_path):
    done = forecast_command("howmuch", fit_path, *ASKED)
    assert done.code == 0
    for text in ("compute-optimal", "with 1.0e10 parameters", "with 1.0e11 tokens", "cheapest on 2.0e10 unique tokens"):
        assert text in done.out
    assert done.out.count("epochs") == 2 and done.out.count("times the FLOP") == 5 and "learned" in done.out


def test_a_fit_not_to_be_trusted_answers_with_exit_code_3(learned, tmp_path):
    save(replace(learned, diagnostics=replace(SOUND, max_rhat=1.2)), tmp_path / "fit.nc")
    done = forecast_command("howmuch", tmp_path / "fit.nc", "--task", "sums", "--at", "0.5", "--json")
    assert done.code == 3 and done.json["task"] == "sums" and done.err.startswith("not trustworthy: ")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("-o", "figure.doc"), ".png"),
        (("--params", "0"), "--params must be"),
        (("--params", "7"), "--params 7: is too small for a number of parameters; write 7e9"),
        (("--tokens", "2"), "--tokens 2: is too small for a number of training tokens; multiply by 1e12"),
        (("--unique-tokens", "1e18"), "--unique-tokens 1e18: is too large for a number of training tokens; give"),
        (("--task", "sum"), "is not a task"),
        (("--at", "50"), "between 0 and 1"),
        (("--family", "c"), "is not a family"),
    ],
)
def test_known_errors_are_one_line(fit_path, changed, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = forecast_command("howmuch", fit_path, "--task", "sums", "--at", "0.5", *changed)
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1 and said in done.err


@pytest.mark.parametrize(
    ("option", "typed", "plain"),
    [("--params", "70B", "7e10"), ("--params", "1.5 million", "1.5e6"), ("--tokens", "1.4T", "1.4e12")],
)
def test_sizes_are_read_as_in_a_table(fit_path, option, typed, plain):
    asked = ("howmuch", fit_path, "--task", "sums", "--at", "0.5", "--json")
    assert forecast_command(*asked, option, typed).json == forecast_command(*asked, option, plain).json


def test_what_is_no_size_is_told_what_is_one(fit_path):
    done = forecast_command("howmuch", fit_path, "--task", "sums", "--at", "0.5", "--params", "many")
    assert done.code == 2 and "'many' is not a number; write one such as 7e9 or 7B" in done.err


def figure_of(**changed):
    x = np.linspace(8.0, 11.0, 20)
    tokens = np.where(x < 8.6, np.inf, 10.5 + 0.4 / (x - 8.5))
    options = {
        "curve": {"log10_params": x} | {f"q{p:02d}": tokens + 0.01 * p for p in (5, 25, 50, 75, 95)},
        "optimal": {key: {"q05": 9.0, "q50": 9.5, "q95": np.inf} for key in ("log10_params", "log10_tokens")},
        "runs": pd.DataFrame(
            {"log10_params": [8.0, 9.0, np.nan], "log10_tokens": [10.0, 11.0, 12.0], "reached": [False, True, True]}
        ),
        "given": dict.fromkeys(("params", "tokens", "unique_tokens", "most_effective_tokens")),
    }
    ax = Figure(figsize=(4, 3)).subplots()
    return plot_iso_capability(**options | changed, ax=ax)


def test_the_figure_labels_powers_of_ten_and_draws_what_is_given():
    ax = figure_of(given={"params": 9.8, "tokens": 11.0, "unique_tokens": 10.0, "most_effective_tokens": 11.2})
    labels = {text.get_text() for text in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    assert {"10⁹", "10¹¹"} <= labels
    named = ax.get_legend_handles_labels()[1]
    assert {"90% band", "given parameters", "given tokens", "unique tokens", "runs that reached it"} <= set(named)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_sizes_far_beyond_those_of_the_table_are_drawn_and_printed_without_a_number(learned, capsys):
    """As where a median threshold lies beyond all reach: the runs are of 1e8 to 1e10 parameters, 1e9 to 1e12 tokens."""
    answer = howmuch(learned, "sums", 0.5)
    assert in_reach(answer)[0]["log10_params"].max() <= np.ceil(answer["data_log10_params"][1] + 3)
    far = {"q05": 9.0, "q10": 9.5, "q25": 12.0, "q50": 20.3, "q75": 22.0, "q90": 25.0, "q95": 30.0}
    point = {"log10_tokens": dict(far), "p_never": 0.0}
    curve = [{"log10_params": x, **point} for x in (10.0, 15.0, 20.3)]
    answer |= {"compute_optimal": dict.fromkeys(("log10_compute", "log10_params", "log10_tokens"), far), "curve": curve}
    answer["compute_optimal"]["log10_compute"] = {name: value + 13 for name, value in far.items()}
    drawn, optimal = in_reach(answer)
    assert drawn["log10_params"].tolist() == [10.0] and drawn["q50"].tolist() == [np.inf]
    assert optimal["log10_params"] == {"q05": 9.0, "q50": np.inf, "q95": np.inf}
    print_answer(answer)
    said = capsys.readouterr().out
    params, tokens, flop = (
        f"beyond 1e{np.ceil(round(answer[f'data_{name}'][1] + off, 6)):.0f}"
        for name, off in (("log10_params", 3), ("log10_tokens", 3), ("log10_compute", 6))
    )
    for what, limit, first in (("parameters", params, "1.0e9"), ("tokens", tokens, "1.0e9"), ("FLOP", flop, "1.0e22")):
        assert re.search(rf"{what} +{limit} +{first} to {limit}\n", said), said
    assert answer["compute_optimal"]["log10_params"]["q50"] == 20.3  # the number stays in the answer


def test_sizes_that_no_run_has_are_those_of_the_published_split(learned):
    bare = replace(learned, data=learned.data.assign({n: learned.data[n] * np.nan for n in SIZES}))
    largest = float(learned.data.log10_compute.max())
    params, tokens = (known_sizes(bare)[name][1] for name in SIZES)
    assert params + tokens + np.log10(6.0) == pytest.approx(largest)
    assert 10 ** (tokens - params) == pytest.approx(np.exp(np.log(learned.priors.optimal_ratio_median)))
    assert known_sizes(learned)["log10_params"][1] == pytest.approx(float(learned.data.log10_params.max()))


def test_a_figure_of_a_score_never_reached_shows_the_runs_alone():
    empty = {name: np.array([]) for name in ("log10_params", "q05", "q25", "q50", "q75", "q95")}
    never = dict.fromkeys(("log10_params", "log10_tokens"), dict.fromkeys(("q05", "q50", "q95"), np.inf))
    ax = figure_of(curve=empty, optimal=never)
    assert "compute-optimal, 90%" not in ax.get_legend_handles_labels()[1]
    ax.figure.draw_without_rendering()
    bare = figure_of(
        curve=empty, optimal=never, runs=pd.DataFrame({"log10_params": [], "log10_tokens": [], "reached": []})
    )
    assert np.isfinite([*bare.get_xlim(), *bare.get_ylim()]).all()


# recovery


@pytest.mark.mcmc
def test_the_truth_of_a_simulated_table_lies_inside_the_bands(tmp_path):
    """One small fit; how often it is so, with a negative control, is in tests/statistical."""
    design = read_rows(table_of(tmp_path))
    design = design[design["task"] != "words"].reset_index(drop=True)
    priors = Priors(reference_logit_mean=-1.0, reference_logit_sd=1.0)
    parts = Parts(families=False, bend=False, free_floor=False, free_ceiling=False, outliers=False)
    table, truth = simulate(design, seed=SEED, priors=priors, parts=parts)
    placing = np.where(design["metric"] == "loss", 1.0, 0.0)  # as when the truth was drawn, before any score
    data = with_constants(observations(table).assign(score_for_placing=("observation", placing)))
    posterior = fit(capability_model(data, parts, priors), Sampling(seed=SEED, chains=2, tune=200, draws=200))
    many, one = (drawn_fit(draws, data, priors, parts) for draws in (posterior, truth.expand_dims(("chain", "draw"))))
    at = float(np.clip(table["score"][table["task"] == "sums"].median(), 0.05, 0.9))  # among the runs
    found, true = (optimal_run(fit, "sums", at) for fit in (many, one))
    pairs = {name: (found[name], float(true[name].squeeze())) for name in ("log10_params", "log10_tokens")}
    size = float(true.log10_params.squeeze()) - 0.3
    pairs["over-trained"] = tokens_of(found, size), float(tokens_of(true, size).squeeze())
    for name, (draws, value) in pairs.items():
        low, high = np.quantile(draws.values, (0.005, 0.995), method="inverted_cdf")
        assert low <= value <= high, (name, low, value, high)
