"""Groups of runs scored together: what is grouped, the best and the typical score, and draws that move together."""

import numpy as np
import pandas as pd
import pytest

from forecast.scoring.joint import energy_score
from forecast.scoring.rows import crps
from forecast.scoring.together import scored_together
from tests.conftest import SEED

DRAWS = 400


def rows(metric="exact_match", **columns):
    """Two sizes of one recipe, two runs each, on one task."""
    table = {
        "model": list("abcd"), "task": "t", "metric": metric, "family": "f", "params": [1e9, 1e9, 3e9, 3e9],
        "compute": [1e20, 1.2e20, 4e20, 5e20], "successes": [10.0, 20.0, 30.0, 45.0], "trials": 100.0,
        "score": [0.1, 0.2, 0.3, 0.45], "date": pd.to_datetime(["2023-02-01", "2023-05-30", "2023-07-02", None]),
    }  # fmt: skip
    return pd.DataFrame(table | columns)


def draws_of(frame, *, correlation=0.5):
    rng = np.random.default_rng(SEED)
    shared, own = rng.standard_normal((DRAWS, 1)), rng.standard_normal((DRAWS, len(frame)))
    return frame["score"].to_numpy() + 0.05 * (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


def test_runs_of_a_size_are_a_group_and_by_date_those_of_a_half_year():
    frame = rows()
    draws = draws_of(frame)
    found = scored_together({"ours": draws}, frame, by_date=False)
    groups = found[found["event"] == "group"]
    assert groups["of"].tolist() == ["f, size 1e+09", "f, size 3e+09"] and groups["n"].tolist() == [2, 2]
    expected = energy_score(draws[:, :2], frame["score"].to_numpy()[:2])
    assert groups["energy_score"].iloc[0] == pytest.approx(expected)
    dated = scored_together({"ours": draws}, frame, by_date=True)
    groups = dated[dated["event"] == "group"]
    assert groups["of"].tolist() == ["half-year from 2023.0"]  # the other has one run, one has no date


def test_the_typical_score_is_the_mean_and_the_best_the_largest_or_of_a_loss_the_smallest():
    for metric, best in (("exact_match", "max"), ("loss", "min")):
        frame = rows(metric)
        draws = draws_of(frame)
        found = scored_together({"ours": draws}, frame, by_date=False).set_index("event")
        for event, of in (("typical", "mean"), ("best", best)):
            forecast, outcome = getattr(draws, of)(axis=1), getattr(frame["score"].to_numpy(), of)()
            assert found["crps"][event] == pytest.approx(crps(forecast[:, None], np.array([outcome]))[0])
            assert bool(found["inside_90"][event])


def test_lone_rows_are_left_out():
    frame = rows(family=list("fghi"), task=list("stuv"))
    assert scored_together({"ours": draws_of(frame)}, frame, by_date=False).empty
