"""Epoch AI: a CSV for each benchmark, or one with a column of benchmarks, with date and compute of each model.

``Model version,mean_score,Release date,Organization,Training compute (FLOP),stderr``; the benchmark's name is that of
the file where no column has it. The organisation is no family: its models do not share a recipe.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from forecast.errors import shown, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import Found, LeftOut, Measurement, files, source_of, words
from forecast.table.importers.models_table import CONFIDENCE, WITHIN_90
from forecast.table.importers.rates import CHOICE, EXACT, measured
from forecast.table.importers.selection import trials_of_error, with_trials_of_others
from forecast.table.importers.sources import OtherFile, each_read, facts_frame, number_of, size
from forecast.table.reading.files import read_cells

COLUMNS = {  # ours: theirs, of which the first that a file has is taken
    "model": ("model version", "model", "model name", "name", "display name"),
    "task": ("task", "benchmark", "benchmark name"),
    "score": (
        *("mean_score", "best score (across scorers)", "score", "em", "accuracy", "accuracy mean", "percent correct"),
        *("% resolved", "overall accuracy", "overall pass (%)", "average", "performance"),
    ),
    "error": ("stderr", "standard error", "se"),
    "trials": ("trials", "n", "items", "samples"),
    "chance": ("chance",),
    "date": ("release date", "publication date", "date"),
    "compute": ("training compute (flop)", "compute"),
    "confidence": ("training compute confidence", "compute confidence", "confidence"),
    "params": ("parameters", "params"),
    "tokens": ("training dataset size (datapoints)", "tokens"),
}
MISSING = ("", "-", "nan", "na", "n/a", "none", "null")


def read(path: Path, choices: Choices) -> Found:
    """All scores of a file, or of all ``*.csv`` below a folder, with what they say of the models."""
    left_out: list[LeftOut] = []
    tables = dict(each_read(path, files(path, ("*.csv",)), lambda file: _table(file, choices), left_out))
    each = [found for file, table in tables.items() for found in _rows(table, file, choices)]
    left_out += [one for one in each if isinstance(one, LeftOut)]
    return Found(
        measurements=tuple(with_trials_of_others(one for one in each if isinstance(one, Measurement))),
        left_out=tuple(dict.fromkeys(left_out)),
        facts=facts_frame((row["model"], _facts(row)) for table in tables.values() for row in _records(table)),
    )


def _table(file: Path, choices: Choices) -> pd.DataFrame:
    """The columns of `COLUMNS` that the file has, by our names; the column of the scores is in `attrs`."""
    frame = read_cells(file)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    theirs = {str(name).strip().casefold(): name for name in reversed(frame.columns)}
    asked = choices.metric.named_for(file.stem) or choices.metric.general
    named = {"score": (*([asked.casefold()] if asked else []), *COLUMNS["score"])}
    known = {
        ours: next((theirs[each] for each in names if each in theirs), None)
        for ours, names in (COLUMNS | named).items()
    }
    if known["model"] is None or known["score"] is None:
        missing = (
            "model ('Model version')" if known["model"] is None else "scores ('mean_score'); name it with --metric"
        )
        has = ", ".join(map(shown, map(str, frame.columns[:10])))
        raise OtherFile(f"{shown_path(file)}: has no column of {missing}; it has {has}")
    table = pd.DataFrame({ours: frame[name].astype(str) for ours, name in known.items() if name is not None})
    table.attrs["score"] = str(known["score"])
    return table


def _records(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """The rows as text, blank where nothing is known, with their line."""
    for line, row in table.to_dict("index").items():
        cells = {name: words(cell) for name, cell in row.items()}
        cells = {name: "" if cell.casefold() in MISSING else cell for name, cell in cells.items()}
        if cells["model"]:
            yield {name: cells.get(name, "") for name in COLUMNS} | {"line": str(line)}


def _rows(table: pd.DataFrame, file: Path, choices: Choices) -> Iterator[Measurement | LeftOut]:
    native = words(table.attrs["score"])
    rows = [row for row in _records(table) if row["score"]]
    scale = 0.01 if "%" in native or _is_percent(rows) else 1.0
    for row in rows:
        score, error = number_of(row["score"].rstrip(" %")), number_of(row["error"].rstrip(" %"))
        chance, trials = number_of(row["chance"]), number_of(row["trials"])
        rate = None if score is None else round(score * scale, 15)
        of_error = trials_of_error(rate, error * scale) if rate is not None and error is not None else None
        yield measured(
            native,
            row["score"] if rate is None else rate,
            choices,
            meaning=(EXACT if not chance else CHOICE, 0, None),
            told=bool(chance),
            task=row["task"] or words(file.stem),
            trials=int(trials) if trials is not None and 1 <= trials < 1e15 and trials == int(trials) else of_error,
            chance=chance if chance is not None and 0 < chance < 1 else None,
            model=row["model"],
            source=f"{source_of(file)}, row {row['line']}",
        )


def _is_percent(rows: list[dict[str, str]]) -> bool:
    """Whether most scores are above what a rate can be, and none above 100; a few rates among them stay no rates."""
    scores = [score for row in rows if (score := number_of(row["score"].rstrip(" %")))]
    return bool(scores) and sorted(scores)[len(scores) // 2] > 1 and max(scores) <= 100


def _facts(row: Mapping[str, str]) -> dict[str, str]:
    factor = CONFIDENCE.get(row["confidence"].casefold())
    sizes = {name: size(number_of(row[name])) for name in ("compute", "params", "tokens")}
    of_confidence = f"{math.log10(factor) / WITHIN_90:.3f}" if factor and sizes["compute"] else ""
    return {**sizes, "compute_sd": of_confidence, "date": row["date"]}
