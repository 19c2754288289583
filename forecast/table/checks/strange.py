"""Strange things in a table that can be meant: a sentence for each, with its remedy."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from forecast.errors import row_ranges, shown
from forecast.table.checks.hints import MIXTURE, looks_like, named_like
from forecast.table.checks.magnitudes import AGREE, agrees_with_sizes, ratio_to_sizes
from forecast.table.checks.names import BITS, PERPLEXITIES
from forecast.table.checks.rounding import items_left, last_digit
from forecast.table.checks.scores import GUESS_LOSS
from forecast.table.checks.units import typed
from forecast.table.reading.cells import Cells
from forecast.words import counted, first_of

TOYS = {"compute": (1e13, "FLOP"), "params": (1e5, "parameters"), "tokens": (1e6, "training tokens")}
HIGH_LOSS = 5.0  # nats, which the best run of a trained ladder is below
UNLIKELY = 1e-4  # chance that one row in a task falls so far below guessing
UNLIKELY_TOGETHER = 1e-6
MATERIAL = 0.85  # of the chance; models that never name one of the answers miss it by less
WIDE = 1.0  # decade of compute_sd
WHOLE = ("exact_match", "choice", "at_least_k")  # metrics whose score is a count over items
SINGLE_PRECISION = 1e-6  # to which stored scores may be rounded
OPTIONAL = ("compute", "params", "active_params", "tokens", "compute_sd", "family", "date", "chance", "human")
TASKS, MODELS, RANGES = 3, 3, 4  # named in a sentence


def strange(cells: Cells) -> list[str]:
    """A sentence for each strange thing; of rows to predict none, whose scores do not count."""
    with np.errstate(invalid="ignore"):  # comparisons with what is not known
        return [sentence for check in CHECKS for sentence in check(cells)] if cells.scored else []


def _rows(which: pd.Series) -> str:
    lines = [int(line) for line in which.index[which.fillna(False).astype(bool)]]
    return f"row{'' if len(lines) == 1 else 's'} {row_ranges(lines, most=RANGES)}"


def _models(cells: Cells, which: pd.Series) -> list[str]:
    return cells.text["model"].str.strip()[which].unique().tolist()


def _tasks(cells: Cells) -> Iterator[tuple[str, pd.Series]]:
    """Name and rows of each task by metric."""
    for (task, _), rows in cells.metric.groupby([cells.text["task"].str.strip(), cells.metric], sort=False):
        yield str(task), cells.text.index.isin(rows.index)


def _mixtures(cells: Cells) -> Iterator[str]:
    unsaid = cells.text["model"].str.contains(MIXTURE) & cells.blank["active_params"] & cells.blank["compute"]
    if (unsaid & ~cells.blank["params"] & ~cells.blank["tokens"]).any():
        yield (
            f"By name {first_of(_models(cells, unsaid), MODELS)} is a mixture of experts, and its compute is taken as "
            "6 x params x tokens. If params are those of all experts, give the column active_params."
        )


def _toys(cells: Cells) -> Iterator[str]:
    for name, (limit, unit) in TOYS.items():
        small = (cells.number[name] < limit) & ~agrees_with_sizes(cells) & ~(cells.date < pd.Timestamp("2010-01-01"))
        if small.any():
            values = cells.number[name][small]
            models = _models(cells, small)
            yield (
                f"{counted(len(models), 'model')} ({first_of(models, MODELS)}) ha{'s' if len(models) == 1 else 've'} "
                f"{typed(values.min(), 3)} to {typed(values.max(), 3)} {unit}, as only toys have. If the column {name} "
                f"is in another unit, such as millions, write {typed(values.max() * 1e6, 3)}."
            )


def _off_sizes(cells: Cells) -> Iterator[str]:
    ratio = ratio_to_sizes(cells)
    off = ratio.notna() & ~ratio.between(1 / AGREE, AGREE)
    if not off.any():
        return
    models, first = _models(cells, off), off.index[off][0]
    low, high = ratio[off].min(), ratio[off].max()
    times = typed(low, 2) if typed(low, 2) == typed(high, 2) else f"{typed(low, 2)} to {typed(high, 2)}"
    active = cells.number.at[first, "compute"] / (6 * cells.number.at[first, "tokens"])
    sparse = ratio[first] < 1 and cells.blank.at[first, "active_params"]
    remedy = (
        f"If they are mixtures of experts, give the column active_params ({typed(active, 2)} for "
        f"{shown(cells.text.at[first, 'model'].strip())}); else correct compute, params or tokens."
        if sparse
        else "Correct compute, params or tokens; compute is taken as it stands."
    )
    yield (
        f"The compute of {counted(len(models), 'model')} ({first_of(models, MODELS)}) is {times} times 6 N D, "
        f"from params and tokens. {remedy}"
    )


def _high_losses(cells: Cells) -> Iterator[str]:
    for task, own in _tasks(cells):
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


def _below_chance(cells: Cells) -> Iterator[str]:
    """Of tasks whose scores miss their chance by more than luck and by more than a habit of answering explains."""
    number = cells.number
    trials, chance = number["trials"], number["chance"].fillna(0.0).where(cells.rate, 0.0)
    successes = number["successes"].fillna((number["score"] * trials).round())
    tail = pd.Series(stats.binom.cdf(successes, trials, chance), index=chance.index)
    far = (chance > 0) & (successes / trials < chance * MATERIAL)
    low = {}
    for task, own in _tasks(cells):
        rows = own & far
        if not rows.any():
            continue
        each = rows & (tail < UNLIKELY / (own & (chance > 0)).sum())
        items = trials[rows].sum()
        together = stats.binom.cdf(successes[rows].sum(), items, (chance * trials)[rows].sum() / items)
        if each.any() or together < UNLIKELY_TOGETHER:
            low[task] = each if each.any() else rows
    if low:
        task, score = next(iter(low)), successes / trials
        said = [
            f"{name} ({typed(score[rows].min(), 3)} to {typed(score[rows].max(), 3)} in {_rows(rows)}, "
            f"chance {chance[rows].max():g})"
            for name, rows in low.items()
        ]
        yield (
            f"Scores lie significantly below chance: {first_of(said, TASKS)}. If answers are generated, not chosen, "
            f"give metric exact_match and no chance (on import --metric {shown(f'{task}=exact_match')}); else correct "
            "the chance."
        )


def _no_whole_counts(cells: Cells) -> Iterator[str]:
    trials, score = cells.number["trials"], cells.number["score"]
    count = score * trials
    slack = trials * (0.5 * last_digit(cells) + SINGLE_PRECISION)
    broken = cells.metric.isin(WHOLE) & ((count - count.round()).abs() > slack) & (trials > 1)
    tasks = [(task, broken & own) for task, own in _tasks(cells) if (broken & own).any()]
    if tasks:
        line = tasks[0][1].index[tasks[0][1]][0]
        named = [f"{task} ({_rows(rows)})" for task, rows in tasks]
        yield (
            f"Score x trials is no whole number of items for {first_of(named, TASKS)}: "
            f"{cells.text.at[line, 'score'].strip()} x {trials[line]:g} = {count[line]:.6g}. Counts are rounded. Give "
            "the trials that the scores are shares of; an average over subtasks has as many as all of them together."
        )


def _rounded(cells: Cells) -> Iterator[str]:
    left, unit, trials = items_left(cells), last_digit(cells), cells.number["trials"]
    tasks = [(task, left.notna() & own) for task, own in _tasks(cells) if (left.notna() & own).any()]
    for task, rows in tasks[:TASKS]:
        line = rows.index[rows][0]
        few, many = left[rows].min(), left[rows].max()
        worth = f"{few:g}" if few == many else f"{few:g} to {many:g}"
        yield (
            f"Scores of {task} are rounded to {typed(unit[line])}, which is {unit[line] * trials[line]:.3g} of "
            f"{trials[line]:g} items. So {_rows(rows)} count{'s' if rows.sum() == 1 else ''} as {worth} items, which "
            "is what the rounding leaves. Give successes, or scores with more digits."
        )
    if len(tasks) > TASKS:
        yield f"Scores of {len(tasks) - TASKS} further tasks are rounded as much; give successes, or more digits."


def _falling_attempts(cells: Cells) -> Iterator[str]:
    """Of pass@k that is lower in more attempts, by more than one item."""
    rows = cells.metric == "pass_at_k"
    table = cells.number[rows].assign(task=cells.text["task"], model=cells.text["model"])
    table = table.assign(share=table["score"].fillna(table["successes"] / table["trials"])).sort_values("k")
    for task, own in table.groupby("task", sort=False):
        before = own.groupby("model")[["share", "k"]].shift()
        fallen = own[before["share"] - own["share"] > 1 / own["trials"]]
        if not fallen.empty:
            line, few = fallen.index[0], before.loc[fallen.index[0]]
            lines = _rows(pd.Series(cells.text.index.isin(fallen.index), cells.text.index))
            yield (
                f"pass@k of {task} falls in more attempts, which it cannot, in {lines}: {own.at[line, 'model']} has "
                f"{few['share']:g} in {few['k']:g} and {own.at[line, 'share']:g} in {own.at[line, 'k']:g}. Check that "
                "all are of the same items and in one unit, and that k is right."
            )


def _dates_ahead(cells: Cells) -> Iterator[str]:
    ahead = cells.date > pd.Timestamp.now() + pd.Timedelta(days=2)
    if ahead.any():
        yield (
            f"{_rows(ahead)} {'has' if ahead.sum() == 1 else 'have'} scores of models that are dated ahead of today, "
            f"up to {cells.date[ahead].max():%Y-%m-%d}. Correct the dates of {first_of(_models(cells, ahead), MODELS)}."
        )


def _wide_computes(cells: Cells) -> Iterator[str]:
    wide = cells.number["compute_sd"] > WIDE
    if wide.any():
        largest = cells.number["compute_sd"][wide].max()
        yield (
            f"Column compute_sd is {largest:g} decades for {first_of(_models(cells, wide), MODELS)}: known to a "
            f"factor of {typed(10**largest, 2)}. If {largest:g} is the factor itself, write {np.log10(largest):.2g}."
        )


def _single_items(cells: Cells) -> Iterator[str]:
    trials = cells.number["trials"].where(cells.rate).dropna()
    if len(trials) and (trials == 1).all():
        yield "Column trials is 1 in all rows, each row is one item. If scores are means over items, give their number."


def _unread_columns(cells: Cells) -> Iterator[str]:
    missing = [name for name in OPTIONAL if name not in cells.present]
    found = {name: looks_like(name, cells.columns) for name in missing}
    named = [f"{shown(other)} to {name}" for name, other in found.items() if other]
    if named:
        yield f"A column is not read that looks as if it should be; rename {', '.join(named)}, if that is what it is."


CHECKS: tuple[Callable[[Cells], Iterator[str]], ...] = (
    _below_chance,
    _high_losses,
    _off_sizes,
    _mixtures,
    _toys,
    _no_whole_counts,
    _rounded,
    _falling_attempts,
    _single_items,
    _dates_ahead,
    _wide_computes,
    _unread_columns,
)
