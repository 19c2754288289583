"""Studies of horizons: lengths of time as thresholds, dates as cuts, and the golden result of the case study."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.study.checks import check_answerable, split_at, splits_of
from forecast.study.file import read_study
from forecast.study.fitted import name_in_files, seen_runs
from forecast.study.run import run_study
from forecast.table.dataset import observations, read_table
from models.dates import years

STUDY = Path(__file__).parents[2] / "case_studies" / "time_horizons"
STEP = 1.25 * 2**0.5 / 1.35  # error of a difference of two medians, by interquartile range over root ESS


@pytest.fixture(scope="module")
def study():
    return read_study(STUDY)


def test_thresholds_in_words_are_minutes_and_cuts_are_dates(study):
    assert study.thresholds == (480, 2400, 10020) and study.cuts == ("2024-01-01",) and study.when


def test_a_date_without_quotes_is_a_date_too(tmp_path):
    text = (STUDY / "study.toml").read_text(encoding="utf-8").replace('["2024-01-01"]', "[2024-01-01, 1e22]")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert read_study(tmp_path).cuts == ("2024-01-01", 1e22)


def test_a_table_of_horizons_alone_can_be_answered_and_is_cut_by_date(study):
    frame = read_table(study.table)
    check_answerable(study, observations(frame))
    check_answerable(replace(study, thresholds=(480,)), observations(frame))
    (split,) = splits_of(study, frame)
    assert (split.by, split.at) == ("date", "2024-01-01")
    (usual,) = splits_of(replace(study, cuts=()), frame)
    assert usual.by == "date"


@pytest.mark.parametrize(
    ("cut", "name", "words"),
    [
        ("2024-01-01", "before_2024-01-01", "the runs before 2024-01-01"),
        (2e22, "below_2e22", "the runs below 2e22 FLOP"),
        (None, "all", "all runs"),
    ],
)
def test_a_fit_is_named_by_its_cut(cut, name, words):
    split = None if cut is None else split_at(cut)
    assert name_in_files(split) == name and seen_runs(split) == words


def test_the_result_of_the_case_study_holds_dates_and_no_compute():
    golden = json.loads((STUDY / "result.json").read_text(encoding="utf-8"))
    first, last = golden["fits"]
    assert (first["before"], first["below"], last["below"]) == ("2024-01-01", None, None) and "before" not in last
    assert [each["at"] for each in last["thresholds"]] == [480, 2400, 10020] == [each["at"] for each in golden["when"]]
    named = [line["parameter"] for line in last["moved"] if "date at" in line["parameter"]]
    assert named == ["date at 8 h", "date at 40 h", "date at 167 h"]
    assert "FLOP" not in json.dumps(golden) and "reaching 8 h is expected by 2027" in golden["answer"]
    assert all(float(method["crps"]) < 1 for method in first["methods"])


@pytest.mark.mcmc
def test_the_case_study_gives_its_golden_result(study, tmp_path):
    run_study(study, tmp_path)
    found, golden = (json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in (tmp_path, STUDY))
    for new, old in zip(found["fits"], golden["fits"], strict=True):
        for at, before in zip(new["thresholds"], old["thresholds"], strict=True):
            now, then = ({name: float(years(date)) for name, date in each["date"].items()} for each in (at, before))
            error = STEP * (then["q75"] - then["q25"]) / before["diagnostics"]["min_ess"] ** 0.5
            assert abs(now["q50"] - then["q50"]) < 5 * error
    assert found["verdict"]["trust"] == golden["verdict"]["trust"]
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "FLOP" not in html.split("<script")[0] and "8 h" in html
