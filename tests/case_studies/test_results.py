"""Committed results of the case studies: run again, they come out the same but for Monte Carlo error."""

import json
import shutil
from pathlib import Path

import pytest

from forecast.study.differences import differences
from forecast.study.file import read_study
from tests.benchmarks.studies import FOLDER, README, names, result_of, written
from tests.conftest import forecast_command

QUICK = ("time_horizons",)  # others take minutes each


def mark_of(name: str) -> pytest.MarkDecorator:
    """The mark of the test of a study."""
    return pytest.mark.mcmc if name in QUICK else pytest.mark.slow


def test_the_table_over_the_studies_is_that_of_their_results():
    readme = README.read_text(encoding="utf-8")
    assert written(readme, {}) == readme


@pytest.mark.parametrize("name", [pytest.param(name, marks=mark_of(name)) for name in names()])
def test_a_study_run_again_gives_its_committed_result(name, tmp_path):
    folder = Path(shutil.copytree(FOLDER / name, tmp_path / name, ignore=shutil.ignore_patterns("output")))
    table = read_study(folder).table
    if not table.exists():
        pytest.skip(f"{table.name} of this study is not in the repository; its README says how to make it")
    assert forecast_command("run", folder, "-o", tmp_path / "out", "--quiet").code in (0, 3)
    assert not differences(result_of(name), json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8")))
