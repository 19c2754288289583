"""Influence of rows: likelihoods against those of the model, the predictive of a new run, and the way thresholds go."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.posterior.predict import predict
from forecast.questions.moved.answer import moved
from forecast.questions.moved.influence import row_log_likelihood
from forecast.table.dataset import observations, read_table
from models.facts.placing import bend_knots
from models.structures import Parts
from tests.conftest import ANSWER_COLUMNS, SEED, answer_rows, write_rows

HEADER = ("model", "family", "task", "metric", "score", "trials", "compute")
ITEMS = 8  # few, so that each count has a chance that can be counted


def rows(*, runs=5, scores=(0.0, 0.0, 0.125, 0.25, 0.5)):
    for run in range(runs):
        row = {"model": f"run {run}", "family": f"f{run % 2}", "metric": "exact_match", "trials": ITEMS}
        for task in ("sums", "words"):
            yield row | {"task": task, "score": scores[run], "compute": f"{10 ** (20 + run):g}"}


def frame_with(path, *more, drop=()):
    table = [row for row in rows() if (row["model"], row["task"]) not in drop]
    return read_table(write_rows(path, [*table, *more], header=HEADER))


def new_row(score, *, model="new", task="sums", compute="1e26"):
    known = {
        "model": model,
        "family": "f0" if model == "run 2" else "f1",
        "task": task,
        "metric": "exact_match",
        "trials": ITEMS,
    }
    return known | {"score": score, "compute": compute}


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return frame_with(tmp_path_factory.mktemp("influence") / "table.csv")


@pytest.fixture(scope="module")
def fit(frame, prior_fit):
    return prior_fit(frame, draws=1500, parts=Parts(outliers=False))


@pytest.fixture(scope="module")
def later(fit):
    """A later fit of another table, without bends: only its data count here."""

    def of(frame):
        data, few = observations(frame), fit.posterior.isel(draw=slice(0, 20)).drop_dims("segment")
        slopes = xr.DataArray(np.ones((1, 20, len(bend_knots(data)) + 1)), dims=("chain", "draw", "segment"))
        return replace(fit, data=data, posterior=few.assign(slopes=slopes))

    return of


@pytest.fixture
def seen(monkeypatch):
    """The log ratio that draws are weighed by last."""
    found = {}

    def alike(_, ratio):
        found["ratio"] = ratio
        return np.full(ratio.size, 1.0 / ratio.size), 0.0

    monkeypatch.setattr("forecast.questions.moved.influence._weights", alike)
    return found


def units(answer):
    return {(unit["model"], unit["task"]): unit for unit in answer["influence"]}


def shift(unit):
    return float(unit["thresholds"][0]["shift_decades"])


def test_likelihoods_of_rows_are_those_of_the_model(tmp_path, prior_fit):
    """Of rates, of counts out of other counts, and of losses."""
    frame = read_table(write_rows(tmp_path / "t.csv", answer_rows(), header=ANSWER_COLUMNS))
    fit = prior_fit(frame, draws=20)
    found = row_log_likelihood(fit, fit.data).sum(axis=0)
    groups = fit.to_datatree(prior_draws=2)["log_likelihood"].to_dataset()
    theirs = sum(each.sum([dim for dim in each.dims if dim not in ("chain", "draw")]) for each in groups.values())
    assert found == pytest.approx(theirs.values.ravel(), rel=1e-6)


@pytest.mark.parametrize("model", ["new", "run 2"])
def test_the_mean_weight_of_a_new_row_is_its_chance_under_the_forecast(fit, frame, later, tmp_path, model, seen):
    compute = {"new": "1e26", "run 2": "1e22"}[model]  # of a run that was fitted its own residuals stay
    kept = ("run 2", "sums") if model == "run 2" else None
    before = fit
    if kept:
        first = frame_with(tmp_path / "first.csv", drop={kept})
        before = replace(fit, data=observations(first))
    added = new_row(0.5, model=model, compute=compute)
    after = frame_with(tmp_path / "after.csv", added, drop={kept} if kept else ())
    moved(before, later(after), task="sums")
    forecast = predict(before, after.tail(1), seed=SEED).values[:, 0]
    chance = np.mean(np.isclose(forecast, 0.5))
    error = np.hypot(np.sqrt(chance * (1 - chance) / forecast.size), np.exp(seen["ratio"]).std() / forecast.size**0.5)
    assert abs(np.exp(seen["ratio"]).mean() - chance) < 4.5 * error and error < 0.3 * chance


def test_a_better_new_run_brings_the_threshold_nearer_and_a_worse_one_farther(fit, later, tmp_path):
    good, bad = (moved(fit, later(frame_with(tmp_path / "t.csv", new_row(score))), task="sums") for score in (1.0, 0.0))
    assert shift(units(good)["new", "sums"]) < 0.0 < shift(units(bad)["new", "sums"])
    assert units(good)["new", "sums"]["reliable"] and good["data"]["added"][0]["model"] == "new"


def test_a_row_that_left_weighs_by_one_over_its_likelihood(fit, frame, later, tmp_path, seen):
    gone = frame_with(tmp_path / "t.csv", drop={("run 4", "sums")})
    answer = moved(fit, later(gone), task="sums")
    row = (frame["model"] == "run 4") & (frame["task"] == "sums")
    assert seen["ratio"] == pytest.approx(-row_log_likelihood(fit, fit.data)[row.to_numpy()][0])
    assert [line["model"] for line in answer["data"]["removed"]] == ["run 4"]


def test_a_changed_value_weighs_by_the_ratio_of_both_likelihoods(fit, frame, later, seen):
    changed = frame.copy()
    row = (changed["model"] == "run 4") & (changed["task"] == "sums")
    changed.loc[row, ["score", "successes"]] = [0.875, 7]
    answer = moved(fit, later(changed), task="sums")
    now, was = (row_log_likelihood(fit, observations(table))[row.to_numpy()][0] for table in (changed, frame))
    assert seen["ratio"] == pytest.approx(now - was)
    (line,) = answer["data"]["changed"]
    assert (line["score"], line["was"]["score"]) == (0.875, 0.5)


def test_the_same_table_moves_nothing_of_itself(fit):
    same = moved(fit, fit, task="sums")
    assert same["influence"] == [] and same["thresholds"][0]["shift_decades"] == 0.0


def test_changes_of_one_run_and_of_all_are_weighed_together_too(fit, later, tmp_path):
    more = [new_row(0.75, task=task) for task in ("sums", "words")] + [new_row(0.5, model="other")]
    answer = moved(fit, later(frame_with(tmp_path / "t.csv", *more)), task="sums")
    assert set(units(answer)) == {("new", "sums"), ("new", "words"), ("new", None), ("other", "sums"), (None, None)}
    assert units(answer)["new", None]["rows"] == 2 and units(answer)[None, None]["rows"] == 3
    sizes = [abs(shift(unit)) for unit in answer["influence"]]
    assert sizes == sorted(sizes, reverse=True)


def test_what_draws_cannot_tell_is_marked(fit, later, tmp_path):
    more = [new_row(0.0, model=f"new {run}", compute=f"{10**run:g}") for run in range(24, 29)]
    answer = moved(fit, later(frame_with(tmp_path / "t.csv", *more)), task="sums")
    together = units(answer)[None, None]
    assert together["effective_draws"] < units(answer)["new 24", "sums"]["effective_draws"]
    few = replace(fit, posterior=fit.posterior.isel(draw=slice(0, 40)))
    found = moved(few, later(frame_with(tmp_path / "t.csv", new_row(1.0))), task="sums")
    assert not units(found)["new", "sums"]["reliable"] or units(found)["new", "sums"]["pareto_k"] < 0.4


def test_a_count_out_of_one_that_stayed_is_not_told(tmp_path, prior_fit):
    every = answer_rows()
    first = [
        row
        for row in every
        if not (row["model"] == "run 7" and row["metric"] == "exact_match" and row["task"] == "sums")
    ]
    before, after = (
        read_table(write_rows(tmp_path / f"{name}.csv", table, header=ANSWER_COLUMNS))
        for name, table in (("before", first), ("after", every))
    )
    fit = prior_fit(before, draws=100)
    answer = moved(fit, replace(fit, data=observations(after)), task="words [exact_match]")
    assert not units(answer)["run 7", "sums"]["reliable"]


def test_rows_on_tasks_new_to_the_fit_are_listed_and_not_weighed(fit, later, tmp_path):
    extra = [new_row(0.25, model=f"later {run}", task="third", compute=f"{10 ** (20 + run):g}") for run in range(3)]
    answer = moved(fit, later(frame_with(tmp_path / "t.csv", *extra)), task="sums")
    assert len(answer["data"]["added"]) == 3 and answer["influence"] == []
