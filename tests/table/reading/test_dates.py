"""Dates of a column, whatever their order."""

import pandas as pd
import pytest

from forecast.table.reading.dates import Dates


def read(*cells, order=None):
    return [None if value is pd.NaT else f"{value:%Y-%m-%d}" for value in Dates(cells, order).values]


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2020-05-28", "2020-05-28"),
        ("2020-05-28T12:30:00Z", "2020-05-28"),
        ("2020-05-28 00:00:00", "2020-05-28"),
        ("2020/5/8", "2020-05-08"),
        ("20200528", "2020-05-28"),
        ("28 May 2020", "2020-05-28"),
        ("28-May-2020", "2020-05-28"),
        ("May 28, 2020", "2020-05-28"),
        ("1st June 2021", "2021-06-01"),
        ("Sept. 5, 2022", "2022-09-05"),
        ("May 2023", "2023-05-15"),
        ("2023-05", "2023-05-15"),
        ("05/2023", "2023-05-15"),
        ("31.12.2023", "2023-12-31"),
        ("1.2.2023", "2023-02-01"),
        ("5/5/2023", "2023-05-05"),
        ("1675209600000", "2023-02-01"),
    ],
)
def test_a_date_that_needs_no_other_is_read(cell, date):
    assert read(cell) == [date]


@pytest.mark.parametrize(
    "cell", ["2020-13-01", "2020-02-30", "Mai 2020", "2020", "13/13/2020", "0202-05-28", "soon", ""]
)
def test_what_is_no_date_is_none(cell):
    assert read(cell) == [None]


def test_one_day_above_twelve_settles_the_order_of_a_column():
    assert read("1/2/2023", "31/12/2023") == ["2023-02-01", "2023-12-31"]
    assert read("1/2/2023", "12/31/2023") == ["2023-01-02", "2023-12-31"]
    assert read("3/4/23", "3/14/23") == ["2023-03-04", "2023-03-14"]


def test_a_column_that_does_not_settle_its_order_is_not_guessed():
    dates = Dates(("1/2/2023", "3/3/2023"))
    assert read(*dates.cells) == [None, "2023-03-03"]
    assert "2023-01-02 or 2023-02-01" in dates.problem("1/2/2023")[0]
    assert read("13/1/2023", "1/13/2023", "1/2/2023") == [None, None, None]


def test_the_user_settles_the_order():
    assert read("1/2/2023", order="D/M/Y") == ["2023-02-01"] and read("1/2/2023", order="M/D/Y") == ["2023-01-02"]
    assert read("14/2/2023", order="M/D/Y") == [None]


def test_what_was_decided_is_said_once_a_kind():
    assert list(Dates(("3/14/2023", "3/15/2023", "2023-05", "2023-06")).said()) == [
        "as month/day/year: '3/14/2023' -> 2023-03-14",
        "of months as their middle: '2023-05' -> 2023-05-15",
    ]
    assert not list(Dates(("2023-05-01", "")).said())
