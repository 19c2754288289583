"""Committed results of the case studies: run again, they come out the same but for Monte Carlo error."""

import json
import re

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


def test_the_first_command_of_the_readme_runs_a_study_that_is_to_be_trusted_and_prints_what_stands_below_it():
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    first = re.search(
        r"^    python3 -m pip install -q uv && python3 -m uv run forecast run case_studies/(\w+)$", readme, re.M
    )
    assert first
    result, words = result_of(first[1]), " ".join(readme.split())
    assert result["verdict"]["trust"] == "trust" and f"(case_studies/{first[1]}/forecast.svg)" in words
    assert result["answer"] in words and result["verdict"]["sentence"] in words


@pytest.mark.parametrize("name", [pytest.param(name, marks=mark_of(name)) for name in names()])
def test_a_study_run_again_gives_its_committed_result(name, tmp_path):
    if (FOLDER / name / "table.py").exists() and not read_study(FOLDER / name).table.exists():
        pytest.skip(f"the table of {name} is not in the repository; its README says how to make it")
    assert forecast_command("run", FOLDER / name, "-o", tmp_path / "out", "--quiet").code in (0, 3)
    assert not differences(result_of(name), json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8")))
