"""Equations of the loss per token: power law, its inverse, and the link of measured losses to answers."""

import numpy as np

from models.equations.numbers import positive_part


def power_law_loss(theta, *, irreducible, log10_amplitude, exponent, theta_ref):
    """Loss of a task at effective compute theta: ``E + 10^(a - alpha (theta - theta_ref))``.

    Units: theta and theta_ref in decades, E in nats per token, alpha per decade. Source: Hestness et al. 2017
    (arXiv:1712.00409) and Kaplan et al. 2020 (arXiv:2001.08361), written around theta_ref so that amplitude and
    exponent are not correlated.
    """
    with np.errstate(over="ignore"):
        return irreducible + 10.0 ** (log10_amplitude - exponent * (theta - theta_ref))


def theta_from_loss(loss, *, irreducible, log10_amplitude, exponent, theta_ref):
    """Effective compute at which the loss is reached: the inverse of `power_law_loss`; `inf` at or below E."""
    with np.errstate(divide="ignore"):
        return theta_ref + (log10_amplitude - np.log10(positive_part(loss - irreducible))) / exponent


FARTHEST_LOG = 1e3  # of a measured loss: beyond it, zero or infinity


def log_measured_loss(loss, *, log_loss_link_factor, loss_link_power, log_guess_loss):
    """Log of the loss that teacher forcing measures where answers behave as if it were `loss`.

    ``loss = s measured^gamma``, s the factor at one nat; but guessing by frequency keeps what is measured below
    ``guess_loss``, of which it is the smooth minimum: ``1 / measured^2 = (s / loss)^(2 / gamma) + 1 / guess_loss^2``.
    """
    log_free = ((np.log(loss) - log_loss_link_factor) / loss_link_power).clip(
        -FARTHEST_LOG, FARTHEST_LOG
    )  # an infinite loss too
    gap = abs(log_free - log_guess_loss)
    return 0.5 * (log_free + log_guess_loss - gap - np.log1p(np.exp(-2.0 * gap)))
