"""Places and distances in words and on axes, for both scales."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from forecast.date_scale import log10_compute_of, log10_compute_of_year
from forecast.scales import COMPUTE, DATES, scale_of, scale_of_answer


@pytest.mark.parametrize(
    ("scale", "place", "text"),
    [
        (COMPUTE, 23.5, "3.2e23"),
        (COMPUTE, "inf", "never"),
        (COMPUTE, "-inf", "below any compute"),
        (DATES, log10_compute_of(np.datetime64("2025-01-01")), "2025-01-01"),
        (DATES, "inf", "never"),
        (DATES, "-inf", "always"),
        (DATES, log10_compute_of_year(20000.0), "after 9999"),
    ],
)
def test_a_place_is_a_compute_or_a_date(scale, place, text):
    assert scale.text(place) == text
    assert scale is COMPUTE or text in scale.html(place)


def test_a_distance_is_in_decades_or_years():
    assert (COMPUTE.distance(1.2), DATES.distance(1.2)) == ("1.2 decades", "2.0 years")
    assert DATES.units("inf") == np.inf


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
    DATES.ticks(ax, (log10_compute_of_year(first), log10_compute_of_year(last)), count=4)
    assert [label.get_text() for label in ax.get_xticklabels()] == labels
    if len(labels[0]) == 4:
        np.testing.assert_allclose(ax.get_xticks(), [log10_compute_of_year(float(year)) for year in labels])
