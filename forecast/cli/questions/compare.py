"""Command `compare`: structures of one table, or two fits of one study, side by side."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.given.values import rates_asked
from forecast.cli.options import (
    Ats,
    Below,
    BestOf,
    Date,
    Draws,
    Family,
    Json,
    Quiet,
    Repeats,
    Seed,
    SkipUnusable,
    Structures,
    TableChance,
    TableTasks,
    TableTrials,
    TargetAccept,
    Tune,
    decimal_year,
    exit_unless_trustworthy,
    plain,
    print_json,
    refused,
    structure_names,
    warn,
)
from forecast.cli.progress import shown_stages
from forecast.cli.questions.moved import compare_fits
from forecast.errors import ForecastError, shown_path

OF_FITS = ("task", "family", "date")
OF_BOTH = ("tables", "at", "quiet", "as_json")


def compare(
    context: typer.Context,
    tables: Annotated[
        list[Path],
        typer.Argument(
            help="An observation table, or an earlier and a later fit of one.", metavar="TABLE | OLD.nc NEW.nc"
        ),
    ],
    at: Ats = None,
    task: Annotated[str | None, typer.Option(help="Of two fits: task name; all when left out.")] = None,
    family: Family = None,
    date: Date = None,
    output: Annotated[Path | None, typer.Option("-o", help="Also write the posterior.", metavar="FIT.nc")] = None,
    below: Below = None,
    tasks: TableTasks = None,
    trials: TableTrials = None,
    chance: TableChance = None,
    skip_unusable: SkipUnusable = False,
    repeats: Repeats = None,
    best_of: BestOf = None,
    structures: Structures = None,
    seed: Seed = 1,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Fit the structures of a table: thresholds side by side, weights, average and spread.

    Of two fits: thresholds, parameters and data before and after, and the new rows that moved the thresholds most.
    """
    if _are_fits(tables):
        _refuse(context, fits=True)
        compare_fits(*tables, task=task, at=at, family=family, year=decimal_year(date), quiet=quiet, as_json=as_json)
        return
    _refuse(context, fits=False)
    table, scores = tables[0], rates_asked(at)
    from forecast.draws import Sampling
    from forecast.files import check_target
    from forecast.fitting.average import compared
    from forecast.fitting.average import fit as fitted
    from forecast.posterior.fit import save
    from forecast.report.complaints import complaints, fit_command
    from forecast.table.dataset import read_table

    if output is not None:
        check_target(output)
    names = structure_names(structures, average=structures is None)
    from forecast.table.adjusting import adjustments

    adjust = adjustments(tasks, trials, chance, skip_unusable, repeats, best_of)
    frame = read_table(table, adjust=adjust, warn=warn)
    sampling = Sampling(seed=seed, draws=draws, tune=tune, target_accept=target_accept)
    options: dict[str, Any] = {"name": table.name, "structures": names, "sampling": sampling, "below": below}
    with shown_stages(quiet=quiet) as stages:
        fit = replace(fitted(frame, **options, stages=stages, warn=warn), adjusted=tuple(adjust.words()))
    if output is not None:
        save(fit, output)
    answer = compared(fit, at=scores)
    refusals = [refused(line) for line in answer["thresholds"]]
    reasons = complaints(fit, start=fit_command(fit, table, output, command="compare"))
    reasons = [*(refusals if all(refusals) else ()), *reasons]
    if as_json:
        print_json({"table": str(table), "seed": seed, **answer.to_dict(), "reasons": reasons})
    else:
        print_compared(answer)
    exit_unless_trustworthy(reasons)


def _are_fits(paths: list[Path]) -> bool:
    """Whether two fits are given and not one table; a `ForecastError` says what to give instead."""
    fits = [path for path in paths if path.suffix == ".nc"]
    if len(paths) == len(fits) == 2:
        return True
    if len(paths) == 1 and not fits:
        return False
    named = " ".join(map(shown_path, paths))
    raise ForecastError(f"compare {named}: give one table, or two fits: `forecast compare OLD.nc NEW.nc`")


def _refuse(context: typer.Context, *, fits: bool) -> None:
    """A `ForecastError` for options that mean nothing here."""
    for parameter in context.command.params:
        name, given = str(parameter.name), context.get_parameter_source(str(parameter.name))
        wrong = name not in OF_BOTH and (name in OF_FITS) != fits
        if wrong and given is not None and given.name == "COMMANDLINE":
            other = "a table, which is fitted anew" if fits else "two fits"
            raise ForecastError(f"{parameter.opts[0]}: belongs to `forecast compare` of {other}; leave it out")


def print_compared(answer: dict[str, Any]) -> None:
    """Thresholds by structure, a line each, and the average."""
    from forecast.posterior.reached import family_in_words
    from forecast.scales import named_by
    from forecast.words import percent

    print("weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in answer["weights"].items()))
    for line in answer["thresholds"]:
        if said := refused(line):
            print(f"\n{plain(said)}")
            continue
        scale = named_by(line)
        what = filter(
            None, (f"{plain(line['task'])} at {line['at']:g}", plain(family_in_words(line)), scale.unit.strip())
        )
        print(f"\n{', '.join(what)}: median, 90% interval, P(never)")
        for name, of in [*((each["structure"], each) for each in line["structures"]), ("average", line)]:
            q = of["log10_compute"]
            ends = scale.bare(q["q05"], q["q95"])
            print(f"  {name:<14} {scale.text(q['q50']):>11}   {ends:<24} {percent(of['p_never'])}")
        between, within = (scale.spread(line[name]) for name in ("between", "within"))
        print(f"  spread between structures {between}, within one {within}")
