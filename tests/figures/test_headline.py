import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from forecast.figures.axes import largest_by_year
from forecast.figures.headline import headline_height, plot_headline
from forecast.figures.style import BLUE, STYLE, family_colours
from forecast.figures.svg import NARROW, TAG, WIDE, headline_figure
from forecast.scales import DATES
from tests.figures.invented import known_runs, runs_of, task_of

INF = float("inf")


def drawn(task, width=WIDE, **options):
    with matplotlib.rc_context(dict(STYLE)):
        figure = Figure(figsize=(width, headline_height(task, width)), layout=ConstrainedLayoutEngine(w_pad=TAG))
        ax = plot_headline(task, **options, ax=figure.subplots())
        figure.draw_without_rendering()
    return ax


def arrows(ax):
    return [line.get_xdata()[0] for line in ax.lines if line.get_label() == "goes on"]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def words(ax):
    return [text.get_text() for text in ax.texts]


def segments(ax, label):
    found = next(each for each in ax.collections if each.get_label() == label)
    return [(segment[0, 0], segment[1, 0]) for segment in found.get_segments()]


def test_the_strip_holds_the_intervals_and_the_median_of_the_threshold():
    ax = drawn(task_of())
    assert segments(ax, "90% interval") == [(22.5, 25.8)] and segments(ax, "50% interval") == [(23.0, 25.0)]
    median = next(line for line in ax.lines if line.get_label() == "median")
    assert median.get_xdata()[0] == 24.0 and median.get_ydata()[0] < 0  # below the scores
    assert not arrows(ax) and "10²⁴ FLOP" in words(ax)


@pytest.mark.parametrize(
    ("threshold", "ends"),
    [
        ((22.5, 23.0, 24.0, 25.0, INF), "right"),
        ((22.5, 23.0, 24.0, 25.0, 40.0), "right"),
        ((-INF, 19.9, 24.0, 25.0, 25.5), "left"),
        ((INF,) * 5, "right"),
        ((-INF,) * 5, "left"),
        ((-INF, 20.0, 21.0, INF, INF), "both"),
    ],
)
def test_an_arrow_says_where_the_interval_leaves_the_axis(threshold, ends):
    ax = drawn(task_of(threshold=threshold))
    left, right = ax.get_xlim()
    assert arrows(ax) == {"left": [left], "right": [right], "both": [right, left]}[ends]


@pytest.mark.parametrize("p", [0.0, 0.07, 1.0])
def test_there_is_one_tag_of_never_and_it_is_right_of_the_axes(p):
    ax = drawn(task_of(p_never=p))
    (tag,) = [text for text in ax.texts if text.get_gid() == "never"]
    assert tag.get_text() == {0.0: "never\n<1%", 0.07: "never\n7%", 1.0: "never\n>99%"}[p]
    assert tag.get_window_extent().x0 > ax.get_window_extent().x1
    assert tag.get_window_extent().x1 < ax.figure.bbox.x1


def test_the_fan_beyond_the_largest_run_differs_from_the_part_within_the_data():
    ax = drawn(task_of())
    largest = task_of().threshold["data_log10_compute"][1]
    medians = [line for line in ax.lines if line.get_color() == BLUE and len(line.get_xdata()) > 2]
    within, beyond = sorted(medians, key=lambda line: line.get_xdata()[0])
    assert within.get_xdata().max() == beyond.get_xdata().min() == largest
    assert within.get_linestyle() == "-" != beyond.get_linestyle()
    assert "beyond the largest run" in words(ax)
    alphas = [each.get_alpha() for each in ax.collections if not each.get_label().endswith("interval")][:4]
    assert min(alphas[:2]) > alphas[2] and alphas[1] > alphas[3]


@pytest.mark.parametrize("count", [1, 2, 7, 8, 30])
def test_at_most_seven_families_are_named_and_the_others_counted(count):
    observed = runs_of([f"family {i}" for i in range(count)], n=60)
    shown = legend(drawn(task_of(observed=observed)))
    named = [name for name in shown if name.startswith("family")]
    assert len(named) == (min(count, 7) if count > 1 else 0)
    others = [name for name in shown if "other famil" in name]
    assert others == {8: ["1 other family"], 30: ["23 other families"]}.get(count, [])


def test_runs_not_seen_are_hollow_diamonds_and_named_only_where_there_are_some():
    ax = drawn(task_of())
    (hollow,) = [each.lines[0] for each in ax.containers if each.get_label() == "not seen by the fit"]
    assert hollow.get_marker() == "D" and hollow.get_markerfacecolor() != hollow.get_color()
    assert "not seen by the fit" in legend(ax)
    assert "not seen by the fit" not in legend(drawn(task_of(observed=runs_of(held_out=0))))


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("families", [["all"], [f"a family of a long name {i}" for i in range(9)]])
def test_no_two_words_overlap_and_all_are_on_the_figure(width, families):
    task = task_of(observed=runs_of(families, n=40), threshold=(22.5, 23.0, 24.0, 25.0, INF))
    ax = drawn(task, width, runs=known_runs(), by_year=largest_by_year(known_runs()))
    shown = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label]
    shown += ax.get_legend().get_texts()
    boxes = [text.get_window_extent() for text in shown if text.get_text().strip()]
    page = ax.figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
    pairs = [(i, j) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert not [(shown[i].get_text(), shown[j].get_text()) for i, j in pairs]


def test_losses_are_in_nats_and_fall_to_their_threshold():
    curve = {f"q{p:02d}": np.linspace(4, 2 - p / 100, 50) for p in (5, 25, 50, 75, 95)}
    task = task_of(metric="loss", at=2.5, curve=curve, observed=runs_of(score=np.linspace(4, 3, 12), trials=np.nan))
    ax = drawn(task)
    assert ax.get_ylabel() == "loss (nats)" and {"threshold 2.5 nats", "falls to 2.5 nats"} <= set(words(ax))
    assert not any("%" in label.get_text() for label in ax.get_yticklabels())


def test_above_dates_there_are_no_known_runs_and_the_latest_run_is_meant():
    ax = drawn(task_of(), scale=DATES, runs=known_runs(), by_year=largest_by_year(known_runs()))
    assert "beyond the latest run" in words(ax) and "GPT-3" not in words(ax)
    assert ax.get_xlabel() == DATES.axis


def test_a_task_without_a_threshold_has_neither_interval_nor_tag_and_says_so():
    ax = drawn(task_of(threshold=(None,) * 5, p_never=None))
    assert "no threshold can be given" in words(ax) and not arrows(ax)
    assert not [text for text in ax.texts if text.get_gid() == "never"]


def test_a_task_without_runs_is_drawn():
    ax = drawn(task_of(observed=runs_of().iloc[:0]))
    assert legend(ax) == ["median", "50% band", "90% band"]


def test_hostile_names_are_shown_as_they_are():
    names = ["<script>alert(1)</script>", "$x_1^{ & <b>", "_hidden", 'style="fill: #222222"', "\u202eright to left"]
    figure = headline_figure(task_of("$\\frac <b>", observed=runs_of(names)), title="$\\frac <b>", key="1")
    text = str(figure)
    assert "<script" not in text and "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "$x_1^{ &amp; &lt;b&gt;" in text
    assert 'style="fill: #222222"</text>' in text and "_hidden" in text and "\u202e" not in text


def test_the_height_grows_with_the_legend():
    few, many = (task_of(observed=runs_of([f"family {i}" for i in range(n)], n=40)) for n in (1, 7))
    assert headline_height(few, NARROW) < headline_height(many, NARROW)
    assert set(family_colours(many.observed["family"])) == {f"family {i}" for i in range(7)}
