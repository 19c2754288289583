"""Curves of the baselines: what people draw through scores or losses of a few runs.

A method fits many data sets of the same runs at once: from x (run) and values (draw, run) to a `Curve`. x is log10 FLOP
or another axis, such as years or a loss. With too few runs of different x, a method leaves them to a simpler one.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import NamedTuple

import numpy as np
from scipy.optimize import leastsq
from scipy.special import expit, logit

FEWEST_RUNS = 3  # of different x: two fix a line exactly and leave no residual
DIFFERENT = 6  # decimals in which x must differ to count as different
EDGE = 1e-6  # scores are kept that far from 0 and 1 in logs and logits
LARGEST_LOG = 50.0  # cap of exponents: far beyond any loss, and its exponential is finite
CONSTANTS = (0.01, 0.3, 0.6, 0.8, 0.9, 0.97)  # first guesses of an irreducible loss, in lowest losses
SLOWEST = 1e-3  # first guess of an exponent, in spans of x, where losses do not fall
BREAKS, WIDTHS = 24, (0.02, 0.1, 0.3)  # number of positions tried for a break, and its widths in spans of x


class Curve(NamedTuple):
    """A fitted curve: `at` goes from new x, (point) or (draw, point), to values (draw, point)."""

    at: Callable[[np.ndarray], np.ndarray]
    parameters: int  # of each draw


Method = Callable[[np.ndarray, np.ndarray], Curve]


def needs(runs: int, otherwise: Method) -> Callable[[Method], Method]:
    """Leave data of fewer different x than `runs` to a simpler method."""

    def of(method: Method) -> Method:
        @wraps(method)
        def fitted(x: np.ndarray, values: np.ndarray) -> Curve:
            return (method if len(np.unique(x.round(DIFFERENT))) >= runs else otherwise)(x, values)

        return fitted

    return of


def last_value(x: np.ndarray, values: np.ndarray) -> Curve:
    """The score or loss of the largest run, of equally large ones their mean, at any compute."""
    latest = values[:, x == x.max()].mean(axis=1, keepdims=True)
    return Curve(lambda new: latest + np.zeros_like(new), 1)


@needs(FEWEST_RUNS, otherwise=last_value)
def linear(x: np.ndarray, score: np.ndarray) -> Curve:
    """A straight line in log compute, kept within [0, 1]."""
    line = _least_squares_line(x, score)
    return Curve(lambda new: np.clip(line(new), 0.0, 1.0), 2)


@needs(FEWEST_RUNS, otherwise=last_value)
def logistic(x: np.ndarray, score: np.ndarray) -> Curve:
    """A logistic curve in log compute, by least squares on the score."""
    start = _level_and_slope(_unit(x)(x), logit(np.clip(score, 1e-4, 1 - 1e-4)))
    return _least_squares(_logistic, _logistic_gradient, x, score, start)


@needs(6, otherwise=logistic)
def sigmoid(x: np.ndarray, score: np.ndarray) -> Curve:
    """A logistic curve between a free floor and a free ceiling, by least squares on the score; 0 and 1 below 6 runs."""
    margin = 0.05 * np.ptp(score, axis=1) + 1e-4
    floor = np.clip(score.min(axis=1) - margin, 1e-4, 1 - 3e-4)
    ceiling = np.clip(score.max(axis=1) + margin, 3e-4, 1 - 1e-4)
    share = (score - floor[:, None]) / (ceiling - floor)[:, None]
    start = _level_and_slope(_unit(x)(x), logit(np.clip(share, 1e-3, 1 - 1e-3)))
    return _least_squares(_sigmoid, _sigmoid_gradient, x, score, [*start, logit(floor), logit(ceiling)])


@needs(FEWEST_RUNS, otherwise=last_value)
def power_law(x: np.ndarray, score: np.ndarray) -> Curve:
    """A direct power law in compute, ``-log score = A C^-b``: a straight line in log-log, by least squares there."""
    line = _least_squares_line(x, _log_hazard(score))
    return Curve(lambda new: _score(line(new)), 2)


@needs(FEWEST_RUNS, otherwise=last_value)
def gompertz(x: np.ndarray, score: np.ndarray) -> Curve:
    """The same power law by least squares on the score, where large scores weigh most: a Gompertz curve."""
    start = _level_and_slope(_unit(x)(x), _log_hazard(score))
    return _least_squares(_gompertz, _gompertz_gradient, x, score, start)


@needs(6, otherwise=power_law)
def broken_power_law(x: np.ndarray, score: np.ndarray) -> Curve:
    """A direct power law with a smooth break, ``-log score = A C^-b (1 + (C/D)^(1/f))^(-c f)``; unbroken below 6 runs.

    Least squares in log-log, linear but for D and f, which are searched on a grid, D between the second run and the
    last but two. Caballero et al. 2023, "Broken neural scaling laws", with one break and nothing irreducible.
    """
    unit, log_hazard = _unit(x), _log_hazard(score)
    different = unit(np.unique(x.round(DIFFERENT)))
    grid = np.meshgrid(np.linspace(different[1], different[-3], BREAKS), np.array(WIDTHS))
    at, width = (each.reshape(-1, 1) for each in grid)
    basis, triangle = np.linalg.qr(_broken_columns(unit(x), at, width))  # (break, run, column), (break, column, column)
    loading = np.einsum("brc,dr->bdc", basis, log_hazard)
    best = (loading**2).sum(axis=-1).argmax(axis=0)  # leaves the least residual, as the basis is orthonormal
    law = np.linalg.solve(triangle[best], loading[best, np.arange(len(score)), :, None])
    return Curve(lambda new: _score((_broken_columns(unit(new), at[best], width[best]) @ law)[..., 0]), 5)


@needs(FEWEST_RUNS, otherwise=last_value)
def loss_power_law(x: np.ndarray, loss: np.ndarray) -> Curve:
    """A power law of a loss in compute, ``A C^-alpha`` in nats: a straight line in log-log, by least squares there."""
    line = _least_squares_line(x, np.log(loss))
    return Curve(lambda new: exp_within(line(new)), 2)


@needs(FEWEST_RUNS + 1, otherwise=loss_power_law)
def offset_power_law(x: np.ndarray, loss: np.ndarray) -> Curve:
    """``E + A C^-alpha`` in nats, by least squares on the log of the loss; without E below 4 runs.

    Searched in log E, log A and log alpha, so that nothing of it rises, from the best of several first guesses of E;
    in logs as by Hoffmann et al. 2022, "Training compute-optimal large language models".
    """
    z, log_loss, lowest = _unit(x)(x), np.log(loss), loss.min(axis=1)
    lines = [_level_and_slope(z, np.log(loss - share * lowest[:, None])) for share in CONSTANTS]
    starts = np.array(
        [
            [level, np.log(np.maximum(-slope, SLOWEST)), np.log(share * lowest)]
            for share, (level, slope) in zip(CONSTANTS, lines, strict=True)
        ]
    )  # (guess, parameter, draw)
    misfits = [((_offset(z, *start[..., None]) - log_loss) ** 2).sum(axis=1) for start in starts]
    start = starts[np.argmin(misfits, axis=0), :, np.arange(len(loss))].T
    fitted = _least_squares(_offset, _offset_gradient, x, log_loss, list(start))
    return Curve(lambda new: exp_within(fitted.at(new)), fitted.parameters)


def exp_within(log_loss: np.ndarray) -> np.ndarray:
    """A loss in nats from its log, finite however far a law is followed."""
    return np.exp(np.clip(log_loss, -LARGEST_LOG, LARGEST_LOG))


def _logistic(z: np.ndarray, level: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return expit(level + slope * z)


def _logistic_gradient(z: np.ndarray, level: np.ndarray, slope: np.ndarray) -> list[np.ndarray]:
    steepness = expit(level + slope * z) * expit(-level - slope * z)
    return [steepness, steepness * z]


def _sigmoid(z: np.ndarray, level: np.ndarray, slope: np.ndarray, floor: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    return expit(floor) + (expit(ceiling) - expit(floor)) * _logistic(z, level, slope)  # floor and ceiling as logits


def _sigmoid_gradient(
    z: np.ndarray, level: np.ndarray, slope: np.ndarray, floor: np.ndarray, ceiling: np.ndarray
) -> list[np.ndarray]:
    share = _logistic(z, level, slope)
    own = [(expit(ceiling) - expit(floor)) * each for each in _logistic_gradient(z, level, slope)]
    return [*own, (1 - share) * expit(floor) * expit(-floor), share * expit(ceiling) * expit(-ceiling)]


def _gompertz(z: np.ndarray, level: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return _score(level + slope * z)


def _gompertz_gradient(z: np.ndarray, level: np.ndarray, slope: np.ndarray) -> list[np.ndarray]:
    log_hazard = np.minimum(level + slope * z, LARGEST_LOG)
    steepness = -np.exp(log_hazard - np.exp(log_hazard))
    return [steepness, steepness * z]


def _offset(z: np.ndarray, level: np.ndarray, log_slope: np.ndarray, constant: np.ndarray) -> np.ndarray:
    return np.logaddexp(constant, level - np.exp(log_slope) * z)  # of the log loss, constant being log E


def _offset_gradient(z: np.ndarray, level: np.ndarray, log_slope: np.ndarray, constant: np.ndarray) -> list[np.ndarray]:
    slope = np.exp(log_slope)
    share = expit(level - slope * z - constant)
    return [share, -share * slope * z, 1 - share]


def _broken_columns(z: np.ndarray, at: np.ndarray, width: np.ndarray) -> np.ndarray:
    """What level, slope and change of slope multiply (..., column) in log(-log score)."""
    return np.stack(np.broadcast_arrays(1.0, z, width * np.logaddexp(0.0, (z - at) / width)), axis=-1)


def _score(log_hazard: np.ndarray) -> np.ndarray:
    return np.exp(-np.exp(np.minimum(log_hazard, LARGEST_LOG)))


def _log_hazard(score: np.ndarray) -> np.ndarray:
    return np.log(-np.log(np.clip(score, EDGE, 1 - EDGE)))


def _unit(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """From x to z, in spans of the data from their mean."""
    centre, span = x.mean(), np.ptp(x)
    return lambda new: (new - centre) / span


def _level_and_slope(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the straight line through each draw; the mean of z is 0."""
    return y.mean(axis=1), y @ z / (z @ z)


def _least_squares_line(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    unit = _unit(x)
    level, slope = (each[:, None] for each in _level_and_slope(unit(x), y))
    return lambda new: level + slope * unit(new)


def _least_squares(
    form: Callable[..., np.ndarray],
    gradient: Callable[..., list[np.ndarray]],
    x: np.ndarray,
    values: np.ndarray,
    start: Sequence[np.ndarray],
) -> Curve:
    """`form` fitted to each draw from its start, each parameter (draw); a search that ends nowhere leaves the start.

    Hundreds of small fits a task: `least_squares` takes longer over the same search (a task 1.6 to 4 times).
    """
    unit, law = _unit(x), np.stack(start, axis=-1)
    z = unit(x)
    options = {"col_deriv": True, "ftol": 1e-8, "xtol": 1e-8, "gtol": 1e-8, "maxfev": 100}
    with np.errstate(all="ignore"), warnings.catch_warnings():  # a step of the search may overflow: it is turned down
        warnings.simplefilter("ignore", RuntimeWarning)  # and searches that end nowhere
        for own, of_draw in zip(law, values, strict=True):
            found, _ = leastsq(
                lambda p, of_draw=of_draw: form(z, *p) - of_draw, own, Dfun=lambda p: gradient(z, *p), **options
            )
            if np.isfinite(found).all():
                own[:] = found
    return Curve(lambda new: form(unit(new), *law.T[..., None]), law.shape[1])
