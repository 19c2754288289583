"""Simulated tables: reproducible, valid, and with scores that follow the truth they come with."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecast.fitting.simulate import simulate
from forecast.table.dataset import observations, read_rows, read_table
from models.equations.metrics import score_from_success
from models.equations.surrogates import exact_match
from tests.conftest import SEED, forecast_command

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
    success = exact_match(loss, length=1, nu=law["nu"])
    mean = score_from_success(success, floor=law["floor"], ceiling=law["ceiling"])
    share = 1 / (1 + truth.concentration.values[task]) + 1 / data.trials.values
    return mean, np.sqrt(mean * (1 - mean) * share)


def test_scores_follow_the_truth_they_come_with_and_not_that_of_the_next_task(design):
    far, wrong = [], []
    for seed in range(30 * SEED, 30 * SEED + 30):
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


# several metrics of the same answers, and losses

ANSWERS = [  # cells from task to trials
    *(f"sums,at_least_k,4,{k},1000" for k in (1, 2, 3)),
    "sums,exact_match,4,,1000",
    "sums,token_accuracy,4,,4000",
    "sums,loss,,,",
    "validation,loss,,,",
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Twelve runs, each with all metrics of its answers, by the number of answers or left to be a thousand."""
    folder = tmp_path_factory.mktemp("answers")

    def rows(*, blank=False):
        lines = [
            f"run {run},{cells.rpartition(',')[0] + ',' if blank else cells},{10 ** (20 + 0.25 * run):g}"
            for run in range(12)
            for cells in ANSWERS
        ]
        (folder / "design.csv").write_text("\n".join(["model,task,metric,length,k,trials,compute", *lines]))
        return read_rows(folder / "design.csv")

    return rows


@pytest.mark.parametrize("blank", [False, True], ids=["trials given", "trials left blank"])
def test_counts_of_the_same_answers_agree(answers, blank):
    """At least k falls with k, and so many tokens are right as answers with k right allow."""
    varied = 0
    for seed in range(10 * SEED, 10 * SEED + 5):
        table, _ = simulate(answers(blank=blank), seed=seed)
        for _, run in table.groupby("model"):
            rates = run[run["metric"] != "loss"].set_index(["metric", "k"])["successes"]
            above = rates.iloc[:4].astype(int).to_numpy()  # at least 1, 2, 3 and 4 of 4
            tokens = int(rates.loc["token_accuracy"].iloc[0])
            assert np.all(np.diff(above) <= 0)
            assert 4 * above[3] <= tokens <= 4 * above[3] + 4 * (1000 - above[3])
            varied += 0 < above[3] < 1000
        assert (observations(table).given_index.values >= 0).sum() == 12 * 4
    assert varied > 10


def test_blank_trials_are_a_thousand_answers_and_as_many_tokens_as_these_have(answers):
    table, _ = simulate(answers(blank=True), seed=SEED)
    trials = table.groupby("metric")["trials"].first()
    assert trials["exact_match"] == trials["at_least_k"] == 1000 and trials["token_accuracy"] == 4000
    assert pd.isna(trials.get("loss"))


def test_losses_are_drawn_around_the_law_and_have_no_counts(answers):
    """Student-t of three degrees of freedom in the log, by the drawn scale."""
    z = []
    for seed in range(100 * SEED, 100 * SEED + 20):
        table, truth = simulate(answers(), seed=seed)
        loss = table[(table["metric"] == "loss") & (table["task"] == "validation")]
        assert np.all(loss["score"] > 0) and loss["successes"].isna().all()
        law = truth.sel(law="validation")
        theta = (truth.theta.sel(run=loss["model"].tolist()) - truth.theta_origin) / truth.theta_scale
        expected = law.irreducible + 10.0 ** (law.log10_amplitude - law.exponent * theta)
        scale = float(truth.loss_scale.sel(measured="validation"))
        z.append((np.log(loss["score"].to_numpy()) - np.log(expected.values)) / scale)
    assert stats.kstest(np.ravel(z), stats.t(3).cdf).pvalue > 1e-5
    assert stats.kstest(2 * np.ravel(z), stats.t(3).cdf).pvalue < 1e-5


def test_a_simulated_table_of_answers_and_losses_can_be_read_back(answers, tmp_path):
    table, _ = simulate(answers(), seed=SEED)
    table.to_csv(tmp_path / "table.csv", index=False)
    back = read_table(tmp_path / "table.csv")
    np.testing.assert_allclose(back["score"], table["score"])
    np.testing.assert_array_equal(observations(back).given_index, observations(table).given_index)
