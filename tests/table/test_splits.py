"""Splits: who is seen, who is hidden, who is neither, and what is said of a cut that leaves too little."""

import numpy as np
import pandas as pd
import pytest

from forecast.errors import ForecastError
from forecast.table.splits import Split, latest, leave_one_family_out, params_beyond
from models.dates import log10_compute_of

LADDER = tuple(f"run {place}" for place in range(10))


def frame_of(*, tasks=("sums",), models=LADDER, **columns) -> pd.DataFrame:
    """Runs a factor of ten apart, the first of 1e18 FLOP, each with a row on every task."""
    number = len(models)
    facts = {"model": models, "compute": 10.0 ** (18 + np.arange(number)), "family": "all"}
    facts |= {"date": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * np.arange(number), unit="D")}
    runs = pd.DataFrame(facts | columns)
    rows = runs.merge(pd.DataFrame({"task": tasks}), how="cross")
    return rows.assign(metric="exact_match", k=np.nan, length=np.nan).set_axis(range(2, len(rows) + 2))


def runs_of(part: pd.DataFrame) -> list[str]:
    return part["model"].drop_duplicates().tolist()


def sides(split: Split, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    seen, hidden = split.parts(frame)
    return runs_of(seen), runs_of(hidden)


# Who is on which side


@pytest.mark.parametrize(
    "split",
    [Split(by="compute", at=1e25), Split(by="date", at="2021-12-01"), Split(by="model", at=LADDER[7:])],
    ids=lambda split: split.by,
)
def test_the_run_at_the_cut_is_hidden_and_all_below_are_seen(split):
    frame = frame_of()
    assert frame["date"][frame["model"] == "run 7"].item() == pd.Timestamp("2021-12-01")
    assert sides(split, frame) == (list(LADDER[:7]), list(LADDER[7:]))


def test_a_family_that_is_left_out_is_hidden_whole_and_no_other_is():
    frame = frame_of(family=["old", "new"] * 5)
    assert sides(Split(by="family", at="new"), frame) == (list(LADDER[0::2]), list(LADDER[1::2]))


def test_named_runs_are_hidden_wherever_they_lie():
    seen, hidden = sides(Split(by="model", at=("run 2", "run 6")), frame_of())
    assert hidden == ["run 2", "run 6"] and seen == [name for name in LADDER if name not in hidden]


def test_a_run_without_a_date_is_on_neither_side():
    frame = frame_of()
    undated = frame.assign(date=frame["date"].mask(frame["model"].isin(["run 1", "run 8"])))
    seen, hidden = sides(Split(by="date", at="2021-12-01"), undated)
    assert seen == [name for name in LADDER[:7] if name != "run 1"] and hidden == ["run 7", "run 9"]


def test_rows_are_hidden_only_on_tasks_that_have_a_training_row_and_all_training_rows_are_seen():
    frame = frame_of(tasks=("sums", "late", "early"))
    late, early = (frame["task"] == name for name in ("late", "early"))
    frame = frame[~(late & (frame["compute"] < 1e25)) & ~(early & (frame["compute"] >= 1e25))]
    seen, hidden = Split(by="compute", at=1e25).parts(frame)
    assert set(hidden["task"]) == {"sums"} and set(seen["task"]) == {"sums", "early"}
    assert hidden.index.isin(frame.index).all() and not hidden.index.isin(seen.index).any()


def test_another_metric_of_a_task_that_was_seen_is_another_task():
    frame = frame_of(tasks=("sums", "sums"))
    second = frame.duplicated(["model", "task"])
    frame = frame.assign(metric=frame["metric"].mask(second, "token_accuracy"))
    hidden = Split(by="compute", at=1e25).parts(frame[~second | (frame["compute"] >= 1e25)])[1]
    assert set(hidden["metric"]) == {"exact_match"} and len(hidden) == 3


@pytest.mark.parametrize(
    ("split", "name"),
    [
        (Split(by="compute", at=2.4e22), "runs below 2.4e22 FLOP"),
        (Split(by="date", at="2021-06-01"), "runs before 2021-06-01"),
        (Split(by="family", at="GPT-3"), "runs without family GPT-3"),
        (Split(by="model", at=("a", "b")), "runs without a, b"),
    ],
)
def test_a_split_is_named_in_words(split, name):
    assert split.name == name


def test_distance_is_counted_from_the_largest_run_seen():
    frame = frame_of()
    hidden = Split(by="compute", at=3e24), Split(by="family", at="x")
    for split in (*hidden, Split(by="date", at="2021-12-01"), Split(by="model", at=LADDER[7:])):
        assert split.log10_cut(frame[:7]) == pytest.approx(24.0)


def test_sizes_are_compared_with_the_largest_that_was_learned_from():
    frame = frame_of(params=10.0 ** (6 + np.arange(10)))
    rows = frame[7:].assign(params=[1e12, 2e13, np.nan])
    np.testing.assert_allclose(params_beyond(frame[:7], rows), [0.0, np.log10(20.0), np.nan])
    assert list(params_beyond(frame[:7], rows).index) == list(rows.index)
    for sizes in (1e9, np.nan):  # one size for all, or unknown: then it is not what varies
        assert params_beyond(frame[:7].assign(params=sizes), rows).isna().all()


# Cuts that leave too little


@pytest.mark.parametrize(
    ("split", "numbers"),
    [
        (Split(by="compute", at=1e20), ("2 runs to fit and 8 to score", "1e18 to 1e27 FLOP")),
        (Split(by="compute", at=1e28), ("10 runs to fit and 0 to score", "1e18 to 1e27 FLOP")),
        (Split(by="date", at="2019-01-01"), ("0 runs to fit and 0 to score", "2020-01-01 to 2022-06-19")),
        (Split(by="family", at="other"), ("10 runs to fit and 0 to score", "families are 'all'")),
        (Split(by="model", at=LADDER[:8]), ("2 runs to fit and 8 to score", "holds 10 runs")),
    ],
    ids=["two left", "none hidden", "before all", "no such family", "too many named"],
)
def test_a_cut_that_leaves_too_little_is_refused_with_the_numbers_and_what_the_table_spans(split, numbers):
    with pytest.raises(ForecastError) as caught:
        split.checked(frame_of())
    for expected in (*numbers, f"'{split.name}'", "at least 3 and 1 are needed"):
        assert expected in str(caught.value)


def test_a_table_without_dates_is_said_to_have_none():
    with pytest.raises(ForecastError, match="the table has no dates"):
        Split(by="date", at="2021-01-01").checked(frame_of(date=pd.NaT))


def test_a_cut_that_leaves_three_runs_and_hides_one_is_itself():
    for split, frame in ((Split(by="compute", at=1e21), frame_of()), (Split(by="compute", at=1e27), frame_of())):
        assert split.checked(frame) is split
    assert Split(by="compute", at=1e21).checked(frame_of(models=LADDER[:4]))


# The cut where none is given


@pytest.mark.parametrize(("runs", "hidden"), [(4, 1), (5, 2), (7, 2), (10, 3), (20, 6), (40, 12)])
@pytest.mark.parametrize("by", ["compute", "date"])
def test_about_three_in_ten_of_the_runs_are_hidden_the_largest_or_latest(by, runs, hidden):
    models = tuple(f"run {place}" for place in range(runs))
    backwards = pd.Timestamp("2022-01-01") - pd.to_timedelta(10 * np.arange(runs), unit="D")
    frame = frame_of(models=models, date=backwards)
    split = latest(frame, by)
    late = models[-hidden:] if by == "compute" else models[:hidden]
    assert split.by == by and sides(split, frame)[1] == list(late)
    assert split.checked(frame.sample(frac=1, random_state=1)) is split


def test_a_run_counts_once_however_many_rows_it_has():
    frame = frame_of()
    copies = pd.concat([frame, *[frame[frame["model"] == "run 9"].assign(task=f"t{i}") for i in range(40)]])
    assert latest(copies.set_axis(range(len(copies)))) == latest(frame) == Split(by="compute", at=1e25)


def test_runs_of_equal_compute_stay_together_and_three_are_left():
    frame = frame_of(models=LADDER[:8], compute=[1e18] * 3 + [1e20] * 5)
    assert sides(latest(frame), frame) == (list(LADDER[:3]), list(LADDER[3:8]))
    two_below = frame_of(models=LADDER[:8], compute=[1e18] * 2 + [1e20] * 5 + [1e21])
    assert sides(latest(two_below), two_below)[1] == ["run 7"]


@pytest.mark.parametrize(
    "frame",
    [
        frame_of(models=LADDER[:3]),
        frame_of(compute=1e20),
        frame_of(models=LADDER[:2]),
        frame_of(models=LADDER[:4]).assign(task=["a", "a", "a", "b"]),
    ],
    ids=["three runs", "one compute", "two runs", "nothing to score"],
)
def test_no_split_is_better_than_one_that_cannot_be_scored(frame):
    assert latest(frame) is None


def dated_frame() -> pd.DataFrame:
    """A table without compute, as it is read: places of dates stand in its stead."""
    frame = frame_of()
    return frame.assign(compute=10.0 ** log10_compute_of(frame["date"].to_numpy()))


def test_where_dates_are_the_scale_the_latest_are_hidden_by_date_and_a_cut_in_flop_is_refused():
    frame = dated_frame()
    found = latest(frame)
    assert found is not None and (found.by, found.name) == ("date", f"runs before {found.at}")
    assert sides(found, frame) == (list(LADDER[:7]), list(LADDER[7:]))
    with pytest.raises(ForecastError, match=r"holds no compute, dates are its scale; cut by date"):
        Split(by="compute", at=1e22).checked(frame)
    assert latest(frame_of()).by == "compute"


def test_a_table_without_dates_has_no_split_by_date():
    assert latest(frame_of(date=pd.NaT), "date") is None


def test_every_family_is_left_out_once_in_order_of_name():
    splits = leave_one_family_out(frame_of(family=["b", "a"] * 5))
    assert splits == [Split(by="family", at="a"), Split(by="family", at="b")]


def test_families_without_which_nothing_can_be_fitted_or_scored_are_passed_over():
    assert leave_one_family_out(frame_of()) == []  # one family only
    most = frame_of(family=["most"] * 8 + ["few"] * 2)
    assert leave_one_family_out(most) == [Split(by="family", at="few")]
    own_task = most.assign(task=np.where(most["family"] == "few", "its own", "sums"))
    assert leave_one_family_out(own_task) == []
