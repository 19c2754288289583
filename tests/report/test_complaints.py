"""Complaints about a fit: parameters in words, likely causes that are there, and a command that can be typed."""

import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.draws import Diagnostics, Sampling
from forecast.posterior.names import WORDS, named
from forecast.report.complaints import (
    complaints,
    fit_command,
    likely_causes,
    run_command,
    spelled_out,
    worst_complaints,
)
from forecast.report.views.wording import meanings, name_of
from forecast.table.dataset import read_table
from models.facts.placing import bend_knots
from tests.conftest import SEED

SOUND = Diagnostics(
    max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=800.0, divergences=0, total_draws=8000, worst=("slopes[1]",)
)
LADDER = np.linspace(20.0, 24.0, 9)


def frame_of(*, runs=9, **tasks):
    """Rows of the tasks over a ladder of runs, each with its scores at the ends, and further cells."""
    rows = [
        {"model": f"r{place}", "task": task, "metric": "exact_match", "score": score, "trials": 1000}
        | {"successes": round(1000 * score), "compute": 10**x, "family": "all", "date": pd.NaT}
        | dict.fromkeys(("length", "k", "params", "tokens"), np.nan)
        | {"chance": 0.0, "compute_sd": 0.0}
        | cells
        for task, (ends, cells) in tasks.items()
        for place, (x, score) in enumerate(zip(LADDER[:runs], np.linspace(*ends, 9)[:runs], strict=True))
    ]
    frame = pd.DataFrame(rows).astype({"successes": "Int64", "trials": "Int64", "date": "datetime64[ns]"})
    return frame.rename_axis("line")


@pytest.fixture
def fit_of(prior_fit, monkeypatch):
    """A fit of such rows, whose draws are of the prior, sampled with the default length and of these diagnostics."""
    monkeypatch.setattr("forecast.report.complaints.outliers", lambda *_, **__: [])  # draws of a prior find many

    def make(*, runs=9, tasks=None, diagnostics=SOUND, **sampling):
        frame = frame_of(runs=runs, **(tasks or {"sums": ((0.05, 0.8), {})}))
        fit = prior_fit(frame, draws=50)
        sampling = Sampling(**{"seed": 1, "draws": 2000} | sampling)
        return replace(fit, diagnostics=diagnostics, sampling=sampling, table="table.csv", weights={"full": 1.0})

    return make


def failing(**changes):
    return replace(SOUND, **changes)


# Names


def test_every_variable_of_a_fit_has_a_name_in_words(fit_of, prior_fit, answer_table):
    for fit in (fit_of(), prior_fit(read_table(answer_table), draws=2)):
        for name, draws in fit.posterior.data_vars.items():
            firsts = [str(draws[dim].values[0]) for dim in draws.dims if dim not in ("chain", "draw")]
            said = named(fit, f"{name}[{', '.join(firsts)}]" if firsts else str(name))
            words = said
            for label in firsts:
                words = words.replace(label, "")
            assert said.startswith("the ") and "[" not in words.replace("[exact_match]", "") and "_" not in words, said


def test_bends_are_named_by_compute_and_in_tables_of_dates_by_dates(fit_of):
    fit = fit_of()
    knots = bend_knots(fit.data)
    low, high = (f"{10**knot:.1e}".replace("+", "") for knot in knots[4:6])
    assert named(fit, "slopes[5]") == f"the bend between {low} and {high} FLOP"
    assert named(fit, "slopes[0]") == f"the bend below {10 ** knots[0]:.1e} FLOP".replace("+", "")
    assert named(fit, f"slopes[{len(knots)}]").startswith("the bend beyond ")
    dated = replace(fit, data=fit.data.assign(log10_compute=fit.data.log10_compute - 8).assign_attrs(scale="date"))
    assert named(dated, "slopes[5]").count("-") == 4 and "FLOP" not in named(dated, "slopes[5]")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("ceiling[sums]", "the ceiling of sums"),
        ("law_coordinates[sums, shortfall]", "the ceiling of sums"),
        ("run_residual[r3]", "the residual of run r3"),
        ("sigma_run", "the spread of the residuals of runs"),
        ("no such parameter[3]", "no such parameter[3]"),
    ],
)
def test_parameters_are_named_with_what_they_belong_to(fit_of, label, said):
    assert named(fit_of(), label) == said


def test_reported_parameters_of_one_kind_of_laws_keep_their_words_and_their_meaning():
    line = {"parameter": "sigma_deviation of choices", "task": None}
    assert name_of(line) == "deviations of families (choices)"
    assert meanings([line]) == [("deviations of families", "sigma_deviation", WORDS["sigma_deviation"][1])]


# Complaints


def test_a_fit_that_can_be_trusted_has_no_complaints(fit_of):
    assert complaints(fit_of()) == []


@pytest.mark.parametrize(
    ("changes", "seen", "options"),
    [
        ({"max_rhat": 1.02}, "R-hat is 1.020", "--draws 3000 --tune 1000 --target-accept 0.95"),
        ({"max_rhat": float("nan")}, "R-hat is nan", "--draws 3000 --tune 1000 --target-accept 0.95"),
        ({"min_ess_bulk": 200.0}, "effective sample size is 200", "--draws 6000"),
        ({"min_ess_tail": float("nan")}, "effective sample size is nan", "--draws 3000"),
        ({"divergences": 90}, "90 divergent transitions", "--draws 3000 --tune 1000 --target-accept 0.95"),
        ({"min_ess_bulk": 9.0}, "effective sample size is 9", "--draws 10000 --tune 1000 --target-accept 0.95"),
    ],
)
def test_a_complaint_says_what_was_seen_where_and_ends_with_a_command(fit_of, changes, seen, options):
    (said,) = complaints(fit_of(diagnostics=failing(**changes)))
    assert seen in said and ("worst in the bend between " in said) == ("divergences" not in changes)
    assert said.endswith(f"; try `forecast fit table.csv -o FIT.nc {options}`")


def test_every_failed_check_is_named_once_and_the_command_only_with_the_heaviest(fit_of):
    fit = fit_of(diagnostics=failing(max_rhat=1.2, min_ess_bulk=30.0, divergences=50))
    first, *others = complaints(fit, start="forecast run 'my study'")
    assert "R-hat is 1.200" in first and "try `forecast run 'my study' --draws" in first
    assert ["effective sample size" in each for each in others] == [True, False]
    assert "50 divergent transitions" in others[1] and not any("try" in each for each in others)


def test_commands_are_those_that_made_the_fit(fit_of, tmp_path):
    fit = replace(fit_of(seed=7), below=2e22, weights={"full": 0.5, "ceiling 1": 0.5})
    words = shlex.split(fit_command(fit, "my table.csv", "out.nc"))
    assert words[:5] == ["forecast", "fit", "my table.csv", "-o", "out.nc"]
    assert words[5:] == ["--below", "2e22", "--structures", "full,ceiling 1", "--seed", "7"]
    assert fit_command(fit_of()) == "forecast fit table.csv -o FIT.nc"
    averaged = replace(fit_of(), weights={"full": 0.5, "ceiling 1": 0.25, "independent": 0.25})
    assert fit_command(averaged) == "forecast fit table.csv -o FIT.nc --average"
    assert run_command(averaged, tmp_path, tmp_path / "output") == f"forecast run {tmp_path} --average"
    assert run_command(fit_of(), tmp_path, tmp_path / "o") == f"forecast run {tmp_path} -o {tmp_path / 'o'}"


def test_of_several_fits_the_one_sampled_worst_is_named(fit_of):
    sound, worse = fit_of(), fit_of(diagnostics=failing(max_rhat=1.3))
    bad = replace(worse, diagnostics=failing(max_rhat=1.1))
    fits = {"a": (sound, []), "b": (worse, ["x", "y"]), "c": (bad, ["z"])}
    assert worst_complaints(fits) == ["fit on b: x", "y"]
    assert worst_complaints({"b": (worse, ["x"])}) == ["x"] and worst_complaints({"a": (sound, [])}) == []


def test_the_diagnostics_of_a_report_name_parameters_in_words(fit_of):
    shown = spelled_out(fit_of(diagnostics=failing(worst=("ceiling[sums]", "sigma_run"))), ["r"])
    assert shown["worst"] == ["the ceiling of sums", "the spread of the residuals of runs"]
    assert shown["reasons"] == ["r"] and shown["max_rhat"] == 1.0


# Causes


def causes(fit):
    return " | ".join(likely_causes(fit))


def test_a_cause_is_named_where_it_is_there_and_only_there(fit_of):
    assert causes(fit_of()) == ""
    assert "only 300 draws a chain" in causes(fit_of(diagnostics=failing(total_draws=1200)))
    assert "the table has only 4 runs" in causes(fit_of(runs=4))
    picks = causes(fit_of(tasks={"picks": ((0.25, 0.8), {"metric": "choice"})}))
    assert picks == "picks is a choice without a chance (fill the column chance, such as 0.25)"
    falls = causes(fit_of(tasks={"sums": ((0.05, 0.8), {}), "worse": ((0.6, 0.1), {})}))
    assert "scores of worse fall with training compute" in falls and "of sums" not in falls
    rising = {"metric": "loss", "trials": pd.NA, "successes": pd.NA}
    assert "losses of loss rise" in causes(fit_of(tasks={"sums": ((0.05, 0.8), {}), "loss": ((1.0, 3.0), rising)}))


def test_chains_that_disagree_about_warm_up_are_a_cause(fit_of):
    fit = fit_of()
    four = xr.concat([fit.posterior.isel(chain=[0])] * 4, dim="chain")
    alike = xr.DataArray(np.random.default_rng(SEED).normal(9.0, 0.1, (4, 50)), dims=("chain", "draw"))
    apart = alike + xr.DataArray([0.0, 0.0, 1.0, 1.0], dims="chain")
    for tokens, said in ((alike, False), (apart, True)):
        changed = replace(fit, posterior=four.assign(log10_warm_up_tokens=tokens))
        assert ("warm-up ends" in causes(changed)) == said


def test_a_row_that_fits_nothing_else_is_a_cause(fitted):
    last = int(np.flatnonzero(fitted.data.successes.values == fitted.data.successes.values.max())[0])
    zero = fitted.data.successes.where(np.arange(fitted.data.sizes["observation"]) != last, 0.0)
    broken = replace(fitted, data=fitted.data.assign(successes=zero, score=zero / fitted.data.trials))
    assert f"row {int(fitted.data.observation.values[last])} fits nothing else" in causes(broken)
    assert "fits nothing else" not in causes(fitted)
