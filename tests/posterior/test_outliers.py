"""Rows that surprise: a broken row inside a chain of counts of the same answers, and a broken loss, found and named."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.posterior.outliers import outliers
from forecast.table.dataset import observations, read_table
from tests.conftest import SEED


@pytest.fixture(scope="module")
def found_with(answer_fitted, answer_table):
    """The surprising rows of the posterior where cells of one row are changed, and the line of that row."""

    def found(task, metric, *, run="run 6", **cells):
        frame = read_table(answer_table)
        own = (frame["task"] == task) & (frame["metric"] == metric) & (frame["model"] == run)
        for name, value in cells.items():
            frame.loc[own, name] = value
        if "successes" in cells:
            frame.loc[own, "score"] = frame["successes"] / frame["trials"]
        changed = replace(answer_fitted, data=observations(frame))
        assert changed.data.task.equals(answer_fitted.data.task)
        return outliers(changed, seed=SEED), int(frame.index[own][0])

    return found


def frame_of(table, run, metric):
    """Rows of the sums of a run in one metric."""
    frame = read_table(table)
    return frame[(frame["model"] == run) & (frame["metric"] == metric) & (frame["task"] == "sums")]


def test_no_row_of_the_table_as_it_is_is_called_broken(answer_fitted):
    rows = outliers(answer_fitted, seed=SEED)
    assert all(row["p_broken"] < 0.5 for row in rows) and len(rows) <= 1


def test_exact_match_of_nothing_among_answers_that_are_half_right_is_broken(found_with):
    """The row that it is counted out of is as expected, and so is every row of another run."""
    rows, line = found_with("sums", "exact_match", successes=0)
    assert rows[0]["row"] == line and rows[0]["p_broken"] > 0.9 and rows[0]["tail"] < 0.01
    assert (rows[0]["model"], rows[0]["task"], rows[0]["score"]) == ("run 6", "sums [exact_match]", 0.0)
    others = {(row["model"], row["task"]) for row in rows[1:] if row["p_broken"] > 0.5}
    assert others <= {("run 6", "sums [token_accuracy]")}  # counted out of the answers that are not all right: of all
    low, high = rows[0]["expected"]["q05"], rows[0]["expected"]["q95"]
    assert 0.1 < low < rows[0]["expected"]["q50"] < high <= 1.0


def test_what_is_expected_is_a_share_of_all_answers(found_with, answer_table):
    """Of run 1 half of the answers are half right, and a third of these are all right: 16% of all."""
    rows, line = found_with("sums", "exact_match", run="run 1", successes=0)
    expected = next(row["expected"] for row in rows if row["row"] == line)
    assert expected["q05"] < frame_of(answer_table, "run 1", "exact_match")["score"].item() < expected["q95"] < 0.3


def test_tokens_of_nothing_beyond_exact_match_are_broken(found_with, answer_table):
    whole = frame_of(answer_table, "run 3", "exact_match")
    tokens = 4 * int(whole["successes"].iloc[0])  # no token right of the answers that are not all right
    rows, line = found_with("sums", "token_accuracy", run="run 3", successes=tokens)
    assert rows[0]["row"] == line and rows[0]["p_broken"] > 0.9
    assert rows[0]["score"] == whole["score"].iloc[0] < rows[0]["expected"]["q05"]  # a share of all tokens


@pytest.mark.parametrize("task", ["sums", "words", "validation"])
def test_a_loss_three_times_too_large_is_named_by_its_tail(found_with, task):
    rows, line = found_with(task, "loss", score=9.0)
    assert rows[0]["row"] == line and rows[0]["tail"] < 0.002 and rows[0]["p_broken"] == 0.0
    assert rows[0]["score"] == 9.0 and 0 < rows[0]["expected"]["q05"] < rows[0]["expected"]["q95"] < 9.0


def test_broken_rows_come_before_those_in_a_tail(found_with, answer_fitted, answer_table):
    frame = read_table(answer_table)
    loss = (frame["task"] == "validation") & (frame["model"] == "run 2")
    whole = (frame["task"] == "words") & (frame["metric"] == "exact_match") & (frame["model"] == "run 6")
    frame.loc[loss, "score"] = 20.0
    frame.loc[whole, ["score", "successes"]] = 0
    rows = outliers(replace(answer_fitted, data=observations(frame)), seed=SEED)
    assert [row["row"] for row in rows[:2]] == [frame.index[whole][0], frame.index[loss][0]]


def test_where_every_row_is_taken_for_sound_none_is_called_broken_but_the_tail_shows_it(found_with, answer_fitted):
    rows, line = found_with("sums", "exact_match", successes=0)
    assert rows[0]["p_broken"] > 0.9
    parts, data = replace(answer_fitted.parts, outliers=False), answer_fitted.data
    zero = data.successes.where(data.observation != line, 0.0)
    believed = replace(answer_fitted, parts=parts, data=data.assign(successes=zero))
    first = outliers(believed, seed=SEED)[0]
    assert first["row"] == line and first["p_broken"] == 0.0 and first["tail"] < 0.01


def test_the_same_seed_names_the_same_rows(found_with):
    (first, _), (again, _) = (found_with("validation", "loss", score=9.0) for _ in range(2))
    assert first == again and np.isfinite(first[0]["tail"])
