"""Samples of lm-evaluation-harness: losses of right answers beside exact matches of the same answers."""

import math

import numpy as np
import pytest

from forecast.table.dataset import observations
from forecast.table.importers.choices import Choices
from forecast.table.importers.results.lm_eval import read as read_lm_eval
from tests.table.importers.runs import NAMES, harness, imported, option, write

STAMP = "2024-05-01T10-00-00.5"
WORDS = [" red", " blue", " bluish", " a"]  # 4, 5, 7 and 2 bytes


def item(place, pairs, *, answers=None, target="", as_text=True, **rest):
    """A line of a samples file: pairs of log-likelihood and greediness of each answer."""
    answers = [WORDS[place]] if answers is None else answers
    arguments = {f"gen_args_{i}": {"arg_0": "colour:", "arg_1": text} for i, text in enumerate(answers)}
    response = [[str(value), str(greedy)] if as_text else [value, greedy] for value, greedy in pairs]
    return {"doc_id": place, "arguments": arguments, "resps": [[each] for each in response]} | {
        "filtered_resps": response if len(response) > 1 else response[0] and [response[0]],
        "target": target,
        "filter": "none",
        **rest,
    }


def run(tmp_path, model, items, scores, *, kind="loglikelihood", task="sums", results=True):
    """The files of one run: results and samples of a task."""
    folder = tmp_path / "runs" / model
    if results:
        write(folder / f"results_{STAMP}.json", harness(model, {task: scores}, items=len(items), kind=kind))
    write(folder / f"samples_{task}_{STAMP}.jsonl", items)
    return tmp_path / "runs"


def answered(tmp_path, **rest):
    """Three runs of four answers, of which one, two and three are right; losses of 12, 6 and 3 nats in all."""
    for rung, model in enumerate(NAMES, start=1):
        loss = 3 / 2 ** (rung - 1)
        items = [item(place, [(-loss, place < rung)], **rest) for place in range(4)]
        path = run(tmp_path, model, items, {"acc,none": rung / 4, "perplexity,none": math.exp(loss)})
    return path


def test_loss_and_exact_match_of_the_same_answers_are_one_law(tmp_path):
    frame, left_out, notes = imported(answered(tmp_path))
    by_metric = frame.groupby("metric")["score"].apply(list).to_dict()
    assert by_metric["exact_match"] == [0.25, 0.5, 0.75]
    np.testing.assert_allclose(by_metric["loss"], [12 / 18, 6 / 18, 3 / 18])  # 18 bytes
    exact = frame[frame["metric"] == "exact_match"]
    assert set(exact["length"]) == {4.5} and set(exact["trials"]) == {4} and not left_out
    assert set(observations(frame).law_index.values) == {0}
    assert "sums: loss and exact match of the same answers, per byte" in notes


def test_a_loss_is_per_token_where_all_samples_count_tokens(tmp_path):
    frame, _, notes = imported(answered(tmp_path, answer_tokens=2))
    np.testing.assert_allclose(frame.loc[frame["metric"] == "loss", "score"], [12 / 8, 6 / 8, 3 / 8])
    assert set(frame["length"].dropna()) == {2.0} and "per token" in notes


def test_one_run_without_tokens_makes_all_of_a_task_per_byte(tmp_path):
    path = answered(tmp_path, answer_tokens=2)
    run(tmp_path, NAMES[0], [item(place, [(-3.0, place < 1)]) for place in range(4)], {"acc,none": 0.25})
    assert set(imported(path)[0]["length"].dropna()) == {4.5}


@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_may_be_text_or_numbers(tmp_path, as_text):
    assert len(imported(answered(tmp_path, as_text=as_text))[0]) == 6


def test_an_old_file_that_does_not_say_how_answers_are_given_is_told_by_its_samples(tmp_path):
    for rung, model in enumerate(NAMES, start=1):
        items = [item(place, [(-1.0, place < rung)]) for place in range(4)]
        path = run(tmp_path, model, items, {"acc": rung / 4}, kind=None)
    assert set(imported(path)[0]["metric"]) == {"exact_match", "loss"}


def test_older_arguments_are_lists(tmp_path):
    for model in NAMES:
        items = [item(0, [(-1.0, True)]) | {"arguments": [["colour:", " red"]], "resps": [[[-1.0, True]]]}]
        path = run(tmp_path, model, items, {"acc": 1.0})
    frame, _, _ = imported(path)
    assert set(frame.loc[frame["metric"] == "loss", "score"]) == {0.25}


@pytest.mark.parametrize("target", ["1", 1, " blue"])
def test_of_a_choice_the_loss_is_that_of_the_right_answer_and_the_chance_that_of_the_items(tmp_path, target):
    for model in NAMES:
        pairs = [(-9.0, False), (-2.5, True)]
        items = [item(place, pairs, answers=WORDS[:2], target=target, acc=1.0) for place in range(2)]
        path = run(tmp_path, model, items, {"acc,none": 0.5}, kind="multiple_choice")
    frame, _, _ = imported(path)
    by_task = frame.groupby("task")[["metric", "score", "chance"]].first().T.to_dict("list")
    assert by_task == {"sums": ["choice", 0.5, 0.5], "sums nats per byte": ["loss", 0.5, 0.0]}


def test_answers_asked_again_without_the_question_are_no_more_choices(tmp_path):
    for model in NAMES:
        pairs = [(-9.0, False), (-2.5, True)] * 2
        items = [item(0, pairs, answers=WORDS[:2] * 2, target="1")]
        path = run(tmp_path, model, items, {"acc,none": 1.0}, kind="multiple_choice")
    assert set(imported(path)[0]["chance"]) == {0.5, 0.0}


def test_an_exact_match_that_is_not_greedy_is_not_linked(tmp_path):
    for model in NAMES:
        path = run(tmp_path, model, [item(place, [(-1.0, True)]) for place in range(4)], {"acc,none": 0.25})
    frame, _, _ = imported(path)
    assert set(frame["task"]) == {"sums", "sums nats per byte"} and frame["length"].isna().all()


def test_samples_without_a_results_file_are_rates_of_the_model_that_their_folder_is_named_after(tmp_path):
    for rung, model in enumerate(NAMES, start=1):
        lines = [{"doc_id": i, "filter": "strict", "exact_match": float(i < rung), "resps": [["x"]]} for i in range(4)]
        run(tmp_path, f"nest__{model}", lines, {}, results=False)
    frame, _, _ = imported(tmp_path / "runs")
    assert frame["score"].tolist() == [0.25, 0.5, 0.75] and set(frame["trials"]) == {4}
    assert frame["model"].tolist() == [f"nest/{name}" for name in NAMES]


def test_samples_of_generated_answers_add_nothing_to_the_results(tmp_path):
    for model in NAMES:
        path = run(tmp_path, model, [{"doc_id": 0, "exact_match": 1.0, "resps": [["red"]]}], {"exact_match,none": 1.0})
    frame, left_out, _ = imported(path)
    assert len(frame) == 3 and not left_out and set(frame["score"]) == {1.0}


def test_each_item_counts_once_however_many_filters_there_are(tmp_path):
    for model in NAMES:
        items = [item(0, [(-2.0, True)], filter=kind) for kind in ("strict", "loose")]
        path = run(tmp_path, model, items, {"acc,none": 1.0})
        write(path / model / f"results_{STAMP}.json", harness(model, {"acc,none": 1.0}, items=1, kind="loglikelihood"))
    assert set(imported(path)[0]["length"].dropna()) == {4.0}


def test_a_broken_samples_file_is_named_and_its_results_stay(tmp_path):
    path = answered(tmp_path)
    broken = write(path / NAMES[0] / f"samples_sums_{STAMP}.jsonl", '{"doc_id": 0')
    frame, left_out, _ = imported(path)
    assert len(frame) == 5 and "line 1 is not JSON" in left_out[str(broken)]


def test_one_results_file_takes_the_samples_of_its_run_alone(tmp_path):
    path = answered(tmp_path)
    write(path / NAMES[0] / "samples_sums_2020-01-01T00-00-00.jsonl", [item(0, [(-9.0, False)])])
    found = read_lm_eval(path / NAMES[0] / f"results_{STAMP}.json", Choices())
    assert [each.score for each in found.measurements] == [0.25, pytest.approx(12 / 18)]


def test_a_metric_that_is_named_is_taken_alone(tmp_path):
    path = answered(tmp_path)
    for metric in ("loss", "exact_match"):
        assert set(imported(path, metric=option("metric", sums=metric))[0]["metric"]) == {metric}
