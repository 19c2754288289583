"""Ladders of training runs: sizes, FLOP, and rows of the observation table.

The scripts `characters/train.py`, `digits/train.py` and `addition/train.py` share this module, `training.py` and
`transformer.py`.
Nothing here needs the training library.

FLOP are counted from the matrix products of the forward and backward passes, 2 a multiplication and addition:

    compute = D (6 N + 12 depth context width)

N are the weights that every token is multiplied with: 12 depth width^2 in the blocks and vocabulary x width in the last
layer. Embeddings and biases of attention are looked up, not multiplied, and are left out. The second term is attention,
whose products are made for the whole context, masked or not. Softmax, norms, activations, the optimiser and tests are
left out.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecast.files import write_whole

COLUMNS = (
    *("model", "family", "compute", "params", "tokens", "source"),
    *("task", "metric", "score", "successes", "trials", "length", "k", "chance", "note"),
)
STEPS_AT_ONCE = 10  # that are compiled as one program
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A transformer and how long it is trained; equal runs give equal results."""

    width: int
    depth: int
    tokens_per_param: float  # as wanted; `tokens` is of whole steps
    vocabulary: int
    context: int  # tokens of a sequence
    seed: int = 0

    @property
    def name(self) -> str:
        return f"d{self.width} l{self.depth} {self.tokens_per_param:g} tokens/param seed {self.seed}"

    @property
    def params(self) -> int:
        return 12 * self.depth * self.width**2 + self.vocabulary * self.width

    @property
    def batch(self) -> int:
        """Sequences of a step, a power of two: a step takes about the square root of all tokens."""
        return 2 ** max(0, round(np.log2(np.sqrt(self.tokens_per_param * self.params) / self.context)))

    @property
    def steps(self) -> int:
        wanted = self.tokens_per_param * self.params / (self.batch * self.context)
        return STEPS_AT_ONCE * max(1, round(wanted / STEPS_AT_ONCE))

    @property
    def tokens(self) -> int:
        return self.steps * self.batch * self.context

    @property
    def flop_per_token(self) -> int:
        return 6 * self.params + 12 * self.depth * self.context * self.width

    @property
    def compute(self) -> float:
        return float(self.flop_per_token) * self.tokens

    @property
    def recipe(self) -> dict[str, float]:
        """What a kept result must have been made with."""
        derived = {"steps": self.steps, "batch": self.batch, "learning_rate": self.learning_rate}
        return {**asdict(self), **derived, "compute": self.compute}

    @property
    def learning_rate(self) -> float:
        """The largest one; it falls as one over the width."""
        return 0.02 * 16 / self.width


def grid(sizes: dict[tuple[int, int], Sequence[float]], repeated: Iterable[tuple[int, int, float]], **fixed: int):
    """Runs of each (width, depth) at its tokens per parameter, and seeds 1 and 2 of the repeated ones; largest first.

    `fixed` : vocabulary and context
    """
    shapes = [(width, depth, ratio, 0) for (width, depth), ratios in sizes.items() for ratio in ratios]
    shapes += [(*shape, seed) for shape in repeated for seed in (1, 2)]
    names = ("width", "depth", "tokens_per_param", "seed")
    return sorted(
        (Run(**dict(zip(names, shape, strict=True)), **fixed) for shape in shapes), key=lambda run: -run.compute
    )


def histogram(correct: np.ndarray) -> list[int]:
    """Number of items with 0, 1, ..., L right tokens; `correct` is (item, token)."""
    return np.bincount(correct.sum(axis=1), minlength=correct.shape[1] + 1).tolist()


def histogram_rows(task: str, counts: Sequence[int], marks: Iterable[int]) -> Iterator[Row]:
    """Token accuracy with the whole histogram as its note, at least k for each k of `marks`, and exact match."""
    length, trials = len(counts) - 1, sum(counts)
    of_task = {"task": task, "length": length}
    right = sum(k * count for k, count in enumerate(counts))
    yield {**of_task, "metric": "token_accuracy", "successes": right, "trials": trials * length, "note": noted(counts)}
    for k in marks:
        yield {**of_task, "metric": "at_least_k", "successes": sum(counts[k:]), "trials": trials, "k": k}
    yield {**of_task, "metric": "exact_match", "successes": counts[-1], "trials": trials}


def noted(counts: Sequence[int]) -> str:
    """A histogram in words of a table."""
    return f"items by right tokens, from 0 to {len(counts) - 1}: {' '.join(map(str, counts))}"


def table_rows(run: Run, measured: Iterable[Row], *, family: str, source: str) -> Iterator[Row]:
    """Measurements with the facts of their run beside them."""
    facts = {"model": run.name, "family": family, "compute": f"{run.compute:.6g}", "params": run.params}
    for row in measured:
        yield {**facts, "tokens": run.tokens, "source": source, **row}


def write_table(path: Path, rows: Iterable[Row], columns: Sequence[str] = COLUMNS) -> None:
    """The observation table, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    write_whole(path, write)
