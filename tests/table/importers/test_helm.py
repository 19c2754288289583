"""HELM: folders of runs, their scenarios, splits and numbers of items."""

import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import SIZES, columns, imported, metric, write


def spec(model, *, method="generation", shots=5, subject=None, name="canals"):
    of = {"model": model, "method": method, "max_train_instances": shots, "num_train_trials": 1}
    arguments = {} if subject is None else {"subject": subject}
    scenario = {"class_name": "acme.CanalsScenario", "args": arguments}
    return {"name": f"{name}:subject={subject},model={model}", "scenario_spec": scenario, "adapter_spec": of}


def stat(name, mean, *, split="test", count=1, perturbation=None):
    of = {"name": name, "split": split} | ({"perturbation": perturbation} if perturbation else {})
    return {"name": of, "count": count, "mean": mean, "sum": mean}


def item(key, references, **rest):
    return {"instance_id": key, "train_trial_index": 0, "stats": [stat("num_references", references)]} | rest


def runs(tmp_path, stats, *, items=None, **of):
    files = {}
    for rung, model in enumerate(SIZES):
        files[f"{model}/run_spec.json"] = spec(model, **of)
        files[f"{model}/stats.json"] = stats(rung)
        if items is not None:
            files[f"{model}/per_instance_stats.json"] = items
    return write(tmp_path / "runs", files)


def test_a_run_becomes_a_row_with_the_items_of_its_split(tmp_path):
    path = runs(tmp_path, lambda i: [stat("exact_match", i / 10), stat("num_instances", 250), stat("seconds", 0.5)])
    frame, left_out = imported("helm", path, tmp_path)
    assert columns(frame, "task", "score", "trials", "metric")["brook-30b"] == ["canals", 0.3, 250, "exact_match"]
    assert not left_out


def test_changed_items_and_the_split_beside_the_test_are_not_taken(tmp_path):
    changed = {"name": "typos"}
    path = runs(
        tmp_path,
        lambda i: [
            *(stat("exact_match", 0.9, split="valid"), stat("exact_match", 0.8, perturbation=changed)),
            *(stat("num_instances", 9, split="valid"), stat("exact_match", i / 10), stat("num_instances", 70)),
        ],
    )
    frame, _ = imported("helm", path, tmp_path)
    assert columns(frame, "score", "trials")["brook-9b"] == [0.2, 70]


def test_offered_answers_are_a_choice_whose_chance_follows_from_the_items(tmp_path):
    items = [item("a", 4), item("b", 2), item("b", 2, perturbation={"name": "typos"})]
    path = runs(tmp_path, lambda i: [stat("exact_match", 0.5)], items=items, method="multiple_choice_joint")
    frame, _ = imported("helm", path, tmp_path)
    assert columns(frame, "metric", "chance", "trials")["brook-1b"] == ["choice", 0.375, 2]


def test_subjects_are_tasks_of_their_own(tmp_path):
    stats = [stat("exact_match", 0.5), stat("num_instances", 10)]
    files = {
        f"{model}/{subject}/{name}": content
        for model in SIZES
        for subject in ("north", "south")
        for name, content in (("run_spec.json", spec(model, subject=subject)), ("stats.json", stats))
    }
    frame, _ = imported("helm", write(tmp_path / "runs", files), tmp_path)
    assert set(frame["task"]) == {"canals_north", "canals_south"}


def test_the_answer_at_the_end_of_a_chain_of_thought_goes_before_exact_match(tmp_path):
    stats = [stat("exact_match", 0.0), stat("final_number_exact_match", 0.5), stat("num_instances", 10)]
    frame, left_out = imported("helm", runs(tmp_path, lambda i: stats), tmp_path)
    assert set(frame["score"]) == {0.5} and "canals: exact_match" in left_out


def test_any_rate_is_taken_where_it_is_asked_for(tmp_path):
    path = runs(tmp_path, lambda i: [stat("judged_fine", i / 10), stat("num_instances", 10)])
    with pytest.raises(ForecastError):
        imported("helm", path, tmp_path)
    frame, _ = imported("helm", path, tmp_path, metric=metric(canals="judged_fine"))
    assert frame["score"].max() == 0.3


def test_a_run_without_its_statistics_is_named_beside_good_ones_and_alone_an_error(tmp_path):
    path = runs(tmp_path, lambda i: [stat("exact_match", i / 10), stat("num_instances", 10)])
    write(path, {"unfinished/run_spec.json": spec("brook-80b"), "cut/run_spec.json": "{", "cut/stats.json": "[]"})
    frame, left_out = imported("helm", path, tmp_path)
    assert len(frame) == 4 and sum("unfinished" in what or "cut" in what for what in left_out) == 2
    with pytest.raises(ForecastError, match=r"stats\.json: cannot be read"):
        imported("helm", path / "unfinished", tmp_path)


def test_trials_with_other_prompts_are_not_more_items(tmp_path):
    path = runs(tmp_path, lambda i: [stat("exact_match", 0.5, count=1)])
    with pytest.raises(ForecastError, match="number of items"):
        imported("helm", path, tmp_path)
