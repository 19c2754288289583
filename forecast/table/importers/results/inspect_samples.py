"""Samples of Inspect's logs: right and wrong answers by item and epoch, and the best of several epochs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from forecast.table.importers.measurements import Measurement, count, each_of, number, section

RIGHT, WRONG = "C", ("I", "N")
WITHIN = 1e-6  # of a whole number, for each item


def epochs_of(document: Any) -> int:
    return count(section(document, "eval", "config").get("epochs")) or 1


def items_of(document: Any, score: dict[str, Any]) -> int | None:
    """Items scored, each once however often it was tried."""
    completed = count(section(document, "results").get("completed_samples")) or 0
    return count(score.get("scored_samples")) or completed // epochs_of(document) or None


def is_share(document: Any, score: dict[str, Any], mean: float) -> bool:
    """Whether a mean is the share of right answers: by the samples, else since it counts a whole number of them."""
    values = [value for tries in _tries(document, score.get("name")).values() for value in tries]
    if values:
        return None not in values
    answers = (items_of(document, score) or 0) * epochs_of(document)
    return answers > 0 and abs(mean * answers - round(mean * answers)) <= WITHIN * answers


def attempts(document: Any, measured: Iterable[Measurement]) -> Iterator[Measurement]:
    """Success in one of all epochs, and in one, of every scorer whose log has the answers but not these numbers."""
    epochs = epochs_of(document)
    by_scorer: dict[str, list[Measurement]] = {}
    for each in measured:
        if each.metric in ("exact_match", "pass_at_k"):
            by_scorer.setdefault(each.native, []).append(each)
    for native, known in by_scorer.items():
        tries = _tries(document, native)
        if epochs < 2 or not tries or any(len(each) != epochs or None in each for each in tries.values()):
            continue
        right = [sum(value or 0 for value in each) for each in tries.values()]
        shares = {1: sum(right) / (epochs * len(right)), epochs: sum(each > 0 for each in right) / len(right)}
        for k, share in shares.items():
            if k not in {each.k or 1 for each in known}:
                metric = "exact_match" if k == 1 else "pass_at_k"
                yield replace(known[0], metric=metric, k=k if k > 1 else None, score=share, trials=len(right))


def _tries(document: Any, scorer: Any) -> dict[Any, list[int | None]]:
    """Right (1) or wrong (0) in each epoch of an item; None where a score is neither."""
    found: dict[Any, list[int | None]] = {}
    for sample in each_of(section(document).get("samples"), dict):
        scores = section(sample, "scores")
        if scorer in scores:
            found.setdefault(str(sample.get("id")), []).append(_right(section(scores, scorer).get("value")))
    return found


def _right(value: Any) -> int | None:
    if value == RIGHT or value is True:
        return 1
    if value in WRONG or value is False:
        return 0
    known = number(value)
    return int(known) if known in (0.0, 1.0) else None
