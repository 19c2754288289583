"""Observation: how counts and losses scatter around what is expected."""

from functools import partial

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.counts import MEAN_MARGIN, draw_counts
from models.log_rising import log_rising
from models.priors import Priors


def counts(name, mean, concentration, trials, observed, *, parts, priors: Priors, dims, row_groups=None):
    """Beta-binomial counts; a few rows are strange and scatter more, fewer are broken and score anything.

    `row_groups` says which rows have one concentration and number of trials: one row of each kind, and the kind of
    each row.
    """
    shares = (priors.outlier_share, priors.gross_error_share) if parts.outliers else (0.0, 0.0)
    options = {"outlier": shares[0], "gross_error": shares[1], "ratio": priors.outlier_dispersion}
    return pm.CustomDist(
        name,
        trials,
        mean,
        concentration,
        logp=partial(log_density_of_counts, **options, row_groups=row_groups),
        random=partial(draw_counts, **options),
        signature="(),(),()->()",
        dtype="float64",
        observed=observed,
        dims=dims,
    )


def log_density_of_counts(count, trials, mean, concentration, *, outlier, gross_error, ratio, row_groups=None):
    """Log of ``(1 - strange - broken) BB(kappa) + strange BB(kappa / ratio) + broken / (trials + 1)``."""
    log = np.log1p(-outlier - gross_error) + _log_beta_binomial(count, trials, mean, concentration, row_groups)
    if outlier:
        wide = _log_beta_binomial(count, trials, mean, concentration / ratio, row_groups)
        log = pt.logaddexp(log, np.log(outlier) + wide)
    return pt.logaddexp(log, np.log(gross_error) - pt.log1p(trials)) if gross_error else log


def _log_beta_binomial(count, trials, mean, concentration, row_groups):
    mean, failures = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean, trials - count
    rising = log_rising(mean * concentration, count) + log_rising((1.0 - mean) * concentration, failures)
    log_choose = log_rising(1.0, trials) - log_rising(1.0, count) - log_rising(1.0, failures)
    if row_groups is None:
        return log_choose + rising - log_rising(concentration, trials)
    row, kind = row_groups
    return log_choose + rising - log_rising(concentration[row], trials[row])[kind]


def losses(name, log_loss, scale, observed, *, priors: Priors, dims):
    """Student-t of the log of a measured loss around the log of the expected one."""
    return pm.StudentT(name, nu=priors.loss_degrees_of_freedom, mu=log_loss, sigma=scale, observed=observed, dims=dims)
