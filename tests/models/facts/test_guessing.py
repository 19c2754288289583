"""Choices without a chance: which they are, what is warned of before the fit, and a floor that may lie at guessing."""

from dataclasses import replace
from types import SimpleNamespace

import arviz as az
import numpy as np
import pandas as pd
import pytest

from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import draw_prior
from forecast.fitting.structures import fit_table
from forecast.report.content import write_report
from forecast.table.dataset import observations, read_table
from forecast.table.describe import FEW_RUNS, few_runs, warnings_of
from models.capability import capability_model
from models.facts.guessing import CHOICES, chance_of_placing, likely_choices, unknown_chance
from models.facts.placing import share_of_rows
from tests.conftest import SEED, forecast_command

LADDER = np.linspace(20.0, 24.0, 11)
RISE = np.array([0.0, 0.01, 0.05, 0.03, 0.08, 0.11, 0.14, 0.18, 0.24, 0.37, 0.48])  # of the way to full marks


@pytest.fixture
def table_of(tmp_path):
    """A table of tasks by name, each with guessing at `floor` and further cells, over a ladder of runs."""

    def write(*, runs=11, **tasks):
        rows = [
            {"model": f"run {x:g}", "task": task, "metric": "choice", "trials": 1000, "compute": f"{10**x:.4g}"}
            | {"successes": round(1000 * (floor + (1 - floor) * rise))}
            | cells
            for task, (floor, cells) in tasks.items()
            for x, rise in list(zip(LADDER, RISE, strict=True))[:runs]
        ]
        pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
        return tmp_path / "table.csv"

    return write


def data_of(path):
    return observations(read_table(path))


def test_a_choice_is_without_a_chance_where_it_is_blank_and_no_score_is_near_zero(table_of):
    data = data_of(
        table_of(blank=(0.25, {}), zero=(0.2, {"chance": 0.0}), given=(0.25, {"chance": 0.25}), low=(0.09, {}))
    )
    assert dict(zip(data.task.values, unknown_chance(data), strict=True)) == {
        "blank": True,
        "zero": True,
        "given": False,
        "low": False,
    }
    generated = data_of(table_of(sums=(0.25, {"metric": "exact_match"})))
    assert not unknown_chance(generated).any() and warnings_of(generated) == []


@pytest.mark.parametrize("number", CHOICES)
def test_the_likely_number_of_choices_is_that_of_the_chance_just_below_the_scores_within_noise(table_of, number):
    assert likely_choices(data_of(table_of(t=(1 / number + 0.02, {})))) == [number]
    assert likely_choices(data_of(table_of(t=(1 / number - 0.005, {})))) == [number]


def test_scores_are_placed_between_the_likely_chance_and_full_marks(table_of):
    data = data_of(table_of(t=(0.25, {}), given=(0.25, {"chance": 0.25})))
    np.testing.assert_array_equal(chance_of_placing(data), 0.25)
    unknown, given = share_of_rows(data).reshape(2, -1)
    np.testing.assert_array_equal(unknown, given)


def test_the_floor_of_a_choice_without_a_chance_may_lie_at_guessing_and_that_of_others_stays(table_of):
    data = data_of(table_of(blank=(0.25, {}), given=(0.25, {"chance": 0.25}), sums=(0.25, {"metric": "exact_match"})))
    model = capability_model(data)
    floor = draw_prior(model, draws=500, seed=SEED, names=["floor"])["prior"]["floor"].squeeze("chain")
    low, high = np.quantile(floor.sel(task="blank"), (0.1, 0.9))
    assert 0.08 < low < 0.2 and 0.4 < high < 0.6
    assert (floor.sel(task="given") == 0.25).all() and float(floor.sel(task="sums").median()) < 0.02
    sums = {"sums": (0.0, {"metric": "exact_match"}), "more": (0.0, {"metric": "exact_match"})}
    others = capability_model(data_of(table_of(given=(0.25, {"chance": 0.25}), **sums)))
    assert set(model.named_vars) - set(others.named_vars) == {"choice_floor_logit"}


@pytest.mark.mcmc
def test_a_ladder_of_choices_without_a_chance_converges_at_its_guessing(table_of):
    """With the prior of a generated answer it stuck between a floor at zero and one at guessing: R-hat 1.10.

    The 90% interval of 64,000 draws is 0.166 to 0.279 (to 0.002), with guessing inside.
    """
    fit = fit_table(read_table(table_of(t=(0.25, {}))), table="t", sampling=Sampling(seed=SEED))
    assert fit.diagnostics.reasons == []
    floor = fit.posterior.floor.squeeze("task")
    for prob, oracle in ((0.05, 0.166), (0.95, 0.279)):
        error = float(az.mcse(floor, method="quantile", prob=prob))
        assert error < 0.02 and float(floor.quantile(prob)) == pytest.approx(oracle, abs=4 * error)


def test_the_warning_of_choices_names_tasks_scores_and_the_chance_that_fits(table_of):
    (one,) = warnings_of(data_of(table_of(picks=(0.24, {}))))
    assert one.startswith("picks is a choice without a chance, yet no score is below 0.24. ")
    assert "Fill the column chance with 0.25 (four choices)" in one
    several = warnings_of(data_of(table_of(a=(0.25, {}), b=(0.5, {}), c=(0.26, {}), d=(0.25, {}), e=(0.3, {}))))
    assert len(several) == 2 and several[0].startswith("b is a choice") and "0.5 (two choices)" in several[0]
    assert several[1].startswith("a, c, d and 1 more are choices") and "0.25 (four choices)" in several[1]
    assert all(len(part.split()) <= 25 for sentence in several for part in sentence.split(". "))


def test_too_few_runs_are_said_by_validate_in_the_words_of_the_verdict(table_of):
    path = table_of(runs=FEW_RUNS - 1, picks=(0.25, {"chance": 0.25}))
    said = f"only {FEW_RUNS - 1} runs can be learned from; at least {FEW_RUNS} are needed"
    assert few_runs(FEW_RUNS - 1) == said and few_runs(FEW_RUNS) == ""
    assert forecast_command("validate", path, "--json").json["warnings"] == [f"O{said[1:]}."]
    assert f"warning: O{said[1:]}.\n" in forecast_command("validate", path).out
    enough = table_of(runs=FEW_RUNS, picks=(0.25, {"chance": 0.25}))
    assert forecast_command("validate", enough, "--json").json["warnings"] == []


@pytest.mark.parametrize("command", ["fit", "compare"])
def test_a_fit_warns_on_stderr_before_it_samples(command, table_of, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise ForecastError("stopped")

    monkeypatch.setattr("forecast.fitting.structures.sampled", stop)
    path = table_of(runs=4, picks=(0.25, {}))
    err = forecast_command(command, path, "-o", tmp_path / "fit.nc", "--structures", "full").err.splitlines()
    assert err[0].startswith("warning: Only 4 runs") and err[1].startswith("warning: picks is a choice without")
    assert err[2:] == ["error: stopped"]


def test_a_study_warns_before_its_first_fit(table_of, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise ForecastError("stopped")

    monkeypatch.setattr("forecast.study.run.backtest", stop)
    table_of(picks=(0.25, {}))
    lines = ['title = "T"', 'question = "Q"', 'table = "table.csv"', "thresholds = [0.5]"]
    (tmp_path / "study.toml").write_text("\n".join(lines), encoding="utf-8")
    done = forecast_command("run", tmp_path)
    first, second = done.err.splitlines()
    assert first.startswith("warning: picks is a choice without a chance") and second == "error: stopped"


def test_the_report_of_a_fit_shows_the_warnings_of_its_table(table_of, prior_fit, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("forecast.report.content.write_page", lambda path, report: shown.append(report))
    monkeypatch.setattr("forecast.report.content.evidence", lambda *_, **__: SimpleNamespace(moved=[]))
    fit = prior_fit(read_table(table_of(picks=(0.25, {}))), draws=50)
    fine = Diagnostics(
        max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=8000, worst=("sigma_run",)
    )
    write_report(replace(fit, diagnostics=fine), tmp_path / "report.html", at=0.7)
    assert shown[0].warnings == warnings_of(fit.data) != []
    assert shown[0].sections[0].diagnostics["worst"] == ["the spread of the residuals of runs"]
