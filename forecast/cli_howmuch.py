"""The command that asks how many parameters and tokens a capability takes: `howmuch`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli_common import FitFile, Json, Seed, Structure, exit_unless_sound, load_part, plain, print_json


def howmuch(
    fit: FitFile,
    task: Annotated[str, typer.Option(help="Task name as in the table.")],
    at: Annotated[float, typer.Option(help="Score that counts as 'the capability is there'.")],
    family: Annotated[str | None, typer.Option(help="Recipe; the typical one when left out.")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(help="Date of the recipe; the latest of the table when left out.", formats=["%Y-%m-%d"]),
    ] = None,
    params: Annotated[float | None, typer.Option(help="Parameters given: how many tokens does it take?")] = None,
    tokens: Annotated[float | None, typer.Option(help="Tokens given: how many parameters does it take?")] = None,
    unique_tokens: Annotated[
        float | None, typer.Option(help="Different tokens that there are; more are repeats, which count less.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", help="Also draw the figure.", metavar="FIGURE.png")] = None,
    structure: Structure = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The parameters and tokens that reach a score: compute-optimal, at a given size, with limited data."""
    from forecast.files import check_figure

    if output is not None:
        check_figure(output)
    from forecast.howmuch import Given, measured_runs
    from forecast.howmuch import howmuch as sizes_that_reach
    from models.recipe_facts import years

    given = Given(params=params, tokens=tokens, unique_tokens=unique_tokens)
    loaded = load_part(fit, structure)
    year = None if date is None else float(years(date))
    answer = sizes_that_reach(loaded, task, at, given=given, family=family, year=year, seed=seed)
    if output is not None:
        from forecast.howmuch_figure import write_howmuch

        write_howmuch(answer, measured_runs(loaded, task, at), output)
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)
        if output is not None:
            print(f"figure: {output}")
    exit_unless_sound(loaded, fit, structure)


LINES = {  # of one question: what is printed of it, and whether it is a log10
    "log10_params": ("parameters", True),
    "log10_tokens": ("tokens", True),
    "epochs": ("epochs", False),
    "log10_compute": ("FLOP", True),
    "log10_compute_ratio": ("times the FLOP of the optimum", True),
}


def print_answer(answer: dict[str, Any]) -> None:
    """Each question with its sizes and compute, as median and 90 % interval, and P(never)."""
    from forecast.figure_style import percent

    print(f"{plain(answer['task'])} at {answer['at']:g}, P(never) {percent(answer['p_never'])}: median, 90 % interval")
    print(f"({answer['split_note']})")
    print_run("compute-optimal", answer["compute_optimal"])
    print_fixed(answer, "")
    if limited := answer["limited_data"]:
        where = f" on {round_number(limited['log10_unique_tokens'])} unique tokens"
        print_run(f"cheapest{where}", limited["cheapest"])
        print_fixed(limited, where)


def print_fixed(answers: dict[str, Any], where: str) -> None:
    """What the other size must be, for each size that is given."""
    for name, what in {"params": "parameters", "tokens": "tokens"}.items():
        if run := answers[f"fixed_{name}"]:
            print_run(f"with {round_number(run[f'log10_{name}'])} {what}{where}", run)


def print_run(title: str, run: dict[str, Any]) -> None:
    """The lines of one question; a size that is given stands in its title."""
    from forecast.figure_style import percent

    print("\n" + title + (f", P(never) {percent(run['p_never'])}" if "p_never" in run else ""))
    for name, (what, is_log) in LINES.items():
        if isinstance(q := run.get(name), dict):
            low, middle, high = (round_number(q[each], is_log=is_log) for each in ("q05", "q50", "q95"))
            print(f"  {what:<30} {middle:>8}   {low} to {high}")


def round_number(value: float | str, *, is_log: bool = True) -> str:
    """A number of two significant digits; large ones as 1.2e9, infinite ones as 'never'."""
    from math import isfinite

    from forecast.report_text import format_flop

    value = float(value)
    small = isfinite(value) and (not is_log or -3 < value < 3)
    return f"{10**value if is_log else value:.2g}" if small else format_flop(value)
