"""Studies: what study.toml may say, what `forecast new` writes, and the files of a whole study."""

import json
import re
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.cli.options import plain
from forecast.errors import ForecastError
from forecast.fitting.contraction import contraction
from forecast.fitting.stacking import stacking_weights
from forecast.posterior.fit import load
from forecast.posterior.outliers import outliers
from forecast.posterior.predict import predict, summarise
from forecast.posterior.threshold import threshold
from forecast.report.content import check_held_out, task_forecast, write_report
from forecast.report.sections import Evidence
from forecast.scoring.baselines import BASELINES
from forecast.study.file import read_study
from forecast.study.run import run_study
from forecast.table.dataset import observations, read_table
from forecast.table.splits import Split
from models.priors import Priors
from models.structures import AVERAGED
from tests.conftest import (
    CUT,
    FEW_DRAWS,
    HOSTILE,
    RUNS,
    SEED,
    TASKS,
    forecast_command,
    guesses,
    simulated_rows,
    write_rows,
)

GOOD = {
    "title": '"T"',
    "question": '"Q?"',
    "table": '"table.csv"',
    "thresholds": "[0.5, 0.8]",
    "cuts": f"[{CUT:g}]".replace("+", ""),
    "headline": '"addition"',
    "seed": str(SEED),
    "k_sweep_length": "3",
}
TASKS_OF_STUDY = ["addition", HOSTILE]


@pytest.fixture
def write_study(tmp_path, table):
    """Writes study.toml with some keys changed (None: left out) beside a good table; answers the folder."""

    def to_folder(**changes):
        folder = tmp_path / "study"
        folder.mkdir(exist_ok=True)
        shutil.copy(table, folder / "table.csv")
        lines = [f"{key} = {value}" for key, value in (GOOD | changes).items() if value is not None]
        (folder / "study.toml").write_text("\n".join(lines), encoding="utf-8")
        return folder

    return to_folder


def refusal(folder) -> str:
    with pytest.raises(ForecastError) as caught:
        read_study(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_study_is_read_as_written(write_study):
    study = read_study(write_study())
    assert study.thresholds == (0.5, 0.8) and study.cuts == (CUT,)
    assert (study.title, study.question, study.headline, study.seed) == ("T", "Q?", "addition", SEED)
    assert study.table.is_file() and study.k_sweep_length == 3


def test_only_four_keys_are_needed(write_study):
    study = read_study(write_study(cuts=None, headline=None, seed=None, k_sweep_length=None))
    assert study.cuts == () and study.headline is None and study.k_sweep_length is None


def test_a_study_names_a_file_of_the_largest_runs_which_asks_for_dates(write_study):
    study = read_study(write_study(runs='"epoch.csv"'))
    assert study.when and study.runs == study.folder / "epoch.csv"
    assert read_study(write_study()).runs is None and not read_study(write_study()).when
    assert "key 'runs'" in refusal(write_study(runs="3"))


@pytest.mark.parametrize(
    ("runs", "said"), [(None, "no such file"), ("model,date,compute\na,2020-01-01,1e22\n", "1 record training run")]
)
def test_a_file_of_the_largest_runs_that_tells_no_growth_is_refused_before_the_first_fit(write_study, runs, said):
    folder = write_study(runs='"epoch.csv"')
    if runs is not None:
        (folder / "epoch.csv").write_text(runs)
    done = forecast_command("run", folder)
    assert done.code == 1 and said in done.err and not (folder / "output").exists()


@pytest.mark.parametrize("key", ["title", "question", "table", "thresholds"])
def test_a_missing_key_is_named(write_study, key):
    assert f"key '{key}' is missing" in refusal(write_study(**{key: None}))


def test_an_unknown_key_is_named_beside_the_known_ones(write_study):
    message = refusal(write_study(treshold="0.5"))
    assert "'treshold' is unknown" in message and "thresholds" in message and "k_sweep_length" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("title", "3"), ("question", "[]"), ("table", "1"), ("headline", "2")],
        *[("thresholds", "0.5"), ("cuts", "1e22"), ("thresholds", '"half"')],
        *[("seed", '"one"'), ("seed", "1.5"), ("seed", "true"), ("seed", "-1"), ("k_sweep_length", "3.5")],
        *[("k_sweep_length", "-1"), ("k_sweep_length", "0"), ("thresholds", "[]")],
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_key(write_study, key, value):
    assert f"key '{key}'" in refusal(write_study(**{key: value}))


@pytest.mark.parametrize("at", ["0", "-0.5", "nan", "inf", '"0.5"', "true", '"8 parsecs"'])
def test_a_threshold_that_is_neither_a_positive_number_nor_a_time_is_refused(write_study, at):
    message = refusal(write_study(thresholds=f"[0.5, {at}]"))
    assert "threshold" in message and "between 0 and 1" in message


@pytest.mark.parametrize("cut", ["0", "-1e22", "nan", "inf", '"1e22"', '"2024-13-01"', "true"])
def test_a_cut_that_is_neither_a_compute_nor_a_date_is_refused(write_study, cut):
    assert "cut" in refusal(write_study(cuts=f"[{cut}]"))


def test_all_problems_of_a_study_are_named_at_once(write_study):
    message = refusal(write_study(title=None, seed='"x"', extra="1", folder='"x"', thresholds="[0.5, -2]", cuts="[-1]"))
    assert all(f"key '{key}' is" in message for key in ("title", "seed", "extra"))
    assert "key 'folder' is unknown; use title" in message and "key 'thresholds', place 2 is -2, expected" in message
    assert message.count("thresholds'") == message.count("cuts'") == 1


def test_prior_numbers_of_a_study_are_those_of_its_table(write_study):
    folder = write_study()
    text = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(text + "\n[priors]\nexponent_median = 0.2\n", encoding="utf-8")
    assert read_study(folder).priors == Priors(exponent_median=0.2)
    (folder / "study.toml").write_text(
        text + "\n[priors]\nexponent_medain = 0.2\nrun_sd_median = 'x'\n", encoding="utf-8"
    )
    with pytest.raises(ForecastError) as error:
        read_study(folder)
    assert "did you mean exponent_median?" in str(error.value) and "run_sd_median is 'x'" in str(error.value)


@pytest.mark.parametrize("content", [b"title = ", b"= 3", b"\xff\xfe\x00", b'title = "a"\ntitle = "b"'])
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    (tmp_path / "study.toml").write_bytes(content)
    assert "not valid TOML" in refusal(tmp_path)


def test_a_folder_without_a_study_says_how_to_make_one(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        assert "study.toml: no such file; `forecast new DIR`" in refusal(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": '"none.csv"'}, "none.csv: there is no such file"),
        ({"cuts": "[1e30]"}, "1e30"),  # no run left to score
        ({"cuts": "[1e10]"}, "1e10"),  # no run left to fit
        ({"headline": '"multiplication"'}, "multiplication"),
        ({"tasks": '["division"]'}, "division"),
        ({"tasks": '["addition"]', "headline": json.dumps(HOSTILE)}, "is not a task of table.csv"),
        ({"thresholds": "[0.5, 50]"}, "place 2 is 50; 'addition' is a rate: give numbers between 0 and 1"),
        ({"thresholds": '["8h"]'}, "place 1 is 480"),
        ({"cuts": '["2020-01-01"]'}, "the table has no dates"),
    ],
)
def test_a_study_that_cannot_be_carried_out_is_refused_before_anything_is_fitted(
    write_study, tmp_path, monkeypatch, changes, said
):
    for work in ("backtest", "fit_average"):
        monkeypatch.setattr(f"forecast.study.run.{work}", lambda *_, **__: pytest.fail("fitted"))
    with pytest.raises(ForecastError) as caught:
        run_study(read_study(write_study(**changes)), tmp_path / "output")
    assert said in str(caught.value).replace("+", "")
    assert not (tmp_path / "output").exists()


def test_an_output_folder_that_is_a_file_is_refused(write_study, tmp_path):
    (tmp_path / "output").write_text("mine")
    done = forecast_command("run", write_study(), "-o", tmp_path / "output")
    assert done.code == 1 and str(tmp_path / "output") in done.err
    assert (tmp_path / "output").read_text() == "mine"


def test_the_study_that_new_writes_is_read_and_its_table_has_no_problems(tmp_path):
    folder = tmp_path / "new" / "study"
    assert forecast_command("new", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "study.toml", "table.csv"]
    assert read_study(folder).table == folder / "table.csv"
    assert forecast_command("validate", folder / "table.csv").code == 0


def test_new_fills_an_empty_folder_and_never_overwrites(tmp_path):
    assert forecast_command("new", tmp_path).code == 0
    (tmp_path / "table.csv").write_text("my work")
    again = forecast_command("new", tmp_path)
    assert again.code == 1 and "not an empty folder" in again.err and again.out == ""
    assert (tmp_path / "table.csv").read_text() == "my work"
    assert forecast_command("new", tmp_path / "table.csv").code == 1


@pytest.fixture(scope="module")
def study_run(tmp_path_factory):
    """A study of two tasks carried out with one cut: the folder of its results and what the command answered."""
    folder = tmp_path_factory.mktemp("study")
    write_rows(folder / "table.csv", [row for row in simulated_rows() if row["task"] in TASKS_OF_STUDY])
    lines = [f"{key} = {value}" for key, value in (GOOD | {"question": '"Q <b>?"'}).items()]
    (folder / "study.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "output", forecast_command("run", folder, *FEW_DRAWS, "--json")


def test_a_study_writes_exactly_its_files(study_run):
    output, done = study_run
    assert done.code == 3 and "not trustworthy: " in done.err  # few draws
    names = [
        "backtest",
        "fit_all.nc",
        "fit_below_2e22.nc",
        "forecast.svg",
        "predictions_below_2e22.csv",
        "report.html",
        "result.json",
    ]
    assert sorted(path.name for path in output.iterdir()) == [*names, "scores_below_2e22.csv", "thresholds.csv"]
    assert {"jobs", "scores.csv", "summary.json"} <= {path.name for path in (output / "backtest").iterdir()}


def test_the_result_is_strict_json_and_what_the_command_printed(study_run):
    output, done = study_run
    result = json.loads((output / "result.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert result == done.json
    assert (result["title"], result["question"], result["seed"]) == ("T", "Q <b>?", SEED)
    assert [each["below"] for each in result["fits"]] == [CUT, None]
    asked = [(task, at) for task in TASKS_OF_STUDY for at in (0.5, 0.8)]
    for each in result["fits"]:
        assert [(one["task"], one["at"]) for one in each["thresholds"]] == asked
        assert each["reasons"]
    methods = [method["method"] for method in result["fits"][0]["methods"]]
    assert methods == ["capability model", *BASELINES]
    assert "addition reaching 0.5" in result["answer"] and result["fits"][1]["methods"] == []
    assert [each["weights"] for each in result["fits"]] == [{"full": 1.0}] * 2


def test_the_verdict_of_a_study_is_that_of_its_back_test_and_of_its_fits(study_run):
    output, done = study_run
    judged = done.json["verdict"]
    assert judged == json.loads((output / "backtest" / "summary.json").read_text(encoding="utf-8"))["verdict"]
    assert judged["trust"] == "do not trust" and judged["record"]["n"] == len(TASKS_OF_STUDY)  # one run is hidden
    unsound = [each["text"] for each in judged["reasons"] if each["kind"] == "not converged"]
    worst = max(done.json["fits"], key=lambda each: each["diagnostics"]["max_rhat"])
    name = "all runs" if worst["below"] is None else "the runs below 2e22 FLOP"
    assert unsound == [f"fit on {name}: {worst['reasons'][0]}", *worst["reasons"][1:]]
    assert all(done.err.count(plain(reason)) == 1 for reason in unsound)
    assert f"try `forecast run {shlex.quote(str(output.parent))}" in unsound[0]


def test_the_fits_of_a_study_answer_the_thresholds_of_its_result(study_run):
    output, done = study_run
    for each in done.json["fits"]:
        fit = load(output / each["fit"])
        assert fit.below == each["below"] and fit.sampling.seed == SEED
        found = [threshold(fit, task, at) for task in TASKS_OF_STUDY for at in (0.5, 0.8)]
        assert each["thresholds"] == found  # as `forecast threshold --json`


def test_the_result_says_for_each_fit_what_the_data_moved_and_which_rows_surprise(study_run):
    output, done = study_run
    for each in done.json["fits"]:
        fit = load(output / each["fit"])
        one, two = (contraction(fit, at=(at,), seed=SEED) for at in (0.5, 0.8))
        found = {(line["task"], line["parameter"]): line for line in each["moved"]}
        assert len(found) == len(each["moved"])
        assert found == {(line["task"], line["parameter"]): line for line in one + two}
        assert each["surprising_rows"] == outliers(fit, seed=SEED)


def test_what_the_data_moved_is_in_the_order_of_the_tasks(study_run):
    tasks = [line["task"] for line in study_run[1].json["fits"][1]["moved"]]
    assert list(dict.fromkeys(tasks)) == [None, *TASKS_OF_STUDY]
    assert tasks == sorted(tasks, key=[None, *TASKS_OF_STUDY].index)


def test_the_report_of_a_study_says_of_each_fit_whether_its_headline_thresholds_are_data(study_run):
    html = (study_run[0] / "report.html").read_text(encoding="utf-8")
    first, later = html.split('<section id="drivers"')[1].split('<section id="fit-2"')
    for part in (first, later):
        sentences = re.findall(r"<strong>The threshold (0\.\d) of addition (?:comes|is|counts)", part)
        assert sentences == ["0.5", "0.8"]
    assert "Which rows surprise the model?" in first and "what changed" in later


def test_the_report_of_one_fit_names_a_broken_row_and_what_the_data_moved(fitted, tmp_path):
    rows = np.flatnonzero(fitted.data.successes.values == fitted.data.successes.values.max())[:1]
    zero = fitted.data.successes.where(~np.isin(np.arange(fitted.data.sizes["observation"]), rows), 0)
    broken = replace(fitted, data=fitted.data.assign(successes=zero, score=zero / fitted.data.trials))
    write_report(broken, tmp_path / "report.html", at=0.5)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "looks like a broken evaluation" in html or "look like broken evaluations" in html
    assert "<strong>The threshold 0.5 of addition comes from the data</strong>" in html
    assert "Do not trust this forecast: " in html and "such forecasts were never tested" in html


def test_runs_at_or_above_the_cut_are_not_fitted_but_scored(study_run):
    output, _ = study_run
    held_out = [model.strip() for model, x in RUNS.items() if 10**x >= CUT]  # spaces around a name are no part of it
    assert set(held_out).isdisjoint(load(output / "fit_below_2e22.nc").data.run.values)
    scores = pd.read_csv(output / "scores_below_2e22.csv")
    assert sorted(set(scores["model"])) == sorted(held_out) and set(scores["task"]) == set(TASKS_OF_STUDY)
    assert np.all(scores["inside"] == ((scores["score"] >= scores["q05"]) & (scores["score"] <= scores["q95"])))
    tested = pd.read_csv(output / "backtest" / "scores.csv")
    tested = tested[tested["method"] == "capability model"].rename(columns={"outcome": "score", "inside_90": "inside"})
    pd.testing.assert_frame_equal(scores, tested[scores.columns].reset_index(drop=True))


def test_the_predictions_of_the_runs_above_the_cut_are_those_of_the_fit_below_it(study_run):
    output, _ = study_run
    predicted = pd.read_csv(output / "predictions_below_2e22.csv")
    frame = read_table(output.parent / "table.csv")
    hidden = frame[frame["compute"] >= CUT]
    expected = summarise(hidden, predict(load(output / "fit_below_2e22.nc"), hidden, seed=SEED))
    assert list(predicted["model"]) == list(expected["model"]) and list(predicted["task"]) == list(expected["task"])
    quantiles = [name for name in predicted if name.startswith("q")]
    assert len(quantiles) > 2
    np.testing.assert_allclose(predicted[quantiles], expected[quantiles].astype(float), rtol=1e-9)


def test_the_table_of_thresholds_is_that_of_the_result(study_run):
    output, done = study_run
    table = pd.read_csv(output / "thresholds.csv")
    rows = [one for each in done.json["fits"] for one in each["thresholds"]]
    assert list(table["task"]) == [one["task"] for one in rows]
    np.testing.assert_allclose(table["p_never"], [one["p_never"] for one in rows])
    np.testing.assert_allclose(table["log10_compute_q50"], [float(one["log10_compute"]["q50"]) for one in rows])


def test_the_report_of_a_study_shows_both_fits_and_no_markup_of_names(study_run):
    html = (study_run[0] / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html and "日本語" in html
    assert "Q &lt;b&gt;?" in html
    assert "Fit on all runs" in html and "Fit on the runs below 2e22 FLOP" in html


def test_rows_of_another_metric_beside_those_of_a_fitted_task_change_nothing(fitted, track_of, tmp_path):
    """A table whose task gains a second metric, as losses or above the cut, labels tasks otherwise than the fit."""
    largest = max(RUNS, key=RUNS.__getitem__)
    compute = {"model": largest, "compute": f"{10 ** RUNS[largest]:.6g}", "task": "addition", "trials": 10}
    more = [compute | {"metric": "token_accuracy", "successes": 5}]
    frames = [
        read_table(write_rows(tmp_path / name, rows))
        for name, rows in {"one.csv": simulated_rows(), "two.csv": simulated_rows() + more}.items()
    ]
    for task in TASKS:
        one, two = (task_forecast(fitted, task, 0.5, observations(frame)).observed for frame in frames)
        pd.testing.assert_frame_equal(one, two)
    split = Split(by="compute", at=CUT)
    one, two = (
        check_held_out(fitted, frame, track_of(frame, split), split, tmp_path / "p.csv", seed=1).outcomes
        for frame in frames
    )
    pd.testing.assert_frame_equal(one, two)


def test_losses_among_the_hidden_rows_are_predicted_but_no_outcome_on_the_axis_of_scores(
    answer_table, answer_fitted, track_of, tmp_path
):
    frame, split = read_table(answer_table), Split(by="compute", at=1e23)
    check = check_held_out(answer_fitted, frame, track_of(frame, split), split, tmp_path / "p.csv", seed=1)
    assert set(check.outcomes["task"]) == {"sums", "words", "picks"} and check.outcomes["score"].max() <= 1
    predicted = pd.read_csv(tmp_path / "p.csv")
    assert "validation" in set(predicted["task"])
    assert len(check.outcomes) == (predicted["metric"] != "loss").sum()
    assert check.others == (predicted["metric"] == "loss").sum() > 0


def test_each_fit_of_a_study_has_the_weights_that_its_own_runs_give(write_study, fitted, tmp_path, monkeypatch):
    """Below a cut those of the runs below it, which no hidden run moves; of all runs those of the whole record."""
    asked = []

    def fit_average(frame, *, weights, below, **options):
        asked.append((below, weights))
        return replace(fitted, below=below)

    def no_evidence(fit, headline, *_, **__):
        return Evidence(headline=headline, moved=[], surprising=[], rows=fit.data.sizes["observation"])

    monkeypatch.setattr("forecast.study.run.fit_average", fit_average)
    monkeypatch.setattr("forecast.study.fitted.evidence", no_evidence)
    monkeypatch.setattr("forecast.study.report.write_page", lambda *_, **__: None)
    monkeypatch.setattr("forecast.backtesting.run.forecasts", guesses)
    run_study(read_study(write_study(k_sweep_length=None)), tmp_path / "output", structures=AVERAGED)
    scores = pd.read_csv(tmp_path / "output" / "backtest" / "scores.csv")
    (cut,) = json.loads((tmp_path / "output" / "backtest" / "summary.json").read_text(encoding="utf-8"))["cuts"]
    assert asked == [(CUT, cut["weights"]), (None, stacking_weights(scores[scores["method"].isin(AVERAGED)]))]
    assert asked[0][1] != asked[1][1]
