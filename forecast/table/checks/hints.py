"""Hints from names: what a metric or column that people call otherwise is called in a table."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from forecast.table.checks import names
from forecast.table.checks.units import typed
from models.equations.metrics import METRICS

SHARE = "write exact_match, or choice among given answers with its chance"
NO_SHARE = (
    "it cannot be read as a share of items that are right; leave its rows out, or give a metric that counts items"
)
PERPLEXITY = "write loss, and the natural log of the score"
BITS = "write loss, and the score x 0.6931 (ln 2)"
NATS = "write loss where the score is nats per token; divide a sum over an answer by its tokens"
_HINTS = {
    name: hint
    for hint, group in (
        *((SHARE, names.SHARES), (NO_SHARE, names.NO_SHARES), (PERPLEXITY, names.PERPLEXITIES), (BITS, names.BITS)),
        (NATS, names.NATS),
    )
    for name in group
}
TO_NATS = {PERPLEXITY: math.log, BITS: lambda bits: bits * math.log(2)}
MIXTURE = re.compile(r"(?<![a-z0-9])(?:[0-9]+x[0-9.]+[bm]|a[0-9.]+[bm]|moe)(?![a-z0-9])", re.IGNORECASE)
"""In names of mixtures of experts: 8x7B, 30B-A3B, MoE."""
CHOICES = re.compile(
    r"(?<![a-z0-9])(?:mc|mcqa?|multiple[ _-]?choice|([0-9]{1,2})[ _-]?(?:options?|choices?|way))(?![a-z0-9])",
    re.IGNORECASE,
)
"""In names of choices among given answers, with their number where it is told: MC, 4 options."""
ATTEMPTS = re.compile(r"pass(?:@|_at_|at)?([0-9]+)")


def plain_name(name: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def metric_remedy(value: str, score: float = math.nan) -> str:
    """What to write for a metric that no table has; of one that becomes a loss with the loss that a score is."""
    allowed = f"Allowed: {', '.join(METRICS)}"
    attempts = ATTEMPTS.fullmatch(value.strip().lower())
    if attempts and int(attempts[1]) > 1:
        return f"write pass_at_k, and {attempts[1]} in the column k. {allowed}"
    hint = _HINTS.get(plain_name(value))
    if hint is not None:
        mended = TO_NATS[hint](score) if hint in TO_NATS and score > 0 else math.nan
        return f"{hint}{f': {typed(mended, 4)}' if mended > 0 else ''}. {allowed}"
    nearest = difflib.get_close_matches(value.strip().lower().replace(" ", "_"), METRICS, n=1, cutoff=0.6)
    return f"did you mean {nearest[0]!r}? {allowed}" if nearest else allowed


def named_like(task: str, group: Iterable[str]) -> bool:
    """Whether a task, or one or two words of its name, is called as the metrics of a group are.

    >>> named_like("C4 val_ppl", names.PERPLEXITIES), named_like("arena win_rate", names.NO_SHARES)
    (True, True)
    """
    words = [plain_name(word) for word in task.replace("_", " ").split()]
    return not {plain_name(task), *words, *map("".join, pairwise(words))}.isdisjoint(group)


def choices_named(task: str) -> int | None:
    """How many answers a task gives to choose from, by its name: 0 where it does not say; None where it is no choice.

    >>> choices_named("Trivia MC (4 options)"), choices_named("ARC multiple-choice"), choices_named("3-digit sums")
    (4, 0, None)
    """
    numbers = [int(found or 0) for found in CHOICES.findall(task)]
    return None if not numbers else max(numbers) if max(numbers) > 1 else 0


def looks_like(column: str, header: Iterable[str], known: Mapping[str, object] | Iterable[str] = ()) -> str | None:
    """The column of a file that probably is the one of a table that is missing; None where none looks like it."""
    taken = {*names.COLUMN_NAMES, *known}
    alike = {plain_name(name): name for name in reversed([*header]) if name not in taken}
    meant = next(
        (alike[each] for each in (plain_name(column), *names.COLUMN_NAMES.get(column, ())) if each in alike), None
    )
    if meant is not None:
        return meant
    close = difflib.get_close_matches(plain_name(column), list(alike), n=1, cutoff=0.75) if len(column) > 2 else []
    return alike[close[0]] if close else None
