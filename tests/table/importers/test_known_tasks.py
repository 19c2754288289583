"""Known tasks: what the name of a public benchmark adds to results that do not say it, and its parts."""

import tomllib

import pytest

from forecast.errors import ForecastError
from forecast.table.importers.known_tasks.catalogue import known_task
from forecast.table.importers.known_tasks.parts import GROUPS, part_of
from tests.table.importers.runs import NAMES, harness, imported, option, write


def old(tmp_path, scores, **rest):
    """Results of a version that does not say how answers are given."""
    for rung, model in enumerate(NAMES, start=1):
        write(tmp_path / f"runs/{model}.json", harness(model, scores(rung), kind=None, **rest))
    return tmp_path / "runs"


def wide(tmp_path, header, *rows):
    lines = [f"{name},{cells}" for name, cells in zip(NAMES, rows, strict=True)]
    return write(tmp_path / "wide.csv", "\n".join([f"model,{header}", *lines]) + "\n")


@pytest.mark.parametrize(
    ("name", "is_choice", "chance", "items"),
    [
        ("gsm8k", False, None, 1319),
        ("GSM8K (8-shot)", False, None, 1319),
        ("gsm8k_cot", False, None, 1319),
        ("minerva_math_algebra", False, None, None),
        ("math_prealgebra", False, None, None),
        ("lambada_openai", False, None, 5153),
        ("triviaqa", False, None, None),
        ("nq_open", False, None, 3610),
        ("HumanEval", False, None, 164),
        ("ARC-Challenge", True, 0.25, 1172),
        ("ARC-c", True, 0.25, 1172),
        ("arc:easy", True, 0.25, 2376),
        ("HellaSwag 10-shot", True, 0.25, 10042),
        ("WinoGrande", True, 0.5, 1267),
        ("mathqa", True, 0.2, 2985),
        ("MMLU", True, 0.25, 14042),
        ("MMLU-Pro", True, 0.1, 12032),
        ("mmlu_anatomy", True, 0.25, None),
        ("TruthfulQA MC1", True, 0.226, 817),
        ("inspect_evals/boolq", True, 0.5, 3270),
        ("leaderboard_gpqa_diamond", True, 0.25, 198),
    ],
)
def test_a_task_is_known_however_its_name_is_written(name, is_choice, chance, items):
    found = known_task(name)
    assert (found.is_choice, found.chance, found.items) == (is_choice, chance, items)


@pytest.mark.parametrize("name", ["sums", "tinyMMLU", "my_gsm8k", "arc_agi", "raced", "overall", ""])
def test_other_tasks_are_not_known(name):
    assert known_task(name) is None


def test_generated_answers_are_exact_match_whatever_chance_is_given_for_all(tmp_path):
    path = old(tmp_path, lambda rung: {"gsm8k": {"acc": rung / 99}, "quiz": {"acc": 0.3}, "hellaswag": {"acc": 0.4}})
    frame, _, notes = imported(path, chance=option("chance", general=0.2))
    found = frame.groupby("task")[["metric", "chance"]].first().T.to_dict("list")
    assert found == {"gsm8k": ["exact_match", 0.0], "hellaswag": ["choice", 0.25], "quiz": ["choice", 0.2]}
    assert "gsm8k: exact match, since answers are generated: known task (else --metric 'gsm8k=choice')" in notes
    assert "chance 0.25 of hellaswag: known task" in notes


def test_the_user_outweighs_what_is_known(tmp_path):
    path = old(tmp_path, lambda rung: {"gsm8k": {"acc": rung / 9}, "hellaswag": {"acc": 0.4}}, items=None)
    frame, _, _ = imported(
        path,
        metric=option("metric", gsm8k="choice"),
        chance=option("chance", gsm8k=0.1, hellaswag=0.3),
        trials=option("trials", gsm8k=7, hellaswag=9),
    )
    found = frame.groupby("task")[["metric", "chance", "trials"]].first().T.to_dict("list")
    assert found == {"gsm8k": ["choice", 0.1, 7], "hellaswag": ["choice", 0.3, 9]}
    frame, _, _ = imported(path, metric=option("metric", hellaswag="exact_match"))
    assert set(frame["metric"]) == {"exact_match"} and set(frame["chance"]) == {0.0}


def test_the_file_outweighs_what_is_known_and_other_items_are_said(tmp_path):
    configs = {"arc_easy": {"output_type": "multiple_choice", "doc_to_choice": ["a", "b"]}}
    path = old(tmp_path, lambda rung: {"arc_easy": {"acc": 0.6}}, configs=configs)
    frame, _, notes = imported(path)
    assert set(frame["chance"]) == {0.5} and set(frame["trials"]) == {200}
    assert "known task of chance 0.25, but the file says otherwise" in notes
    assert "known task of 2376 items, but the file says 200" in notes


def test_a_choice_whose_answers_a_file_generates_is_exact_match(tmp_path):
    for model in NAMES:
        write(tmp_path / f"runs/{model}.json", harness(model, {"mmlu_pro": {"exact_match,custom": 0.3}}))
    frame, _, notes = imported(tmp_path / "runs")
    assert set(frame["metric"]) == {"exact_match"} and "--metric 'mmlu_pro=choice'" in notes
    frame, _, _ = imported(tmp_path / "runs", metric=option("metric", mmlu_pro="choice"))
    assert set(frame["metric"]) == {"choice"} and set(frame["chance"]) == {0.1}


def test_a_column_that_is_known_as_a_choice_is_taken_so_and_that_is_said(tmp_path):
    path = wide(tmp_path, "MMLU,sums", ".3,.1", ".4,.2", ".5,.3")
    frame, _, notes = imported(path, format="wide", trials=option("trials", sums=50))
    found = frame.groupby("task")[["metric", "chance", "trials"]].first().T.to_dict("list")
    assert found == {"MMLU": ["choice", 0.25, 14042], "sums": ["exact_match", 0.0, 50]}
    assert "--metric 'MMLU=exact_match' if answers were generated" in notes and "14042 items of MMLU" in notes
    frame, _, _ = imported(
        path, format="wide", trials=option("trials", sums=50), metric=option("metric", MMLU="exact_match")
    )
    assert set(frame["metric"]) == {"exact_match"}


def test_a_column_of_a_choice_with_scores_below_its_chance_stays_exact_match(tmp_path):
    path = wide(tmp_path, "MMLU", ".02", ".1", ".5")
    frame, _, notes = imported(path, format="wide")
    assert set(frame["metric"]) == {"exact_match"} and "scores lie below chance" in notes


@pytest.mark.parametrize(("given", "items"), [({}, 164), ({"general": 80}, 80), ({"HumanEval": 70}, 70)])
def test_items_of_a_known_task_stand_in_where_none_are_given(tmp_path, given, items):
    path = wide(tmp_path, "HumanEval", ".1", ".2", ".3")
    assert set(imported(path, format="wide", trials=option("trials", **given))[0]["trials"]) == {items}


MMLU = [part.split()[0] for part in tomllib.loads(GROUPS.read_text())["group"][0]["parts"]]


@pytest.mark.parametrize("prefix", ["mmlu_", "hendrycksTest-"])
def test_the_subtasks_of_mmlu_count_as_one_task(tmp_path, prefix):
    def scores(rung):
        return {f"{prefix}{part}": {"acc": (rung + (place == 0)) / 5} for place, part in enumerate(MMLU)}

    frame, left_out, notes = imported(old(tmp_path, scores, items=10))
    assert set(frame["task"]) == {"mmlu"} and set(frame["trials"]) == {570} and set(frame["chance"]) == {0.25}
    assert frame["score"].tolist() == pytest.approx([(rung * 57 + 1) / 285 for rung in (1, 2, 3)]) and not left_out
    assert "mmlu: its 57 subtasks count as one task" in notes


def test_a_model_that_lacks_subtasks_is_left_out_and_where_all_do_they_stay_apart(tmp_path):
    def scores(parts):
        return {f"mmlu_{part}": {"acc": 0.4} for part in parts} | {"mmlu_stem": {"acc": 0.4}}

    groups = {"mmlu_stem": ["mmlu_anatomy"]}
    path = old(tmp_path, lambda rung: scores(MMLU), group_subtasks=groups)
    write(path / "owl-d.json", harness("owl-d", scores(MMLU[1:]), kind=None, group_subtasks=groups))
    frame, left_out, _ = imported(path)
    assert len(frame) == 3 and left_out == {"mmlu of owl-d": "has 56 of its 57 subtasks with their items"}
    frame, left_out, _ = imported(old(tmp_path / "few", lambda rung: scores(MMLU[:2]), group_subtasks=groups))
    assert set(frame["task"]) == {f"mmlu_{part}" for part in MMLU[:2]} and list(left_out) == ["mmlu_stem"]


def test_subtasks_that_are_named_are_taken_apart(tmp_path):
    path = old(tmp_path, lambda rung: {f"mmlu_{part}": {"acc": 0.4} for part in MMLU})
    frame, _, _ = imported(path, tasks=("mmlu_anatomy",))
    assert set(frame["task"]) == {"mmlu_anatomy"}
    assert set(imported(path, tasks=("mmlu",))[0]["task"]) == {"mmlu"}


def test_a_metric_of_all_parts_is_offered_once_and_taken_by_the_name_of_the_whole(tmp_path):
    parts = ("algebra", "counting_and_prob", "geometry", "intermediate_algebra", "num_theory", "prealgebra", "precalc")
    path = old(tmp_path, lambda rung: {f"minerva_math_{part}": {"em": rung / 9, "judged": 0.5} for part in parts})
    frame, left_out, _ = imported(path)
    assert set(frame["task"]) == {"minerva_math"} and set(frame["trials"]) == {1400}
    assert left_out.keys() == {"minerva_math: judged"} and "--metric 'judged'" in left_out["minerva_math: judged"]
    for asked in (option("metric", minerva_math="judged"), option("metric", general="judged")):
        frame, _, _ = imported(path, metric=asked)
        assert set(frame["task"]) == {"minerva_math"} and set(frame["score"]) == {0.5}


def test_parts_of_a_task_are_known_by_each_of_their_names():
    assert part_of("minerva_math_num_theory")[::2] == part_of("minerva_math_number_theory")[::2] == ("minerva_math", 7)
    assert part_of("bbh_cot_fewshot_snarks").whole == "bbh_cot_fewshot" and part_of("mmlu_stem") is None


def test_a_choice_that_is_not_known_still_needs_its_chance(tmp_path):
    with pytest.raises(ForecastError, match="'quiz': a choice among given answers needs the chance"):
        imported(old(tmp_path, lambda rung: {"quiz": {"acc": 0.3}, "piqa": {"acc": 0.6}}))
