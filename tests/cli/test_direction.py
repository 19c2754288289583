"""Tasks that fall or turn, in every command: no number for a threshold, the reason in a sentence, exit code 3."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.draws import Diagnostics
from forecast.fitting.average import compared
from forecast.fitting.contraction import contraction
from forecast.posterior.fit import load, save
from forecast.posterior.threshold import threshold
from forecast.questions.when.answer import when
from forecast.report.complaints import complaints
from forecast.table.dataset import read_table
from tests.conftest import forecast_command, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "compute", "params", "tokens", "date")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
SCORES = {  # of runs from small to large
    "follow": (0.03, 0.08, 0.17, 0.31, 0.52, 0.68),
    "mislead": (0.71, 0.66, 0.53, 0.44, 0.31, 0.22),
    "bowl": (0.63, 0.41, 0.24, 0.26, 0.44, 0.65),
}
FALLS = "scores of mislead fall with training compute (rank correlation -1.00, 90% -1.00 to -0."
REASON = "this is not this model's case, no threshold can be given"


def rows(**scores):
    return [
        {"model": f"m{i}", "task": task, "metric": "exact_match", "score": score, "trials": 800}
        | {"compute": f"{10 ** (19.5 + 0.8 * i):.6g}"}
        for task, own in scores.items()
        for i, score in enumerate(own)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("directions")


@pytest.fixture(scope="module")
def table(folder):
    return write_rows(folder / "table.csv", rows(**SCORES), header=HEADER)


@pytest.fixture(scope="module")
def path(table, folder, prior_fit):
    fit = replace(prior_fit(read_table(table), draws=200), diagnostics=SOUND, table="table.csv")
    save(fit, folder / "fit.nc")
    return folder / "fit.nc"


def numbers(answer):
    """All quantiles and probabilities of an answer."""
    if isinstance(answer, dict):
        own = [value for name, value in answer.items() if (name[0] == "q" and name[1:].isdigit()) or name[:2] == "p_"]
        return [*(each for each in own if not isinstance(each, list)), *numbers(list(answer.values()))]
    return [each for part in answer for each in numbers(part)] if isinstance(answer, list) else []


@pytest.mark.parametrize("command", ["threshold", "howmuch", "design"])
def test_a_question_about_a_falling_task_is_answered_with_the_reason_and_exit_code_3(path, command):
    done = forecast_command(command, path, "--task", "mislead", "--at", 0.8)
    assert done.code == 3 and done.out.startswith(FALLS) and done.out.strip().endswith(REASON)
    assert done.out.count("\n") == 1 and f"not trustworthy: {FALLS}" in done.err
    answer = forecast_command(command, path, "--task", "mislead", "--at", 0.8, "--json").json
    assert answer["direction"]["says"] == "falls" and answer["direction"]["rank_correlation"] == pytest.approx(-1)
    assert numbers(answer) and all(value is None for value in numbers(answer))


def test_json_keeps_the_keys_of_a_threshold(path):
    ours, other = (
        forecast_command("threshold", path, "--task", task, "--at", 0.5, "--json").json for task in ("bowl", "follow")
    )
    assert list(ours) == list(other) and ours["direction"]["says"] == "turns"
    assert list(ours["log10_compute"]) == list(other["log10_compute"])
    assert ours["data_log10_compute"] == other["data_log10_compute"] and ours["reached_with_less"] == []


@pytest.mark.parametrize("command", ["threshold", "howmuch", "design", "emergence"])
def test_a_question_about_another_task_of_the_fit_is_answered_as_ever(path, command):
    at = () if command == "emergence" else ("--at", 0.5)
    done = forecast_command(command, path, "--task", "follow", *at, "--quiet" if command == "design" else "--json")
    assert done.code == 0 and "not this model's case" not in done.out + done.err


def test_emergence_of_a_falling_task_is_not_to_be_trusted(path):
    done = forecast_command("emergence", path, "--task", "mislead", "--quiet")
    assert done.code == 3 and FALLS in done.err


def test_figures_of_what_is_not_known_are_not_drawn(path, tmp_path):
    done = forecast_command("howmuch", path, "--task", "mislead", "--at", 0.3, "-o", tmp_path / "f.svg")
    assert done.code == 3 and not (tmp_path / "f.svg").exists() and "figure" not in done.out


def test_the_report_says_so_at_its_top_and_gives_the_others(path, tmp_path):
    done = forecast_command("report", path, "-o", tmp_path / "r.html", "--headline", "mislead")
    assert done.code == 3 and done.out.startswith(FALLS)
    page = (tmp_path / "r.html").read_text()
    assert page.count("Scores of mislead fall with training compute") == 1  # among the warnings
    assert "Fitted curve and data of follow" in page and "compute of mislead" not in page
    assert "Fitted curve and data of mislead" in page
    assert forecast_command("report", path, "-o", tmp_path / "r.html", "--headline", "follow").code == 0


def test_structures_side_by_side_give_no_number_for_it(path, capsys):
    from forecast.cli.questions.compare import print_compared

    answer = compared(load(path), at=[0.5])
    of = {line["task"]: line for line in answer["thresholds"]}
    assert of["mislead"]["between"] is None and set(numbers(of["mislead"]["structures"])) == {None}
    assert isinstance(of["follow"]["log10_compute"]["q50"], float) and of["follow"]["between"] == 0.0
    print_compared(answer)
    assert FALLS in capsys.readouterr().out


def test_neither_do_lines_of_what_the_data_moved(path):
    lines = [each for each in contraction(load(path), at=[0.5]) if each["parameter"].startswith("log10_compute")]
    assert [each["task"] for each in lines] == ["follow"]


def test_a_fit_of_nothing_else_is_not_told_to_sample_longer(path, prior_fit, folder):
    alone = write_rows(folder / "alone.csv", rows(mislead=SCORES["mislead"]), header=HEADER)
    unsound = replace(SOUND, max_rhat=1.3)
    (said,) = complaints(replace(prior_fit(read_table(alone), draws=50), diagnostics=unsound))
    assert "scores of mislead fall with training compute (leave the task out)" in said and "--draws" not in said
    (said,) = complaints(replace(load(path), diagnostics=unsound))
    assert "--draws" in said


def test_predictions_of_it_are_made_with_a_warning(path, tmp_path):
    new = [
        {"model": "next", "task": task, "metric": "exact_match", "compute": "1e25"} for task in ("mislead", "follow")
    ]
    both = write_rows(tmp_path / "new.csv", new, header=HEADER)
    done = forecast_command("predict", path, "--rows", both)
    assert done.code == 3 and FALLS in done.err and "mislead" in done.out
    one = write_rows(tmp_path / "one.csv", new[1:], header=HEADER)
    assert forecast_command("predict", path, "--rows", one).code == 0


def test_the_dates_of_a_task_that_falls_with_its_date_are_none(prior_fit, folder):
    dated = [
        {**row, "compute": "", "date": f"{2019 + i % 6}-0{1 + i % 6}-01"}
        for i, row in enumerate(rows(mislead=SCORES["mislead"], follow=SCORES["follow"]))
    ]
    fit = replace(
        prior_fit(read_table(write_rows(folder / "dated.csv", dated, header=HEADER)), draws=100), diagnostics=SOUND
    )
    answer = when(fit, "mislead", 0.8).to_dict()
    assert set(numbers(answer)) == {None} and answer["scenarios"][0]["events"]["first"]["date"]["q50"] is None
    assert when(fit, "follow", 0.8).to_dict()["scenarios"][0]["events"]["first"]["date"]["q50"]
    assert threshold(fit, "mislead", 0.8).to_dict()["date"] == dict.fromkeys(threshold(fit, "follow", 0.8)["date"])
    save(fit, folder / "dated.nc")
    for command in ("when", "design", "threshold"):
        done = forecast_command(command, folder / "dated.nc", "--task", "mislead", "--at", 0.8)
        assert done.code == 3 and "fall with date of release (rank correlation -1.00" in done.out
        assert "FLOP" not in done.out + done.err and "compute" not in done.out + done.err


def test_validate_names_them_and_fit_would_warn(table):
    done = forecast_command("validate", table)
    assert (
        done.code == 0 and "warning: Scores of mislead fall" in done.out and "warning: Scores of bowl turn" in done.out
    )
    tasks = forecast_command("validate", table, "--json").json["tasks"]
    assert [task["direction"]["says"] for task in tasks] == ["rises", "falls", "turns"]
    assert np.shape([task["direction"]["interval"] for task in tasks]) == (3, 2)
