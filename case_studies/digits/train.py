"""Digit ladder: small models complete pictures of digits, pixel by pixel; what they score, as a table.

    python3 -m uv run --group train python case_studies/digits/train.py OUT.csv

**Pictures.** The 1797 digits of scikit-learn, 8 x 8 pixels of 17 levels. 500 are held out. The others are trained on
turned, scaled and shifted at random, so that a large model does not learn them by heart.

**Models.** Transformers over the 64 pixels in reading order, a level being a token.

**Items.** The upper half of a held-out picture is given, and the model completes it: each pixel takes the median of its
levels after those that it chose before. Measured of the lower half are

- `loss`: nats of a level within 4 of the true one, given the true pixels before it: a sampled pixel is right with
  probability exp(-nats). The loss of the true level itself, which the model is trained on, is a task of its own;
- `token_accuracy`, `at_least_k`, `exact_match`: pixels within 4 levels of the true ones, of 32;
- whether the completed picture is *read as the right digit* by a support-vector classifier, which has learned from the
  same real pictures and saw no completed one. This is one judgement of the whole, an `exact_match` without a length.
  The upper half says something by itself, so `chance` is not a tenth: it is how often a picture is read rightly whose
  lower half is empty, as a model draws it that has learned nothing but that most pixels are. What the classifier
  reads of real pictures is in the note.

To ask whether the judgement is one of so many pixels, write it as `at_least_k` with task "lower half", length 32 and a
blank k: then the share of pixels that it needs is learned.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from case_studies.ladder import Row, Run, grid, histogram, histogram_rows, table_rows
from case_studies.training import main

SIDE, LEVELS, HELD_OUT = 8, 17, 500
GIVEN = SIDE * SIDE // 2
TOLERANCE = 4  # levels
MARKS = (16, 20, 24, 28, 30)  # pixels of 32 that have rows
START = LEVELS  # the token that stands before the first pixel
TURN, STRETCH, SHIFT = 0.08, 0.05, 0.25  # standard deviations: radians, share of the size, pixels
SIZES = {
    (8, 1): (20, 80, 320),
    (12, 1): (20, 80, 320),
    (16, 1): (20, 80, 320),
    (24, 1): (20, 80, 320),
    (32, 2): (20, 80, 160),
    (48, 2): (20, 40, 80),
    (64, 2): (20, 40, 80),
}
"""Tokens per parameter of each width and depth: 21 runs, 2e8 to 6e12 FLOP."""
REPEATED = ((12, 1, 80), (24, 1, 80), (48, 2, 20))  # with two seeds more
RUNS = grid(SIZES, REPEATED, vocabulary=LEVELS + 1, context=SIDE * SIDE)


class Digits(NamedTuple):
    """Pictures (picture, pixel) in levels, and the digits that they show."""

    pictures: np.ndarray
    digits: np.ndarray


@cache
def real() -> tuple[Digits, Digits]:
    """Pictures to train on, and those held out."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.data))
    pictures, digits = found.data[order].astype(np.uint8), found.target[order]
    return Digits(pictures[HELD_OUT:], digits[HELD_OUT:]), Digits(pictures[:HELD_OUT], digits[:HELD_OUT])


def varied(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The pictures (picture, pixel), each turned, scaled and shifted at random about its middle."""
    from scipy.ndimage import map_coordinates

    count, middle = len(pictures), (SIDE - 1) / 2
    turn, stretch = TURN * rng.standard_normal(count), np.exp(STRETCH * rng.standard_normal((2, count)))
    shift = SHIFT * rng.standard_normal((2, count))
    y, x = (each[:, None] for each in np.indices((SIDE, SIDE)).reshape(2, -1) - middle)
    rows = stretch[0] * (np.cos(turn) * y - np.sin(turn) * x) + shift[0] + middle
    columns = stretch[1] * (np.sin(turn) * y + np.cos(turn) * x) + shift[1] + middle
    which = np.broadcast_to(np.arange(count), rows.shape)
    stack = pictures.reshape(count, SIDE, SIDE).astype(float)
    return np.rint(map_coordinates(stack, [which, rows, columns], order=1)).T.astype(np.uint8)


def sequences_of(pictures: np.ndarray) -> np.ndarray:
    """Tokens of pictures: the start, then the pixels in reading order."""
    return np.insert(pictures, 0, START, axis=1)


def without_lower_half(pictures: np.ndarray) -> np.ndarray:
    """The pictures with an empty lower half."""
    return np.where(np.arange(SIDE * SIDE) < GIVEN, pictures, 0)


@cache
def reader() -> Any:
    """The classifier that reads digits, trained on real pictures."""
    from sklearn.svm import SVC

    return SVC(gamma="scale").fit(*real()[0])


def train(run: Run) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A run from its first step to what is measured on it, and its weights."""
    from case_studies import transformer

    learned, held_out = real()

    def draw(rng: np.random.Generator, sequences: int) -> np.ndarray:
        return sequences_of(varied(learned.pictures[rng.integers(len(learned.pictures), size=sequences)], rng))

    weights = transformer.train(run, draw)
    sequences = sequences_of(held_out.pictures)
    log_p = transformer.log_probabilities(weights, sequences)[:, GIVEN:, :LEVELS]
    completed = transformer.completed(weights, sequences, GIVEN + 1)[:, 1:]
    result = {**losses(log_p, held_out.pictures[:, GIVEN:]), **judged(completed, held_out)}
    return result, transformer.arrays(weights)


def losses(log_p: np.ndarray, levels: np.ndarray) -> dict[str, float]:
    """Mean nats of the true level, and of one within tolerance; `log_p` is (picture, pixel, level)."""
    distance = np.abs(np.arange(LEVELS) - levels[..., None])
    of = {"loss_of_level": distance == 0, "loss": distance <= TOLERANCE}
    return {name: float(-np.log(np.exp(log_p).sum(-1, where=near)).mean()) for name, near in of.items()}


def judged(completed: np.ndarray, truth: Digits) -> dict[str, Any]:
    """Histogram of pixels within tolerance in the lower half, and pictures that are read as the right digit."""
    distance = np.abs(completed[:, GIVEN:].astype(int) - truth.pictures[:, GIVEN:])

    def read(pictures: np.ndarray) -> int:
        return int((reader().predict(pictures) == truth.digits).sum())

    of = {"read": completed, "read_real": truth.pictures, "read_empty": without_lower_half(truth.pictures)}
    return {"histogram": histogram(distance <= TOLERANCE), **{name: read(pictures) for name, pictures in of.items()}}


def rows(run: Run, result: dict[str, Any]) -> Iterator[Row]:
    """Measurements of a run as rows of the table."""
    source = "trained for this project: pixel transformers on scikit-learn's digits"
    return table_rows(run, _measurements(result), family="digits", source=source)


def _measurements(result: dict[str, Any]) -> Iterator[Row]:
    task, counts = "lower half", result["histogram"]
    yield {"task": "level of a pixel", "metric": "loss", "score": f"{result['loss_of_level']:.6g}"}
    yield {"task": task, "metric": "loss", "score": f"{result['loss']:.6g}", "length": len(counts) - 1}
    yield from histogram_rows(task, counts, MARKS)
    trials = sum(counts)
    of_reading = {"task": "read as the right digit", "metric": "exact_match", "trials": trials}
    chance, note = f"{result['read_empty'] / trials:.3g}", f"real pictures: {result['read_real']} of {trials}"
    yield {**of_reading, "successes": result["read"], "chance": chance, "note": note}


if __name__ == "__main__":
    main(RUNS, train, rows, "Train the digit ladder and write its observation table.")
