"""Position of a law: a threshold that no score fixes is said to be prior-dominated, with exit code 3."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.draws import Diagnostics
from forecast.posterior.fit import save
from forecast.table.dataset import observations, read_table
from forecast.table.describe import describe
from forecast.table.learnable.position import prior_dominated
from tests.conftest import forecast_command, write_rows

SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=1e4, min_ess_tail=1e4, divergences=0, total_draws=10_000, worst=())
COMPUTE = np.geomspace(1e20, 1e23, 6)
HEADER = ("model", "task", "metric", "score", "successes", "trials", "length", "compute")
NEVER = (
    "the threshold of zeros is prior-dominated: no run scores clearly above guessing; add larger runs, or more items"
)
ZEROS, ONES, BOTH = [0] * 6, [1000] * 6, [0, 0, 0, 1000, 1000, 1000]


def rows(task, counts, metric="exact_match", **cells):
    return [
        {"model": f"m{number}", "task": task, "metric": metric, "compute": compute, **cells}
        | ({"score": count} if metric == "loss" else {"successes": count, "trials": 1000})
        for number, (compute, count) in enumerate(zip(COMPUTE, counts, strict=True))
    ]


def table_of(path, *groups):
    return write_rows(path / "table.csv", [row for group in groups for row in group], header=HEADER)


def said_of(path, *groups):
    data = observations(read_table(table_of(path, *groups)))
    return prior_dominated(data, data.task.values.tolist())


@pytest.fixture(scope="module")
def zeros(prior_fit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zeros")
    table = table_of(folder, rows("zeros", ZEROS), rows("rises", [0, 5, 20, 60, 200, 500]))
    save(replace(prior_fit(read_table(table), draws=50), diagnostics=SOUND), folder / "fit.nc")
    return folder / "fit.nc"


@pytest.mark.parametrize(
    "command", [("threshold", "--at", 0.5), ("howmuch", "--at", 0.5), ("when", "--at", 0.5), ("report", "-o", "r.html")]
)
def test_a_threshold_of_a_task_of_zeros_is_prior_dominated_in_one_line_with_exit_code_3(
    zeros, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    name, *options = command
    asked = "--headline" if name == "report" else "--task"
    done = forecast_command(name, zeros, asked, "zeros", *options)
    assert done.code == 3 and done.err == f"not trustworthy: {NEVER}\n"
    assert forecast_command(name, zeros, asked, "rises", *options).code == 0


def test_its_json_is_as_it_was_and_its_predictions_are_the_datas(zeros, tmp_path):
    done = forecast_command("threshold", zeros, "--task", "zeros", "--at", 0.5, "--json")
    assert done.code == 3 and "reasons" not in done.json and NEVER in done.err
    new = write_rows(tmp_path / "new.csv", rows("zeros", [""] * 6), header=HEADER)
    assert forecast_command("predict", zeros, "--rows", new).code == 0


def test_full_marks_alone_bound_it_from_above_and_zeros_beside_full_marks_fix_it(tmp_path):
    assert said_of(tmp_path, rows("ones", ONES)) == [
        "the threshold of ones is prior-dominated: every run has full marks; add smaller runs, or harder items"
    ]
    position = describe(tmp_path / "table.csv")["tasks"][0]["identified"][0]
    assert position == "position: only bounded from above, every run has full marks; the threshold is mostly prior"
    assert said_of(tmp_path, rows("both", BOTH)) == []
    assert "only bounded" not in describe(tmp_path / "table.csv")["tasks"][0]["identified"][0]


def test_another_metric_of_the_same_law_may_fix_it(tmp_path):
    tokens = rows("sums", [10, 50, 100, 200, 400, 600], metric="token_accuracy", length=4)
    assert said_of(tmp_path, rows("sums", ZEROS, length=4), tokens) == []
    assert len(said_of(tmp_path, rows("sums", ZEROS, length=4), rows("more", ZEROS))) == 2
    losses = rows("sums", [3.0, 2.5, 2.2, 2.0, 1.9, 1.8], metric="loss")
    assert said_of(tmp_path, rows("sums", ZEROS, length=4), losses) == []
