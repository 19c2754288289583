"""The track record of a table in numbers: the average beside the best baseline, as a whole and by distance."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest import OURS
from forecast.baselines import BASELINES, LOSS_BASELINES, TWO_STEP
from forecast.calibration import DISTANCES, paired_bootstrap, summary
from forecast.store import json_number

METHODS = tuple(dict.fromkeys([*BASELINES, TWO_STEP, *LOSS_BASELINES]))


def record(scores: pd.DataFrame, *, seed: int = 1) -> dict[str, Any]:
    """The track record of the averaged forecast: scores beside the best baseline and how honest intervals were.

    `scores` are lines of `forecast.backtest.Track.scores`. The best baseline is chosen with hindsight, as the one of
    lowest mean CRPS on these very outcomes: a bar that no single baseline was known to reach before.
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
