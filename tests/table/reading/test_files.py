"""Files of every kind: one small table in each, read as the same cells."""

import datetime
import json
import sys

import openpyxl
import pandas as pd
import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.importers.formats import FORMATS
from forecast.table.reading.files import read_cells
from forecast.table.reading.structured import RESULTS

ROWS = [("mi-1", "0.25", "1000"), ("mi-2", "0.5", "2000")]
RECORDS = [{"model": name, "score": float(score), "trials": int(trials)} for name, score, trials in ROWS]
TEXT = "model,score,trials\n" + "".join(f"{','.join(row)}\n" for row in ROWS)


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def cells(path):
    frame = read_cells(path)
    return [tuple(map(str, row)) for row in frame.to_numpy()], list(frame.columns), list(frame.index)


FILES = {  # name: content, and lines of the two rows
    "comma.csv": (TEXT, [2, 3]),
    "semicolon.csv": (TEXT.replace(",", ";"), [2, 3]),
    "tab.tsv": (TEXT.replace(",", "\t"), [2, 3]),
    "bar.txt": (TEXT.replace(",", "|"), [2, 3]),
    "markdown.md": ("| model | score | trials |\n|:--|--:|---|\n|mi-1|0.25|1000|\n|mi-2|0.5|2000|\n", [3, 4]),
    "excel.csv": ("sep=;\n" + TEXT.replace(",", ";"), [3, 4]),
    "decimal.csv": (TEXT.replace(",", ";").replace(".", ","), [2, 3]),
    "mark.csv": ("\ufeff" + TEXT, [2, 3]),
    "utf16.csv": (TEXT.encode("utf-16"), [2, 3]),
    "utf16.tsv": (b"\xfe\xff" + TEXT.replace(",", "\t").encode("utf-16-be"), [2, 3]),
    "trailing.csv": (TEXT.replace("1000", "1000,").replace("2000", "2000,"), [2, 3]),
    "array.json": (json.dumps(RECORDS), [2, 3]),
    "array.csv": (json.dumps(RECORDS, indent=1), [2, 3]),
    "lines.jsonl": ("\n".join(map(json.dumps, RECORDS)), [1, 2]),
    "gap.jsonl": ("\n\n".join(map(json.dumps, RECORDS)), [1, 3]),
    "inside.json": (json.dumps({"version": 3, "rows": RECORDS}), [2, 3]),
    "columns.json": (json.dumps({name: [each[name] for each in RECORDS] for name in RECORDS[0]}), [2, 3]),
    "pandas.json": (pd.DataFrame(RECORDS).to_json(), [2, 3]),
    "split.json": (pd.DataFrame(RECORDS).to_json(orient="split"), [2, 3]),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_holds_the_same_cells(write, name):
    content, lines = FILES[name]
    rows, columns, index = cells(write(content, name))
    assert columns == ["model", "score", "trials"] and index == lines
    assert [tuple(cell.strip() for cell in row) for row in rows] == ROWS


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_a_parquet_file_is_known_by_its_content(write, tmp_path, name):
    pd.DataFrame(RECORDS).to_parquet(tmp_path / "source.parquet")
    rows, _, index = cells(write((tmp_path / "source.parquet").read_bytes(), name))
    assert rows == ROWS and index == [2, 3]


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_from_its_header_on(tmp_path, caplog):
    body = [[name, float(score), int(trials), datetime.date(2023, 5, 1)] for name, score, trials in ROWS]
    header = ["Model", "Score", "Trials", "Date"]
    path = workbook(tmp_path / "t.xlsx", {"notes": [["see below"]], "data": [["Table 3"], [], header, *body]})
    rows, columns, index = cells(path)
    assert columns == ["model", "score", "trials", "date"] and index == [4, 5]
    assert rows == [(*row, "2023-05-01") for row in ROWS] and not caplog.messages


def test_the_sheet_that_is_read_is_named_where_there_are_several(tmp_path, caplog):
    rows = [["model", "score"], ["mi-1", 0.5]]
    assert cells(workbook(tmp_path / "t.xlsx", {"a": rows, "b": rows}))[0] == [("mi-1", "0.5")]
    assert "sheet 'a'" in caplog.text and "not 'b'" in caplog.text


def test_a_workbook_without_openpyxl_says_what_to_install(tmp_path, monkeypatch):
    path = workbook(tmp_path / "t.xlsx", {"a": [["model", "score"], ["mi-1", 0.5]]})
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ForecastError, match=r"python3 -m pip install openpyxl"):
        read_cells(path)


@pytest.mark.parametrize("cut", [400, 1500])
def test_a_broken_workbook_is_a_known_error(tmp_path, cut):
    path = workbook(tmp_path / "t.xlsx", {"a": [["model", "score"], ["mi-1", 0.5]]})
    content = path.read_bytes()
    path.write_bytes(content[:cut] + bytes(100) + content[cut + 100 :])
    with pytest.raises(ForecastError, match="workbook"):
        read_cells(path)


@pytest.mark.parametrize("content", [b"hello\n", b"model,task\nmi-1,sums\n", b"", bytes(range(128, 256))])
def test_a_file_that_only_bears_the_suffix_of_a_workbook_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "fake.xlsx"
    path.write_bytes(content)
    with pytest.raises(
        ForecastError, match=r"fake\.xlsx: is no Excel workbook, .*; save it as one, or give CSV another"
    ):
        read_cells(path)


def test_decimal_commas_are_decided_column_by_column(write):
    rows, _, _ = cells(write("model;a;b;c\nx;0,53;7,5B;1.234,5\ny;1,25 %;8B;2,0\n"))
    assert rows == [("x", "0.53", "7.5B", "1234.5"), ("y", "1.25 %", "8B", "2.0")]


def test_commas_that_may_stand_before_thousands_follow_the_rest_of_the_file(write):
    assert cells(write("model;n;p\nx;1,234;0.5\ny;2,000;0.25\n"))[0][0] == ("x", "1,234", "0.5")
    assert cells(write("model;n;p\nx;1,234;0,5\ny;2,000;0,25\n"))[0][0] == ("x", "1.234", "0.5")
    assert cells(write("model;n\nx;1,234\ny;2,000\n"))[0][0] == ("x", "1,234")


def test_a_header_with_commas_does_not_make_them_the_separator(write):
    assert cells(write("model;sums, easy;sums, hard\nx;0,5;0,1\n"))[1] == ["model", "sums, easy", "sums, hard"]


def test_western_text_of_one_byte_a_letter_is_read_and_said(write, caplog):
    assert cells(write("model,score\nModèle – 1,0.5\n".encode("cp1252")))[0][0][0] == "Modèle – 1"
    assert "read as Windows-1252, as in 'Modèle'" in caplog.text


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "gbk", "koi8-r"])
def test_other_text_that_is_not_utf_8_is_refused(write, encoding):
    text = "model,score\n" + ("Модель" if encoding in ("cp1251", "koi8-r") else "模型日本") + ",0.5\n"
    with pytest.raises(TableError, match=r"row 2.*is not UTF-8; save the table as CSV UTF-8"):
        read_cells(write(text.encode(encoding)))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"results": {"sums": {}}, "versions": {}}, "`forecast import lm-eval "),
        ({"version": 2, "eval": {"task": "t"}, "plan": {}}, "`forecast import inspect "),
        ([{"name": {"name": "em"}, "count": 1, "sum": 1.0, "mean": 1.0}], "`forecast import helm /"),
        ({"settings": {"a": 1}, "scores": {"b": [1, 2]}}, "keys 'settings', 'scores'"),
        ([1, 2], "holds no objects"),
        ({}, "no table"),
    ],
)
def test_json_that_is_no_table_says_which_import_reads_it_or_what_it_holds(write, document, said):
    with pytest.raises(ForecastError, match=r"is JSON") as caught:
        read_cells(write(json.dumps(document), "x.json"))
    assert said in str(caught.value)


@pytest.mark.parametrize("format", sorted({format for _, format in RESULTS}))
def test_every_import_that_is_proposed_exists(format):
    assert format in FORMATS


@pytest.mark.parametrize("content", ['{"model": "a", ', "[1, 2", '{"model": "a"}\n{"model": '])
def test_broken_json_is_a_known_error(write, content):
    with pytest.raises(ForecastError, match="begins as JSON but is not"):
        read_cells(write(content, "x.json"))


def test_half_a_pair_of_surrogates_is_written_out(write):
    content = '[{"model": "a\\ud800", "\\udfff": 1, "score": 2}]'
    assert cells(write(content))[:2] == ([("a\\ud800", "1", "2")], ["model", "\\udfff", "score"])


def test_objects_may_hold_more_where_they_name_a_model(write):
    content = json.dumps([{"model": "mi-1", "score": 0.5, "config": {"shots": [1, 2]}}])
    assert cells(write(content))[0] == [("mi-1", "0.5", '{"shots": ["1", "2"]}')]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08rest", "gzip-compressed, no table; unpack it first"),
        (b"%PDF-1.7", "a PDF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"PK\x03\x04rest", "a zip archive"),
    ],
)
def test_what_is_no_table_is_named(write, content, said):
    with pytest.raises(ForecastError, match=said):
        read_cells(write(content))


def test_rows_that_do_not_fit_name_what_separates_them(write):
    with pytest.raises(
        TableError, match=r"row 3, value 'b;1;2': the row has 3 fields.*quote cells that hold semicolons"
    ):
        read_cells(write("model;score\na;1\nb;1;2\nc;3\n"))


def test_a_lone_hard_space_of_windows_is_read(tmp_path, caplog):
    path = tmp_path / "t.csv"
    path.write_bytes(b"model,score\nowl\xa0,0.5\n")
    assert len(read_cells(path)) == 1 and "is read as Windows-1252" in caplog.text
