"""OpenCompass: summaries with a row for each task and metric, and a column of percentages for each model.

``dataset,version,metric,mode,toy-1b,toy-7b``; a ``.txt`` has the same among other layouts, below 'csv format'. The
version is that of the prompt; averages of tasks have none.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import contents
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import Found, LeftOut, Measurement, files, source_of, words
from forecast.table.importers.rates import CHOICE, EXACT, Meaning, known_rate, measured
from forecast.table.importers.sources import OtherFile, each_read, number_of
from forecast.table.reading.files import read_cells

BESIDE = ("dataset", "version", "metric", "mode", "subset")  # columns that are no models
AVERAGES = ("naive_average", "weighted_average", "harmonic_mean", "standard_deviation", "sum")
MISSING = ("", "-", "nan", "none")
OFFERED = ("ppl", "ll", "mixed")  # modes in which the likeliest of given answers is the model's
STRICT = re.compile(r"(prompt[-_]level[-_]strict[-_]accuracy|accuracy \(.*\))", re.IGNORECASE)
CSV = re.compile(r"^csv format\s*\n\^+\s*\n(?P<table>.*?)\n\$+", re.MULTILINE | re.DOTALL)


def read(path: Path, choices: Choices) -> Found:
    """All scores of a summary, or of all ``summary*.csv`` and ``.txt`` below a folder; of two alike the CSV."""
    below = files(path, ("summary*.csv", "summary*.txt"))
    below = [file for file in below if file.suffix != ".txt" or file.with_suffix(".csv") not in below]
    left_out: list[LeftOut] = []
    each = [
        found
        for file, table in each_read(path, below, _table, left_out)
        for found in _rows(table, source_of(file), choices)
    ]
    left_out += [one for one in each if isinstance(one, LeftOut)]
    measurements = tuple(one for one in each if isinstance(one, Measurement))
    return Found(measurements=measurements, left_out=tuple(dict.fromkeys(left_out)))


def _table(file: Path) -> pd.DataFrame:
    table = _of_text(file) if file.suffix.lower() == ".txt" else read_cells(file)
    if not {"dataset", "metric"} <= set(table.columns):
        has = ", ".join(map(shown, map(str, table.columns[:10])))
        raise OtherFile(f"{shown_path(file)}: is no summary of OpenCompass: needs dataset and metric, has {has}")
    if repeated := list(table.columns[table.columns.duplicated()]):
        raise ForecastError(f"{shown_path(file)}: two columns are named {shown(str(repeated[0]))}; rename one")
    return table


def _of_text(file: Path) -> pd.DataFrame:
    """The rows below 'csv format' that fit their header."""
    try:
        text = contents(file).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ForecastError(f"{shown_path(file)}: cannot be read as UTF-8 text; give the summary as .csv") from None
    part = CSV.search(text)
    header, *rows = list(csv.reader(part["table"].splitlines() if part else [])) or [[]]
    return pd.DataFrame([row for row in rows if len(row) == len(header)], columns=pd.Index(header, dtype=object))


def _rows(table: pd.DataFrame, source: str, choices: Choices) -> Iterator[Measurement | LeftOut]:
    models = [name for name in table.columns if name not in BESIDE]
    for row in table.astype(str).to_dict("records"):
        said = {name: words(row.get(name, "")) for name in BESIDE}
        task = " ".join(filter(None, (said["dataset"], said["subset"])))
        given = {model: row[model].strip() for model in models if row[model].strip().casefold() not in MISSING}
        if not given:
            continue
        average = said["metric"] in AVERAGES or said["version"] in ("-", "")
        if average and not (choices.tasks and choices.wants(task)):
            why = "is an average of other tasks; name it in --tasks to have it"
            yield LeftOut(what=f"{task}: {said['metric']}", why=why, task=task)
            continue
        for model, cell in given.items():
            percent = number_of(cell.rstrip(" %"))
            yield measured(
                said["metric"],
                cell if percent is None else round(percent / 100, 15),
                choices,
                meaning=_meaning(said, average=average),
                told=said["mode"] in OFFERED,
                task=task,
                variant="" if average else said["version"],
                model=words(model),
                source=source,
            )


def _meaning(said: dict[str, str], *, average: bool) -> Meaning | None:
    native = said["metric"]
    known = known_rate(native) or ((EXACT, 1, None) if STRICT.fullmatch(native) else None)
    if known is None and average and native in AVERAGES[:2]:
        known = (EXACT, 2, None)
    return (CHOICE, known[1], None) if known is not None and said["mode"] in OFFERED else known
