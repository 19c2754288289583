"""Frozen forecasts: question, quantiles, joint draws and baselines of rows and thresholds, as plain values.

Draws are `SAMPLE` of the posterior, evenly spaced over all chains: one of each row and threshold with the same index
belong together. Quantiles are of all draws. Places of a table of dates are dates here, and log10 FLOP of others.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.posterior.fit import Fit, installed_versions
from forecast.posterior.predict import labels_of_rows, predict
from forecast.posterior.tasks import checked_task, is_measured, task_label, usual_trials
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.registry.places import rounded, told_place
from forecast.scoring.baselines import baseline_forecasts
from forecast.table.dataset import frame_of, read_rows, rows_of_task
from forecast.table.direction import refusals
from forecast.table.splits import check_same_scale
from models.dates import by_date
from models.equations.metrics import METRICS

SAMPLE = 400
LEVELS = tuple(sorted([*(percent / 100 for percent in range(1, 100)), 0.025, 0.975]))
OF_ROW = ("model", "task", "metric", "length", "k", "family", "date", "compute", "params", "tokens", "trials")
KEY = ["model", "task", "metric", "length", "k"]


def frozen(
    fit: Fit,
    rows: pd.DataFrame | None,
    *,
    thresholds: Sequence[tuple[str, float]] = (),
    seed: int,
) -> dict[str, Any]:
    """The question and the forecast of rows and of thresholds (label, score), with the baselines and their data."""
    seen = frame_of(fit.data)
    total = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    chosen = np.linspace(0, total - 1, min(total, SAMPLE)).round().astype(int)
    found = _of_rows(fit, rows, chosen, seen, seed=seed) if rows is not None else _no_rows()
    asked = [_of_threshold(fit, label, at, chosen) for label, at in thresholds]
    ladders = {label: _ladder(fit, seen, label) for label in dict.fromkeys(label for label, _ in thresholds)}
    return {
        "seed": seed,
        "question": {"rows": found["rows"], "thresholds": [each["question"] for each in asked]},
        "forecast": {"rows": found["forecast"], "thresholds": [each["forecast"] for each in asked]},
        "draws": {"rows": found["draws"], "thresholds": [each["draws"] for each in asked]},
        "baselines": found["baselines"],
        "data": {
            "table": fit.table,
            "data_hash": fit.data.attrs["data_hash"],
            "scale": "date" if by_date(fit.data) else "compute",
            "runs": fit.data.sizes["run"],
            "rows": fit.data.sizes["observation"],
            "farthest": _told(fit, fit.data.log10_compute.values[[fit.data.log10_compute.values.argmax()]])[0],
            "ladders": ladders,
        },
        "versions": installed_versions(),
    }


def of_file(fit: Fit, path: Path) -> dict[str, Any]:
    """The fit that a forecast is of: its file with SHA-256, how far it can be trusted, and what fixes it."""
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "diagnostics": asdict(fit.diagnostics) | {"reasons": fit.diagnostics.reasons},
        "refusals": refusals(fit.data),
        "provenance": fit.provenance(),
    }


def rows_asked(fit: Fit, path: Path, task: str | None) -> pd.DataFrame:
    """The rows of a file that are to be forecast, of one task where it is named; none may stand there twice."""
    rows = read_rows(path)
    check_same_scale(rows, dated=by_date(fit.data))
    if task is not None:
        label = task_label(fit, task)
        named = rows[rows["task"].isin([task, str(fit.data.task_name.sel(task=label).item())])]
        rows = named[[each == label for each in labels_of_rows(fit, named)]]
    if rows.empty:
        raise ForecastError(f"{shown_path(path)}: no row is of task {shown(task or '')}; name another, or no task")
    again = rows[rows.duplicated(KEY)]
    if len(again):
        remedy = "keep one of them, or tell them apart by k or length"
        wrong = "this model is asked for on this task in an earlier row"
        raise TableError(
            path,
            [Problem(row=int(line), wrong=wrong, remedy=remedy, value=again.at[line, "model"]) for line in again.index],
        )
    return rows


def thresholds_asked(
    fit: Fit, task: str | None, rows: pd.DataFrame | None, at: Sequence[float]
) -> list[tuple[str, float]]:
    """Each task, by label, with each score: the task that is named, or all rates among the rows.

    A `ForecastError` of a task that falls or turns: it has no threshold to freeze.
    """
    if task is not None:
        labels = [task_label(fit, task)]
    else:
        labels = list(dict.fromkeys([] if rows is None else labels_of_rows(fit, rows)))
        labels = [label for label in labels if not is_measured(fit, label)]
    if at and not labels:
        raise ForecastError("--at: no row is of a rate; name a task by --task")
    asked = [(checked_task(fit, label, score), float(score)) for label in labels for score in at]
    if refused := [said for label, said in refusals(fit.data).items() if label in labels and at]:
        raise ForecastError("; ".join(refused) + "; leave --at out to register its rows alone")
    return asked


def _no_rows() -> dict[str, Any]:
    return {"rows": [], "forecast": [], "draws": [], "baselines": {}}


def _of_rows(fit: Fit, rows: pd.DataFrame, chosen: np.ndarray, seen: pd.DataFrame, *, seed: int) -> dict[str, Any]:
    """Rows as they are asked for, with their quantiles, joint draws (draw, row), and those of each baseline."""
    labels = labels_of_rows(fit, rows)
    usual = [None if is_measured(fit, label) else usual_trials(fit, label) for label in labels]
    rows = rows.assign(trials=rows["trials"].fillna(pd.Series(usual, index=rows.index, dtype="Int64")))
    draws = predict(fit, rows, seed=seed).values
    baselines = baseline_forecasts(seen, _as_fitted(fit, rows, labels), seed, draws=len(chosen))
    return {
        "rows": [
            {"label": label, "learned": _is_learned(seen, row), **_of_row(row, dated=by_date(fit.data))}
            for label, (_, row) in zip(labels, rows.iterrows(), strict=True)
        ],
        "forecast": [{"mean": rounded(own.mean()), **_quantiles(own)} for own in draws.T],
        "draws": [[rounded(value) for value in draw] for draw in draws[chosen]],
        "baselines": {name: [[rounded(value) for value in draw] for draw in of] for name, of in baselines.items()},
    }


def _as_fitted(fit: Fit, rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """The rows with the task, k and length of the fit, so that its table and they have the same labels."""
    data = fit.data.sel(task=labels)
    names = {"task": "task_name", "metric": "metric", "k": "task_k", "length": "task_length"}
    own = {name: data[of].values for name, of in names.items()}
    return rows.assign(**own, model=[f"row {line}" for line in range(len(rows))])


def _of_row(row: pd.Series, *, dated: bool) -> dict[str, Any]:
    known = {name: None if pd.isna(row[name]) else row[name] for name in OF_ROW}
    if known["date"] is not None:
        known["date"] = f"{known['date']:%Y-%m-%d}"
    return known | ({"compute": None} if dated else {})


def _is_learned(seen: pd.DataFrame, row: pd.Series) -> bool:
    """Whether the fit has learned from this very model on this task."""
    names = ["model", "task", "metric", *(["k"] if has_k(row["metric"]) else [])]
    own = row[names].fillna(-1)
    return bool((seen[names].fillna({"k": -1}) == own).all(axis=1).any())


def has_k(metric: str) -> bool:
    """Whether the column k means something to a metric."""
    return bool(METRICS[metric].k)


def _of_threshold(fit: Fit, label: str, at: float, chosen: np.ndarray) -> dict[str, Any]:
    """Where a typical run crosses a score."""
    answer, draws = threshold(fit, label, at), threshold_draws(fit, label, at)
    flat = draws.transpose("chain", "draw").values.ravel()
    data = fit.data.sel(task=label)
    facts = {"task": data.task_name.item(), "metric": data.metric.item()}
    told = {"length": _tells_lengths_apart(fit, label), "k": has_k(facts["metric"])}
    facts |= {name: float(data[f"task_{name}"]) if known else None for name, known in told.items()}
    place = "date" if by_date(fit.data) else "log10_compute"
    levels = np.quantile(flat, LEVELS, method="inverted_cdf")
    return {
        "question": {"label": label, **facts, "at": at, "event": "typical", "families": answer["families"]},
        "forecast": {
            place: dict(zip(map(quantile_name, LEVELS), _told(fit, levels), strict=True)),
            "p_never": float(np.mean(flat == np.inf)),
        },
        "draws": _told(fit, flat[chosen]),
    }


def _tells_lengths_apart(fit: Fit, label: str) -> bool:
    """Whether another task of the fit differs from one in nothing but its length."""
    names = [fit.data[name].values for name in ("task_name", "metric", "task_k")]
    kinds = pd.DataFrame(dict(zip("abc", names, strict=True)), index=fit.data.task.values).fillna(-1.0)
    return bool((kinds == kinds.loc[label]).all(axis=1).sum() > 1)


def _ladder(fit: Fit, seen: pd.DataFrame, label: str) -> list[dict[str, Any]]:
    """The runs of a task that the fit has seen: the rungs below the outcomes."""
    own = seen[rows_of_task(fit.data, label)]
    places = _told(fit, np.log10(own["compute"].to_numpy()))
    runs = zip(own["model"], places, own["score"], strict=True)
    return [{"model": model, "place": place, "score": float(score)} for model, place, score in runs]


def _told(fit: Fit, places: np.ndarray) -> list[Any]:
    return [told_place(float(place), dated=by_date(fit.data)) for place in places]


def quantile_name(level: float) -> str:
    """Its key: q05, and q02.5 between two percents."""
    percent = round(100 * level, 1)
    return f"q{percent:02.0f}" if percent == round(percent) else f"q{percent:04.1f}"


def _quantiles(draws: np.ndarray) -> dict[str, float]:
    found = np.quantile(draws, LEVELS, method="inverted_cdf")
    return {quantile_name(level): rounded(value) for level, value in zip(LEVELS, found, strict=True)}
