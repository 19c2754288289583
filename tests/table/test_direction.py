"""Direction of scores: what falls or turns beyond doubt is told from what rises, is flat, noisy or near chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.table.dataset import observations, read_table
from forecast.table.describe import describe, warnings_of
from forecast.table.direction import UNCLEAR, Ladder, direction, direction_of_task, directions, refusals
from tests.conftest import SEED, write_rows

HEADER = ("model", "task", "metric", "score", "trials", "chance", "compute", "family", "date")


def data_of(tmp_path, scores, *, metric="exact_match", trials=1000, compute=None, **cells):
    """The arrays of a table with one task, a run a score, from 1e20 FLOP a decade or less apart."""
    compute = 10 ** np.linspace(20, 24, len(scores)) if compute is None else compute
    rows = [
        {"model": f"m{i}", "task": "maze", "metric": metric, "score": score, "compute": f"{flop:.6g}"}
        | ({} if metric == "loss" else {"trials": trials})
        | {name: cell[i] if isinstance(cell, list) else cell for name, cell in cells.items()}
        for i, (score, flop) in enumerate(zip(scores, compute, strict=True))
    ]
    return observations(read_table(write_rows(tmp_path / "table.csv", rows, header=HEADER)))


def says(tmp_path, scores, **cells):
    return direction_of_task(data_of(tmp_path, scores, **cells), "maze").says


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0.61, 0.52, 0.44, 0.35, 0.24, 0.17], "falls"),
        ([0.93, 0.90, 0.88, 0.71, 0.64], "falls"),
        ([0.30, 0.31, 0.24, 0.21, 0.16, 0.17, 0.11, 0.05], "falls"),
        ([0.08, 0.05, 0.04, 0.02, 0.01, 0.0], "falls"),
        ([0.05, 0.07, 0.16, 0.30, 0.41, 0.66], "rises"),
        ([0.0, 0.0, 0.0, 0.02, 0.11, 0.40], "rises"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.6], "unclear"),
        ([0.62, 0.45, 0.27, 0.25, 0.43, 0.66], "turns"),
        ([0.20, 0.34, 0.58, 0.61, 0.40, 0.25, 0.14], "turns"),
        ([0.50, 0.42, 0.35, 0.27, 0.21, 0.18, 0.30, 0.47], "turns"),
        ([0.31, 0.29, 0.33, 0.30, 0.31, 0.28], "unclear"),
        ([0.02, 0.3, 0.85, 0.97, 0.96, 0.95], "unclear"),
        ([0.4, 0.4, 0.4, 0.4, 0.4], "unclear"),
        ([0.6, 0.4, 0.2], "unclear"),
        ([0.0, 0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.0], "unclear"),  # it rises but for one broken evaluation
    ],
)
def test_a_task_falls_turns_rises_or_is_unclear(tmp_path, scores, said):
    assert says(tmp_path, scores) == said


def test_a_fall_within_binomial_noise_is_unclear_and_beyond_it_is_one(tmp_path):
    scores = [0.50, 0.46, 0.42, 0.36, 0.32, 0.28]
    assert (says(tmp_path, scores, trials=25), says(tmp_path, scores, trials=2000)) == ("unclear", "falls")


def test_choices_that_drift_about_chance_are_unclear_and_those_that_fall_far_below_it_fall(tmp_path):
    near = [0.262, 0.258, 0.255, 0.251, 0.249, 0.243]
    far = [0.52, 0.45, 0.36, 0.29, 0.2, 0.12]
    cells = {"metric": "choice", "chance": 0.25, "trials": 40000}
    assert (says(tmp_path, near, **cells), says(tmp_path, far, **cells)) == ("unclear", "falls")


def test_a_loss_that_shrinks_rises_and_one_that_grows_falls(tmp_path):
    shrinks = data_of(tmp_path, [3.4, 3.1, 2.9, 2.7, 2.6], metric="loss")
    found = direction_of_task(shrinks, "maze")
    assert found.says == "rises" and found.rank_correlation == pytest.approx(1.0)
    grows = data_of(tmp_path, [2.6, 2.7, 2.9, 3.1, 3.4], metric="loss")
    assert direction_of_task(grows, "maze").says == "falls"
    (said,) = refusals(grows).values()
    assert said.startswith("losses of maze rise, that is get worse, with training compute (rank correlation 1.00")


def test_the_order_of_rows_the_units_of_compute_and_repeats_do_not_matter(tmp_path):
    scores = [0.61, 0.52, 0.44, 0.35, 0.24, 0.17]
    plain = direction_of_task(data_of(tmp_path, scores), "maze")
    compute = 10 ** np.linspace(20, 24, 6)
    shuffled = data_of(tmp_path, scores[::-1], compute=compute[::-1] * 1e3)
    assert direction_of_task(shuffled, "maze").to_dict() == plain.to_dict()


def test_families_that_each_get_better_do_not_fall_although_later_and_smaller_ones_are_better(tmp_path):
    scores = [0.40, 0.46, 0.52, 0.25, 0.31, 0.37, 0.10, 0.16, 0.22]
    compute = 10 ** np.linspace(20, 24, 9)
    apart = {"family": ["new"] * 3 + ["mid"] * 3 + ["old"] * 3}
    assert says(tmp_path, scores, compute=compute) == "falls"
    assert says(tmp_path, scores, compute=compute, **apart) == "unclear"


def test_a_table_of_dates_falls_with_dates(tmp_path):
    dates = ["2019-01-01", "2020-02-01", "2021-03-01", "2022-04-01", "2023-05-01", "2024-06-01"]
    rows = [
        {"model": f"m{i}", "task": "maze", "metric": "exact_match", "score": 0.6 - 0.1 * i, "trials": 500, "date": date}
        for i, date in enumerate(dates)
    ]
    data = observations(read_table(write_rows(tmp_path / "dated.csv", rows, header=HEADER)))
    assert "scores of maze fall with date of release (rank correlation -1.00" in refusals(data)["maze"]


def test_the_correlation_is_spearmans_and_its_interval_holds_it_and_narrows_with_runs():
    rng = np.random.default_rng(SEED)
    widths = []
    for runs in (6, 12, 60):
        x, y = np.arange(float(runs)), np.arange(runs) + rng.normal(0, runs / 2, runs)
        found = direction(Ladder(x=x, y=y, noise=np.zeros(runs), family=np.zeros(runs, int), smallest=0.1))
        assert found.rank_correlation == pytest.approx(stats.spearmanr(x, y).statistic)
        low, high = found.interval
        assert -1 <= low < found.rank_correlation < high <= 1
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_the_interval_holds_the_correlation_itself_however_loud_the_noise():
    x, y = np.arange(30.0), np.linspace(0.0, 1.0, 30)
    found = direction(Ladder(x=x, y=y, noise=np.full(30, 0.5), family=np.zeros(30, int), smallest=0.1))
    assert found.interval[0] < 0.8 < found.rank_correlation <= found.interval[1]


def test_a_rise_far_below_one_percent_is_one_where_items_are_many(tmp_path):
    scores = [0.0, 0.0001, 0.0003, 0.0008, 0.0021, 0.006]
    assert (says(tmp_path, scores, trials=100000), says(tmp_path, scores, trials=300)) == ("rises", "unclear")


def test_binomial_noise_widens_the_interval():
    x, y = np.arange(8.0), np.linspace(0.6, 0.5, 8)
    quiet, loud = (
        direction(Ladder(x=x, y=y, noise=np.full(8, sd), family=np.zeros(8, int), smallest=0.01)) for sd in (1e-6, 0.1)
    )
    assert quiet.interval[1] < -0.8 and loud.interval[1] > 0.2


@pytest.mark.parametrize("runs", [5, 6, 8, 20, 40])
def test_flat_tasks_whose_runs_differ_by_more_than_chance_are_seldom_called_falling_or_turning(runs):
    rng, called = np.random.default_rng([SEED, runs]), 0
    for _ in range(150):
        share = 1 / (1 + np.exp(0.5 - 0.8 * rng.standard_normal(runs)))
        y = np.arcsin(np.sqrt(rng.binomial(1000, share) / 1000))
        own = Ladder(
            x=np.arange(float(runs)), y=y, noise=np.full(runs, 0.016), family=np.zeros(runs, int), smallest=0.1
        )
        called += not direction(own).can_be_modelled
    assert called <= stats.binom.ppf(0.999, 150, 0.03)


def test_a_run_measured_twice_counts_once(tmp_path):
    rows = [
        {"model": f"m{i}", "task": "maze", "metric": "exact_match", "score": score, "trials": 1000, "compute": flop}
        for i, (score, flop) in enumerate(zip([0.6, 0.5, 0.4], ["1e20", "1e21", "1e22"], strict=True))
        for _ in range(3)
    ]
    frame = pd.DataFrame(rows)
    frame["score"] += np.tile([0, 0.001, 0.002], 3)
    path = tmp_path / "repeated.csv"
    frame.to_csv(path, index=False)
    assert direction_of_task(observations(read_table(path)), "maze") == UNCLEAR  # three runs


def test_validate_warns_of_it_with_a_remedy_and_says_of_each_task_where_it_goes(tmp_path):
    scores = [0.61, 0.52, 0.44, 0.35, 0.24, 0.17]
    data = data_of(tmp_path, scores)
    (warning,) = [each for each in warnings_of(data) if "fall" in each]
    assert warning.startswith("Scores of maze fall with training compute (rank correlation -1.00, 90% -1.00 to -0.")
    assert "not this model's case" in warning and "Leave the task out" in warning
    (task,) = describe(tmp_path / "table.csv")["tasks"]
    assert task["direction"]["says"] == "falls" and task["direction"]["rank_correlation"] == pytest.approx(-1.0)
    assert len(task["direction"]["interval"]) == 2
    assert any(line.startswith("direction: scores of maze fall") for line in task["identified"])


def test_the_small_table_rises_in_all_its_tasks(table):
    assert {found.says for found in directions(observations(read_table(table))).values()} == {"rises"}
