"""Equations of compute: bent by an uneven path, split into parameters and tokens, tokens repeated.

As in `models.equations.surrogates`, each function takes Python numbers, NumPy arrays, xarray DataArrays or PyTensor
variables, broadcasts them, and returns the same kind; `inf` where nothing suffices, `-inf` where anything does.

One compute-optimal run (N*, D*) stands for a reducible loss ``R = A N^-a + B D^-b``. Its two parts are as b to a, so
in units of R, with parameters N and tokens D,

    b/(a+b) (N/N*)^-a + a/(a+b) (D/D*)^-b = 1

is the curve of all runs that have it. Source: Hoffmann et al. 2022 (arXiv:2203.15556), approach 3.

Repeated tokens: Muennighoff et al. 2023, "Scaling Data-Constrained Language Models" (arXiv:2305.16264). Their second
term, by which parameters beyond those optimal for the unique tokens count less (R_N* = 5.309743), is left out: it does
not vanish where no token is repeated, so that runs of one epoch would not follow the curve above, to which they were
fitted. Much larger models on few unique tokens are therefore taken to be as good as that curve says, at the most.
"""

import numpy as np
import xarray as xr

from models.equations.numbers import positive_part, root_between

FARTHEST = 1e6  # decades; beyond it only the sign of a compute matters


def bent_compute(log10_compute, *, slopes, knots, theta_ref):
    """Effective compute less theta_ref: the path length from theta_ref, where each decade counts `slopes` of its piece.

    ``s_0 (x - ref) + sum_k (s_k - s_{k-1}) [(x - knot_k)_+ - (ref - knot_k)_+]``: piecewise linear and, for positive
    slopes, increasing. Shapes: slopes (..., knot + 1), knots (..., knot), the others (...); of a DataArray of slopes
    the last dim is that of the pieces. It is its own inverse form: see `compute_from_bent`.
    """
    if isinstance(log10_compute, xr.DataArray) or isinstance(slopes, xr.DataArray):
        return _labelled(bent_compute, log10_compute, slopes, knots=knots, theta_ref=theta_ref)
    x, origin = np.float64(1.0) * log10_compute, np.float64(1.0) * theta_ref
    near = x.clip(-FARTHEST, FARTHEST)  # the hinges of an infinite x would add up to inf - inf
    hinges = positive_part(near[..., None] - knots) - positive_part(origin[..., None] - knots)
    return slopes[..., 0] * (near - origin) + ((slopes[..., 1:] - slopes[..., :-1]) * hinges).sum(axis=-1) + (x - near)


def compute_from_bent(theta, *, slopes, knots, theta_ref):
    """Log compute at which `bent_compute` is theta: the same path with slopes and axes exchanged."""
    if isinstance(theta, xr.DataArray) or isinstance(slopes, xr.DataArray):
        return _labelled(compute_from_bent, theta, slopes, knots=knots, theta_ref=theta_ref)
    knots_in_theta = bent_compute(knots, slopes=slopes[..., None, :], knots=knots[..., None, :], theta_ref=theta_ref)
    return theta_ref + bent_compute(theta, slopes=1.0 / slopes, knots=knots_in_theta, theta_ref=0.0)


def optimal_compute(
    log10_params, log10_tokens, *, params_exponent, tokens_exponent, log10_params_ref, log10_tokens_ref
):
    """Log compute of the compute-optimal run whose reducible loss is that of a run with N parameters and D tokens.

    With ``R = A N^-a + B D^-b`` and ``C = 6 N D``, all optimal runs split R alike, b to a, so each has ``N ~ R^(-1/a)``
    and ``D ~ R^(-1/b)``. Only the shape matters; one optimal run (N0, D0) stands for A and B and gives R its unit:

        R = b/(a+b) (N/N0)^-a + a/(a+b) (D/D0)^-b
        log10 C_eq = log10(6 N0 D0) - (1/a + 1/b) log10 R

    This is log10(6 N D) on the optimal path and less beside it. In C_eq the reducible loss is a power law with the
    exponent ``a b / (a + b)``.

    Units: all but a and b, which are positive, in decades. Source: Hoffmann et al. 2022 (arXiv:2203.15556), approach 3;
    refitted by Besiroglu et al. 2024 (arXiv:2404.10102).
    """
    both = params_exponent + tokens_exponent
    of_params = np.log(tokens_exponent / both) - params_exponent * np.log(10.0) * (log10_params - log10_params_ref)
    of_tokens = np.log(params_exponent / both) - tokens_exponent * np.log(10.0) * (log10_tokens - log10_tokens_ref)
    gap = abs(of_params - of_tokens)
    log_loss = 0.5 * (of_params + of_tokens + gap) + np.log1p(np.exp(-gap))  # their logaddexp, smooth at a tie
    decades_per_log_loss = (1.0 / params_exponent + 1.0 / tokens_exponent) / np.log(10.0)
    return np.log10(6.0) + log10_params_ref + log10_tokens_ref - decades_per_log_loss * log_loss


def _labelled(path, value, slopes, **where):
    slopes = slopes if isinstance(slopes, xr.DataArray) else xr.DataArray(slopes, dims="segment")
    dims = [[], [slopes.dims[-1]]]
    return xr.apply_ufunc(
        lambda value, slopes: path(value, slopes=slopes, **where), value, slopes, input_core_dims=dims
    )


REPEATS_DECAY = 15.387756  # R_D* of Muennighoff et al. 2023: repeats after which a further one is worth 1/e
LN10 = np.log(10.0)
ROUNDING = 1e-9  # decades, of the end of a bracket
DEAREST = 1e3  # log of a cost by a saving; one of them is infinite at the ends


def optimal_sizes(log10_compute, *, params_exponent, tokens_exponent, log10_params_ref, log10_tokens_ref):
    """Log parameters and log tokens of the compute-optimal run of a compute.

    ``N* = N0 (C / C0)^(b / (a + b))``, ``D* = D0 (C / C0)^(a / (a + b))`` with ``C0 = 6 N0 D0`` of one optimal run
    (N0, D0), so that ``C = 6 N* D*``. Units: decades, but for a and b.
    """
    both = params_exponent + tokens_exponent
    decades = log10_compute - (np.log10(6.0) + log10_params_ref + log10_tokens_ref)
    params = log10_params_ref + decades * tokens_exponent / both
    return params, log10_tokens_ref + decades * params_exponent / both


def tokens_needed(log10_params, *, params_exponent, tokens_exponent, log10_params_optimal, log10_tokens_optimal):
    """Log tokens with which a run of N parameters has the reducible loss of the optimal run (N*, D*).

    ``D = D* (1 - b/a ((N/N*)^-a - 1))^(-1/b)``; `inf` where N is so small that no number of tokens suffices.
    """
    return log10_tokens_optimal + _other_size(
        log10_params - log10_params_optimal, own_exponent=params_exponent, other_exponent=tokens_exponent
    )


def params_needed(log10_tokens, *, params_exponent, tokens_exponent, log10_params_optimal, log10_tokens_optimal):
    """Log parameters with which a run of D tokens has the reducible loss of (N*, D*): inverse of `tokens_needed`."""
    return log10_params_optimal + _other_size(
        log10_tokens - log10_tokens_optimal, own_exponent=tokens_exponent, other_exponent=params_exponent
    )


def effective_tokens(log10_tokens, *, log10_unique, decay=REPEATS_DECAY):
    """Log of the unique tokens that are worth as much as D tokens seen, of which U are different.

    ``D' = U + U R* (1 - exp(-R / R*))`` with ``R = D / U - 1`` repeats, at most ``U (1 + R*)``; D itself where D <= U.
    Source: Muennighoff et al. 2023, equation 5.
    """
    epochs = log10_tokens - log10_unique
    with np.errstate(over="ignore"):
        repeats = positive_part(10.0**epochs - 1.0)
    return log10_unique - positive_part(-epochs) + np.log1p(-decay * np.expm1(-repeats / decay)) / LN10


def tokens_seen(log10_effective, *, log10_unique, decay=REPEATS_DECAY):
    """Log of the tokens to be seen, repeats and all, that are worth D' unique ones: inverse of `effective_tokens`.

    ``D = U (1 - R* log(1 - (D' / U - 1) / R*))``; D' itself where D' <= U, `inf` from ``D' = U (1 + R*)`` on.
    """
    epochs = log10_effective - log10_unique
    with np.errstate(over="ignore", divide="ignore"):
        missing = positive_part(10.0**epochs - 1.0)
        repeats = -decay * np.log(positive_part(1.0 - missing / decay))
        return log10_unique - positive_part(-epochs) + np.log1p(repeats) / LN10


def most_effective_tokens(log10_unique, *, decay=REPEATS_DECAY):
    """Log of ``U (1 + R*)``, what U unique tokens are worth however often they are repeated."""
    return log10_unique + np.log10(1.0 + decay)


def cheapest_effective_tokens(
    *, params_exponent, tokens_exponent, log10_tokens_optimal, log10_unique, decay=REPEATS_DECAY
):
    """Log of the effective tokens D' of the run of least compute that has the loss of (N*, D*) on U unique tokens.

    Along the curve a per cent more D' saves ``b r / (a (1 - r))`` per cent of parameters, r being the share of the loss
    in tokens, ``r = a/(a+b) (D'/D*)^-b``, and costs ``D' / D exp(R / R*)`` per cent of tokens seen. Saving falls and
    cost rises with D', so they are equal once. D* itself where D* <= U; `inf` where no run of U unique tokens has the
    loss, however large it is and however often it sees them. It takes no variables.
    """
    given = (params_exponent, tokens_exponent, log10_tokens_optimal, log10_unique)
    return xr.apply_ufunc(lambda *each: _cheapest_effective_tokens(*each, decay), *given)


def _cheapest_effective_tokens(params_exponent, tokens_exponent, log10_tokens_optimal, log10_unique, decay):
    fewest = -np.log1p(tokens_exponent / params_exponent) / (LN10 * tokens_exponent)  # r = 1: parameters without end
    room = most_effective_tokens(log10_unique, decay=decay) - log10_tokens_optimal - fewest
    most = fewest + positive_part(-fewest - positive_part(-fewest - room))

    def dearness(decades, a, b, log10_tokens_optimal, log10_unique):
        log_share = -LN10 * b * decades - np.log1p(b / a)
        log_saved = np.log(b / a) + log_share - np.log(positive_part(-np.expm1(log_share)))
        return (_log_cost(log10_tokens_optimal + decades, log10_unique, decay) - log_saved).clip(-DEAREST, DEAREST)

    given = (params_exponent, tokens_exponent, log10_tokens_optimal, log10_unique)
    found = log10_tokens_optimal + root_between(dearness, fewest, most + ROUNDING, *given)
    return np.select([room <= 0, log10_tokens_optimal == -np.inf], [np.inf, -np.inf], found)[()]


def _log_cost(log10_effective, log10_unique, decay):
    """Log of ``dlog D / dlog D'``: what a per cent of effective tokens costs in tokens seen."""
    worth = 10.0 ** (log10_effective - log10_unique)
    missing = positive_part(worth - 1.0)
    seen = tokens_seen(log10_effective, log10_unique=log10_unique, decay=decay)
    return LN10 * (log10_effective - seen) - np.log(positive_part(1.0 - missing / decay))


def _other_size(decades, *, own_exponent, other_exponent):
    """Decades by which the other size differs from its optimal one where one's own does by `decades`."""
    with np.errstate(over="ignore", divide="ignore"):
        excess = np.expm1(-own_exponent * LN10 * decades)
        left = 1.0 - other_exponent / own_exponent * excess
        return -np.log(positive_part(left)) / (LN10 * other_exponent)


WARM_UP_POWER = 2.0


def split_deficit(log10_params, log10_tokens, *, params_exponent, tokens_exponent, log10_ratio, reference):
    """Decades by which compute split so falls short of the same compute split optimally: zero or less.

    `log10_ratio` is the log of tokens per parameter of the compute-optimal run at log compute `reference`.
    """
    half = 0.5 * (reference - np.log10(6.0))
    optimal = optimal_compute(
        log10_params,
        log10_tokens,
        params_exponent=params_exponent,
        tokens_exponent=tokens_exponent,
        log10_params_ref=half - 0.5 * log10_ratio,
        log10_tokens_ref=half + 0.5 * log10_ratio,
    )
    return optimal - (np.log10(6.0) + log10_params + log10_tokens)


def warm_up_deficit(log10_tokens, *, log10_warm_up_tokens, warm_up_lag):
    """Decades by which a run in warm-up lags behind the law of later ones: ``-lag log10(1 + (D_w / D)^2)``.

    A training of few steps, its learning rate still rising, is no power law yet; far beyond D_w nothing of it is left.
    """
    excess = WARM_UP_POWER * np.log(10.0) * (log10_warm_up_tokens - log10_tokens)
    return -warm_up_lag * (0.5 * (excess + abs(excess)) + np.log1p(np.exp(-abs(excess)))) / np.log(10.0)
