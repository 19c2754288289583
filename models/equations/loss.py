"""Loss per token: its power law, the inverse, the law through two points, and the link of measured losses to answers.

Another loss law is written here: its loss, the inverse, and what `PowerLaw` says of the log of its reducible part.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.equations.numbers import positive_part

LN10 = np.log(10.0)


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


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """Reducible loss R of `power_law_loss` by its natural log, which is finite where R itself under- or overflows.

    ``ln R(d) = A - alpha d ln 10`` at d decades from the reference, with ``A = a ln 10``. R may be in any unit, such as
    nats of a whole answer. Fields are numbers, arrays or nodes of a graph.
    """

    log_amplitude: Any  # A, ln R at the reference
    exponent: Any  # alpha, per decade

    def log_loss(self, decades):
        """ln R at so many decades from the reference."""
        return self.log_amplitude - self.exponent * decades * LN10

    @classmethod
    def through(cls, log_losses, *, decades, distance) -> Self:
        """The law through two points: ln R (two) at `decades` from the reference and `distance` decades farther.

        ``alpha = (ln R_1 - ln R_2) / (distance ln 10)`` and ``A = ln R_1 + alpha decades ln 10``.
        """
        first, second = log_losses
        exponent = (first - second) / (LN10 * distance)
        return cls(log_amplitude=first + LN10 * exponent * decades, exponent=exponent)

    def log_jacobian_through(self, *, distance):
        """Log of ``|d (A, ln alpha) / d (ln R_1, ln R_2)| = 1 / (alpha distance ln 10)``, wherever the points lie."""
        return -np.log(self.exponent * LN10 * distance)


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
