"""What partial credit and losses of small runs add to a threshold: measured widths beside those of a linear theory.

Seven runs of the size of GPT-3 up to 13B answer 2000 items of four tokens each, item by item: Gamma frailty, tokens
independent given the item, a residual of each run. The threshold, exact match 0.5, lies two decades beyond the runs.

The theory is Gaussian: the covariance of level, exponent, frailty, residuals of the runs and the relation of measured
to followed loss is the inverse of prior precision plus information of the rows; the threshold is linear in them.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.threshold import threshold_draws
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.equations.surrogates import exact_match, loss_from_exact_match, token_accuracy
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

COMPUTE = np.array([2.25e20, 6.41e20, 1.37e21, 2.38e21, 4.77e21, 1.20e22, 2.31e22])
X = np.log10(COMPUTE)
ITEMS, LENGTH = 2000, 4
EXPONENT, NU, SIGMA_RUN, LOSS_LINK, LOSS_SCALE = 0.35, 1.0, 0.1, 0.5, 0.02
CROSSING = 24.4  # log10 FLOP at which exact match is one half
TABLES = 24
SAMPLING = Sampling(chains=2, tune=400, draws=400)
# what the theory has no part for is off, in the simulation and in the fit
STRUCTURE = Parts(bend=False, drift=False, token_floor=False, free_floor=False, free_ceiling=False, outliers=False)
PRIORS = Priors(concentration_median=1e5, concentration_log_sd=0.1, answer_sd_median=0.01)
VARIANTS = {"exact match": ("exact_match",), "+ tokens": ("exact_match", "token_accuracy")}
VARIANTS |= {"+ loss": ("exact_match", "loss"), "+ both": (*VARIANTS["+ tokens"], "loss")}

pytestmark = pytest.mark.slow


def loss_at(theta, exponent=EXPONENT, nu=NU):
    crossing = loss_from_exact_match(0.5, length=LENGTH, nu=nu)
    return crossing * 10.0 ** (-exponent * (theta - CROSSING))


def drawn_rows(rng):
    """Rows of one simulated table: items are drawn, tokens of items, and counted by every metric."""
    for x, compute in zip(X, COMPUTE, strict=True):
        loss = loss_at(x + SIGMA_RUN * rng.standard_normal())
        right = rng.binomial(LENGTH, np.exp(-loss * rng.gamma(NU, 1.0 / NU, ITEMS)))
        run = {"model": f"{compute:g}", "task": "sum", "compute": compute, "length": LENGTH}
        yield run | {"metric": "exact_match", "successes": int((right == LENGTH).sum()), "trials": ITEMS}
        yield run | {"metric": "token_accuracy", "successes": int(right.sum()), "trials": ITEMS * LENGTH}
        measured = loss / LOSS_LINK * np.exp(LOSS_SCALE * rng.standard_normal())
        yield run | {"metric": "loss", "score": measured, "length": None}


def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for table in range(TABLES):
        path = folder / f"{table}.csv"
        pd.DataFrame(drawn_rows(np.random.default_rng([SEED, table]))).to_csv(path, index=False)
        yield read_table(path)


def expected_measurements(parameters):
    """Means of exact match, token accuracy and measured log loss (metric, run)."""
    level, log_alpha, log_nu, log_loss_link_factor, power = parameters[:5]
    theta = X + parameters[5:]
    loss = np.exp(level) * 10.0 ** (-np.exp(log_alpha) * (theta - X.mean()))
    nu = np.exp(log_nu)
    match = exact_match(loss, length=LENGTH, nu=nu)
    return np.stack([match, token_accuracy(loss, nu=nu), (np.log(loss) - log_loss_link_factor) / np.exp(power)])


def crossing(parameters):
    level, log_alpha, log_nu = parameters[:3]
    at = loss_from_exact_match(0.5, length=LENGTH, nu=np.exp(log_nu))
    return X.mean() + (level - np.log(at)) / (np.exp(log_alpha) * np.log(10.0))


def gradient(function, at, step=1e-5):
    return np.stack([(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))])


def theory(metrics):
    """Width of the 90% interval of the threshold, decades."""
    truth = np.array(
        [np.log(loss_at(X.mean())), np.log(EXPONENT), np.log(NU), np.log(LOSS_LINK), 0.0, *np.zeros(len(X))]
    )
    prior_sd = np.array(
        [
            2.0,
            0.88,
            1.0,
            PRIORS.log_loss_link_factor_sd,
            PRIORS.loss_link_power_sd,
            *np.full(len(X), SIGMA_RUN),
        ]
    )
    loss = loss_at(X)
    match, token = exact_match(loss, length=LENGTH, nu=NU), token_accuracy(loss, nu=NU)
    both = token_accuracy(2.0 * loss, nu=NU)  # two tokens of one item both right
    variances = {
        "exact_match": match * (1.0 - match) / ITEMS,
        "token_accuracy": ((token - token**2) / LENGTH + (1 - 1 / LENGTH) * (both - token**2)) / ITEMS,
        "loss": np.full(len(X), LOSS_SCALE**2),
    }
    slopes = gradient(expected_measurements, truth)  # parameter, metric, run
    precision = np.diag(prior_sd**-2)
    for place, (metric, variance) in enumerate(variances.items()):
        if metric in metrics:
            precision += (slopes[:, place] / variance) @ slopes[:, place].T
    along = gradient(crossing, truth)
    return float(2 * 1.645 * np.sqrt(along @ np.linalg.solve(precision, along)))


def test_losses_and_tokens_narrow_the_threshold_as_much_as_theory_says(tmp_path_factory):
    drawn, lines = list(tables(tmp_path_factory)), {}
    for name, metrics in VARIANTS.items():
        widths, inside = [], []
        for number, table in enumerate(drawn):
            data = observations(table[table["metric"].isin(metrics)])
            model = capability_model(data, STRUCTURE, PRIORS)
            posterior = fit(model, replace(SAMPLING, seed=number + 1))
            task = "sum" if len(metrics) == 1 else "sum [exact_match]"
            draws = threshold_draws(drawn_fit(posterior, data, PRIORS, STRUCTURE), task, 0.5).values
            low, high = np.quantile(draws, (0.05, 0.95), method="inverted_cdf")
            widths.append(high - low)
            inside.append(low <= CROSSING <= high)
        lines[name] = (float(np.median(widths)), theory(metrics), float(np.mean(inside)))
        print(
            f"{name:<12} width {lines[name][0]:.2f}, theory {lines[name][1]:.2f}, inside {lines[name][2]:.2f}",
            flush=True,
        )
    alone = lines["exact match"]
    for name in ("+ tokens", "+ loss", "+ both"):
        measured, expected = lines[name][0] / alone[0], lines[name][1] / alone[1]
        assert measured == pytest.approx(expected, rel=0.35), (name, measured, expected)
    assert all(share >= 0.7 for _, _, share in lines.values())  # 24 tables: five sd of a binomial below 0.9 is 0.6
