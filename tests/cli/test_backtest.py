"""`forecast backtest` and `forecast compare`: documents, files and exit codes; what is scored are guesses."""

import json

import numpy as np
import pandas as pd
import pytest

from forecast.backtesting.scored import OURS
from forecast.errors import ForecastError
from forecast.fitting.average import compared
from forecast.posterior.fit import load
from forecast.scoring.baselines import BASELINES
from forecast.table.dataset import read_table
from models.structures import AVERAGED, DEFAULT
from tests.conftest import (
    ANSWER_COLUMNS,
    CUT,
    FEW_DRAWS,
    HOSTILE,
    RUNS,
    SEED,
    TASKS,
    answer_rows,
    forecast_command,
    guesses,
    guesses_of_hidden,
    knowing,
    simulated_rows,
    write_rows,
)

CUTS = {"runs below 1e22 FLOP": (4, 2), "runs below 2e22 FLOP": (5, 1)}  # training and hidden runs
FILES = [
    "crps_by_distance.svg",
    "jobs",
    "scores.csv",
    "summary.json",
    "thresholds.csv",
    "together.csv",
]  # too few outcomes for more
TWO_CUTS = ("--cut", 1e22, "--cut", CUT, "--average")
PAIR = ",".join(AVERAGED[:2])


@pytest.fixture(scope="module")
def recorded(table, tmp_path_factory):
    """The folder of a back-test at two cuts, and what the command answered."""
    folder = tmp_path_factory.mktemp("record")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.backtesting.run.forecasts", guesses)
        return folder, forecast_command("backtest", table, *TWO_CUTS, "-o", folder, "--json")


@pytest.fixture
def guessed(monkeypatch):
    monkeypatch.setattr("forecast.backtesting.run.forecasts", guesses)


@pytest.fixture
def unfitted(monkeypatch):
    monkeypatch.setattr("forecast.backtesting.run.forecasts", lambda job: pytest.fail("fitted"))


# The back-test


def test_the_answer_holds_verdict_methods_pairs_and_the_record_by_cut_task_metric_and_distance(recorded, table):
    answer = recorded[1].json
    assert answer["table"] == str(table) and answer["verdict"]["trust"] == "do not trust"
    methods = [OURS, *AVERAGED, *BASELINES]
    assert [each["method"] for each in answer["methods"]] == methods
    assert [(each["method"], each["against"]) for each in answer["pairs"]] == [(OURS, name) for name in methods[1:]]
    assert {each["cut"]: (each["runs"], each["hidden_runs"]) for each in answer["cuts"]} == CUTS
    assert all(sum(each["weights"].values()) == pytest.approx(1, abs=1e-3) for each in answer["cuts"])
    for by, keys in {"cut": CUTS, "task": TASKS, "metric": {metric for metric, *_ in TASKS.values()}}.items():
        assert {(each[by], each["method"]) for each in answer[f"by_{by}"]} == {(k, m) for k in keys for m in methods}
    assert list(dict.fromkeys(each["distance"] for each in answer["by_distance"])) == ["0-0.5", "0.5-1", "1-2"]
    assert all(0 <= each["rps"] <= 1 and each["at"] == 0.5 for each in answer["thresholds"])
    assert [each["method"] for each in answer["thresholds"]] == [OURS, *AVERAGED]
    assert {each["structure"] for each in answer["fits"]} == set(AVERAGED) and answer["failed"] == {}


def test_the_files_are_those_of_the_answer(recorded):
    folder, done = recorded
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail) == done.json
    scores = pd.read_csv(folder / "scores.csv")
    assert {"bed", "cut", "method", "task", "metric", "crps", "log_score", "q05", "q50", "q95", "outcome"} <= set(
        scores
    )
    means = scores.groupby("method")["crps"].mean()
    assert {each["method"]: each["crps"] for each in done.json["methods"]} == pytest.approx(dict(means))
    assert len(list((folder / "jobs").glob("*.nc"))) == 2 * len(CUTS)


def test_do_not_trust_is_exit_code_3_with_its_reasons_on_stderr(recorded):
    done = recorded[1]
    reasons = [each["text"] for each in done.json["verdict"]["reasons"] if each["level"] == "do not trust"]
    assert done.code == 3 and done.out.count("\n") == 1
    assert done.err == "not trustworthy: " + "; ".join(reasons) + "\n"


@pytest.mark.parametrize("work", [knowing, guesses], ids=lambda work: work.__name__)
def test_the_exit_code_is_the_verdict(table, tmp_path, monkeypatch, work):
    monkeypatch.setattr("forecast.backtesting.run.forecasts", work)
    done = forecast_command("backtest", table, "--cut", CUT, "--cut", 1e22, "-o", tmp_path, "--json")
    trusted = work is knowing
    assert (done.json["verdict"]["trust"] != "do not trust") == trusted
    assert done.code == (0 if trusted else 3) and (done.err == "") == trusted


def test_started_again_the_command_fits_nothing_and_answers_the_same(recorded, table, monkeypatch):
    folder, first = recorded

    def unneeded(job):
        pytest.fail("fitted")

    unneeded.__module__, unneeded.__qualname__ = guesses.__module__, guesses.__qualname__  # by which results are known
    monkeypatch.setattr("forecast.backtesting.run.forecasts", unneeded)
    again = forecast_command("backtest", table, *TWO_CUTS, "-o", folder, "--json")
    assert (again.code, again.out, again.err) == (first.code, first.out, first.err)


def test_without_a_cut_the_largest_three_in_ten_runs_are_hidden(table, tmp_path, guessed):
    done = forecast_command("backtest", table, "-o", tmp_path / "out", "--json")
    assert {each["cut"]: (each["runs"], each["hidden_runs"]) for each in done.json["cuts"]} == {
        "runs below 1e22 FLOP": (4, 2)
    }
    hidden = set(pd.read_csv(tmp_path / "out" / "scores.csv")["model"])
    assert hidden == {name.strip() for name, x in RUNS.items() if x >= 22}


def test_runs_may_be_hidden_by_date_and_by_family(answer_table, tmp_path, guessed):
    done = forecast_command("backtest", answer_table, "--date", "2022-01-01", "--families", "-o", tmp_path, "--json")
    assert [each["cut"] for each in done.json["cuts"]] == [
        *("runs before 2022-01-01", "runs without family recipe 0", "runs without family recipe 1")
    ]
    assert all((each["runs"], each["hidden_runs"]) == (4, 4) for each in done.json["cuts"])
    metrics = {each["metric"] for each in done.json["by_metric"]}
    assert metrics == {"at_least_k", "exact_match", "token_accuracy", "choice", "loss"}


def test_structures_thresholds_and_seed_are_those_asked_for(table, tmp_path, guessed):
    asked = ("--structures", PAIR, "--at", 0.3, "--at", 0.8)
    one, two = (
        forecast_command("backtest", table, *asked, "--seed", seed, "-o", tmp_path / f"{seed}", "--json").json
        for seed in (1, 2)
    )
    assert list(one["cuts"][0]["weights"]) == list(AVERAGED[:2])
    assert list(dict.fromkeys(each["at"] for each in one["thresholds"])) == [0.3, 0.8]
    assert (one["seed"], two["seed"]) == (1, 2) and one["methods"][0]["crps"] != two["methods"][0]["crps"]


def test_without_json_the_scores_and_the_verdict_are_plain_text(recorded, table, tmp_path, guessed):
    done = forecast_command("backtest", table, *TWO_CUTS, "-o", tmp_path)
    assert done.code == 3 and all(character.isprintable() or character == "\n" for character in done.out)
    for method in recorded[1].json["methods"]:
        assert f"{method['method']:<18} {method['crps']:.3f}" in done.out
    assert recorded[1].json["verdict"]["sentence"] in done.out and str(tmp_path / "scores.csv") in done.out


def test_a_failed_fit_is_named_and_the_rest_is_scored(table, tmp_path, monkeypatch):
    def failing(job):
        if len(job.data["train"]) < 5 * len(TASKS):
            raise ValueError("impossible \x1b[31m")
        return guesses(job)

    monkeypatch.setattr("forecast.backtesting.run.forecasts", failing)
    asked = ("backtest", table, "--cut", 1e22, "--cut", CUT, "-o", tmp_path)
    done = forecast_command(*asked, "--json")
    assert "runs below 1e22 FLOP" in done.json["failed"]
    assert {each["cut"] for each in done.json["by_cut"]} == {"runs below 2e22 FLOP"}
    text = forecast_command(*asked)
    assert r"failed: runs below 1e22 FLOP: ValueError: impossible \x1b[31m" in text.out and "\x1b" not in text.out


# Errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cut", "1e30"), ["runs below 1e30 FLOP", "6 runs to fit and 0 to score", "1e20 to 3.16e22 FLOP"]),
        (("--cut", "1e22", "--cut", "2e20"), ["1 run to fit", "at least 3 and 1 are needed"]),
        (("--cut", "1 ZFLOP"), ["'runs below 1e21 FLOP' leaves"]),
        (("--cut", "nan"), ["0 runs to fit and 0 to score"]),
        (("--date", "2022-01-01"), ["0 runs to fit and 0 to score", "no dates"]),
        (("--families",), ["no cut"]),
        (("--structures", "fuller"), ["'fuller'", "'full'"]),
        (("--at", "0.5", "--at", "50"), ["between 0 and 1, got 50; for 50% write --at 0.5"]),
        (("--at", "1"), ["between 0 and 1, got 1; for 80% write --at 0.8"]),
        (("--at", "8h"), ["--at 8h: is a duration, the thresholds are of rates"]),
        (("--scheduler", "nonsense"), ["nonsense' | extra `dask`"]),
    ],
    ids=lambda each: " ".join(each),
)
def test_what_cannot_be_tested_is_one_line_that_names_the_numbers(table, tmp_path, unfitted, options, said):
    done = forecast_command("backtest", table, *options, "-o", tmp_path / "out")
    assert done.code == 1 and done.out == "" and done.err.startswith("error: ") and done.err.count("\n") == 1
    for text in said:
        assert any(each in done.err for each in text.split(" | ")), done.err
    assert not (tmp_path / "out" / "scores.csv").exists()
    assert "--at" not in options or not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["backtest", "compare"])
@pytest.mark.parametrize(("typed", "meant"), [("50%", "0.5"), ("0,5", "0.5"), ("12,5 %", "0.125")])
def test_a_share_that_is_typed_otherwise_is_told_how_to_write_it(table, unfitted, command, typed, meant):
    done = forecast_command(command, table, *(("-o", "out") if command == "backtest" else ()), "--at", typed)
    assert done.code == 2 and f"{typed!r} is not a number; write {meant}" in done.err


def test_a_folder_that_cannot_be_made_is_refused_before_any_fit(table, tmp_path, unfitted):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        done = forecast_command("backtest", table, "-o", folder)
        assert done.code == 1 and str(folder) in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *[("backtest",), ("backtest", "table.csv"), ("backtest", "table.csv", "-o", "out", "--cut", "many")],
        *[("backtest", "table.csv", "-o", "out", "--workers", "0"), ("backtest", "t.csv", "-o", "o", "--date", "soon")],
        *[("compare",), ("compare", "table.csv", "--draws", "1"), ("compare", "table.csv", "--at", "half")],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_exit_code_2_and_a_hint_on_stderr(arguments):
    done = forecast_command(*arguments)
    assert done.code == 2 and done.out == "" and "--help" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--structures", "fuller"), "'fuller'"),
        (("-o", "no/fit.nc"), "make it first"),
        (("--below", "1e20"), "0 runs"),
        (("--at", "50"), "for 50% write --at 0.5"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_compared_is_one_line_before_any_fit(table, monkeypatch, options, said):
    monkeypatch.setattr("forecast.fitting.structures.sampled", lambda *_, **__: pytest.fail("fitted"))
    done = forecast_command("compare", table, *options)
    assert done.code == 1 and done.out == "" and said in done.err and done.err.count("\n") == 1


# Structures side by side


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """The posterior of two structures of one task, weighed by guesses, and what `forecast compare --json` answered."""
    folder = tmp_path_factory.mktemp("compare")
    table = write_rows(folder / "table.csv", [row for row in simulated_rows() if row["task"] == HOSTILE])
    asked = ("--structures", PAIR, "--at", 0.3, "--at", 0.5, "--seed", SEED)
    path = folder / "fit.nc"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.fitting.stacking.forecast_hidden", guesses_of_hidden)
        return path, forecast_command("compare", table, "-o", path, *asked, *FEW_DRAWS, "--json")


def test_compare_answers_weights_and_thresholds_of_each_structure(comparison):
    done = comparison[1]
    answer = done.json
    assert done.code in (0, 3) and (done.code == 3) == bool(answer["reasons"]) == bool(done.err)
    assert list(answer["weights"]) == list(AVERAGED[:2])
    assert sum(answer["weights"].values()) == pytest.approx(1, abs=1e-3)
    assert len(set(answer["weights"].values())) == 2  # guesses are not equally good
    assert [(each["task"], each["at"]) for each in answer["thresholds"]] == [(HOSTILE, 0.3), (HOSTILE, 0.5)]
    for line in answer["thresholds"]:
        assert {each["structure"]: each["weight"] for each in line["structures"]} == answer["weights"]
        low, high = ([float(each["log10_compute"][q]) for each in line["structures"]] for q in ("q05", "q95"))
        assert min(low) <= float(line["log10_compute"]["q05"]) and float(line["log10_compute"]["q95"]) <= max(high)


def test_between_and_within_are_the_spreads_of_medians_and_of_single_structures(comparison):
    for line in comparison[1].json["thresholds"]:
        weights = np.array([each["weight"] for each in line["structures"]])
        weights = weights / weights.sum()
        quantiles = [each["log10_compute"] for each in line["structures"]]
        low, middle, high = (np.array([float(each[q]) for each in quantiles]) for q in ("q05", "q50", "q95"))
        if np.isfinite([low, middle, high]).all():
            variance = np.average(middle**2, weights=weights) - np.average(middle, weights=weights) ** 2
            assert float(line["between"]) == pytest.approx(np.sqrt(variance), abs=1e-6)
            assert float(line["within"]) == pytest.approx(np.average(high - low, weights=weights))
        else:
            assert "inf" in (line["between"], line["within"])


def test_the_spread_is_infinite_where_a_structure_says_never(comparison):
    line = compared(load(comparison[0]), at=[1 - 1e-12])["thresholds"][0]
    assert [each["p_never"] for each in line["structures"]] != [0.0, 0.0]
    assert line["within"] == "inf"


def test_there_is_no_spread_where_guessing_already_reaches_the_score(comparison):
    line = compared(load(comparison[0]), at=[1e-300])["thresholds"][0]
    assert line["log10_compute"]["q95"] == "-inf"
    assert (line["between"], line["within"]) == (0.0, 0.0)


def test_the_posterior_that_compare_writes_answers_for_each_structure_alone(comparison):
    path, done = comparison
    line = done.json["thresholds"][1]
    for each in line["structures"]:
        asked = ("threshold", path, "--task", HOSTILE, "--at", 0.5, "--structure", each["structure"], "--json")
        alone = forecast_command(*asked)
        assert (
            alone.code == done.code == (3 if done.json["reasons"] else 0)
            and alone.json["log10_compute"] == each["log10_compute"]
        )
        assert alone.json["p_never"] == each["p_never"]
    average = forecast_command("threshold", path, "--task", HOSTILE, "--at", 0.5, "--json").json
    assert average == {name: line[name] for name in average}
    refused = forecast_command("threshold", path, "--task", HOSTILE, "--at", 0.5, "--structure", "fuller")
    assert refused.code == 1 and "'fuller' is not a structure of this fit; use one of: full" in refused.err


def test_without_json_the_structures_stand_above_their_average(comparison, table, monkeypatch):
    monkeypatch.setattr("forecast.fitting.average.fit_average", lambda *_, **__: load(comparison[0]))
    done = forecast_command("compare", table)
    assert all(character.isprintable() or character == "\n" for character in done.out)
    lines = [line.split("  ")[1].strip() for line in done.out.splitlines() if line.startswith("  ")]
    assert lines[:3] == [*AVERAGED[:2], "average"] and lines[3].startswith("spread between structures")
    assert done.out.startswith("weights: full ")


def test_fit_has_one_structure_unless_told_otherwise_and_says_by_which_weights_it_averages(
    comparison, table, tmp_path, monkeypatch
):
    asked, averaged = [], load(comparison[0])

    def fit_average(frame, *, structures, **options):
        asked.append(structures)
        return averaged

    monkeypatch.setattr("forecast.fitting.average.fit_average", fit_average)
    monkeypatch.setattr("forecast.fitting.contraction.contraction", lambda *_, **__: [])
    done = forecast_command("fit", table, "-o", tmp_path / "fit.nc", "--json")
    text = forecast_command("fit", table, "-o", tmp_path / "fit.nc", "--structures", "full, one power law")
    forecast_command("fit", table, "-o", tmp_path / "fit.nc", "--average")
    assert asked == [DEFAULT, ("full", "one power law"), AVERAGED]
    both = forecast_command("fit", table, "-o", tmp_path / "fit.nc", "--average", "--structures", "full")
    assert both.code == 1 and "give one of them" in both.err
    assert done.json["weights"] == done.json["provenance"]["weights"] == dict(averaged.weights)
    assert "weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in averaged.weights.items()) in text.out
    assert load(tmp_path / "fit.nc").weights == averaged.weights


def test_a_table_of_losses_has_no_threshold_to_compare(tmp_path, prior_fit):
    losses = [row for row in answer_rows() if row["metric"] == "loss"]
    fit = prior_fit(read_table(write_rows(tmp_path / "losses.csv", losses, header=ANSWER_COLUMNS)), draws=5)
    with pytest.raises(ForecastError, match="holds only losses"):
        compared(fit, at=[0.5])
