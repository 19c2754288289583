"""Import: result files and a table of models in, an observation table out."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, TableError, shown, shown_path
from forecast.files import check_target, without_formulas, write_whole
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices
from forecast.table.importers.conversions import in_nats, with_losses
from forecast.table.importers.formats import format_named
from forecast.table.importers.measurements import Found, LeftOut
from forecast.table.importers.models_table import ModelTable, read_facts, warn_of_dates
from forecast.table.importers.names.aliases import read_aliases
from forecast.table.importers.names.facts import Facts, facts_of_models
from forecast.table.importers.names.matching import Matched, after_unmatched, matched
from forecast.table.importers.selection import Labelled, selected
from forecast.table.importers.tables import long, wide
from forecast.table.reading.cells import COLUMNS
from forecast.table.repeats import narrowed
from models.equations.metrics import rates
from models.facts.ceilings import BOUNDS

TABLES = ("wide", "long")  # formats whose scores the user names the metric of
ALWAYS = ("model", "task", "metric", "score", "trials")  # columns, beside those that hold anything
NAMED = 20  # models in an error


def import_results(
    format: str,
    path: Path,
    output: Path,
    *,
    choices: Choices = Choices(),
    models: Path | None = None,
    aliases: Path | None = None,
    say: Callable[[str], None] = lambda note: None,
) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Write the table of the results at a path, checked by `forecast.table.dataset.read_table`, whole or not at all.

    Parameters
    ----------
    format : a name of `forecast.table.importers.formats.FORMATS`
    path : file, or folder that is searched
    output : CSV, or Parquet where it ends in .parquet; a file of that name is replaced
    models : table of compute and more by model, as of `forecast.table.importers.models_table.read_facts`
    aliases : CSV of two columns, the name of a model in the results and that in the table of models
    say : takes each note on what was decided

    Returns
    -------
    The rows of the table, and what was left out of it; models that were not found by name come first.

    Raises
    ------
    ForecastError
        if a file cannot be read or holds something else, nothing is left, or the table has problems (`TableError`).
        Models that were not found by name are listed before all else.
    """
    reader = format_named(format).read
    if (choices.percent or choices.percent_of) and reader not in (wide.read, long.read):
        raise ForecastError("--percent: is for the formats wide and long; leave it out")
    check_target(output)
    table = None if models is None else read_facts(models, choices.columns)
    if table is not None:
        choices = replace(choices, columns=replace(choices.columns, elsewhere=table.headers))
    asked, choices = choices, with_losses(choices) if format in TABLES else choices
    found = in_nats(reader(path, choices), asked, path)
    choices.columns.check(found.headers, " or ".join(each.name for each in (path, models) if each is not None))
    facts = found.facts if table is None else table.facts
    found, match, strangers = _named(found, facts, aliases, (models or path).name)
    try:
        frame, left_out, notes = _assembled(found, match, facts, choices, path, table)
        write_whole(output, lambda temporary: _write(frame, temporary, output))
    except ForecastError as error:
        raise error if facts is None else after_unmatched(error, match) from None
    for note in (*strangers, *found.notes, *match.notes, *notes, *match.remedy):
        say(note)
    return frame, left_out


def _named(
    found: Found, facts: pd.DataFrame | None, aliases: Path | None, source: str
) -> tuple[Found, Matched, list[str]]:
    """The findings with each model called as in the table, the row of each, and notes on aliases of other models."""
    names = list(dict.fromkeys(each.model for each in found.measurements))
    rows = [] if facts is None else list(facts.index)
    given, strangers = ({}, []) if aliases is None or facts is None else read_aliases(aliases, names, rows)
    match = matched(names, rows, given, source)
    measured = tuple(replace(each, model=match.called[each.model]) for each in found.measurements)
    own = None if found.facts is None else found.facts.rename(index=dict(match.called))
    return replace(found, measurements=measured, facts=own), match, strangers


def _assembled(
    found: Found, match: Matched, facts: pd.DataFrame | None, choices: Choices, path: Path, table: ModelTable | None
) -> tuple[pd.DataFrame, list[LeftOut], list[str]]:
    """The table, what was left out of it, and what was decided of its tasks."""
    rows, left_out, notes = selected(found, choices)
    names = list(dict.fromkeys(each.model for _, each in rows))
    match = match.of(names)
    known: dict[str, Facts] = {}
    if facts is not None:
        of_results = None if table is None else found.facts
        known, without = facts_of_models(match.row_of, facts, of_results, match.source)
        left_out = [*(each.left_out(match.source) for each in match.unmatched), *without, *left_out]
    if table is not None:
        table.check(match.row_of[name] for name in known)
    warn_of_dates(known.values(), (*found.sizes_not_read, *(() if table is None else table.sizes_not_read)))
    if rows and table is None and not known:
        raise ForecastError(_without_compute(path, names, facts))
    frame = _frame([(label, each) for label, each in rows if each.model in known], known)
    if frame.empty:
        reasons = [f"{each.what}: {each.why}" for each in left_out[len(match.unmatched) :][:NAMED]]
        why = "\n  ".join(reasons) or ("no model was found" if match.unmatched else "it is empty")
        raise ForecastError(f"{shown_path(path)}: nothing is left for a table:\n  {why}")
    return narrowed(frame, choices.repeats, choices.best_of), left_out, notes


def _without_compute(path: Path, names: Iterable[str], facts: pd.DataFrame | None) -> str:
    sized = facts is not None and bool((facts["params"] != "").any())
    needed = "compute (or params and tokens, or date), or Epoch's own,"
    if sized:
        needed = "tokens, which are not in the results as params are (or compute, or date),"
    return (
        f"{shown_path(path)}: holds no training compute; add --models MODELS.csv with columns model and {needed} "
        f"for the models {_listed(names)}"
    )


def _listed(names: Iterable[str]) -> str:
    known = [shown(name) for name in names]
    return ", ".join(known[:NAMED]) + (f" and {len(known) - NAMED} more" if len(known) > NAMED else "")


def _frame(rows: list[Labelled], known: dict[str, Facts]) -> pd.DataFrame:
    """Rows of a table with the columns that hold anything, and beside them where each score comes from."""
    records = [
        {"model": each.model, "task": label, "metric": each.metric, "score": each.score}
        | {"trials": each.trials if each.metric in rates() else None}
        | {"score_sd": each.score_sd, "chance": each.chance, "length": each.length, "k": each.k}
        | {name: getattr(each, name) for name in BOUNDS}
        | known[each.model]
        | {"measured_as": each.native, "source": each.source}
        for label, each in rows
    ]
    frame = pd.DataFrame(records, columns=[*(name for name in COLUMNS if name != "successes"), "measured_as", "source"])
    frame = frame.astype({"trials": "Int64", "k": "Int64", "chance": float})
    of_answers = ("length", "k") if (frame["metric"] == "at_least_k").any() else ()
    empty = [name for name in frame if (frame[name].isna() | (frame[name].astype(str) == "")).all()]
    return frame.drop(columns=[name for name in empty if name not in (*ALWAYS, *of_answers)])


def _write(frame: pd.DataFrame, temporary: Path, output: Path) -> None:
    """Fill a temporary file and read it as every other command will; its problems are those of the output."""
    if output.suffix.lower() == ".parquet":
        frame.to_parquet(temporary, index=False)
    else:
        without_formulas(frame).to_csv(temporary, index=False)
    try:
        read_table(temporary)
    except TableError as error:
        raise TableError(output, error.problems) from None
