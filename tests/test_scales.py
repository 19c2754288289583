"""Places and distances in words and on axes, for both scales."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from forecast.figures.axes import place_ticks
from forecast.report.views.text import place_html
from forecast.scales import COMPUTE, DATES, named_by, scale_of, scale_of_answer
from forecast.words import Reach, counted, first_of, reach_of, reach_of_answers
from models.dates import log10_compute_of, log10_compute_of_year


@pytest.mark.parametrize(
    ("scale", "place", "text"),
    [
        (COMPUTE, 23.5, "3.2e23"),
        (COMPUTE, "inf", "never"),
        (COMPUTE, "-inf", "below any compute"),
        (DATES, log10_compute_of(np.datetime64("2025-01-01")), "2025-01-01"),
        (DATES, "inf", "never"),
        (DATES, "-inf", "always"),
        (DATES, log10_compute_of_year(20000.0), "after 2100"),
        (DATES, log10_compute_of_year(2101.5), "after 2100"),
        (DATES, log10_compute_of_year(2100.5), "2100-07-03"),
        (DATES, log10_compute_of_year(1850.0), "before 1900"),
        (DATES, log10_compute_of_year(-3.0), "before 1900"),
    ],
)
def test_a_place_is_a_compute_or_a_date(scale, place, text):
    assert scale.text(place) == text
    assert scale is COMPUTE or text in place_html(place, scale=scale)


def test_a_distance_is_in_decades_or_years_and_never_called_inf():
    assert (COMPUTE.distance(1.2), DATES.distance(1.2)) == ("1.2 decades", "1.2 years")
    assert DATES.units("inf") == np.inf
    assert (COMPUTE.spread(1.234), DATES.spread(1.2), DATES.spread("inf")) == (
        "1.23 decades",
        "1.20 years",
        "unbounded",
    )
    assert DATES.span({"q05": 0.6, "q50": 1.2, "q95": "inf"}) == "1.2 (0.6 to unbounded) years"


NEAR = reach_of([20.0, 23.4])


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (24.0, "1.0e24"),
        (30.0, "1.0e30"),
        (30.01, "beyond 1e30"),
        (42.4, "beyond 1e30"),
        (14.0, "1.0e14"),
        (13.9, "below 1e14"),
        ("inf", "never"),
        ("-inf", "below any compute"),
    ],
)
def test_a_compute_more_than_six_whole_decades_from_all_runs_is_beyond_or_below_them(place, text):
    scale = COMPUTE.within(NEAR)
    assert scale.text(place) == text
    assert text[:6] in place_html(place, scale=scale) or "<sup>" in place_html(place, scale=scale)
    assert ("beyond" in place_html(place, scale=scale)) == ("beyond" in text) and (
        "below" in place_html(place, scale=scale)
    ) == ("below" in text)
    assert COMPUTE.text(42.4) == "2.5e42"  # a scale of no fit has no reach


def test_the_reach_of_a_run_stored_as_a_logarithm_is_that_of_its_compute():
    assert reach_of([np.log10(1e24) + 4e-15]) == Reach(low=18, high=30)
    assert reach_of([9.3, 11.2], decades=3) == Reach(low=6, high=15)


@pytest.mark.parametrize(
    ("scale", "ends", "text"),
    [
        (COMPUTE, (23.5, 24.0), "3.2e23 to 1.0e24 FLOP"),
        (COMPUTE, (23.5, 42.0), "3.2e23 to beyond 1e30 FLOP"),
        (COMPUTE, (33.0, 42.0), "beyond 1e30 FLOP"),
        (COMPUTE, (33.0, "inf"), "beyond 1e30 FLOP to never"),
        (COMPUTE, (23.5, "inf"), "3.2e23 FLOP to never"),
        (COMPUTE, ("-inf", 23.5), "below any compute to 3.2e23 FLOP"),
        (COMPUTE, ("inf", "inf"), "never"),
        (DATES, (log10_compute_of_year(2025.0), log10_compute_of_year(3000.0)), "2024-12-31 to after 2100"),
    ],
)
def test_an_interval_reads_as_one_phrase_with_its_unit_once(scale, ends, text):
    scale = scale.within(NEAR)
    assert scale.interval(*ends) == text
    assert scale.bare(*ends) == text.replace(" FLOP", "")


def test_what_is_expected_is_at_a_compute_or_beyond_one():
    scale = COMPUTE.within(NEAR)
    assert (scale.where(23.5), scale.where(35.0)) == ("at 3.2e23 FLOP", "beyond 1e30 FLOP")
    assert DATES.where(log10_compute_of_year(2027.5)) == "by 2027-07-02"
    assert DATES.where(log10_compute_of_year(2127.5)) == "after 2100"


def test_the_reach_of_an_answer_is_that_of_the_runs_it_rests_on():
    answers = ({"data_log10_compute": [20.0, 22.0]}, {"data_log10_compute": [21.0, 23.4]})
    assert named_by(*answers).text(30.5) == "beyond 1e30" and named_by(answers[0]).text(29.5) == "beyond 1e28"
    assert reach_of_answers() is None


def test_counts_have_their_noun_in_the_singular_or_the_plural():
    assert [counted(n, "task") for n in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]
    assert counted(3, "family", "families") == "3 families"
    assert first_of(list("abcde")) == "a, b, c and 2 more" and first_of(list("ab")) == "a, b"


def test_the_scale_is_that_of_the_table_or_of_an_answer():
    assert scale_of(xr.Dataset(attrs={"scale": "date"})) is DATES and scale_of(xr.Dataset()) is COMPUTE
    assert scale_of_answer({"date": {}}) is DATES and scale_of_answer({"log10_compute": {}}) is COMPUTE


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        (2019.5, 2026.2, ["2020", "2022", "2024", "2026"]),
        (2023.1, 2024.2, ["2023-07", "2024-01"]),
        (2024.0, 2024.7, ["2024-01", "2024-04", "2024-07"]),
        (1990.0, 2060.0, ["2000", "2020", "2040", "2060"]),
    ],
)
def test_ticks_are_at_new_years_or_quarters_where_their_labels_say(first, last, labels):
    ax = Figure().subplots()
    place_ticks(ax, DATES, (log10_compute_of_year(first), log10_compute_of_year(last)), count=4)
    assert [label.get_text() for label in ax.get_xticklabels()] == labels
    if len(labels[0]) == 4:
        np.testing.assert_allclose(ax.get_xticks(), [log10_compute_of_year(float(year)) for year in labels])
