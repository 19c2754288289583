"""The command `import`: what it prints, its exit codes, and the file that it writes or does not."""

import json
import math
import zipfile

import pytest

from forecast.table.importers.formats import FORMATS
from tests.conftest import forecast_command

MODELS = "model,compute,family\n" + "".join(f"toy-{i},1e2{i},toy\n" for i in range(1, 5))
WIDE = "model,sums,picks\n" + "".join(f"toy-{i},0.{i},0.{i + 2}\n" for i in range(1, 5))
OPTIONS = ("--trials", "1000", "--metric", "picks=choice", "--chance", "picks=0.25")


def results(model, rate=0.2, **rest):
    found = {"exact_match,none": rate, "alias": "sums"}
    return {"results": {"sums": found}, "n-samples": {"sums": {"effective": 500}}, "model_name": model} | rest


@pytest.fixture
def folder(tmp_path):
    """Results of four models, and what is known of them."""
    (tmp_path / "models.csv").write_text(MODELS)
    (tmp_path / "wide.csv").write_text(WIDE)
    for i in range(1, 5):
        path = tmp_path / "runs" / f"toy-{i}" / "results_2024.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(results(f"toy-{i}", i / 5)))
    return tmp_path


def run(folder, format="lm-eval", path="runs", *options):
    return forecast_command(
        "import", format, folder / path, "-o", folder / "t.csv", "--models", folder / "models.csv", *options
    )


@pytest.mark.parametrize(("format", "path", "options"), [("lm-eval", "runs", ()), ("wide", "wide.csv", OPTIONS)])
def test_an_imported_table_is_valid(folder, format, path, options):
    done = run(folder, format, path, *options)
    assert done.code == 0 and done.err == "warning: Only 4 runs can be learned from; at least 5 are needed.\n"
    assert f"{folder / 't.csv'}: " in done.out
    facts = forecast_command("validate", folder / "t.csv", "--json").json
    assert facts["runs"] == 4 and facts["problems"] == []
    assert {task["metric"] for task in facts["tasks"]} <= {"exact_match", "choice"}


def test_the_answer_says_what_is_in_the_table_and_what_is_not(folder):
    (folder / "runs" / "results_odd.json").write_text(json.dumps(results("toy-\x1b[31m9")))
    done = run(folder, "lm-eval", "runs", "--json")
    assert done.code == 0 and set(done.json) == {"table", "rows", "models", "tasks", "left_out", "notes", "warnings"}
    assert done.json["table"] == str(folder / "t.csv") and done.json["rows"] == 4
    assert done.json["models"] == [f"toy-{i}" for i in range(1, 5)] and done.json["tasks"] == ["sums"]
    assert [set(each) for each in done.json["left_out"]] == [{"what", "why"}]
    assert done.json["left_out"][0]["why"].startswith("there is no such model in models.csv")
    assert done.err.startswith("left out: model toy-\\x1b[31m9: ") and "--alias aliases.csv" in done.err


def test_models_that_are_called_otherwise_are_named_with_lines_that_alias_takes(folder):
    (folder / "models.csv").write_text(MODELS.replace("toy-1,", "toy-1 (base),").replace("toy-2,", "toy_2_v3,"))
    done = run(folder)
    assert done.code == 1 and done.err.startswith("error: 2 of 4 models of the results are not in models.csv\n")
    lines = done.err.splitlines()
    start = lines.index(next(line for line in lines if "--alias aliases.csv" in line)) + 1
    (folder / "aliases.csv").write_text("\n".join(line.strip() for line in lines[start : start + 2]))
    done = run(folder, "lm-eval", "runs", "--alias", folder / "aliases.csv", "--json")
    assert done.code == 0 and done.json["models"] == ["toy-1 (base)", "toy_2_v3", "toy-3", "toy-4"]
    assert done.json["left_out"] == [] and done.json["notes"] == []


def test_text_that_is_no_unicode_is_escaped(folder):
    odd = {"results": {"sums": {"exact_match,\ud800": 0.1}, "\ud800": {"f1": 2, "em": 0.5}}}
    for path in (folder / "runs").rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | odd))
    done = run(folder, "lm-eval", "runs", "--trials", "9", "--json")
    assert done.code == 0 and done.json["tasks"] == ["sums", "\\ud800"]
    assert done.json["left_out"] == [{"what": "\\ud800: f1", "why": "is no metric of a table"}]
    assert "exact_match,\\ud800" in (folder / "t.csv").read_text(encoding="utf-8")


def test_the_summary_names_tasks_items_and_scores(folder):
    done = run(folder, "wide", "wide.csv", *OPTIONS)
    assert "8 rows, 4 models, 2 tasks" in done.out
    assert "sums (exact_match): 4 models, 1000 items, scores 0.1 to 0.4" in done.out
    assert "picks (choice, chance 0.25): 4 models, 1000 items, scores 0.3 to 0.6" in done.out


def test_a_table_can_be_parquet_and_replaces_the_one_that_is_there(folder):
    for name in ("t.csv", "t.parquet"):
        (folder / name).write_text("old")
        options = ("-o", folder / name, "--models", folder / "models.csv")
        assert forecast_command("import", "lm-eval", folder / "runs", *options).code == 0
    hashes = [forecast_command("validate", folder / name, "--json").json["tasks"] for name in ("t.csv", "t.parquet")]
    assert hashes[0] == hashes[1]


def test_a_file_that_is_read_is_not_replaced(folder):
    for name in ("models.csv", "wide.csv"):
        options = ("-o", folder / name, "--models", folder / "models.csv", "--trials", "9")
        done = forecast_command("import", "wide", folder / "wide.csv", *options)
        assert done.code == 1 and "is read by this command" in done.err
    assert (folder / "models.csv").read_text() == MODELS and (folder / "wide.csv").read_text() == WIDE


def test_without_models_the_error_names_those_that_were_found(folder):
    done = forecast_command("import", "lm-eval", folder / "runs", "-o", folder / "t.csv")
    assert done.code == 1 and "--models" in done.err and "'toy-1', 'toy-2', 'toy-3', 'toy-4'" in done.err


def test_nothing_left_is_an_error_with_the_reasons(folder):
    (folder / "models.csv").write_text("model,compute\nother,1e21\n")
    done = run(folder)
    assert done.code == 1 and "nothing is left" in done.err and "model toy-4: there is no such model" in done.err


def test_a_table_that_would_not_be_valid_is_not_written(folder):
    (folder / "models.csv").write_text("model,compute\ntoy-1,1e21\ntoy-2,1e22\n")
    done = run(folder)
    assert done.code == 1 and "fewer than three runs" in done.err and str(folder / "t.csv") in done.err
    assert not (folder / "t.csv").exists() and not list(folder.glob(".t.csv*"))


BAD = {  # file, content, format, what is said
    "not JSON": ("results.json", "{", "lm-eval", "is not JSON"),
    "not text": ("results.json", b"\xff\xfe\x00", "lm-eval", "is not JSON"),
    "nested": ("results.json", "[" * 100_000, "lm-eval", "nested too deeply"),
    "list": ("results.json", "[]", "lm-eval", "has no 'results'"),
    "other": ("results.json", '{"results": 3}', "lm-eval", "has no 'results'"),
    "no model": ("results.json", json.dumps(results("")), "lm-eval", "names no model"),
    "NaN": ("results.json", json.dumps(results("a", math.nan)), "lm-eval", "'exact_match': 'nan' is not a rate"),
    "percent": ("results.json", json.dumps(results("a", 20.0)), "lm-eval", "'20.0' is not a rate between 0 and 1"),
    "text": ("results.json", json.dumps(results("a", "0.2")), "lm-eval", "'0.2' is not a rate"),
    "huge": ("results.json", json.dumps(results("a", 10**400)), "lm-eval", "is not a rate"),
    "no log": ("log.json", json.dumps(results("a")), "inspect", "is no log of Inspect"),
    "no archive": ("log.eval", "{}", "inspect", "is not a zip archive"),
    "no models": ("wide.csv", "who,sums\na,0.1\n", "wide", "no column is named 'model'"),
    "twice": ("wide.csv", "model,sums,sums\na,0.1,0.1\n", "wide", "two columns are named 'sums'"),
    "nothing": ("wide.csv", "", "wide", "the file is empty"),
    "ragged": ("wide.csv", "model,sums\na,0.1,3\n", "wide", "row 2, value 'a,0.1,3'"),
    "format": ("results.json", "{}", "lm_eval", "did you mean lm-eval? There are: lm-eval, inspect"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_known_error_that_leaves_no_file(name, folder):
    file, content, format, said = BAD[name]
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run(folder, format, file, "--trials", "9", *(("--tasks", "sums") if format == "wide" else ()))
    assert done.code == 1 and done.out == "" and done.err.startswith("error: ") and said in done.err, done.err
    assert not (folder / "t.csv").exists()


def test_an_archive_that_is_damaged_is_a_known_error(folder):
    with zipfile.ZipFile(folder / "log.eval", "w") as archive:
        archive.writestr("header.json", "{}" * 100)
    content = (folder / "log.eval").read_bytes()
    (folder / "log.eval").write_bytes(content.replace(b"{}{}", b"[][]", 1))
    done = run(folder, "inspect", "log.eval")
    assert done.code == 1 and "is not a zip archive that can be read" in done.err and done.err.count("\n") == 1


def test_a_path_that_is_not_there_or_a_folder_without_results_is_a_known_error(folder):
    assert "there is no such file or folder" in run(folder, "lm-eval", "nowhere").err
    (folder / "empty").mkdir()
    assert "holds no file *.json" in run(folder, "lm-eval", "empty").err
    assert "is a directory" in run(folder, "wide", "runs").err
    (folder / "models.csv").unlink()
    assert "there is no such file" in run(folder).err


@pytest.mark.parametrize(
    "options",
    [
        ("--trials", "many"),
        ("--trials", "0"),
        ("--trials", "1.5"),
        ("--chance", "1"),
        ("--chance", "sums=nan"),
        ("--metric", "a="),
    ],
    ids=" ".join,
)
def test_values_that_make_no_sense_are_named(folder, options):
    done = run(folder, "lm-eval", "runs", *options)
    assert done.code == 1 and done.err.startswith(f"error: {options[0]} '{options[1]}': ") and done.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("import",), ("import", "wide"), ("import", "wide", "a.csv")], ids=" ".join)
def test_wrong_usage_ends_with_exit_code_2(arguments):
    done = forecast_command(*arguments)
    assert done.code == 2 and "--help" in done.err


def test_the_help_lists_the_formats_with_what_they_are():
    lines = [line.split(None, 1) for line in forecast_command("import", "--help").out.splitlines()]
    assert all([name, each.words] in lines for name, each in FORMATS.items())
