"""Fuzzing of importers and readers of tables: changed files give a table or a known error, and nothing half-written.

The default suite runs a few hundred examples, always the same; FUZZ=10000 runs that many new ones in all.
"""

import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import ForecastError
from forecast.table.dataset import read_rows, read_table
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.formats import FORMATS
from forecast.table.importers.importing import import_results
from forecast.table.importers.models_table import read_facts
from forecast.table.training_runs import read_runs
from tests.hostile.examples import examples
from tests.table.importers.mutations import changed_table, damaged
from tests.table.importers.seeds import SEEDS, SIZES, Lines, Rows, content

KNOWN = [seed for seed in SEEDS if seed.format in FORMATS]
MODELS = Rows([["model", "compute", "date"], *([model, f"{flop:g}", "2024-01-02"] for model, flop in SIZES.items())])
TABLE = Rows(
    [
        ["model", "task", "metric", "score", "trials", "chance", "params", "tokens", "date", "family"],
        *(
            [model, task, "exact_match", f"{i / 5}", "90", "0", "1e9", f"2e1{i}", f"2024-01-0{i + 1}", "weir"]
            for i, model in enumerate(SIZES)
            for task in ("sums", "quiz")
        ),
    ]
)


def refusal(made):
    """The text of the known error; blank where there is none. Any other error is a bug and passes."""
    try:
        made()
    except ForecastError as error:
        return str(error).strip() or "an error without a word"
    return ""


def import_of(seed, rng, folder):
    """Import of a seed with one of its files changed; True where that wrote a table, which must be readable."""
    target = rng.choice(sorted(seed.files)) if rng is not None else None
    results, out = folder / "results", folder / "out"
    out.mkdir()
    for name, file in seed.files.items():
        path = results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(file, rng if name == target else None))
    (folder / "models.csv").write_bytes(content(MODELS, rng if rng is not None and rng.random() < 0.1 else None))
    named = {name: PerTask(option=f"--{name}", general=value) for name, value in seed.choices.items()}
    given_file = seed.path or (target if rng is not None and rng.random() < 0.3 else "")
    sized = seed.format in ("wide", "long", "epoch", "metr-runs", "metr-horizons")
    output = out / (rng.choice(("t.csv", "t.parquet")) if rng is not None else "t.csv")
    models = None if sized else folder / "models.csv"
    refused = refusal(
        lambda: import_results(seed.format, results / given_file, output, choices=Choices(**named), models=models)
    )
    assert list(out.iterdir()) == ([] if refused else [output])  # whole or not at all
    assert refused or len(read_table(output))
    return not refused


@pytest.mark.parametrize("seed", KNOWN, ids=lambda seed: f"{seed.format}-{next(iter(seed.files))}")
def test_a_seed_itself_is_imported(seed, tmp_path):
    assert import_of(seed, None, tmp_path)


def test_every_format_has_a_seed():
    assert {seed.format for seed in SEEDS} >= set(FORMATS)


@examples(200)
@given(st.sampled_from(KNOWN), st.randoms(use_true_random=True))
def test_a_changed_result_file_gives_a_table_or_a_known_error(seed, rng):
    with tempfile.TemporaryDirectory() as folder:
        import_of(seed, rng, Path(folder))


def parquet(rows, rng):
    """The bytes of a Parquet file of these rows, whose columns are text or, at times, of a kind of their own."""
    width = max(map(len, rows), default=1)
    cells = [[*row, *[""] * (width - len(row))] for row in rows] or [["model"]]
    buffer = io.BytesIO()
    try:
        frame = pd.DataFrame(cells[1:], columns=cells[0], dtype=object)
        frame = frame.loc[:, ~frame.columns.duplicated()]
        if rng.random() < 0.3 and frame.shape[1]:
            odd = [[1, 2], {"a": 1}, b"x", True, pd.Timestamp("2024-01-01")][rng.randrange(5)]
            frame[frame.columns[rng.randrange(frame.shape[1])]] = pd.Series([odd] * len(frame), dtype=object)
        frame.to_parquet(buffer, index=False)
    except (ValueError, UnicodeEncodeError):  # names and cells that Parquet cannot hold
        return b"PAR1"
    return buffer.getvalue()


def workbook(rows):
    """The bytes of an Excel workbook of these rows."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        try:
            book.active.append([float(cell) if cell.replace(".", "").isdecimal() else cell for cell in row])
        except (ValueError, openpyxl.utils.exceptions.IllegalCharacterError):  # characters that Excel cannot hold
            continue
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def table_of(kind, rng):
    """The bytes of a changed table of a kind of file."""
    table = MODELS if rng.random() < 0.2 else TABLE
    if kind == ".csv":
        return content(table, rng)
    header, *rows = table.rows
    records = [dict(zip(header, row, strict=True)) for row in rows]
    if kind == ".json":
        return content(records, rng)
    if kind == ".jsonl":
        return content(Lines(records), rng)
    changed = table.rows
    for _ in range(rng.randrange(4)):
        changed = changed_table(changed, rng)
    made = parquet(changed, rng) if kind == ".parquet" else workbook(changed)
    return damaged(made, rng) if rng.random() < 0.3 else made


@examples(100)
@given(st.sampled_from((".csv", ".json", ".jsonl", ".parquet", ".xlsx")), st.randoms(use_true_random=True))
def test_a_changed_table_is_read_or_refused_with_a_known_error(kind, rng):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{kind}"
        path.write_bytes(table_of(kind, rng))
        read = rng.choice((read_table, read_table, read_rows, read_facts, read_runs))
        assert refusal(lambda: read(path)) != "an error without a word"
