"""Scores: percentages, ratings and perplexities are refused or named; rounding and chance are weighed."""

import math

import pytest

from forecast.study.file import write_template
from forecast.table.checks.hints import looks_like, metric_remedy
from forecast.table.dataset import read_table

COMPUTE = ["1e20", "1e21", "1e22", "1e23"]
LOSS = {"metric": "loss", "trials": "", "compute": COMPUTE}


@pytest.mark.parametrize(
    "scores", [["80.3", "31", "12.5", "6.2"], ["22.1", "17.4", "12", "9.1"], ["3e4", "900", "60", "14"]]
)
def test_perplexities_are_no_losses_and_their_logs_are_typed_out(refused, scores):
    error = refused(score=scores, **LOSS)
    assert "rows 2-5" in error and "--metric perplexity" in error
    assert f"write its natural log, {math.log(float(scores[0])):.4g}" in error


@pytest.mark.parametrize(("task", "words"), [("wiki ppl", "ln(12.1) = 2.493"), ("val_bpb", "multiply by 0.6931")])
def test_losses_named_like_perplexity_or_bits_are_said(said, task, words):
    (sentence,) = said(task=task, score=["12.1", "9", "5.5", "3.9"], **LOSS)
    assert words in sentence


def test_losses_of_first_checkpoints_pass_with_a_word(said):
    (sentence,) = said(score=["14.2", "6", "3.1", "2.2"], **LOSS)
    assert "first checkpoints" in sentence
    assert said(score=["9.9", "6", "3.1", "2.2"], **LOSS) == []


def test_a_ladder_that_never_learns_is_asked_whether_it_is_in_perplexity(said):
    (sentence,) = said(score=["12.6", "9", "7.5", "6.1"], **LOSS)
    assert "No loss of t is below 6.1" in sentence


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (["12.5", "44", "61", "70.2"], "write 0.125, 0.44, 0.61, ..."),
        (
            ["0.125", "0.4", "61", "70.2"],
            "rows 4-5, column 'score', values '61', '70.2': lies outside [0, 1], though other",
        ),
        (["1010", "1105", "1180", "1254"], "looks like a rating such as Elo"),
    ],
)
def test_scores_that_are_no_rates_are_refused_with_what_they_look_like(refused, scores, words):
    assert words in refused(score=scores, compute=COMPUTE)


def test_scores_significantly_below_chance_are_said_with_task_and_rows(said):
    given = {"metric": "choice", "chance": "0.25", "compute": COMPUTE, "task": "sums"}
    (sentence,) = said(score=["0.004", "0.011", "0.023", "0.301"], **given)
    assert "sums (0.004 to 0.023 in rows 2-4, chance 0.25)" in sentence and "--metric 'sums=exact_match'" in sentence
    assert said(score=["0.241", "0.238", "0.252", "0.301"], **given) == []


def test_a_few_items_each_below_chance_are_said_together(said):
    scores = ["0.1", "0.15", "0.1", "0.05"]
    (sentence,) = said(score=scores, metric="choice", chance="0.5", trials="20", compute=COMPUTE)
    assert "below chance" in sentence


def test_a_score_that_is_no_share_of_the_trials_is_said(said):
    (sentence,) = said(score=["0.337", "0.412", "0.55", "0.61"], trials="100", compute=COMPUTE)
    assert "t (rows 2-3)" in sentence and "0.337 x 100 = 33.7" in sentence
    assert said(score=["0.333", "0.667", "0.333", "1.0"], trials="3", compute=COMPUTE) == []


def test_a_rounded_zero_counts_as_the_items_that_the_rounding_leaves(said, columns):
    cells = {"score": ["0.000", "0.002", "0.005", "0.031"], "trials": "50000", "compute": COMPUTE}
    (sentence,) = said(**cells)
    assert "rounded to 0.001, which is 50 of 50000 items" in sentence and "Give successes" in sentence
    frame = read_table(columns(**cells))
    assert frame["trials"].tolist()[0] == round(2 * math.log(2) / 0.001) and frame["successes"].tolist()[0] == 0
    half = 0.5 ** (1 / frame["trials"].tolist()[0])  # a rate at the edge of the rounding is as likely as not
    assert 1 - half == pytest.approx(0.0005, rel=1e-2)
    assert (frame["trials"].iloc[:3] < 50000).all() and frame["score"].tolist() == [0.0, 0.002, 0.005, 0.031]


@pytest.mark.parametrize(
    "cells",
    [
        {"score": ["0.00002", "0.00214", "0.00502", "0.0313"], "trials": "50000"},  # all digits are there
        {"score": ["0.1", "0.2", "0.3", "0.5"], "trials": "1000"},  # typed as they are
        {"score": ["0.31", "0.42", "0.55", "0.61"], "trials": "1000"},  # the items limit what is known
        {"score": ["0.00", "0.02", "0.05", "0.31"], "trials": "50000", "successes": ["37", "1011", "2400", "15700"]},
    ],
)
def test_items_all_count_where_rounding_does_not_matter(columns, cells):
    assert read_table(columns(compute=COMPUTE, **cells))["trials"].eq(int(cells["trials"])).all()


def test_dates_ahead_of_today_and_wide_computes_are_said(said):
    sentences = said(compute=COMPUTE, date=["2020-01-01", "2021-01-01", "2022-01-01", "2187-03-01"])
    assert any("dated ahead of today, up to 2187-03-01" in each for each in sentences)
    (sentence,) = said(compute=COMPUTE, compute_sd=["0", "0.3", "0.3", "2"])
    assert "known to a factor of 100" in sentence and "write 0.3" in sentence


@pytest.mark.parametrize("name", ["accuracy", "acc", "em", "pass@1", "Acc_Norm", "solve rate", "exact"])
def test_a_share_of_right_answers_by_another_name_is_exact_match_or_choice(name):
    assert metric_remedy(name).startswith("write exact_match, or choice among given answers")


@pytest.mark.parametrize("name", ["elo", "win_rate", "F1", "bleu", "rougeL", "AUROC"])
def test_what_counts_nothing_right_or_wrong_is_no_metric(name):
    assert "cannot be read as a share of items that are right" in metric_remedy(name)


@pytest.mark.parametrize(
    ("name", "score", "loss"), [("perplexity", 20.0, "2.996"), ("ppl", 5.0, "1.609"), ("bpb", 1.0, "0.6931")]
)
def test_a_loss_in_other_words_is_turned_into_one(name, score, loss):
    assert metric_remedy(name, score).startswith("write loss") and f": {loss}." in metric_remedy(name, score)


def test_pass_at_k_by_name_says_what_to_write_into_k():
    assert metric_remedy("pass@8").startswith("write pass_at_k, and 8 in the column k")


@pytest.mark.parametrize(
    ("column", "header"),
    [
        *(("score", "accuracy"), ("trials", "n"), ("tokens", "train_tokens"), ("compute", "FLOPs")),
        *(("params", "n_params"), ("model", "model_name"), ("task", "Benchmark"), ("date", "release date")),
        *(("chance", "random_baseline"), ("family", "familly"), ("trials", "num_samples")),
    ],
)
def test_a_missing_column_is_found_by_what_people_call_it(column, header):
    assert looks_like(column, ["note", header, "zzz"]) == header
    assert looks_like(column, ["note", "zzz"]) is None


def test_missing_columns_are_named_with_what_to_rename(tmp_path, refused, columns):
    path = columns(compute=COMPUTE)
    text = path.read_text().replace("score", "accuracy", 1).replace("trials", "n", 1)
    path.write_text(text)
    with pytest.raises(Exception, match="rename 'n' to trials") as caught:
        read_table(path)
    assert "rename 'accuracy' to score" in str(caught.value)


def test_an_optional_column_by_another_name_is_said(said):
    (sentence,) = said(compute=COMPUTE, release_date="2020-01-01")
    assert "rename 'release_date' to date" in sentence


def test_pass_at_k_that_falls_in_more_attempts_is_said(said):
    cells = {"model": ["a", "a", "b", "b", "c", "c"], "metric": "pass_at_k", "k": ["1", "8"] * 3}
    cells["compute"] = ["1e21", "1e21", "1e22", "1e22", "1e23", "1e23"]
    (first, *_) = said(score=["0.1", "0.2", "0.2", "0.1", "0.3", "0.3"], **cells)
    assert "falls in more attempts, which it cannot, in row 5: b has 0.2 in 1 and 0.1 in 8" in first
    assert not any("attempts" in each for each in said(score=["0.1", "0.2", "0.2", "0.3", "0.3", "0.3"], **cells))


def test_several_chances_in_one_task_are_said_with_their_rows_and_what_is_used(said):
    cells = {"metric": "choice", "score": ["0.26", "0.27", "0.5", "0.61"], "compute": COMPUTE}
    (sentence,) = said(chance=["0.25", "0.25", "0.5", "0.25"], **cells)
    assert "Task t has 2 chances (0.25 in rows 2-3, 5, 0.5 in row 4)" in sentence
    assert "Their mean over its rows, 0.312, is used for all" in sentence
    (blank,) = said(chance=["0.25", "0.25", "", "0.25"], **cells)
    assert "0 in row 4, 0.25 in rows 2-3, 5), where a blank is 0" in blank
    assert said(chance="0.25", **cells) == []
    assert said(chance=["0.25", "0.25", "0.5", "0.5"], **cells | {"task": ["a", "a", "b", "b"]}) == []


def test_rows_below_chance_are_named_with_the_chance_that_they_have(said):
    cells = {"metric": "choice", "score": ["0.15", "0.16", "0.3", "0.61"], "compute": COMPUTE}
    (_, sentence) = said(chance=["0.25", "0.25", "0.5", "0.25"], **cells)
    assert "t (0.15 to 0.16 in rows 2-3, chance 0.25), t (0.3 to 0.3 in row 4, chance 0.5)" in sentence
    cells["score"] = ["0.26", "0.27", "0.3", "0.61"]
    (_, sentence) = said(chance=["0.25", "0.25", "0.5", "0.25"], **cells)
    assert "below chance: t (0.3 to 0.3 in row 4, chance 0.5). If" in sentence


@pytest.mark.parametrize(
    ("task", "chance"),
    [("Trivia MC (4 options)", "0.25"), ("quiz 5-way", "0.2"), ("multiple_choice law", "P"), ("law MCQ", "P")],
)
def test_generated_answers_that_are_named_like_a_choice_and_never_below_guessing_are_said(said, task, chance):
    scores = {"score": ["0.248", "0.27", "0.3", "0.61"], "compute": COMPUTE, "task": task}
    (sentence,) = said(**scores)
    assert f"By name {task} is a choice among given answers, and no score is below 0.248" in sentence
    assert f"--metric '{task}=choice' --chance '{task}={chance}'" in sentence
    assert said(metric="choice", chance="0.25", **scores) == []
    assert said(**scores | {"score": ["0.004", "0.27", "0.3", "0.61"]}) == []
    assert said(**scores | {"task": "3-digit sums"}) == []


def test_rows_of_a_new_study_that_nobody_has_replaced_are_said(tmp_path):
    write_template(tmp_path / "study")
    sentences = []
    read_table(tmp_path / "study" / "table.csv", warn=sentences.append)
    assert sentences[0].startswith("Made-up numbers: rows 2-5 came with `forecast new` (small (replace me), medium")
    assert "means nothing" in sentences[0] and len(sentences) == 1
