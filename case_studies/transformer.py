"""Causal transformers in JAX, small enough for one core: weights, training with Adam, losses and greedy choices.

Blocks are pre-norm with attention and a GELU layer of four times the width. Positions are learned, and so is a bias of
attention by distance: without it a small model takes most of its steps to find the token before. Norms have no gain and
layers no bias.
"""

import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from case_studies.ladder import STEPS_AT_ONCE, Run

WARM_UP = 0.05  # share of the steps over which the learning rate rises; then it falls to 0 in a straight line
BETA1, BETA2, EPSILON = 0.9, 0.99, 1e-8
LARGEST_GRADIENT = 1.0  # norm to which longer gradients are cut
HEAD = 8  # width of a head
ITEMS_AT_ONCE = 250  # sequences of a test
Weights = dict
Draw = Callable[[np.random.Generator, int], np.ndarray]
"""From a generator and a number of sequences to tokens (sequence, context + 1)."""


def initial(run: Run) -> Weights:
    """Weights before training; the last layer is 0, so that the first loss is that of a uniform guess."""
    d, keys = run.width, iter(jax.random.split(jax.random.key(run.seed), 4 * run.depth + 2))

    def normal(rows: int, columns: int, scale: float) -> jax.Array:
        return scale * jax.random.normal(next(keys), (rows, columns))

    into, out = d**-0.5, (2 * run.depth * d) ** -0.5
    blocks = [
        {
            "qkv": normal(d, 3 * d, into),
            "mix": normal(d, d, out),
            "up": normal(d, 4 * d, into),
            "down": normal(4 * d, d, out / 2),
            "distance": jnp.zeros((max(1, d // HEAD), run.context)),
        }
        for _ in range(run.depth)
    ]
    looked_up = {"token": normal(run.vocabulary, d, 0.5), "place": normal(run.context, d, 0.1)}
    return {"looked_up": looked_up, "blocks": blocks, "last": jnp.zeros((d, run.vocabulary))}


def arrays(weights: Weights) -> list[np.ndarray]:
    """Weights as plain arrays, in an order that `weights_from` undoes."""
    return [np.asarray(each) for each in jax.tree.leaves(weights)]


def weights_from(run: Run, leaves: list[np.ndarray]) -> Weights:
    """Weights of a run from their plain arrays."""
    return jax.tree.unflatten(jax.tree.structure(initial(run)), leaves)


def logits(weights: Weights, tokens: jax.Array) -> jax.Array:
    """Log odds of the next token (sequence, place, vocabulary) after each of `tokens` (sequence, place)."""
    places = tokens.shape[1]
    x = weights["looked_up"]["token"][tokens] + weights["looked_up"]["place"][:places]
    for block in weights["blocks"]:
        x = x + _attention(block, normed(x))
        x = x + jax.nn.gelu(normed(x) @ block["up"]) @ block["down"]
    return normed(x) @ weights["last"]


def _attention(block: Weights, x: jax.Array) -> jax.Array:
    sequences, places, width = x.shape
    heads = len(block["distance"])
    q, k, v = jnp.moveaxis((x @ block["qkv"]).reshape(sequences, places, 3, heads, -1), (2, 3), (0, 2))
    scores = q @ k.swapaxes(-1, -2) * (width / heads) ** -0.5
    distance = jnp.arange(places)[:, None] - jnp.arange(places)
    scores = jnp.where(distance >= 0, scores + block["distance"][:, jnp.maximum(distance, 0)], -jnp.inf)
    mixed = jax.nn.softmax(scores) @ v
    return mixed.swapaxes(1, 2).reshape(x.shape) @ block["mix"]


def normed(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-6)


def losses(weights: Weights, sequences: jax.Array) -> jax.Array:
    """Nats of each token after the first, given all that stand before it."""
    log_odds = logits(weights, sequences[:, :-1])
    chosen = jnp.take_along_axis(log_odds, sequences[:, 1:, None], axis=-1)[..., 0]
    return jax.nn.logsumexp(log_odds, axis=-1) - chosen


def train(run: Run, draw: Draw, *, taught: np.ndarray | None = None) -> Weights:
    """Weights after all steps of a run.

    `taught` : weight in the loss of each of the `context` tokens after the first; by default all alike
    """
    rng = np.random.default_rng(run.seed)
    state, shape = _state(run), (STEPS_AT_ONCE, run.batch, run.context + 1)
    share = np.ones(run.context) if taught is None else taught
    for _ in range(run.steps // STEPS_AT_ONCE):
        sequences = draw(rng, STEPS_AT_ONCE * run.batch).reshape(shape)
        state = _advance(state, sequences.astype(np.int32), share / share.mean(), run)
    return state[0]


def _state(run: Run) -> tuple:
    """Weights, the two moments of their gradients, and the number of steps taken."""
    weights = initial(run)
    nothing = jax.tree.map(jnp.zeros_like, weights)
    return weights, nothing, nothing, jnp.zeros((), jnp.int32)


@partial(jax.jit, static_argnames="run")
def _advance(state: tuple, sequences: jax.Array, taught: np.ndarray, run: Run) -> tuple:
    """The state after a step for each batch of `sequences` (step, sequence, context + 1)."""
    return jax.lax.scan(lambda before, batch: (_step(before, batch, taught, run), None), state, sequences)[0]


def _step(state: tuple, batch: jax.Array, taught: np.ndarray, run: Run) -> tuple:
    weights, first, second, step = state
    gradient = jax.grad(lambda at: jnp.mean(losses(at, batch) * taught))(weights)
    norm = jnp.sqrt(sum(jnp.sum(each**2) for each in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda each: each * jnp.minimum(1.0, LARGEST_GRADIENT / (norm + EPSILON)), gradient)
    first = jax.tree.map(lambda mean, each: BETA1 * mean + (1 - BETA1) * each, first, gradient)
    second = jax.tree.map(lambda mean, each: BETA2 * mean + (1 - BETA2) * each**2, second, gradient)
    done = (step + 1) / run.steps
    rate = run.learning_rate * jnp.minimum(done / WARM_UP, (1 - done) / (1 - WARM_UP))
    unbiased = rate * jnp.sqrt(1 - BETA2 ** (step + 1)) / (1 - BETA1 ** (step + 1))
    move = jax.tree.map(lambda at, m, v: at - unbiased * m / (jnp.sqrt(v) + EPSILON), weights, first, second)
    return move, first, second, step + 1


_losses, _logits = jax.jit(losses), jax.jit(logits)


def test(weights: Weights, sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nats of each token after the first, and whether it is the likeliest, both (sequence, context) given the truth."""
    found = []
    for some in _split(sequences):
        likeliest = _logits(weights, some[:, :-1]).argmax(axis=-1)
        found.append((np.asarray(_losses(weights, some)), np.asarray(likeliest == some[:, 1:])))
    nats, right = zip(*found, strict=True)
    return np.concatenate(nats).astype(float), np.concatenate(right)


def log_probabilities(weights: Weights, sequences: np.ndarray) -> np.ndarray:
    """Nats (sequence, context, vocabulary) of each possible token after the first, given the truth before it."""
    found = [jax.nn.log_softmax(_logits(weights, some[:, :-1])) for some in _split(sequences)]
    return np.concatenate([np.asarray(each) for each in found]).astype(float)


def completed(weights: Weights, sequences: np.ndarray, start: int) -> np.ndarray:
    """The sequences with every token from place `start` on replaced by the median one, given those before it.

    Tokens are levels in order: half of the probability is at or below the median.
    """
    found = []
    for some in _split(sequences):
        for place in range(start, some.shape[1]):
            probability = jax.nn.softmax(_logits(weights, some[:, :-1])[:, place - 1])
            some = some.at[:, place].set((jnp.cumsum(probability, axis=-1) >= 0.5).argmax(axis=-1))
        found.append(np.asarray(some))
    return np.concatenate(found)


def _split(sequences: np.ndarray) -> list[jax.Array]:
    return [
        jnp.asarray(sequences[at : at + ITEMS_AT_ONCE], jnp.int32) for at in range(0, len(sequences), ITEMS_AT_ONCE)
    ]


def seconds_per_step(run: Run, seconds: float = 1.0) -> float:
    """Seconds of a step on random tokens, over at least some seconds after compiling."""
    shape = (STEPS_AT_ONCE, run.batch, run.context + 1)
    sequences = np.random.default_rng(0).integers(run.vocabulary, size=shape, dtype=np.int32)
    state, taught, steps = _state(run), np.ones(run.context), 0
    state = jax.block_until_ready(_advance(state, sequences, taught, run))
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        state = jax.block_until_ready(_advance(state, sequences, taught, run))
        steps += STEPS_AT_ONCE
    return (time.perf_counter() - started) / steps
