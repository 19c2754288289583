"""Sensitivity in the report: sentences that a reader takes in, and a table that says how each number was found."""

import pytest

from forecast.report.views.sensitivity import sensitivity_sentences, sensitivity_view
from forecast.scales import COMPUTE, DATES


def side_of(shift=0.0, never=0.0, median=23.0, k=0.2, **changes):
    found = {"log10_compute": {"q05": 22.0, "q50": median, "q95": "inf"}, "p_never": 0.2, "shift": shift}
    return found | {"shift_p_never": never, "pareto_k": k, "by": "weights", "reliable": k <= 0.7} | changes


def row_of(name="ceiling", halved=None, doubled=None):
    return {"prior": name, "number": "x", "halved": halved or side_of(), "doubled": doubled or side_of()}


def said(*rows, scale=COMPUTE):
    return " ".join(sensitivity_sentences(rows, scale))


def test_the_largest_changes_are_said_with_the_prior_behind_them():
    rows = row_of(halved=side_of(-0.1, 0.12)), row_of("bend", doubled=side_of(0.24, -0.01))
    assert said(*rows) == (
        "Halving or doubling the width of any one prior moves the median by at most 0.24 decades (a factor of 1.7)"
        " and P(never) by at most 12 points. The median depends most on the prior of the bend,"
        " P(never) on that of the ceiling."
    )
    assert "The prior of the ceiling matters most." in said(row_of(halved=side_of(0.3, 0.12)), row_of("bend"))


def test_small_changes_are_said_to_be_small_and_blamed_on_no_prior():
    assert said(row_of(halved=side_of(0.01, 0.001))) == (
        "Halving or doubling the width of any one prior moves the median by less than 0.05 decades"
        " and P(never) by less than 1 point."
    )


def test_a_factor_of_thousands_is_not_said():
    assert "a factor" not in said(row_of(halved=side_of(3.2)))


def test_changes_of_dates_are_in_years():
    assert "by at most 0.30 years and" in said(row_of(halved=side_of(0.3)), scale=DATES)


def test_a_median_that_becomes_never_is_said_first():
    rows = row_of(doubled=side_of("inf", 0.2, "inf")), row_of("bend", halved=side_of(0.2))
    found = sensitivity_sentences(rows, COMPUTE)
    assert found[0] == "With a prior of the ceiling twice as wide, the median becomes “never”."
    assert found[1].startswith("Otherwise halving") and "0.20 decades" in found[1] and "20 points" in found[1]
    assert "half as wide, the median is no longer “never”" in said(row_of(halved=side_of("-inf", -0.2, 25.0)))


def test_a_median_that_stays_never_is_not_said_to_be_robust_by_its_distance():
    never = {"halved": side_of(0.0, 0.14, "inf"), "doubled": side_of(0.0, 0.0, "inf")}
    assert "leaves the median at “never” and moves P(never) by at most 14 points" in said(row_of(**never))


def test_what_weights_cannot_tell_is_left_out_and_named():
    rows = row_of(halved=side_of(0.1)), row_of("scatter of scores", doubled=side_of(5.0, k=1.2))
    found = sensitivity_sentences(rows, COMPUTE)
    assert "0.10 decades" in found[0]
    assert found[-1] == "These draws do not tell (Pareto k too large): scatter of scores (twice as wide)."
    assert "do not tell how far" in said(row_of(halved=side_of(k=2.0), doubled=side_of(k=2.0)))
    assert said() == ""


@pytest.mark.parametrize(
    ("shift", "cell"), [(0.236, "+0.24"), (-0.1, "−0.10"), (0.0, "+0.00"), ("inf", "to never"), ("-inf", "from never")]
)
def test_the_table_has_a_cell_for_each_width(shift, cell):
    view = sensitivity_view([row_of(halved=side_of(shift))], COMPUTE, key="1")
    (row,) = view["rows"]
    assert row["prior"] == "ceiling" and row["sides"][0]["shift"] == cell and row["sides"][0]["p_never"] == "20%"
    assert str(view["figure"]).startswith("<svg") and view["unit"] == "decades"


def test_a_task_without_rows_has_no_figure():
    view = sensitivity_view([], COMPUTE, key="1")
    assert view["figure"] is None and not view["sentences"] and not view["rows"]
