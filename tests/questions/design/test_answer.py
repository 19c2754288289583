"""What to measure next: candidates, their expected intervals, the table with an outcome, and the command."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.errors import ForecastError
from forecast.posterior.fit import save
from forecast.questions.design import refit as design_refit
from forecast.questions.design.answer import design
from forecast.questions.design.candidates import (
    LOSS,
    MORE_ITEMS,
    NEW_RUN,
    PARTIAL_CREDIT,
    candidates_of,
    candidates_of_rows,
)
from forecast.questions.design.expected import measurements
from forecast.questions.design.interval import Simulation, posterior_of, simulated
from forecast.questions.design.places import places_of
from forecast.questions.design.refit import with_outcome
from forecast.table.dataset import frame_of, observations, read_rows, read_table
from models.facts.counts import conditional_counts
from tests.conftest import ANSWER_COLUMNS, SEED, forecast_command, write_rows

LENGTH, TRIALS, ITEMS = 4, 200, 100
FEW = Simulation(seed=SEED, outcomes=20, draws=200)
KEYS = [
    *("task", "metric", "at", "event", "family", "items", "budget", "seed", "outcomes", "draws", "horizon"),
    *("log10_compute", "p_never", "width", "interval_score", "candidates", "rankings", "refits"),
    *("unit", "held_width", "data_log10_compute", "families", "reached_with_less", "direction"),
]
LINE_KEYS = [
    *("name", "kind", "model", "metrics", "log10_compute", "params", "tokens", "flop", "items"),
    *("expected_width", "sd_width", "error_width", "expected_score", "sd_score", "error_score"),
    *("reduction", "reduction_width", "reduction_per_1e21_flop", "reduction_per_1000_items"),
    *("effective_draws", "refit_to_be_sure"),
]


def ladder(length=LENGTH):
    """Six runs of exact match below one half, their parameters and tokens at 20 to 1."""
    rng = np.random.default_rng(SEED)
    x = np.linspace(20.0, 22.0, 6)
    counts = rng.binomial(TRIALS, 1 / (1 + 10 ** (0.8 * (22.3 - x))))
    rows = [
        {"model": f"run {at:g}", "task": "sums", "metric": "exact_match", "successes": int(count), "trials": TRIALS}
        | {"params": f"{(10**at / 120) ** 0.5:.6g}", "tokens": f"{20 * (10**at / 120) ** 0.5:.6g}"}
        | ({"length": length} if length else {})
        for at, count in zip(x, counts, strict=True)
    ]
    return rows


LADDER_COLUMNS = ("model", "task", "metric", "successes", "trials", "length", "params", "tokens")


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return read_table(write_rows(tmp_path_factory.mktemp("ladder") / "t.csv", ladder(), header=LADDER_COLUMNS))


@pytest.fixture(scope="module")
def fit(frame, prior_fit):
    """Draws of the prior stand in for a posterior: weights and widths do not ask where draws come from."""
    return prior_fit(frame, draws=400)


@pytest.fixture(scope="module")
def answers(answer_table, prior_fit):
    """A law seen by several metrics of the same answers and by a loss, on all runs but that two rows are missing."""
    table = read_table(answer_table)
    lacking = (table["model"] == "run 7") & (table["task"] == "sums")
    gone = lacking & table["metric"].isin(["token_accuracy", "loss"])
    return prior_fit(table[~gone], draws=60)


@pytest.fixture
def rows_of(tmp_path):
    def read(*rows, header=ANSWER_COLUMNS):
        return read_rows(write_rows(tmp_path / "candidates.csv", list(rows), header=header))

    return read


def candidates(fit, task="sums", **options):
    return candidates_of(fit, task, **{"items": ITEMS, "budget": None, "family": None} | options)


def test_the_answer_has_its_keys_and_the_best_candidate_comes_first(fit):
    answer = design(fit, "sums", 0.5, items=ITEMS, simulation=FEW)
    assert list(answer) == KEYS
    assert all(list(line) == LINE_KEYS for line in answer["candidates"])
    reductions = [line["reduction"] for line in answer["candidates"]]
    assert reductions == sorted(reductions, reverse=True)
    by_name = {line["name"]: line for line in answer["candidates"]}
    runs, per_flop, per_item = (answer["rankings"][name] for name in ("runs", "per_flop", "per_item"))
    assert set(runs) == set(per_flop) == {name for name, line in by_name.items() if line["flop"] > 0}
    assert set(per_item) == set(by_name) - set(runs)
    gains = [by_name[name]["reduction"] / by_name[name]["flop"] for name in per_flop]
    assert gains == sorted(gains, reverse=True)
    assert max(answer["held_width"], *(line["expected_width"] for line in by_name.values())) <= np.ptp(
        answer["horizon"]
    )


def test_the_present_width_is_of_the_interval_and_unbounded_where_an_end_is(fit):
    answer = design(fit, "sums", 0.5, items=ITEMS, simulation=FEW)
    low, high = (float(answer["log10_compute"][name]) for name in ("q05", "q95"))
    assert answer["p_never"] > 0.05 and high == np.inf and answer["width"] == "inf"
    held = np.clip([low, high], *answer["horizon"])
    assert answer["unit"] == "decades" and abs(answer["held_width"] - np.ptp(held)) < 0.5  # of every second draw
    whole = {name: fit.posterior[name] * 0.0 + end for name, end in (("floor", 0.0), ("ceiling", 1.0))}
    sure = replace(fit, posterior=fit.posterior.assign(whole))
    bounded = design(sure, "sums", 0.5, items=ITEMS, simulation=FEW)
    low, high = (float(bounded["log10_compute"][name]) for name in ("q05", "q95"))
    assert high - low > np.ptp(bounded["horizon"]) and bounded["width"] == high - low  # not clipped


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(fit, rows_of):
    rows = rows_of({"model": "mine", "task": "sums", "metric": "exact_match", "length": 4, "compute": "1e22"})
    first, again, other = (
        design(fit, "sums", 0.5, rows=rows, simulation=replace(FEW, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again and first["candidates"] != other["candidates"]


def test_no_candidate_is_expected_to_leave_a_larger_score(fit):
    answer = design(fit, "sums", 0.5, items=ITEMS, simulation=Simulation(seed=SEED, outcomes=60, draws=400))
    for line in answer["candidates"]:
        assert line["expected_score"] < answer["interval_score"] + 3 * line["error_score"] + 0.05, line["name"]
    large = max((line for line in answer["candidates"] if line["kind"] == NEW_RUN), key=lambda line: line["flop"])
    assert large["reduction"] > 5 * large["error_score"]  # the negative control: some are better than nothing


def test_more_items_on_a_new_run_are_not_expected_to_leave_a_larger_score(fit):
    few, many = (design(fit, "sums", 0.5, items=items, simulation=FEW)["candidates"] for items in (5, 5000))
    few, many = (
        {line["flop"]: line for line in lines if line["flop"] and len(line["metrics"]) == 1} for lines in (few, many)
    )
    gains = np.array([few[flop]["expected_score"] - many[flop]["expected_score"] for flop in few])
    errors = np.array([np.hypot(few[flop]["error_score"], many[flop]["error_score"]) for flop in few])
    assert np.all(gains > -3 * errors) and gains.mean() > 0


def test_a_task_that_is_known_for_sure_needs_no_measurement(fit):
    """Every draw alike but for its threshold: whatever is counted, the interval stays as it is."""
    posterior = posterior_of(fit, "sums", 0.5, family=None, simulation=FEW)
    alike = {
        name: value * 0.0 + value.isel(chain=0, draw=0)
        for name, value in posterior.fit.posterior.items()
        if np.issubdtype(value.dtype, np.floating)
    }
    sure = replace(posterior, fit=replace(posterior.fit, posterior=posterior.fit.posterior.assign(alike)))
    own = next(each for each in candidates(fit) if each.kind == MORE_ITEMS)
    _, weights = simulated(sure, own, simulation=FEW)
    np.testing.assert_allclose(weights[weights > 0], 1 / (len(sure.values) - 1))
    now = posterior.expected(np.full((1, len(sure.values)), 1 / len(sure.values)))
    assert abs(sure.expected(weights).scores.mean() - now.scores[0]) < 0.05 * now.scores[0]


def test_runs_reach_from_the_middle_of_the_data_to_a_decade_beyond_or_to_the_budget(fit):
    def sizes(**options):
        return np.log10(sorted({each.flop for each in candidates(fit, **options) if each.kind == NEW_RUN}))

    np.testing.assert_allclose(sizes()[[0, -1]], [21.0, 23.0])
    np.testing.assert_allclose(sizes(budget=1e25)[[0, -1]], [21.0, 25.0])
    np.testing.assert_allclose(sizes(budget=1e20)[[0, -1]], [19.0, 20.0])


def test_parameters_and_tokens_of_a_new_run_are_split_as_those_of_the_table(fit):
    row = next(each for each in candidates(fit) if each.kind == NEW_RUN).rows.iloc[0]
    np.testing.assert_allclose(row["tokens"] / row["params"], 20.0, rtol=1e-3)
    np.testing.assert_allclose(6 * row["params"] * row["tokens"], row["compute"], rtol=1e-6)


def test_token_accuracy_is_offered_where_the_length_is_known_and_not_elsewhere(fit, tmp_path, prior_fit):
    assert {each.kind for each in candidates(fit)} == {NEW_RUN, MORE_ITEMS, PARTIAL_CREDIT}
    unknown = read_table(write_rows(tmp_path / "t.csv", ladder(length=None), header=LADDER_COLUMNS))
    assert {each.kind for each in candidates(prior_fit(unknown, draws=10))} == {NEW_RUN, MORE_ITEMS}


def test_what_a_run_lacks_is_offered_for_it_alone(answers):
    found = [each for each in candidates(answers, "sums [exact_match]") if each.kind in (PARTIAL_CREDIT, LOSS)]
    assert {(each.rows["model"].item(), each.rows["metric"].item()) for each in found} == {
        ("run 7", "token_accuracy"),
        ("run 7", "loss"),
    }


def test_items_are_added_to_all_counts_of_the_same_answers(answers):
    """Each given the one before, as in the table, and judged together with the old ones."""
    label = "sums [exact_match]"
    own = next(each for each in candidates(answers, label) if each.kind == MORE_ITEMS and "run 2" in each.name)
    places = places_of(answers, own.rows)
    found = measurements(answers, own.rows, rng=np.random.default_rng(SEED), nodes=3)
    assert [each.given for each in found] == [None, 0, 1] and found[2].complement
    old = [place.old for place in places]
    counts, trials = conditional_counts(answers.data)
    np.testing.assert_allclose([each.old_count for each in found], counts[old])
    np.testing.assert_allclose([each.old_trials for each in found], trials[old])


def test_token_accuracy_of_answers_already_scored_counts_those_not_all_right(answers):
    own = next(each for each in candidates(answers, "sums [exact_match]") if each.kind == PARTIAL_CREDIT)
    (place,) = places_of(answers, own.rows)
    (found,) = measurements(answers, own.rows, rng=np.random.default_rng(SEED), nodes=3)
    assert answers.data.metric.values[answers.data.task_index.values[place.exact]] == "exact_match"
    failed = (answers.data.trials - answers.data.successes).values[place.exact]
    assert found.trials == failed and found.old_trials == 0


def test_the_table_of_a_fit_is_the_one_it_was_made_from(fit, frame, answers):
    for each in (fit, answers):
        again = observations(frame_of(each.data)).drop_attrs()
        for name, values in each.data.drop_attrs().items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(again[name], values, rtol=1e-12, err_msg=str(name))
            else:
                np.testing.assert_array_equal(again[name], values, err_msg=str(name))
    pd.testing.assert_series_equal(frame_of(fit.data)["successes"], frame["successes"])


@pytest.mark.parametrize("kind", [NEW_RUN, MORE_ITEMS, PARTIAL_CREDIT, LOSS])
def test_a_table_with_an_outcome_has_its_rows_and_its_counts_agree(answers, kind):
    label = "sums [exact_match]"
    posterior = posterior_of(answers, label, 0.5, family=None, simulation=FEW)
    own = next(each for each in candidates(answers, label) if each.kind == kind)
    values, _ = simulated(posterior, own, simulation=FEW)
    before = frame_of(answers.data)
    after, scores = with_outcome(answers, own, places_of(answers, own.rows), values[:, 3])
    added = len(own.rows) if kind != MORE_ITEMS else 0
    assert len(after) == len(before) + added and len(scores) == len(own.rows)
    items = own.rows["trials"].astype(float).sum()
    np.testing.assert_allclose(float(after["trials"].sum()), float(before["trials"].sum()) + items)
    data = observations(after)
    assert data.task.equals(answers.data.task) or set(data.task.values) == set(answers.data.task.values)
    if kind == PARTIAL_CREDIT:  # counts that contradicted each other would not be linked
        assert (data.given_index >= 0).sum() == (answers.data.given_index >= 0).sum() + 1


def test_a_table_of_candidates_has_one_for_each_model(fit, rows_of):
    rows = rows_of(
        {"model": "run 20.8", "task": "sums", "metric": "exact_match", "trials": 50, "length": 4, "compute": "6e20"},
        {"model": "mine", "task": "sums", "metric": "exact_match", "length": 4, "compute": "1e24"},
        {"model": "mine", "task": "sums", "metric": "token_accuracy", "length": 4, "compute": "1e24"},
    )
    known, new = candidates_of_rows(fit, rows, items=ITEMS)
    assert (known.kind, known.flop, known.items) == ("evaluation", 0.0, 50)
    assert (new.kind, new.flop, new.items) == (NEW_RUN, 1e24, ITEMS)
    assert new.rows["trials"].tolist() == [ITEMS, 4 * ITEMS]
    answer = design(fit, "sums", 0.5, rows=rows, budget=1e23, simulation=FEW)
    assert [line["name"] for line in answer["candidates"]] == ["run 20.8"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"task": "sumz", "metric": "exact_match"}, "'sumz' with metric 'exact_match' is not a task of this fit.*sums"),
        ({"task": "sums", "metric": "loss"}, "'sums' with metric 'loss' is not a task of this fit"),
        ({"task": "sums", "metric": "token_accuracy", "length": 7}, "answer length is 4 tokens in the fit; give"),
    ],
)
def test_a_candidate_that_the_fit_cannot_foresee_is_named(fit, rows_of, row, said):
    rows = rows_of({"model": "mine", "compute": "1e22", **row})
    with pytest.raises(ForecastError, match=said):
        design(fit, "sums", 0.5, rows=rows, simulation=FEW)


def test_partial_credit_without_a_length_says_what_is_missing(tmp_path, prior_fit, rows_of):
    unknown = read_table(write_rows(tmp_path / "t.csv", ladder(length=None), header=LADDER_COLUMNS))
    rows = rows_of({"model": "mine", "task": "sums", "metric": "token_accuracy", "length": 4, "compute": "1e22"})
    with pytest.raises(ForecastError, match="answer length is not known to the fit; give the length"):
        design(prior_fit(unknown, draws=10), "sums", 0.5, rows=rows, simulation=FEW)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"budget": 0.0}, "budget must be a positive"), ({"budget": np.inf}, "budget"), ({"task": "none"}, "not a task")],
)
def test_wrong_questions_are_known_errors(fit, options, said):
    with pytest.raises(ForecastError, match=said):
        design(fit, **{"task": "sums", "at": 0.5, "simulation": FEW} | options)


@pytest.fixture
def no_sampling(monkeypatch):
    """In place of a refit: the fit as it was."""
    monkeypatch.setattr(design_refit, "_refitted", lambda fit, frame, **_: fit)


def test_a_refit_is_shown_beside_the_weights(fit, no_sampling):
    answer = design(fit, "sums", 0.5, items=ITEMS, refits=2, simulation=FEW)
    assert [each["name"] for each in answer["refits"]] == [line["name"] for line in answer["candidates"][:2]]
    for each in answer["refits"]:
        np.testing.assert_allclose(each["refit_width"], answer["held_width"], atol=0.5)  # all draws and a tenth of them
        assert 0 <= each["width"] <= np.ptp(answer["horizon"]) and each["effective_draws"] > 0


def test_the_command_answers_in_json_in_text_and_with_a_figure(fit, tmp_path):
    path, figure = tmp_path / "fit.nc", tmp_path / "design.png"
    save(fit, path)
    asked = ("design", path, "--task", "sums", "--at", 0.5, "--items", 20, "--budget", 1e22, "--seed", 7)
    done = forecast_command(*asked, "--json", "-o", figure)
    assert done.code == 3 and list(done.json) == KEYS  # never diagnosed, so not to be trusted
    assert (done.json["seed"], done.json["items"], done.json["budget"]) == (7, 20, 1e22)
    assert figure.read_bytes().startswith(b"\x89PNG")
    text = forecast_command(*asked)
    assert text.code == 3 and "new runs:" in text.out and "evaluations of known runs:" in text.out
    assert done.json["candidates"][0]["name"] in text.out
    heading = next(line for line in text.out.splitlines() if "reduction of score" in line)
    line = next(line for line in text.out.splitlines() if done.json["candidates"][0]["name"] in line)
    for column in ("width", "score", "per 1e21 FLOP"):
        assert line[heading.index(column) + len(column) - 1].isdigit()  # numbers end below the end of their heading
    assert "to never, unbounded, P(never)" in text.out and "inf " not in text.out
    assert "candidates are compared with thresholds held within 1.0e17 to 1.0e25 FLOP: now" in text.out
    wrong = forecast_command("design", path, "--task", "sums", "--at", 50)
    assert wrong.code == 1 and "between 0 and 1" in wrong.err and not wrong.out


@pytest.mark.parametrize(("task", "at"), [("sums [exact_match]", 0.5), ("picks", 0.6), ("validation", 1.7)])
def test_any_kind_of_task_can_be_asked_about(answers, task, at):
    answer = design(answers, task, at, items=ITEMS, simulation=replace(FEW, outcomes=5))
    numbers = [line[name] for line in answer["candidates"] for name in ("expected_width", "expected_score", "sd_score")]
    assert np.isfinite(numbers).all() and answer["rankings"]["runs"]
    whole = {"at_least_k", "exact_match", "token_accuracy", "loss"} if task.startswith("sums") else {answer["metric"]}
    assert all(set(line["metrics"]) == whole for line in answer["candidates"] if line["kind"] == NEW_RUN)
