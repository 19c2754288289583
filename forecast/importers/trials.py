"""Numbers of items that a results file does not say."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from forecast.importers.found import Measurement, count

SMALLEST = 1e-7  # of a standard error that is meant: 1e13 items
AGREE = 1.1  # ratio of numbers of items that follow from rounded standard errors of one task


def trials_of_error(rate: float, standard_error: float | None) -> int | None:
    """``n = p (1 - p) / se^2 + 1``: the harness divides the sample standard deviation by the root of n.

    None where the rate is 0 or 1, whose standard error is 0 for every n, or there is no error above `SMALLEST`.
    """
    if standard_error is None or standard_error < SMALLEST or not 0 < rate < 1:
        return None
    return count(round(rate * (1 - rate) / standard_error**2 + 1))


def with_trials_of_others(measured: Iterable[Measurement]) -> Iterator[Measurement]:
    """Items where the file does not say: those of the other models on the task, the fewest, where these nearly agree.

    A rate of 0 or 1 has no standard error to tell them; without it, the first and the last part of every curve of an
    old file would be missing.
    """
    measured = tuple(measured)
    known: dict[tuple[str, str], set[int]] = {}
    for each in measured:
        if each.trials:
            known.setdefault((each.task, each.variant), set()).add(each.trials)
    for each in measured:
        sizes = known.get((each.task, each.variant), set())
        agree = bool(sizes) and max(sizes) <= AGREE * min(sizes)
        yield replace(each, trials=min(sizes)) if agree and each.trials is None and each.metric != "loss" else each
