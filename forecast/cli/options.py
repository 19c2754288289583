"""Options that commands share, and how results and progress are shown.

Everything heavy is imported inside the function that needs it, so that `forecast --help` answers at once.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.given.values import flop, score_or_time
from forecast.errors import ForecastError

NOT_TRUSTWORTHY = 3
SCORE = "Score that counts as 'the capability is there'"


TableFile = Annotated[Path, typer.Argument(help="Observation table: CSV, JSON, Parquet or Excel.", metavar="TABLE")]
FitFile = Annotated[Path, typer.Argument(help="Posterior written by `forecast fit`.", metavar="FIT.nc")]
Task = Annotated[str, typer.Option(help="Task name as in the table.")]
At = Annotated[float, typer.Option(parser=score_or_time, metavar="SCORE", help=f"{SCORE}; of a horizon, as 8h.")]
UsualAt = Annotated[
    float | None,
    typer.Option("--at", parser=score_or_time, metavar="SCORE", help=f"{SCORE} [default: 0.5 or, of a horizon, 8h]."),
]
Ats = Annotated[
    list[float] | None, typer.Option("--at", parser=score_or_time, metavar="SCORE", help=f"{SCORE} [default: 0.5].")
]
Family = Annotated[str | None, typer.Option(help="Family; the typical one when left out.")]
Date = Annotated[
    datetime | None,
    typer.Option(help="Date of the algorithms; the latest of the table when left out.", formats=["%Y-%m-%d"]),
]
Headline = Annotated[str | None, typer.Option(help="Task of the answer; the first when left out.", metavar="TASK")]
Figure = Annotated[Path | None, typer.Option("-o", help="Also draw a figure, PNG, PDF or SVG.", metavar="FIGURE")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Seed = Annotated[int, typer.Option(help="Seed; same seed, same numbers.", min=0, max=2**63 - 1)]
Below = Annotated[
    float | None, typer.Option(parser=flop, metavar="FLOP", help="Use only runs below this training compute.")
]
Since = Annotated[
    datetime | None, typer.Option(help="Use only runs released on this date or later.", formats=["%Y-%m-%d"])
]
Draws = Annotated[
    int | None,
    typer.Option(
        help="Kept draws a chain; left out: rounds of 400 until they can be trusted, at most ten.",
        min=100,
    ),
]
Tune = Annotated[int, typer.Option(help="Warm-up draws a chain.", min=100)]
Structures = Annotated[
    str | None,
    typer.Option(help="Other structures of the model, by comma; several are averaged.", metavar="NAMES"),
]
Average = Annotated[bool, typer.Option("--average", help="Average over three structures, weighted by hidden runs.")]
Structure = Annotated[str | None, typer.Option(help="Use one structure of an averaged fit alone.", metavar="NAME")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing of what is under way.")]
Workers = Annotated[int, typer.Option(help="Processes that fit side by side.", min=1)]
Scheduler = Annotated[str | None, typer.Option(help="Address of a Dask scheduler that fits instead.")]
TargetAccept = Annotated[float, typer.Option(help="Acceptance rate the step size is tuned to.", min=0.5, max=0.999)]
TableTasks = Annotated[str | None, typer.Option("--tasks", help="Only these tasks, by comma.", metavar="NAMES")]
TableTrials = Annotated[
    list[str] | None,
    typer.Option("--trials", help="Items scored where it is blank; of a named task always.", metavar="[TASK=]N"),
]
TableChance = Annotated[
    list[str] | None,
    typer.Option("--chance", help="Success of a guess where it is blank; of a named task always.", metavar="[TASK=]P"),
]
SkipUnusable = Annotated[bool, typer.Option("--skip-unusable", help="Leave out rows with problems, and name them.")]
Repeats = Annotated[
    str | None, typer.Option(help="Several rows of a model on a task: latest, best, mean or each.", metavar="HOW")
]
BestOf = Annotated[
    str | None, typer.Option(help="Of runs of one family and size the best: params,tokens.", metavar="SIZES")
]


def structure_names(given: str | None, *, average: bool) -> tuple[str, ...]:
    """The structures that options name: one posterior by default."""
    from forecast.fitting.average import known_structures
    from models.structures import AVERAGED, DEFAULT

    if given is None:
        return AVERAGED if average else DEFAULT
    if average:
        raise ForecastError("--average and --structures: give one of them, --structures averages those that it names")
    return known_structures([name.strip() for name in given.split(",")])


def decimal_year(date: datetime | None) -> float | None:
    """A date as a decimal year."""
    from models.dates import years

    return None if date is None else float(years(date))


def load_part(path: Path, structure: str | None) -> Any:
    """A stored fit, or the part of it that is of one structure."""
    from forecast.posterior.fit import load, of_structure

    return load(path) if structure is None else of_structure(load(path), structure)


def exit_unless_trustworthy(reasons: list[str]) -> None:
    if reasons:
        print(plain("not trustworthy: " + "; ".join(dict.fromkeys(reasons))), file=sys.stderr)
        raise typer.Exit(NOT_TRUSTWORTHY)


def warn(sentence: str) -> None:
    """One line on stderr that stops nothing."""
    print(plain(f"warning: {sentence}"), file=sys.stderr)


def complaints_of(fit: Any, path: Path, structure: str | None = None) -> list[str]:
    """Why the draws of a stored fit, or of its part that is of one structure, cannot be trusted."""
    from forecast.report.complaints import complaints, fit_command

    output = path if structure is None else "FIT.nc"  # one structure must not replace the average
    return complaints(fit, start=fit_command(fit, output=output))


def exit_unless_sound(
    fit: Any,
    path: Path,
    structure: str | None = None,
    others: Sequence[str] = (),
    tasks: Sequence[str] = (),
    *,
    thresholds: bool = False,
) -> None:
    """Exit 3 with why tasks that were asked about cannot be forecast, `complaints_of` a stored fit, and others.

    Where their `thresholds` were asked for, those that come from the prior are named too.
    """
    from forecast.report.complaints import not_modelled
    from forecast.table.learnable.position import prior_dominated

    of_prior = prior_dominated(fit.data, tasks) if thresholds else []
    exit_unless_trustworthy([*not_modelled(fit, tasks), *of_prior, *complaints_of(fit, path, structure), *others])


def print_json(answer: Any) -> None:
    from forecast.files import json_text

    print(json_text(answer))


def plain(name: str) -> str:
    """A name on one terminal line: control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def print_thresholds(fits: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Task, median threshold compute, 90% interval and P(never), a block of columns for each fit."""
    from forecast.posterior.reached import family_in_words
    from forecast.scales import named_by
    from forecast.words import percent, spoken_score

    for name, every in fits:
        answers = [answer for answer in every if not refused(answer)]
        for said in dict.fromkeys(refused(answer) for answer in every if refused(answer)):
            print(plain(said))
        if not answers:
            continue
        scale = named_by(*answers)
        what = ", ".join(filter(None, (scale.threshold, scale.unit.strip(), family_in_words(answers[0]))))
        rows = []
        for answer in answers:
            q = answer["log10_compute"]
            ends = scale.bare(q["q05"], q["q95"])
            median, never = scale.text(q["q50"]), percent(answer["p_never"])
            rows.append((answer["task"], spoken_score(answer["at"], answer["metric"]), median, ends, never))
        numbers = ("score", "median", "90% interval", "P(never)")
        print_rows(("task",), numbers, rows, title=f"{what}{': ' + name if name else ''}")


def print_rows(
    names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None
) -> None:
    """Cells below the headings of a table: names to the left, numbers to the right and never broken."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=None if title is None else Text(plain(title)), title_justify="left")
    for column in names:
        table.add_column(column, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 110).print(table)


def refused(answer: dict[str, Any]) -> str:
    """Why an answer about a task gives no number, as `forecast.table.direction.refusal`; empty where it does."""
    from forecast.scales import scale_of_answer
    from forecast.table.direction import refusal

    return refusal(answer, quantity=scale_of_answer(answer).quantity)


def print_context(answer: dict[str, Any], runs: list[dict[str, Any]], *, less: str) -> None:
    """Growth of a horizon, runs of the table that reached the score already, and how to ask about one recipe."""
    from forecast.posterior.reached import already
    from forecast.posterior.threshold import growth_in_words

    if growth := growth_in_words(answer):
        print(growth)
    if runs:
        print(plain(already(runs, less=less)))
    if answer["families"] > 1 and answer["family"] is None:
        print("--family NAME asks about one")
