"""Scores that are no rates or no losses, such as percentages, ratings, perplexities; and bounds of ceilings."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from forecast.errors import Problem, shown
from forecast.table.checks.columns import RULES
from forecast.table.checks.hints import named_like
from forecast.table.checks.names import BITS, PERPLEXITIES
from forecast.table.checks.units import typed
from forecast.table.reading.cells import OF_TASK, Cells
from models.facts.ceilings import BOUNDS

HIGHEST_LOSS = 25.0  # nats; no trained or untrained model is so far below a guess among all tokens
HIGH_LOSS = 5.0  # nats, which the best run of a trained ladder is below
GUESS_LOSS = 13.0  # nats of a uniform guess over 500,000 tokens; early checkpoints can be worse, not the best run
LEARNED = 4.0  # nats a token, which the best run of a table of losses is below
PERCENT = 100.0
MEASURED = {"loss": "loss in nats per token", "horizon": "horizon in minutes"}  # scores that are no rates
HORIZONS = (1e-6, 1e9)  # minutes that can be meant: from 60 microseconds to 1,900 years


def scores_given(cells: Cells) -> Iterator[Problem]:
    """Scores that are missing, or outside of what their metric can be."""
    if not cells.scored:
        return
    column = "score" if "score" in cells.present else "successes"
    missing = cells.rate & cells.blank["score"] & cells.blank["successes"]
    yield from cells.problems(missing, column, "is blank", "give score or successes, or delete the row")
    for name, asked in MEASURED.items():
        missing = (cells.metric == name) & cells.blank["score"]
        yield from cells.problems(missing, "score", "is blank", f"give the {asked}, or delete the row")
    yield from _rates_outside(cells)
    yield from _measured_outside(cells)
    yield from _perplexities(cells)


def _rates_outside(cells: Cells) -> Iterator[Problem]:
    score = cells.number["score"].where(cells.rate)
    by_task = score.groupby([cells.text["task"], cells.metric])
    lowest, highest = by_task.transform("min"), by_task.transform("max")
    outside = (score < 0) | (score > 1)
    percent = (lowest >= 0) & (highest <= PERCENT)
    rating = (lowest > 1) & (highest > PERCENT) & np.isfinite(highest)
    wrong = "lies outside [0, 1]"
    also = ((score > 0) & (score <= 1)).groupby([cells.text["task"], cells.metric]).transform("any")
    yield from cells.problems(
        outside & ~percent & ~rating, "score", wrong, "give a rate between 0 and 1, or delete the row"
    )
    remedy = "if the scores of this task are percentages, divide all of them by 100: write {}"
    yield from _with_value(cells, outside & percent & ~also, wrong, remedy)
    mixed = f"{wrong}, though other scores of this task do not"
    remedy = (
        "write {} if this is a percentage and the others are rates; if all are percentages, divide all of them by 100"
    )
    yield from _with_value(cells, outside & percent & also, mixed, remedy)
    rated = f"{wrong}, it looks like a rating such as Elo or a count"
    advice = (
        "a rating cannot be read as a share of items that are right: give a rate between 0 and 1, or delete the row"
    )
    yield from cells.problems(outside & rating, "score", rated, advice)


def _with_value(cells: Cells, bad: pd.Series, wrong: str, remedy: str) -> Iterator[Problem]:
    yield from cells.problems(bad, "score", wrong, lambda value: remedy.format(typed(float(value) / PERCENT)))


def _measured_outside(cells: Cells) -> Iterator[Problem]:
    score = cells.number["score"]
    positive = (score > 0) & (score < 1e100)
    for name, asked in MEASURED.items():
        bad = (cells.metric == name) & score.notna() & ~positive
        yield from cells.problems(bad, "score", f"is not a positive finite {name}", f"give the {asked}, above 0")
    least, most = HORIZONS
    beyond = (cells.metric == "horizon") & positive & ~score.between(least, most)
    wrong = f"is no horizon in minutes: it lies outside {least:g} to {most:g}"
    yield from cells.problems(beyond, "score", wrong, "give minutes, such as 240 for four hours; not seconds or hours")


def _perplexities(cells: Cells) -> Iterator[Problem]:
    score = cells.number["score"].where(cells.metric == "loss")
    bad = ~((score > 0) & (score < 1e100))
    by_task = score.where(~bad).groupby(cells.text["task"])
    lowest, highest = by_task.transform("min"), by_task.transform("max")
    too_high = (highest > HIGHEST_LOSS) | ((highest > GUESS_LOSS) & (lowest > LEARNED))
    rating = too_high & (lowest > PERCENT) & (highest < 20 * lowest) & (highest < 1e4)
    wrong = "is no loss in nats per token: scores of this task reach {}, it looks like perplexity"
    unlike = (score > 1) & too_high & ~bad
    for line in score.index[unlike]:
        loss = typed(float(np.log(score[line])), 4)
        elo = ", or delete the row if it is a rating such as Elo" if rating[line] else ""
        yield Problem(
            row=int(line),
            column="score",
            value=cells.text.at[line, "score"],
            wrong=wrong.format(typed(highest[line], 4)),
            remedy=f"write its natural log, {loss}, or import with --metric perplexity{elo}",
        )


def bounds_given(cells: Cells) -> Iterator[Problem]:
    """Bounds of what has no ceiling, that a guess reaches, or that differ between the rows of one task."""
    for column in BOUNDS:
        bound = cells.number[column]
        measured = cells.loss & bound.notna()
        wrong = "is for rates; this row is a {}"
        for metric in sorted(set(cells.metric[measured])):
            rows = measured & (cells.metric == metric)
            remedy = "delete the value: only rates have a ceiling"
            yield from cells.problems(rows, column, wrong.format(metric), remedy)
        bound = bound.where(cells.rate & RULES[column][0](bound))  # a cell that is wrong by itself is no bound
        guessed = bound <= cells.number["chance"].fillna(0.0)
        yield from cells.problems(
            guessed, column, "is not above chance", "give a score above chance, or correct chance"
        )
        yield from _disagreements(cells, column, bound)


def _disagreements(cells: Cells, column: str, bound: pd.Series) -> Iterator[Problem]:
    """The rows of a task whose bound is not that of its first row with one."""
    groups = [cells.text[name].str.strip() for name in OF_TASK]
    first = bound.groupby(groups).transform("first")
    lines = pd.Series(bound.index, index=bound.index).where(bound.notna()).groupby(groups).transform("first")
    for line in bound.index[bound.notna() & (bound != first)]:
        yield Problem(
            row=int(line),
            column=column,
            value=cells.text.at[line, column],
            wrong=f"task {shown(cells.text.at[line, 'task'])} has {column} {first[line]:g} in row {int(lines[line])}",
            remedy="give one value for all rows of a task, or leave the cell blank",
        )


def high_losses(cells: Cells) -> Iterator[str]:
    """Of losses that are high for nats per token, or that are named like another measure."""
    for task, own in cells.tasks():
        score = cells.number["score"].where((cells.metric == "loss") & own).dropna()
        if score.empty:
            continue
        log = f"write ln({typed(score.max(), 4)}) = {typed(float(np.log(score.max())), 4)} and so on"
        converted = named_like(task, ("nats",))
        if named_like(task, PERPLEXITIES) and score.max() > 1 and not converted:
            yield f"The loss {task} is named like perplexity. If it is one, {log}; or import with --metric perplexity."
        elif named_like(task, BITS) and not converted:
            yield (
                f"The loss {task} is named like bits. If it is in bits, multiply by 0.6931 (ln 2): "
                f"{typed(score.max(), 4)} is {typed(score.max() * np.log(2), 4)} nats; or import with "
                "--metric bits_per_byte."
            )
        elif score.max() > GUESS_LOSS:
            yield (
                f"Losses of {task} reach {typed(score.max(), 4)} nats a token, more than a guess among all tokens "
                f"costs ({GUESS_LOSS:g}), as only first checkpoints have. If they are perplexities, {log}."
            )
        elif score.min() > HIGH_LOSS and len(score) > 1:
            yield (
                f"No loss of {task} is below {typed(score.min(), 4)} nats a token, which is much for trained models. "
                f"If they are perplexities, {log}."
            )
