"""Observation tables: what is read, what is refused and what the labelled arrays hold."""

import csv
import io
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.errors import ForecastError, Problem, TableError
from forecast.table.dataset import data_hash, observations, read_rows, read_table
from forecast.table.reading.cells import COLUMNS, METRICS

HEADER = [*COLUMNS, "note"]
RATE = {"task": "2D+", "metric": "exact_match", "score": "0.5", "trials": "2000", "family": "GPT", "date": "2020-05-28"}
ROWS = [  # four runs with a rate, one of them with a loss and an at-least-k row as well: lines 2 to 7
    {**RATE, "model": "small", "score": "0.0254", "compute": "1e20"},
    {**RATE, "model": "medium", "score": "", "successes": "200", "compute": "", "params": "1e9", "tokens": "1e11"},
    {**RATE, "model": "large", "compute": "1e22"},
    {**RATE, "model": "huge", "compute": "1e23", "compute_sd": "0.3", "family": "Other", "date": "2021-01-01"},
    {"model": "huge", "task": "validation", "metric": "loss", "score": "2.5", "compute": "1e23"},
    {**RATE, "model": "huge", "task": "copy", "metric": "at_least_k", "length": "4", "k": "2", "compute": "1e23"}
    | {"family": "Other", "date": ""},
]
RATE_LINE, LOSS_LINE = 4, 6


def csv_text(rows, header=HEADER):
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue()


@pytest.fixture
def write(tmp_path):
    """Writes a table, as rows or as text or as bytes, and returns its path."""

    def to_file(content, name="table.csv", header=HEADER):
        content = csv_text(content, header) if isinstance(content, list) else content
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def with_cell(line, **cells):
    rows = [dict(row) for row in ROWS]
    rows[line - 2] |= cells
    return rows


def refusal(path, read=read_table):
    with pytest.raises(TableError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: {len(caught.value.problems)} problem")
    return caught.value


def test_a_good_table_is_completed_in_its_order(write):
    frame = read_table(write(ROWS))
    assert list(frame.columns) == HEADER
    assert frame.index.name == "line" and list(frame.index) == [2, 3, 4, 5, 6, 7]
    assert list(frame["model"]) == ["small", "medium", "large", "huge", "huge", "huge"]
    assert frame.loc[3, "compute"] == pytest.approx(6e20)
    assert frame.loc[3, "score"] == 0.1
    assert frame["successes"].to_list() == [51, 200, 1000, 1000, pd.NA, 1000]
    assert pd.isna(frame.loc[LOSS_LINE, "trials"])
    assert list(frame["family"]) == ["GPT", "GPT", "GPT", "Other", "Other", "Other"]
    assert frame.loc[LOSS_LINE, "date"] == pd.Timestamp("2021-01-01")
    assert frame["chance"].eq(0).all() and frame["compute_sd"].to_list() == [0, 0, 0, 0.3, 0.3, 0.3]


def sizes_of(data):
    """Those of the table; knots follow from its compute."""
    return {dim: size for dim, size in data.sizes.items() if dim != "knot"}


def test_optional_columns_may_be_absent(write):
    header = ["model", "task", "metric", "score", "trials", "compute"]
    frame = read_table(write([row for row in ROWS[:4] if row["score"]] + [{**ROWS[3], "model": "x"}], header=header))
    assert set(COLUMNS) <= set(frame.columns)
    assert frame["family"].eq("all").all() and frame["date"].isna().all() and frame["k"].isna().all()
    assert sizes_of(observations(frame)) == {"observation": 4, "run": 4, "task": 1, "law": 1, "family": 1}


def test_a_published_rate_becomes_the_nearest_count(write):
    frame = read_table(write(with_cell(RATE_LINE, score="0.0251", trials="2000")))
    assert frame.loc[RATE_LINE, "successes"] == 50 and frame.loc[RATE_LINE, "score"] == 0.0251


def test_score_and_successes_may_differ_by_rounding(write):
    frame = read_table(write(with_cell(RATE_LINE, score="0.333", successes="333333", trials="1000000")))
    assert frame.loc[RATE_LINE, "successes"] == 333333


@pytest.mark.parametrize(("start", "line_end"), [("\ufeff", "\r\n"), ("", "\n"), ("\ufeff", "\r")])
def test_byte_order_marks_and_line_ends_do_not_matter(write, start, line_end):
    plain = read_table(write(ROWS))
    other = read_table(write((start + csv_text(ROWS)).replace("\r\n", line_end), name="other.csv"))
    pd.testing.assert_frame_equal(plain, other)


def test_spaces_and_capitals_in_the_header_do_not_matter(write):
    header = [f" {name.title()} " for name in HEADER]
    text = csv_text(ROWS).replace(",".join(HEADER), ",".join(header))
    assert data_hash(read_table(write(text))) == data_hash(read_table(write(ROWS, name="plain.csv")))


def test_blank_lines_are_skipped_and_counted(write):
    lines = csv_text(with_cell(2, score="x")).splitlines()
    text = "\n".join([lines[0], "", ",,,", *lines[1:], "", ""])
    assert [problem.row for problem in refusal(write(text)).problems] == [4]


def test_csv_and_parquet_give_the_same_frame(write, tmp_path):
    frame = read_table(write(ROWS))
    frame.to_parquet(tmp_path / "table.parquet")
    typed = read_table(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(frame, typed[frame.columns], check_dtype=False)
    assert data_hash(frame) == data_hash(typed)


def test_an_index_saved_in_parquet_is_a_column(write, tmp_path):
    frame = read_table(write(ROWS))
    frame.set_index("model").to_parquet(tmp_path / "table.parquet")
    assert data_hash(read_table(tmp_path / "table.parquet")) == data_hash(frame)


def test_problems_of_a_parquet_table_name_rows_as_a_csv_would(write, tmp_path):
    frame = read_table(write(ROWS))
    frame.assign(score=frame["score"].mask(frame.index == 4, 1.5)).to_parquet(tmp_path / "table.parquet")
    assert "row 4, column 'score', value '1.5'" in str(refusal(tmp_path / "table.parquet"))


STRANGE = [
    "<script>alert(1)</script>",
    "a, b",
    "two\nlines",
    "通义千问 é ☃",
    'say "hi"',
    "two  words",
    "NA",
    "[bold]x[/bold]",
]


def test_strange_names_survive_as_they_are(write):
    frame = read_table(write([{**ROWS[2], "model": name, "task": name, "family": name} for name in STRANGE]))
    arrays = observations(frame)
    for names in (frame["model"], frame["task"], frame["family"], arrays.run, arrays.task, arrays.family):
        assert names.to_numpy().tolist() == STRANGE


def test_rows_after_a_name_of_two_lines_are_numbered_by_line(write):
    rows = [{**ROWS[0], "model": "two\nlines"}, {**ROWS[1], "score": "9"}, *ROWS[2:]]
    problems = refusal(write(rows)).problems
    assert [problem.row for problem in problems if problem.column == "score"] == [4]


AN_OUTSIDE_SCORE = ("lies outside [0, 1]", "a rate between 0 and 1")
A_BAD_COMPUTE = ("not a positive finite number", "training FLOP")
RATE_ROW, LOSS_ROW, AT_LEAST_K_ROW = BLOCK = (
    {**RATE, "compute": "1e22"},
    {"task": "validation", "metric": "loss", "score": "2.5", "compute": "1e22"},
    {**RATE, "metric": "at_least_k", "length": "4", "k": "2", "compute": "1e22"},
)
BAD_CELLS = [  # row of a block, column, value, what is wrong, remedy
    (RATE_ROW, "model", "", "is blank", "give the model a name"),
    (RATE_ROW, "task", "  ", "is blank", "give the task a name"),
    (RATE_ROW, "metric", "", "not a known metric", "exact_match, at_least_k, pass_at_k, token_accuracy, choice, loss"),
    (RATE_ROW, "metric", "exact match", "not a known metric", "did you mean 'exact_match'?"),
    (RATE_ROW, "metric", "bleu", "not a known metric", "Allowed: exact_match"),
    (RATE_ROW, "score", "-0.1", *AN_OUTSIDE_SCORE),
    (RATE_ROW, "score", "101", *AN_OUTSIDE_SCORE),
    (RATE_ROW, "score", "inf", *AN_OUTSIDE_SCORE),
    (RATE_ROW, "score", "45.5", "lies outside [0, 1]", "divide all of them by 100"),
    (RATE_ROW, "score", "NaN", "is blank", "give score or successes"),
    (RATE_ROW, "score", "", "is blank", "give score or successes"),
    (RATE_ROW, "score", "good", "is text", "write a plain number"),
    (RATE_ROW, "score", "45.5%", "is text", "0.455"),
    (RATE_ROW, "score", "0,5", "is text", "write a decimal point: 0.5"),
    (RATE_ROW, "compute", "inf", *A_BAD_COMPUTE),
    (RATE_ROW, "compute", "-1e22", *A_BAD_COMPUTE),
    (RATE_ROW, "compute", "0", *A_BAD_COMPUTE),
    (RATE_ROW, "compute", "1e999", *A_BAD_COMPUTE),
    (RATE_ROW, "compute", "3e22 FLOP", "is text", "without 'FLOP': 3e22"),
    (RATE_ROW, "compute", "10^22", "is text", "write a plain number"),
    (RATE_ROW, "compute", "", "compute of this row is not known", "give compute, or params and tokens, or delete"),
    (RATE_ROW, "params", "0", "not a positive finite number", "number of parameters"),
    (RATE_ROW, "params", "7B", "is text", "write it out: 7e9"),
    (RATE_ROW, "tokens", "-3", "not a positive finite number", "number of training tokens"),
    (RATE_ROW, "tokens", "many", "is text", "write a plain number"),
    (RATE_ROW, "trials", "0", "not a whole number of 1 or more", "items scored"),
    (RATE_ROW, "trials", "-5", "not a whole number of 1 or more", "items scored"),
    (RATE_ROW, "trials", "99.5", "not a whole number of 1 or more", "items scored"),
    (RATE_ROW, "trials", "1e300", "not a whole number of 1 or more", "items scored"),
    (RATE_ROW, "trials", "1,000", "is text", "without thousands separators: 1000"),
    (RATE_ROW, "trials", "", "is blank", "give the number of items scored"),
    (RATE_ROW, "successes", "1.5", "not a whole number of 0 or more", "count of items"),
    (RATE_ROW, "successes", "-1", "not a whole number of 0 or more", "count of items"),
    (RATE_ROW, "successes", "2001", "is above trials", "correct successes or trials"),
    (RATE_ROW, "length", "0", "not a positive finite number", "answer length in tokens"),
    (RATE_ROW, "length", "-2", "not a positive finite number", "answer length in tokens"),
    (RATE_ROW, "chance", "1", "lies outside [0, 1)", "success rate of a guess"),
    (RATE_ROW, "chance", "25", "lies outside [0, 1)", "success rate of a guess"),
    (RATE_ROW, "chance", "-0.1", "lies outside [0, 1)", "success rate of a guess"),
    (RATE_ROW, "compute_sd", "-0.1", "is negative or infinite", "standard deviation of log10 compute"),
    (RATE_ROW, "date", "31/06/2020", "is not a date", "YYYY-MM-DD"),
    (RATE_ROW, "date", "2020-02-30", "is not a date", "YYYY-MM-DD"),
    (RATE_ROW, "date", "0202-05-28", "is not a date", "YYYY-MM-DD"),
    (AT_LEAST_K_ROW, "k", "5", "is above length", "give k from 1 to length"),
    (AT_LEAST_K_ROW, "k", "0", "not a whole number of 1 or more", "from 1 to length"),
    (AT_LEAST_K_ROW, "k", "1.5", "not a whole number of 1 or more", "from 1 to length"),
    (AT_LEAST_K_ROW, "length", "", "at_least_k with k needs length", "leave k blank too"),
    (AT_LEAST_K_ROW, "length", "4.5", "is fractional", "one row for each length"),
    (LOSS_ROW, "score", "0", "not a positive finite loss", "nats per token, above 0"),
    (LOSS_ROW, "score", "-1.5", "not a positive finite loss", "nats per token, above 0"),
    (LOSS_ROW, "score", "inf", "not a positive finite loss", "nats per token, above 0"),
    (LOSS_ROW, "score", "", "is blank", "give the loss in nats per token"),
    (AT_LEAST_K_ROW, "compute", "2e22", "has compute '1e22' in row", "one value for a model"),
    (AT_LEAST_K_ROW, "family", "Other", "has family 'GPT' in row", "one value for a model"),
    (AT_LEAST_K_ROW, "date", "2021-01-01", "has date '2020-05-28' in row", "one value for a model"),
]


@pytest.fixture(scope="module")
def problems_by_row(tmp_path_factory):
    """Problems of one table with a model for each bad cell: the three rows of `BLOCK`, one of them with that cell."""
    rows = []
    for number, (bad_row, column, value, *_) in enumerate(BAD_CELLS):
        block = [{**row, "model": f"m{number}", "task": f"{row['task']} {number}"} for row in BLOCK]
        block[BLOCK.index(bad_row)][column] = value
        rows += block
    path = tmp_path_factory.mktemp("bad") / "table.csv"
    path.write_text(csv_text(rows), newline="")
    found = {}
    for problem in refusal(path).problems:
        found.setdefault(problem.row, []).append(problem)
    return found


@pytest.mark.parametrize("number", range(len(BAD_CELLS)), ids=[f"{cell[1]}={cell[2]}" for cell in BAD_CELLS])
def test_a_bad_cell_is_named_with_row_column_value_and_remedy(problems_by_row, number):
    bad_row, column, value, wrong, remedy = BAD_CELLS[number]
    line = 2 + 3 * number + BLOCK.index(bad_row)
    (problem,) = problems_by_row[line]
    assert (problem.column, problem.value) == (column, value)
    assert wrong in problem.wrong and remedy in problem.remedy
    assert str(problem).startswith(f"row {line}, column '{column}', value {value!r}: ")


def test_only_bad_cells_are_problems(problems_by_row):
    assert sum(map(len, problems_by_row.values())) == len(BAD_CELLS)


@pytest.mark.parametrize("column", ["params", "tokens"])
def test_a_run_with_two_sizes_is_refused(write, column):
    rows = with_cell(5, **{column: "1e9"})
    rows[5][column] = "2e9"
    (problem,) = refusal(write(rows)).problems
    assert (problem.row, problem.column, problem.value) == (7, column, "2e9")
    assert "'1e9' in row 5" in problem.wrong


def test_a_score_that_contradicts_successes_is_refused(write):
    (problem,) = refusal(write(with_cell(RATE_LINE, score="0.5", successes="990"))).problems
    assert (problem.row, problem.column, problem.value) == (RATE_LINE, "score", "0.5")
    assert "990 / 2000 = 0.495" in problem.wrong and "correct one of them" in problem.remedy


def test_only_a_task_within_0_and_100_is_taken_for_percentages(write):
    rows = with_cell(RATE_LINE, score="45")
    rows[3]["score"] = "450"
    assert all("divide" not in problem.remedy for problem in refusal(write(rows)).problems)


def test_all_problems_of_a_table_are_reported_at_once(write):
    rows = with_cell(RATE_LINE, score="1.5", trials="0", date="soon")
    rows[0]["metric"] = "exactmatch"
    rows[5]["k"] = "0.5"
    lines = csv_text(rows, [name for name in HEADER if name != "length"]).splitlines()
    error = refusal(write("\n".join([*lines, "one,two"])))
    places = {(problem.row, problem.column) for problem in error.problems}
    expected = {(None, "length"), (2, "metric"), (4, "score"), (4, "trials"), (4, "date"), (7, "k"), (8, None)}
    assert places == expected
    assert all(str(problem) in str(error) for problem in error.problems)


@pytest.mark.parametrize("column", ["model", "task", "metric", "trials", "k", "length"])
def test_a_missing_column_is_one_problem(write, column):
    (problem,) = refusal(write(ROWS, header=[name for name in HEADER if name != column])).problems
    assert (problem.row, problem.column) == (None, column)
    assert "missing" in problem.wrong and "add it" in problem.remedy


@pytest.mark.parametrize(
    ("absent", "remedy"), [(("score", "successes"), "score"), (("compute", "params"), "params and tokens")]
)
def test_missing_alternatives_are_one_problem(write, absent, remedy):
    (problem,) = refusal(write(ROWS, header=[name for name in HEADER if name not in absent])).problems
    assert problem.row is None and problem.column == absent[0] and remedy in problem.remedy


def test_trials_are_not_needed_where_all_rows_are_losses(write):
    rows = [{**ROWS[4], "model": f"run {i}"} for i in range(3)]
    assert len(read_table(write(rows, header=["model", "task", "metric", "score", "compute"]))) == 3


def test_a_table_without_any_compute_is_one_problem(write):
    (problem,) = refusal(write([{**row, "compute": "", "params": ""} for row in ROWS])).problems
    assert problem.row is None and "no row of the table has compute" in problem.wrong
    assert "params and tokens" in problem.remedy


def test_params_or_tokens_are_filled_from_the_other_and_compute(write):
    sizes = [("1e21", "1e9", ""), ("1e22", "", "1e11"), ("", "1e9", "1e11"), ("1e23", "", ""), ("9e20", "1e9", "1e11")]
    cells = [dict(zip(("compute", "params", "tokens"), each, strict=True)) for each in sizes]
    frame = read_table(write([{**RATE, "model": f"run {i}", **each} for i, each in enumerate(cells)]))
    np.testing.assert_allclose(frame["tokens"], [1e21 / 6e9, 1e11, 1e11, np.nan, 1e11])
    np.testing.assert_allclose(frame["params"], [1e9, 1e22 / 6e11, 1e9, np.nan, 1e9])
    np.testing.assert_allclose(frame["compute"], [1e21, 1e22, 6e20, 1e23, 9e20])


def test_fewer_than_three_runs_are_refused(write):
    (problem,) = refusal(write(ROWS[3:] + ROWS[:1])).problems
    assert problem.row is None and "fewer than three runs with known compute: 2" in problem.wrong


def test_duplicated_columns_are_refused(write):
    text = csv_text(ROWS).replace("note", "Score ", 1)
    assert "row 1, column 'score': 2 columns are duplicates" in str(refusal(write(text)))


def test_ragged_rows_are_named_by_line(write):
    lines = csv_text(ROWS).splitlines()
    lines[2] += ",more"
    lines[4] = "huge,2D+"
    error = refusal(write("\n".join(lines)))
    assert [problem.row for problem in error.problems] == [3, 5]
    assert "21 fields, the header 20" in str(error) and "2 fields, the header 20" in str(error)
    assert "quote cells that hold commas" in str(error) and "add the missing commas" in str(error)


def test_ragged_rows_do_not_count_as_missing_runs(write):
    lines = csv_text(ROWS[:3]).splitlines()
    assert [problem.row for problem in refusal(write("\n".join([*lines[:3], lines[3] + ",x"]))).problems] == [4]


def test_an_open_quote_is_named_by_line(write):
    lines = csv_text(ROWS).splitlines()
    lines[3] = '"' + lines[3]
    assert "row 4: the row cannot be read as CSV" in str(refusal(write("\n".join(lines))))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["the file is empty", "give a header line"]),
        ("\n \n", ["the file is empty", "give a header line"]),
        (csv_text([]), ["a header but no rows", "add one row"]),
        (csv_text(ROWS).replace("large", "lar\0ge"), ["row 4", "NUL bytes", "CSV UTF-8"]),
        (csv_text(ROWS).replace("large", "модель").encode("cp1251"), ["row 4", "not UTF-8", "CSV UTF-8"]),
        (bytes(range(128, 256)) * 9, ["row 1", "not UTF-8"]),
        (b"PK\x03\x04rest", ["Excel workbook", "CSV UTF-8"]),
        (b"PAR1rest", ["is not a Parquet file", "write it again"]),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_remedy(write, content, words):
    path = write(content)
    with pytest.raises(ForecastError) as caught:
        read_table(path)
    assert all(word in str(caught.value) for word in [str(path), *words])


@pytest.mark.parametrize("content", [b"", b"model,task\n", b"PAR1 and then something else PAR1", b"PAR1" + bytes(99)])
def test_a_parquet_file_that_is_not_one_is_refused(write, content):
    with pytest.raises(ForecastError, match=r"is not a Parquet file .*; write it again"):
        read_table(write(content, name="table.parquet"))


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_missing_file_is_refused(tmp_path, name):
    with pytest.raises(ForecastError, match="no such file; check the path"):
        read_table(tmp_path / name)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(ForecastError, match="is a directory; give"):
        read_table(tmp_path)


def test_values_are_shown_on_one_short_line(write):
    error = refusal(write(with_cell(RATE_LINE, metric="a\n\x1b[31mb" + "c" * 1000)))
    assert "value 'a\\n\\x1b[31mbccc" in str(error)
    assert len(str(error).splitlines()) == 2 and len(str(error).splitlines()[1]) < 300
    assert len(error.problems[0].value) > 1000


def test_fifty_kinds_of_problems_are_listed_and_all_are_held():
    error = TableError("t.csv", [Problem(row=2, wrong="w" * n, remedy="r") for n in range(1, 121)])
    assert len(error.problems) == 120
    assert str(error).splitlines()[0] == "t.csv: 120 problems"
    assert len(str(error).splitlines()) == 52 and str(error).endswith("... and 70 more")


def test_a_table_error_survives_pickling():
    error = TableError("t.csv", [Problem(row=2, column="k", value="x", wrong="w", remedy="r")])
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) and copy.problems == error.problems


def test_rows_to_predict_need_neither_scores_nor_trials_nor_three_runs(write):
    header = ["model", "task", "metric", "compute"]
    frame = read_rows(write([ROWS[0]], header=header))
    arrays = observations(frame)
    assert frame["score"].isna().all() and frame["successes"].isna().all() and frame["trials"].isna().all()
    assert np.isnan(arrays.successes).all() and arrays.trials.item() == 0


def test_scores_of_rows_to_predict_are_ignored(write):
    frame = read_rows(write(with_cell(RATE_LINE, score="nonsense", successes="-3")))
    assert frame["score"].isna().all() and list(frame["trials"].dropna()) == [2000] * 5


@pytest.mark.parametrize(("column", "value"), [("compute", ""), ("metric", "bleu"), ("trials", "0"), ("date", "soon")])
def test_rows_to_predict_are_checked_otherwise(write, column, value):
    (problem,) = refusal(write(with_cell(RATE_LINE, **{column: value})), read_rows).problems
    assert (problem.row, problem.column, problem.value) == (RATE_LINE, column, value)


def test_the_indices_of_observations_decode_to_the_rows(write):
    frame = read_table(write(ROWS))
    arrays = observations(frame)
    assert sizes_of(arrays) == {"observation": 6, "run": 4, "task": 3, "law": 3, "family": 2}
    by_row = arrays.isel(run=arrays.run_index, task=arrays.task_index)
    assert list(by_row.run.values) == list(frame["model"])
    assert list(by_row.task_name.values) == list(frame["task"])
    assert list(arrays.law.values[by_row.law_index]) == list(frame["task"])  # one metric each
    assert list(by_row.metric.values) == list(frame["metric"])
    assert list(arrays.family.values[by_row.family_index]) == list(frame["family"])
    np.testing.assert_allclose(10**by_row.log10_compute, frame["compute"])
    np.testing.assert_array_equal(by_row.date, frame["date"])
    np.testing.assert_array_equal(arrays.observation, frame.index)


def test_losses_have_neither_successes_nor_trials(write):
    loss = observations(read_table(write(ROWS))).sel(observation=LOSS_LINE)
    assert np.isnan(loss.successes) and loss.trials == 0 and loss.score == 2.5


def test_a_task_with_several_metrics_or_k_is_several_labelled_tasks(write):
    more = [
        {**ROWS[5], "k": "3"},
        {**ROWS[5], "metric": "token_accuracy"},
        {**ROWS[0], "task": "copy [token_accuracy]"},
    ]
    arrays = observations(read_table(write(ROWS + more)))
    labels = list(arrays.task.values)
    assert labels[:5] == ["2D+", "validation", "copy [at_least_k 2]", "copy [at_least_k 3]", "copy [token_accuracy]"]
    assert len(set(labels)) == 6
    assert list(arrays.task_k.values[2:4]) == [2, 3] and list(arrays.task_name.values[2:5]) == ["copy"] * 3
    assert arrays.task_length.sel(task="copy [at_least_k 3]") == 4


def test_a_length_that_varies_within_a_task_is_averaged(write):
    rows = [{**row, "length": str(length)} for row, length in zip(ROWS[:4], [1, 2, 2, 1], strict=True)]
    arrays = observations(read_table(write(rows)))
    assert arrays.task_length.item() == 1.5 and list(arrays.length.values) == [1, 2, 2, 1]


def test_observations_can_be_stored_as_netcdf(write, tmp_path):
    arrays = observations(read_table(write([*ROWS, {**ROWS[2], "model": "通义 <b>\n"}])))
    arrays.to_netcdf(tmp_path / "arrays.nc")
    with xr.open_dataset(tmp_path / "arrays.nc") as stored:
        assert list(stored.run.values) == list(arrays.run.values)
        np.testing.assert_array_equal(stored.date.values, arrays.date.values)


def test_the_data_hash_is_that_of_the_data(write):
    digest = data_hash(read_table(write(ROWS)))
    assert digest == data_hash(read_table(write([{**row, "note": "other"} for row in ROWS])))
    assert digest == observations(read_table(write(ROWS))).attrs["data_hash"]
    changes = [with_cell(4, score="0.5005"), with_cell(4, model="x"), with_cell(4, date="2020-05-29"), ROWS[::-1]]
    assert len({digest, *(data_hash(read_table(write(rows))) for rows in changes)}) == 5


def test_the_data_hash_is_the_same_on_every_machine(write):
    header = ["model", "task", "metric", "score", "trials", "compute"]
    frame = read_table(write([{**ROWS[2], "model": f"m{i}", "score": "0.1"} for i in range(3)], header=header))
    assert data_hash(frame) == "2a415851486d9bc552ebf0fc9af68184dd9b90c5955844f321f86fa6d726b8e7"


def test_every_metric_is_accepted(write):
    rows = [{**ROWS[2], "model": metric, "metric": metric, "length": "3", "k": "2"} for metric in METRICS]
    assert list(read_table(write(rows))["metric"]) == list(METRICS)


def test_importing_the_errors_imports_no_pandas():
    code = "import sys, forecast.errors; assert not {'pandas', 'pydantic', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
