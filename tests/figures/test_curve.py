import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.errors import ForecastError
from forecast.figures.curve import plot_curve, plot_k_sweep, plot_prior_posterior
from forecast.figures.evidence.record import plot_outcomes
from forecast.figures.style import write_figure
from forecast.figures.threshold import plot_threshold_cumulative, plot_threshold_density
from forecast.words import percent, scientific

QUANTILES = {"q05": 22.0, "q50": 23.0, "q95": 24.0}
THRESHOLD = {"limits": (20.0, 26.0), "quantiles": QUANTILES, "data_max": 22.4}
NEVER = {"limits": (20.0, 26.0), "quantiles": dict.fromkeys(QUANTILES, "inf"), "data_max": 22.4}
BELOW = {"limits": (20.0, 26.0), "quantiles": dict.fromkeys(QUANTILES, "-inf"), "data_max": 22.4}
GRID = np.linspace(20, 26, 30)
CURVE = {f"q{p:02d}": np.linspace(0, p / 100, 30) for p in (5, 25, 50, 75, 95)}


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(3.5, 2.5)).subplots()


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in (*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels())]


def svg(ax: Axes) -> str:
    file = io.StringIO()
    ax.figure.savefig(file, format="svg")
    return file.getvalue()


def bars(ax: Axes) -> dict[str, float]:
    """Area of each bar by its label."""
    return {c.get_label(): c.patches[0].get_width() * c.patches[0].get_height() for c in ax.containers}


def observed(**columns) -> pd.DataFrame:
    table = {
        "model": ["a", "b"],
        "log10_compute": [21.0, 23.0],
        "score": [0.0, 0.4],
        "trials": [2000.0, 50.0],
        "held_out": [False, True],
    }
    return pd.DataFrame(table | columns)


def outcomes(**columns) -> pd.DataFrame:
    table = {"task": ["s", "t"], "model": "m", "score": [0.3, 0.9], "q05": 0.1, "q50": 0.3, "q95": 0.6}
    return pd.DataFrame(table | {"inside": [True, False]} | columns)


def compared(**columns) -> pd.DataFrame:
    table = {"group": ["t", "t", "all"], "name": ["threshold 0.5", "nu", "bend"], "prior_q50": 0.5}
    table |= {"q05": [0.3, 0.1, 0.0], "q50": [0.4, 0.5, 0.6], "q95": [1.0, 0.9, 1.0], "endless": [True, False, False]}
    table |= {"half": [True, False, False], "verdict": ["data", "prior", "prior"], "note": ["data (0.1)", "a", "b"]}
    return pd.DataFrame(table | columns)


def bars_of(ax: Axes, label: str) -> list[tuple[float, float]]:
    """Left and right ends of the horizontal bars of a label."""
    found = next(each for each in ax.collections if each.get_label() == label)
    return [(segment[0, 0], segment[1, 0]) for segment in found.get_segments()]


def test_every_plot_returns_the_axes_it_was_given():
    draws = np.array([22.0, 23.0, np.inf])
    drawn = [
        lambda ax: plot_threshold_density(draws, **THRESHOLD, ax=ax),
        lambda ax: plot_threshold_cumulative(draws, **THRESHOLD, ax=ax),
        lambda ax: plot_curve(GRID, CURVE, observed(), at=0.5, data_max=22.4, ax=ax),
        lambda ax: plot_outcomes(outcomes(), ax=ax),
        lambda ax: plot_prior_posterior(compared(), ax=ax),
        lambda ax: plot_k_sweep(GRID, {1: CURVE["q50"], 2: CURVE["q05"]}, ax=ax),
    ]
    for draw in drawn:
        axes = Figure().subplots()
        assert draw(axes) is axes
        assert svg(axes)


def test_density_and_bars_have_area_one_together(ax):
    rng = np.random.default_rng(1)
    draws = np.concatenate([rng.normal(23, 2, 900), np.full(300, np.inf), np.full(50, -np.inf)])
    plot_threshold_density(draws, **THRESHOLD, ax=ax)
    stairs = next(p for p in ax.patches if hasattr(p, "get_data"))
    density, edges, _ = stairs.get_data()
    areas = bars(ax)
    assert set(areas) == {"P(earlier)", "P(later)", "P(never)"}
    assert areas["P(never)"] == pytest.approx(300 / 1250)
    assert np.sum(density * np.diff(edges)) + sum(areas.values()) == pytest.approx(1)


def test_never_is_named_and_numbered_even_where_no_draw_is_infinite(ax):
    plot_threshold_density(np.array([22.0, 23.0]), **THRESHOLD, ax=ax)
    assert {"never", "<1%"} <= set(texts(ax))


def test_the_cumulative_curve_ends_where_later_and_never_begin(ax):
    draws = np.array([21.0, 22.0, 23.0, 30.0, np.inf])
    plot_threshold_cumulative(draws, **THRESHOLD, ax=ax)
    crossed = ax.lines[0].get_ydata()
    assert crossed[0] == 0
    assert crossed[-1] == pytest.approx(0.6)
    tops = {c.get_label(): c.patches[0].get_y() + c.patches[0].get_height() for c in ax.containers}
    assert tops == {"P(later)": pytest.approx(0.8), "P(never)": pytest.approx(1)}
    assert "20%" in texts(ax)


@pytest.mark.parametrize("plot", [plot_threshold_density, plot_threshold_cumulative])
@pytest.mark.parametrize(
    ("draws", "options", "slot"),
    [
        (np.full(9, np.inf), NEVER, "never"),
        (np.full(9, -np.inf), BELOW, "earlier"),
        (np.full(9, 23.0), THRESHOLD, "never"),
        (np.full(9, 99.0), THRESHOLD, "later"),
    ],
    ids=["never", "below any compute", "all equal", "far beyond"],
)
def test_degenerate_posteriors_are_drawn(ax, plot, draws, options, slot):
    plot(draws, **options, ax=ax)
    assert slot in texts(ax)
    assert svg(ax)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_held_out_points_have_their_own_marker_and_label(ax):
    plot_curve(GRID, CURVE, observed(), at=0.5, data_max=22.4, ax=ax)
    points = {c.get_label(): c.lines[0] for c in ax.containers}
    assert set(points) == {"data of the fit", "not seen by the fit"}
    assert points["data of the fit"].get_marker() != points["not seen by the fit"].get_marker()


def test_the_score_of_experts_is_a_line_where_it_is_known(ax):
    plot_curve(GRID, CURVE, observed(), at=0.5, data_max=22.4, ax=ax)
    assert "experts" not in texts(ax)
    plot_curve(GRID, CURVE, observed(), at=0.5, data_max=22.4, human=0.88, ax=ax)
    assert [line.get_ydata()[0] for line in ax.lines if line.get_label() == "experts"] == [0.88]
    assert "experts" in texts(ax)


def test_points_outside_the_grid_are_inside_the_axes(ax):
    plot_curve(GRID, CURVE, observed(log10_compute=[15.0, 30.0]), at=0.5, data_max=30.0, ax=ax)
    assert ax.get_xlim()[0] < 15 and ax.get_xlim()[1] > 30


def test_a_curve_without_data_is_drawn(ax):
    plot_curve(GRID, CURVE, observed().iloc[:0], at=0.5, data_max=22.4, ax=ax)
    assert not ax.containers
    assert svg(ax)


def test_losses_have_points_without_error_bars_and_an_axis_of_their_own(ax):
    losses = {name: 4 - values for name, values in CURVE.items()}
    table = observed(score=[4.0, 3.5], trials=np.nan)
    plot_curve(GRID, losses, table, at=3.7, data_max=22.4, ax=ax)
    assert ax.get_ylim()[0] > 2
    for container in ax.containers:
        segment = container.lines[2][0].get_segments()[0]
        assert segment[0, 1] == segment[1, 1]


def test_compute_axes_are_labelled_in_flop(ax):
    plot_curve(GRID, CURVE, observed(), at=0.5, data_max=22.4, ax=ax)
    assert "10²²" in texts(ax)
    narrow = Figure().subplots()
    plot_k_sweep(np.linspace(22.1, 22.6, 5), {1: np.linspace(0, 1, 5)}, ax=narrow)
    assert any("×10²²" in label for label in texts(narrow))


def test_names_are_shown_as_they_are_in_figures(ax):
    names = ["$x_1^{ & <b>bold</b>", "two\nlines\x07, comma"]
    plot_outcomes(outcomes(task=names), ax=ax)
    assert texts(ax)[-2:] == ["$x_1^{ & <b>bold</b>", "two lines , comma"]
    assert svg(ax)


def test_a_long_name_keeps_its_beginning_and_its_end(ax):
    plot_outcomes(outcomes(task=["begin" + "x" * 90 + " end 1", "begin" + "x" * 90 + " end 2"]), ax=ax)
    first, second = texts(ax)[-2:]
    assert first.startswith("begin") and first.endswith("end 1")
    assert first != second


def test_an_outcome_outside_its_interval_has_another_marker(ax):
    plot_outcomes(outcomes(), ax=ax)
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines["outcome inside"].get_xdata()) == [0.3]
    assert list(lines["outcome outside"].get_xdata()) == [0.9]
    assert lines["outcome inside"].get_marker() != lines["outcome outside"].get_marker()


def test_posterior_bars_lie_on_prior_bars_that_fill_their_row(ax):
    plot_prior_posterior(compared(), ax=ax)
    assert bars_of(ax, "prior, 90% interval") == [(0.0, 1.0)] * 3
    assert bars_of(ax, "posterior, 90% interval") == [(0.3, 0.4), (0.1, 0.9), (0.0, 1.0)]
    assert bars_of(ax, "not compared") == [(0.4, 1.0)]  # above the median, 'never' before and after


def test_what_is_data_and_what_is_prior_differ_in_colour_and_in_words(ax):
    plot_prior_posterior(compared(), ax=ax)
    found = next(each for each in ax.collections if each.get_label() == "posterior, 90% interval")
    data, prior, also_prior = (tuple(colour) for colour in found.get_colors())
    assert data != prior == also_prior
    assert {"data (0.1)", "a", "b"} <= set(texts(ax))


def test_each_group_has_its_heading_above_its_rows_and_only_an_endless_row_says_never(ax):
    plot_prior_posterior(compared(), ax=ax)
    places = {label.get_text(): y for y, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    assert sorted(places, key=places.__getitem__) == ["t", "threshold 0.5", "nu", "all", "bend"]
    assert ax.yaxis_inverted()
    assert texts(ax).count("never") == 1


def test_a_posterior_far_outside_its_prior_is_marked_at_the_edge(ax):
    plot_prior_posterior(compared(q05=[-np.inf, 7.0, 0.0], q50=[-9.0, 8.0, 0.5], q95=[0.9, np.inf, 1.0]), ax=ax)
    marks = [tuple(line.get_xdata()) for line in ax.lines if line.get_label() == "beyond the axis"]
    assert marks == [(-1.0,), (2.0,)] and ax.get_xlim() == (-1.0, 2.0)
    assert svg(ax)


def test_a_row_of_unknown_place_keeps_its_name_and_its_note(ax):
    plot_prior_posterior(compared(q05=np.nan, q50=np.nan, q95=np.nan, prior_q50=np.nan), ax=ax)
    assert {"nu", "data (0.1)"} <= set(texts(ax)) and svg(ax)


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "<1%"), (0.004, "<1%"), (0.314, "31%"), (0.99, "99%"), (1.0, ">99%")]
)
def test_probabilities_are_percents_with_open_ends(probability, shown):
    assert percent(probability) == shown


@pytest.mark.parametrize(
    ("log10_compute", "parts"), [(23.0, ("1.0", 23)), (np.log10(3.14e23), ("3.1", 23)), (23.9999, ("1.0", 24))]
)
def test_compute_has_two_significant_digits(log10_compute, parts):
    assert scientific(log10_compute) == parts


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_a_figure_file_is_of_the_kind_that_its_name_says(tmp_path, name, start):
    write_figure(tmp_path / name, lambda figure: figure.subplots().plot([0, 1]), size=(2.0, 1.0))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(("name", "said"), [("a.doc", "ends in .png, .svg, .pdf"), ("none/a.png", "does not exist")])
def test_a_figure_that_cannot_be_written_is_refused_before_it_is_drawn(tmp_path, name, said):
    with pytest.raises(ForecastError, match=said):
        write_figure(tmp_path / name, lambda figure: pytest.fail("drawn"), size=(2.0, 1.0))
    assert not list(tmp_path.iterdir())
