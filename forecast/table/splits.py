"""Splits of a table into runs that a forecast may learn from and later runs that it is scored on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd

from forecast.errors import ForecastError, shown
from forecast.table.labels import task_labels
from forecast.words import counted, plain_power
from models.dates import is_by_date

IN_YEARS = "this fit is in years: its table holds no compute"
ADD_COMPUTE = "add compute, or params and tokens, to the table and fit again"
FEWEST_RUNS = 3
"""Runs from which anything can be fitted."""
HIDDEN_SHARE = 0.3
"""Of the runs of a table, hidden where no cut is given: as far ahead as most forecasts look, and enough to score."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Training runs strictly below a compute, before a date, of all families but one, or but named runs."""

    by: Literal["compute", "date", "family", "model"]
    at: float | str | tuple[str, ...]  # FLOP, ISO date, name of the family or names of the hidden runs

    @property
    def _hidden_runs(self) -> tuple[str, ...]:
        return self.at if isinstance(self.at, tuple) else (str(self.at),)

    @property
    def name(self) -> str:
        """In words, as 'runs below 2.4e22 FLOP'."""
        if self.by == "compute":
            return f"runs below {plain_power(float(str(self.at)))} FLOP"
        if self.by == "model":
            return f"runs without {', '.join(self._hidden_runs)}"
        return f"runs before {self.at}" if self.by == "date" else f"runs without family {self.at}"

    def parts(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Training rows, losses too, and the hidden rows on tasks that have a training row.

        A run whose side is not known, as one without date, is on neither.
        """
        if self.by == "compute":
            seen, hidden = frame["compute"] < self.at, frame["compute"] >= self.at
        elif self.by == "date":
            seen, hidden = frame["date"] < pd.Timestamp(self.at), frame["date"] >= pd.Timestamp(self.at)
        elif self.by == "family":
            seen, hidden = frame["family"] != self.at, frame["family"] == self.at
        else:
            hidden = frame["model"].isin(self._hidden_runs)
            seen = ~hidden
        labels = task_labels(frame)
        return frame[seen], frame[hidden & labels.isin(set(labels[seen]))]

    def log10_cut(self, train: pd.DataFrame) -> float:
        """Log10 FLOP from which distance is counted: that of the largest training run."""
        return float(np.log10(train["compute"].max()))

    def checked(self, frame: pd.DataFrame) -> "Split":
        """Itself; a `ForecastError` where it leaves too little to fit or to score, or cuts by a compute not known."""
        if self.by == "compute":
            check_compute_known(frame)
        train, rows = self.parts(frame)
        below, above = train["model"].nunique(), rows["model"].nunique()
        if below >= FEWEST_RUNS and above:
            return self
        spans = {
            "compute": "the runs span {} to {} FLOP".format(
                *(plain_power(end, ".3g") for end in (frame["compute"].min(), frame["compute"].max()))
            ),
            "date": f"dates span {frame['date'].min():%Y-%m-%d} to {frame['date'].max():%Y-%m-%d}"
            if frame["date"].notna().any()
            else "the table has no dates",
            "family": f"families are {', '.join(map(shown, sorted(frame['family'].dropna().unique())[:10]))}",
            "model": f"the table holds {counted(frame['model'].nunique(), 'run')}",
        }
        raise ForecastError(
            f"the cut '{self.name}' leaves {counted(below, 'run')} to fit and {above} to score on the same tasks, "
            f"at least {FEWEST_RUNS} and 1 are needed; {spans[self.by]}"
        )


def runs_since(frame: pd.DataFrame, since: str) -> pd.DataFrame:
    """The rows of runs released on an ISO date or later; a `ForecastError` where too few are known to be."""
    kept = frame[frame["date"] >= pd.Timestamp(since)]
    if (number := kept["model"].nunique()) >= FEWEST_RUNS:
        return kept
    known = frame["date"].dropna()
    span = f"dates span {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}" if len(known) else "the table has no dates"
    raise ForecastError(
        f"{counted(number, 'run')} since {since}, at least {FEWEST_RUNS} are needed; {span}; give an earlier --since"
    )


def is_dated(frame: pd.DataFrame) -> bool:
    """Whether dates are the scale of a table, as `read_table` gives it, because no compute is known."""
    return is_by_date(np.log10(frame["compute"].to_numpy(dtype=float)), frame["date"].to_numpy())


def check_compute_known(frame: pd.DataFrame) -> None:
    """A `ForecastError` for a table whose scale is dates, where a cut in FLOP means nothing."""
    if is_dated(frame):
        raise ForecastError(
            "a cut in FLOP: the table holds no compute, dates are its scale; cut by date (`forecast backtest --date`), "
            "or leave the cut out"
        )


def check_same_scale(rows: pd.DataFrame, *, dated: bool) -> None:
    """A `ForecastError` where rows of `read_rows` have dates for a scale and the fit compute, or the other way."""
    if is_dated(rows) == dated:
        return
    if dated:
        raise ForecastError(
            "the rows have compute, the fit was made of a table that has none: its scale is dates; "
            "give the rows dates and leave compute, params and tokens out"
        )
    raise ForecastError(
        "the rows have no compute, the fit needs one; give the rows compute, or params and tokens, beside their dates"
    )


def params_beyond(train: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Decades by which the run of each hidden row has more parameters than any training run.

    NaN where its parameters are unknown, or where all training runs are of one size, which then is not what varies.
    """
    sizes = train["params"].dropna()
    return np.log10(rows["params"] / (sizes.max() if sizes.nunique() > 1 else np.nan))


def latest(frame: pd.DataFrame, by: Literal["compute", "date"] | None = None) -> Split | None:
    """The split that hides about three in ten runs; None where too few would be left.

    The largest are hidden, or by date the latest; left open, by what the scale of the table is.
    """
    by = by or ("date" if is_dated(frame) else "compute")
    runs = frame.groupby("model")[by].first().dropna().sort_values()
    hidden = max(1, round(HIDDEN_SHARE * len(runs)))
    for place in (*range(len(runs) - hidden, 0, -1), *range(len(runs) - hidden + 1, len(runs))):
        at = runs.iloc[place]
        split = Split(by=by, at=float(at) if by == "compute" else f"{at:%Y-%m-%d}")
        train, rows = split.parts(frame)
        if train["model"].nunique() >= FEWEST_RUNS and len(rows):
            return split
    return None


def leave_one_family_out(frame: pd.DataFrame) -> list[Split]:
    """One split a family; those of one family only, or whose tasks no other has, are left out."""
    splits = [Split(by="family", at=str(name)) for name in sorted(frame["family"].dropna().unique())]
    usable = []
    for split in splits:
        train, rows = split.parts(frame)
        if train["model"].nunique() >= FEWEST_RUNS and len(rows):
            usable.append(split)
    return usable


def splits_asked(
    frame: pd.DataFrame, *, cuts: Sequence[float] = (), dates: Sequence[datetime] = (), families: bool = False
) -> list[Split]:
    """Splits at computes, at dates and by family; where nothing is asked for `latest`, if enough would be left."""
    splits = [Split(by="compute", at=value) for value in cuts]
    splits += [Split(by="date", at=f"{value:%Y-%m-%d}") for value in dates]
    splits += leave_one_family_out(frame) if families else []
    if cuts or dates or families:
        return splits
    return [each for each in [latest(frame)] if each]
