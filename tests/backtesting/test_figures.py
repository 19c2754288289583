"""Figures of a back-test: what is drawn, and that names are shown as they are."""

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.backtesting.figures import (
    crps_by_distance_figure,
    pit_figure,
    plot_crps_by_distance,
    plot_pit,
    plot_reliability,
    reliability_figure,
)
from forecast.scoring.summary import pit_histogram, reliability

HOSTILE = "<script>alert('x')</script> & $a_b^{"
PITS = pd.DataFrame(
    {"method": np.repeat(["ours", "linear", HOSTILE, "d"], 20), "pit": np.tile(np.linspace(0, 1, 20), 4)}
)


def by_distance(methods=("ours", "linear")) -> pd.DataFrame:
    rows = [(method, distance) for distance in ("0-0.5", "1-2") for method in methods]
    return pd.DataFrame(rows, columns=["method", "distance"]).assign(n=7, crps=np.arange(len(rows)) / 10)


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def labelled(ax: Axes) -> dict:
    return {line.get_label(): line for line in ax.lines}


def test_every_plot_returns_the_axes_it_was_given():
    own = PITS[PITS["method"] == "ours"]
    for plot, table in [
        (plot_reliability, reliability(own)),
        (plot_pit, pit_histogram(own)),
        (plot_crps_by_distance, by_distance()),
    ]:
        axes = Figure().subplots()
        assert plot(table, ax=axes) is axes


def test_the_reliability_line_is_the_observed_coverage_beside_the_diagonal(ax):
    table = reliability(PITS[PITS["method"] == "ours"])
    plot_reliability(table, ax=ax)
    np.testing.assert_array_equal(labelled(ax)["observed"].get_xydata(), table[["nominal", "observed"]])
    assert labelled(ax)["honest"].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_bars_of_the_pit_are_its_shares_and_all_fit_the_axis(ax):
    table = pit_histogram(pd.DataFrame({"method": "a", "pit": np.full(30, 0.95)}))
    plot_pit(table, ax=ax)
    assert ax.patches[0].get_data().values.tolist() == [0.0] * 9 + [1.0]
    assert ax.get_ylim()[1] > 1


def test_methods_stand_side_by_side_in_bins_that_say_how_many_outcomes_they_hold(ax):
    plot_crps_by_distance(by_distance(), ax=ax)
    ours, linear = labelled(ax)["ours"], labelled(ax)["linear"]
    assert np.all(ours.get_xdata() < linear.get_xdata()) and ours.get_marker() != linear.get_marker()
    assert ours.get_ydata().tolist() == [0.0, 0.2]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0-0.5\nn = 7", "1-2\nn = 7"]


def test_a_method_without_outcomes_in_a_bin_is_drawn_in_the_others(ax):
    plot_crps_by_distance(by_distance().iloc[:-1], ax=ax)
    assert len(labelled(ax)["linear"].get_xdata()) == 1 and len(labelled(ax)["ours"].get_xdata()) == 2


def test_an_infinite_mean_leaves_the_axis_finite(ax):
    plot_crps_by_distance(by_distance().assign(crps=[np.inf, 0.1, np.inf, 0.2]), ax=ax)
    assert np.isfinite(ax.get_ylim()).all()


@pytest.mark.parametrize(
    ("figure", "table"),
    [
        (reliability_figure, reliability(PITS)),
        (pit_figure, pit_histogram(PITS)),
        (crps_by_distance_figure, by_distance((HOSTILE, "ours", "linear", "d"))),
    ],
    ids=["reliability", "pit", "distance"],
)
def test_figures_are_inline_svg_with_every_method_named_and_escaped(figure, table):
    svg = figure(table, key="1")
    assert isinstance(svg, Markup) and svg.startswith("<svg")
    assert "<script>" not in svg and "&lt;script&gt;" in svg
    assert all(name in svg for name in ("ours", "linear"))
    assert svg == figure(table, key="1")
