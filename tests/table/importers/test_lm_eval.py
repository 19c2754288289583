"""Results of lm-evaluation-harness: files of any name, broken ones, metrics that no list has, and adapters."""

import pytest

from forecast.errors import ForecastError
from forecast.table.importers.results.lm_eval import model_name
from tests.table.importers.runs import NAMES, harness, imported, option, write


def ladder(tmp_path, scores, *, name="results_{}.json", **rest):
    """A folder of results files, the scores of each a function of its rung from 1."""
    for rung, model in enumerate(NAMES, start=1):
        write(tmp_path / "runs" / name.format(model), harness(model, scores(rung), **rest))
    return tmp_path / "runs"


def exact(rung):
    return {"exact_match,none": rung / 5}


@pytest.mark.parametrize("name", ["{}_8-shot.json", "{0}/{0}.json", "evals/2024/{}/output.json"])
def test_results_are_found_whatever_their_files_are_called(tmp_path, name):
    path = ladder(tmp_path, exact, name=name)
    write(path / "config.json", {"hidden_size": 12})
    write(path / "log.json", {"results": {"scores": [{"name": "match"}]}})
    write(path / "list.json", [1, 2])
    frame, left_out, notes = imported(path)
    assert len(frame) == 3 and not left_out and "passed over 3 JSON files without results" in notes


@pytest.mark.parametrize("content", ['{"results": {"sums": {', "", "[" * 100_000, "\x00"])
def test_a_broken_file_among_others_is_named_and_given_itself_an_error(tmp_path, content):
    path = ladder(tmp_path, exact)
    broken = write(path / "results_cut.json", content)
    frame, left_out, _ = imported(path)
    assert len(frame) == 3 and "is not JSON" in left_out[str(broken)]
    with pytest.raises(ForecastError, match="is not JSON"):
        imported(broken)


def test_a_folder_of_broken_files_alone_is_an_error_that_names_them(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"runs/{name}.json", "{")
    with pytest.raises(ForecastError, match=r"holds no results.*a\.json: is not JSON.*b\.json: is not JSON"):
        imported(tmp_path / "runs")
    write(tmp_path / "other/a.json", {"results": {"sums": {"em": 0.1}}})
    with pytest.raises(ForecastError, match="1 JSON file without results by task and a model"):
        imported(tmp_path / "other")


def test_a_score_that_cannot_be_costs_its_row_and_not_the_import(tmp_path):
    path = ladder(tmp_path, exact)
    write(path / "odd.json", harness("owl-d", {"sums": {"exact_match": 20.0}, "facts": {"exact_match": float("nan")}}))
    frame, left_out, _ = imported(path)
    assert len(frame) == 3
    assert {what.split(" of ")[0]: why.split(";")[0] for what, why in left_out.items()} == {
        "sums": "'20.0' is not a rate between 0 and 1",
        "facts": "'nan' is not a rate between 0 and 1",
    }


@pytest.mark.parametrize("asked", [option("metric", sums="judged"), option("metric", general="judged")])
def test_any_rate_of_the_file_can_be_asked_for(tmp_path, asked):
    path = ladder(tmp_path, lambda rung: {"judged,none": rung / 4, "exact_match,none": rung / 9})
    assert imported(path, metric=asked)[0]["score"].tolist() == [0.25, 0.5, 0.75]
    frame, left_out, _ = imported(path)
    assert frame["score"].tolist() == [1 / 9, 2 / 9, 3 / 9]
    assert "--metric 'sums=judged' takes it" in left_out["sums: judged"]


def test_a_metric_with_its_filter_can_be_asked_for(tmp_path):
    path = ladder(tmp_path, lambda rung: {"judged,strict": rung / 4, "judged,loose": rung / 3})
    assert imported(path, metric=option("metric", sums="judged,loose"))[0]["score"].tolist() == [1 / 3, 2 / 3, 1]


def test_a_metric_that_is_better_the_lower_it_is_or_no_rate_is_not_offered(tmp_path):
    rising = {"sums": {"wer": False, "points": True}}
    path = ladder(tmp_path, lambda rung: {"wer": 0.3, "points": 12.0 * rung, **exact(rung)}, higher_is_better=rising)
    _, left_out, _ = imported(path)
    assert "better the lower" in left_out["sums: wer"] and left_out["sums: points"] == "is no metric of a table"
    with pytest.raises(ForecastError, match="no such metric"):
        imported(path, metric=option("metric", sums="wer"))


def test_an_average_of_several_kinds_is_taken_for_a_table_metric_where_the_user_says_so(tmp_path):
    path = ladder(tmp_path, lambda rung: {"f1": rung / 7}, kind="multiple_choice")
    frame, _, _ = imported(path, metric=option("metric", sums="f1"))
    assert set(frame["metric"]) == {"exact_match"}


@pytest.mark.parametrize("name", ["hf", "./model", "checkpoints/final/"])
def test_models_that_all_go_by_one_word_are_called_by_their_folders(tmp_path, name):
    for rung, model in enumerate(NAMES, start=1):
        write(tmp_path / f"runs/{model}/results.json", harness(name, exact(rung)))
    assert imported(tmp_path / "runs")[0]["model"].tolist() == list(NAMES)


def test_two_files_of_one_run_count_once(tmp_path):
    path = ladder(tmp_path, exact)
    for name in NAMES:
        write(path / f"copy_{name}.json", (path / f"results_{name}.json").read_text())
    frame, left_out, _ = imported(path)
    assert len(frame) == 3 and not left_out


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("pretrained=nest/owl,peft=/ad/poet", "nest/owl+poet"),
        ({"pretrained": "/out/owl/hf/", "revision": "step5"}, "/out/owl/hf@step5"),
        ("pretrained=nest/owl,revision=main", "nest/owl"),
    ],
)
def test_an_adapter_or_a_revision_makes_another_model(arguments, name):
    assert model_name({"config": {"model_args": arguments}}) == name
