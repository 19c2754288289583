"""The registered forecasts of the case study: their seals, their scores as told, and a change that is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import forecast_command

STUDY = Path(__file__).parents[2] / "case_studies" / "time_horizons"
TOLD = " ".join((STUDY / "README.md").read_text(encoding="utf-8").split())


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(STUDY, tmp_path / "study"))


@pytest.mark.parametrize("name", ["before_2024", "from_2025"])
def test_the_seal_is_that_of_the_readme(name):
    assert json.loads((STUDY / f"{name}.json").read_text(encoding="utf-8"))["sha256"] in TOLD


def test_what_came_is_scored_as_told(folder):
    done = forecast_command("record", folder, "--json")
    assert done.code == 0
    resolved, still_open = done.json["forecasts"]
    assert (resolved["resolved"], resolved["open"]) == (13, 0) and (still_open["resolved"], still_open["open"]) == (
        0,
        3,
    )
    ours = resolved["joint"][0]
    assert f"energy score is {ours['energy_score']:.2f}" in TOLD


def test_a_changed_forecast_is_refused(folder):
    path = folder / "before_2024.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    held["registered"] = held["registered"].replace("2026", "2023")
    path.write_text(json.dumps(held), encoding="utf-8")
    done = forecast_command("score", path, folder / "before_2024.outcomes.csv")
    assert done.code == 1 and "registered" in done.err


def test_rows_of_the_tables_agree():
    table = pd.read_csv(STUDY / "table.csv")
    early = table["date"] < "2024-01-01"
    columns = ["model", "task", "metric", "score", "date"]
    pd.testing.assert_frame_equal(pd.read_csv(STUDY / "before_2024.csv"), table[early])
    later = table[~early].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv(STUDY / "before_2024.outcomes.csv"), later[columns])
    rows = pd.read_csv(STUDY / "rows.csv")
    pd.testing.assert_frame_equal(rows, later[list(rows.columns)])


def test_intervals_hold_what_the_readme_says():
    outcomes = STUDY / "before_2024.outcomes.csv"
    answer = forecast_command("score", STUDY / "before_2024.json", outcomes, "--json").json
    assert sum(row["inside_90"] for row in answer["rows"]) == len(answer["rows"]) == 12
    ours, *baselines = answer["methods"]
    assert f"{12 * ours['coverage_50']:.0f}" == "11" and f"CRPS is {ours['crps']:.3f}" in TOLD
    assert f"{min(each['crps'] for each in baselines):.3f}" in TOLD


@pytest.mark.mcmc
@pytest.mark.parametrize(("table", "name"), [("before_2024.csv", "before_2024"), ("table.csv", "from_2025")])
def test_a_new_fit_gives_the_dates_that_were_registered(tmp_path, table, name):
    held = json.loads((STUDY / f"{name}.json").read_text(encoding="utf-8"))
    fit, again = tmp_path / "fit.nc", tmp_path / "again.json"
    asked = [word for each in held["question"]["thresholds"] for word in ("--at", each["at"])]
    assert forecast_command("fit", STUDY / table, "-o", fit).code == 0
    assert forecast_command("register", fit, "--task", "time horizon", *asked, "-o", again).code == 0
    new = json.loads(again.read_text(encoding="utf-8"))["forecast"]["thresholds"]
    for was, now in zip(held["forecast"]["thresholds"], new, strict=True):
        low, high = (np.datetime64(was["date"][at]) for at in ("q45", "q55"))
        assert low <= np.datetime64(now["date"]["q50"]) <= high
