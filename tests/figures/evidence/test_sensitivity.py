"""Sensitivity as a figure: bars of both widths, what weights cannot tell is pale, and names are escaped."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from forecast.figures.evidence.sensitivity import PALE, plot_sensitivity
from forecast.figures.style import STYLE
from forecast.figures.svg import NARROW, WIDE, sensitivity_figure
from forecast.scales import COMPUTE, DATES

NAMES = ("ceiling", "exponents of parameters and tokens", "run residual")


def side_of(shift=0.1, never=0.05, reliable=True):
    return {"shift": shift, "shift_p_never": never, "reliable": reliable}


def row_of(name="ceiling", halved=None, doubled=None):
    return {"prior": name, "halved": halved or side_of(), "doubled": doubled or side_of(-0.2, -0.1)}


def drawn(rows, width=WIDE, scale=COMPUTE):
    drawing = sensitivity_figure(rows, scale=scale, width=width, key="1")
    with matplotlib.rc_context(dict(STYLE)):
        figure = Figure(figsize=drawing.size, layout="constrained")
        ax = plot_sensitivity(rows, scale=scale, ax=figure.subplots())
        figure.draw_without_rendering()
    return ax


def bars(ax, part=0):
    return [bar for group in ax.child_axes[part].containers for bar in group.patches]


def test_the_first_prior_is_on_top_with_a_bar_for_each_width():
    ax = drawn([row_of(name) for name in NAMES])
    assert ax.get_yticklabels()[0].get_text() == "ceiling" and ax.yaxis_inverted()
    assert sorted(bar.get_width() for bar in bars(ax)) == pytest.approx([-0.2] * 3 + [0.1] * 3)
    assert sorted(bar.get_width() for bar in bars(ax, 1)) == pytest.approx([-10.0] * 3 + [5.0] * 3)
    low, high = ax.child_axes[0].get_xlim()
    assert low == -high < -0.2


def test_what_weights_cannot_tell_is_pale_and_the_legend_says_so():
    ax = drawn([row_of(doubled=side_of(0.3, reliable=False))])
    assert {bar.get_width(): bar.get_alpha() for bar in bars(ax)} == {0.1: 1.0, 0.3: PALE}
    assert "pale: not reliable" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(drawn([row_of()]).get_legend().get_texts()) == 2


def test_a_median_that_becomes_never_is_an_arrow_at_the_end_of_the_axis():
    ax = drawn([row_of(halved=side_of("-inf"), doubled=side_of("inf"))])
    left, right = ax.child_axes[0].get_xlim()
    arrows = [line.get_xdata()[0] for line in ax.child_axes[0].lines[:-1]]
    assert sorted(arrows) == [left, right] and np.isfinite(arrows).all()


def test_small_changes_do_not_look_large():
    ax = drawn([row_of(halved=side_of(1e-4, 0.0), doubled=side_of(0.0, 1e-4))])
    assert ax.child_axes[0].get_xlim()[1] >= 0.1 and ax.child_axes[1].get_xlim()[1] >= 2.0


def test_changes_of_dates_are_in_years():
    ax = drawn([row_of(halved=side_of(0.6))], scale=DATES)
    assert max(bar.get_width() for bar in bars(ax)) == pytest.approx(0.6)
    assert "years" in ax.child_axes[0].get_xlabel()


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("number", [1, 3, 20])
def test_no_texts_overlap(width, number):
    ax = drawn(
        [row_of(NAMES[i % 3], halved=side_of(0.24), doubled=side_of("inf", reliable=False)) for i in range(number)],
        width,
    )
    names = [text.get_window_extent() for text in ax.get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in pairwise(names)) and min(box.x0 for box in names) >= 0
    labels = [part.xaxis.label.get_window_extent() for part in ax.child_axes]
    ticks = [text.get_window_extent() for part in ax.child_axes for text in part.get_xticklabels() if text.get_text()]
    assert not labels[0].overlaps(labels[1]) and labels[1].x1 <= ax.figure.bbox.x1
    inside = [box for box in ticks if box.x0 >= 0]
    assert not any(a.overlaps(b) for a, b in pairwise(inside))
    assert not ax.get_legend().get_window_extent().overlaps(labels[0])


def test_names_are_escaped_and_no_prior_at_all_is_drawn():
    text = str(sensitivity_figure([row_of("<script>$x")], key="1"))
    assert "<script" not in text and "&lt;script&gt;$x" in text
    assert str(sensitivity_figure([], key="1")).startswith("<svg")
