"""Command `when`: the date at which a capability appears."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import (
    At,
    Family,
    Figure,
    FitFile,
    Json,
    Quiet,
    Seed,
    Structure,
    Task,
    decimal_year,
    exit_unless_sound,
    load_part,
    plain,
    print_json,
    refused,
)
from forecast.cli.progress import shown_stages


def when(
    fit: FitFile,
    task: Task,
    at: At,
    family: Family = None,
    runs: Annotated[
        Path | None,
        typer.Option(
            help="CSV of the largest training runs: columns model, date, compute, or Epoch's own [default: built-in].",
            metavar="RUNS.csv",
        ),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="Use only training runs published up to this date.", formats=["%Y-%m-%d"]),
    ] = None,
    first_of: Annotated[int, typer.Option(help="Number of new runs of the event 'first'.", min=1, max=1000)] = 5,
    items: Annotated[int | None, typer.Option(help="Items a new run is scored on [as in the table].", min=1)] = None,
    trained: Annotated[
        bool, typer.Option("--trained", help="RUNS.csv dates the end of training: releases come a lag later.")
    ] = False,
    structure: Structure = None,
    figure: Figure = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The date at which a task crosses a score, by scenario: typical, one new run, the first of several."""
    from forecast.files import check_figure

    if figure is not None:
        check_figure(figure)
    loaded = load_part(fit, structure)
    from forecast.posterior.recipes.ahead import check_recipe
    from forecast.posterior.tasks import checked_task
    from forecast.questions.when.answer import when as dates
    from forecast.questions.when.frontier import fit_frontier
    from forecast.table.training_runs import read_runs
    from models.dates import by_date

    checked_task(loaded, task, at)
    check_recipe(loaded, family, year=None)
    year, frontier = decimal_year(as_of), None
    if by_date(loaded.data):
        _check_no_growth(runs, trained=trained)
    else:
        found = read_runs(runs)
        with shown_stages(quiet=quiet) as stages, stages.stage("largest training runs fitted", weight=1.0):
            table = "built-in" if runs is None else runs.name
            frontier = fit_frontier(found, table=table, as_of=year, seed=seed, stages=stages)
    options: dict[str, Any] = {"family": family, "first_of": first_of, "items": items, "trained": trained}
    answer = dates(loaded, task, at, frontier=frontier, as_of=year, seed=seed, **options)
    figure = None if refused(answer) else figure
    if figure is not None:
        from forecast.questions.when.figure import write_dates

        write_dates(answer, figure)
    if as_json:
        print_json(answer.to_dict())
    else:
        print_dates(answer)
        if figure is not None:
            print(f"\nfigure: {figure}")
    unsound = [] if frontier is None else frontier.diagnostics.reasons
    exit_unless_sound(
        loaded, fit, structure, [f"largest runs: {each}" for each in unsound], tasks=[answer["task"]], thresholds=True
    )


def _check_no_growth(runs: Path | None, *, trained: bool) -> None:
    """A `ForecastError` for options about the growth of compute, which say nothing of a fit in years."""
    from forecast.errors import ForecastError
    from forecast.table.splits import ADD_COMPUTE, IN_YEARS

    named = " and ".join(["--runs"] * (runs is not None) + ["--trained"] * trained)
    if named:
        raise ForecastError(f"{named}: {IN_YEARS}, its dates go on as they did; leave {named} out, or {ADD_COMPUTE}")


def print_dates(answer: dict[str, Any], *, first: bool = True) -> None:
    """Median, 90% interval and chances of each event, a block for each scenario or several of the same dates.

    Of several answers the `first` says that the table of largest runs ends early.
    """
    from forecast.posterior.threshold import growth_in_words
    from forecast.questions.when.scenarios import told, with_equal_dates
    from forecast.words import percent, spoken_score
    from models.dates import spoken

    if said := refused(answer):
        print(plain(said))
        return
    of = answer["frontier"]
    at = spoken_score(answer["at"], answer["metric"])
    print(f"{plain(answer['task'])} at {at}: date of release, as of {answer['as_of']}")
    if growth := growth_in_words(answer):
        print(growth)
    if answer["family"] is not None or answer["families"] > 1:
        typical = f"typical of {answer['families']} families; --family NAME asks about one"
        print(f"family: {typical if answer['family'] is None else plain(answer['family'])}")
    if of is not None:
        _print_frontier(of | ({} if first else {"sentence": None}), as_of=answer["as_of"])
    names = {"first": f"first of {answer['first_of']}"}
    for group in with_equal_dates(answer["scenarios"]):
        events = group[0]["events"]
        print(f"\n{plain(', '.join(each['name'] for each in group))}{' (the same dates)' if len(group) > 1 else ''}")
        for line in told(group) if answer["scale"] != "date" else ():
            print(f"  {plain(line)}")
        years = "  ".join(f"by {each['date'][:4]}" for each in events["typical"]["p_by"])
        print(f"  {'':<12} {'median':>10}   {'90% interval':<24}  already  {years}  never")
        for event, found in events.items():
            label = names.get(event, event)
            low, middle, high = (spoken(found["date"][name]) for name in ("q05", "q50", "q95"))
            chances = [found["p_already"], *(each["p"] for each in found["p_by"])]
            shares = "  ".join(f"{percent(each):>7}" for each in chances)
            print(f"  {label:<12} {middle:>10}   {f'{low} to {high}':<24}  {shares}  {percent(found['p_never']):>5}")
    already = "" if of is None else ", where the largest run so far had the compute"
    print(f"\nby: before 1 January; already: by {answer['as_of']}{already}")


def _print_frontier(of: dict[str, Any], *, as_of: str) -> None:
    from forecast.scales import COMPUTE
    from forecast.words import reach_of

    scale = COMPUTE.within(reach_of([of["largest_log10_compute"]]))
    growth = "{q50:.2f} ({q05:.2f} to {q95:.2f})".format(**of["growth"])
    print(f"largest runs: {plain(of['table'])}, known to {of['known_to']}; growing by {growth} decades a year")
    if by_then := of["as_of_log10_compute"]:
        interval = scale.interval(by_then["q05"], by_then["q95"])
        print(f"largest run by {as_of}, by that trend: {scale.named(by_then['q50'])} (90% {interval})")
    if of["sentence"]:
        print(plain(of["sentence"]))
