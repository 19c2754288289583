"""Coordinates of a law: their log Jacobian against automatic differentiation, the way there against the way back."""

import numpy as np
import pytensor
import pytest
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import jacobian
from scipy import special, stats

from models.capability import NO_FLOOR
from models.equations.loss import power_law_loss
from models.equations.surrogates import exact_match, loss_from_exact_match
from models.law_coordinates import (
    LawPrior,
    coordinates_of_law,
    draw_law,
    law_of_coordinates,
    law_of_standard,
    log_density_of_law,
    stretched,
    unstretched,
)
from models.laws import NO_SHORTFALL
from models.priors import Priors
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")
LENGTH, POINTS = 3.0, 30
ROUNDING = 1e-5  # the map by the equations loses up to ten digits where the second anchor is all but solved
POWERS = [Priors().ceiling_shortfall_power, Priors().loss_shortfall_power, NO_SHORTFALL]
FLOORS = [NO_FLOOR, -4.0, 0.5]
ROOMS = [0.0, np.log(0.3), np.log(1e-3)]  # no bound, one that may lie above the second anchor or below, one near 1
ANCHORS = [(-1.2, 1.7), (0.4, 2.3), (-0.6, 0.5)]  # decades to the first, and from there to the second
EXPECTED = {"logit_mean": -2.0, "logit_sd": 1.5, "log_exponent_mean": -1.0, "log_exponent_sd": 0.4}


def prior_of(nu=2.0, power=4.0, floor=NO_FLOOR, anchor=0.0, distance=1.0, room=0.0, **expected):
    parameters = EXPECTED | expected | {"log_room": room}
    return LawPrior(nu=nu, shortfall_power=power, floor_logit=floor, anchor=anchor, distance=distance, **parameters)


@pytest.fixture(scope="module", autouse=True)
def _without_a_compiler():
    with pytensor.config.change_flags(cxx=""):
        yield


def natural(value, prior, *, open_ended):
    """(logit S_0, ln alpha, u) of coordinates, by the equations of success and loss alone.

    An open-ended law has an irreducible loss, any other a ceiling.
    """
    level, rise, share = value[0], pt.exp(value[1]), pt.exp(log_normal_cdf(stretched(value[2])[0]))
    odds = [pt.exp(level - 0.5 * rise), pt.exp(level + 0.5 * rise)]  # of a score, guessed or known, roughly
    floor = pt.exp(prior.floor_logit)
    known = [each**2 / ((each + floor) * (1.0 + floor)) for each in odds]
    successes = [each / (1.0 + each) for each in known]
    room = pt.exp(prior.log_room)
    log_missed = prior.shortfall_power * pt.log(share) + pt.log(pt.minimum(1.0 / (1.0 + known[1]), room))  # ln 1 - A
    asymptote = -pt.expm1(log_missed)
    surrogate = {"length": LENGTH, "nu": prior.nu}
    ceiling = 1.0 if open_ended else asymptote
    irreducible = loss_from_exact_match(asymptote, **surrogate) if open_ended else 0.0
    losses = [loss_from_exact_match(success / ceiling, **surrogate) - irreducible for success in successes]
    exponent = pt.log10(losses[0] / losses[1]) / prior.distance
    law = {"irreducible": irreducible, "log10_amplitude": pt.log10(losses[0]), "exponent": exponent}
    reference = ceiling * exact_match(power_law_loss(0.0, **law, theta_ref=prior.anchor), **surrogate)
    u = pt.exp((log_missed - pt.log(pt.minimum(1.0 - reference, room))) / prior.shortfall_power)
    return pt.stack([pt.log(reference) - pt.log1p(-reference), pt.log(exponent), u])


def log_normal_cdf(value):
    return pt.log(0.5 * pt.erfc(-value / np.sqrt(2.0)))


@pytest.fixture(scope="module", params=[False, True], ids=["ceiling", "irreducible loss"])
def differentiated(request):
    """Function of coordinates and of what a prior holds: natural parameters and log |det| of their derivative."""
    value, prior = pt.vector("value"), LawPrior(*(pt.scalar(name) for name in LawPrior._fields))
    found = natural(value, prior, open_ended=request.param)
    outputs = [found, jacobian(found, value, vectorize=True)]
    function = pytensor.function([value, *prior], outputs, mode=UNCOMPILED, on_unused_input="ignore")

    def of(value, prior):
        parameters, derivative = function(value, *prior)
        return parameters, np.linalg.slogdet(derivative)[1]

    return of


@pytest.fixture(scope="module")
def sampled():
    """Function of coordinates and of what a prior holds: log density, log Jacobian, logit S_0 and exponent."""
    value, prior = pt.vector("value"), LawPrior(*(pt.scalar(name) for name in LawPrior._fields))
    law, logit, log_jacobian = law_of_coordinates(value, prior)
    outputs = [log_density_of_law(value, prior), log_jacobian, logit, law.exponent]
    return pytensor.function([value, *prior], outputs, mode=UNCOMPILED)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize(("anchor", "distance"), ANCHORS)
@pytest.mark.parametrize("room", ROOMS)
def test_the_log_jacobian_is_that_of_automatic_differentiation(
    differentiated, sampled, power, floor, anchor, distance, room
):
    rng = np.random.default_rng(SEED)
    for value in rng.normal((-1.0, 0.5, 0.5), (1.5, 0.6, 0.5), size=(POINTS, 3)):
        expected = {name: rng.normal(number, 0.1) for name, number in EXPECTED.items()}
        prior = prior_of(np.exp(rng.normal(0, 0.7)), power, floor, anchor, distance, room, **expected)
        (logit, log_exponent, _), expected_jacobian = differentiated(value, prior)
        density, log_jacobian, *natural_parameters = sampled(value, *prior)
        assert log_jacobian == pytest.approx(expected_jacobian, abs=ROUNDING)
        np.testing.assert_allclose(natural_parameters, [logit, np.exp(log_exponent)], rtol=ROUNDING, atol=ROUNDING)
        of_logit = stats.norm.logpdf(logit, prior.logit_mean, prior.logit_sd)
        of_exponent = stats.norm.logpdf(log_exponent, prior.log_exponent_mean, prior.log_exponent_sd)
        assert density == pytest.approx(of_logit + of_exponent + expected_jacobian, abs=ROUNDING)
        assert density != pytest.approx(of_logit + of_exponent + expected_jacobian + 1e-4, abs=ROUNDING)


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize(("anchor", "distance"), ANCHORS)
@pytest.mark.parametrize("room", ROOMS)
def test_coordinates_of_a_law_give_the_law_back(floor, anchor, distance, room):
    """Logit S_0, exponent and asymptote of 200 laws; the asymptote lies at or above its bound."""
    rng, prior = np.random.default_rng(SEED), prior_of(2.0, 4.0, floor, anchor, distance, room)
    logit, exponent = rng.normal(-1.0, 1.0, 200), np.exp(rng.normal(-1.0, 0.4, 200))
    uniform = rng.uniform(0.05, 0.95, 200)
    value = coordinates_of_law(logit, exponent, uniform, prior)
    law, again, _ = law_of_coordinates(pt.as_tensor(value), LawPrior(*map(pt.as_tensor, prior)))
    found = [node.eval(mode=UNCOMPILED) for node in (again, law.exponent, law.log_asymptote)]
    log_asymptote = np.log1p(-np.minimum(special.expit(-logit), np.exp(room)) * uniform**4.0)
    assert (np.exp(log_asymptote) >= 1.0 - np.exp(room)).all()
    for values, expected in zip(found, (logit, exponent, log_asymptote), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("room", ROOMS)
def test_drawn_coordinates_mean_laws_of_the_prior(room):
    """Also those of standard normal numbers; an exponent twice as wide is the negative control."""
    prior, size = prior_of(1.5, 4.0, -3.0, -0.5, 1.5, room), (2000,)
    rng, given = np.random.default_rng(SEED), LawPrior(*map(pt.as_tensor, prior))
    law, logit, _ = law_of_coordinates(pt.as_tensor(draw_law(prior, rng=rng, size=size)), given)
    other = law_of_standard(pt.as_tensor(rng.standard_normal((*size, 3))), given)
    logit, *parameters = (node.eval(mode=UNCOMPILED) for node in (logit, *law, *other))
    assert stats.kstest((logit - prior.logit_mean) / prior.logit_sd, "norm").pvalue > 1e-5
    for log_asymptote, log_hazard, exponent in (parameters[:3], parameters[3:]):
        success = np.exp(log_asymptote) * exact_match(np.exp(log_hazard), length=1.0, nu=prior.nu)
        u = (-np.expm1(log_asymptote) / np.minimum(1.0 - success, np.exp(room))) ** (1 / 4)
        standard = (np.log(exponent) - prior.log_exponent_mean) / prior.log_exponent_sd
        assert stats.kstest((special.logit(success) - prior.logit_mean) / prior.logit_sd, "norm").pvalue > 1e-5
        assert stats.kstest(standard, "norm").pvalue > 1e-5 > stats.kstest(2.0 * standard, "norm").pvalue
        assert stats.kstest(u, "uniform").pvalue > 1e-5 > stats.kstest(u**2, "uniform").pvalue


@pytest.mark.parametrize("anchor", [-2.0, 0.0, 1.5])
@pytest.mark.parametrize("distance", [0.5, 6.0])
@pytest.mark.parametrize("floor", [NO_FLOOR, -3.0])
def test_laws_too_steep_for_doubles_are_drawn_as_numbers(anchor, distance, floor):
    """400 decades of loss from anchor to anchor."""
    steep = {"log_exponent_mean": np.log(400 / distance), "log_exponent_sd": 0.1}
    prior = prior_of(1.0, 2.0, floor, anchor, distance, **steep)
    assert np.isfinite(draw_law(prior, rng=np.random.default_rng(SEED), size=(20,))).all()


@pytest.mark.parametrize("floor", [NO_FLOOR, -6.0, -2.0, 1.0])
def test_the_floor_changes_the_coordinates_of_a_law_but_not_the_law(floor):
    """The first anchor lies at the reference, so that logit S_0 is the success there, with a floor or without."""
    with_floor, without = prior_of(floor=floor), prior_of()
    drawn, plain = (draw_law(prior, rng=np.random.default_rng(SEED), size=(50,)) for prior in (with_floor, without))
    logit = law_of_coordinates(pt.as_tensor(drawn), LawPrior(*map(pt.as_tensor, map(np.float64, with_floor))))[1]
    np.testing.assert_allclose(logit.eval(mode=UNCOMPILED), plain[:, 0] - 0.5 * np.exp(plain[:, 1]), rtol=1e-6)
    assert np.allclose(drawn, plain) == (floor == NO_FLOOR)


@pytest.mark.parametrize("level", [-1.0, 0.0, 2.0])
def test_the_level_of_a_law_is_nearly_the_logit_of_its_score_whatever_is_guessed(level):
    """A floor and the success beyond it are told apart by few scores: coordinates that mix them mix badly."""
    scores = []
    for guessed in (0.005, 0.05, 0.15):
        prior = prior_of(floor=special.logit(guessed), distance=0.5)
        coordinates = pt.as_tensor(np.array([level, -3.0, 0.0]))
        logit = law_of_coordinates(coordinates, LawPrior(*map(pt.as_tensor, map(np.float64, prior))))[1]
        scores.append(guessed + (1.0 - guessed) * special.expit(logit.eval(mode=UNCOMPILED)))
    assert np.ptp(scores) < 0.04 and np.all(np.abs(np.array(scores) - special.expit(level)) < 0.04)
    assert 0.15 + 0.85 * special.expit(level) > special.expit(level) + 0.015  # had the floor been overlooked


def test_a_stretched_shortfall_and_its_inverse_undo_each_other():
    """Far below the bend the slope is 4, far above it 1; between them it is that of finite differences."""
    shortfall, step = np.linspace(-4.0, 9.0, 53), 1e-6
    normal, slope = stretched(shortfall)
    np.testing.assert_allclose(unstretched(normal), shortfall, rtol=1e-12, atol=1e-12)
    differences = (stretched(shortfall + step)[0] - stretched(shortfall - step)[0]) / (2 * step)
    np.testing.assert_allclose(differences, slope, rtol=1e-7)
    np.testing.assert_allclose(slope[[0, -1]], [4.0, 1.0], rtol=1e-3)
