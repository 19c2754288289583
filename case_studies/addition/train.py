"""Addition ladder: small transformers learn sums of numbers with 3 to 5 digits; what they score, as a table.

    python3 -m uv run --group train python case_studies/addition/train.py OUT.csv

A sum is 18 tokens, `00123+00456=000579`: most significant digit first, so that a carry has to be seen ahead. Both
numbers have 3, 4 or 5 digits, each as often, and zeros before them. Every tenth pair, by a checksum, is held out; 2000
of these for each number of digits are the items. All runs see endless other pairs. Only the answer is taught.

The answer to n digits is the last n + 1 tokens. Measured are its `loss` (nats a token, given the true ones before it),
`token_accuracy` and `exact_match` of the likeliest tokens. Right everywhere given the truth is just what a greedy
answer would be.

Tokens D are all those that are processed: 17 a sum, of which 6 are taught.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from case_studies.ladder import Row, Run, grid, histogram, histogram_rows, table_rows
from case_studies.training import main

DIGITS, WIDEST, ITEMS = (3, 4, 5), 5, 2000
PLUS, EQUALS = 10, 11
ANSWER = WIDEST + 1  # tokens
CONTEXT = 2 * WIDEST + 2 + ANSWER - 1
SIZES = {
    (8, 2): (5, 10, 20, 40, 160, 640),
    (12, 2): (5, 10, 20, 40, 160, 640),
    (16, 2): (3, 10, 40, 160),
    (24, 2): (3, 10, 40, 160),
    (32, 2): (3, 10, 40, 160),
    (48, 2): (20, 80),
}
"""Tokens per parameter of each width and depth: 26 runs, 1e8 to 1.6e12 FLOP."""
REPEATED = ((8, 2, 160), (16, 2, 40), (24, 2, 40))  # with two seeds more: a break need not come at the same step
RUNS = grid(SIZES, REPEATED, vocabulary=12, context=CONTEXT)


def sums(pairs: np.ndarray) -> np.ndarray:
    """Tokens (item, 18) of sums of pairs (item, 2)."""
    signs = np.full((len(pairs), 1), PLUS), np.full((len(pairs), 1), EQUALS)
    first, second = (digits_of(pairs[:, which], WIDEST) for which in (0, 1))
    return np.concatenate([first, signs[0], second, signs[1], digits_of(pairs.sum(axis=1), ANSWER)], axis=1)


def digits_of(numbers: np.ndarray, length: int) -> np.ndarray:
    """Digits (item, length), the most significant first."""
    return numbers[:, None] // 10 ** np.arange(length - 1, -1, -1) % 10


def is_held_out(pairs: np.ndarray) -> np.ndarray:
    """Every tenth pair, as if at random: a checksum of both numbers."""
    mixed = (pairs[:, 0] * 1_000_003 + pairs[:, 1]).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(40)) % np.uint64(10) == 0


def drawn(rng: np.random.Generator, digits: np.ndarray, *, held_out: bool) -> np.ndarray:
    """Pairs (item, 2) of numbers with so many digits each, held out or not."""
    pairs = np.empty((len(digits), 2), np.int64)
    wrong = np.ones(len(digits), bool)
    while wrong.any():
        low = 10 ** (digits[wrong, None] - 1)
        pairs[wrong] = rng.integers(low, 10 * low, size=(wrong.sum(), 2))
        wrong = is_held_out(pairs) != held_out
    return pairs


def items(digits: int) -> np.ndarray:
    """Held-out sums of numbers with so many digits, the same ones for all runs."""
    return sums(drawn(np.random.default_rng(digits), np.full(ITEMS, digits), held_out=True))


def train(run: Run) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A run from its first step to what is measured on it, by number of digits, and its weights."""
    from case_studies import transformer

    def draw(rng: np.random.Generator, sequences: int) -> np.ndarray:
        return sums(drawn(rng, rng.choice(DIGITS, size=sequences), held_out=False))

    weights = transformer.train(run, draw, taught=(np.arange(CONTEXT) >= CONTEXT - ANSWER).astype(np.float32))
    found = {}
    for digits in DIGITS:
        nats, right = (each[:, -digits - 1 :] for each in transformer.test(weights, items(digits)))
        found[str(digits)] = {"loss": float(nats.mean()), "histogram": histogram(right)}
    return found, transformer.arrays(weights)


def rows(run: Run, result: dict[str, Any]) -> Iterator[Row]:
    """Measurements of a run as rows of the table."""
    source = "trained for this project: transformers on sums"
    return table_rows(run, _measurements(result), family="addition", source=source)


def _measurements(result: dict[str, Any]) -> Iterator[Row]:
    for digits, found in result.items():
        task = f"{digits}-digit addition"
        loss = f"{found['loss']:.6g}"
        yield {"task": task, "metric": "loss", "score": loss, "length": int(digits) + 1}
        yield from histogram_rows(task, found["histogram"], ())


if __name__ == "__main__":
    main(RUNS, train, rows, "Train the addition ladder and write its observation table.")
