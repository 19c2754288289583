"""The commands: exit codes, what goes to stdout and what to stderr, and files that are there whole or not at all."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.cli.options import plain
from forecast.draws import Diagnostics
from forecast.posterior.fit import load, save
from forecast.posterior.recipes.ahead import elapsed_years, progress_of_task
from forecast.posterior.threshold import threshold_draws
from forecast.report.complaints import complaints, fit_command
from forecast.table.dataset import read_table
from models.dates import years
from models.equations.compute import bent_compute
from models.facts.placing import bend_knots, reference_compute
from tests.conftest import (
    ANSWER_COLUMNS,
    ANSWERS,
    HOSTILE,
    RUNS,
    SEED,
    TASKS,
    TRIALS,
    forecast_command,
    true_score,
    write_rows,
)

NOT_TRUSTWORTHY = 3
"""Exit code of the shared fits: of 4 chains of 100 draws no parameter may have fewer than 400 effective ones."""

HEADER = "model,task,metric,score,trials,length,k,chance,compute,date"
GOOD_LINES = [f"m{i},t,exact_match,0.{i},100,4,,,1e2{i},2020-01-0{i}" for i in range(1, 5)]
BAD_TABLES = {
    "empty": ("", ["the file is empty"]),
    "header only": (HEADER, ["row"]),
    "missing columns": ("model,score\na,0.5", ["task", "metric"]),
    "unknown metric": (GOOD_LINES[0].replace("exact_match", "bleu"), ["row 6", "'metric'", "'bleu'", "exact_match"]),
    "percent": (GOOD_LINES[0].replace("0.1", "10"), ["row 6", "'score'", "'10'", "[0, 1]"]),
    "no compute": (GOOD_LINES[0].replace("1e21", ""), ["row 6", "compute"]),
    "negative compute": (GOOD_LINES[0].replace("1e21", "-1"), ["row 6", "'compute'", "'-1'"]),
    "infinite compute": (GOOD_LINES[0].replace("1e21", "inf"), ["row 6", "'compute'", "'inf'"]),
    "textual compute": (GOOD_LINES[0].replace("1e21", "a lot"), ["row 6", "'compute'", "'a lot'"]),
    "zero trials": (GOOD_LINES[0].replace(",100,", ",0,"), ["row 6", "'trials'", "'0'"]),
    "fractional trials": (GOOD_LINES[0].replace(",100,", ",1.5,"), ["row 6", "'trials'", "'1.5'"]),
    "k": (GOOD_LINES[0].replace("exact_match", "at_least_k").replace(",4,,", ",4,9,"), ["row 6", "'k'", "'9'"]),
    "chance": (GOOD_LINES[0].replace(",4,,,", ",4,,1.5,"), ["row 6", "'chance'", "'1.5'"]),
    "date": (GOOD_LINES[0].replace("2020-01-01", "soon"), ["row 6", "'date'", "'soon'", "YYYY-MM-DD"]),
    "ragged": (GOOD_LINES[0] + ",,,", ["row 6", "fields"]),
    "markup": (GOOD_LINES[0].replace("1e21", "<b>\x1b[31m"), ["row 6", r"\x1b"]),
}


@pytest.fixture
def good_table(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text("\n".join([HEADER, *GOOD_LINES]))
    return path


@pytest.fixture(params=BAD_TABLES)
def bad_table(request, tmp_path):
    """A table with one problem, and what must be said of it."""
    text, said = BAD_TABLES[request.param]
    path = tmp_path / "bad.csv"
    rows = [HEADER, *GOOD_LINES, text] if text.startswith("m1") else [text]
    path.write_bytes("\n".join(rows).encode())
    return path, said


@pytest.fixture(scope="module")
def trusted_file(fitted, tmp_path_factory):
    """The shared posterior as if it had been sampled long enough."""
    path = tmp_path_factory.mktemp("trusted") / "fit.nc"
    fine = Diagnostics(
        max_rhat=1.001, min_ess_bulk=2000.0, min_ess_tail=1500.0, divergences=0, total_draws=4000, worst=("sigma_run",)
    )
    save(replace(fitted, diagnostics=fine), path)
    return path


@pytest.mark.parametrize(("divergences", "sound"), [(0, True), (1, True), (4, True), (5, False)])
def test_report_and_command_judge_divergences_alike(trusted_file, tmp_path, divergences, sound):
    """Of 4000 draws four may diverge: one is no reason for distrust, on the page as on the terminal."""
    fit, page = load(trusted_file), tmp_path / "report.html"
    save(replace(fit, diagnostics=replace(fit.diagnostics, divergences=divergences)), tmp_path / "fit.nc")
    done = forecast_command("report", tmp_path / "fit.nc", "-o", page)
    html = page.read_text(encoding="utf-8")
    assert ('<span class="miss">no</span>' not in html) is ("not trustworthy" not in html) is (done.code == 0) is sound
    assert ("divergent transitions" in done.err) is not sound


@pytest.fixture
def new_rows(tmp_path):
    rows = [{"model": "new é,\n", "task": task, "metric": metric, "compute": "1e23", **cells}
            for task, (metric, cells, *_) in TASKS.items()]  # fmt: skip
    return write_rows(tmp_path / "new.csv", rows)


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", check=False)


# Bad input


def test_a_bad_table_ends_with_exit_code_1_and_every_problem_on_stderr(bad_table, tmp_path):
    path, said = bad_table
    for arguments in (("validate", path), ("fit", path, "-o", tmp_path / "out.nc")):
        done = forecast_command(*arguments)
        assert done.code == 1 and done.out == ""
        assert done.err.startswith(f"error: {path}: ") and "\x1b" not in done.err
        assert all(text in done.err for text in said), done.err
    assert [each.name for each in tmp_path.iterdir()] == ["bad.csv"]


def test_all_problems_of_a_table_are_named_at_once(tmp_path):
    bad = [text for text, _ in BAD_TABLES.values() if text.startswith("m1") and not text.endswith(",,,")]
    path = tmp_path / "bad.csv"
    path.write_bytes("\n".join([HEADER, *bad]).encode())
    done = forecast_command("validate", path, "--json")
    assert done.code == 1
    assert {each["row"] for each in done.json["problems"]} >= set(range(2, 2 + len(bad)))


def test_validate_prints_the_problems_as_json_and_exits_1(bad_table):
    path, _ = bad_table
    done = forecast_command("validate", path, "--json")
    assert done.code == 1
    assert done.json["table"] == str(path) and done.json["problems"]
    assert all(set(each) == {"row", "column", "value", "wrong", "remedy"} for each in done.json["problems"])
    assert all(each["wrong"] and each["remedy"] for each in done.json["problems"])


def test_too_few_runs_below_the_cut_is_an_error_that_names_the_cut(good_table, tmp_path):
    done = forecast_command("fit", good_table, "-o", tmp_path / "out.nc", "--below", "2e22")
    assert done.code == 1 and "2 runs" in done.err and "below 2e22 FLOP" in done.err
    assert not (tmp_path / "out.nc").exists()


def test_a_file_that_is_no_posterior_is_refused_by_every_command_that_reads_one(good_table, new_rows, tmp_path):
    before = sorted(tmp_path.iterdir())
    for path in (good_table, tmp_path / "missing.nc", tmp_path):
        for arguments in (
            ("threshold", path, "--task", "t", "--at", "0.5"),
            ("predict", path, "--rows", new_rows, "-o", tmp_path / "out.csv", "--draws", tmp_path / "draws.nc"),
            ("report", path, "-o", tmp_path / "report.html"),
        ):
            done = forecast_command(*arguments)
            assert done.code == 1 and done.out == "" and str(path) in done.err and "Traceback" not in done.err
            assert done.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_errors_in_the_question_leave_no_file_behind(trusted_file, new_rows, tmp_path):
    unknown = tmp_path / "unknown.csv"
    unknown.write_text("model,task,metric,compute\na,multiplication,exact_match,1e23\n")
    before = sorted(tmp_path.iterdir())
    for arguments, said in [
        (("threshold", trusted_file, "--task", "adition", "--at", "0.5"), "'addition'"),
        (("threshold", trusted_file, "--task", "addition", "--at", "50"), "between 0 and 1"),
        (("report", trusted_file, "-o", tmp_path / "r.html", "--at", "50"), "between 0 and 1"),
        (("predict", trusted_file, "--rows", unknown, "-o", tmp_path / "o.csv", "--draws", tmp_path / "d.nc"), "multi"),
        (("predict", trusted_file, "--rows", tmp_path / "none.csv", "-o", tmp_path / "o.csv"), "no such file"),
        (("predict", trusted_file, "--rows", new_rows, "-o", tmp_path / "no" / "o.csv"), "make it first"),
        (("report", trusted_file, "-o", tmp_path), "is a folder"),
        (("fit", tmp_path / "none.csv", "-o", tmp_path / "o.nc"), "no such file"),
    ]:
        done = forecast_command(*arguments)
        assert done.code == 1 and done.out == "" and said in done.err, arguments
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_that_cannot_be_written_is_refused_before_the_table_is_fitted(good_table, tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.fitting.structures.sampled", lambda *_, **__: pytest.fail("fitted"))
    assert "make it first" in forecast_command("fit", good_table, "-o", tmp_path / "no" / "fit.nc").err
    assert "is a folder" in forecast_command("fit", good_table, "-o", tmp_path).err


# Wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("fit",),
        ("fit", "table.csv"),
        ("fit", "table.csv", "-o", "fit.nc", "--draws", "1"),
        ("fit", "table.csv", "-o", "fit.nc", "--below", "many"),
        ("fit", "table.csv", "-o", "fit.nc", "--seed", "-1"),
        ("predict", "fit.nc", "--rows", "new.csv", "-o", "out.csv", "--seed", "-1"),
        ("threshold", "fit.nc", "--task", "t"),
        ("threshold", "fit.nc", "--at", "0.5"),
        ("predict", "fit.nc", "-o", "out.csv"),
        ("report", "fit.nc"),
        ("run",),
        ("new",),
        ("validate", "table.csv", "--jason"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_exit_code_2_and_a_hint_on_stderr(arguments):
    done = forecast_command(*arguments)
    assert done.code == 2 and done.out == "" and "--help" in done.err


# Answers


def test_a_fit_that_has_not_converged_is_written_and_ends_with_exit_code_3_and_the_reason(fit_run, table):
    path, done = fit_run
    assert done.code == 3
    assert done.err == plain("not trustworthy: " + "; ".join(done.json["reasons"])) + "\n"
    fit = load(path)
    assert done.json["reasons"] == complaints(fit, start=fit_command(fit, table, path)) != []
    assert f"try `forecast fit {table} -o {path}" in done.err and " --draws " in done.err


def test_fit_answers_what_was_fitted(fit_run):
    path, done = fit_run
    answer = done.json
    assert (answer["fit"], answer["runs"], answer["rows"]) == (str(path), len(RUNS), len(RUNS) * len(TASKS))
    assert answer["tasks"] == list(TASKS)
    assert {"max_rhat", "min_ess", "divergences"} <= set(answer["diagnostics"])
    assert answer["provenance"]["seed"] == SEED


def commands_that_answer(fit, table, new_rows, folder):
    return {
        "validate": ("validate", table),
        "threshold": ("threshold", fit, "--task", HOSTILE, "--at", "0.5"),
        "predict": ("predict", fit, "--rows", new_rows, "-o", folder / "out.csv"),
        "report": ("report", fit, "-o", folder / "report.html"),
    }


@pytest.mark.parametrize("name", ["validate", "threshold", "predict", "report"])
def test_json_is_one_document_on_stdout_and_nothing_else(name, trusted_file, table, new_rows, tmp_path):
    done = forecast_command(*commands_that_answer(trusted_file, table, new_rows, tmp_path)[name], "--json")
    assert done.code == 0 and isinstance(done.json, dict) and done.err == ""
    assert done.out.count("\n") == 1


@pytest.mark.parametrize("name", ["validate", "threshold", "predict", "report"])
def test_without_json_the_answer_is_plain_text_without_control_characters(
    name, trusted_file, table, new_rows, tmp_path
):
    done = forecast_command(*commands_that_answer(trusted_file, table, new_rows, tmp_path)[name])
    assert done.code == 0 and done.err == "" and done.out.strip()
    assert all(character.isprintable() or character == "\n" for character in done.out)


@pytest.mark.parametrize("name", ["threshold", "predict", "report"])
def test_an_answer_from_a_fit_that_is_not_trustworthy_is_given_with_exit_code_3(
    name, fit_file, table, new_rows, tmp_path
):
    done = forecast_command(*commands_that_answer(fit_file, table, new_rows, tmp_path)[name], "--json")
    assert done.code == 3 and isinstance(done.json, dict)
    assert done.err.startswith("not trustworthy: ") and done.err.count("\n") == 1
    if name != "threshold":
        assert (tmp_path / {"predict": "out.csv", "report": "report.html"}[name]).stat().st_size > 100


def test_validate_prints_counts_and_ranges_with_their_units(good_table, table, tmp_path):
    lines = forecast_command("validate", good_table).out.splitlines()
    assert lines[0] == f"{good_table}: 4 rows, 4 runs, 1 task, no problems"
    assert lines[1].startswith("  warning: Only 4 runs") and lines[2] == ""
    assert lines[3:5] == ["  compute: 1.0e21 to 1.0e24 FLOP", "  dates: 2020-01-01 to 2020-01-04"]
    assert f"{len(RUNS)} runs, {len(TASKS)} tasks" in forecast_command("validate", table).out
    rows = [{"model": f"m{i}", "task": "t", "metric": "exact_match", "successes": i, "trials": 9} for i in range(1, 6)]
    sized = write_rows(
        tmp_path / "sized.csv",
        [row | {"params": f"{i}e9", "tokens": "1e11"} for i, row in enumerate(rows, start=1)],
        header=("model", "task", "metric", "successes", "trials", "params", "tokens"),
    )
    lines = forecast_command("validate", sized).out.splitlines()
    sizes = ["compute: 6.0e20 to 3.0e21 FLOP", "params: 1.0e9 to 5.0e9 parameters", "tokens: 1.0e11 training tokens"]
    assert lines[2:5] == [f"  {each}" for each in sizes]
    dated = tmp_path / "dated.csv"
    table = pd.read_csv(good_table).drop(columns="compute")
    table.to_csv(dated, index=False)
    done = forecast_command("validate", dated)
    assert done.code == 0 and "FLOP" not in done.out
    assert done.out.splitlines()[2].startswith("  warning: All runs were released within 3 days, so how scores change")
    assert done.out.splitlines()[4] == "  dates: 2020-01-01 to 2020-01-04"
    facts = forecast_command("validate", dated, "--json").json
    assert facts["scale"] == "date" and facts["dates"] == ["2020-01-01", "2020-01-04"] and facts["log10_params"] is None


def test_validate_says_what_the_table_holds(table):
    answer = forecast_command("validate", table, "--json").json
    assert (answer["rows"], answer["runs"], answer["problems"]) == (len(RUNS) * len(TASKS), len(RUNS), [])
    assert [task["task"] for task in answer["tasks"]] == list(TASKS)
    assert all(task["identified"] for task in answer["tasks"])


def test_the_table_of_thresholds_shows_median_interval_and_never(trusted_file):
    done = forecast_command("threshold", trusted_file, "--task", "most of it", "--at", "0.5")
    assert all(text in done.out for text in ("most of it", "median", "90% interval", "P(never)", "%"))
    assert re.search(r"\de2\d to \S+", done.out)


def test_names_with_markup_commas_newlines_and_other_scripts_survive_to_the_report(trusted_file, new_rows, tmp_path):
    answers = commands_that_answer(trusted_file, None, new_rows, tmp_path)
    assert forecast_command(*answers["threshold"], "--json").json["task"] == HOSTILE
    predicted = forecast_command(*answers["predict"], "--json").json["rows"]
    written = pd.read_csv(tmp_path / "out.csv")
    assert [row["task"] for row in predicted] == list(written["task"]) == list(TASKS)
    assert set(written["model"]) == {"new é,"}  # spaces around a name are none of it
    assert forecast_command(*answers["report"]).code == 0
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html and "日本語" in html


def test_the_same_seed_gives_the_same_file_and_another_seed_another(trusted_file, new_rows, tmp_path):
    for name, seed in {"a": 5, "b": 5, "c": 6}.items():
        forecast_command("predict", trusted_file, "--rows", new_rows, "-o", tmp_path / f"{name}.csv", "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


# As a process of its own


def test_help_answers_quickly_without_importing_anything_heavy():
    code = (
        "import sys\nfrom forecast.cli.main import main\nsys.argv = ['forecast', '--help']\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "found = {'pymc', 'pytensor', 'numpy', 'pandas', 'xarray', 'arviz', 'matplotlib'} & set(sys.modules)\n"
        "assert not found, found"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    for name in ("run", "new", "validate", "fit", "threshold", "predict", "report", "backtest", "compare", "import"):
        assert re.search(rf"\b{name}\b", done.stdout)


def test_errors_of_a_process_are_one_line_without_a_traceback(tmp_path):
    done = python("-m", "forecast", "validate", str(tmp_path / "none.csv"))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_documents_of_a_process_are_json_on_stdout(table):
    done = python("-m", "forecast", "validate", str(table), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["runs"] == len(RUNS)


def test_the_scores_of_the_shared_table_scatter_about_the_truth_by_binomial_error(table):
    rows = read_table(table)
    truth = np.array([true_score(task, np.log10(x)) for task, x in zip(rows["task"], rows["compute"], strict=True)])
    z = (rows["score"].to_numpy() - truth) / np.sqrt(truth * (1.0 - truth) / TRIALS)
    assert len(z) == len(RUNS) * len(TASKS)
    low, high = stats.chi2.ppf((1e-4, 1.0 - 1e-4), len(z))
    assert low < z @ z < high
    wrong = (rows["score"].to_numpy() - truth[::-1]) / np.sqrt(truth[::-1] * (1.0 - truth[::-1]) / TRIALS)
    assert wrong @ wrong > high


# Several metrics of the same answers, losses, recipes and dates


def test_validate_says_of_losses_and_of_several_metrics_what_they_tell(answer_table):
    done = forecast_command("validate", answer_table, "--json")
    said = {task["task"]: " ".join(task["identified"]) for task in done.json["tasks"]}
    named = {
        "sums [loss]": "sums [at_least_k]; sums [exact_match]; sums [token_accuracy]",
        "words [loss]": "words [exa",
    }
    for task, others in named.items():
        assert f"shares one law of loss with: {others}" in said[task]
        assert "related to the answers by a factor and a power that are learned" in said[task]
    assert not any("shares one law" in said[task] or "related to" in said[task] for task in ("validation", "picks"))
    assert "loss floor E: the data have a say" in said["validation"] and "E = 0" in said["picks"]
    assert "what the irreducible loss leaves: the data have a say" in said["sums [exact_match]"]
    given = {task for task, text in said.items() if "8 rows count the same answers as another row" in text}
    assert given == {"sums [exact_match]", "sums [token_accuracy]"}
    assert not any("fits rates only" in text for text in said.values())


def test_a_table_with_losses_is_fitted_and_every_task_of_it_named(answer_fit_run):
    _, done = answer_fit_run
    assert done.code == NOT_TRUSTWORTHY and done.err.count("\n") == 1 and "Traceback" not in done.err
    answer = done.json
    assert set(answer["tasks"]) == set(ANSWERS) and (answer["runs"], answer["rows"]) == (8, 8 * len(ANSWERS))
    thresholds = {line["task"] for line in answer["moved"] if line["parameter"] == "log10_compute at 0.5"}
    assert thresholds == {task for task, cells in ANSWERS.items() if cells["metric"] != "loss"}
    parameters = {line["parameter"] for line in answer["moved"]}
    assert {"frailty_drift", "token_floor", "log_loss_link_factor", "loss_link_power", "progress"} <= parameters
    assert not {"ceiling", "floor"} & {line["parameter"] for line in answer["moved"] if line["task"] == "validation"}


@pytest.fixture
def median_of(answer_fit_run):
    """Median log10 compute that `threshold --json` answers."""

    def median(task, at, *options):
        done = forecast_command("threshold", answer_fit_run[0], "--task", task, "--at", at, *options, "--json")
        assert done.code == NOT_TRUSTWORTHY and done.err.startswith("not trustworthy: ")
        return done.json, float(done.json["log10_compute"]["q50"])

    return median


def test_the_threshold_of_a_family_is_its_own(median_of):
    (first, behind), (second, ahead) = (
        median_of("words [exact_match]", 0.5, "--family", family, "--date", "2022-01-01")
        for family in ("recipe 0", "recipe 1")
    )
    assert (first["family"], second["family"]) == ("recipe 0", "recipe 1")
    assert behind != ahead and abs(behind - ahead) < 3
    typical, median = median_of("words [exact_match]", 0.5)
    assert typical["family"] is None and np.isfinite(median)


def test_a_family_and_a_date_that_are_left_out_are_the_typical_one_and_the_latest(median_of):
    latest = median_of("words [exact_match]", 0.5, "--date", "2022-06-01")
    assert median_of("words [exact_match]", 0.5) == latest
    of_family = median_of("words [exact_match]", 0.5, "--family", "recipe 0", "--date", "2020-06-01")
    assert median_of("words [exact_match]", 0.5, "--family", "recipe 0") == of_family


def test_a_later_date_needs_less_compute_by_the_progress_of_the_years(median_of, answer_fitted):
    """Along the bent path of each draw, where a decade of one family counts as the slopes say."""
    task, family, dates = "words [exact_match]", "recipe 1", ("2021-01-01", "2025-01-01")
    posterior, data = answer_fitted.posterior, answer_fitted.data
    options = [{"family": family, "year": float(years(date))} for date in dates]
    crossed = [threshold_draws(answer_fitted, task, 0.5, **each) for each in options]
    shape = {"slopes": posterior.slopes, "knots": bend_knots(data), "theta_ref": reference_compute(data)}
    early, late = (bent_compute(each, **shape).values for each in crossed)
    pace = elapsed_years(answer_fitted, years(dates[1])) - elapsed_years(answer_fitted, years(dates[0]))
    saved = (progress_of_task(answer_fitted, task) * pace).transpose("chain", "draw").values
    finite = np.isfinite(early)
    assert finite.mean() > 0.5
    np.testing.assert_allclose((early - late)[finite], saved[finite])
    for date, draws in zip(dates, crossed, strict=True):
        assert median_of(task, 0.5, "--family", family, "--date", date)[1] == np.quantile(
            draws, 0.5, method="inverted_cdf"
        )


def test_the_threshold_of_a_loss_is_asked_for_in_nats(median_of):
    answer, at_three = median_of("validation", 3.0)
    assert (answer["metric"], answer["at"], answer["p_never_ceiling"]) == ("loss", 3.0, 0.0)
    _, at_two_and_a_half = median_of("validation", 2.5)
    assert 15 < at_three < at_two_and_a_half
    never, _ = median_of("validation", 0.001)
    assert never["p_never"] > 0.5 and never["p_never"] == never["p_never_loss"]
    of_answers, _ = median_of("sums [loss]", 1.2)
    assert of_answers["task"] == "sums [loss]"


def test_an_unknown_family_a_bad_date_and_a_loss_below_zero_are_refused(answer_fit_run):
    path, _ = answer_fit_run
    for options, code, said in [
        (("--task", "picks", "--at", 0.5, "--family", "recipe 9"), 1, "choose one of: 'recipe"),
        (("--task", "picks", "--at", 0.5, "--date", "soon"), 2, "%Y-%m-%d"),
        (("--task", "validation", "--at", 0), 1, "above 0 nats"),
        (("--task", "sums", "--at", 0.5), 1, "names several tasks"),
        (("--task", "picks", "--at", 2.5), 1, "between 0 and 1"),
    ]:
        done = forecast_command("threshold", path, *options)
        assert done.code == code and done.out == "" and said in done.err, options


def test_rows_of_answers_and_losses_are_predicted_each_in_its_own_unit(answer_fit_run, tmp_path):
    rows = [
        {"model": "new", **cells, "compute": "1e23", "family": "recipe 1", "date": "2022-06-01"}
        for cells in ANSWERS.values()
    ]
    path = write_rows(tmp_path / "rows.csv", rows, header=ANSWER_COLUMNS)
    out = tmp_path / "out.csv"
    assert forecast_command("predict", answer_fit_run[0], "--rows", path, "-o", out).code == NOT_TRUSTWORTHY
    found = pd.read_csv(out).set_index(["task", "metric"])
    rates = found.index.get_level_values("metric") != "loss"
    assert found.loc[rates, "q99"].max() <= 1 and found.loc[rates, "q01"].min() >= 0
    assert 1.5 < found.loc[("validation", "loss"), "q50"] < 3.0 and (found.loc[~rates, "q01"] > 0).all()
    assert found.loc[("sums", "exact_match"), "mean"] < found.loc[("sums", "at_least_k"), "mean"]
