import base64
import json

import numpy as np
import pandas as pd

from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold
from forecast.report.content import task_forecast
from forecast.report.live import data as live
from forecast.report.live.data import live_data
from forecast.report.live.views import packed, whole
from forecast.table.dataset import observations, read_table


def data_of(fit, *at, **options):
    tasks = [task_forecast(fit, task, each) for task in rate_tasks(fit) for each in at or (0.5,)]
    return live_data(fit, tasks, **{"headline": tasks[0].task} | options)


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_the_data_are_plain_json_with_every_rate_and_each_of_its_thresholds(answer_fitted):
    found = json.loads(json.dumps(data_of(answer_fitted, 0.5, 0.8, headline="picks"), allow_nan=False))
    assert [task["name"] for task in found["tasks"]] == rate_tasks(answer_fitted)
    assert found["tasks"][found["start"]]["name"] == "picks"
    assert all(task["at"] == [0.5, 0.8] and len(task["points"]) == 8 for task in found["tasks"])


def test_packed_thresholds_are_those_of_forecast_threshold_to_a_ten_millionth_of_a_decade(fitted):
    task = data_of(fitted)["tasks"][0]
    view = task["views"][0]
    ends = unpacked(view["interval"], "<i4").reshape(-1, 3)
    never = unpacked(view["never"], "<i4")
    for at in (0.05, 0.5, 0.95):
        place = view["scores"].index(at)
        answer = threshold(fitted, task["name"], at)
        expected = [float(answer["log10_compute"][name]) for name in ("q05", "q50", "q95")]
        finite = np.isfinite(expected)
        assert np.allclose(ends[place][finite] * 1e-7, np.array(expected)[finite], atol=1e-7)
        endless = np.array(expected)[~finite]
        limits = np.iinfo(np.int32)
        assert (ends[place][~finite] == np.where(endless > 0, limits.max, limits.min)).all()
        assert never[place] / fitted.posterior.sizes["draw"] / fitted.posterior.sizes["chain"] == answer["p_never"]


def test_whole_numbers_keep_infinities_at_their_ends_and_clip_what_is_out_of_range():
    found = whole(np.array([np.inf, -np.inf, 1e9, -1e9, 0.0126]), 1e-3, np.int16)
    assert found.tolist() == [32767, -32768, 32766, -32767, 13]
    assert unpacked(packed(np.array([1, -2]), "<i2"), "<i2").tolist() == [1, -2]


def test_the_typical_curve_comes_first_and_families_where_runs_differ_by_them(answer_fitted, fitted):
    found = data_of(answer_fitted)
    assert found["curves"][0] == "typical of 2 families" and set(found["curves"][1:]) == {"recipe 0", "recipe 1"}
    assert [view["curve"] for view in found["tasks"][0]["views"]] == [0, 1, 2]
    assert len(found["families"]) == 2 and found["families"][0][1].startswith("#")
    assert [len(task["views"]) for task in data_of(fitted)["tasks"]] == [1, 1, 1, 1]


def test_the_family_of_the_report_is_shown_first(answer_fitted):
    assert data_of(answer_fitted, family="recipe 1")["curves"] == ["recipe 1", "typical of 2 families", "recipe 0"]


def test_where_tasks_are_many_only_the_headline_keeps_its_families(answer_fitted, monkeypatch):
    monkeypatch.setattr(live, "MOST_VIEWS", 4)
    views = [len(task["views"]) for task in data_of(answer_fitted, headline="picks")["tasks"]]
    assert sorted(views) == [1, 1, 1, 1, 3]


def test_points_have_their_wilson_interval_and_those_not_seen_are_marked(fitted, table):
    frame = read_table(table)
    hidden = frame[frame["task"] == "addition"].tail(1).assign(model="hidden", compute=1e24)
    tasks = [task_forecast(fitted, "addition", 0.5, observations(pd.concat([frame, hidden])))]
    found = live_data(fitted, tasks, headline="addition")
    points = found["tasks"][0]["points"]
    assert [found["runs"][point[0]][0] for point in points if point[4]] == ["hidden"]
    assert all(point[2] <= point[1] <= point[3] for point in points)
