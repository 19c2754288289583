"""Tables drawn from the model with every part on: 90% intervals cover the truth as often as they say.

The model is fitted under the prior that the truth was drawn from, so the ranks of the truth among the posterior draws
are uniform (Cook, Gelman and Rubin 2006; Talts et al. 2018) if, and only if, graph, sampler and forecasts agree.
"""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit, simulate
from forecast.posterior.threshold import threshold_draws
from forecast.table.dataset import observations, read_rows
from models.capability import capability_model
from models.facts.placing import with_constants
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

TABLES = int(os.environ.get("FORECAST_RECOVERY_TABLES", "100"))
CONTROLS = 20
RUNS = 16
PRIORS = Priors(reference_logit_mean=-1.0, reference_logit_sd=1.0)  # scores neither all zero nor all one
SAMPLING = Sampling(chains=2, tune=300, draws=250)
TASKS = [  # name, metric, further cells
    ("answers", "exact_match", {"length": 3}),
    ("answers", "at_least_k", {"length": 3, "k": 2}),
    ("answers", "token_accuracy", {"length": 3, "trials": 3000}),
    ("with loss", "exact_match", {"length": 2}),
    ("with loss", "loss", {"trials": None}),
    ("four choices", "choice", {"chance": 0.25}),
    ("alone", "exact_match", {}),
    ("validation", "loss", {"trials": None}),
]
THRESHOLDS = ["answers [exact_match]", "with loss [exact_match]", "alone", "four choices"]
NAMES = {"theta": ["theta"], "alpha": ["exponent"], "E": ["irreducible"], "nu": ["nu"], "ceiling": ["ceiling"]}

pytestmark = pytest.mark.slow


def design_rows():
    """16 runs over 3 decades, of 4 families and 4 years, with N and D varied and some computes uncertain."""
    for run in range(RUNS):
        ratio = (-0.5, 0.3, 0.0, 0.6)[run % 4]
        half = 0.5 * (20.0 + 0.2 * run - np.log10(6.0))
        facts = {
            "model": f"run {run}",
            "params": 10 ** (half - 0.5 * ratio - 0.6),
            "tokens": 10 ** (half + 0.5 * ratio + 0.6),
            "family": f"family {run // 2 % 4}",
            "date": f"{2020 + run // 4}-0{1 + 2 * (run % 4)}-01",
            "compute_sd": 0.1 * (run % 3 == 0),
        }
        for task, metric, cells in TASKS:
            yield facts | {"task": task, "metric": metric, "trials": 1000} | cells


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    path = tmp_path_factory.mktemp("design") / "design.csv"
    pd.DataFrame(design_rows()).to_csv(path, index=False)
    return read_rows(path)


def placed(table, design):
    """The table as data, with the laws anchored where they were when the truth was drawn, before any score."""
    data = observations(table)
    return with_constants(
        data.assign(score_for_placing=("observation", np.where(design["metric"] == "loss", 1.0, 0.0)))
    )


def ranks_of(seed, design, *, mirrored=False):
    """Rank, from 0 to 1, of each true value among the draws: of the parameters (name: values) and the thresholds."""
    table, truth = simulate(design, seed=seed, priors=PRIORS)
    data = placed(table, design)
    if mirrored:
        data = data.assign(date=data.date.min() + (data.date.max() - data.date))
    model = capability_model(data, Parts(), PRIORS)
    posterior = fit(model, replace(SAMPLING, seed=seed))
    rng = np.random.default_rng(seed)
    found = {
        label: np.concatenate([rank(posterior[name], truth[name], rng) for name in names])
        for label, names in (NAMES | {"progress": ["progress"]}).items()
    }
    one, many = (drawn_fit(draws, data, PRIORS, Parts()) for draws in (truth.expand_dims(("chain", "draw")), posterior))
    found["threshold"] = np.concatenate(
        [rank(threshold_draws(many, task, 0.5), threshold_draws(one, task, 0.5), rng) for task in THRESHOLDS]
    )
    return found


def rank(draws, truth, rng):
    """Share of draws below each true value; those equal to it (ceiling 1, threshold inf) split at random."""
    draws = draws.stack(sample=("chain", "draw")).transpose(..., "sample").values
    value = np.asarray(truth.values).reshape(draws.shape[:-1])[..., None]
    varies = np.ptp(np.nan_to_num(draws, posinf=1e9, neginf=-1e9), axis=-1) > 0
    share = (draws < value).mean(-1) + rng.uniform(size=value.shape[:-1]) * (draws == value).mean(-1)
    return np.atleast_1d(share)[np.atleast_1d(varies)]


def coverage(ranks):
    """Share of the true values inside their 90% interval, by what they are values of."""
    names = ranks[0].keys()
    return {name: float(np.mean(np.abs(np.concatenate([each[name] for each in ranks]) - 0.5) < 0.45)) for name in names}


def test_nine_of_ten_intervals_cover_the_truth_for_every_kind_of_parameter(design):
    found = coverage([ranks_of(1000 * SEED + table, design) for table in range(TABLES)])
    print(found)
    assert all(0.84 <= share <= 0.95 for share in found.values()), found


def test_dates_that_run_backwards_are_noticed(design):
    """The negative control: with the sign of progress wrong, progress is not covered."""
    found = coverage([ranks_of(2000 * SEED + table, design, mirrored=True) for table in range(CONTROLS)])
    print(found)
    assert found["progress"] < 0.84, found
