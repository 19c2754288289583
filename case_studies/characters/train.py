"""Character ladder: small transformers learn the source text of Python's standard library; what they score, as a table.

    python3 -m uv run --group train python case_studies/characters/train.py OUT.csv

**Text.** The modules of the standard library of the Python that runs this, without tests, encodings and IDLE. Every
tenth file, by a checksum of its name, is held out. Only measurements are written, never text.

**Items.** 4000 held-out places: 64 characters are given, the next 4, 8 and 16 are the answer. The 16 have no character
three times in a row, which leaves out indents, rulers and blank lines, and never overlap. Measured are

- `loss`: nats per character of the answer, given the true characters before each;
- `token_accuracy`, `at_least_k`, `exact_match`: the likeliest character at each place, given the true ones before it.
  An exact match is thus just what a greedy continuation would give;
- `pass_at_k`: 16 answers sampled at temperature 1. A sampled answer is right with probability exp(-nats of the answer),
  so whether it is right is drawn with that probability, and no text is sampled. pass@k asks for one right answer among
  the first k, so that counts are nested. Greedy and sampled answers are different tasks, and have different names.

All runs see windows of 80 characters at random places, which is why the largest read some of the text twice.
"""

import sys
import sysconfig
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from case_studies.ladder import Row, Run, grid, histogram, histogram_rows, table_rows
from case_studies.training import main

LEFT_OUT = {"test", "tests", "site-packages", "dist-packages", "encodings", "ensurepip"} | {
    *("idlelib", "lib2to3", "pydoc_data", "turtledemo", "__pycache__")
}
GIVEN, LENGTHS, ITEMS = 64, (4, 8, 16), 4000
MARKS = {4: (1, 2, 3), 8: (2, 4, 6), 16: (4, 8, 12)}  # right characters of each length that have rows
ATTEMPTS, SAMPLES = (1, 4, 16), 16
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))  # and one more token for all others

SIZES = {
    (8, 1): (40, 160),
    (16, 1): (10, 40, 160),
    (24, 2): (10, 40, 160),
    (32, 2): (10, 40, 160),
    (48, 2): (10, 40, 160),
    (64, 3): (10, 40, 80),
    (80, 3): (10, 30),
    (96, 3): (10, 25),
}
"""Tokens per parameter of each width and depth: 21 runs, 1e9 to 2e13 FLOP."""
REPEATED = ((16, 1, 40), (32, 2, 40), (64, 3, 10))  # with two seeds more
RUNS = grid(SIZES, REPEATED, vocabulary=len(CHARACTERS) + 1, context=GIVEN + max(LENGTHS))


def tokens_of(text: str) -> np.ndarray:
    """Characters as numbers; those that are not in `CHARACTERS` share the last one."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known = np.full(128, len(CHARACTERS), np.uint8)
    known[[ord(each) for each in CHARACTERS]] = np.arange(len(CHARACTERS))
    return known[np.minimum(codes, 127)]


@cache
def library() -> tuple[np.ndarray, list[np.ndarray]]:
    """Tokens to train on, and those of each held-out file."""
    root = Path(sysconfig.get_path("stdlib"))
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    names = [name for name in names if not LEFT_OUT & set(name.split("/"))]
    texts = {name: tokens_of((root / name).read_text(encoding="utf-8", errors="replace")) for name in names}
    held_out = {name for name in names if zlib.crc32(name.encode()) % 10 == 0}
    return np.concatenate([texts[name] for name in names if name not in held_out]), [
        texts[name] for name in sorted(held_out)
    ]


def windows(files: list[np.ndarray], items: int = ITEMS) -> np.ndarray:
    """Held-out places (item, given and answer), drawn without repeats; the same ones for all runs."""
    size, step = GIVEN + max(LENGTHS), max(LENGTHS)
    found = np.concatenate(
        [np.lib.stride_tricks.sliding_window_view(each, size)[::step] for each in files if len(each) >= size]
    )
    usable = found[~has_threes(found[:, GIVEN:])]
    return np.random.default_rng(0).permutation(usable)[:items]


def has_threes(answers: np.ndarray) -> np.ndarray:
    """Whether a character stands three times in a row in each answer (item, character)."""
    same = answers[:, 1:] == answers[:, :-1]
    return (same[:, 1:] & same[:, :-1]).any(axis=1)


def measured(nats: np.ndarray, right: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """What is kept of a run, by length: loss, histogram of right characters, items solved in so many attempts.

    `nats`, `right` : of each character of the longest answer (item, character)
    """
    of_lengths = {}
    for length in LENGTHS:
        solved = rng.random((len(nats), SAMPLES)) < np.exp(-nats[:, :length].sum(axis=1, keepdims=True))
        of_lengths[str(length)] = {
            "loss": float(nats[:, :length].mean()),
            "histogram": histogram(right[:, :length]),
            "solved": {str(k): int(solved[:, :k].any(axis=1).sum()) for k in ATTEMPTS},
        }
    return of_lengths


def train(run: Run) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A run from its first step to what is measured on it, and its weights."""
    from case_studies import transformer

    text, held_out = library()

    def draw(rng: np.random.Generator, sequences: int) -> np.ndarray:
        places = rng.integers(len(text) - run.context, size=(sequences, 1))
        return text[places + np.arange(run.context + 1)]

    weights = transformer.train(run, draw)
    nats, right = transformer.test(weights, windows(held_out))
    answers = measured(nats[:, GIVEN - 1 :], right[:, GIVEN - 1 :], np.random.default_rng([run.seed, run.width]))
    version = ".".join(map(str, sys.version_info[:3]))
    return {"python": version, "characters": len(text), "answers": answers}, transformer.arrays(weights)


def rows(run: Run, result: dict[str, Any]) -> Iterator[Row]:
    """Measurements of a run as rows of the table."""
    source = f"trained for this project: character transformers on the standard library of Python {result['python']}"
    return table_rows(run, _measurements(run, result), family="characters", source=source)


def _measurements(run: Run, result: dict[str, Any]) -> Iterator[Row]:
    passes = f"{run.tokens / result['characters']:.2g} passes over {result['characters']} characters"
    for length, answer in result["answers"].items():
        task = f"next {length} characters"
        trials = sum(answer["histogram"])
        yield {"task": task, "metric": "loss", "score": f"{answer['loss']:.6g}", "length": length, "note": passes}
        yield from histogram_rows(task, answer["histogram"], MARKS[int(length)])
        for k, solved in answer["solved"].items():
            of_task = {"task": f"{task}, sampled", "length": length, "trials": trials}
            yield {**of_task, "metric": "pass_at_k", "successes": solved, "k": k}


if __name__ == "__main__":
    main(RUNS, train, rows, "Train the character ladder and write its observation table.")
