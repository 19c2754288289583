"""Repeats: rows that say the same twice, several measurements of one model, several runs of one size."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from forecast.errors import ForecastError, row_ranges, shown
from forecast.table.reading.cells import NUMBERS, SIZES, Cells, cells_of
from forecast.words import counted, first_of

REPEATS = ("latest", "best", "mean", "each")
MEASURED = ("model", "task", "metric", "k", "length")  # what a measurement is of
OF_MODEL = ("active_params", "compute_sd", "family", "date")  # facts that, given in one row of a model, hold in all
SIZE_DIGITS = 4  # to which sizes of runs are compared


def without_duplicates(frame: pd.DataFrame, warn: Callable[[str], None]) -> pd.DataFrame:
    """The rows that differ in any column; rows of one item stay, since two answers may well be alike.

    Numbers and dates are compared by value. A blank fact of a model is what its other rows say.
    """
    cells = cells_of(frame)
    alike = _values(frame, cells).duplicated()
    alike &= ~(cells.number["trials"] == 1)
    if not alike.any():
        return frame
    lines = frame.index[alike]
    warn(
        f"{counted(len(lines), 'row')} repeat{'s' if len(lines) == 1 else ''} another row in all columns and "
        f"count{'s' if len(lines) == 1 else ''} once: {row_ranges(map(int, lines))}. Delete what is there twice, "
        "or tell measurements of different answers apart by a further column."
    )
    return frame[~alike]


def _values(frame: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Each cell as text that is the same wherever its value is."""
    values = frame.loc[:, ~frame.columns.duplicated()].astype(object)
    values = values.where(values.notna(), "").astype(str).apply(lambda column: column.str.strip())
    for name in values.columns.intersection(NUMBERS):
        values[name] = cells.number[name].map(repr).where(cells.number[name].notna(), values[name])
    if "date" in values:
        values["date"] = cells.date.map(str).where(cells.date.notna(), values["date"])
    facts = values.columns.intersection(OF_MODEL)
    known = values[facts].mask(cells.blank[facts])
    values[facts] = known.groupby(cells.text["model"]).transform("first").where(known.isna(), known).fillna("")
    return values


def one_a_measurement(frame: pd.DataFrame, how: str | None, warn: Callable[[str], None]) -> pd.DataFrame:
    """Several rows of one model on one task made one, or runs of their own; left as they are where `how` is None.

    latest: the row with the latest date, of such the last; best: the highest score or lowest loss; mean: all answers
    counted together, losses averaged; each: rows become runs 'model #1', 'model #2'.
    """
    cells = cells_of(frame)
    keys = _keys(cells)
    repeated = keys.duplicated(keep=False)
    if not repeated.any():
        return frame
    if how is None:
        warn(_several(cells, keys[repeated]))
        return frame
    if how == "each":
        return _numbered(frame, cells, keys)
    kept = frame.drop(index=frame.index[repeated])
    groups = [frame.loc[rows.index] for _, rows in keys[repeated].groupby(keys[repeated], sort=False)]
    chosen = [_ONE[how](group, cells) for group in groups]
    warn(f"--repeats {how}: {counted(int(repeated.sum()), 'row')} of repeated measurements became {len(groups)}")
    return pd.concat([kept, *chosen]).sort_index()


def _keys(cells: Cells) -> pd.Series:
    """What each row is a measurement of; rows of one item are each their own."""
    of_items = cells.number["trials"] == 1
    measured = cells.text[list(MEASURED)].map(str.strip)
    measured["item"] = [str(line) if item else "" for line, item in of_items.items()]
    return pd.Series(list(measured.itertuples(index=False, name=None)), index=measured.index, dtype=object)


def _several(cells: Cells, keys: pd.Series) -> str:
    first = keys.iloc[0]
    rows = row_ranges(int(line) for line in keys.index[[key == first for key in keys]])
    model, task = (shown(name) for name in first[:2])
    return (
        f"{counted(keys.nunique(), 'measurement')} stand{'s' if keys.nunique() == 1 else ''} in several rows, such as "
        f"{model} on {task} in rows {rows}; all count as answers to further items. If they are of the same items, add "
        "--repeats latest, best or mean; if they are of different runs, --repeats each."
    )


def _numbered(frame: pd.DataFrame, cells: Cells, keys: pd.Series) -> pd.DataFrame:
    """Each row of a repeated measurement as a run of its own; the n-th rows of all tasks are of the n-th run."""
    several = cells.text["model"].isin(cells.text["model"][keys.duplicated()])
    number = keys.groupby(keys).cumcount() + 1
    names = cells.text["model"].str.strip() + " #" + number.astype(str)
    return frame.assign(model=frame["model"].where(~several, names))


def narrowed(frame: pd.DataFrame, how: str | None, sizes: tuple[str, ...]) -> pd.DataFrame:
    """A table that was made, with repeated measurements numbered where each is a run, and the best runs of a size."""
    if how == "each":
        frame = one_a_measurement(frame, how, lambda sentence: None)
    return frame[best_runs(cells_of(frame), sizes, lambda sentence: None)] if sizes else frame


def _latest(group: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    dates = cells.date[group.index].fillna(pd.Timestamp.min)
    return group.loc[[dates.index[dates == dates.max()][-1]]]


def _best(group: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    score = _score(cells)[group.index]
    if score.isna().any():
        return group  # whose problems are then said
    return group.loc[[score.idxmin() if cells.metric[group.index[0]] == "loss" else score.idxmax()]]


def _mean(group: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    number, first = cells.number.loc[group.index], group.iloc[[0]].copy()
    if cells.loss[group.index[0]]:
        return first.assign(score=f"{number['score'].mean():.10g}") if number["score"].notna().all() else group
    successes = number["successes"].fillna((number["score"] * number["trials"]).round())
    if successes.isna().any() or number["trials"].isna().any():
        return group
    return first.assign(score="", successes=f"{successes.sum():.0f}", trials=f"{number['trials'].sum():.0f}")


_ONE: dict[str, Callable[[pd.DataFrame, Cells], pd.DataFrame]] = {"latest": _latest, "best": _best, "mean": _mean}


def _score(cells: Cells) -> pd.Series:
    number = cells.number
    return number["score"].fillna(number["successes"] / number["trials"])


def best_runs(cells: Cells, sizes: tuple[str, ...], warn: Callable[[str], None]) -> pd.Series:
    """Which rows are of the best run among those of one family and the same sizes, as of a sweep of learning rates.

    The best has the lowest losses where the table has any, else the highest scores: by its mean rank over tasks. A run
    of which a size is not known is kept.
    """
    unknown = [name for name in sizes if name not in SIZES]
    if unknown:
        raise ForecastError(f"--best-of {shown(unknown[0])}: is no size of a run; give some of {', '.join(SIZES)}")
    model = cells.text["model"].str.strip()
    known = pd.DataFrame({**cells.sizes, "active_params": cells.number["active_params"]})[list(sizes)]
    known = known.groupby(model).transform("first")
    rounded = known.map(lambda size: f"{size:.{SIZE_DIGITS - 1}e}" if np.isfinite(size) else "")
    group = cells.text["family"].str.strip().mask(cells.blank["family"]).groupby(model).transform("first").fillna("")
    group = group + "\0" + rounded.agg("\0".join, axis=1)
    group = group.where((rounded != "").all(axis=1), model + "\0\0")
    losses = cells.metric == "loss"
    worth = _score(cells).where(losses | ~losses.any()) * np.where(losses, 1.0, -1.0)
    task = cells.text["task"].str.strip() + "\0" + cells.metric
    rank = worth.groupby([group, task]).rank().groupby([group, model]).mean()
    rank = rank.fillna(np.inf)
    best = {name[1] for name in rank.groupby(level=0).idxmin()}
    kept = model.isin(best)
    left = model[~kept].unique().tolist()
    if left:
        beaten = f"left out {counted(len(left), 'run')} that others of the size beat: {first_of(left)}"
        warn(f"--best-of {','.join(sizes)}: {beaten}")
    return kept
