"""Rates: which of the metrics that tools write are a share of items got right, and which others the user takes."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import LeftOut, Measurement, number

CHOICE, EXACT, PASS_AT_K = "choice", "exact_match", "pass_at_k"
RATES = {  # metric: the table's, and which is rather taken of those that score the same answers
    "acc_norm": (CHOICE, 0),
    "acc": (CHOICE, 1),
    "exact_match": (EXACT, 0),
    "accuracy": (EXACT, 1),
    "em": (EXACT, 1),
    "correct": (EXACT, 1),
    "score_is_correct": (EXACT, 1),
    "pass@1": (EXACT, 0),
    "pass_rate": (EXACT, 1),
    "success_rate": (EXACT, 1),
    "solve_rate": (EXACT, 1),
    "extractive_match": (EXACT, 1),
    "quasi_exact_match": (EXACT, 2),
    "qem": (EXACT, 2),
    "prefix_exact_match": (EXACT, 3),
    "pem": (EXACT, 3),
    "quasi_prefix_exact_match": (EXACT, 4),
    "pqem": (EXACT, 4),
}
PER_BYTE: dict[str, Callable[[float], float]] = {  # to nats per byte
    "bits_per_byte": lambda bits: bits * math.log(2),
    "byte_perplexity": lambda perplexity: math.log(perplexity) if perplexity > 0 else 0.0,
}
type Meaning = tuple[str, int, int | None]  # metric of the table, rank and k
ATTEMPTS = re.compile(r"(?:.*[^a-z0-9])?pass(?:@|_at_|-at-)(?P<k>[1-9][0-9]{0,5})", re.IGNORECASE)


def plain_name(native: str) -> str:
    """A metric's name as `RATES` has it.

    >>> plain_name("Exact-Match")
    'exact_match'
    """
    return re.sub(r"[\s-]+", "_", native.strip()).casefold()


def known_rate(native: str, known: Mapping[str, tuple[str, int]] = RATES) -> Meaning | None:
    """Metric of the table, rank and k of a metric by its name; None where it is no share of items got right."""
    name = plain_name(native)
    if name in known:
        return *known[name], None
    attempts = ATTEMPTS.fullmatch(name)
    if attempts is None:
        return None
    k = int(attempts["k"])
    return (PASS_AT_K, 0, k) if k > 1 else (EXACT, 0, None)


def is_asked(native: str, choices: Choices, *names: str) -> bool:
    """Whether the user names this metric, for one of these tasks or for all."""
    return native in (choices.metric.named_for(*names), choices.metric.general)


def measured(
    native: str,
    value: Any,
    choices: Choices,
    *,
    meaning: Meaning | None,
    task: str,
    chance: float | None = None,
    trials: int | None = None,
    variant: str = "",
    told: bool = False,
    why: str = "",
    **said: Any,
) -> Measurement | LeftOut:
    """The measurement of a metric that is a share of right items, or that the user asks for; else why there is none.

    Parameters
    ----------
    meaning : metric of the table, rank and k, as of `known_rate`
    why : it is left out, where that is not its name
    told : whether the file says how answers are given; else the name of a known task decides
    said : model, source and time
    """
    base = plain_name(native)
    if base in PER_BYTE:
        return _loss(native, value, task=task, to_nats=PER_BYTE[base], **said)
    if meaning is None and is_asked(native, choices, task):
        meaning = (EXACT, 9, None)
    if meaning is None:
        remedy = f"--metric {_typed(f'{task}={native}')} takes it where it is a share of right items"
        return LeftOut(what=f"{task}: {native}", why=why or f"is no metric of a table; {remedy}", task=task)
    score = number(value)
    if score is None or not 0 <= score <= 1:
        text = str(value)[:30]
        return LeftOut(
            what=f"{task}: {native} of {said['model']}", why=f"is {text}, not a rate between 0 and 1", task=task
        )
    metric, rank, k = meaning
    known: dict[str, Any] = {
        "trials": trials,
        "chance": chance if metric == CHOICE else None,
        "k": k,
        "rank": rank,
        "told": told,
    }
    return Measurement(task=task, variant=variant, native=native, metric=metric, score=score, **known, **said)


def _typed(text: str) -> str:
    """An argument as a shell takes it."""
    return text if re.fullmatch(r"[\w.:=@/-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def _loss(
    native: str, value: Any, *, task: str, to_nats: Callable[[float], float], **said: Any
) -> Measurement | LeftOut:
    given = number(value)
    nats = to_nats(given) if given is not None else 0.0
    if nats <= 0:
        why = f"is {str(value)[:30]}, not a loss above 0"
        return LeftOut(what=f"{task}: {native} of {said['model']}", why=why, task=task)
    return Measurement(task=task, native=native, metric="loss", score=nats, unit="nats per byte", **said)
