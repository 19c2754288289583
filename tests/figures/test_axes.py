from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.figures.axes import (
    known_runs_above,
    landmarks,
    largest_by_year,
    place_scores,
    years_that_fit,
)
from forecast.figures.style import STYLE
from forecast.table.training_runs import read_runs
from tests.conftest import SEED
from tests.figures.invented import known_runs

LIMITS = (20.0, 27.0)


def house_axes(width):
    with matplotlib.rc_context(dict(STYLE)):
        ax = Figure(figsize=(width, 4.0), layout="constrained").subplots()
        ax.set_xlim(*LIMITS)
    return ax


def spans(chosen, limits, characters):
    """Left and right ends of names on an axis, each character of one width."""
    a_character = (limits[1] - limits[0]) / characters
    return [(place - len(name) / 2 * a_character, place + len(name) / 2 * a_character) for name, place in chosen]


@pytest.mark.parametrize("characters", [20, 43, 90, 300])
@pytest.mark.parametrize("limits", [(20.0, 27.0), (22.9, 23.6), (10.0, 40.0), (5.0, 6.0)])
def test_names_of_known_runs_neither_overlap_nor_leave_the_axis(limits, characters):
    rng = np.random.default_rng(SEED)
    names = ["x" * rng.integers(1, 60) for _ in range(100)]
    many = pd.DataFrame({"model": names, "compute": 10 ** rng.uniform(5, 40, 100)})
    for runs in (read_runs(), known_runs(), many):
        chosen = landmarks(limits, runs, characters=characters)
        found = spans(chosen, limits, characters)
        assert len(chosen) <= 6 and found == sorted(found)
        assert all(limits[0] <= left and right <= limits[1] for left, right in found)
        assert all(right < left for (_, right), (left, _) in pairwise(found))


def test_the_best_known_runs_come_first_and_guesses_say_so():
    names = [name for name, _ in landmarks(LIMITS, known_runs(), characters=45)]
    assert "GPT-3" in names and "GPT-4 (est.)" in names and "GPT-3b of others" not in names
    assert "GPT-4 (est.)" in [name for name, _ in landmarks(LIMITS, read_runs())]


def test_a_name_that_is_too_long_or_not_printable_does_no_harm():
    runs = pd.DataFrame({"model": ["y" * 300, "two\nlines"], "compute": [1e23, 1e25]})
    assert landmarks(LIMITS, runs) == [("two lines", 25.0)]
    assert landmarks(LIMITS, runs.iloc[:0]) == []


def test_the_largest_run_never_shrinks_from_year_to_year_and_goes_on_as_expected():
    expected = [{"date": f"{year}-01-01", "log10_compute": {"q50": at}} for year, at in ((2027, 27.0), (2029, 28.0))]
    found = largest_by_year(known_runs(), expected)
    assert list(found) == list(range(2017, 2030)) and (np.diff(list(found.values())) >= 0).all()
    assert found[2017] == found[2020] == pytest.approx(np.log10(3e20))  # nothing larger by the first of January
    assert found[2027] == pytest.approx(27.0) and found[2028] == pytest.approx(27.5)
    assert max(largest_by_year(known_runs())) == 2025 and largest_by_year(known_runs().iloc[:0]) == {}


@pytest.mark.parametrize("characters", [20, 43, 90])
def test_years_do_not_overlap_and_each_place_has_the_first_of_its_years(characters):
    by_year = largest_by_year(known_runs(), [{"date": "2035-01-01", "log10_compute": {"q50": 30.0}}])
    shown = years_that_fit((20.0, 31.0), by_year, characters=characters)
    found = spans(shown, (20.0, 31.0), characters)
    assert shown and all(right < left for (_, right), (left, _) in pairwise(found))
    assert len({place for _, place in shown}) == len(shown)
    assert years_that_fit((1.0, 2.0), by_year) == []


def test_years_stand_above_the_names_of_known_runs():
    ax = house_axes(7.0)
    known_runs_above(ax, LIMITS, known_runs(), largest_by_year(known_runs()))
    ax.figure.draw_without_rendering()
    heights = {text.get_text(): text.get_window_extent().y0 for text in ax.texts}
    assert heights["known runs"] == heights["GPT-3"] < heights["2021"] == heights["largest run by"]


def test_no_two_words_above_the_axis_overlap_in_either_width():
    for width in (7.0, 3.4):
        ax = house_axes(width)
        known_runs_above(ax, LIMITS, read_runs(), largest_by_year(read_runs()))
        ax.figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
        assert len(boxes) > 4 and not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_rates_are_ticked_in_percent_and_losses_in_nats_on_axes_used_again():
    ax = Figure().subplots()
    place_scores(ax, [0.2, 0.9])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0%", "25%", "50%", "75%", "100%"]
    place_scores(ax, [2.0, 3.5])
    ax.figure.draw_without_rendering()
    assert not any("%" in label.get_text() for label in ax.get_yticklabels())
