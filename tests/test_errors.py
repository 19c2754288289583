"""Errors: problems of one kind stand in one line with all rows, and what differs side by side."""

from forecast.errors import Problem, TableError, row_ranges


def problems(*rows, **given):
    return [
        Problem(**{"row": row, "column": "params", "wrong": "is small", "remedy": "write more"} | given) for row in rows
    ]


def test_problems_of_one_kind_are_one_line_with_ranges_of_rows():
    error = TableError("t.csv", problems(*range(2, 58), 60))
    assert str(error) == ("t.csv: 57 problems of 1 kind\n  rows 2-57, 60, column 'params': is small; write more")
    assert len(error.problems) == 57


def test_values_and_remedies_that_differ_stand_side_by_side():
    each = [
        Problem(row=row, column="params", value=f"{row}", wrong="is small", remedy=f"write {row}e9, or leave it blank")
        for row in (2, 3, 4, 6)
    ]
    line = str(TableError("t.csv", each)).splitlines()[1]
    assert line == "  rows 2-4, 6, column 'params', values '2', '3', '4', ...: is small; " + (
        "write 2e9, 3e9, 4e9, ..., or leave it blank"
    )


def test_other_columns_and_other_words_are_other_kinds():
    found = [*problems(2, 3), *problems(2, column="tokens"), *problems(4, remedy="delete the row")]
    assert str(TableError("t.csv", found)).startswith("t.csv: 4 problems of 3 kinds\n")


def test_what_is_wrong_with_the_whole_table_is_never_joined():
    whole = [Problem(column=name, wrong="is missing", remedy="add it") for name in ("a", "b")]
    assert str(TableError("t.csv", whole)).count("is missing") == 2


def test_rows_in_ever_so_many_pieces_are_counted_after_some():
    assert row_ranges(range(1, 100, 2), most=3) == "1, 3, 5 and 47 more"
    assert row_ranges([5]) == "5" and row_ranges([]) == ""
