"""Command `design`: what to measure next."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.given.values import flop
from forecast.cli.options import (
    At,
    Figure,
    FitFile,
    Json,
    Quiet,
    Seed,
    Structure,
    Task,
    exit_unless_sound,
    load_part,
    plain,
    print_context,
    print_json,
    refused,
)
from forecast.cli.progress import shown_stages

SHOWN = 12  # lines of each ranking; all are in the JSON


def design(
    fit: FitFile,
    task: Task,
    at: At,
    budget: Annotated[float | None, typer.Option(parser=flop, metavar="FLOP", help="What a new run may cost.")] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(help="Table of what could be measured, without scores: each model is one.", metavar="CSV"),
    ] = None,
    items: Annotated[int | None, typer.Option(help="Items of each evaluation; as usual when left out.", min=1)] = None,
    family: Annotated[str | None, typer.Option(help="Family of the threshold and of new runs.")] = None,
    refits: Annotated[int, typer.Option(help="Check so many of the best by an exact refit.", min=0)] = 0,
    output: Figure = None,
    structure: Structure = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Which run or evaluation next is expected to shrink the 90% interval of a threshold most.

    Candidates are ranked by the interval score that they are expected to leave: the width of the interval and 20 times
    the mean distance of the threshold outside it, in decades or, of a table of dates, in years.
    """
    from forecast.files import check_figure

    if output is not None:
        check_figure(output)
    loaded = load_part(fit, structure)
    from forecast.questions.design.answer import design as designed
    from forecast.questions.design.interval import Simulation
    from forecast.scales import scale_of
    from forecast.table.dataset import read_rows
    from forecast.words import reach_of_answers

    options: dict[str, Any] = {"family": family, "items": items, "budget": budget, "refits": refits}
    options |= {"rows": None if candidates is None else read_rows(candidates), "simulation": Simulation(seed=seed)}
    with shown_stages(quiet=quiet) as stages:
        answer = designed(loaded, task, at, **options, stages=stages)
    if output is not None and not refused(answer):
        _draw(answer, output)
    if as_json:
        print_json(answer.to_dict())
    else:
        print_design(answer, scale_of(loaded.data).within(reach_of_answers(answer)))
    exit_unless_sound(loaded, fit, structure, tasks=[answer["task"]])


def _draw(answer: dict[str, Any], path: Path) -> None:
    """The best candidates as a figure."""
    from forecast.figures.style import write_figure
    from forecast.questions.design.figure import plot_design

    lines, options = (
        answer["candidates"][: SHOWN + SHOWN // 2],
        {"now": answer["interval_score"], "unit": answer["unit"]},
    )
    size = 6.6, 1.2 + 0.26 * len(lines)
    write_figure(path, lambda figure: plot_design(lines, **options, ax=figure.subplots()), size=size)


def print_design(answer: dict[str, Any], scale: Any) -> None:
    """The present interval, and the two rankings: new runs, and evaluations of runs that are there."""
    from forecast.table.direction import refusal

    if said := refusal(answer, quantity=scale.quantity):
        print(plain(said))
        return
    _print_now(answer, scale)
    runs = [line for line in answer["candidates"] if line["flop"] > 0]
    others = {line["name"]: line for line in answer["candidates"] if line["flop"] == 0}
    if runs:
        _print_lines("new runs", runs, answer["unit"], "per 1e21 FLOP", "reduction_per_1e21_flop")
    if others:
        lines = [others[name] for name in answer["rankings"]["per_item"]]
        _print_lines("evaluations of known runs", lines, answer["unit"], "per 1000 items", "reduction_per_1000_items")
    if any(line["refit_to_be_sure"] for line in answer["candidates"]):
        print("* few effective draws: check with --refits")
    for each in answer["refits"]:
        print(
            f"refit with {plain(each['name'])}: held width {each['refit_width']:.2f}, "
            f"by importance weights {each['width']:.2f} ({each['effective_draws']:.0f} effective draws)"
        )


def _print_now(answer: dict[str, Any], scale: Any) -> None:
    """The interval as `forecast threshold` gives it, and what candidates are compared by."""
    from forecast.posterior.reached import family_in_words
    from forecast.words import percent

    q, unit = answer["log10_compute"], answer["unit"]
    whose = f" ({family_in_words(answer)})" if family_in_words(answer) else ""
    interval = scale.interval(q["q05"], q["q95"])
    wide = "unbounded" if answer["width"] == "inf" else f"{answer['width']:.2f} {unit} wide"
    now = interval if interval == "never" else f"{interval}, {wide}"
    asked = f"{plain(answer['task'])} at {answer['at']:g}{plain(whose)}"
    print(f"{asked}: 90% interval now {now}, P(never) {percent(answer['p_never'])}")
    print_context(answer, answer["reached_with_less"], less=scale.less)
    print(
        f"candidates are compared with thresholds held within {scale.interval(*answer['horizon'])}: "
        f"now {answer['held_width']:.2f} {unit} wide, interval score {answer['interval_score']:.2f}"
    )


def _print_lines(title: str, lines: list[dict[str, Any]], unit: str, column: str, key: str) -> None:
    print(f"\n{title}: expected width and interval score, {unit}")
    print(f"  {'':<52} {'width':>6} {'score':>6} {'reduction of score':>19} {column:>15}")
    for line in lines[:SHOWN]:
        star = "*" if line["refit_to_be_sure"] else " "
        reduction = f"{line['reduction']:.2f} ± {line['error_score']:.2f}{star}"
        print(
            f"  {plain(line['name'])[:52]:<52} {line['expected_width']:6.2f} {line['expected_score']:6.2f} "
            f"{reduction:>19} {line[key]:15.2g}"
        )
    if len(lines) > SHOWN:
        print(f"  and {len(lines) - SHOWN} more: --json")
