"""Training runs with date and compute: the user's, Epoch's or the built-in ones."""

import os
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.errors import ForecastError, shown, shown_path

COLUMNS = {"model": "Model", "date": "Publication date", "compute": "Training compute (FLOP)"}  # ours: Epoch's
DOMAIN, OTHER = "Domain", "Games"  # of Epoch's rows, left out: self-play trains no model that could be asked a question


def read_runs(path: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Runs of a CSV with the columns model, date, compute, or of Epoch's format, by date; None: the built-in ones.

    Of Epoch's rows those whose only domain is games are left out, as they are of the built-in runs: AlphaGo Zero had
    the compute of GPT-3 three years before it, and says nothing of when a model that answers questions has it.
    """
    own = resources.files("forecast.table") / "frontier_runs.csv"
    try:
        with own.open(encoding="utf-8") if path is None else Path(path).open(encoding="utf-8-sig") as file:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    except OSError as error:
        raise ForecastError(f"{shown_path(path or '')}: cannot be read ({error.strerror}); check the path") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ForecastError(f"{shown_path(path or '')}: is not a CSV in UTF-8 ({error}); save it as one") from error
    frame = frame[frame[DOMAIN].str.strip() != OTHER] if DOMAIN in frame else frame
    frame = frame.rename(columns={theirs: ours for ours, theirs in COLUMNS.items() if ours not in frame})
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise ForecastError(
            f"{shown_path(path or '')}: column {', '.join(missing)} missing; give {', '.join(COLUMNS)} "
            f"or, as Epoch does, {', '.join(COLUMNS.values())}"
        )
    return _checked(frame[list(COLUMNS)], path or "frontier_runs.csv")


def _checked(frame: pd.DataFrame, path: str | os.PathLike[str]) -> pd.DataFrame:
    """Cells as dates and FLOP; rows in which either is blank are left out, as Epoch has many."""
    given = frame[(frame["date"].str.strip() != "") & (frame["compute"].str.strip() != "")]
    date = pd.to_datetime(given["date"].str.strip(), format="%Y-%m-%d", errors="coerce")
    compute = pd.to_numeric(given["compute"], errors="coerce")
    wrong = [
        f"row {row + 2}, column {name}: {shown(given.at[row, name])} is not {what}"
        for name, bad, what in (
            ("date", date.isna(), "a date such as 2023-03-15"),
            ("compute", ~(compute > 0) | np.isinf(compute), "a positive number of FLOP such as 2.1e25"),
        )
        for row in given.index[bad]
    ]
    if wrong:
        more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise ForecastError(f"{shown_path(path)}: " + "; ".join(wrong[:10]) + more + "; correct them")
    return given.assign(date=date, compute=compute).sort_values("date", kind="stable").reset_index(drop=True)
