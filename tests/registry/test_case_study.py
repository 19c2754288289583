"""The registered forecasts of the case study: their seals, their scores as told, and a change that is refused."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import forecast_command

STUDY = Path(__file__).parents[2] / "case_studies" / "time_horizons"
TOLD = (STUDY / "README.md").read_text(encoding="utf-8")


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
