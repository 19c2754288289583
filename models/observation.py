"""Observation: how counts and losses scatter around what is expected."""

from functools import partial

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.counts import MEAN_MARGIN, draw_counts
from models.log_rising import log_rising
from models.priors import Priors


def counts(name, mean, concentration, trials, observed, *, structure, priors: Priors, dims, alike=None):
    """Beta-binomial counts; a few rows are strange and scatter more, fewer are broken and score anything.

    `alike` says which rows have one concentration and number of trials: one row of each kind, and the kind of each row.
    """
    shares = (priors.strange_share, priors.broken_share) if structure.broken_rows else (0.0, 0.0)
    options = {"strange": shares[0], "broken": shares[1], "ratio": priors.strange_ratio}
    return pm.CustomDist(
        name,
        trials,
        mean,
        concentration,
        logp=partial(log_density_of_counts, **options, alike=alike),
        random=partial(draw_counts, **options),
        signature="(),(),()->()",
        dtype="float64",
        observed=observed,
        dims=dims,
    )


def log_density_of_counts(count, trials, mean, concentration, *, strange, broken, ratio, alike=None):
    """Log of ``(1 - strange - broken) BB(kappa) + strange BB(kappa / ratio) + broken / (trials + 1)``."""
    log = np.log1p(-strange - broken) + _log_beta_binomial(count, trials, mean, concentration, alike)
    if strange:
        wide = _log_beta_binomial(count, trials, mean, concentration / ratio, alike)
        log = pt.logaddexp(log, np.log(strange) + wide)
    return pt.logaddexp(log, np.log(broken) - pt.log1p(trials)) if broken else log


def _log_beta_binomial(count, trials, mean, concentration, alike):
    mean, failures = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean, trials - count
    rising = log_rising(mean * concentration, count) + log_rising((1.0 - mean) * concentration, failures)
    log_choose = log_rising(1.0, trials) - log_rising(1.0, count) - log_rising(1.0, failures)
    if alike is None:
        return log_choose + rising - log_rising(concentration, trials)
    row, kind = alike
    return log_choose + rising - log_rising(concentration[row], trials[row])[kind]


def losses(name, log_loss, scale, observed, *, priors: Priors, dims):
    """Student-t of the log of a measured loss around the log of the expected one."""
    return pm.StudentT(name, nu=priors.loss_degrees_of_freedom, mu=log_loss, sigma=scale, observed=observed, dims=dims)
