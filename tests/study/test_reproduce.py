"""Reproduction: a study run again gives its result, and what differs is told in words, in JSON and by the exit code."""

import json
from pathlib import Path

import pytest

from forecast.files import write_json
from forecast.study.provenance import changed, code_hash
from tests.benchmarks.studies import FOLDER, result_of
from tests.conftest import FEW_DRAWS, SEED, TASKS, forecast_command, simulated_rows, write_rows

PROVENANCE = {
    "files": {"study.toml": "a" * 64, "table.csv": "b" * 64},
    "structures": ["full"],
    "sampling": {"seed": 1, "chains": 4, "tune": 500, "draws": None, "target_accept": 0.88},
    "versions": {"numpy": "2.1"},
    "code": "c" * 64,
    "machine": {"system": "Linux", "processor": "znver3", "cores": 2},
}
BEFORE = result_of("gpt3_arithmetic") | {"provenance": PROVENANCE}


def with_median(result, *, moved_by):
    found = json.loads(json.dumps(result))
    found["fits"][0]["thresholds"][0]["log10_compute"]["q50"] += moved_by
    return found


def with_code(result, code):
    return result | {"provenance": result["provenance"] | {"code": code}}


@pytest.fixture
def reproduce(tmp_path, monkeypatch):
    """The command on a result, where the study run again gives another; answers what `run_study` was asked too."""
    asked = {}

    def command(before, now, *options, place="output"):
        folder = tmp_path / "study"
        forecast_command("new", folder)
        path = folder / place / "result.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(before if isinstance(before, str) else json.dumps(before), encoding="utf-8")

        def run_study(study, output, **options):
            asked.update(options, study=study, output=output)
            write_json(output / "result.json", now)

        monkeypatch.setattr("forecast.study.reproduce.run_study", run_study)
        return forecast_command("reproduce", path, "--quiet", *options), asked

    return command


@pytest.mark.parametrize("place", ["output", "."])
def test_an_equal_result_is_reproduced_wherever_it_lies_in_its_study(reproduce, tmp_path, place):
    done, asked = reproduce(BEFORE, BEFORE, place=place)
    assert done.code == 0 and done.out == "Reproduced: every value is identical.\n"
    assert asked["study"].folder == tmp_path / "study" and not asked["output"].exists()
    assert asked["structures"] == ["full"] and asked["sampling"].tune == 500


def test_commands_in_sentences_are_no_difference(reproduce):
    now = BEFORE | {"answer": BEFORE["answer"] + " try `forecast run /tmp/x`"}
    before = BEFORE | {"answer": BEFORE["answer"] + " try `forecast run .`"}
    assert reproduce(before, now, "--json")[0].json["outcome"] == "identical"


def test_a_difference_within_monte_carlo_error_counts_where_nothing_else_has_changed(reproduce):
    now = with_median(BEFORE, moved_by=1e-9)
    done, _ = reproduce(BEFORE, now)
    assert done.code == 3 and "though nothing that fixes them has changed" in done.out
    assert "not identical: fits 1 thresholds 1 log10_compute q50" in done.out
    done, _ = reproduce(BEFORE, with_code(now, "d" * 64))
    assert done.code == 0 and "Reproduced within Monte Carlo error: 1 value not identical" in done.out
    assert "changed: code: cccccccccccc... before, dddddddddddd... now" in done.out


def test_a_difference_beyond_monte_carlo_error_is_exit_3_and_named(reproduce):
    done, _ = reproduce(BEFORE, with_code(with_median(BEFORE, moved_by=1.0), "d" * 64), "--json")
    answer = done.json
    assert done.code == 3 and answer["outcome"] == "differs" and not answer["exact"]
    (found,) = answer["differences"]
    assert found["where"].endswith("log10_compute") and found["errors"] > 6
    assert found["text"].startswith("fit_below_2.4e22.nc, ") and "before" in found["text"]
    assert answer["changed"] == [{"what": "code", "before": "c" * 64, "now": "d" * 64}]
    assert answer["sentence"] == "Not reproduced: 1 difference beyond Monte Carlo error, 1 value not identical."


def test_versions_that_differ_are_named_though_the_numbers_do_not(reproduce):
    now = BEFORE | {"provenance": PROVENANCE | {"versions": {"numpy": "2.2", "scipy": "1.16"}}}
    done, _ = reproduce(BEFORE, now)
    assert done.code == 0 and "changed: versions numpy: 2.1 before, 2.2 now" in done.out
    assert "changed: versions scipy: None before, 1.16 now" in done.out


def test_a_result_of_an_older_version_is_compared_within_monte_carlo_error(reproduce):
    older = {name: part for name, part in BEFORE.items() if name != "provenance"}
    done, asked = reproduce(older, with_median(BEFORE, moved_by=1e-9))
    assert done.code == 0 and "what it was made of is not recorded" in done.out
    assert asked["sampling"].draws is None


def test_a_verdict_that_changed_by_chance_is_told(reproduce):
    now = with_code(BEFORE | {"verdict": BEFORE["verdict"] | {"trust": "trust"}}, "d" * 64)
    done, _ = reproduce(BEFORE, now)
    assert done.code == 0 and "verdict: trust with care before, trust now" in done.out


def test_few_effective_draws_are_said_to_tell_little(reproduce):
    before = json.loads(json.dumps(BEFORE))
    before["fits"][1]["diagnostics"]["min_ess_bulk"] = 20.0
    done, _ = reproduce(before, with_code(with_median(before, moved_by=0.01), "d" * 64))
    assert done.code == 0 and "with so few effective draws that says little" in done.out


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"fits": [], "seed": 1}', '{"fits": [{}]}', '{"fits": "x"}'])
def test_a_file_that_is_no_result_is_refused(reproduce, text):
    done, asked = reproduce(text, BEFORE)
    assert done.code == 1 and "is no result of a study; `forecast run STUDY` writes" in done.err and not asked


def test_a_law_is_no_result():
    done = forecast_command("reproduce", FOLDER / "chinchilla" / "law.json")
    assert done.code == 1 and "is no result of a study" in done.err


def test_a_file_that_is_not_there_or_whose_study_is_not_is_refused(tmp_path):
    assert "cannot be read (No such file" in forecast_command("reproduce", tmp_path / "result.json").err
    write_json(tmp_path / "result.json", BEFORE)
    done = forecast_command("reproduce", tmp_path / "result.json")
    assert done.code == 1 and "name its folder by --study DIR" in done.err


def test_the_folder_of_the_result_is_not_written_over(reproduce, tmp_path):
    done, asked = reproduce(BEFORE, BEFORE, "-o", tmp_path / "study" / "output")
    assert done.code == 1 and "holds the result that is compared" in done.err and not asked


def test_what_differs_in_provenance_is_found_at_any_depth():
    assert not list(changed(PROVENANCE, PROVENANCE))
    now = PROVENANCE | {"machine": PROVENANCE["machine"] | {"cores": 64}}
    assert list(changed(PROVENANCE, now)) == [{"what": "machine cores", "before": 2, "now": 64}]


def test_the_hash_of_the_code_is_that_of_its_files(monkeypatch, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    monkeypatch.setattr("forecast.study.provenance.PACKAGES", (tmp_path,))
    hashes = [code_hash.__wrapped__()]
    for change in (lambda path: path.write_text("x = 2\n"), lambda path: path.rename(path.with_name("b.py"))):
        change(tmp_path / "a.py")
        hashes.append(code_hash.__wrapped__())
    assert len(set(hashes)) == 3


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study of one task, carried out with few draws."""
    folder = tmp_path_factory.mktemp("study")
    write_rows(folder / "table.csv", [row for row in simulated_rows() if row["task"] == next(iter(TASKS))])
    text = f'title = "T"\nquestion = "Q?"\ntable = "table.csv"\nthresholds = [0.5]\ncuts = [2e22]\nseed = {SEED}\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    assert forecast_command("run", folder, *FEW_DRAWS, "--quiet").code in (0, 3)
    return folder


def test_a_study_run_again_on_the_same_machine_gives_every_value_again(study, tmp_path):
    before = (study / "output" / "result.json").read_bytes()
    done = forecast_command("reproduce", study / "output" / "result.json", "-o", tmp_path / "new", "--json")
    assert done.code == 0 and (done.json["outcome"], done.json["exact"]) == ("identical", True)
    assert (study / "output" / "result.json").read_bytes() == before and (tmp_path / "new" / "report.html").exists()


def test_another_seed_is_a_change_and_its_draws_are_within_monte_carlo_error_or_named(study, tmp_path):
    path = study / "study.toml"
    path.write_text(path.read_text().replace(f"seed = {SEED}", f"seed = {SEED + 1}"))
    done = forecast_command("reproduce", study / "output" / "result.json", "--json")
    names = [each["what"] for each in done.json["changed"]]
    assert names == ["files study.toml", "sampling seed"] and not done.json["exact"]
    assert done.json["unequal_values"] and done.code == (3 if done.json["differences"] else 0)
