"""Passages: held-out places at the start of a statement, and what a run writes from there."""

import io
import tokenize
from functools import cache

import numpy as np

from case_studies.characters.train import CHARACTERS, GIVEN, library

ITEMS, WRITTEN = 500, 192
OTHER = "\ufffd"  # stands for all characters that are not in CHARACTERS
BETWEEN = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def text_of(tokens: np.ndarray) -> str:
    return "".join([*CHARACTERS, OTHER][each] for each in tokens)


def starts(text: str) -> list[int]:
    """Places of a text at the start of the line of a statement."""
    lines = np.cumsum([0, *(len(line) for line in text.splitlines(keepends=True))])
    found, new = [], True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if new and token.type not in BETWEEN:
            found.append(int(lines[token.start[0] - 1]))
        new = token.type == tokenize.NEWLINE or (new and token.type in BETWEEN)
    return found


@cache
def passages() -> np.ndarray:
    """Held-out passages (item, given and written) without overlap; the same ones for all runs."""
    found = []
    for tokens in library()[1]:
        end = 0
        for start in starts(text_of(tokens)):
            if start - GIVEN >= end and start + WRITTEN <= len(tokens):
                found.append(tokens[start - GIVEN : start + WRITTEN])
                end = start + WRITTEN
    return np.random.default_rng(0).permutation(np.array(found))[:ITEMS]
