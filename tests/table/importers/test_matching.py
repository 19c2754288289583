"""Names of models: which row of the table of models each is, what is said of the others, and aliases."""

import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.importers.names.matching import matched
from forecast.table.importers.names.paths import readable_names
from tests.table.importers.runs import harness, imported, write


def found(names, rows, aliases=()):
    """The row of each model that has one, and the others."""
    names = [names] if isinstance(names, str) else names
    match = matched(names, [rows] if isinstance(rows, str) else rows, dict(aliases), "models.csv")
    return dict(match.row_of), {each.name: each for each in match.unmatched}


def folder(tmp_path, *names):
    for rung, name in enumerate(names):
        write(tmp_path / f"runs/results_{rung}.json", harness(name, {"exact_match,none": (rung + 1) / 10}))
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("nest/Owl-2-7b", "Owl 2 7B"),
        ("Owl_2_7B", "owl-2-7b"),
        ("nest/owl-2-7b", "Nest/Owl-2-7B"),
        ("vllm/nest/owl-2-7b", "nest/owl-2-7b"),
        ("openai/owl-4o", "owl-4o"),
        ("accounts/fireworks/models/owl-9b", "Owl-9b"),
        ("anthropic/owl-3-5-poem", "Owl 3.5 Poem"),
        ("nest/owl-2-7b-hf", "Owl-2-7B"),
        ("nest/owl-7b@main", "owl-7b"),
        ("/data/out/owl-7b/", "owl-7b"),
        ("./owl-7b/checkpoint-1000", "owl-7b"),
        ("~/.cache/hub/models--nest--owl-7b/snapshots/" + "ab" * 20, "nest/owl-7b"),
        ("C:\\out\\owl-7b\\final", "owl-7b"),
    ],
)
def test_a_name_is_found_however_it_is_written(name, row):
    assert list(found(name, [row, "another"])[0].values()) == [row]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("Owl-2-7b", "Owl-2-7b-chat"),
        ("owl-7b", "owl-70b"),
        ("owl-v1", "owl-v2"),
        ("owl-1-1b", "owl-11b"),
        ("owl-1-5b", "owl-1.5b"),
        ("owl-7b@step1000", "owl-7b"),
        ("nest/owl-7b", "barn/owl-7b"),
        ("nest/owl-8b", "owl_8b_v2"),
        ("nest/owl-3b", "owl-3b (base)"),
        ("owl-7b-gguf", "owl-7b"),
        ("owl", "howl"),
    ],
)
def test_a_name_is_not_taken_for_another_model(name, row):
    rows, unmatched = found(name, row)
    assert not rows and [each.why for each in unmatched.values()] == ["there is no such model"]


def test_a_name_that_may_be_two_rows_or_one_of_two_names_for_a_row_is_not_guessed():
    _, unmatched = found("owl-7b", ["nest/owl-7b", "barn/owl-7b"])
    assert "several models" in unmatched["owl-7b"].why and set(unmatched["owl-7b"].near) == {
        "nest/owl-7b",
        "barn/owl-7b",
    }
    rows, unmatched = found(["nest/owl", "barn/owl"], "owl")
    assert not rows and "'nest/owl' may be this model too" in unmatched["barn/owl"].why
    rows, unmatched = found(["nest/owl-7b-hf", "nest/owl-7b"], "Owl 7B")
    assert rows == {"nest/owl-7b": "Owl 7B"} and "may be this model too" in unmatched["nest/owl-7b-hf"].why


def test_the_likeliest_row_is_proposed_but_no_other_size_and_no_chat_model():
    _, unmatched = found(["owl-3b", "owl-7b", "owl-39b"], ["owl-3b (base)", "owl-7b-chat", "owl-9b"])
    assert unmatched["owl-3b"].proposed == "owl-3b (base)"
    assert unmatched["owl-7b"].proposed is None and "owl-7b-chat" in unmatched["owl-7b"].near
    assert unmatched["owl-39b"].proposed is None and "owl-9b" in unmatched["owl-39b"].near


@pytest.mark.parametrize(
    ("paths", "called"),
    [
        (["/r/d10/hf/", "/r/d14/hf/"], ["d10", "d14"]),
        (["/r/d10/checkpoint-5", "/r/d14/checkpoint-9"], ["d10", "d14"]),
        (["/r/d10/step5-hf", "/r/d10/step9-hf"], ["d10/step5-hf", "d10/step9-hf"]),
        (["/r/a/owl", "/r/b/owl"], ["a", "b"]),
        (["/r/a/owl-1b", "/r/b/owl-3b"], ["owl-1b", "owl-3b"]),
        (["nest/owl", "barn/owl"], ["nest/owl", "barn/owl"]),
        (["out/d10/final", "out/d14/final/"], ["d10", "d14"]),
        (["hf", "model"], ["hf", "model"]),
    ],
)
def test_a_path_is_called_by_the_part_that_tells_it_from_the_others(paths, called):
    assert list(readable_names(paths).values()) == called


def test_the_table_has_the_readable_name_and_what_was_matched_is_said(tmp_path):
    path = folder(tmp_path, *(f"/data/{name}/hf/" for name in ("d1", "d2", "d3")))
    frame, _, notes = imported(path, models="model,compute\nd1,1e20\nd2,1e21\nd3,1e22\n")
    assert frame["model"].tolist() == ["d1", "d2", "d3"]
    assert notes.startswith("found in models.csv by another spelling: /data/d1/hf is 'd1'; ")


def test_a_path_in_the_table_of_models_is_found_as_it_stands(tmp_path):
    names = [f"/data/{name}/hf" for name in ("d1", "d2", "d3")]
    models = "model,compute\n" + "".join(f"{name},1e2{rung}\n" for rung, name in enumerate(names))
    assert len(imported(folder(tmp_path, *names), models=models)[0]) == 3


UNLIKE = "model,compute\nOwl 1B,1e20\nOwl-3B (base),1e21\nowl_8b_v2,1e22\n"


def test_models_that_are_not_found_are_named_before_any_other_problem_with_lines_to_copy(tmp_path):
    path = folder(tmp_path, "nest/Owl-1B", "nest/Owl-3B", "nest/Owl-8B")
    with pytest.raises(ForecastError) as caught:
        imported(path, models=UNLIKE)
    lines = str(caught.value).splitlines()
    assert lines[0] == "2 of 3 models of the results are not in models.csv"
    assert lines[1].startswith(
        "  model nest/Owl-3B: there is no such model in models.csv; did you mean 'Owl-3B (base)'"
    )
    assert lines[4:6] == ["  nest/Owl-3B,Owl-3B (base)", "  nest/Owl-8B,owl_8b_v2"]
    assert "fewer than three runs" in lines[-1]


def test_they_are_named_before_a_chance_that_is_missing(tmp_path):
    write(tmp_path / "runs/results.json", harness("nest/Owl-9B", {"acc,none": 0.3}, kind="multiple_choice"))
    with pytest.raises(ForecastError, match=r"(?s)^1 of 1 model.*NAME IN models.csv.*needs the chance of a guess"):
        imported(tmp_path / "runs", models="model,compute\nWren,1e20\n")


ALIASES = "nest/Owl-3B,Owl-3B (base)\nnest/Owl-8B,owl_8b_v2\n"


@pytest.mark.parametrize("header", ["", "name in results,name in models table\n", "\ufeffmodel,alias\n"])
def test_an_alias_file_names_models_with_or_without_a_header(tmp_path, header):
    frame, left_out, _ = imported(
        folder(tmp_path, "nest/Owl-1B", "nest/Owl-3B/", "nest/Owl-8B"), models=UNLIKE, aliases=header + ALIASES
    )
    assert set(frame["model"]) == {"nest/Owl-1B", "Owl-3B (base)", "owl_8b_v2"} and not left_out


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_an_alias_file_may_part_its_cells_otherwise(tmp_path, delimiter):
    path = folder(tmp_path, "nest/Owl-1B", "nest/Owl-3B", "nest/Owl-8B")
    assert len(imported(path, models=UNLIKE, aliases=ALIASES.replace(",", delimiter))[0]) == 3


def test_two_names_may_be_one_model_by_alias(tmp_path):
    path = folder(tmp_path, "a", "b", "c", "d")
    write(tmp_path / "runs/other.json", harness("c-again", {"facts": {"exact_match": 0.9}}))
    frame, _, _ = imported(path, models="model,compute\na,1e20\nb,1e21\nc,1e22\nd,1e23\n", aliases="c-again,c\n")
    assert set(frame.loc[frame["model"] == "c", "task"]) == {"sums", "facts"}


def test_names_that_an_alias_file_does_not_know_are_named(tmp_path):
    path = folder(tmp_path, "nest/Owl-1B", "nest/Owl-3B", "nest/Owl-8B")
    with pytest.raises(TableError) as caught:
        imported(path, models=UNLIKE, aliases="nest/Owl-3B,Owl-3B base\nnest/Owl-8B\n")
    assert [(each.row, each.value) for each in caught.value.problems] == [(1, "Owl-3B base"), (2, "nest/Owl-8B")]
    assert "did you mean 'Owl-3B (base)'?" in str(caught.value)
    _, _, notes = imported(path, models=UNLIKE, aliases=ALIASES + "nest/Owl-30B,Owl 1B\n")
    assert "aliases.csv, row 3: no result has the model 'nest/Owl-30B'; did you mean" in notes


@pytest.mark.parametrize("text", ["", "a,b\na,c\n", "a,b,c\n", "a\n"])
def test_an_alias_file_that_makes_no_sense_is_a_known_error(tmp_path, text):
    path = folder(tmp_path, "a", "b", "c")
    with pytest.raises(ForecastError):
        imported(path, models="model,compute\na,1e20\nb,1e21\nc,1e22\n", aliases=text)


def test_parameters_of_the_results_stand_in_where_the_table_of_models_has_tokens_alone(tmp_path):
    for rung, name in enumerate(("a", "b", "c"), start=1):
        config = {"model_num_parameters": rung * 10**9}
        write(tmp_path / f"runs/{name}.json", harness(name, {"exact_match,none": rung / 10}, config=config))
    frame, _, _ = imported(tmp_path / "runs", models="model,tokens\na,1e12\nb,1e12\nc,1e12\n")
    assert frame["params"].tolist() == [1e9, 2e9, 3e9]
    with pytest.raises(ForecastError, match=r"add --models MODELS\.csv with columns model and tokens"):
        imported(tmp_path / "runs", models=None)
