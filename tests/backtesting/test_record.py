"""A back-test as files, of tables that leave next to nothing to score."""

import json
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from forecast.backtesting.record import too_few, write_backtest
from forecast.backtesting.run import BacktestResult
from forecast.backtesting.scored import OURS, THRESHOLD_COLUMNS
from forecast.backtesting.verdict import verdict
from forecast.errors import ForecastError
from forecast.report.views.backtest import stored_view
from forecast.scoring.rows import score_rows
from tests.conftest import SEED, refuse_constant

CUT = 22.0


def track_of(rows, **draws) -> BacktestResult:
    """A back-test of forecasts given as draws (draw, row)."""
    lines = [
        score_rows(np.asarray(own, dtype=float), rows, method=name, log10_cut=CUT, seed=SEED)
        for name, own in draws.items()
    ]
    scores = pd.concat(lines, ignore_index=True).assign(bed="table", cut="a cut", params_beyond=np.nan)
    empty = {field.name: {} for field in fields(BacktestResult) if field.name not in ("scale", "data_hash")}
    thresholds = pd.DataFrame([], columns=THRESHOLD_COLUMNS)
    fits = pd.DataFrame({"cut": ["a cut"], "structure": ["full"], "forecast_rhat": [1.0]})
    empty["together"] = pd.DataFrame()
    return BacktestResult(**empty | {"scores": scores, "thresholds": thresholds, "fits": fits})


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
    tested = track_of(rows_of(outcomes), **{OURS: ours, "linear": theirs})
    judged = verdict(tested, runs=4, seed=SEED)
    write_backtest(tested, judged, tmp_path, table="t.csv", seed=SEED)
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse_constant)
    assert summary["methods"][0]["n"] == len(outcomes)
    assert summary["verdict"]["trust"] == "do not trust" and "nan" not in judged["sentence"]
    if len(outcomes) == 1:
        assert summary["pairs"][0]["difference"]["q05"] == "-inf" and summary["pairs"][0]["p_better"] == 0.5


def test_reliability_and_pit_are_drawn_from_twenty_outcomes_on(tmp_path):
    for count in (19, 20):
        rows = rows_of([0.4] * count)
        spread = np.linspace(0.2, 0.6, 9)[:, None] + np.zeros(count)
        tested = track_of(rows, **{OURS: spread, "linear": spread})
        write_backtest(tested, verdict(tested, runs=6, seed=SEED), tmp_path / str(count), table="t.csv", seed=SEED)
    drawn = [{path.stem for path in (tmp_path / str(count)).glob("*.svg")} for count in (19, 20)]
    assert drawn == [{"crps_by_distance"}, {"crps_by_distance", "reliability", "pit"}]
    assert "19 outcomes, fewer than 20" in too_few(19) and too_few(20) == ""


def test_a_record_on_disk_is_shown_with_its_table_and_refused_with_another(tmp_path):
    tested = replace(track_of(rows_of([0.4]), **{OURS: [[0.3], [0.5]], "linear": [[0.1], [0.2]]}), data_hash="abc")
    judged = verdict(tested, runs=4, seed=SEED)
    write_backtest(tested, judged, tmp_path, table="t.csv", seed=SEED)
    view = stored_view(tmp_path, data_hash="abc")
    assert view["verdict"]["reasons"] == judged["reasons"] and view["methods"][0]["method"] == OURS
    with pytest.raises(ForecastError, match="of another table; make one by `forecast backtest"):
        stored_view(tmp_path, data_hash="abd")
    with pytest.raises(ForecastError, match="cannot be read"):
        stored_view(tmp_path / "none", data_hash="abc")
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(ForecastError, match="no back-test of this version"):
        stored_view(tmp_path, data_hash="abc")


def test_figures_of_an_earlier_back_test_are_gone_where_a_later_one_has_too_few_outcomes(tmp_path):
    for name in ("reliability", "pit"):
        (tmp_path / f"{name}.svg").write_text("of many outcomes")
    tested = track_of(rows_of([0.4]), **{OURS: [[0.3], [0.5]], "linear": [[0.1], [0.2]]})
    write_backtest(tested, verdict(tested, runs=4, seed=SEED), tmp_path, table="t.csv", seed=SEED)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["crps_by_distance.svg"]
