"""Guessed tokens: at least k of L where a token that is not known may be right by guessing.

With the probability `token_floor`, f, of guessing a token, item i has ``q = f + (1 - f) exp(-loss g)``, g as in
`models.equations.surrogates`. Exact match is closed, a binomial mean over the tokens guessed right:
``sum_a C(L,a) f^a (1-f)^(L-a) (1 + (L-a) loss / nu)^-nu``; the rest is a mean over g on a fixed grid in log g, with the
easier items to its left as a point. Relative error below 6e-3 for length to 32, nu from 0.1 to 50, f from 1e-4 and loss
to 100, below 2e-4 for length to 16 and nu from 0.3 to 10. `at_least_k` is the exact one for f = 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy import special

from models.equations.numbers import log_choose, logsumexp, of_graphs
from models.equations.surrogates import HAZARD_FLOOR, LARGEST_HAZARD

ITEM_LOG_LOSS = np.linspace(-14.0, 3.2, 77)  # log g of the items, easiest to hardest
ITEM_SPACING = ITEM_LOG_LOSS[1] - ITEM_LOG_LOSS[0]
ITEM_IS_FIRST = np.eye(len(ITEM_LOG_LOSS))[0]
CHUNK = 256  # answers


def at_least_each(loss, *, ks, length, nu, token_floor):
    """`at_least_k` for each k of `ks`, on a last axis, where a token that is not known is right by guessing.

    Token accuracy, the mean over k = 1..L, is ``f + (1 - f) token_accuracy``.
    """
    if any(isinstance(each, xr.DataArray) for each in (loss, nu, token_floor)):
        return xr.apply_ufunc(
            lambda *each: at_least_each(each[0], ks=ks, length=length, nu=each[1], token_floor=each[2]),
            *(loss, nu, token_floor),
            output_core_dims=[["k"]],
        )
    loss, nu, floor = _kept_in_reach(loss, nu, token_floor)
    found = []
    if partial := [k for k in ks if k < length]:
        of_partial = (_in_chunks if isinstance(loss, np.ndarray | np.generic) else _in_graph)(
            loss, nu, floor, partial, length
        )
        found = [of_partial[..., place] for place in range(len(partial))]
    if length in ks:
        terms = Terms.of(None, length, np.arange(length + 1))
        found.append(np.exp(logsumexp(_log_guessed(*(each[..., None] for each in (loss, nu, floor)), *terms[1:]))))
    return (np.stack if isinstance(found[0], np.ndarray | np.generic) else of_graphs().stack)(found, axis=-1)


class Terms(NamedTuple):
    """Numbers of tokens of answers, of which tails are sums; arrays, or what a graph holds of them (term)."""

    answer: Any  # place of its loss, nu and f
    right: Any
    wrong: Any
    log_choose: Any

    @classmethod
    def of(cls, answer, length, right) -> "Terms":
        """Terms by the place of an answer, its tokens and those that are right."""
        return cls(answer, right, length - right, log_choose(length, right))


class Tails(NamedTuple):
    """Tails of many answers, each at least k of L: arrays, or what a graph holds of them."""

    items: Terms  # of k < L, by the tokens that are right
    whole: Terms  # of k = L, by the tokens that are guessed
    places: Any  # (tail, most terms) in items, then whole; padded with the place after the last

    @classmethod
    def of(cls, answer, length, k) -> "Tails":
        """Tails (tail), by the place of the answer of each, its tokens and those that must be right."""
        keys = [
            [(m == n, a, n, right) for right in range(0 if m == n else m, n + 1)]
            for a, n, m in zip(*(np.asarray(each).astype(int).tolist() for each in (answer, length, k)), strict=True)
        ]
        place = {key: place for place, key in enumerate(sorted({key for each in keys for key in each}))}
        places = np.full((len(keys), max(map(len, keys))), len(place))
        for row, each in zip(places, keys, strict=True):
            row[: len(each)] = [place[key] for key in each]
        terms = np.array(list(place))
        items, whole = (Terms.of(*terms[terms[:, 0] == kind, 1:].T) for kind in (False, True))
        return cls(items, whole, places)

    def map(self, function: Callable[[np.ndarray], Any]) -> "Tails":
        """The same with a function of each array in its place."""
        return Tails(Terms(*map(function, self.items)), Terms(*map(function, self.whole)), function(self.places))


def tails(loss, *, nu, token_floor, of: Tails):
    """Each tail of `of` as a graph, the same one for all lengths and k: `at_least_each` of loss, nu, f (answer)."""
    loss, nu, floor = _kept_in_reach(loss, nu, token_floor)
    weight, right, wrong = _items(loss, nu, floor)
    log_right, log_wrong = np.log(right)[of.items.answer], np.log(wrong)[of.items.answer]
    log_terms = of.items.right[:, None] * log_right + of.items.wrong[:, None] * log_wrong + of.items.log_choose[:, None]
    by_item = (weight[of.items.answer] * np.exp(log_terms)).sum(axis=-1)
    loss, nu, floor = (each[of.whole.answer] for each in (loss, nu, floor))
    whole = np.exp(_log_guessed(loss, nu, floor, of.whole.right, of.whole.wrong, of.whole.log_choose))
    terms = of_graphs().concatenate([by_item, whole, np.zeros(1)])
    return terms[of.places].sum(axis=-1)


def _kept_in_reach(loss, nu, token_floor):
    """Nothing to know is known, however large the loss; and no logarithm is of zero."""
    loss, nu, floor = (np.float64(1.0) * each + HAZARD_FLOOR for each in (loss, nu, token_floor))
    return loss.clip(0.0, LARGEST_HAZARD), nu, floor


def _log_guessed(loss, nu, floor, guessed, known, log_choose):
    """Log probability that so many tokens are guessed right and the others known."""
    log_known = -nu * np.log1p(known * (loss / nu).clip(0.0, LARGEST_HAZARD))
    return log_choose + guessed * np.log(floor) + known * np.log1p(-floor) + log_known


def _items(loss, nu, floor):
    """Weight of each item, and the probabilities that a token of it is right and wrong, on a last axis."""
    log_weight = nu[..., None] * (ITEM_LOG_LOSS - np.exp(ITEM_LOG_LOSS))
    weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
    easier = weight * (1.0 / (nu[..., None] * ITEM_SPACING) - 0.5)  # all items left of the grid
    weight = weight + easier * ITEM_IS_FIRST
    log_known = -loss[..., None] * np.exp(ITEM_LOG_LOSS)
    wrong = -(1.0 - floor[..., None]) * np.expm1(log_known)
    right = floor[..., None] + (1.0 - floor[..., None]) * np.exp(log_known)
    return weight / weight.sum(axis=-1, keepdims=True), right, wrong


def _in_chunks(loss, nu, floor, ks, length):
    """``E_g[ sum_{j>=k} C(L,j) right^j wrong^(L-j) ]`` for each k, on a last axis; sums of positive terms.

    A few answers at a time, whose items fit the processor's cache.
    """
    shape = np.broadcast_shapes(loss.shape, nu.shape, floor.shape)
    flat = [np.broadcast_to(each, shape).ravel() for each in (loss, nu, floor)]
    found = np.empty((flat[0].size, len(ks)))
    for first in range(0, len(found), CHUNK):
        weight, right, wrong = _items(*(each[first : first + CHUNK] for each in flat))
        for place, k in enumerate(ks):
            found[first : first + CHUNK, place] = (weight * _binomial_tail(right, wrong, k, length)).sum(axis=-1)
    return found.reshape(*shape, len(ks))


def _in_graph(loss, nu, floor, ks, length):
    """The same of variables; all j are one array, since a loop would make the graph as large as the length."""
    weight, right, wrong = _items(loss, nu, floor)
    j = np.arange(ks[0], length + 1)
    log_term = j * np.log(right)[..., None] + (length - j) * np.log(wrong)[..., None] + log_choose(length, j)
    return (weight[..., None] * np.exp(log_term)).sum(axis=-2) @ (1.0 * (j[:, None] >= np.array(ks)))


def _binomial_tail(right, wrong, k, length):
    """``right^k sum_m C(L,k+m) right^m wrong^(L-k-m)`` by Horner's scheme: ten times as fast as the powers."""
    tail, power = np.ones_like(right), np.ones_like(right)
    for j in range(length - 1, k - 1, -1):
        power *= wrong
        tail *= right
        tail += special.comb(length, j) * power
    return tail * right**k
