"""Verdicts where the truth is known: the metric, floors, a break, and a ladder whose losses are measured."""

import numpy as np
import pandas as pd
import pytest

from forecast.questions.emergence.answer import emergence
from forecast.questions.emergence.comparison import SURE, Comparison, break_positions
from forecast.questions.emergence.verdict import BREAK, EXPLAINED, UNDECIDED, decide, judged
from tests.benchmarks.emergence_simulation import by_quadrature, read
from tests.conftest import SEED

SHARP, SMOOTH = "sums [exact_match]", "sums [token_accuracy]"
SIMULATED = range(1, 3)
LADDER = (  # parameters, tokens, FLOP, loss, right of 4000: ten character models, trained for this project
    (1_808, 36_160, 3.92264e08, 4.079, 0),
    (3_288, 65_760, 1.29731e09, 3.742, 0),
    (5_152, 103_040, 3.18517e09, 3.555, 0),
    (8_256, 165_120, 8.17938e09, 3.382, 0),
    (16_992, 339_840, 3.46474e10, 2.932, 76),
    (28_800, 576_000, 9.95328e10, 2.664, 180),
    (61_632, 1_232_640, 4.55820e11, 2.089, 522),
    (106_752, 2_135_040, 1.36752e12, 1.635, 899),
    (205_312, 4_106_240, 5.05836e12, 1.278, 1223),
    (344_640, 6_892_800, 1.42532e13, 1.047, 1595),
)


@pytest.mark.parametrize(
    ("world", "right"),
    [("metric both", EXPLAINED), ("break both", BREAK), ("metric loss", EXPLAINED), ("break loss", BREAK)],
)
def test_simulated_truths_are_told_and_never_mistaken_for_each_other(known, world, right):
    """How many are told: `tests/benchmarks/emergence_simulation.py`; here one of two must be."""
    task = SHARP if "both" in world else "sums"
    said = {judged(known(world, seed), task, seed=SEED)[0] for seed in SIMULATED}
    assert right in said <= {right, UNDECIDED}


@pytest.mark.parametrize("world", ["floors both", "floors loss", "floors alone"])
def test_easy_items_and_guessed_tokens_are_not_a_break(known, world):
    """Small models are alike by what they all solve; where no floor is allowed for that speaks for a break."""
    task = SHARP if "both" in world else "sums"
    verdict, _, over_compute, _ = judged(known(world, SEED), task, seed=SEED)
    assert verdict != BREAK
    if world == "floors alone":
        assert over_compute.log_bayes_factor < over_compute.log_bayes_factor_without_floors


def test_a_loss_of_another_name_is_evidence_of_ten_character_models():
    """Four characters at once jump, and the measured loss of the same runs has no break."""
    rows = []
    for params, tokens, compute, loss, right in LADDER:
        cells = {"model": f"{params}", "params": params, "tokens": tokens, "compute": compute}
        rows.append(cells | {"task": "next character", "metric": "loss", "score": loss})
        rate = {"metric": "exact_match", "successes": right, "trials": 4000, "length": 4}
        rows.append(cells | {"task": "next 4 characters"} | rate)
    fit = by_quadrature(read(pd.DataFrame(rows)), SEED)
    answer = emergence(fit, "next 4 characters", seed=SEED).to_dict()
    assert answer["comparison"]["tasks"] == answer["companions"] == ["next character"]
    assert answer["verdict"] != BREAK and answer["comparison"]["p_break"] < SURE


def test_a_break_that_floors_would_look_like_is_not_called_the_metric():
    """The evidence of a smooth law, and of a break that floors explain away."""
    facts = {"tasks": (), "log10_compute": np.zeros(8), "positions": np.zeros(1), "p_position": np.ones(1)}
    facts |= {"steepening": 3.0, "inside": (8, 8)}

    def found(log_odds, without_floors):
        odds = {"log_bayes_factor": log_odds, "log_bayes_factor_without_floors": without_floors}
        return Comparison(**facts, **odds)

    smooth, broken, floored, open_, likely = (found(*each) for each in ((-9, -9), (9, 9), (-9, 9), (-1, -1), (1, 1)))
    assert decide(smooth, None, companions=[SMOOTH])[0] == EXPLAINED
    assert decide(smooth, smooth, companions=[SMOOTH])[0] == EXPLAINED
    assert decide(smooth, open_, companions=[SMOOTH])[0] == EXPLAINED  # nothing speaks for a break away from the loss
    assert decide(broken, None, companions=[])[0] == BREAK
    for of_compute, of_companion, companions, reason in (
        (floored, None, [SMOOTH], "easy items"),
        (smooth, broken, [SMOOTH], "breaks away"),
        (smooth, likely, [SMOOTH], "may break away"),
        (smooth, None, [], "measure one"),
        (open_, None, [SMOOTH], "bend gradually"),
        (None, None, [SMOOTH], "fewer than"),
    ):
        verdict, said = decide(of_compute, of_companion, companions=companions)
        assert verdict == UNDECIDED and reason in said


def test_exact_match_alone_never_shows_that_the_metric_explains(known):
    assert {judged(known("metric alone", seed), "sums", seed=SEED)[0] for seed in SIMULATED} == {UNDECIDED}


def test_breaks_are_sought_at_the_foot_of_the_jump_with_three_runs_on_either_side():
    x = np.arange(10.0)
    assert break_positions(x, np.linspace(0.01, 0.4, 10)).tolist() == [2.5, 3.5, 4.5, 5.5, 6.5]
    assert len(break_positions(x, np.full(10, 0.9))) == 0 and len(break_positions(x[:5], np.full(5, 0.1))) == 0
