"""lighteval: results by task and shots, averages, attempts, and answers in Parquet."""

import pandas as pd
import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import SIZES, columns, imported, metric, of_all, write


def document(model, results, *, docs=None, **general):
    tasks = {} if docs is None else {key: {"effective_num_docs": docs} for key in results}
    return {"config_general": {"model_name": model} | general, "results": results, "config_tasks": tasks}


def ladder(tmp_path, results, **rest):
    files = {f"results/{m}/results_now.json": document(m, results(i), **rest) for i, m in enumerate(SIZES)}
    return write(tmp_path / "out", files)


def test_tasks_and_shots_are_read_from_new_and_old_keys(tmp_path):
    for key in ("locks|3", "acme|locks|3", "acme|locks|3|0"):
        path = ladder(tmp_path, lambda i, key=key: {key: {"em": i / 10, "em_stderr": 0.01}}, docs=80)
        frame, left_out = imported("lighteval", path, tmp_path)
        assert columns(frame, "task", "score", "trials")["brook-9b"] == ["locks", 0.2, 80] and not left_out


def test_items_follow_from_the_standard_error_and_for_a_score_of_zero_from_the_other_models(tmp_path):
    error = (0.25 / 99) ** 0.5
    path = ladder(tmp_path, lambda i: {"locks|0": {"em": 0.5 if i else 0.0, "em_stderr": error if i else 0.0}}, docs=-1)
    assert set(imported("lighteval", path, tmp_path)[0]["trials"]) == {100}


def test_a_limited_run_of_unknown_size_is_left_out(tmp_path):
    path = ladder(tmp_path, lambda i: {"locks|0": {"em": 0.5}}, max_samples=10)
    with pytest.raises(ForecastError, match="only some items"):
        imported("lighteval", path, tmp_path)


def test_averages_are_left_out_unless_named_and_then_have_the_items_of_their_parts(tmp_path):
    results = {"quiz:north|0": {"em": 0.2}, "quiz:south|0": {"em": 0.4}, "quiz:_average|0": {"em": 0.3}}
    path = ladder(tmp_path, lambda i: results | {"all": {"em": 0.3}}, docs=50)
    frame, left_out = imported("lighteval", path, tmp_path)
    assert set(frame["task"]) == {"quiz:north", "quiz:south"} and {"all", "quiz:_average"} <= set(left_out)
    frame, _ = imported("lighteval", path, tmp_path, tasks=("quiz:_average",))
    assert columns(frame, "score", "trials")["brook-1b"] == [0.3, 100]


@pytest.mark.parametrize(
    ("native", "of_table"),
    [
        ("pass@k:k=1&n=8", "exact_match"),
        ("math_pass@1:8_samples", "exact_match"),
        ("avg@n:n=8", "exact_match"),
        ("extractive_match", "exact_match"),
        ("pass@k:k=4&n=8", "pass_at_k"),
        ("acc:logprob_normalization=chars", "choice"),
    ],
)
def test_metrics_with_parameters_in_their_names_are_understood(tmp_path, native, of_table):
    path = ladder(tmp_path, lambda i: {"locks|0": {native: 0.3}}, docs=50)
    frame, _ = imported("lighteval", path, tmp_path, chance=of_all("--chance", 0.25))
    assert set(frame["metric"]) == {of_table}


def test_an_odd_metric_is_named_and_taken_where_it_is_asked_for(tmp_path):
    path = ladder(tmp_path, lambda i: {"locks|0": {"maj@8": 0.3, "chrf": 40.0, "em": 0.2}}, docs=50)
    frame, left_out = imported("lighteval", path, tmp_path)
    assert set(frame["score"]) == {0.2} and {"locks: maj@8", "locks: chrf"} <= set(left_out)
    assert set(imported("lighteval", path, tmp_path, metric=metric(locks="maj@8"))[0]["score"]) == {0.3}


def test_answers_beside_the_results_tell_items_and_chance(tmp_path):
    path = ladder(tmp_path, lambda i: {"locks|0": {"acc": 0.0}}, docs=-1)
    for model in SIZES:
        folder = path / "details" / model / "now"
        folder.mkdir(parents=True)
        answers = pd.DataFrame({"doc": [{"choices": ["a", "b"]}] * 7, "metric": [{"acc": 0.0}] * 7})
        answers.to_parquet(folder / "details_locks|0_now.parquet")
    frame, _ = imported("lighteval", path, tmp_path)
    assert columns(frame, "trials", "chance")["brook-1b"] == [7, 0.5]
    for file in path.rglob("*.parquet"):
        file.write_bytes(b"PAR1")
    with pytest.raises(ForecastError, match="number of items"):
        imported("lighteval", path, tmp_path, chance=of_all("--chance", 0.5))


def test_a_broken_file_beside_good_ones_is_named_and_alone_an_error(tmp_path):
    path = ladder(tmp_path, lambda i: {"locks|0": {"em": i / 10}}, docs=50)
    write(path, {"results/x/results_cut.json": '{"results": ', "results/x/results_none.json": {"results": {}}})
    frame, left_out = imported("lighteval", path, tmp_path)
    assert len(frame) == 4 and len(left_out) == 2
    with pytest.raises(ForecastError, match="of lighteval"):
        imported("lighteval", path / "results/x/results_none.json", tmp_path)
