"""Logs of Inspect: means that are accuracies, epochs as attempts, and logs that hold nothing."""

import pytest

from forecast.errors import ForecastError
from tests.table.importers.runs import NAMES, imported, option, write


def log(model, metrics, *, items=20, epochs=1, scorer="opened", reducer=None, tries=None, **rest):
    """A log; `tries` has the values of each item's epochs."""
    score = {"name": scorer, "scored_samples": items, "metrics": {name: {"value": v} for name, v in metrics.items()}}
    document = {
        "status": "success",
        "eval": {"task": "vault", "model": model, "config": {"epochs": epochs}} | rest,
        "results": {"completed_samples": items * epochs, "scores": [score | ({"reducer": reducer} if reducer else {})]},
    }
    samples = [
        {"id": item, "epoch": epoch, "scores": {scorer: {"value": value}}}
        for item, values in enumerate(tries or [])
        for epoch, value in enumerate(values, start=1)
    ]
    return document | ({"samples": samples} if tries else {})


def logs(tmp_path, of):
    for rung, model in enumerate(NAMES, start=1):
        write(tmp_path / f"logs/{model}.json", of(f"vllm/nest/{model}", rung))
    return tmp_path / "logs"


def of_inspect(path, **choices):
    return imported(path, format="inspect", **choices)


def test_a_mean_that_counts_a_whole_number_of_items_is_an_accuracy_and_that_is_said(tmp_path):
    path = logs(tmp_path, lambda model, rung: log(model, {"mean": rung / 5, "std": 0.4}))
    frame, left_out, notes = of_inspect(path)
    assert frame["score"].tolist() == [0.2, 0.4, 0.6] and set(frame["metric"]) == {"exact_match"} and not left_out
    assert "vault: opened mean is taken as exact match" in notes


def test_a_mean_that_is_none_in_one_log_is_none_in_all_until_the_user_says_so(tmp_path):
    path = logs(tmp_path, lambda model, rung: log(model, {"mean": rung / 5 + (0.013 if rung == 2 else 0)}))
    with pytest.raises(ForecastError, match=r"no share of right answers.*--metric 'vault=opened' takes it"):
        of_inspect(path)
    for asked in ("opened", "mean", "opened mean", "opened/mean"):
        frame, _, _ = of_inspect(path, metric=option("metric", vault=asked))
        assert frame["score"].tolist() == pytest.approx([0.2, 0.413, 0.6])


def test_samples_tell_a_mean_of_parts_that_happens_to_be_whole(tmp_path):
    path = logs(tmp_path, lambda model, rung: log(model, {"mean": 0.5}, items=2, tries=[[0.5], [0.5]]))
    with pytest.raises(ForecastError, match="no share of right answers"):
        of_inspect(path)
    path = logs(tmp_path, lambda model, rung: log(model, {"mean": 0.5}, items=2, tries=[["C"], ["I"]]))
    assert set(of_inspect(path)[0]["score"]) == {0.5}


def test_a_metric_of_its_own_name_can_be_asked_for(tmp_path):
    path = logs(tmp_path, lambda model, rung: log(model, {"solved": rung / 4, "steps": 12.0 * rung}))
    frame, left_out, _ = of_inspect(path, metric=option("metric", vault="solved"))
    assert frame["score"].tolist() == [0.25, 0.5, 0.75]
    assert left_out == {"vault: opened steps": "is no metric of a table"}
    with pytest.raises(ForecastError, match="--metric 'vault=solved' takes it where it is a share of right answers"):
        of_inspect(path)


@pytest.mark.parametrize(("reducer", "k"), [("pass_at_2", 2), ("max", 4)])
def test_a_reducer_that_takes_the_best_of_k_epochs_is_pass_at_k(tmp_path, reducer, k):
    path = logs(tmp_path, lambda model, rung: log(model, {"accuracy": rung / 4}, epochs=4, reducer=reducer))
    frame, _, _ = of_inspect(path)
    assert set(frame["metric"]) == {"pass_at_k"} and set(frame["k"]) == {k} and set(frame["trials"]) == {20}


@pytest.mark.parametrize("reducer", ["mode", "at_least_2", "pass_at_9"])
def test_another_reducer_or_one_of_more_attempts_than_there_are_is_named(tmp_path, reducer):
    path = logs(tmp_path, lambda model, rung: log(model, {"accuracy": rung / 4}, epochs=4, reducer=reducer))
    with pytest.raises(ForecastError, match=f"reduces the epochs by '{reducer}'"):
        of_inspect(path)


@pytest.mark.parametrize(("right", "wrong"), [("C", "I"), (1, 0), (1.0, 0.0), (True, False)])
def test_epochs_with_the_answers_of_each_item_are_attempts(tmp_path, right, wrong):
    tries = [[right, wrong], [wrong, wrong], [right, right], [wrong, right]]
    path = logs(tmp_path, lambda model, rung: log(model, {"accuracy": 0.5}, items=4, epochs=2, tries=tries))
    frame, _, _ = of_inspect(path)
    found = frame.groupby("metric")[["score", "trials"]].first().T.to_dict("list")
    assert found == {"exact_match": [0.5, 4], "pass_at_k": [0.75, 4]}
    assert set(frame.loc[frame["metric"] == "pass_at_k", "k"]) == {2}


def test_epochs_of_partly_right_or_missing_answers_are_no_attempts(tmp_path):
    for tries in ([["C", "P"], ["I", "I"]], [["C"], ["I", "I"]]):
        path = logs(tmp_path, lambda model, _, t=tries: log(model, {"accuracy": 0.5}, items=2, epochs=2, tries=t))
        assert set(of_inspect(path)[0]["metric"]) == {"exact_match"}


@pytest.mark.parametrize("status", ["error", "cancelled", "started"])
def test_logs_that_failed_hold_no_scores_or_are_empty_are_named(tmp_path, status):
    path = logs(tmp_path, lambda model, rung: log(model, {"accuracy": rung / 4}))
    files = {
        "failed": log("a", {}) | {"status": status},
        "unscored": log("a", {}) | {"results": {"scores": []}},
        "empty": "",
        "archive": "PK",
    }
    for name, content in files.items():
        write(path / f"{name}.{'eval' if name == 'archive' else 'json'}", content)
    frame, left_out, _ = of_inspect(path)
    assert len(frame) == 3
    said = {what.rpartition("/")[2].partition(".")[0]: why for what, why in left_out.items()}
    assert status in said["failed"] and "holds no scores" in said["unscored"]
    assert "is not JSON" in said["empty"] and "not a zip archive" in said["archive"]


def test_a_model_of_a_disk_is_called_by_its_path(tmp_path):
    path = logs(
        tmp_path,
        lambda model, rung: log(
            "hf/local", {"accuracy": rung / 4}, model_args={"model_path": f"/out/{model[-5:]}/hf/"}
        ),
    )
    assert of_inspect(path)[0]["model"].tolist() == list(NAMES)


@pytest.mark.parametrize("worst", [1.0, 0.5])
def test_grades_from_1_to_5_are_no_accuracy_even_where_one_log_could_be_one(tmp_path, worst):
    path = logs(tmp_path, lambda model, rung: log(model, {"mean": worst if rung == 1 else 1.0 + rung / 2}))
    with pytest.raises(ForecastError, match="is no rate: a mean lies outside 0 to 1"):
        of_inspect(path)
