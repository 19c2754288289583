"""Two fits beside each other: what differs, what moved, and what the command prints and refuses."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.draws import UNKNOWN, Diagnostics
from forecast.errors import ForecastError
from forecast.posterior.fit import save
from forecast.posterior.tasks import law_name
from forecast.posterior.threshold import threshold
from forecast.questions.moved.answer import moved
from forecast.questions.moved.differences import differences, matched
from forecast.table.dataset import observations, read_table
from models.facts.placing import bend_knots
from tests.conftest import forecast_command, refuse_constant, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "compute", "date", "k", "length")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())


def rows(*, runs=5, compute=True):
    for run in range(runs):
        row = {"model": f"run {run}", "metric": "exact_match", "trials": 100, "date": f"{2019 + run}-03-01"}
        size = {"compute": f"{10 ** (20 + run):g}"} if compute else {}
        for task in ("sums", "words"):
            yield row | size | {"task": task, "score": round(0.1 + 0.12 * run, 2)}


def table(path, found):
    return read_table(write_rows(path, list(found), header=HEADER))


def with_table(fit, frame, **changes):
    """The fit with another table and a path without bends."""
    data, posterior = observations(frame), fit.posterior
    slopes = np.ones((posterior.sizes["chain"], posterior.sizes["draw"], len(bend_knots(data)) + 1))
    slopes = xr.DataArray(slopes, dims=("chain", "draw", "segment"))
    return replace(fit, data=data, posterior=posterior.drop_dims("segment").assign(slopes=slopes), **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("moved")


@pytest.fixture(scope="module")
def before(folder, prior_fit):
    frame = table(folder / "before.csv", rows())
    return replace(with_table(prior_fit(frame, draws=300), frame), diagnostics=SOUND, below=1e25)


@pytest.fixture(scope="module")
def after(folder, before):
    """One run more, one score changed, one row gone, and the compute of a run revised; a narrower prior."""
    found = [row for row in rows(runs=6) if (row["model"], row["task"]) != ("run 0", "words")]
    found = [row | ({"score": 0.9} if (row["model"], row["task"]) == ("run 3", "sums") else {}) for row in found]
    found = [row | ({"compute": "3e22"} if row["model"] == "run 2" else {}) for row in found]
    priors = replace(before.priors, run_sd_log_sd=0.5)
    fit = with_table(before, table(folder / "after.csv", found), below=None, priors=priors)
    draws = fit.posterior.reindex({dim: fit.data[dim].values for dim in ("run", "task", "law")}, fill_value=0.0)
    law = draws.assign(ceiling=fit.posterior.ceiling * 0.9, exponent=fit.posterior.exponent * 2.0)
    return replace(fit, posterior=law)


@pytest.fixture(scope="module")
def paths(folder, before, after):
    for name, fit in {"old": before, "new": after}.items():
        save(fit, folder / f"{name}.nc")
    return folder / "old.nc", folder / "new.nc"


def test_rows_added_removed_and_changed_and_facts_of_runs_and_settings_are_told_apart(before, after):
    found = differences(before, after, matched(before, after))
    assert [(row["model"], row["task"]) for row in found["added"]] == [("run 5", "sums"), ("run 5", "words")]
    assert [(row["model"], row["task"]) for row in found["removed"]] == [("run 0", "words")]
    (changed,) = found["changed"]
    assert (changed["model"], changed["score"], changed["was"]["score"]) == ("run 3", 0.9, 0.46)
    assert found["runs_changed"] == [
        {"model": "run 2", "column": "compute", "before": pytest.approx(1e22), "after": pytest.approx(3e22)}
    ]
    assert found["settings"]["below"] == [1e25, None] and found["settings"]["priors.run_sd_log_sd"][1] == 0.5


def test_the_same_fit_differs_in_nothing(before):
    found = differences(before, before, matched(before, before))
    assert not any(found.values())
    answer = moved(before, before)
    assert answer["influence"] == [] and {line["shift_decades"] for line in answer["thresholds"]} == {0.0}


def test_rows_of_one_key_are_matched_in_their_order(before, folder):
    twice = table(folder / "twice.csv", rows())
    more = pd.concat([twice, twice.tail(1).assign(score=0.2, successes=20)]).reset_index(drop=True)
    more.index += 2
    again = with_table(before, more)
    assert matched(again, again)["before"].tolist() == list(range(11))
    assert len(differences(before, again, matched(before, again))["added"]) == 1


def test_thresholds_stand_as_each_fit_gives_them_with_their_shift(before, after):
    answer = moved(before, after, at=(0.3, 0.5))
    assert [(line["task"], line["at"]) for line in answer["thresholds"]] == [
        ("sums", 0.3), ("sums", 0.5), ("words", 0.3), ("words", 0.5)
    ]  # fmt: skip
    for line in answer["thresholds"]:
        old, new = (threshold(fit, line["task"], line["at"]) for fit in (before, after))
        assert line["before"]["log10_compute"] == old["log10_compute"] and line["after"]["p_never"] == new["p_never"]
        low, first, high, last = (
            float(of["log10_compute"][name]) for of, name in ((old, "q05"), (old, "q50"), (old, "q95"), (new, "q50"))
        )
        half = 0.5 * (high - low) if np.isfinite(high) else first - low
        assert line["shift_decades"] == pytest.approx(last - first)
        assert line["shift_in_half_widths"] == pytest.approx((last - first) / half)


def test_parameters_are_named_and_the_one_that_moved_most_comes_first(before, after):
    lines = moved(before, after)["parameters"]
    sizes = [abs(line["shift_in_half_widths"] or 0.0) for line in lines]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0.2
    assert {line["parameter"] for line in lines if line["shift_in_half_widths"]} == {"ceiling", "exponent"}
    assert {line["task"] for line in lines if line["parameter"] == "sigma_run"} == {None}


def test_a_task_that_has_a_second_metric_by_now_is_the_same_task(before, folder):
    second = {"model": "run 4", "task": "sums", "metric": "token_accuracy", "score": 0.9, "trials": 400, "length": 4}
    fit = with_table(
        before, table(folder / "second.csv", [*rows(), second | {"compute": "1e24", "date": "2023-03-01"}])
    )
    names = [str(name) for name in fit.data.task.values if str(name) != "sums [token_accuracy]"]
    kept = fit.posterior.assign_coords(task=names, law=[law_name(fit, name) for name in names])
    answer = moved(before, replace(fit, posterior=kept), task="sums [exact_match]")
    assert answer["thresholds"][0]["task"] == "sums [exact_match]"
    assert [row["label"] for row in answer["data"]["added"]] == ["sums [token_accuracy]"]
    assert answer["influence"] == []  # a task that the earlier fit has not


def test_a_fit_in_years_answers_in_dates(folder, prior_fit):
    frame = table(folder / "years.csv", rows(compute=False))
    fit = with_table(prior_fit(frame, draws=100), frame)
    more = with_table(fit, table(folder / "more.csv", rows(runs=6, compute=False)))
    answer = moved(fit, more).to_dict()
    line = answer["thresholds"][0]
    assert line["before"]["log10_compute"] is None and line["shift_decades"] is None
    assert "q50" in line["before"]["date"] and isinstance(line["shift_years"], float | str)
    with pytest.raises(ForecastError, match="one fit is in FLOP and one in years"):
        moved(fit, with_table(fit, table(folder / "before.csv", rows())))


@pytest.mark.parametrize(
    ("task", "said"),
    [("sum", "'sum' is not a task of this fit"), ("third", "'third' is not a task of the earlier fit")],
)
def test_a_task_that_is_not_in_both_is_named(before, folder, task, said):
    third = [{**row, "task": "third"} for row in rows() if row["task"] == "sums"]
    later = with_table(before, table(folder / "third.csv", [*rows(), *third]))
    with pytest.raises(ForecastError, match=said):
        moved(before, later, task=task)


def test_the_command_prints_what_moved_and_gives_json(paths):
    done = forecast_command("compare", *paths, "--at", 0.5)
    assert done.code == 0, done.err
    assert "2 rows added (run 5), 1 row removed (run 0), 1 row changed (run 3)" in done.out
    assert "setting below: 1e25 is now none" in done.out and "run run 2: compute 1e22 is now 3e22" in done.out
    for title in ("the shift of the median", "changes of the data that move a threshold"):
        assert title in done.out
    answer = forecast_command("compare", *paths, "--task", "sums", "--json").json
    assert answer["reasons"] == [] and len(answer["thresholds"]) == 1 and answer["before"].endswith("old.nc")
    json.loads(json.dumps(answer, allow_nan=False), parse_constant=refuse_constant)


def test_either_fit_that_is_unsound_is_named_and_the_command_exits_with_three(paths, before, folder):
    save(replace(before, diagnostics=replace(UNKNOWN, max_rhat=1.5)), folder / "unsound.nc")
    for pair in ((folder / "unsound.nc", paths[1]), (paths[0], folder / "unsound.nc")):
        done = forecast_command("compare", *pair)
        assert done.code == 3 and "unsound.nc: chains disagree" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("old.nc",), "give one table, or two fits: `forecast compare OLD.nc NEW.nc`"),
        (("old.nc", "before.csv"), "give one table, or two fits"),
        (("old.nc", "new.nc", "new.nc"), "give one table, or two fits"),
        (("old.nc", "new.nc", "--below", "1e22"), "--below: belongs to `forecast compare` of a table"),
        (("before.csv", "--task", "sums"), "--task: belongs to `forecast compare` of two fits"),
        (("old.nc", "none.nc"), "none.nc: no such file"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(paths, folder, arguments, said):
    done = forecast_command("compare", *(folder / each if "." in each[2:] else each for each in arguments))
    assert done.code == 1 and said in done.err and done.err.count("\n") == 1
