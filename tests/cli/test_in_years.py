"""Fits in years: whatever takes or would print FLOP, parameters or tokens is refused, with what to add."""

from dataclasses import replace

import pandas as pd
import pytest

from forecast.backtesting.record import write_backtest
from forecast.backtesting.verdict import verdict
from forecast.draws import Diagnostics
from forecast.posterior.fit import save
from forecast.table.dataset import read_table
from forecast.table.splits import latest
from tests.conftest import forecast_command, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "date", "compute")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
IN_YEARS = "this fit is in years: its table holds no compute"
ADD = "add compute, or params and tokens, to the table and fit again"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rows = [
        {"model": f"g{i}", "task": "desk", "metric": "exact_match", "score": 0.09 + 0.11 * i, "trials": 250}
        | {"date": f"{2018 + i}-0{i + 1}-11"}
        for i in range(7)
    ]
    return write_rows(tmp_path_factory.mktemp("years") / "table.csv", rows, header=HEADER)


@pytest.fixture(scope="module")
def path(table, prior_fit):
    save(replace(prior_fit(read_table(table), draws=150), diagnostics=SOUND), table.parent / "fit.nc")
    return table.parent / "fit.nc"


@pytest.mark.parametrize(
    ("command", "options", "named"),
    [
        ("howmuch", (), "no parameters or tokens follow from it"),
        ("howmuch", ("--params", "7e9"), "no parameters or tokens follow from it"),
        ("design", ("--budget", "1e22"), "a budget of FLOP"),
        ("when", ("--runs", "runs.csv"), "--runs: "),
        ("when", ("--trained",), "--trained: "),
        ("when", ("--trained", "--runs", "runs.csv"), "--runs and --trained: "),
    ],
)
def test_what_is_about_compute_is_refused_with_what_to_add(path, command, options, named):
    done = forecast_command(command, path, "--task", "desk", "--at", 0.7, *options)
    assert done.code == 1 and done.out == ""
    assert IN_YEARS in done.err and named in done.err and ADD in done.err


def test_rows_with_compute_are_refused_by_predict_and_as_candidates(path, tmp_path):
    row = {"model": "next", "task": "desk", "metric": "exact_match", "compute": "1e25", "trials": 100}
    new = write_rows(tmp_path / "new.csv", [row], header=HEADER)
    asked = ("design", path, "--task", "desk", "--at", 0.7, "--candidates", new)
    for done in (forecast_command("predict", path, "--rows", new), forecast_command(*asked)):
        assert done.code == 1 and "its scale is dates; give the rows dates" in done.err


@pytest.mark.parametrize("command", ["fit", "compare", "backtest"])
def test_cuts_in_flop_are_refused(table, tmp_path, command):
    cut = ("--cut", "1e22") if command == "backtest" else ("--below", "1e22")
    output = () if command == "compare" else ("-o", tmp_path / "out.nc")
    done = forecast_command(command, table, *cut, *output)
    assert done.code == 1 and "the table holds no compute, dates are its scale" in done.err


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("cuts = [1e22]\n", "a cut in FLOP"),
        ('[[scenarios]]\nname = "slow"\ngrowth = 0.2\n', "scenarios: table.csv holds no compute"),
        ('runs = "epoch.csv"\n', "runs: table.csv holds no compute"),
    ],
)
def test_a_study_whose_keys_are_about_compute_is_refused_before_the_first_fit(table, tmp_path, keys, said):
    (tmp_path / "table.csv").write_text(table.read_text())
    head = 'title = "t"\nquestion = "q?"\ntable = "table.csv"\nthresholds = [0.5]\n'
    (tmp_path / "study.toml").write_text(head + keys)
    done = forecast_command("run", tmp_path, "-o", tmp_path / "out")
    assert done.code == 1 and said in done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["threshold", "when", "design"])
def test_what_years_can_answer_is_in_years(path, command):
    done = forecast_command(command, path, "--task", "desk", "--at", 0.7)
    assert done.code == 0
    for word in ("FLOP", "decades", "compute", "parameters", "tokens"):
        assert word not in done.out, word


def test_the_files_of_a_back_test_hold_dates_and_no_place_of_them(table, tmp_path, track_of):
    frame = read_table(table)
    tested = track_of(frame, latest(frame))
    write_backtest(tested, verdict(tested, runs=7), tmp_path / "out", table="table.csv", seed=1)
    scores, thresholds = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("scores", "thresholds"))
    assert scores[["log10_compute", "log10_cut", "decades_beyond"]].isna().all(axis=None)
    assert set(scores["date"]) <= set(frame["date"].dt.strftime("%Y-%m-%d")) and (scores["years_beyond"] > 0).all()
    assert scores["q50"].between(0, 1).all()
    assert thresholds[["low", "high", "q05", "q50", "q95"]].isna().all(axis=None)
    assert thresholds["q50_date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
