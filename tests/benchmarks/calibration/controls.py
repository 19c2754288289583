"""Negative controls: faults put between truth and fit, each of which the ranks must show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import models.law_coordinates
from models.priors import Priors

USUAL = Priors()


@dataclass(frozen=True, kw_only=True)
class Control:
    """What truth and fit suppose; the same where nothing is wrong."""

    kind: str = ""
    of_truth: Priors = USUAL
    of_fit: Priors = USUAL
    wrong_sign: bool = False  # of the log Jacobian of the coordinates of laws, while the fit is compiled

    @contextmanager
    def fitted(self) -> Iterator[None]:
        """In it models have the fault."""
        if not self.wrong_sign:
            yield
            return
        right = models.law_coordinates._log_slope_of_u
        with mock.patch.object(models.law_coordinates, "_log_slope_of_u", lambda *given: -right(*given)):
            yield


NOISE = 1.5  # times the standard deviation: counts beyond binomial, and logs of losses


CONTROLS = {
    "noise": Control(
        kind="loss",
        of_truth=Priors(
            concentration_median=USUAL.concentration_median / NOISE**2,
            loss_scale_median=USUAL.loss_scale_median * NOISE,
        ),
    ),
    "sign": Control(kind="exact match", wrong_sign=True),
    "weight": Control(kind="choice", of_fit=Priors(outlier_share=0.5)),  # both parts of the mixture count 1
}
"""Noise that is 1.5 times what the fit supposes; one wrong sign; the weight of outliers forgotten."""
