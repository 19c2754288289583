"""Import: result files and a table of models in, an observation table out."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, TableError, shown, shown_path
from forecast.files import check_target, write_whole
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices
from forecast.table.importers.formats import format_named
from forecast.table.importers.measurements import LeftOut
from forecast.table.importers.models_table import FACTS, facts_by_model, read_facts
from forecast.table.importers.selection import Labelled, selected
from forecast.table.importers.tables import wide
from forecast.table.reading.cells import COLUMNS

ALWAYS = ("model", "task", "metric", "score", "trials")  # columns, beside those that hold anything
NAMED = 20  # models in an error


def import_results(
    format: str, path: Path, output: Path, *, choices: Choices = Choices(), models: Path | None = None
) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Write the table of the results at a path, checked by `forecast.table.dataset.read_table`, whole or not at all.

    Parameters
    ----------
    format : a name of `forecast.table.importers.formats.FORMATS`
    path : file, or folder that is searched
    output : CSV, or Parquet where it ends in .parquet; a file of that name is replaced
    models : table of compute and more by model, as of `forecast.table.importers.models_table.read_facts`

    Returns
    -------
    The rows of the table, and what was left out of it.

    Raises
    ------
    ForecastError
        if a file cannot be read or holds something else, nothing is left, or the table has problems (`TableError`).
    """
    reader = format_named(format).read
    if choices.percent and reader is not wide.read:
        raise ForecastError("--percent: is for the format wide; leave it out")
    check_target(output)
    if any(
        given is not None and output.exists() and given.exists() and output.samefile(given) for given in (path, models)
    ):
        raise ForecastError(f"{shown_path(output)}: is read by this command; name another file with -o")
    given = None if models is None else read_facts(models)
    found = reader(path, choices)
    rows, left_out = selected(found, choices)
    names = list(dict.fromkeys(each.model for _, each in rows))
    facts, source = (found.facts, path.name) if models is None else (given, models.name)
    if facts is None and rows:
        raise ForecastError(
            f"{shown_path(path)}: holds no training compute; add --models MODELS.csv with columns model and compute "
            f"(or params and tokens, or date), or Epoch's own, for the models {_listed(names)}"
        )
    known, unknown = facts_by_model(names, pd.DataFrame(columns=list(FACTS)) if facts is None else facts, source)
    left_out += unknown
    frame = _frame([(label, each) for label, each in rows if each.model in known], known)
    if frame.empty:
        reasons = [f"{each.what}: {each.why}" for each in left_out[-NAMED:]]
        raise ForecastError(
            f"{shown_path(path)}: nothing is left for a table; " + ("; ".join(reasons) or "it is empty")
        )
    write_whole(output, lambda temporary: _write(frame, temporary, output))
    return frame, left_out


def _listed(names: Iterable[str]) -> str:
    known = [shown(name) for name in names]
    return ", ".join(known[:NAMED]) + (f" and {len(known) - NAMED} more" if len(known) > NAMED else "")


def _frame(rows: list[Labelled], known: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Rows of a table with the columns that hold anything, and beside them where each score comes from."""
    records = [
        {"model": each.model, "task": label, "metric": each.metric, "score": each.score, "trials": each.trials}
        | {"score_sd": each.score_sd, "chance": each.chance, "length": None, "k": each.k}
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
        frame.to_csv(temporary, index=False)
    try:
        read_table(temporary)
    except TableError as error:
        raise TableError(output, error.problems) from None
