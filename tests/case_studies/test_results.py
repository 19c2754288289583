"""Committed results of the case studies: run again, they come out the same but for Monte Carlo error."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from forecast.study.differences import differences
from forecast.study.file import read_study
from tests.benchmarks.studies import FOLDER, README, names, result_of, written
from tests.conftest import forecast_command

QUICK = ("rubric_turing", "time_horizons")  # others take minutes each


def mark_of(name: str) -> pytest.MarkDecorator:
    """The mark of the test of a study."""
    return pytest.mark.mcmc if name in QUICK else pytest.mark.slow


def changed(result: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """A copy of a result with one value changed."""
    found = json.loads(json.dumps(result))
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return found


def test_the_table_over_the_studies_is_that_of_their_results():
    readme = README.read_text(encoding="utf-8")
    assert written(readme, {}) == readme


def test_a_result_equals_itself_and_other_ones_differ():
    result = result_of("gpt3_arithmetic")
    crps = result["fits"][0]["methods"][0]["crps"]
    medians = ("fits", 0, "thresholds", 0, "log10_compute")
    place = result["fits"][0]["thresholds"][0]["log10_compute"]["q50"]
    never = ("fits", 0, "thresholds", 0, "p_never")
    assert not differences(result, result)
    assert differences(result, changed(result, "fits", 0, "methods", 0, "crps", to=crps + 0.1))
    assert differences(result, changed(result, *medians, "q50", to=place + 1))
    assert differences(result, changed(result, *never, to=0.5))


@pytest.mark.parametrize("name", [pytest.param(name, marks=mark_of(name)) for name in names()])
def test_a_study_run_again_gives_its_committed_result(name, tmp_path):
    folder = Path(shutil.copytree(FOLDER / name, tmp_path / name, ignore=shutil.ignore_patterns("output")))
    table = read_study(folder).table
    if not table.exists():
        pytest.skip(f"{table.name} of this study is not in the repository; its README says how to make it")
    assert forecast_command("run", folder, "-o", tmp_path / "out", "--quiet").code in (0, 3)
    assert not differences(result_of(name), json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8")))
