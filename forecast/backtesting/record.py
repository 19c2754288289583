"""Results of a back-test: in numbers beside the best baseline, and as files and figures."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.backtesting.figures import crps_by_distance_figure, pit_figure, reliability_figure
from forecast.backtesting.scored import OURS, BacktestScores
from forecast.files import forget, json_number, make_folder, write_csv, write_json, write_whole
from forecast.published import with_dates
from forecast.scoring.baselines import BASELINES, LOSS_BASELINES, TWO_STEP
from forecast.scoring.summary import DISTANCES, paired_bootstrap, pit_histogram, reliability, summary
from forecast.words import counted

METHODS = tuple(dict.fromkeys([*BASELINES, TWO_STEP, *LOSS_BASELINES]))


def record(scores: pd.DataFrame, *, seed: int = 1) -> dict[str, Any]:
    """The back-test of the averaged forecast: scores beside the best baseline and how honest intervals were.

    `scores` are lines of `forecast.backtesting.run.Track.scores`. The best baseline is chosen with hindsight, as the
    one of lowest mean CRPS on these very outcomes: a bar that no single baseline was known to reach before.
    """
    table = summary(scores).set_index("method")
    ours, others = table.loc[OURS], baselines(table)
    best = str(others.idxmin())
    pairs = paired_bootstrap(scores, method=OURS, against=best, seed=seed)
    return {
        "n": int(ours["n"]),
        "tasks": int(scores["task"].nunique()),
        "crps": json_number(ours["crps"]),
        "width_90": json_number(float(ours["width_90"])),
        "best_baseline": best,
        "best_baseline_crps": json_number(others[best]),
        "crps_ratio": {name: json_number(value) for name, value in pairs["ratio"].items()},
        "p_better": pairs["p_better"],
        **{
            f"coverage_{level}": {
                "share": float(ours[f"coverage_{level}"]),
                "low": float(ours[f"coverage_{level}_low"]),
                "high": float(ours[f"coverage_{level}_high"]),
            }
            for level in (50, 80, 90)
        },
        "tested_decades": float(scores.loc[scores["method"] == OURS, "decades_beyond"].max()),
        "tested_params_decades": _farthest_size(scores),
    }


def _farthest_size(scores: pd.DataFrame) -> float | None:
    """Decades of parameters beyond the training runs of the largest run that was forecast; None where unknown."""
    beyond = scores["params_beyond"].max() if "params_beyond" in scores else np.nan
    return float(beyond) if np.isfinite(beyond) else None


def distances(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """The record in each bin of distance beyond the largest training run."""
    beyond = scores[scores["decades_beyond"].notna()]
    by = summary(beyond, by=("distance", "method"))
    lines = []
    for distance in (name for name in DISTANCES if name in set(by["distance"].astype(str))):
        table = by[by["distance"].astype(str) == distance].set_index("method")
        ours, others = table.loc[OURS], baselines(table)
        lines.append(
            {
                **{"distance": distance, "n": int(ours["n"]), "crps": json_number(ours["crps"])},
                **{"best_baseline": str(others.idxmin()), "best_baseline_crps": json_number(others.min())},
                "coverage_90": float(ours["coverage_90"]),
            }
        )
    return lines


def baselines(table: pd.DataFrame) -> pd.Series:
    """Mean CRPS of the baselines that forecast every outcome that we did: others may have had the easy ones."""
    whole = table["n"] == table.loc[OURS, "n"]
    return table.loc[[name for name in METHODS if name in table.index and whole[name]], "crps"]


DATED: Mapping[str, Mapping[str, Mapping[str, str]]] = {  # columns of the files that hold places of dates
    "scores": {
        "places": {"log10_compute": "date", "log10_cut": "cut_date"},
        "distances": {"decades_beyond": "years_beyond"},
    },
    "thresholds": {"places": {name: f"{name}_date" for name in ("low", "high", "q05", "q50", "q95")}},
}
FILES = ("scores.csv", "thresholds.csv", "together.csv", "summary.json")
"""What `write_backtest` writes beside figures."""
FEWEST_OUTCOMES = 20  # with fewer, a histogram of ten bars shows chance
PRINTED = ("n", "crps", "log_score", "width_90", "coverage_50", "coverage_80", "coverage_90")


def write_backtest(
    tested: BacktestScores, verdict: Mapping[str, Any], folder: Path, *, table: str, seed: int
) -> dict[str, Any]:
    """Write the files into `folder`, each whole or not at all; answers what summary.json holds."""
    make_folder(folder)
    forget([folder / "summary.json"])  # of an earlier back-test; the new one comes last: where it is, all is there
    result = summarised(tested, verdict, table=table, seed=seed)
    for name, frame in {"scores": tested.scores, "thresholds": tested.thresholds}.items():
        told = with_dates(frame, **DATED[name]) if tested.scale.dated and len(frame) else frame
        write_csv(folder / f"{name}.csv", told)
    drawn = figures(tested, key="backtest")
    for name, figure in drawn.items():
        write_whole(folder / f"{name}.svg", partial(_write, text=figure))
    forget(folder / f"{name}.svg" for name in {"reliability", "pit"} - drawn.keys())  # an earlier one had more outcomes
    forget([folder / "together.csv"])
    if len(tested.together):
        write_csv(folder / "together.csv", tested.together)
    write_json(folder / "summary.json", result)
    return result


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def figures(tested: BacktestScores, *, key: str) -> dict[str, str]:
    """CRPS by distance and, from `FEWEST_OUTCOMES` on, reliability and PIT of the average and the baselines, as SVG."""
    shown = tested.scores[~tested.scores["method"].isin(tested.structures)]
    distances = summary(shown, by=("method", "distance"))
    found = {"crps_by_distance": str(crps_by_distance_figure(distances, unit=tested.scale.bins, key=key))}
    if outcomes_of(tested) < FEWEST_OUTCOMES:
        return found
    return found | {
        "reliability": str(reliability_figure(reliability(shown), key=key)),
        "pit": str(pit_figure(pit_histogram(shown), key=key)),
    }


def outcomes_of(tested: BacktestScores) -> int:
    """How many outcomes were forecast."""
    return int((tested.scores["method"] == OURS).sum())


def too_few(outcomes: int) -> str:
    """Why reliability and PIT are not drawn; empty where they are."""
    if outcomes >= FEWEST_OUTCOMES:
        return ""
    counts = f"{counted(outcomes, 'outcome')}, fewer than {FEWEST_OUTCOMES}"
    return f"{counts}: too few to draw the reliability of intervals and the histogram of PIT."


def summarised(tested: BacktestScores, verdict: Mapping[str, Any], *, table: str, seed: int) -> dict[str, Any]:
    """The back-test as plain values: methods, cuts, tasks, metrics, distances, pairs, thresholds, verdict."""
    scores = tested.scores
    others = [name for name in scores["method"].unique() if name != OURS]
    return {
        "table": table,
        "data_hash": tested.data_hash,
        "seed": seed,
        "verdict": dict(verdict),
        "methods": _lines(scores, "method"),
        "pairs": [paired_bootstrap(scores, method=OURS, against=name, seed=seed) for name in others],
        "cuts": [
            {"cut": cut, "runs": train, "hidden_runs": hidden, "weights": dict(tested.weights.get(cut, {}))}
            for cut, (train, hidden) in tested.runs.items()
        ],
        "by_cut": _lines(scores, "cut", "method"),
        "by_task": _lines(scores, "task", "method"),
        "by_metric": _lines(scores, "metric", "method"),
        "by_distance": _lines(scores, "distance", "method"),
        "together": _together(tested.together),
        "thresholds": _thresholds(tested.thresholds),
        "fits": tested.fits.to_dict("records"),
        "failed": dict(tested.failed),
    }


def _lines(scores: pd.DataFrame, *by: str) -> list[dict[str, Any]]:
    return summary(scores, by=by)[[*by, *PRINTED]].to_dict("records")


def _together(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean joint scores by method over groups of runs, and the CRPS of each task's typical and best hidden score.

    Each line holds what its event has: see `forecast.scoring.together.scored_together`.
    """
    if lines.empty:
        return []
    means = {name: (name, "mean") for name in ("energy_score", "variogram_score", "crps")}
    table = lines.groupby(["event", "method"], sort=False).agg(
        n=("n", "size"), **means, coverage_90=("inside_90", lambda inside: inside.astype(float).mean())
    )
    plain = table.reset_index().to_dict("records")
    return [{name: value for name, value in line.items() if not pd.isna(value)} for line in plain]


def _thresholds(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean ranked probability score by method and threshold; whether the truth lay inside the 90% interval."""
    if lines.empty:
        return []
    inside = (lines["q05"] <= lines["high"]) & (lines["q95"] >= lines["low"])
    table = lines.assign(inside_90=inside).groupby(["method", "at"], sort=False)
    means = table.agg(n=("rps", "size"), rps=("rps", "mean"), coverage_90=("inside_90", "mean"))
    return means.reset_index().to_dict("records")
