"""Spread of runs: of one compute nothing can be learned, of little the slope is the prior's, and sizes are a scale."""

import numpy as np
import pandas as pd
import pytest

from forecast.errors import TableError
from forecast.fitting.average import fit
from forecast.table.dataset import observations, read_table
from forecast.table.describe import describe, warnings_of
from forecast.table.learnable.spread import check_spread
from tests.conftest import forecast_command

SCORES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7)
SAME = "all runs have the same training compute, 1.0e22 FLOP, so how scores change with it cannot be learned"
PARAMS = np.array([1e9, 2e9, 4e9, 8e9, 1.6e10, 3.2e10])


@pytest.fixture
def table_of(tmp_path):
    def write(**columns):
        names = [f"m{number}" for number in range(len(SCORES))]
        cells = {"model": names, "task": "t", "metric": "exact_match", "score": SCORES, "trials": 1000}
        pd.DataFrame(cells | columns).to_csv(tmp_path / "table.csv", index=False)
        return tmp_path / "table.csv"

    return write


def compute_within(factor):
    return np.geomspace(1e22, factor * 1e22, len(SCORES))


def slope_of(path):
    (slope,) = [each for each in describe(path)["tasks"][0]["identified"] if each.startswith("slope")]
    return slope


@pytest.mark.parametrize("compute", [1e22, compute_within(1.0005)])
@pytest.mark.parametrize("command", [("validate",), ("fit", "-o", "fit.nc"), ("compare", "--quiet")])
def test_runs_of_one_compute_are_refused_with_a_remedy(table_of, tmp_path, monkeypatch, compute, command):
    monkeypatch.chdir(tmp_path)
    name, *options = command
    done = forecast_command(name, table_of(compute=compute), *options)
    assert done.code == 1 and SAME in done.err and "add runs of a tenth of the compute" in done.err
    assert "Traceback" not in done.err and not (tmp_path / "fit.nc").exists()


def test_a_cut_that_leaves_runs_of_one_compute_is_refused(table_of):
    path = table_of(compute=[1e22] * 4 + [1e23, 1e24])
    assert warnings_of(observations(read_table(path))) == []
    with pytest.raises(TableError, match="all runs have the same training compute"):
        fit(path, below=5e22)


def test_a_study_of_one_compute_is_refused_before_anything_is_written(table_of, tmp_path):
    forecast_command("new", tmp_path / "study")
    path = table_of(compute=1e22, task="my task")
    path.replace(tmp_path / "study" / "table.csv")
    done = forecast_command("run", tmp_path / "study")
    assert done.code == 1 and SAME in done.err and not (tmp_path / "study" / "output").exists()


def test_dates_may_be_the_scale_of_runs_of_one_compute(table_of):
    dates = [f"202{number}-03-01" for number in range(len(SCORES))]
    with pytest.raises(TableError, match="or leave out compute and sizes: dates are the scale"):
        describe(table_of(compute=1e22, date=dates))
    assert describe(table_of(date=dates))["warnings"] == []


def test_runs_since_a_date_that_are_of_one_day_are_refused(table_of):
    path = table_of(date=["2022-03-01", "2023-03-01", *["2024-03-01"] * 4])
    with pytest.raises(TableError, match="column 'date': all runs have the same date of release, 2024-03-01"):
        fit(path, since="2024-01-01")


def test_runs_that_hardly_differ_are_warned_of_and_their_slope_is_the_priors(table_of):
    near = table_of(compute=compute_within(1.9))
    (said,) = describe(near)["warnings"]
    assert said.startswith("All runs lie within a factor of 1.9 of training compute, so") and "from the prior" in said
    assert slope_of(near).startswith("slope: from the prior, all runs lie within a factor of 1.9")
    apart = table_of(compute=compute_within(2.1))
    assert describe(apart)["warnings"] == [] and slope_of(apart) == "slope: from the data"


def test_the_slope_of_a_task_whose_runs_hardly_differ_is_not_from_its_data(table_of):
    path = table_of(compute=compute_within(1.5))
    other = pd.read_csv(path).assign(task="u", compute=compute_within(1000))
    both = pd.concat([pd.read_csv(path), other.assign(model=other["model"] + "u")])
    both.to_csv(path, index=False)
    one, two = ("; ".join(task["identified"]) for task in describe(path)["tasks"])
    assert describe(path)["warnings"] == []
    assert "slope: mostly from the other tasks and the prior, such runs hardly differ" in one
    assert "slope: from the data" in two


def test_sizes_at_one_compute_are_a_scale_only_where_they_vary_independently(table_of):
    against = observations(read_table(table_of(params=PARAMS, tokens=1e22 / 6 / PARAMS)))
    with pytest.raises(TableError, match="all runs have the same training compute"):
        check_spread(against, "t.csv")
    tokens = 1e22 / 6 / PARAMS * np.array([1.0, 3.0, 0.4, 2.5, 0.5, 1.5])
    apart = table_of(compute=1e22, params=PARAMS, tokens=tokens)
    answer = describe(apart)
    assert answer["parts"]["params_tokens"].startswith("on") and slope_of(apart) == "slope: from the data"
    levels = np.array([1e20, 1e20, 1e20, 1e22, 1e22, 1e22])  # isoFLOP curves at two computes
    assert describe(table_of(params=PARAMS, tokens=levels / 6 / PARAMS))["warnings"] == []
