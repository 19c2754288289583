"""Training runs with date and compute: the user's, Epoch's or the built-in ones."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from forecast.errors import Problem, TableError
from forecast.table.checks.columns import COLUMN_CHECKS
from forecast.table.reading.cells import cells_of
from forecast.table.reading.sheet import Sheet, read_sheet, texts
from forecast.table.reading.sizes import check_sizes, sizes_of

ROLES = ("model", "date", "compute")
DOMAIN, OTHER = "Domain", "Games"  # of Epoch's rows, left out: self-play trains no model that could be asked a question
GUESSED = (
    ("Confidence", "confidence"),
    "speculative",
)  # Epoch's column and ours, and its word for computes not published
BUILT_IN = Path(__file__).with_name("frontier_runs.csv")


def read_runs(path: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Runs of a table with columns of model, date and compute, such as Epoch's, by date; None: the built-in ones.

    Of Epoch's rows those whose only domain is games are left out, as they are of the built-in runs: AlphaGo Zero had
    the compute of GPT-3 three years before it, and says nothing of when a model that answers questions has it. Rows
    in which date or compute is blank are left out too, as Epoch has many. `speculative` is whether the compute is a
    guess, as Epoch's column of confidence says.

    Raises
    ------
    TableError
        with all columns that are missing, or all cells that cannot be used.
    ForecastError
        if the file cannot be read at all.
    """
    sheet = read_sheet(Path(BUILT_IN if path is None else path), ROLES)
    if missing := [role for role in ROLES if role not in sheet.columns]:
        remedy = "give columns of model, date and compute, such as Epoch's"
        raise TableError(
            sheet.path, [Problem(column=name, wrong="the column is missing", remedy=remedy) for name in missing]
        )
    check_sizes(sheet)
    frame = pd.DataFrame(
        {"model": sheet.text("model"), "date": sheet.text("date"), "compute": sizes_of(sheet, "compute")}
    )
    cells = cells_of(frame[_asks(sheet.frame)], scored=False)
    known = ~(cells.blank["date"] | cells.blank["compute"])
    found = [problem for check in COLUMN_CHECKS for problem in check(cells) if problem.column in ("date", "compute")]
    if problems := [_mended(problem, sheet) for problem in found if known[problem.row]]:
        raise TableError(sheet.path, sorted(problems, key=lambda problem: problem.row or 0))
    runs = pd.DataFrame({"model": cells.text["model"], "date": cells.date, "compute": cells.number["compute"]})
    runs["speculative"] = _guessed(sheet.frame).reindex(runs.index, fill_value=False)
    return runs[known].sort_values("date", kind="stable", ignore_index=True)


def _guessed(frame: pd.DataFrame) -> pd.Series:
    """Which computes nobody has published: Epoch's word for them in its column of confidence, or ours."""
    names, word = GUESSED
    said = next((texts(frame, name) for name in names if name in frame), pd.Series("", index=frame.index))
    return said.str.lower() == word


def _asks(frame: pd.DataFrame) -> pd.Series:
    """Which rows are of models that could be asked a question: not those of Epoch whose only domain is games."""
    return texts(frame, DOMAIN) != OTHER if DOMAIN in frame else pd.Series(True, index=frame.index)


def _mended(problem: Problem, sheet: Sheet) -> Problem:
    """The problem with the column of the file, and a remedy for runs, of which parameters and tokens are not asked."""
    column = sheet.columns[str(problem.column)].header
    return replace(problem, column=column, remedy=problem.remedy.removesuffix(" and give params and tokens"))
