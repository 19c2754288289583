"""Targets in parameters and tokens on simulated tables: 90% intervals cover the truth as often as they say.

The model is fitted under the prior that the truth was drawn from. Of the target, exact match one half, are asked the
compute-optimal parameters, tokens and FLOP, the tokens and FLOP of a small model and the FLOP of the cheapest run on
few unique tokens. True answers that are infinite count as all others.
"""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit, simulate
from forecast.questions.howmuch.sizes import cheapest_run, optimal_run, tokens_of
from forecast.table.dataset import observations, read_rows
from models.capability import capability_model
from models.facts.placing import with_constants
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

TABLES = int(os.environ.get("FORECAST_RECOVERY_TABLES", "100"))
PRIORS = Priors(reference_logit_mean=-1.0, reference_logit_sd=1.0)  # scores neither all zero nor all one
STRUCTURE = Parts(bend=False)
SAMPLING = Sampling(chains=2, tune=300, draws=250)
RATIOS = (-0.6, 0.4, 0.0, 0.8)  # decades of tokens per parameter beside 20 of the runs in turn
SIZE, UNIQUE = 9.3, 10.5  # log10: a model smaller than most optimal ones, and fewer tokens than most need
WRONG_RATIO = 1.0  # decades

pytestmark = pytest.mark.slow


def design_rows():
    """16 runs over 3 decades, parameters and tokens varied, on three tasks and a validation loss."""
    for run in range(16):
        half, ratio = 0.5 * (20.0 + 0.2 * run - np.log10(6.0)), np.log10(20.0) + RATIOS[run % 4]
        facts = {"model": f"run {run}", "params": 10 ** (half - 0.5 * ratio), "tokens": 10 ** (half + 0.5 * ratio)}
        yield from (facts | {"task": name, "metric": "exact_match", "trials": 1000} for name in ("one", "two", "three"))
        yield facts | {"task": "validation", "metric": "loss", "trials": None}


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    path = tmp_path_factory.mktemp("design") / "design.csv"
    pd.DataFrame(design_rows()).to_csv(path, index=False)
    return read_rows(path)


def placed(table, design):
    """The table as data, with the laws anchored where they were when the truth was drawn, before any score."""
    return with_constants(
        observations(table).assign(score_for_placing=("observation", np.where(design["metric"] == "loss", 1.0, 0.0)))
    )


@pytest.fixture(scope="module")
def ranks(design):
    """Ranks (name: value for each table) of the true answers, and of those of another optimal ratio, in the draws."""
    found = []
    for number in range(TABLES):
        table, truth = simulate(design, seed=1000 * SEED + number, priors=PRIORS, parts=STRUCTURE)
        data, rng = placed(table, design), np.random.default_rng([SEED, number])
        model = capability_model(data, STRUCTURE, PRIORS)
        posterior = fit(model, replace(SAMPLING, seed=number + 1))
        truth = truth.expand_dims(("chain", "draw"))
        wrong = truth.assign(log10_optimal_ratio=truth.log10_optimal_ratio + WRONG_RATIO)
        many, one, other = (drawn_fit(draws, data, PRIORS, STRUCTURE) for draws in (posterior, truth, wrong))
        draws, true, control = (answers(fit) for fit in (many, one, other))
        found.append({name: rank(draws[name], true[name], rng) for name in true})
        found[-1] |= {f"not {name}": rank(draws[name], control[name], rng) for name in ("params",)}
    return pd.DataFrame(found)


def answers(fit):
    optimal = optimal_run(fit, "one", 0.5)
    needed = tokens_of(optimal, SIZE)
    return {
        "FLOP": optimal.log10_compute.values,
        "params": optimal.log10_params.values,
        "tokens": optimal.log10_tokens.values,
        "tokens of a small model": needed.values,
        "FLOP ratio of a small model": (SIZE + needed - optimal.log10_params - optimal.log10_tokens).values,
        "FLOP on limited data": sum(each.values for each in cheapest_run(optimal, UNIQUE)),
    }


def rank(draws, truth, rng):
    """Share of draws below the true value; those equal to it, such as infinite ones, split at random."""
    draws, truth = (np.where(np.isnan(each), np.inf, each) for each in (draws, truth))  # ratio of what is never reached
    value = truth.ravel()[0]
    return (draws < value).mean() + rng.uniform() * (draws == value).mean()


def test_nine_of_ten_intervals_cover_the_true_sizes_and_costs(ranks):
    covered = (abs(ranks - 0.5) < 0.45).mean()
    print(len(ranks), covered.to_dict())
    spread = np.sqrt(0.9 * 0.1 / len(ranks))
    true = covered[[name for name in covered.index if not name.startswith("not ")]]
    assert np.all(abs(true - 0.9) < 3.5 * spread), true.to_dict()


def test_another_optimal_ratio_is_not_covered(ranks):
    """The negative control."""
    covered = (abs(ranks["not params"] - 0.5) < 0.45).mean()
    print(covered)
    assert covered < 0.75
