"""Committed results of studies of public files: from a copy of the file they come out the same but for sampling."""

import json
import sys
from pathlib import Path

import pytest

from case_studies import source
from case_studies.chinchilla import law
from case_studies.chinchilla.table import SOURCE as CHINCHILLA
from case_studies.open_models.table import SOURCE as OPEN_MODELS
from forecast.posterior.fit import load
from forecast.study.differences import ERRORS, differences, errors_apart
from forecast.study.file import read_study
from tests.conftest import forecast_command

STUDIES = Path(source.__file__).parent
DATA = next((found for above in STUDIES.parents if (found := above / "shared" / "data").is_dir()), None)
needs_data = pytest.mark.skipif(DATA is None, reason="needs shared/data beside or above the repository")


def committed(path):
    return json.loads((STUDIES / path).read_text(encoding="utf-8"))


def make_table(monkeypatch, study, name, table):
    monkeypatch.setattr(sys, "argv", ["table.py", str(DATA / name), "-o", str(table)])
    source.main(study)
    return table


def too_far(before, now, *, ess):
    """Whether quantiles of two posteriors differ by more than Monte Carlo error."""
    return errors_apart(before, now, ess=ess) > ERRORS


def test_the_published_law_is_inside_the_90_percent_intervals():
    for name, each in committed("chinchilla/law.json")["law"].items():
        assert each["published"] == law.PUBLISHED[name]
        assert each["q05"] < each["published"] < each["q95"], name


def test_a_result_equals_itself_and_one_a_third_of_its_interval_away_differs():
    alpha = committed("chinchilla/law.json")["law"]["alpha"]
    moved = alpha | {"q50": alpha["q50"] + (alpha["q95"] - alpha["q05"]) / 3}
    assert not too_far(alpha, alpha, ess=400) and too_far(alpha, moved, ess=400)
    endless = alpha | {"q95": "inf"}
    assert not too_far(endless, endless | {"q50": "inf"}, ess=400) and too_far(alpha, endless, ess=400)


@needs_data
@pytest.mark.parametrize(
    ("study", "name"), [(OPEN_MODELS, "obsscaling_open.csv"), (CHINCHILLA, "chinchilla_points.csv")]
)
def test_the_file_of_the_committed_result_is_known_by_its_hash(study, name, monkeypatch, tmp_path, capsys):
    make_table(monkeypatch, study, name, tmp_path / "table.csv")
    assert "warning" not in capsys.readouterr().err


@needs_data
@pytest.mark.mcmc
def test_a_new_fit_of_all_245_points_gives_the_committed_law(monkeypatch, tmp_path):
    table, fit = (
        make_table(monkeypatch, CHINCHILLA, "chinchilla_points.csv", tmp_path / "table.csv"),
        tmp_path / "fit.nc",
    )
    assert forecast_command("fit", table, "-o", fit).code == 0
    now, before = law.answer(load(fit)), committed("chinchilla/law.json")
    for part in ("law", "compute_optimal"):
        for name, each in before[part].items():
            assert not too_far(each, now[part][name], ess=400), name


@needs_data
@pytest.mark.slow
def test_the_study_of_open_models_run_again_gives_its_committed_result(monkeypatch, tmp_path):
    make_table(monkeypatch, OPEN_MODELS, "obsscaling_open.csv", tmp_path / "table.csv")
    study = STUDIES / "open_models" / "study.toml"
    (tmp_path / "study.toml").write_text(study.read_text(encoding="utf-8"), encoding="utf-8")
    assert forecast_command("run", tmp_path, "--quiet").code in (0, 3)
    now = json.loads((tmp_path / "output" / "result.json").read_text(encoding="utf-8"))
    assert not differences(committed("open_models/result.json"), now)


def test_the_study_of_open_models_hides_the_later_models():
    study = read_study(STUDIES / "open_models")
    assert study.cuts == ("2023-07-01",) and study.headline in OPEN_MODELS.tasks
