"""Command `gain`: the compute that one recipe is worth to another."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forecast.cli.given.values import flop
from forecast.cli.options import (
    Figure,
    FitFile,
    Json,
    Structure,
    exit_unless_sound,
    load_part,
    plain,
    print_json,
    print_rows,
    refused,
)

PAIR = ("family", "against")


def gain(
    fit: FitFile,
    family: Annotated[str, typer.Option(help="Family whose gain is asked for.")],
    against: Annotated[
        str | None, typer.Option(help="Family that it is compared with; the typical recipe of its date when left out.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Task name as in the table; all when left out.")] = None,
    compute: Annotated[
        float | None,
        typer.Option(
            parser=flop,
            metavar="FLOP",
            help="Training compute of the family's run [default: the middle of what runs of both have].",
        ),
    ] = None,
    structure: Structure = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """The factor by which another recipe's compute must be multiplied to reach the scores of a family."""
    from math import log10

    from forecast.files import check_figure

    if figure is not None:
        check_figure(figure)
    loaded = load_part(fit, structure)
    from forecast.questions.gain.answer import gain as gain_of
    from forecast.questions.gain.answer import lines_of

    place = None if compute is None else log10(compute)
    answer = gain_of(loaded, family, against=against, task=task, log10_compute=place)
    if figure is not None:
        from forecast.questions.gain.figure import write_gain

        write_gain(answer, figure)
    if as_json:
        print_json(answer.to_dict())
    else:
        print_gain(answer, lines_of(answer))
        if figure is not None:
            print(f"figure: {figure}")
    asked = [line["task"] for line in answer["tasks"]]
    named = asked if task is not None or all(map(refused, answer["tasks"])) else []
    exit_unless_sound(loaded, fit, structure, tasks=named)


def print_gain(answer: dict[str, Any], lines: list[tuple[str, Any]]) -> None:
    """The sentence, a line for each gain, and what the numbers rest on."""
    from forecast.words import percent

    print(plain(sentence(answer, lines)))
    rows = []
    for title, line in lines:
        low, first, middle, last, high = numbers_of(line, "q05", "q25", "q50", "q75", "q95")
        runs = f"{line['family_runs']}, {line['against_runs']}" if "family_runs" in line else ""
        rows.append((title, runs, middle, f"{first} to {last}", f"{low} to {high}", percent(line["p_ahead"])))
    dated = answer["scale"] == "date"
    numbers = ("runs", "median", "50% interval", "90% interval", "P(ahead)" if dated else "P(gain > 1)")
    print_rows(("task",), numbers, rows)
    for said in (*map(refused, answer["tasks"]), *notes(answer)):
        if said:
            print(plain(said))


def numbers_of(line: Mapping[str, Any], *names: str) -> list[str]:
    """Quantiles of a gain of two significant digits, or of months ahead."""
    from forecast.words import plain_power

    if line["gain"] is None:
        return [f"{float(line['months_ahead'][name]):.1f}" for name in names]
    return [plain_power(float(f"{float(line['gain'][name]):.2g}")) for name in names]


def sentence(answer: dict[str, Any], lines: list[tuple[str, Any]]) -> str:
    """The mean gain or that of the only task in words; where no task has one, what all share."""
    from forecast.scales import named_by

    title, line = lines[0] if answer["mean"] else lines[-1]
    ends = [*answer["family_log10_compute"], *answer["against_log10_compute"]]
    scale = named_by(answer | {"data_log10_compute": ends})
    own, other = (f"{answer[name] or 'the typical recipe'}{_of(answer[f'{name}_recipe_of'])}" for name in PAIR)
    low, middle, high = numbers_of(line, "q05", "q50", "q95")
    worth = f"is worth {middle} times the compute of" if line["gain"] else f"is {middle} months ahead of"
    where = f"{scale.at} {scale.named(answer['log10_compute'])}"
    return f"{own} {where} {worth} {other} (90% {low} to {high}; {title})"


def _of(date: str | None) -> str:
    return f" (of {date})" if date else ""


def notes(answer: dict[str, Any]) -> list[str]:
    """Where the comparison goes beyond the runs, and what `shared` means."""
    from forecast.scales import scale_of_answer

    scale = scale_of_answer(answer)
    said = [
        "shared by all tasks: by the effects of both families and their dates alone, without what either is good at"
    ]
    if not answer["overlap"]:
        said.append("no run of one has a place among those of the other: both curves go on beyond their runs here")
    low, high = answer["against_log10_compute"]
    beyond = [line["task"] for line in answer["tasks"] if _is_beyond(line, low, high)]
    if beyond:
        ends = scale.interval(low, high)
        said.append(f"beyond the runs compared with ({ends}), in the median: {', '.join(beyond)}")
    unseen = [line["task"] for line in answer["tasks"] if not line["family_runs"] or not line["against_runs"]]
    if unseen:
        said.append(f"without a run of one of them, so from the prior of what recipes are good at: {', '.join(unseen)}")
    return said


def _is_beyond(line: dict[str, Any], low: float, high: float) -> bool:
    place = line["needed"]["log10_compute"]["q50"]
    return place is not None and not low <= float(place) <= high
