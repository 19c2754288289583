"""Horizons at the command line: lengths of time as thresholds, growth in words, and what is refused."""

import re

import pandas as pd
import pytest

from tests.conftest import forecast_command

MINUTES = [0.5, 1.5, 2.0, 6.0, 9.0, 31.0]


def table(**cells):
    dates = [f"{2021 + run // 2}-0{1 + 5 * (run % 2)}-15" for run in range(6)]
    known = {"model": [f"agent {run}" for run in range(6)], "task": "jobs", "metric": "horizon", "score": MINUTES}
    return pd.DataFrame(known | {"date": dates} | cells)


def written(path, frame):
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def horizons(prior_fit, tmp_path_factory):
    """Prior draws of a table of horizons by date, as a stored fit."""
    from forecast.posterior.fit import save
    from forecast.table.dataset import read_table

    folder = tmp_path_factory.mktemp("horizons")
    save(prior_fit(read_table(written(folder / "table.csv", table())), draws=100), folder / "fit.nc")
    return folder / "fit.nc"


def ask(horizons, command, at, *options):
    return forecast_command(command, horizons, "--task", "jobs", "--at", at, *options)


@pytest.mark.parametrize(("at", "minutes"), [("8h", 480), ("480", 480), ("1 working month", 10020), ("90 s", 1.5)])
def test_a_threshold_is_a_number_of_minutes_or_a_length_of_time(horizons, at, minutes):
    found = ask(horizons, "threshold", at, "--json").json
    assert found["at"] == minutes and found["metric"] == "horizon"
    assert 0 < found["doubling_days"]["q05"] < found["doubling_days"]["q95"]


def test_answers_are_in_words_and_say_how_fast_a_horizon_doubles(horizons):
    said = ask(horizons, "threshold", "130").out
    assert "2 h 10 min" in said and re.search(r"doubling time \d+ days \(90% \d+ to \d+\)", said)
    said = ask(horizons, "when", "8h", "--quiet").out
    assert said.startswith("jobs at 8 h: date of release") and "doubling time " in said
    assert "doubling_days" in ask(horizons, "when", "8h", "--json").json


@pytest.mark.parametrize("at", ["8x", "two hours", "1 day", ""])
def test_what_is_no_length_of_time_is_a_wrong_use(horizons, at):
    done = ask(horizons, "threshold", at)
    assert done.code == 2 and "--at" in done.err and "write" in done.err


def test_no_horizon_is_below_zero(horizons):
    done = ask(horizons, "threshold", "0")
    assert done.code == 1 and "the threshold of a horizon must be above 0 minutes, got 0" in done.err


def test_a_length_of_time_is_no_threshold_of_a_rate(fit_file):
    done = forecast_command("threshold", fit_file, "--task", "addition", "--at", "8h")
    assert done.code == 1
    assert done.err == "error: --at 8h: is a duration, 'addition' is no horizon; give a number such as 0.5\n"


def test_a_report_of_horizons_alone_answers_by_date_for_a_working_day(horizons, tmp_path):
    done = forecast_command("report", horizons, "-o", tmp_path / "r.html")
    assert done.code in (0, 3) and "jobs reaching 8 h is expected by 20" in done.out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "is expected to reach 8 h" in page and "FLOP" not in page.split("Method")[0].split("<script")[0]


def test_validate_says_horizons_in_words(tmp_path):
    said = forecast_command("validate", written(tmp_path / "t.csv", table())).out
    assert "jobs (horizon): 6 runs, scores 30 s to 31 min" in said
    assert "position and growth: fixed by 6 measured horizons" in said


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            {"score": [0, *MINUTES[1:]]},
            "value '0.0': is not a positive finite horizon; give the horizon in minutes, above 0",
        ),
        ({"score": [3e9, *MINUTES[1:]]}, "is no horizon in minutes: it lies outside 1e-06 to 1e+09; give minutes"),
        ({"score": [1e-9, *MINUTES[1:]]}, "is no horizon in minutes"),
        ({"score": [None, *MINUTES[1:]]}, "column 'score', value '': is blank; give the horizon in minutes"),
        ({"score_sd": -0.1}, "column 'score_sd', value '-0.1': is not between 0 and 10 decades"),
        ({"score_sd": 40}, "is not between 0 and 10 decades"),
        ({"score_sd": "wide"}, "column 'score_sd', value 'wide': is text, not a number"),
    ],
)
def test_cells_that_are_no_horizons_are_refused(tmp_path, cells, problem):
    done = forecast_command("validate", written(tmp_path / "t.csv", table(**cells)))
    assert done.code == 1 and problem in done.err + done.out


def test_an_error_of_a_rate_is_not_passed_over(tmp_path):
    rates = table(metric="exact_match", score=0.5, trials=100, score_sd=0.1)
    done = forecast_command("validate", written(tmp_path / "t.csv", rates))
    assert done.code == 1
    assert "is for horizons and losses; this row is a rate; delete the value: trials say how exact a rate is" in (
        done.err + done.out
    )


def test_a_fit_since_a_date_needs_three_runs_since_then(tmp_path):
    path = written(tmp_path / "t.csv", table())
    done = forecast_command("fit", path, "-o", tmp_path / "f.nc", "--since", "2023-06-15")
    assert done.code == 1 and not (tmp_path / "f.nc").exists()
    assert "1 run since 2023-06-15, at least 3 are needed; dates span 2021-01-15 to 2023-06-15" in done.err


def test_a_fit_since_a_date_leaves_earlier_runs_out_and_says_so(tmp_path):
    from forecast.posterior.fit import load
    from forecast.report.complaints import fit_command

    path = written(tmp_path / "t.csv", table())
    options = ("--draws", "100", "--tune", "100", "--quiet")
    forecast_command("fit", path, "-o", tmp_path / "f.nc", "--since", "2022-01-15", *options)
    found = load(tmp_path / "f.nc")
    assert found.data.run.values.tolist() == ["agent 2", "agent 3", "agent 4", "agent 5"]
    assert found.provenance()["since"] == "2022-01-15"
    assert "--since 2022-01-15" in fit_command(found)
