"""Selection of measurements: each answer counted once, with all that a rate needs."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from forecast.errors import ForecastError, shown
from forecast.table.importers.choices import Choices, closest
from forecast.table.importers.known_tasks.applying import Labelled, with_known
from forecast.table.importers.known_tasks.parts import with_parts_together
from forecast.table.importers.measurements import Found, LeftOut, Measurement, count
from models.equations.metrics import METRICS, rates


def selected(found: Found, choices: Choices) -> tuple[list[Labelled], list[LeftOut], list[str]]:
    """The measurements that make a table, by task, all that was left out of it, and what was decided of known tasks.

    Raises
    ------
    ForecastError
        if a task that is named is not there, has not the metric that it should be taken by, or is a choice of which
        the chance of a guess is not known.
    """
    found, together = with_parts_together(found, choices)
    rows = list(_labelled(found.measurements))
    _check_names(rows, found.left_out, choices)
    _check_metric(found.measurements, choices)
    left_out = [each for each in found.left_out if not each.task or choices.wants(each.task)]
    wanted = [(label, each) for label, each in rows if choices.wants(label, each.task, each.native)]
    wanted, notes = with_known(wanted, choices)
    taken: list[Labelled] = []
    for (label, *_), rows_of_task in _grouped(wanted, by=_same_law).items():
        measured = _of_metric(label, [each for _, each in rows_of_task], choices)
        for same in _grouped(measured, by=lambda each: each.metric).values():
            once = _once(_by_one_metric(label, same, left_out), left_out, choices.repeats)
            taken += [(label, _completed(label, each, choices)) for each in once]
    counted = [(label, each) for label, each in taken if each.trials is not None or each.metric not in rates()]
    why = "the number of items is not in the file, nor does it follow from a standard error; give --trials TASK=N"
    left_out += [
        LeftOut(what=f"{label} of {each.model}", why=why)
        for label, each in taken
        if each.trials is None and each.metric in rates()
    ]
    _check_chance(counted)
    return counted, left_out, [*together, *notes]


def _same_law(row: Labelled) -> tuple[str, int | None, float | None]:
    """What tells measurements of a task apart whatever their metric: k, and the length that it is of."""
    label, measured = row
    return label, measured.k, measured.length if measured.metric == "at_least_k" else None


def _grouped[T, K: Hashable](rows: Iterable[T], *, by: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    return groups


def _labelled(measured: Iterable[Measurement]) -> Iterator[Labelled]:
    """Each with the name of its task in the table: with the variant where there are several of the task."""
    measured = tuple(measured)
    variants = {
        task: {each.variant for each in rows if not each.unit}
        for task, rows in _grouped(measured, by=lambda each: each.task).items()
    }
    for each in measured:
        variant = each.variant if len(variants[each.task]) > 1 else ""
        yield " ".join(filter(None, (each.task, variant, each.unit))), each


def _check_names(rows: list[Labelled], left_out: Iterable[LeftOut], choices: Choices) -> None:
    known = dict.fromkeys(name for label, each in rows for name in (each.task, label, each.native))
    for option, task in choices.named():
        if task not in known:
            reasons = [f"{each.what}: {each.why}" for each in left_out if each.task == task]
            near = closest(task, known) or ", ".join(list(known)[:10])
            advice = reasons[0] if reasons else f"did you mean {near}?" if known else "there is none at all"
            raise ForecastError(f"{option} {shown(task)}: no measurement of a task of this name; {advice}")


def _check_metric(measured: Iterable[Measurement], choices: Choices) -> None:
    """A metric for all tasks holds for those that have it: it must be one of them at least."""
    general = choices.metric.general
    known = dict.fromkeys(name for each in measured for name in (each.native, each.native.split(",")[0], each.metric))
    if general is not None and general not in known:
        raise ForecastError(f"--metric {shown(general)}: no task has it; there are {', '.join(known) or 'none'}")


def _of_metric(label: str, measured: list[Measurement], choices: Choices) -> list[Measurement]:
    """What the user's metric leaves: it names one of the file, or one of the table that the scores are read as."""
    names = (label, measured[0].task)
    named = choices.metric.named_for(*names)
    metric = choices.metric.of(*names)
    if metric is None:
        return measured
    same = [each for each in measured if metric in (each.native, each.metric)]
    same = same or [each for each in measured if each.native.partition(",")[0] == metric]
    if same or named is None:
        return same or measured
    if metric in rates() and all(each.metric in rates() for each in measured):
        return [replace(each, metric=metric, chance=each.chance if metric == "choice" else None) for each in measured]
    of_file = ", ".join(dict.fromkeys(each.native for each in measured))
    raise ForecastError(
        f"--metric {shown(f'{label}={metric}')}: the task has no such metric; give one of the file ({of_file}) "
        f"or, to say what its scores are, one of {', '.join(METRICS)}"
    )


def _by_one_metric(label: str, measured: list[Measurement], left_out: list[LeftOut]) -> list[Measurement]:
    """Of several metrics of the same answers the one that most models have, of such the one that is rather taken."""
    by_native = _grouped(measured, by=lambda each: each.native)
    models = {native: {each.model for each in rows} for native, rows in by_native.items()}
    best = min(by_native, key=lambda native: (-len(models[native]), by_native[native][0].rank))
    for native in (native for native in by_native if native != best):
        why = f"scores the same answers as {best}, which is taken; --metric {shown(f'{label}={native}')} takes it"
        left_out.append(LeftOut(what=f"{label}: {native}", why=why))
        lost = sorted(models[native] - models[best])
        left_out += [LeftOut(what=f"{label} of {name}", why=f"has {native}, not {best}") for name in lost]
    return by_native[best]


def _once(measured: list[Measurement], left_out: list[LeftOut], repeats: str | None) -> Iterator[Measurement]:
    """Of several measurements of a model the one with the most items, of such the latest, or as `repeats` says."""
    for model, rows in _grouped(measured, by=lambda each: each.model).items():
        if repeats in ("each", "mean") and len(rows) > 1:
            yield from rows if repeats == "each" else [_pooled(rows)]
            continue
        rank = _RANKS.get(repeats, _RANKS[None])
        best = max(reversed(rows), key=rank)  # of equal ones the last, as files and rows are in order
        for each in rows:
            if (each.score, each.trials) != (best.score, best.trials):
                what = f"{each.task} of {model} in {each.source}"
                left_out.append(LeftOut(what=what, why=f"was measured again, with more items or later: {best.source}"))
        yield best


_RANKS: dict[str | None, Callable[[Measurement], tuple[Any, ...]]] = {
    None: lambda each: (each.trials or 0, each.time),
    "latest": lambda each: (each.time,),
    "best": lambda each: (-each.score if each.metric == "loss" else each.score, each.trials or 0),
}


def _pooled(rows: list[Measurement]) -> Measurement:
    """All answers of several measurements counted together; a mean where items are not counted."""
    items = [each.trials or 0 for each in rows]
    if rows[0].metric not in rates() or not all(items):
        return replace(rows[0], score=sum(each.score for each in rows) / len(rows))
    right = sum(each.score * number for each, number in zip(rows, items, strict=True))
    return replace(rows[0], score=right / sum(items), trials=sum(items))


def _completed(label: str, measured: Measurement, choices: Choices) -> Measurement:
    """With the number of items and the chance that the user gives: for a named task always, else where unknown."""
    if measured.metric not in rates():
        return measured
    names = (label, measured.task)
    trials, chance = choices.trials.named_for(*names), choices.chance.named_for(*names)
    trials = trials or measured.trials or choices.trials.general
    if chance is None:
        chance = measured.chance
    if chance is None and measured.metric == "choice":
        chance = choices.chance.general
    return replace(measured, trials=trials, chance=chance)


def _check_chance(rows: list[Labelled]) -> None:
    unknown = dict.fromkeys(label for label, each in rows if each.metric == "choice" and each.chance is None)
    if unknown:
        first = next(iter(unknown))
        raise ForecastError(
            f"{', '.join(map(shown, unknown))}: a choice among given answers needs the chance of a guess; add "
            f"--chance {shown(f'{first}=0.25')} for four choices, or --metric {shown(f'{first}=exact_match')} "
            "where answers are not chosen"
        )


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
        yield replace(each, trials=min(sizes)) if agree and each.trials is None and each.metric in rates() else each
