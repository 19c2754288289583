"""Limits: files that would take minutes or all memory are refused in seconds, within the memory that README states.

Each is read by a process of its own, which may have 3 GB of address space and 30 seconds of one processor.
"""

import contextlib
import csv
import io
import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from forecast.errors import ForecastError
from forecast.files import LARGEST
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices
from forecast.table.importers.formats import format_named
from forecast.table.importers.results.inspect_log import zipfile as logs
from forecast.table.importers.sources import json_lines
from forecast.table.reading.cells import MOST_ROWS

MEMORY, SECONDS = 3 * 2**30, 30
HEADER = b"model,task,metric,score,trials,compute\n"
READ = """
import sys
from pathlib import Path
from forecast.errors import ForecastError
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices
from forecast.table.importers.formats import format_named
from forecast.table.importers.results.inspect_log import zipfile as logs
from forecast.table.importers.sources import json_lines
path, format = Path(sys.argv[1]), sys.argv[2]
try:
    read_table(path) if format == "table" else format_named(format).read(path, Choices())
except ForecastError as error:
    sys.exit(f"refused: {error}")
print("read")
"""


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def read(path, format="table"):
    """What a process of limited means answers to a file: its message, or 'read'."""
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", READ, str(path), format]
    done = subprocess.run(
        command, preexec_fn=limited, capture_output=True, text=True, env=one | {"PYTHONPATH": ":".join(sys.path)}
    )
    assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr[-2000:]
    return done.stderr.removeprefix("refused: ") or done.stdout


def repeated(start, part, size, end=b""):
    """Content of about so many bytes: a part over and over."""
    return start + part * ((size - len(start) - len(end)) // len(part)) + end


def workbook(change):
    """A small workbook whose parts `change(name, content)` may replace."""
    openpyxl = pytest.importorskip("openpyxl")
    book, made, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in (["model", "task"], ["small", "sums"]):
        book.active.append(row)
    book.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return packed.getvalue()


def in_sheet(old, new):
    return workbook(lambda name, content: content.replace(old, new) if name.endswith("sheet1.xml") else content)


def billion_laughs():
    entities = b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 11))
    kind = b'<!DOCTYPE sst [<!ENTITY a0 "ha">' + entities + b"]><sst"

    def change(name, content):
        return content.replace(b"<sst", kind, 1).replace(b"model", b"&a9;") if name.endswith("Strings.xml") else content

    return workbook(change)


def packed_rows(rows, text, score):
    """Parquet of the same row many times over, which takes a few bytes."""
    of_text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    file = io.BytesIO()
    parquet.write_table(pa.table({"model": of_text, "score": pa.array([score] * rows)}), file)
    return file.getvalue()


def archive(method):
    """A log of Inspect whose header unpacks to a hundred times more than is read."""
    file = io.BytesIO()
    with logs.ZipFile(file, "w", method) as target, target.open("header.json", "w", force_zip64=True) as header:
        for _ in range(3):
            header.write(b" " * (LARGEST // 2))
    return file.getvalue()


SMALL = {  # name of a file: content, and what is said of it
    "deep.json": (lambda: b"[" * 10**6, "nested too deeply"),
    "deep_cell.json": (lambda: b'[{"model":' + b"[" * 9000 + b"]" * 9000 + b"}]", "objects hold others"),
    "keys.json": (lambda: json.dumps([{f"key {i}": 1} for i in range(10**5)]).encode(), "cells"),
    "digits.json": (lambda: b'[{"model": ' + b"9" * 10**6 + b"}]", "column is missing"),
    "number.csv": (lambda: HEADER + b"small,sums,exact_match,%s,10,1e20\n" % (b"1" * 10**5 + b"x"), "not a number"),
    "date.csv": (lambda: b"model,date\nsmall,may 1%sx\n" % (b" " * 10**5), "date"),
    "size.csv": (lambda: HEADER + b"small,sums,exact_match,0.5,10,%sx\n" % (b"1." * 60000), "not a number"),
    "cell.csv": (lambda: HEADER + b"a" * 10**6, "field larger than"),
    "packed.csv": (lambda: b"\x1f\x8b" + b"\0" * 1000, "unpack it first"),
    "far_cell.xlsx": (
        lambda: in_sheet(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
        "column is missing",
    ),
    "size_of_sheet.xlsx": (lambda: in_sheet(b"A1:B2", b"A1:XFD1048576"), "column is missing"),
    "wide_rows.xlsx": (
        lambda: in_sheet(
            b"</sheetData>",
            b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (i, i) for i in range(3, 10**4))
            + b"</sheetData>",
        ),
        "cells",
    ),
    "spaces.xlsx": (lambda: in_sheet(b"</sheetData>", b" " * (LARGEST + 1) + b"</sheetData>"), "unpacks to more"),
    "laughs.xlsx": (billion_laughs, ""),
    "rows.parquet": (lambda: packed_rows(10**7, "small", 0.5), "rows"),
    "text.parquet": (lambda: packed_rows(10**5, "a" * 10**5, 0.5), "of text"),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_file_that_grows_is_refused_in_seconds(tmp_path, name):
    content, said = SMALL[name]
    path = tmp_path / name
    path.write_bytes(content())
    assert path.stat().st_size < 3 * 10**6
    assert said in read(path)


@pytest.mark.parametrize("method", ["ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA", "ZIP_ZSTANDARD"])
def test_an_archive_that_grows_is_refused_in_seconds(tmp_path, method):
    path = tmp_path / "log.eval"
    path.write_bytes(archive(getattr(logs, method)))
    assert path.stat().st_size < 10**6 and "unpacks to more than 200 MB" in read(path, "inspect")


LONG = 20_000  # characters
LONG_TEXTS = {
    "digits": "1" * LONG + "x",
    "points": "1." * (LONG // 2) + "x",
    "thousands": "1" + ",111" * (LONG // 4) + "x",
    "date": "may 1" + " " * LONG + "x",
    "spaces": "x" + " " * LONG + "x",
    "dashes": "-" * LONG + "x",
    "bars": "_" * LONG + "pass",
    "quotes": "'" * LONG,
    "slashes": "/" * LONG,
    "letters": "aB" * (LONG // 2),
}
COLUMNS = ["model", "task", "metric", "score", "trials", "k", "chance", "compute", "params", "tokens", "family", "date"]
CELLS = ["m", "t", "exact_match", "0.5", "10", "", "0", "1e20", "", "", "f", "2024-01-01"]


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=list(LONG_TEXTS))
def test_a_long_text_takes_no_more_than_its_time(tmp_path, text):
    """Of some patterns the square of it: five seconds and more for one such cell."""
    path = tmp_path / "table.csv"
    attempts = [([*COLUMNS], [*CELLS[:at], text, *CELLS[at + 1 :]], "table") for at in range(len(COLUMNS))]
    wide = ["model", "compute", "sums", "quiz"], ["m", "1e20", "0.5", "0.1"]
    for format in ("wide", "long", "opencompass"):
        attempts += [(wide[0], [*wide[1][:at], text, *wide[1][at + 1 :]], format) for at in (0, 1, 3)]
        attempts.append(([*wide[0][:3], text], wide[1], format))
    for header, row, format in attempts:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, row, *([f"m{i}", *row[1:]] for i in range(2))])
        begin = time.perf_counter()
        with contextlib.suppress(ForecastError):
            read_table(path) if format == "table" else format_named(format).read(path, Choices())
        assert time.perf_counter() - begin < 2, (header, format)


LARGE = {  # content up to the largest size, and what is said of it
    "ten_million_rows.csv": (lambda: HEADER + b"small,sums,exact_match,0.5,10,1e20\n" * 10**7, "200 MB"),
    "rows.csv": (lambda: repeated(HEADER, b"small,sums,exact_match,0.5,10,1e20\n", LARGEST), "200,000 rows"),
    "commas.csv": (lambda: b"," * LARGEST, "10,000,000 characters"),
    "record.csv": (lambda: repeated(b"", b'"a\n",', LARGEST), "10,000,000 characters"),
    "objects.json": (lambda: repeated(b"[", b"{},", LARGEST, b"{}]"), "values"),
    "lines.jsonl": (lambda: repeated(b"", b'{"model":"a","score":0.1}\n', LARGEST), "200,000 rows"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_the_largest_files_are_refused_in_seconds(tmp_path, name):
    content, said = LARGE[name]
    path = tmp_path / name
    path.write_bytes(content())
    begin = time.perf_counter()
    assert said in read(path)
    assert time.perf_counter() - begin < SECONDS


def test_ten_million_rows_are_refused_at_once(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("wb") as file:
        file.write(HEADER)
        for _ in range(100):
            file.write(b"small,sums,exact_match,0.5,10,1e20\n" * 10**5)
    assert "200 MB" in read(path) and "one row for each measurement with its count of items" in read(path)


def test_a_file_without_an_end_is_refused():
    assert "200 MB" in read("/dev/zero")


def test_one_row_more_than_can_be_fitted_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"model,task\n" + b"a,b\n" * (MOST_ROWS + 1))
    assert "one row with their number as trials" in read(path)


def test_a_line_of_samples_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr("forecast.table.importers.sources.LARGEST", 10**6)  # in place of 200 MB
    with pytest.raises(ForecastError, match="line 1 has more than"):
        list(json_lines(Path("/dev/zero")))
