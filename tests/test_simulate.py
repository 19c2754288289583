"""Simulated tables: reproducible, valid, and with scores that follow the truth they come with."""

import numpy as np
import pandas as pd
import pytest
from conftest import SEED, forecast_command

from forecast.errors import ForecastError
from forecast.simulate import simulate
from forecast.table import observations, read_rows, read_table
from models import equations

HEADER = "model,task,metric,compute,family,date,trials"


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    lines = [
        f"run {run},task {task},exact_match,{10 ** (20 + 0.25 * run):g},recipe {run % 3},{2020 + run // 4}-06-01,100000"
        for run in range(12)
        for task in range(4)
    ]
    path = tmp_path_factory.mktemp("design") / "design.csv"
    path.write_text("\n".join([HEADER, *lines]))
    return path


def test_the_same_seed_gives_the_same_table_and_another_seed_another(design):
    (first, truth), (again, same), (other, _) = (simulate(read_rows(design), seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert truth.equals(same) and not np.array_equal(first["successes"], other["successes"])


def expected_of(truth, data):
    """Mean and standard deviation of each score given the truth."""
    run, task = data.run_index.values, data.task_index.values
    family = data.family_index.values[run]
    theta = (truth.theta.values[run] - float(truth.theta_origin)) / float(truth.theta_scale)
    theta = theta + truth.deviation.values[task, family]  # each task is a law of its own
    law = {name: truth[name].values[task] for name in ("exponent", "log10_amplitude", "nu", "floor", "ceiling")}
    loss = 10.0 ** (law["log10_amplitude"] - law["exponent"] * theta)
    success = equations.exact_match(loss, length=1, nu=law["nu"])
    mean = equations.score_from_success(success, floor=law["floor"], ceiling=law["ceiling"])
    share = 1 / (1 + truth.concentration.values[task]) + 1 / data.trials.values
    return mean, np.sqrt(mean * (1 - mean) * share)


def test_scores_follow_the_truth_they_come_with_and_not_that_of_the_next_task(design):
    far, wrong = [], []
    for seed in range(10 * SEED, 10 * SEED + 10):
        table, truth = simulate(read_rows(design), seed=seed)
        mean, sd = expected_of(truth, observations(table))
        far.append((table["score"] - mean) / (sd + 1e-4))
        wrong.append((table["score"] - np.roll(mean, 1)) / (sd + 1e-4))
    assert np.mean(np.abs(far) > 5) < 0.02  # skewed counts near zero, and a broken row in ten thousand
    assert np.mean(np.abs(wrong) > 5) > 0.1


def test_the_command_writes_a_table_that_fit_would_take_and_its_truth(design, tmp_path):
    out, truth = tmp_path / "table.csv", tmp_path / "truth.nc"
    answer = forecast_command("simulate", design, "-o", out, "--truth", truth, "--seed", "3")
    assert answer.code == 0 and truth.is_file()
    assert len(read_table(out)) == 48


def test_loss_rows_are_refused_by_row(design):
    rows = read_rows(design)
    with pytest.raises(ForecastError, match="row 2: metric 'loss'"):
        simulate(rows.assign(metric="loss"), seed=1)
