import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from forecast.figures.forest import forest_height, forest_limits, forest_rows, plot_forest
from forecast.figures.style import STYLE
from forecast.figures.svg import NARROW, WIDE, forest_figure
from tests.conftest import SEED
from tests.figures.invented import known_runs, runs_of, task_of

INF = float("inf")
SOON, LATE = (21.0, 21.5, 22.0, 22.5, 23.0), (23.0, 24.0, 25.0, 26.0, INF)
NEVER = (22.0, INF, INF, INF, INF)


def drawn(rows, width=WIDE, **options):
    with matplotlib.rc_context(dict(STYLE)):
        figure = Figure(figsize=(width, forest_height(len(rows), width)), layout="constrained")
        ax = plot_forest(rows, **options, ax=figure.subplots())
        figure.draw_without_rendering()
    return ax


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def many(number):
    rng = np.random.default_rng(SEED)
    places = [np.sort(rng.normal(24, 1, 5)) for _ in range(number)]
    return forest_rows(task_of(f"task {i}", threshold=q, p_never=rng.uniform()) for i, q in enumerate(places))


def test_the_soonest_task_is_on_top_and_those_that_never_come_are_last():
    tasks = [task_of("never", threshold=NEVER), task_of("late", threshold=LATE), task_of("soon", threshold=SOON)]
    rows = forest_rows(tasks)
    assert list(rows["task"]) == ["soon", "late", "never"]
    ax = drawn(rows)
    assert names(ax) == ["soon", "late", "never"] and ax.yaxis_inverted()
    assert list(forest_rows(reversed(tasks))["task"]) == list(rows["task"])


def test_each_interval_is_that_of_its_row_and_ends_in_an_arrow_only_where_it_goes_on():
    rows = forest_rows([task_of("late", threshold=LATE), task_of("soon", threshold=SOON)])
    ax = drawn(rows)
    bars = [each.get_segments()[0] for each in ax.collections if each.get_label() == "90% interval"]
    right = ax.get_xlim()[1]
    assert [tuple(bar[:, 0]) for bar in bars] == [(21.0, 23.0), (23.0, right)]
    assert [tuple(bar[:, 1]) for bar in bars] == [(0, 0), (1, 1)]
    arrows = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_label() == "goes on"]
    assert arrows == [(right, 1)]


def test_every_row_has_its_chance_of_never_in_the_margin():
    rows = forest_rows([task_of("a", p_never=0.25), task_of("b", p_never=0.0)])
    ax = drawn(rows)
    texts = {text.get_text(): text.get_window_extent() for text in ax.texts}
    assert {"25%", "<1%", "P(never)"} <= set(texts)
    assert all(ax.get_window_extent().x1 < texts[each].x0 for each in ("25%", "<1%"))
    full, part = (group.patches for group in ax.containers)
    assert part[1].get_width() == pytest.approx(0.25 * full[1].get_width()) and part[0].get_width() == 0


def test_the_first_run_that_has_the_score_is_marked_seen_or_not():
    observed = runs_of(score=[0.1] * 5 + [0.6] * 7)
    row = forest_rows([task_of(observed=observed)]).iloc[0]
    assert row["reached"] == observed["log10_compute"][5] and row["reached_unseen"] == observed["log10_compute"][9]
    row = forest_rows([task_of(observed=runs_of(score=0.1))]).iloc[0]
    assert np.isnan(row["reached"]) and np.isnan(row["reached_unseen"])
    losses = runs_of(score=np.linspace(4.0, 2.0, 12), trials=np.nan)
    row = forest_rows([task_of(metric="loss", at=2.5, observed=losses)]).iloc[0]
    assert losses.set_index("log10_compute")["score"][row["reached_unseen"]] <= 2.5


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("number", [1, 2, 18, 60, 200])
def test_no_two_rows_overlap_however_many_there_are(number, width):
    ax = drawn(many(number), width, runs=known_runs())
    for column in (ax.get_yticklabels(), ax.texts):
        boxes = [text.get_window_extent() for text in column if text.get_text()]
        assert len(boxes) >= number
        assert not any(boxes[i].overlaps(boxes[j]) for i in range(len(boxes)) for j in range(max(i - 3, 0), i))
        assert all(box.x0 >= 0 and box.x1 <= ax.figure.bbox.x1 for box in boxes)
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= 0 and legend.x1 <= ax.figure.bbox.x1 and legend.y0 >= 0
    assert ax.get_window_extent().width > 0.3 * ax.figure.bbox.width


def test_several_thresholds_of_a_task_are_rows_that_say_which():
    rows = forest_rows([task_of("a", at=0.8, threshold=LATE), task_of("a", at=0.5, threshold=SOON)])
    assert names(drawn(rows)) == ["a, 0.5", "a, 0.8"]


def test_the_axis_holds_the_data_and_no_more_than_six_decades_beyond_them():
    rows = forest_rows([task_of(threshold=(22, 23, 24, 30, 99))])
    low, high = forest_limits(rows)
    assert low < rows["data_min"].min() and high < rows["data_max"].max() + 6.5
    endless = forest_rows([task_of(threshold=(-INF, -INF, INF, INF, INF))])
    assert np.isfinite(forest_limits(endless)).all()


def test_long_and_hostile_names_are_one_short_line_each_and_escaped():
    rows = forest_rows([task_of("begin" + "x" * 300 + " end"), task_of("<script>$\n\u202ex"), task_of("")])
    shown = sorted(names(drawn(rows)), key=len)
    assert len(shown[-1]) <= 40 and shown[-1].startswith("begin") and shown[-1].endswith(" end")
    text = str(forest_figure(rows, key="1"))
    assert "<script" not in text and "&lt;script&gt;$ x" in text


def test_a_task_without_a_threshold_is_last_and_says_so():
    refused = task_of("falls", threshold=(None,) * 5, p_never=None)
    rows = forest_rows([refused, task_of("never", threshold=NEVER)])
    assert list(rows["task"]) == ["never", "falls"]
    ax = drawn(rows)
    assert {"no threshold can be given", "–"} <= {text.get_text() for text in ax.texts}
    assert np.isfinite(forest_limits(forest_rows([refused]))).all() and drawn(forest_rows([refused]))


def test_no_task_at_all_is_drawn():
    assert names(drawn(forest_rows([]))) == []
    assert str(forest_figure(forest_rows([]), runs=known_runs(), key="1")).startswith("<svg")
