"""Strange things in a table that can be meant: a sentence for each, with its remedy."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from forecast.errors import shown
from forecast.table.checks.hints import MIXTURE, choices_named, looks_like
from forecast.table.checks.magnitudes import AGREE, agrees_with_sizes, ratio_to_sizes
from forecast.table.checks.rounding import no_whole_counts, rounded
from forecast.table.checks.scores import high_losses
from forecast.table.checks.units import typed
from forecast.table.reading.cells import OF_TASK, Cells, in_rows
from forecast.words import counted, first_of

TOYS = {"compute": (1e13, "FLOP"), "params": (1e5, "parameters"), "tokens": (1e6, "training tokens")}
UNLIKELY = 1e-4  # chance that one row in a task falls so far below guessing
UNLIKELY_TOGETHER = 1e-6
MATERIAL = 0.85  # of the chance; models that never name one of the answers miss it by less
MOST_CHOICES = 10  # where a name does not say how many
PLACEHOLDER = "(replace me)"  # in names of models of a new study
WIDE = 1.0  # decade of compute_sd
OPTIONAL = ("compute", "params", "active_params", "tokens", "compute_sd", "family", "date", "chance", "human")
TASKS, MODELS = 3, 3  # named in a sentence


def strange(cells: Cells) -> list[str]:
    """A sentence for each strange thing; of rows to predict none, whose scores do not count."""
    with np.errstate(invalid="ignore"):  # comparisons with what is not known
        return [sentence for check in CHECKS for sentence in check(cells)] if cells.scored else []


def _mixtures(cells: Cells) -> Iterator[str]:
    unsaid = cells.text["model"].str.contains(MIXTURE) & cells.blank["active_params"] & cells.blank["compute"]
    if (unsaid & ~cells.blank["params"] & ~cells.blank["tokens"]).any():
        yield (
            f"By name {first_of(cells.models(unsaid), MODELS)} is a mixture of experts, and its compute is taken as "
            "6 x params x tokens. If params are those of all experts, give the column active_params."
        )


def _toys(cells: Cells) -> Iterator[str]:
    for name, (limit, unit) in TOYS.items():
        small = (cells.number[name] < limit) & ~agrees_with_sizes(cells) & ~(cells.date < pd.Timestamp("2010-01-01"))
        if small.any():
            values = cells.number[name][small]
            models = cells.models(small)
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
    models, first = cells.models(off), off.index[off][0]
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


def _below_chance(cells: Cells) -> Iterator[str]:
    """Of tasks whose scores miss their chance by more than luck and by more than a habit of answering explains."""
    number = cells.number
    trials, chance = number["trials"], number["chance"].fillna(0.0).where(cells.rate, 0.0)
    successes = number["successes"].fillna((number["score"] * trials).round())
    tail = pd.Series(stats.binom.cdf(successes, trials, chance), index=chance.index)
    far = (chance > 0) & (successes / trials < chance * MATERIAL)
    low = {}
    for task, value, own in _chances(cells, chance):
        rows = own & far
        if not rows.any():
            continue
        each = rows & (tail < UNLIKELY / own.sum())
        items = trials[rows].sum()
        together = stats.binom.cdf(successes[rows].sum(), items, (chance * trials)[rows].sum() / items)
        if each.any() or together < UNLIKELY_TOGETHER:
            low[task, value] = each if each.any() else rows
    if low:
        (task, _), score = next(iter(low)), successes / trials
        said = [
            f"{name} ({typed(score[rows].min(), 3)} to {typed(score[rows].max(), 3)} in {in_rows(rows)}, "
            f"chance {value:g})"
            for (name, value), rows in low.items()
        ]
        yield (
            f"Scores lie significantly below chance: {first_of(said, TASKS)}. If answers are generated, not chosen, "
            f"give metric exact_match and no chance (on import --metric {shown(f'{task}=exact_match')}); else correct "
            "the chance."
        )


def _chances(cells: Cells, chance: pd.Series) -> Iterator[tuple[str, float, pd.Series]]:
    """Name, chance and rows of each task by metric and chance."""
    for task, own in cells.tasks():
        for value in chance[own].dropna().unique():
            yield task, float(value), own & (chance == value)


def _mixed_chances(cells: Cells) -> Iterator[str]:
    """Of tasks whose rows have several chances, a blank one being 0."""
    number = cells.number["chance"].fillna(0.0)[cells.rate]
    of_task = [cells.text[name].str.strip() for name in OF_TASK]
    for (task, *_), chance in number.groupby([each[cells.rate] for each in of_task], sort=False):
        values = sorted(chance.unique())
        if len(values) > 1:
            said = [f"{value:g} in {in_rows(chance == value)}" for value in values]
            yield (
                f"Task {task} has {len(values)} chances ({first_of(said, TASKS)}), where a blank is 0. Their mean over "
                f"its rows, {chance.mean():.3g}, is used for all. Give one, or name the rows of another test otherwise."
            )


def _named_like_choices(cells: Cells) -> Iterator[str]:
    """Of generated answers, without a chance, that by name are choices and never score below guessing."""
    generated = (cells.metric == "exact_match") & ~(cells.number["chance"] > 0)
    score = cells.number["score"].fillna(cells.number["successes"] / cells.number["trials"])
    for task, own in cells.tasks():
        least, number = score[own & generated].min(), choices_named(task)
        if number is None or not least > MATERIAL / (number or MOST_CHOICES):
            continue
        chance = f"{1 / number:.3g}" if number else "P"
        yield (
            f"By name {task} is a choice among given answers, and no score is below {least:.3g}; but its metric is "
            f"exact_match, of which a guess is worth nothing. If it is one, give metric choice and its chance (on "
            f"import --metric {shown(f'{task}=choice')} --chance {shown(f'{task}={chance}')})."
        )


def _placeholders(cells: Cells) -> Iterator[str]:
    """Of the rows of a new study that nobody has replaced."""
    left = cells.text["model"].str.contains(PLACEHOLDER, regex=False)
    if left.any():
        yield (
            f"Made-up numbers: {in_rows(left)} came with `forecast new` ({first_of(cells.models(left), MODELS)}), and "
            "what follows from them means nothing. Replace them by your own."
        )


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
            lines = in_rows(pd.Series(cells.text.index.isin(fallen.index), cells.text.index))
            yield (
                f"pass@k of {task} falls in more attempts, which it cannot, in {lines}: {own.at[line, 'model']} has "
                f"{few['share']:g} in {few['k']:g} and {own.at[line, 'share']:g} in {own.at[line, 'k']:g}. Check that "
                "all are of the same items and in one unit, and that k is right."
            )


def _dates_ahead(cells: Cells) -> Iterator[str]:
    ahead = cells.date > pd.Timestamp.now() + pd.Timedelta(days=2)
    if ahead.any():
        yield (
            f"{in_rows(ahead)} {'has' if ahead.sum() == 1 else 'have'} scores of models that are dated ahead of today, "
            f"up to {cells.date[ahead].max():%Y-%m-%d}. Correct the dates of {first_of(cells.models(ahead), MODELS)}."
        )


def _wide_computes(cells: Cells) -> Iterator[str]:
    wide = cells.number["compute_sd"] > WIDE
    if wide.any():
        largest = cells.number["compute_sd"][wide].max()
        yield (
            f"Column compute_sd is {largest:g} decades for {first_of(cells.models(wide), MODELS)}: known to a "
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
    _placeholders,
    _mixed_chances,
    _below_chance,
    _named_like_choices,
    high_losses,
    _off_sizes,
    _mixtures,
    _toys,
    no_whole_counts,
    rounded,
    _falling_attempts,
    _single_items,
    _dates_ahead,
    _wide_computes,
    _unread_columns,
)
