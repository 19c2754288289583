"""Commands of tables: what one holds, and making them from public result files or from the model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.options import (
    BestOf,
    Json,
    Quiet,
    Repeats,
    Seed,
    SkipUnusable,
    TableChance,
    TableFile,
    TableTasks,
    TableTrials,
    plain,
    print_json,
    warn,
)
from forecast.cli.progress import shown_stages
from forecast.errors import LISTED, TableError
from forecast.table.importers.formats import FORMATS

if TYPE_CHECKING:
    import pandas as pd

    from forecast.table.importers.measurements import LeftOut

FORMAT_LIST = "\b\nFormats:\n" + "\n".join(f"  {name:<16}{each.words}" for name, each in FORMATS.items())


def validate(
    table: TableFile,
    tasks: TableTasks = None,
    trials: TableTrials = None,
    chance: TableChance = None,
    skip_unusable: SkipUnusable = False,
    repeats: Repeats = None,
    best_of: BestOf = None,
    as_json: Json = False,
) -> None:
    """Say what a table holds, what can be identified from it and what is wrong with it."""
    from forecast.table.adjusting import adjustments
    from forecast.table.describe import describe
    from forecast.table.summary import summary

    adjust = adjustments(tasks, trials, chance, skip_unusable, repeats, best_of)
    try:
        answer = describe(table, adjust)
    except TableError as error:
        if as_json:
            print_json({"table": str(table), "problems": [problem(each) for each in error.problems]})
        raise
    if as_json:
        print_json(answer)
        return
    for line in summary(answer):
        print(plain(line))


def problem(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("row", "column", "value", "wrong", "remedy")}


def import_(
    format: Annotated[str, typer.Argument(help="One of those below, such as lm-eval or wide.", metavar="FORMAT")],
    path: Annotated[Path, typer.Argument(help="Results file, or folder that is searched.", metavar="PATH")],
    output: Annotated[Path, typer.Option("-o", help="Table to write, CSV or .parquet.", metavar="TABLE")],
    models: Annotated[
        Path | None,
        typer.Option(
            help="Columns of model, compute, params, tokens, compute_sd, family, date; or Epoch's own.",
            metavar="MODELS.csv",
        ),
    ] = None,
    alias: Annotated[
        Path | None,
        typer.Option(
            help="Two columns: name of a model in the results, its name in MODELS.csv.", metavar="ALIASES.csv"
        ),
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Take these tasks only, by comma; name groups here.", metavar="NAMES")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="Any rate of the file to take, or metric of the table to read scores as.", metavar="[TASK=]METRIC"
        ),
    ] = None,
    chance: Annotated[
        list[str] | None, typer.Option(help="Success of a guess among given answers.", metavar="[TASK=]P")
    ] = None,
    trials: Annotated[list[str] | None, typer.Option(help="Items scored.", metavar="[TASK=]N")] = None,
    percent: Annotated[bool, typer.Option("--percent", help="Of wide and long: scores are percentages.")] = False,
    percent_of: Annotated[
        str | None, typer.Option(help="The same of these tasks alone, by comma.", metavar="NAMES")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="The column of a role, as model=Name or 'params (B)=Size'.", metavar="ROLE=NAME"),
    ] = None,
    repeats: Repeats = None,
    best_of: BestOf = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a table of what evaluation tools write, or of a table with a column for each task or a row for each score.

    --metric, --chance and --trials can be given several times; a TASK=VALUE outweighs a value for all tasks.
    Headers such as '#Params (B)' and cells such as 7B are understood and what is made of them is printed; --columns,
    of PATH and MODELS.csv alike, says which column is model, family, params, active_params, tokens, compute, date,
    task, metric, score, trials, chance or human (the score of experts).
    """
    from forecast.table.adjusting import known_repeats
    from forecast.table.importers.choices import Choices, as_chance, as_metric, as_trials, per_task, task_names
    from forecast.table.reading.roles import columns_of

    choices = Choices(
        tasks=task_names(tasks),
        metric=per_task("--metric", metric or [], as_metric, expected="the name of a metric"),
        chance=per_task("--chance", chance or [], as_chance, expected="a number from 0 to below 1"),
        trials=per_task("--trials", trials or [], as_trials, expected="a whole number of 1 or more"),
        percent=percent,
        repeats=known_repeats(repeats),
        best_of=task_names(best_of),
        percent_of=task_names(percent_of),
        columns=columns_of(columns or []),
    )
    from forecast.table.describe import weaknesses
    from forecast.table.importers.importing import import_results
    from forecast.words import counted

    notes: list[str] = []
    with shown_stages(quiet=quiet) as stages, stages.stage("results read", weight=1.0):
        frame, left_out = import_results(
            format, path, output, choices=choices, models=models, aliases=alias, say=notes.append
        )
    print_left_out(left_out)
    warnings = weaknesses(output)
    for sentence in warnings:
        warn(sentence)
    for note in notes:
        print(plain(note), file=sys.stderr)
    names = {"models": frame["model"].unique().tolist(), "tasks": frame["task"].unique().tolist()}
    if as_json:
        left = [{"what": each.what, "why": each.why} for each in left_out]
        print_json(
            {"table": str(output), "rows": len(frame), **names, "left_out": left, "notes": notes, "warnings": warnings}
        )
        return
    sizes = {"row": len(frame), "model": len(names["models"]), "task": len(names["tasks"])}
    print(f"{output}: " + ", ".join(counted(number, noun) for noun, number in sizes.items()))
    print_tasks(frame)


def print_left_out(left_out: "list[LeftOut]") -> None:
    """What is not in the table and why, on stderr."""
    for each in left_out[:LISTED]:
        print(plain(f"left out: {each.what}: {each.why}"), file=sys.stderr)
    if len(left_out) > LISTED:
        print(f"left out: ... and {len(left_out) - LISTED} more: --json", file=sys.stderr)


def print_tasks(frame: "pd.DataFrame") -> None:
    """Metric, models, items and scores of each task."""
    from forecast.words import counted, spoken_score

    for (task, metric), rows in frame.groupby(["task", "metric"], sort=False):
        items = sorted(rows["trials"].dropna().unique())
        counts = f", {items[0]} to {items[-1]} items" if len(items) > 1 else ""
        counts = f", {counted(int(items[0]), 'item')}" if len(items) == 1 else counts
        guess = f", chance {rows['chance'].max():g}" if metric == "choice" else ""
        least, most = (
            spoken_score(float(f"{end:.3g}"), str(metric)) for end in (rows["score"].min(), rows["score"].max())
        )
        scores = f"{least} to {most}"
        models = counted(rows["model"].nunique(), "model")
        print(f"  {plain(str(task))} ({metric}{guess}): {models}{counts}, scores {scores}")


def simulate(
    design: Annotated[Path, typer.Argument(help="Table of runs and tasks without scores.", metavar="DESIGN.csv")],
    output: Annotated[Path, typer.Option("-o", help="Table to write.", metavar="TABLE.csv")],
    truth: Annotated[Path | None, typer.Option(help="Also write the truth behind it.", metavar="TRUTH.nc")] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """A table drawn from the model with known truth."""
    from forecast.files import check_target, write_csv, write_whole

    for target in (output, truth):
        if target is not None:
            check_target(target)
    from forecast.fitting.simulate import simulate as draw_table
    from forecast.table.dataset import read_rows
    from forecast.table.splits import is_dated
    from forecast.words import counted

    table, drawn = draw_table(read_rows(design), seed=seed)
    if is_dated(table):
        table = table.assign(compute=float("nan"))  # which stood in for the dates
    if truth is not None:
        write_whole(truth, lambda temporary: drawn.to_netcdf(temporary, engine="netcdf4"))
    write_csv(output, table)
    answer = {"table": str(output), "truth": None if truth is None else str(truth), "rows": len(table), "seed": seed}
    if as_json:
        print_json(answer)
    else:
        print(f"{output}: {counted(len(table), 'row')}")
