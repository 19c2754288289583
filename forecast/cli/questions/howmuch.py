"""Command `howmuch`: the parameters and tokens that a capability takes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.given.values import sized
from forecast.cli.options import (
    At,
    Date,
    Family,
    Figure,
    FitFile,
    Json,
    Seed,
    Structure,
    Task,
    decimal_year,
    exit_unless_sound,
    load_part,
    plain,
    print_context,
    print_json,
    refused,
)

if TYPE_CHECKING:
    from forecast.words import Reach


def howmuch(
    fit: FitFile,
    task: Task,
    at: At,
    family: Family = None,
    date: Date = None,
    params: Annotated[
        float | None,
        typer.Option(
            parser=sized("--params", "params"), help="Parameters given: how many tokens does it take?", metavar="N"
        ),
    ] = None,
    tokens: Annotated[
        float | None,
        typer.Option(
            parser=sized("--tokens", "tokens"), help="Tokens given: how many parameters does it take?", metavar="N"
        ),
    ] = None,
    unique_tokens: Annotated[
        float | None,
        typer.Option(
            parser=sized("--unique-tokens", "tokens"),
            help="Different tokens that there are; more are repeats, which count less.",
            metavar="N",
        ),
    ] = None,
    output: Figure = None,
    structure: Structure = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The parameters and tokens that reach a score: compute-optimal, at a given size, with limited data."""
    from forecast.files import check_figure

    if output is not None:
        check_figure(output)
    from forecast.posterior.reached import measured_runs
    from forecast.questions.howmuch.answer import FixedSizes
    from forecast.questions.howmuch.answer import howmuch as sizes_that_reach

    given = FixedSizes(params=params, tokens=tokens, unique_tokens=unique_tokens)
    loaded = load_part(fit, structure)
    answer = sizes_that_reach(loaded, task, at, given=given, family=family, year=decimal_year(date), seed=seed)
    output = None if refused(answer) else output
    if output is not None:
        from forecast.questions.howmuch.figure import write_howmuch

        write_howmuch(answer, measured_runs(loaded, task, at), output)
    if as_json:
        print_json(answer.to_dict())
    else:
        print_answer(answer)
        if output is not None:
            print(f"figure: {output}")
    exit_unless_sound(loaded, fit, structure, tasks=[answer["task"]], thresholds=True)


LINES = {  # of one question: what is printed of it, and whether it is a log10
    "log10_params": ("parameters", True),
    "log10_tokens": ("tokens", True),
    "epochs": ("epochs", False),
    "log10_compute": ("FLOP", True),
    "log10_compute_ratio": ("times the FLOP of the optimum", True),
}
OTHER = {"params": ("parameters", "with fewer tokens"), "tokens": ("tokens", "with fewer parameters")}


def print_answer(answer: dict[str, Any]) -> None:
    """Each question with its sizes and compute, as median and 90% interval, and P(never)."""
    from forecast.posterior.reached import family_in_words
    from forecast.words import percent

    if said := refused(answer):
        print(plain(said))
        return
    whose = f" ({family_in_words(answer)})" if family_in_words(answer) else ""
    asked = f"{plain(answer['task'])} at {answer['at']:g}{plain(whose)}"
    print(f"{asked}, P(never) {percent(answer['p_never'])}: median, 90% interval")
    print(f"({answer['split_note']})")
    reaches = reaches_of(answer)
    print_run("compute-optimal", answer["compute_optimal"], reaches)
    print_fixed(answer, "", reaches)
    if limited := answer["limited_data"]:
        where = f" on {round_number(limited['log10_unique_tokens'])} unique tokens"
        print_run(f"cheapest{where}", limited["cheapest"], reaches)
        print_fixed(limited, where, reaches)
    print()
    print_context(answer, answer["reached_with_less"], less="with less compute")


def reaches_of(answer: dict[str, Any]) -> "dict[str, Reach | None]":
    """The places that are printed as numbers, by what they are of."""
    from forecast.words import FAR_SIZE, reach_of, reach_of_answers

    sizes = ("log10_params", "log10_tokens")
    found: dict[str, Reach | None] = {name: reach_of(answer[f"data_{name}"], decades=FAR_SIZE) for name in sizes}
    return found | {"log10_compute": reach_of_answers(answer)}


def print_fixed(answers: dict[str, Any], where: str, reaches: "dict[str, Reach | None]") -> None:
    """What the other size must be, for each size that is given, and runs within it that took less."""
    from forecast.posterior.reached import already

    for name, (what, less) in OTHER.items():
        if run := answers[f"fixed_{name}"]:
            size = round_number(run[f"log10_{name}"])
            print_run(f"with {size} {what}{where}", run, reaches)
            which = f"runs of at most {size} {what}"
            if said := already(run.get("reached_with_less", []), less=less, which=which):
                print("  " + plain(said))


def print_run(title: str, run: dict[str, Any], reaches: "dict[str, Reach | None]") -> None:
    """The lines of one question; a size that is given stands in its title."""
    from forecast.words import percent

    print("\n" + title + (f", P(never) {percent(run['p_never'])}" if "p_never" in run else ""))
    for name, (what, is_log) in LINES.items():
        if isinstance(q := run.get(name), dict):
            options: dict[str, Any] = {"is_log": is_log, "reach": reaches.get(name)}
            low, middle, high = (round_number(q[each], **options) for each in ("q05", "q50", "q95"))
            print(f"  {what:<30} {middle:>11}   {low if low == high else f'{low} to {high}'}")


def round_number(value: float | str, *, is_log: bool = True, reach: "Reach | None" = None) -> str:
    """A number of two significant digits; large ones as 1.2e9, infinite ones as 'never', those out of reach so."""
    from math import isfinite

    from forecast.words import format_flop

    value = float(value)
    small = isfinite(value) and (not is_log or -3 < value < 3) and reach is None
    return f"{10**value if is_log else value:.2g}" if small else format_flop(value, reach)
