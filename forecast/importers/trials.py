"""Numbers of items that a results file does not say."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from forecast.importers.found import Measurement, count


def trials_of_error(rate: float, standard_error: float | None) -> int | None:
    """``n = p (1 - p) / se^2 + 1``: the harness divides the sample standard deviation by the root of n.

    None where the rate is 0 or 1, whose standard error is 0 for every n, or there is no error.
    """
    if standard_error is None or standard_error <= 0 or not 0 < rate < 1:
        return None
    return count(round(min(rate * (1 - rate) / standard_error**2 + 1, 1e16)))


def with_trials_of_others(measured: Iterable[Measurement]) -> Iterator[Measurement]:
    """Items where the file does not say: those of the other models on the task, where these agree.

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
        fill = each.trials is None and each.metric != "loss" and len(sizes) == 1
        yield replace(each, trials=min(sizes)) if fill else each
