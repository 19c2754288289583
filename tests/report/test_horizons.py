"""Reports of horizons: a date at which a length of time is passed, axes of times, and no word of compute."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.errors import ForecastError
from forecast.figures.axes import place_scores
from forecast.figures.evidence.record import plot_outcomes
from forecast.fitting.contraction import contraction
from forecast.report.answered import answered_tasks
from forecast.report.content import report_of
from forecast.report.page import write_page
from forecast.report.views.text import score_text
from forecast.scoring.summary import summary
from forecast.table.dataset import observations, read_table
from models.dates import DECADES_A_YEAR
from tests.cli.test_horizons import table, written


@pytest.fixture(scope="module")
def fit(prior_fit, tmp_path_factory):
    return prior_fit(read_table(written(tmp_path_factory.mktemp("horizons") / "table.csv", table())), draws=100)


@pytest.fixture(scope="module")
def report(fit):
    return report_of(fit)


def test_a_report_of_horizons_answers_by_default_when_a_working_day_is_passed(report, tmp_path):
    assert "jobs reaching 8 h" in report.answer and "reach 8 h" in report.question
    write_page(tmp_path / "report.html", report)
    page = (tmp_path / "report.html").read_text(encoding="utf-8").split("<script")[0]
    assert "FLOP" not in page and "training compute" not in page and "<b>" in page
    assert "threshold date at 8 h" in page or "threshold 8 h" in page
    assert "Wilson" not in page and "decades of minutes" not in page.split('id="trust"')[0]


def test_the_slider_offers_times_up_to_a_year_of_work_and_dates_as_the_fit_counts_them(report):
    live = json.loads(json.dumps(report.live, allow_nan=False))
    (task,) = live["tasks"]
    scores = task["views"][0]["scores"]
    assert task["time"] and not task["rate"] and {1.0, 480.0, 2400.0, 10020.0, 120000.0} <= set(scores)
    assert live["dated"] and live["decades_a_year"] == DECADES_A_YEAR
    assert all(low == score == high for _, score, low, high, *_ in task["points"])


def test_contraction_tells_thresholds_of_the_tasks_asked_for_and_else_of_rates(fit):
    told = [line["parameter"] for line in contraction(fit, at=(480.0,), tasks=["jobs"])]
    assert "log10_compute at 8 h" in told
    assert not [line for line in contraction(fit, at=(0.5,)) if "p_never" in line]


def kinds(tmp_path, *metrics):
    cells = {"length": 5, "trials": 100}
    frame = pd.DataFrame(
        [
            {
                "model": f"m{run}",
                "task": metric,
                "metric": metric,
                "score": 0.1 * (run + 1),
                "compute": 10.0 ** (20 + run),
            }
            | (cells if metric == "exact_match" else {})
            for run in range(4)
            for metric in metrics
        ]
    )
    return observations(read_table(written(tmp_path / "kinds.csv", frame)))


def test_tasks_of_one_kind_share_a_report_and_rates_come_first(tmp_path):
    data = kinds(tmp_path, "horizon", "loss", "exact_match")
    assert answered_tasks(data) == ["exact_match"] and answered_tasks(data, "horizon") == ["horizon"]
    with pytest.raises(ForecastError, match=r"'loss' is a loss.*choose one of: .*'horizon'"):
        answered_tasks(data, "loss")
    with pytest.raises(ForecastError, match="only losses"):
        answered_tasks(kinds(tmp_path, "loss"))


def test_an_axis_of_horizons_has_times_for_ticks():
    ax = Figure().subplots()
    place_scores(ax, np.log10([0.5, 3000.0, np.inf]), metric="horizon")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1 min", "10 min", "1 h", "8 h", "40 h"]


def test_outcomes_of_horizons_are_drawn_on_an_axis_of_times():
    outcomes = pd.DataFrame({"task": "jobs", "model": ["a", "b"], "score": [5.0, 60.0], "inside": [True, False]})
    ax = plot_outcomes(outcomes.assign(q05=1.0, q50=4.0, q95=40.0), metric="horizon", ax=Figure().subplots())
    assert ax.get_xlabel() == "time horizon" and "10 min" in [tick.get_text() for tick in ax.get_xticklabels()]
    assert score_text(90.0, "horizon") == "1 h 30 min" and score_text(0.5, "choice") == "0.500"


def test_widths_of_horizons_are_in_decades():
    lines = pd.DataFrame({"method": "ours", "metric": ["horizon", "choice"], "q05": [1.0, 0.2], "q95": [1000.0, 0.7]})
    lines = lines.assign(crps=0.1, log_score=-1.0, decades_beyond=0.5, inside_50=True, inside_80=True, inside_90=True)
    assert summary(lines, by=("metric",))["width_90"].tolist() == pytest.approx([3.0, 0.5])
