"""A track record as files, of tables that leave next to nothing to score."""

import json
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from conftest import SEED, refuse_constant

from forecast.backtest import OURS, THRESHOLD_COLUMNS, Track
from forecast.calibration import score_rows
from forecast.track_files import write_track
from forecast.trust import verdict

CUT = 22.0


def track_of(rows, **draws) -> Track:
    """A track of forecasts given as draws (draw, row)."""
    lines = [
        score_rows(np.asarray(own, dtype=float), rows, method=name, log10_cut=CUT, seed=SEED)
        for name, own in draws.items()
    ]
    scores = pd.concat(lines, ignore_index=True).assign(bed="table", cut="a cut", params_beyond=np.nan)
    empty = {field.name: {} for field in fields(Track) if field.name != "scale"}
    thresholds = pd.DataFrame([], columns=THRESHOLD_COLUMNS)
    fits = pd.DataFrame({"cut": ["a cut"], "structure": ["full"], "forecast_rhat": [1.0]})
    return Track(**empty | {"scores": scores, "thresholds": thresholds, "past": scores[:0], "fits": fits})


def rows_of(outcomes) -> pd.DataFrame:
    """A hidden run, or several, of one task."""
    count = len(outcomes)
    frame = pd.DataFrame({"model": [f"run {place}" for place in range(count)], "task": "sums", "metric": "exact_match"})
    successes = (1000 * np.asarray(outcomes)).astype(int)
    return frame.assign(score=outcomes, successes=successes, trials=1000, compute=10 ** (CUT + 0.5 + np.arange(count)))


@pytest.mark.parametrize(
    ("outcomes", "ours", "theirs"),
    [
        ([0.4], [[0.3], [0.5]], [[0.1], [0.2]]),  # one outcome: a bootstrap over one has no ends
        ([0.4], [[0.4], [0.4]], [[0.4], [0.4]]),  # both exact: a ratio of zeros
        ([0.4], [[0.4], [0.4]], [[0.1], [0.2]]),
        ([0.4], [[0.1], [0.2]], [[0.4], [0.4]]),  # an infinite ratio
        ([0.4, 0.4], [[0.3, 0.3], [0.5, 0.5]], [[0.1, 0.1], [0.2, 0.2]]),  # all outcomes equal
        ([0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_a_record_of_next_to_nothing_is_standard_json(tmp_path, outcomes, ours, theirs):
    track = track_of(rows_of(outcomes), **{OURS: ours, "linear": theirs})
    judged = verdict(track, runs=4, seed=SEED)
    write_track(track, judged, tmp_path, table="t.csv", seed=SEED)
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse_constant)
    assert summary["methods"][0]["n"] == len(outcomes)
    assert summary["verdict"]["trust"] == "do not trust" and "nan" not in judged["sentence"]
    if len(outcomes) == 1:
        assert summary["pairs"][0]["difference"]["q05"] == "-inf" and summary["pairs"][0]["p_better"] == 0.5
