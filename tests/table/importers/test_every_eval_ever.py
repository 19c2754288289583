"""Every Eval Ever: results in its schema, and answers item by item."""

import json

import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import SIZES, columns, imported, metric, write


def result(score, *, name="ferries", native="accuracy", unit=None, samples=200, of="accuracy", **rest):
    config = {"metric_name": native, "lower_is_better": False, "metric_unit": unit} | rest
    scored = {"score": score, "uncertainty": {"num_samples": samples}}
    return {
        "evaluation_result_id": of,
        "evaluation_name": name,
        "metric_config": config,
        "score_details": scored,
    }


def document(model, *results, **details):
    info = {"id": model, "additional_details": details}
    return {"schema_version": "0.2.2", "evaluation_id": f"e/{model}", "model_info": info, "evaluation_results": results}


def answer(model, item, score, *, choices=None, of="accuracy", name="ferries"):
    row = {"evaluation_id": f"e/{model}", "model_id": model, "evaluation_name": name, "evaluation_result_id": of}
    put = {"raw": "?", "reference": ["a"], "choices": choices}
    return row | {"sample_id": item, "input": put, "evaluation": {"score": score, "is_correct": score == 1}}


def ladder(tmp_path, made):
    return write(tmp_path / "data", {f"{model}/a.json": made(model, rung) for rung, model in enumerate(SIZES)})


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_an_accuracy_becomes_a_row_with_its_items(tmp_path):
    frame, left_out = imported("every-eval-ever", ladder(tmp_path, lambda m, i: document(m, result(i / 10))), tmp_path)
    assert columns(frame, "score", "trials", "metric")["brook-9b"] == [0.2, 200, "exact_match"] and not left_out


@pytest.mark.parametrize("unit", [{"unit": "percent"}, {"unit": "%"}, {"max_score": 100.0}])
def test_a_score_in_percent_is_divided_where_the_file_says_so(tmp_path, unit):
    path = ladder(tmp_path, lambda m, i: document(m, result(10.0 * i, **unit)))
    assert columns(imported("every-eval-ever", path, tmp_path)[0], "score")["brook-30b"] == [0.3]


def test_a_percentage_that_does_not_say_so_is_no_rate(tmp_path):
    path = ladder(tmp_path, lambda m, i: document(m, result(10.0 + i)))
    with pytest.raises(ForecastError, match=r"accuracy of brook-1b: is 10\.0, not a rate between 0 and 1"):
        imported("every-eval-ever", path, tmp_path)


def test_filters_of_the_same_answers_are_one_task_and_count_once(tmp_path):
    strict = {"name": "ferries/strict", "native": "exact_match", "of": "exact_match:strict"}
    loose = {"name": "ferries/loose", "native": "exact_match", "of": "exact_match:loose"}
    path = ladder(tmp_path, lambda m, i: document(m, result(i / 10, **strict), result(i / 9, **loose)))
    frame, left_out = imported("every-eval-ever", path, tmp_path)
    assert set(frame["task"]) == {"ferries"} and frame["score"].max() == 0.3
    assert "ferries: exact_match,loose" in left_out


def test_answers_tell_items_and_choices_of_a_result_that_does_not(tmp_path):
    path = ladder(tmp_path, lambda m, i: document(m, result(0.5, samples=None)))
    for model in SIZES:
        rows = [answer(model, f"i{item}", item % 2, choices=["a", "b"]) for item in range(6)]
        write(path, {f"{model}/a_samples.jsonl": lines(rows)})
    frame, _ = imported("every-eval-ever", path, tmp_path)
    assert columns(frame, "trials", "chance", "metric")["brook-1b"] == [6, 0.5, "choice"]


def test_answers_that_do_not_name_their_result_belong_to_the_only_one(tmp_path):
    path = ladder(tmp_path, lambda m, i: document(m, result(0.5, samples=None)))
    for model in SIZES:
        rows = [answer(model, item, None, of=None) | {"evaluation": {"is_correct": item < 3}} for item in range(6)]
        write(path, {f"{model}/a.jsonl": lines(rows)})
    frame, left_out = imported("every-eval-ever", path, tmp_path)
    assert columns(frame, "trials", "score")["brook-1b"] == [6, 0.5] and not left_out


def test_answers_alone_are_a_rate_over_items_not_over_epochs(tmp_path):
    files = {f"{m}_samples.jsonl": lines(answer(m, n % 5, int(n < 3)) for n in range(10)) for m in SIZES}
    frame, _ = imported("every-eval-ever", write(tmp_path / "data", files), tmp_path)
    assert columns(frame, "score", "trials")["brook-3b"] == [0.3, 5]


def test_answers_between_right_and_wrong_are_left_out(tmp_path):
    files = {f"{m}_samples.jsonl": lines([answer(m, 1, 0.4), answer(m, 2, 1)]) for m in SIZES}
    with pytest.raises(ForecastError, match="neither right nor wrong"):
        imported("every-eval-ever", write(tmp_path / "data", files), tmp_path)


def test_what_is_no_share_of_right_items_is_named_and_may_be_asked_for(tmp_path):
    odd = {"native": "f1", "of": "f1"}
    lower = {"native": "toxicity", "of": "toxicity", "lower_is_better": True}
    path = ladder(tmp_path, lambda m, i: document(m, result(i / 10, **odd), result(0.4, **lower)))
    with pytest.raises(ForecastError, match=r"--metric ferries=f1 takes it[\s\S]*lower"):
        imported("every-eval-ever", path, tmp_path)
    frame, _ = imported("every-eval-ever", path, tmp_path, metric=metric(ferries="f1"))
    assert columns(frame, "score")["brook-9b"] == [0.2]


def test_a_broken_file_beside_good_ones_is_named_and_alone_an_error(tmp_path):
    path = ladder(tmp_path, lambda m, i: document(m, result(i / 10)))
    write(path, {"cut.json": '{"model_info": {"id": ', "b_samples.jsonl": "{}\nno\n"})
    frame, left_out = imported("every-eval-ever", path, tmp_path)
    assert len(frame) == 4 and sum("cut.json" in what or "b_samples" in what for what in left_out) == 2
    with pytest.raises(ForecastError, match="is not JSON"):
        imported("every-eval-ever", path / "cut.json", tmp_path)


def test_a_loss_per_byte_is_in_nats(tmp_path):
    path = ladder(tmp_path, lambda m, i: document(m, result(2.0 - i / 4, native="bits_per_byte", lower_is_better=True)))
    frame, _ = imported("every-eval-ever", path, tmp_path)
    assert set(frame["metric"]) == {"loss"} and frame["score"].max() == pytest.approx(2 * 0.693147, rel=1e-4)
