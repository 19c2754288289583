"""Writing: what a character transformer writes after a prompt, sampled at temperature 1.

A run has learned to see 80 characters. It is given the last 64, writes the next 16, and so on. Keys and values of the
characters before are kept, so that each character is looked at once.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from case_studies.ladder import Run
from case_studies.transformer import Weights, normed


def written(weights: Weights, run: Run, prompts: np.ndarray, *, length: int, seed: int) -> np.ndarray:
    """Tokens (item, length) that follow the prompts (item, given), of equal length and shorter than the context."""
    given, text = prompts.shape[1], jnp.asarray(prompts, jnp.int32)
    for key in jax.random.split(jax.random.key(seed), -(-length // (run.context - given))):
        text = jnp.concatenate([text, _some(weights, text[:, -given:], key, run.context)], axis=1)
    return np.asarray(text[:, given : given + length])


@partial(jax.jit, static_argnames="context")
def _some(weights: Weights, given: jax.Array, key: jax.Array, context: int) -> jax.Array:
    """Tokens (item, place) that fill the context after those given."""
    items, width = len(given), weights["last"].shape[0]
    heads = [len(block["distance"]) for block in weights["blocks"]]
    nothing = [jnp.zeros((2, items, each, context, width // each)) for each in heads]
    tokens = jnp.zeros((items, context), jnp.int32).at[:, : given.shape[1]].set(given)

    def write(state: tuple, place: jax.Array) -> tuple:
        tokens, kept = state
        log_odds, kept = next_log_odds(weights, tokens[:, place], place, kept)
        drawn = jax.random.categorical(jax.random.fold_in(key, place), log_odds)
        known = tokens[:, place + 1]
        return (tokens.at[:, place + 1].set(jnp.where(place + 1 < given.shape[1], known, drawn)), kept), log_odds

    (tokens, _), _ = jax.lax.scan(
        lambda state, place: (write(state, place)[0], None), (tokens, nothing), jnp.arange(context - 1)
    )
    return tokens[:, given.shape[1] :]


def next_log_odds(weights: Weights, token: jax.Array, place: jax.Array, kept: list) -> tuple[jax.Array, list]:
    """Log odds (item, vocabulary) after a token (item) at a place, and keys and values with its own among them."""
    x, now = weights["looked_up"]["token"][token] + weights["looked_up"]["place"][place], []
    for block, before in zip(weights["blocks"], kept, strict=True):
        items, heads, context, size = before.shape[1:]
        q, *new = jnp.moveaxis((normed(x) @ block["qkv"]).reshape(items, 3, heads, size), 1, 0)
        keys, values = now_kept = before.at[:, :, :, place].set(jnp.stack(new))
        distance = place - jnp.arange(context)
        scores = jnp.einsum("ihs,ihjs->ihj", q, keys) * size**-0.5 + block["distance"][:, jnp.maximum(distance, 0)]
        share = jax.nn.softmax(jnp.where(distance >= 0, scores, -jnp.inf))
        x = x + jnp.einsum("ihj,ihjs->ihs", share, values).reshape(items, -1) @ block["mix"]
        x = x + jax.nn.gelu(normed(x) @ block["up"]) @ block["down"]
        now.append(now_kept)
    return normed(x) @ weights["last"], now
