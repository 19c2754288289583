"""Cells of a table: as typed, so that a message can show them, and as numbers and dates."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, row_ranges, shown_path
from forecast.table.reading.dates import Dates
from models.dates import log10_compute_of
from models.equations.metrics import METRICS, rates
from models.facts.ceilings import BOUNDS

NAMES = ("model", "task", "metric", "family")
OF_TASK = ("task", "metric", "k", "length")  # what rows of one task have in common
SIZES = ("compute", "params", "tokens", "active_params")
NUMBERS = ("score", "score_sd", "successes", "trials", "length", "k", "chance", *BOUNDS, *SIZES, "compute_sd")
COLUMNS = ("model", "task", "metric", *NUMBERS, "family", "date")
MISSING = ("", "nan", "na", "n/a", "nat", "none", "null", "<na>")  # blank numbers and dates; as names they are names
DECIMAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"  # in one way, so that a long one takes no more than its time
NUMBER = re.compile(rf"{DECIMAL}(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
LONGEST = 100  # characters of a number or a date
FEWEST_DATES = 3  # to be a scale
RANGES = 4  # of rows that are named in a sentence
MOST_ROWS, MOST_CELLS = 200_000, 5_000_000  # of a table, which are checked in half a minute


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A table as it is checked: all known columns, blank where the file lacks them, indexed by line number."""

    text: pd.DataFrame  # as typed, names without spaces around them
    number: pd.DataFrame  # NaN where blank or not a number
    date: pd.Series  # NaT where blank or not a date
    dates: Dates  # the same with what is wrong where it is none
    blank: pd.DataFrame
    columns: pd.Index  # as in the file, repeated and unknown ones included
    scored: bool  # False: a table of rows to predict

    @cached_property
    def present(self) -> frozenset[str]:
        """The known columns that the file has."""
        return frozenset(self.columns) & frozenset(COLUMNS)

    @cached_property
    def metric(self) -> pd.Series:
        return self.text["metric"].str.strip()

    @cached_property
    def rate(self) -> pd.Series:
        return self.metric.isin(rates())

    @cached_property
    def loss(self) -> pd.Series:
        return self.metric.isin(METRICS) & ~self.rate

    @cached_property
    def compute(self) -> pd.Series:
        """Training FLOP: as given, else 6 N D; where no row has any, the place of the date on `models.dates`."""
        if self.by_date:
            return 10.0 ** pd.Series(log10_compute_of(self.date_of_model.to_numpy()), index=self.date.index)
        return self.number["compute"].fillna(6 * self.params_at_work * self.number["tokens"])

    @property
    def params_at_work(self) -> pd.Series:
        """Parameters that a token passes through: the active ones of a mixture of experts, else all."""
        return self.number["active_params"].fillna(self.number["params"])

    @cached_property
    def sizes(self) -> dict[str, pd.Series]:
        """Compute, params and tokens: as given, else what C = 6 N D leaves where the other two are given."""
        params, tokens, product = self.number["params"], self.number["tokens"], self.number["compute"] / 6
        return {
            "compute": self.compute,
            "params": params.fillna((product / tokens).where(self.blank["active_params"])),
            "tokens": tokens.fillna(product / self.params_at_work),
        }

    @cached_property
    def compute_given(self) -> pd.Series:
        return ~self.blank["compute"] | self._has_sizes | self.by_date

    @property
    def _has_sizes(self) -> pd.Series:
        """Whether 6 N D is known: tokens, and active or all parameters."""
        return ~self.blank["tokens"] & ~(self.blank["params"] & self.blank["active_params"])

    @cached_property
    def by_date(self) -> bool:
        """Whether dates are the scale: no row has a compute and all models have a date, of which there are several."""
        sizes = self.blank["compute"] & ~self._has_sizes
        fewest = FEWEST_DATES if self.scored else 1
        return bool(sizes.all() and self.date_of_model.notna().all() and self.date_of_model.nunique() >= fewest)

    @cached_property
    def date_of_model(self) -> pd.Series:
        return self.date.groupby(self.text["model"]).transform("first")

    def models(self, which: pd.Series) -> list[str]:
        """Names of the models of these rows, each once."""
        return self.text["model"].str.strip()[which].unique().tolist()

    def tasks(self) -> Iterator[tuple[str, pd.Series]]:
        """Name and rows of each task by metric."""
        for (task, _), rows in self.metric.groupby([self.text["task"].str.strip(), self.metric], sort=False):
            yield str(task), self.text.index.isin(rows.index)

    def problems(
        self, bad: pd.Series, column: str, wrong: str, remedy: str | Callable[[str], str]
    ) -> Iterator[Problem]:
        """One problem for each row that is `bad`."""
        for line in self.text.index[bad]:
            value = self.text.at[line, column]
            advice = remedy if isinstance(remedy, str) else remedy(value)
            yield Problem(row=int(line), column=column, value=value, wrong=wrong, remedy=advice)


def in_rows(which: pd.Series) -> str:
    """The rows that are true, as 'rows 2-4'."""
    lines = [int(line) for line in which.index[which.fillna(False).astype(bool)]]
    return f"row{'' if len(lines) == 1 else 's'} {row_ranges(lines, most=RANGES)}"


def check_size(rows: int, columns: int, path: Path) -> None:
    """A `ForecastError` for a table that is too large, before memory is taken for it."""
    if rows > MOST_ROWS:
        raise ForecastError(
            f"{shown_path(path)}: has more than {MOST_ROWS:,} rows, too many to fit; add up the items of each model "
            "and task: one row with their number as trials and those that are right as successes"
        )
    if rows * columns > MOST_CELLS:
        raise ForecastError(
            f"{shown_path(path)}: has more than {MOST_CELLS:,} cells, too many to read; leave out columns or rows"
        )


def cells_of(frame: pd.DataFrame, *, scored: bool = True) -> Cells:
    """The known columns of a frame as text, as numbers and as dates; without its scores if these do not count."""
    unused = () if scored else ("score", "successes")
    first = frame.loc[:, ~frame.columns.duplicated()].drop(columns=list(unused), errors="ignore")
    text = {column: _texts(first, column) for column in COLUMNS}
    blank = {column: [_is_blank(cell, column) for cell in cells] for column, cells in text.items()}
    number = {column: [_as_number(cell) for cell in text[column]] for column in NUMBERS}
    dates = Dates(tuple("" if none else cell for cell, none in zip(text["date"], blank["date"], strict=True)))
    return Cells(
        text=pd.DataFrame(text, index=frame.index, dtype=object),
        number=pd.DataFrame(number, index=frame.index, dtype=float),
        date=pd.Series(list(dates.values), index=frame.index, dtype="datetime64[ns]"),
        dates=dates,
        blank=pd.DataFrame(blank, index=frame.index, dtype=bool),
        columns=frame.columns,
        scored=scored,
    )


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * len(frame)
    cells = frame[column].astype(object)
    texts = ["" if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)]
    return [text.strip() or text for text in texts] if column in NAMES else texts


def _is_blank(cell: str, column: str) -> bool:
    return not cell.strip() if column in NAMES else cell.strip().lower() in MISSING


def _as_number(cell: str) -> float:
    text = cell.strip()
    return float(text) if len(text) <= LONGEST and NUMBER.fullmatch(text) else math.nan
