"""Log density of the model from its formulas in words, in NumPy and SciPy alone: an oracle for the graph.

Written from README.md ("How the model works"), models/README.md and the numbers in `models/priors.py`; it imports no
equation and no graph. It covers tables without families, dates and sizes: lone rates, choices, measured losses beside
rates, and losses alone. Parameters are natural: laws by success at the reference, exponent and asymptote, and effective
compute of each run. Where things are placed (reference, knots, weights of runs) is given, as it is no part of the
density.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

LOG_NORMAL_HYPERS = {  # name: median and sd of the log
    "sigma_run": ("run_sd_median", "run_sd_log_sd"),
    "sigma_bend": ("bend_sd_median", "bend_sd_log_sd"),
    "log_exponent_spread": ("exponent_spread_median", "exponent_spread_log_sd"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement."""

    run: int
    task: str
    metric: str
    law: str
    score: float = np.nan  # of a loss
    count: int = 0
    trials: int = 0


@dataclass(frozen=True, kw_only=True)
class Law:
    """What is known of a law before it is fitted."""

    name: str
    kind: str  # answer or choice
    length: float  # tokens of its rate, 1 for choices and losses
    chance: float = 0.0
    has_rate: bool = True
    has_loss: bool = False
    has_known_length: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table and where its priors are placed."""

    rows: list[Row]
    laws: list[Law]
    log10_compute: np.ndarray
    reference: float
    knots: np.ndarray
    linked: frozenset[str]  # losses that are measured beside rates of the same answers


def log_density(y: dict[str, Any], table: Table, numbers: Any) -> float:
    """Log prior and log likelihood of natural parameters; `numbers` are those of `models.priors.Priors`.

    y holds lone numbers by their names; by kind of laws log_nu_mean, reference_logit_mean, log_exponent_mean; theta
    (run) and what the laws see of it, standard (run); slopes (piece); by law logit_0, log_exponent, u, log_nu_own,
    floor_logit, answer_sd and link (log s, gamma, excess of the loss of guessing); by task log_concentration and
    loss_scale; residual by run and law; largest_loss.
    """
    return log_prior(y, table, numbers) + log_likelihood(y, table, numbers)


def log_prior(y, table, n):
    found = 0.0
    for name, (median, sd) in LOG_NORMAL_HYPERS.items():
        found += stats.norm.logpdf(np.log(y[name]), np.log(getattr(n, median)), getattr(n, sd))
    # spreads whose median is given as a log
    found += _normal(np.log(y["reference_logit_spread"]), n.reference_logit_spread_median, n.reference_logit_spread_sd)
    # pools of each kind of laws
    for kind in y["log_nu_mean"]:
        found += _normal(y["log_nu_mean"][kind], np.log(n.frailty_median), n.frailty_log_sd)
        found += _normal(y["reference_logit_mean"][kind], n.reference_logit_mean, n.reference_logit_sd)
        found += _normal(y["log_exponent_mean"][kind], np.log(n.exponent_median), n.exponent_log_sd)
    if "floor_logit_mean" in y:
        found += _normal(y["floor_logit_mean"], n.floor_logit_mean, n.floor_logit_sd)
        found += _normal(np.log(y["floor_logit_spread"]), n.floor_logit_spread_median, n.floor_logit_spread_sd)
    # the path: its log slope walks from 0 at the reference, a step at each knot
    steps = np.diff(np.log(y["slopes"]))
    found += _normal(steps, 0.0, y["sigma_bend"] * np.sqrt(0.5)).sum()
    found += _normal(y["theta"], path(table.log10_compute, y["slopes"], table), y["sigma_run"]).sum()
    for law in table.laws:
        found += _prior_of_law(y, law, table, n)
    for log_concentration in y["log_concentration"].values():
        found += _normal(log_concentration, np.log(n.concentration_median), n.concentration_log_sd)
    for task, scale in y["loss_scale"].items():
        beside_rates = task in table.linked
        sd = n.loss_scale_log_sd_of_answers if beside_rates else n.loss_scale_log_sd
        found += _normal(np.log(scale), np.log(n.loss_scale_median), sd)
    for (_, law), residual in y["residual"].items():
        found += _normal(residual, 0.0, y["answer_sd"][law])
    return float(found)


def _prior_of_law(y, law, table, n):
    own = {name: y[name][law.name] for name in ("logit_0", "log_exponent", "u", "log_nu_own")}
    found = _normal(own["log_nu_own"], 0.0, 1.0)
    found += 0.0 if 0.0 < own["u"] < 1.0 else -np.inf  # uniform
    if law.has_rate:
        found += _normal(own["logit_0"], y["reference_logit_mean"][law.kind], y["reference_logit_spread"])
        found += _normal(own["log_exponent"], y["log_exponent_mean"][law.kind], y["log_exponent_spread"])
    else:
        found += _normal(own["logit_0"], -np.log(n.loss_median), n.loss_log_sd)
        found += _normal(own["log_exponent"], np.log(n.loss_exponent_median), n.loss_exponent_log_sd)
    if law.has_rate and law.chance == 0:
        found += _normal(y["floor_logit"][law.name], y["floor_logit_mean"], y["floor_logit_spread"])
    if law.name in y["answer_sd"]:
        found += _normal(np.log(y["answer_sd"][law.name]), np.log(n.answer_sd_median), n.answer_sd_log_sd)
    if law.name in y["link"]:
        log_factor, power, excess = y["link"][law.name]
        sd = n.loss_link_factor_log_sd if law.has_known_length else n.loss_link_factor_log_sd_of_unknown_length
        found += _normal(log_factor, np.log(n.loss_link_factor_median), sd)
        found += _normal(np.log(power), np.log(n.loss_link_power_median), n.loss_link_power_log_sd)
        found += _normal(np.log(excess), np.log(n.guess_excess_median), n.guess_excess_log_sd)
    return found


def path(x, slopes, table):
    """Decades of effective compute from the reference to each x: a sum over the pieces that lie between."""
    ends = np.concatenate([[-np.inf], table.knots, [np.inf]])
    found = np.zeros(len(x))
    for slope, low, high in zip(slopes, ends[:-1], ends[1:], strict=True):
        found += slope * (np.clip(x, low, high) - np.clip(table.reference, low, high))
    return found


def parameters_of_law(y, law, n):
    """nu, floor, ceiling, irreducible loss, reducible loss at the reference and exponent of a law."""
    nu = np.exp(y["log_nu_mean"][law.kind] + n.frailty_log_spread * y["log_nu_own"][law.name]) if law.has_rate else 1.0
    floor = law.chance or (1.0 / (1.0 + np.exp(-y["floor_logit"][law.name])) if law.has_rate else 0.0)
    success = 1.0 / (1.0 + np.exp(-y["logit_0"][law.name]))
    power = n.ceiling_shortfall_power if law.has_rate else n.loss_shortfall_power
    asymptote = 1.0 - (1.0 - success) * y["u"][law.name] ** power
    if law.has_loss:  # an irreducible loss in place of a ceiling
        irreducible = nu / law.length * (asymptote ** (-1.0 / nu) - 1.0)
        reducible = nu / law.length * (success ** (-1.0 / nu) - 1.0) - irreducible
        return nu, floor, 1.0, irreducible, reducible, np.exp(y["log_exponent"][law.name])
    reducible = nu / law.length * ((success / asymptote) ** (-1.0 / nu) - 1.0)
    return nu, floor, floor + (1.0 - floor) * asymptote, 0.0, reducible, np.exp(y["log_exponent"][law.name])


def log_likelihood(y, table, n):
    found, laws = 0.0, {law.name: (law, *parameters_of_law(y, law, n)) for law in table.laws}
    for row in table.rows:
        law, nu, floor, ceiling, irreducible, reducible, exponent = laws[row.law]
        loss = irreducible + reducible * 10.0 ** (-exponent * y["standard"][row.run])
        loss *= np.exp(y["residual"].get((row.run, row.law), 0.0))
        if row.metric == "loss":
            if law.has_rate:  # greedy answers follow s measured^gamma, and a measured loss stays below that of guessing
                log_factor, power, excess = y["link"][law.name]
                free = (loss / np.exp(log_factor)) ** (1.0 / power)
                guess = y["largest_loss"] * np.exp(excess)
                loss = (free**-2 + guess**-2) ** -0.5
            scale = y["loss_scale"][row.task]
            found += stats.t.logpdf(np.log(row.score), n.loss_degrees_of_freedom, np.log(loss), scale)
            continue
        mean = floor + (ceiling - floor) * (1.0 + law.length * loss / nu) ** -nu
        concentration = np.exp(y["log_concentration"][row.task])
        sound = 1.0 - n.outlier_share - n.gross_error_share
        found += np.logaddexp.reduce(
            [
                np.log(sound) + _beta_binomial(row, mean, concentration),
                np.log(n.outlier_share) + _beta_binomial(row, mean, concentration / n.outlier_dispersion),
                np.log(n.gross_error_share) - np.log(row.trials + 1.0),
            ]
        )
    return float(found)


def _beta_binomial(row, mean, concentration):
    return stats.betabinom.logpmf(row.count, row.trials, mean * concentration, (1.0 - mean) * concentration)


def _normal(value, mean, sd):
    return stats.norm.logpdf(value, mean, sd)
