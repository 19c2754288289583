"""Composer and DataComp-LM: scores of tasks in context, and the models they belong to."""

import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import SIZES, columns, imported, of_all, write

ASKED = {"trials": of_all("--trials", 500), "chance": of_all("--chance", 0.25)}


def evaluation(model, score, **rest):
    return {
        "name": "heavy",
        "uuid": f"e-{model}",
        "model": model,
        "eval_metrics": {"icl": {"weirs": score}, "perplexity": 2.5},
        "aggregated_centered_results": 0.1,
        "low_variance_datasets": 0.2,
    } | rest


def ladder(tmp_path, made):
    return write(tmp_path / "evals", {f"evals/{i}.json": made(model, i) for i, model in enumerate(SIZES)})


def test_scores_in_context_become_rows_and_averages_are_named(tmp_path):
    path = ladder(tmp_path, lambda m, i: evaluation(m, 0.3 + i / 10))
    frame, left_out = imported("composer", path, tmp_path, **ASKED)
    assert columns(frame, "score", "trials", "metric")["brook-9b"] == [0.5, 500, "choice"]
    assert {"low_variance_datasets", "aggregated_centered_results", "perplexity"} <= set(left_out)


def test_documents_of_models_give_names_and_sizes(tmp_path):
    path = ladder(tmp_path, lambda m, i: evaluation("wide arch", 0.3, model_uuid=f"m{i}"))
    sizes = {f"models/{i}.json": {"uuid": f"m{i}", "name": name} for i, name in enumerate(SIZES)}
    for i, document in enumerate(sizes.values()):
        document["hyperparameters"] = {"params": 10**9 * 3**i, "tokens": 2e10}
    frame, _ = imported("composer", write(path, sizes), tmp_path, models=False, **ASKED)
    assert columns(frame, "params", "tokens")["brook-3b"] == [3e9, 2e10]


def test_the_key_that_tells_files_apart_names_the_model_else_the_file_does(tmp_path):
    path = ladder(tmp_path, lambda m, i: evaluation("same", 0.3, params=1e9 * 2**i, tokens=1e10, name=f"run {i}"))
    frame, _ = imported("composer", path, tmp_path, models=False, **ASKED)
    assert set(frame["model"]) == {"run 0", "run 1", "run 2", "run 3"}
    path = ladder(tmp_path, lambda m, i: evaluation("same", 0.3, params=1e9 * 2**i, tokens=1e10))
    frame, _ = imported("composer", path, tmp_path, models=False, **ASKED)
    assert set(frame["model"]) == {"0", "1", "2", "3"}


def test_names_that_composer_logs_say_shots_and_kind(tmp_path):
    logged = "metrics/weirs/3-shot/InContextLearningLMAccuracy"
    choice = "metrics/dams/0-shot/InContextLearningMultipleChoiceAccuracy"
    odd = "metrics/dams/0-shot/InContextLearningMCExpectedCalibrationError"
    path = ladder(tmp_path, lambda m, i: {"run_name": m, logged: i / 10, choice: 0.4, odd: 0.1})
    frame, left_out = imported("composer", path, tmp_path, **ASKED)
    found = frame.groupby("task")["metric"].first().to_dict()
    assert found == {"dams": "choice", "weirs": "exact_match"}
    assert "dams: InContextLearningMCExpectedCalibrationError" in left_out


def test_a_task_that_may_offer_answers_is_not_taken_for_a_generated_one(tmp_path):
    path = ladder(tmp_path, lambda m, i: evaluation(m, 0.3))
    with pytest.raises(ForecastError, match="chance of a guess"):
        imported("composer", path, tmp_path, trials=ASKED["trials"])


def test_the_chance_for_all_does_not_reach_generated_answers(tmp_path):
    tasks = {"icl": {"jeopardy": 0.3, "bigbench_operators": 0.2, "weirs": 0.4}}
    path = ladder(tmp_path, lambda m, i: evaluation(m, 0.3, eval_metrics=tasks))
    frame, _ = imported("composer", path, tmp_path, **ASKED)
    found = frame.groupby("task")["chance"].first().to_dict()
    assert found == {"bigbench_operators": 0.0, "jeopardy": 0.0, "weirs": 0.25}


def test_broken_files_and_scores_that_are_none_are_named(tmp_path):
    path = ladder(tmp_path, lambda m, i: evaluation(m, 0.3 if i else -0.2))
    write(path, {"evals/cut.json": '{"eval', "evals/other.json": {"x": 1}})
    frame, left_out = imported("composer", path, tmp_path, **ASKED)
    assert len(frame) == 3 and "not a rate" in left_out["weirs: icl of brook-1b"]
    assert sum("cut.json" in what or "other.json" in what for what in left_out) == 2
    with pytest.raises(ForecastError, match="eval_metrics"):
        imported("composer", path / "evals/other.json", tmp_path, **ASKED)
