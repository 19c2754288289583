"""Observation tables: files to checked frames to labelled arrays.

path --read_table--> frame (one row a measurement) --observations--> Dataset
"""

import hashlib
import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.table.adjusting import Adjustments, Warn, adjusted, silent
from forecast.table.checks.rounding import items_left
from forecast.table.checks.strange import strange
from forecast.table.labels import given_rows, law_labels, task_labels
from forecast.table.reading.cells import COLUMNS, NAMES, OF_TASK, Cells, cells_of
from forecast.table.reading.files import cells_and_ragged
from models.dates import is_by_date
from models.equations.metrics import rates
from models.facts.ceilings import BOUNDS
from models.facts.placing import with_constants

logger = logging.getLogger(__name__)
NO_FAMILY = "all"  # one recipe for all runs of which none is named
OF_RUN = ("compute", "compute_sd", "family", "date", "params", "tokens")  # columns that are the same in all its rows


def read_table(
    path: str | os.PathLike[str], *, adjust: Adjustments = Adjustments(), warn: Warn = silent
) -> pd.DataFrame:
    """A table of measurements, checked and completed.

    Parameters
    ----------
    adjust : what is changed before: tasks, counts, chances, rows that are left out, repeats
    warn : called with a sentence for each strange thing that the table may mean, and for all that was changed

    Returns
    -------
    DataFrame
        All columns of a table in the order of README, then the unknown ones as they came; the index `line` is the
        line in the file. Of compute, params and tokens the missing one is filled by C = 6 N D. Rates have both `score`
        (as given) and `successes` (the count nearest to score * trials); where rounding hides many items, successes
        and trials are of those that it leaves, see `forecast.table.checks.rounding`. Losses and horizons have neither
        of the two. Family and date given in one row of a model, and bounds in one of a task, hold for all of them.

    Raises
    ------
    TableError
        with all problems of the table.
    ForecastError
        if the file cannot be read at all.
    """
    return _read(Path(path), adjust, scored=True, warn=warn)


def read_rows(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Rows to predict: as `read_table`, but scores are ignored, trials may be blank and one run is enough."""
    return _read(Path(path), Adjustments(), scored=False, warn=silent)


def read_scores(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The scores in a file of `read_rows`, by line: `score`, as given or successes / trials, and what was `typed`.

    A score is NaN where none is given, and infinite where it cannot be one of its metric.
    """
    frame, _ = cells_and_ragged(Path(path))
    cells = cells_of(frame)
    score = cells.number["score"].fillna(cells.number["successes"] / cells.number["trials"])
    possible = (score > 0.0) & ((score <= 1.0) | ~cells.rate) | (score == 0.0) & cells.rate
    given = ~(cells.blank["score"] & cells.blank["successes"])
    typed = cells.text["score"].mask(cells.blank["score"], cells.text["successes"])
    return pd.DataFrame({"score": score.where(possible, np.inf).where(given), "typed": typed})


def _read(path: Path, adjust: Adjustments, *, scored: bool, warn: Warn) -> pd.DataFrame:
    frame, ragged = cells_and_ragged(path)
    cells, frame = adjusted(frame, ragged, adjust, path=path, scored=scored, warn=warn)
    for sentence in strange(cells):
        warn(sentence)
    for sentence in cells.dates.said():
        logger.warning("read: column 'date' %s", sentence)
    return _normalised(frame, cells)


def _normalised(frame: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    number, model, rate = cells.number, cells.text["model"], cells.rate
    trials = items_left(cells).fillna(number["trials"]).where(rate)
    successes = number["successes"].where(rate).fillna((number["score"] * trials).round())
    family = cells.text["family"].mask(cells.blank["family"])
    of_task = [cells.text[name].str.strip() for name in OF_TASK]
    known = number.assign(
        model=model,
        task=cells.text["task"],
        metric=cells.metric,
        score=number["score"].fillna(successes / trials),
        successes=successes.astype("Int64"),
        trials=trials.astype("Int64"),
        chance=number["chance"].fillna(0.0),
        score_sd=number["score_sd"].fillna(0.0),
        **{name: _first_of(number[name], of_task) for name in BOUNDS},
        **cells.sizes,
        active_params=_first_of(number["active_params"], model),
        compute_sd=_first_of(number["compute_sd"], model).fillna(0.0),
        family=_first_of(family, model).fillna(NO_FAMILY),
        date=_first_of(cells.date, model),
    )
    known = known.astype(dict.fromkeys(NAMES, str))
    return pd.concat([known[list(COLUMNS)], frame.drop(columns=list(COLUMNS), errors="ignore")], axis=1)


def _first_of(values: pd.Series, group: pd.Series | list[pd.Series]) -> pd.Series:
    return values.groupby(group).transform("first")


def observations(frame: pd.DataFrame) -> xr.Dataset:
    """A frame of `read_table` or `read_rows` as labelled arrays.

    Dims: `observation` (labelled by line), `run`, `task`, `law`, `family`, each in the order of the file. A task is a
    task name; where one name has several metrics, or several k or lengths, it is each of them: ``name [metric]``,
    ``name [metric k]``, ``name [metric k of length]``. A law is what tasks of one name have in common (see
    `forecast.table.labels`). `human` and `ceiling_at_least` (task) are there where any row gives one. Successes are NaN
    and trials 0 where they are not known or mean nothing, as of a loss. Of a mixture of experts log10_params is that of
    the active parameters, which its compute is made of. What follows from the table alone is computed here once: see
    `models.facts.placing.with_constants`.
    """
    labels = task_labels(frame)
    active = _optional(frame, "active_params")
    runs = frame.assign(params=active.fillna(frame["params"])).groupby("model", sort=False)[list(OF_RUN)].first()
    tasks = frame.groupby(labels, sort=False)
    means, names = (tasks[["chance", "length", "k"]].mean(), tasks[["task", "metric"]].first())
    bounds = {name: tasks[name].min().to_numpy() for name in BOUNDS if _optional(frame, name).notna().any()}
    families, laws = pd.Index(runs["family"].unique()), law_labels(names.join(means))
    law_names = pd.Index(laws.unique())
    law_index = law_names.get_indexer(laws)
    task_index, run_index = names.index.get_indexer(labels), runs.index.get_indexer(frame["model"])
    by_run = _by_run(runs, families)
    variables = {
        "observation": {
            "run_index": run_index,
            "task_index": task_index,
            "given_index": given_rows(frame, run_index, law_index[task_index]),
            **_by_observation(frame),
        },
        "run": by_run,
        "task": _by_task(names, means) | bounds | {"law_index": law_index},
    }
    labelled = {"run": runs.index, "task": names.index, "law": law_names, "family": families}
    dated = is_by_date(by_run["log10_compute"], by_run["date"])
    data = xr.Dataset(
        {name: (dim, values) for dim, group in variables.items() for name, values in group.items()},
        coords={"observation": frame.index.to_numpy()}
        | {dim: np.asarray(values.to_list(), dtype=str) for dim, values in labelled.items()},
        attrs={"data_hash": data_hash(frame)} | ({"scale": "date"} if dated else {}),
    )
    return with_constants(data)


def _by_observation(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        "score_for_placing": frame["score"].to_numpy(dtype=float),
        "successes": frame["successes"].to_numpy(dtype=float, na_value=np.nan),
        "trials": frame["trials"].fillna(0).to_numpy(dtype=np.int64),
        **{name: frame[name].to_numpy(dtype=float) for name in ("score", "length", "k")},
        "score_sd": _optional(frame, "score_sd", 0.0).to_numpy(dtype=float),
    }


def _optional(frame: pd.DataFrame, name: str, blank: float = np.nan) -> pd.Series:
    """A column that a frame made elsewhere need not have."""
    return frame[name] if name in frame else pd.Series(blank, index=frame.index)


def _by_run(runs: pd.DataFrame, families: pd.Index) -> dict[str, np.ndarray]:
    return {
        "log10_compute": np.log10(runs["compute"].to_numpy(dtype=float)),
        "log10_params": np.log10(runs["params"].to_numpy(dtype=float)),
        "log10_tokens": np.log10(runs["tokens"].to_numpy(dtype=float)),
        "compute_sd": runs["compute_sd"].to_numpy(dtype=float),
        "family_index": families.get_indexer(runs["family"]),
        "date": runs["date"].to_numpy(dtype="datetime64[ns]"),
    }


def _by_task(names: pd.DataFrame, means: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        "task_name": names["task"].to_numpy(dtype=str),
        "metric": names["metric"].to_numpy(dtype=str),
        "chance": means["chance"].to_numpy(dtype=float),
        "task_length": means["length"].to_numpy(dtype=float),
        "task_k": means["k"].to_numpy(dtype=float),
    }


def index_of(data: xr.Dataset, dim: str, name: str) -> int:
    """Where a task, law, run or family stands along its dim."""
    return int(data.indexes[dim].get_loc(name))


def rows_of_task(data: xr.Dataset, task: str) -> np.ndarray:
    """Which observations are of a task: (observation)."""
    return data.task_index.values == index_of(data, "task", task)


def data_hash(frame: pd.DataFrame) -> str:
    """SHA-256 of the known columns of a `read_table` frame in row order; line numbers and further columns are left out.

    The same data as CSV and as Parquet have the same hash.
    """
    given = {name: _optional(frame, name).notna().any() for name in ("active_params", *BOUNDS)}
    given |= {"score_sd": (_optional(frame, "score_sd") > 0).any()}
    names = [name for name in COLUMNS if given.get(name, True)]  # as before there were these columns
    known = frame[names].assign(date=frame["date"].dt.strftime("%Y-%m-%d")).astype(object)
    content = json.dumps([known[name].where(known[name].notna(), None).to_list() for name in names])
    return hashlib.sha256(content.encode()).hexdigest()


def frame_of(data: xr.Dataset) -> pd.DataFrame:
    """The table behind labelled arrays: the inverse of `forecast.table.dataset.observations`, but for unknown
    columns."""
    task, run = data.task_index.values, data.run_index.values
    rate = np.isin(data.metric.values, rates())[task]
    frame = pd.DataFrame(
        {
            "model": data.run.values[run],
            "task": data.task_name.values[task],
            "metric": data.metric.values[task],
            "score": data.score.values,
            "score_sd": data.score_sd.values if "score_sd" in data else 0.0,
            "successes": pd.array(np.where(rate, data.successes.values, np.nan), dtype="Float64").astype("Int64"),
            "trials": pd.array(np.where(rate, data.trials.values, np.nan), dtype="Float64").astype("Int64"),
            "length": data.length.values,
            "k": data.k.values,
            "chance": data.chance.values[task],
            **{name: data[name].values[task] if name in data else np.nan for name in BOUNDS},
            "compute": 10.0 ** data.log10_compute.values[run],
            "params": 10.0 ** data.log10_params.values[run],
            "tokens": 10.0 ** data.log10_tokens.values[run],
            "active_params": np.nan,  # of which the compute was made
            "compute_sd": data.compute_sd.values[run],
            "family": data.family.values[data.family_index.values[run]],
            "date": data.date.values[run],
        },
        index=pd.Index(data.observation.values, name="line"),
    )
    return frame[list(COLUMNS)]
