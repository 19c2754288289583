"""Adjustments: what options change about a table as it is read, and that the command of a fit repeats them."""

import pandas as pd
import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.adjusting import Adjustments, adjustments
from forecast.table.dataset import data_hash, read_table
from tests.conftest import forecast_command

HEAD = "model,task,metric,score,trials,compute,params,tokens,family,seed\n"
SWEEP = (
    "a,t,exact_match,0.10,100,1e21,1e9,1.6e11,f,1\n"
    "a,t,exact_match,0.30,300,1e21,1e9,1.6e11,f,2\n"
    "b,t,exact_match,0.31,100,1e22,2e9,8e11,f,1\n"
    "c,t,exact_match,0.52,100,1e22,2e9,8e11,f,1\n"
    "d,t,exact_match,0.64,100,1e23,4e9,4e12,f,1\n"
    "d,u,choice,0.30,,1e23,4e9,4e12,f,1\n"
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(HEAD + SWEEP)
    return path


def options(**given):
    named = {"tasks": None, "trials": [], "chance": [], "skip_unusable": False, "repeats": None, "best_of": None}
    return adjustments(**named | given)


def read(path, **given):
    sentences = []
    return read_table(path, adjust=options(**given), warn=sentences.append), sentences


def test_tasks_are_taken_and_unknown_ones_named(path):
    assert set(read(path, tasks="t")[0]["task"]) == {"t"}
    with pytest.raises(ForecastError, match="--tasks 'T2': no row is of a task of this name"):
        read(path, tasks="T2")


def test_counts_and_chances_fill_blanks_and_named_ones_outweigh_cells(path):
    frame, _ = read(path, trials=["500"], chance=["0.25"])
    last = frame.iloc[-1]
    assert (last["trials"], last["chance"]) == (500, 0.25)
    assert frame["trials"].iloc[0] == 100 and frame["chance"].iloc[0] == 0.0
    assert read(path, trials=["t=200", "u=40"])[0]["trials"].tolist() == [200] * 5 + [40]


def test_rows_of_which_a_named_task_replaces_the_cell_are_named_with_what_they_had(path):
    _, said = read(path, trials=["t=300", "u=40"])
    expected = "--trials of 't' replaces the trials of rows 2, 4-6, '100'; leave it out to keep them"
    assert [each for each in said if "--trials" in each] == [expected]


def test_a_value_for_all_tasks_that_fills_no_cell_is_said(path):
    frame, said = read(path, tasks="t", trials=["500"], chance=["0.25"])
    assert 500 not in set(frame["trials"])
    nothing = "changes nothing: no row that needs {0} is blank; --{0} TASK=VALUE replaces what a row has"
    expected = [f"--trials 500 {nothing.format('trials')}", f"--chance 0.25 {nothing.format('chance')}"]
    assert [each for each in said if each.startswith("--")] == expected
    assert not any(each.startswith("--") for each in read(path, trials=["500"], chance=["0.25"])[1])


def test_rows_that_cannot_be_used_are_left_out_and_named(path):
    with pytest.raises(TableError, match="row 7, column 'trials'"):
        read(path)
    frame, said = read(path, skip_unusable=True)
    assert set(frame["task"]) == {"t"}
    assert any("Left out 1 row that cannot be used: row 7, column 'trials'" in each for each in said)


def test_a_table_of_which_nothing_could_be_used_is_refused_with_its_problems(path):
    path.write_text(HEAD + SWEEP.replace("exact_match", "elo").replace("choice", "f1"))
    with pytest.raises(TableError, match="is not a known metric"):
        read(path, skip_unusable=True)


def test_too_few_runs_that_are_left_are_refused_with_what_was_left_out(path):
    path.write_text(HEAD + SWEEP.replace("0.52", "x").replace("0.31", "y"))
    with pytest.raises(TableError, match="fewer than three runs") as caught:
        read(path, skip_unusable=True, tasks="t")
    assert "value" in str(caught.value) and "'y', 'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("how", "models", "successes"),
    [
        ("latest", ["a", "b", "c", "d"], [90, 31, 52, 64]),
        ("best", ["a", "b", "c", "d"], [90, 31, 52, 64]),
        ("mean", ["a", "b", "c", "d"], [100, 31, 52, 64]),
        ("each", ["a #1", "a #2", "b", "c", "d"], [10, 90, 31, 52, 64]),
    ],
)
def test_several_rows_of_one_measurement_become_what_is_asked(path, how, models, successes):
    frame, _ = read(path, tasks="t", repeats=how)
    assert (frame["model"].tolist(), frame["successes"].tolist()) == (models, successes)


def test_several_rows_of_one_measurement_all_count_with_a_word_where_nothing_is_asked(path):
    frame, said = read(path, tasks="t")
    assert len(frame) == 5 and any("'a' on 't' in rows 2-3" in each and "--repeats" in each for each in said)


def test_losses_are_averaged_and_the_lowest_is_the_best(path):
    losses = SWEEP.replace("exact_match", "loss").replace("0.10,100", "2.5,").replace("0.30,300", "2.1,")
    path.write_text(HEAD + losses)
    assert read(path, tasks="t", repeats="mean")[0]["score"].iloc[0] == pytest.approx(2.3)
    assert read(path, tasks="t", repeats="best")[0]["score"].iloc[0] == 2.1


def test_rows_that_agree_in_all_columns_count_once_and_are_named(path):
    alone = data_hash(read(path, tasks="t")[0])
    path.write_text(HEAD + SWEEP + SWEEP)
    frame, said = read(path, tasks="t")
    assert data_hash(frame) == alone and frame["model"].nunique() == 4
    assert "5 rows repeat another row in all columns and count once: 8-12" in said[0]


def test_rows_that_agree_in_value_count_once_whatever_is_typed_or_left_blank(tmp_path):
    path = tmp_path / "t.csv"
    rows = ["a,t,exact_match,0.05,1000,1e21,owl,2024-01-02", "a ,t,exact_match,.050,1e3,1000e18,,2 Jan 2024"]
    rows += ["b,t,exact_match,0.2,1000,1e22,owl,", "c,t,exact_match,0.5,1000,1e23,owl,"]
    path.write_text("\n".join(["model,task,metric,score,trials,compute,family,date", *rows]))
    frame, said = read(path)
    assert frame["model"].tolist() == ["a", "b", "c"] and "1 row repeats another row in all columns" in said[0]


def test_rows_of_one_item_are_no_duplicates(tmp_path):
    path = tmp_path / "items.csv"
    rows = [f"m{run},t,exact_match,{item % 2},1,1e2{run}" for run in range(3) for item in range(4)]
    path.write_text("\n".join(["model,task,metric,score,trials,compute", *rows]))
    frame, said = read(path)
    assert len(frame) == 12 and not any("repeat" in each for each in said)


def test_the_best_run_of_a_size_is_kept(path):
    frame, said = read(path, tasks="t", repeats="best", best_of="params,tokens")
    assert frame["model"].tolist() == ["a", "c", "d"]
    assert any("left out 1 run that others of the size beat: b" in each for each in said)


def test_the_best_run_of_a_size_has_the_lowest_loss_where_there_are_losses(path):
    path.write_text(HEAD + SWEEP + "b,val,loss,2.0,,1e22,2e9,8e11,f,1\nc,val,loss,2.4,,1e22,2e9,8e11,f,1\n")
    frame, _ = read(path, tasks="t,val", repeats="best", best_of="params,tokens")
    assert set(frame["model"]) == {"a", "b", "d"}


@pytest.mark.parametrize(("option", "value"), [("repeats", "newest"), ("best_of", "size")])
def test_options_that_are_none_are_refused_with_those_there_are(path, option, value):
    with pytest.raises(ForecastError, match=r"give (some|one) of"):
        read(path, tasks="t", **{option: value})


def test_the_words_of_adjustments_make_the_same_adjustments():
    given = options(
        tasks='"a, b",c', trials=["5", "c=70"], chance=["c=0.25"], skip_unusable=True, repeats="mean", best_of="params"
    )
    words = given.words()
    values = {name: [words[n + 1] for n, word in enumerate(words) if word == name] for name in words if name[0] == "-"}
    again = options(
        tasks=values["--tasks"][0],
        trials=values["--trials"],
        chance=values["--chance"],
        skip_unusable="--skip-unusable" in words,
        repeats=values["--repeats"][0],
        best_of=values["--best-of"][0],
    )
    assert again == given and Adjustments().words() == []


def test_validate_takes_the_options_and_counts_models_as_runs(path):
    arguments = ("validate", path, "--skip-unusable", "--repeats", "mean")
    answer = forecast_command(*arguments, "--json").json
    assert (answer["rows"], answer["runs"]) == (4, 4) and answer["tasks"][0]["runs"] == 4
    assert answer["tasks"][0]["trials"] == [100, 400]
    printed = forecast_command(*arguments).out
    assert printed.index("warning: ") < printed.index("compute: 1.0e21 to 1.0e23 FLOP") < printed.index("position")
    assert "task (as in --task)" in printed and "--task t --at 0.5" in printed


def test_import_says_what_is_strange_in_its_output_and_turns_perplexities_into_losses(tmp_path):
    path, output = tmp_path / "wide.csv", tmp_path / "out.csv"
    path.write_text("model,compute,val\na,1e20,50\nb,1e21,20\nc,1e22,10\n")
    done = forecast_command("import", "wide", path, "-o", output, "--metric", "loss")
    assert done.code == 1 and "--metric perplexity" in done.err and not output.exists()
    done = forecast_command("import", "wide", path, "-o", output, "--metric", "perplexity", "--json")
    assert done.code == 0 and any("Only 3 runs" in each for each in done.json["warnings"])
    assert pd.read_csv(output)["score"].tolist() == pytest.approx([3.912, 2.996, 2.303], abs=1e-3)
    forecast_command("import", "wide", path, "-o", output, "--metric", "val=bits_per_byte")


@pytest.mark.parametrize(
    ("how", "models", "scores"),
    [
        ("latest", ["a", "b", "c"], [0.3, 0.4, 0.6]),
        ("best", ["a", "b", "c"], [0.3, 0.4, 0.6]),
        ("mean", ["a", "b", "c"], [0.2, 0.4, 0.6]),
        ("each", ["a #1", "a #2", "b", "c"], [0.1, 0.3, 0.4, 0.6]),
    ],
)
def test_import_of_a_wide_table_takes_repeated_models_as_asked(tmp_path, how, models, scores):
    path, output = tmp_path / "wide.csv", tmp_path / "out.csv"
    path.write_text("model,compute,sums\na,1e21,0.1\na,1e21,0.3\nb,1e22,0.4\nc,1e23,0.6\n")
    done = forecast_command("import", "wide", path, "-o", output, "--trials", "100")
    assert done.code == 1 and "--repeats latest, best or mean" in done.err
    done = forecast_command("import", "wide", path, "-o", output, "--trials", "100", "--repeats", how)
    frame = pd.read_csv(output)
    assert done.code == 0 and frame["model"].tolist() == models and frame["score"].tolist() == pytest.approx(scores)


def test_runs_of_one_name_that_differ_in_compute_are_runs_of_their_own_where_each_is(tmp_path):
    path, output = tmp_path / "wide.csv", tmp_path / "out.csv"
    path.write_text("model,compute,sums\na,1e21,0.1\na,2e21,0.3\nb,1e22,0.4\nc,1e23,0.6\n")
    assert forecast_command("import", "wide", path, "-o", output, "--trials", "100", "--repeats", "each").code == 0
    assert pd.read_csv(output)["compute"].tolist() == [1e21, 2e21, 1e22, 1e23]


def test_the_command_of_a_fit_repeats_its_adjustments(prior_fit, path):
    from dataclasses import replace

    from forecast.report.complaints import fit_command

    fit = prior_fit(read(path, tasks="t")[0], draws=2)
    adjusted = replace(fit, adjusted=tuple(options(tasks="t", repeats="mean").words()))
    assert "--tasks t --repeats mean" in fit_command(adjusted, path, "out.nc")
    assert adjusted.provenance()["adjusted"] == ["--tasks", "t", "--repeats", "mean"]
