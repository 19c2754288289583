import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.figures.evidence.record import plot_track_record
from forecast.figures.style import BLUE
from forecast.figures.svg import track_record_figure


def methods(crps=(0.2, 0.3, 0.1)):
    names = ("ours", "line <b>", "$curve$")
    shared = {"n": 20, "coverage_50": 0.4, "coverage_90": 1.0, "width_90": 0.3}
    return [{"method": name, "crps": value} | shared for name, value in zip(names, crps, strict=True)]


def drawn(record):
    return plot_track_record(record, ax=Figure(figsize=(5.2, 1.5), layout="constrained").subplots())


def test_the_forecast_is_first_and_the_baselines_follow_from_best_to_worst():
    ax = drawn(methods())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ours", "$curve$", "line <b>"]
    bars = ax.child_axes[0].containers[0].patches
    assert [bar.get_width() for bar in bars] == [0.2, 0.1, 0.3]
    blue, *others = (bar.get_facecolor() for bar in bars)
    assert others[0] == others[1] != blue


def test_coverage_stands_beside_with_its_error_and_what_is_promised():
    errors, coverage = drawn(methods()).child_axes
    dots = {line.get_label(): line for line in coverage.lines if line.get_color() == BLUE}
    assert dots["50%"].get_xdata()[0] == 0.4 and dots["90%"].get_xdata()[0] == 1.0
    assert dots["50%"].get_markerfacecolor() != dots["90%"].get_markerfacecolor()
    promised = [line.get_xdata()[0] for line in coverage.lines if line.get_linestyle() == "--"]
    assert promised == [0.5, 0.9]
    low, high = coverage.collections[0].get_segments()[0][:, 0]
    assert low < 0.4 < high and coverage.get_ylim() == errors.get_ylim()


@pytest.mark.parametrize("record", [methods(), pd.DataFrame(methods()), methods()[:1]], ids=["json", "table", "alone"])
def test_a_record_of_any_form_is_drawn(record):
    text = str(track_record_figure(record, key="1"))
    assert text.startswith("<svg") and "<b>" not in text


def test_no_method_at_all_is_drawn():
    assert str(track_record_figure([], key="1")).startswith("<svg")
