"""The power law through two points: it passes through them, its log is that of the loss, and its Jacobian."""

import numpy as np
import pytensor
import pytest
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import jacobian

from models.equations.loss import LN10, PowerLaw, power_law_loss, theta_from_loss
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")
DECADES, DISTANCE = np.array([-2.0, 0.0, 1.3]), np.array([0.5, 6.0, 1.7])


def test_the_log_of_the_power_law_is_that_of_the_loss_and_finite_where_the_loss_is_not():
    law = PowerLaw(log_amplitude=LN10 * 0.3, exponent=0.4)
    loss = power_law_loss(DECADES, irreducible=0.0, log10_amplitude=0.3, exponent=0.4, theta_ref=0.0)
    np.testing.assert_allclose(law.log_loss(DECADES), np.log(loss), rtol=1e-12)
    assert law.log_loss(-1e4) == pytest.approx(LN10 * (0.3 + 4e3))


def test_the_power_law_through_two_points_passes_through_them():
    """By its log and by the inverse of the loss."""
    first, second = np.array([3.0, 0.2, -1.0]), np.array([1.0, -4.0, -1.5])
    law = PowerLaw.through((first, second), decades=DECADES, distance=DISTANCE)
    np.testing.assert_allclose(law.log_loss(DECADES), first, atol=1e-12)
    np.testing.assert_allclose(law.log_loss(DECADES + DISTANCE), second, atol=1e-12)
    parameters = {"log10_amplitude": law.log_amplitude / LN10, "exponent": law.exponent, "theta_ref": 0.0}
    np.testing.assert_allclose(theta_from_loss(np.exp(second), irreducible=0.0, **parameters), DECADES + DISTANCE)


def test_the_jacobian_of_the_power_law_through_two_points_is_that_of_automatic_differentiation():
    log_losses, decades, distance = pt.vector("log_losses"), pt.scalar("decades"), pt.scalar("distance")
    law = PowerLaw.through((log_losses[0], log_losses[1]), decades=decades, distance=distance)
    derivative = jacobian(pt.stack([law.log_amplitude, pt.log(law.exponent)]), log_losses, vectorize=True)
    outputs = [derivative, law.log_jacobian_through(distance=distance)]
    with pytensor.config.change_flags(cxx=""):
        function = pytensor.function([log_losses, decades, distance], outputs, mode=UNCOMPILED)
    for fall in np.random.default_rng(SEED).lognormal(size=5):
        for place, apart in zip(DECADES, DISTANCE, strict=True):
            found, log_jacobian = function(np.array([0.7, 0.7 - fall]), place, apart)
            assert log_jacobian == pytest.approx(np.linalg.slogdet(found)[1], rel=1e-9, abs=1e-9)
