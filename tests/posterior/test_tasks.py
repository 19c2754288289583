"""Tasks by name: a part of a name lists all that hold it."""

import pytest

from forecast.errors import ForecastError
from forecast.posterior.tasks import task_label
from forecast.table.dataset import read_table
from tests.conftest import write_rows

TASKS = ("3-digit addition", "3-digit subtraction of large numbers", "4-digit addition")
COMPUTE = ("1e20", "1e21", "1e22")


@pytest.fixture(scope="module")
def fit(prior_fit, tmp_path_factory):
    rows = [
        {
            "model": f"m{compute}",
            "task": task,
            "metric": "exact_match",
            "successes": 5,
            "trials": 10,
            "compute": compute,
        }
        for task in TASKS
        for compute in COMPUTE
    ]
    path = write_rows(tmp_path_factory.mktemp("tasks") / "table.csv", rows)
    return prior_fit(read_table(path), draws=2)


@pytest.mark.parametrize("name", ["3-digit", "3-DIGIT", " 3-digit "])
def test_a_part_of_several_names_lists_all_of_them(fit, name):
    with pytest.raises(
        ForecastError, match=r"choose one of: '3-digit addition'; '3-digit subtraction of large numbers'$"
    ):
        task_label(fit, name)


def test_a_name_with_a_slip_lists_the_nearest(fit):
    with pytest.raises(ForecastError, match="choose one of: '4-digit addition'"):
        task_label(fit, "4-digit adition")
