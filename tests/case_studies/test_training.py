"""Training scripts of the ladders: FLOP, grids, rows, kept results; all but one test without the training library."""

import json
import time
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from case_studies.addition import train as addition
from case_studies.characters import train as characters
from case_studies.digits import train as digits
from case_studies.ladder import Run, grid, histogram, histogram_rows, write_table
from case_studies.training import keep, keep_all, plan, stored, weights_of
from forecast.table.dataset import read_table

LADDERS = {"characters": characters, "digits": digits, "addition": addition}
TINY = Run(width=8, depth=1, tokens_per_param=2, vocabulary=5, context=4)
RESULTS = {
    "characters": {
        "python": "3.13.0",
        "characters": 1000,
        "answers": {"4": {"loss": 2.0, "histogram": [50, 20, 15, 10, 5], "solved": {"1": 2, "4": 5, "16": 9}}},
    },
    "digits": {"loss_of_level": 2.5, "loss": 1.5, "histogram": [1] * 33, "read": 20, "read_real": 32, "read_empty": 11},
    "addition": {"3": {"loss": 1.25, "histogram": [10, 20, 30, 30, 10]}},
}


def test_flop_are_those_of_the_matrix_products_added_up_one_by_one():
    run = Run(width=16, depth=2, tokens_per_param=20, vocabulary=10, context=32)
    d, places = run.width, run.context
    qkv, mixed, layer = places * d * 3 * d, places * d * d, 2 * places * d * 4 * d
    attention = 2 * places * places * d  # scores of all pairs, and their mean of values
    forward = 2 * (run.depth * (qkv + mixed + layer + attention) + places * d * run.vocabulary)
    assert run.compute == 3 * forward * run.tokens / places  # backward is two such products for each one


@pytest.mark.parametrize(
    ("name", "low", "high"), [("characters", 1.5e9, 1.5e13), ("digits", 3e8, 2.5e12), ("addition", 3e8, 1e12)]
)
def test_a_ladder_spans_its_decades_with_parameters_and_tokens_apart(name, low, high):
    runs = LADDERS[name].RUNS
    assert len({run.name for run in runs}) == len(runs) >= 18
    assert min(run.compute for run in runs) < low and max(run.compute for run in runs) > high
    first = [run for run in runs if run.seed == 0]
    widths = {run.width for run in first}
    assert len(widths) >= 5 and all(sum(run.width == width for run in first) >= 2 for width in widths)
    twins = [
        sum((run.width, run.tokens_per_param) == (one.width, one.tokens_per_param) for run in runs) for one in first
    ]
    assert twins.count(3) == 3


def test_steps_are_whole_and_tokens_are_about_those_wanted():
    for module in LADDERS.values():
        for run in module.RUNS:
            assert run.steps * run.batch * run.context == run.tokens
            assert run.tokens / run.params == pytest.approx(run.tokens_per_param, rel=0.2)
            assert run.compute > 6 * run.params * run.tokens


def test_a_grid_begins_with_the_largest_and_repeats_what_it_is_told():
    runs = grid({(8, 1): (20, 40), (16, 1): (20,)}, [(8, 1, 20)], vocabulary=5, context=4)
    assert [run.name for run in runs[:1]] == ["d16 l1 20 tokens/param seed 0"]
    assert sorted(run.seed for run in runs) == [0, 0, 0, 1, 2]


def test_a_histogram_is_told_by_a_row_for_every_mark_and_whole_in_a_note():
    correct = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0], [0, 1, 0, 0]], bool)
    counts = histogram(correct)
    assert counts == [1, 1, 1, 1, 1]
    rows = list(histogram_rows("next 4", counts, (1, 3)))
    assert [(row["metric"], row.get("k"), row["successes"], row["trials"]) for row in rows] == [
        ("token_accuracy", None, correct.sum(), 20),
        *(("at_least_k", k, (correct.sum(axis=1) >= k).sum(), 5) for k in (1, 3)),
        ("exact_match", None, correct.all(axis=1).sum(), 5),
    ]
    assert rows[0]["note"].endswith(" 4: 1 1 1 1 1")


@pytest.mark.parametrize("name", LADDERS)
def test_the_table_of_a_ladder_is_read_as_it_is_meant(name, tmp_path):
    module, path = LADDERS[name], tmp_path / "ladder.csv"
    write_table(path, (row for run in module.RUNS for row in module.rows(run, RESULTS[name])))
    frame = read_table(path)
    assert frame["model"].nunique() == len(module.RUNS)
    assert set(frame["compute"]) == {float(f"{run.compute:.6g}") for run in module.RUNS}
    rates = frame[frame["metric"] != "loss"]
    assert len(frame) > len(rates) and (rates["successes"] <= rates["trials"]).all()


def test_the_judgement_of_whole_digits_has_a_measured_chance():
    frame = pd.DataFrame(digits.rows(TINY, RESULTS["digits"]))
    whole = frame[frame["task"] == "read as the right digit"].iloc[0]
    assert (whole["metric"], whole["successes"], whole["trials"], float(whole["chance"])) == (
        "exact_match",
        20,
        33,
        0.333,
    )


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "ladder.csv"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        write_table(path, ({"model": str(1 / (1 - each))} for each in range(2)))
    assert path.read_text(encoding="utf-8") == "before" and len(list(tmp_path.iterdir())) == 1


def never(run):
    raise AssertionError(f"{run.name} is trained again")


def test_a_finished_run_is_not_trained_again_and_one_of_another_recipe_is(tmp_path):
    assert stored(TINY, tmp_path) is None
    weights = [np.arange(6.0).reshape(2, 3), np.ones(4)]
    assert keep(TINY, lambda run: ({"loss": 1.5}, weights), tmp_path)
    assert stored(TINY, tmp_path) == {"loss": 1.5}
    kept = np.load(weights_of(TINY, tmp_path))
    assert [kept[name].tolist() for name in kept.files] == [each.tolist() for each in weights]
    assert keep_all([TINY], never, tmp_path, workers=1, deadline=0.0) == 0
    other = Run(width=8, depth=1, tokens_per_param=2, vocabulary=6, context=4)
    assert other.name == TINY.name and stored(other, tmp_path) is None


def test_no_run_is_started_after_the_budget_and_a_broken_run_leaves_no_file(tmp_path):
    assert not keep(TINY, never, tmp_path, deadline=time.time() - 1)
    with pytest.raises(AssertionError):
        keep(TINY, never, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_plan_adds_up_minutes_at_the_speed_of_the_longest_run_of_a_size():
    runs = grid({(8, 1): (200, 800)}, [], vocabulary=5, context=4)
    lines = list(plan(runs, lambda run: 0.6 if run == runs[0] else np.nan, workers=2))
    assert float(lines[1].split()[-1]) == pytest.approx(0.6 * runs[0].steps / 60, abs=0.01)
    assert lines[3].startswith(f"2 runs, {sum(run.compute for run in runs):.2e} FLOP")


def test_characters_stand_for_themselves_and_all_others_for_one():
    tokens = characters.tokens_of("a\n~é\t")
    assert [characters.CHARACTERS[each] for each in tokens[:3]] == ["a", "\n", "~"]
    assert tokens[3:].tolist() == [len(characters.CHARACTERS)] * 2


def test_windows_have_no_character_three_times_in_a_row_in_the_answer_and_do_not_repeat():
    text = characters.tokens_of("".join(f"{each} = value[{each * 7919 % 1013}]\n        " for each in range(500)))
    found = characters.windows([text], items=50)
    assert found.shape == (50, 80) and len(np.unique(found, axis=0)) == 50
    texts = ["".join(characters.CHARACTERS[each] for each in row[characters.GIVEN :]) for row in found]
    assert not [each for each in texts if "   " in each]
    assert (found == characters.windows([text], items=50)).all()


def test_sampled_answers_are_right_as_often_as_their_loss_says():
    nats = np.full((4000, 16), np.log(2) / 4)  # four characters are right half of the time
    found = characters.measured(nats, np.ones((4000, 16), bool), np.random.default_rng(1))
    assert found["4"]["solved"]["1"] == pytest.approx(2000, abs=5 * np.sqrt(1000))
    assert found["8"]["solved"]["4"] == pytest.approx(4000 * (1 - 0.75**4), abs=5 * np.sqrt(1000))
    assert found["16"]["histogram"][-1] == 4000


def test_sums_are_written_out_and_held_out_pairs_are_never_taught():
    assert "".join("0123456789+="[each] for each in addition.sums(np.array([[123, 99456]]))[0]) == "00123+99456=099579"
    rng = np.random.default_rng(1)
    for held_out in (True, False):
        pairs = addition.drawn(rng, np.repeat([3, 5], 500), held_out=held_out)
        assert (addition.is_held_out(pairs) == held_out).all()
        assert (pairs[:500] // 100 < 10).all() and (pairs[500:] >= 10_000).all()
    assert addition.is_held_out(rng.integers(1000, size=(100_000, 2))).mean() == pytest.approx(0.1, abs=0.01)


def test_varied_pictures_keep_their_range_and_half_ones_their_upper_half():
    pictures = np.random.default_rng(1).integers(17, size=(20, 64)).astype(np.uint8)
    changed = digits.varied(pictures, np.random.default_rng(2))
    assert changed.shape == pictures.shape and changed.max() <= 16 and (changed != pictures).any()
    half = digits.without_lower_half(pictures)
    assert (half[:, :32] == pictures[:, :32]).all() and (half[:, 32:] == 0).all()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not here; it is in the dependency group train")
def test_two_tiny_runs_learn_and_the_larger_learns_more(tmp_path):
    from case_studies import transformer

    runs = [Run(width=16, depth=1, tokens_per_param=ratio, vocabulary=12, context=17) for ratio in (5, 50)]
    losses = []
    for run in runs:
        keep(run, addition.train, tmp_path)
        losses.append(stored(run, tmp_path)["3"]["loss"])
        weights = transformer.initial(run)
        multiplied = [block[name] for block in weights["blocks"] for name in ("qkv", "mix", "up", "down")]
        assert sum(each.size for each in [*multiplied, weights["last"]]) == run.params
    kept = list(np.load(weights_of(runs[1], tmp_path)).values())
    nats, _ = transformer.test(transformer.weights_from(runs[1], kept), addition.items(3))
    assert nats[:, -4:].mean() == losses[1]
    assert losses[1] < losses[0] < np.log(12)
    again = tmp_path / "again"
    again.mkdir()
    keep(runs[0], addition.train, again)
    assert json.dumps(stored(runs[0], again)) == json.dumps(stored(runs[0], tmp_path))
