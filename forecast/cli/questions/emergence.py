"""Command `emergence`: whether a jump is the metric's doing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import (
    FitFile,
    Json,
    Quiet,
    Seed,
    Structure,
    complaints_of,
    exit_unless_sound,
    load_part,
    plain,
    print_json,
)
from forecast.cli.progress import shown_stages


def emergence(
    fit: FitFile,
    task: Annotated[str | None, typer.Option(help="Task whose jump is looked at; all when left out.")] = None,
    companion: Annotated[
        str | None, typer.Option(help="Another task that measures the same capability more smoothly.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", help="Also draw the curves of one task.", metavar="FIGURE.png")
    ] = None,
    structure: Structure = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say whether a jump is the metric's doing, a break in the loss, or not to be told from these data."""
    from forecast.files import check_figure

    if output is not None:
        check_figure(output)
    loaded = load_part(fit, structure)
    from forecast.questions.emergence.answer import emergence as emergence_of
    from forecast.questions.emergence.answer import one_task, tasks_asked
    from forecast.scales import scale_of
    from forecast.words import counted

    tasks = tasks_asked(loaded, task, companion=companion)
    if output is not None:
        _draw(loaded, one_task(tasks), output)
    with shown_stages(quiet=quiet) as stages, stages.stage(f"emergence of {counted(len(tasks), 'task')}", weight=1.0):
        answers = []
        for place, each in enumerate(tasks):
            stages.advance(place / len(tasks), f"task {place + 1} of {len(tasks)}")
            answers.append(emergence_of(loaded, each, companion=companion, seed=seed))
    if as_json:
        figure = None if output is None else str(output)
        reasons = complaints_of(loaded, fit, structure)
        found = [each.to_dict() for each in answers]
        print_json({"fit": str(fit), "seed": seed, "figure": figure, "tasks": found, "reasons": reasons})
    else:
        for answer in answers:
            print_emergence(answer, scale_of(loaded.data))
        if output is not None:
            print(f"figure: {output}")
    exit_unless_sound(loaded, fit, structure, tasks=tasks)


def print_emergence(answer: dict[str, Any], scale: Any) -> None:
    """The sentence, a line for each metric, and what the items could not show."""
    from forecast.words import counted

    print(plain(answer["sentence"]))
    for each in answer["metrics"]:
        line = f"  {plain(each['task'])}: emergence score {_short(each['emergence_score'])}"
        if q := each["width_decades"]:
            line += f", 10 to 90% of the rise in {scale.span(q)}"
        print(line)
    unseen = answer["resolution"]
    if unseen:
        last = unseen[-1]
        some = f"{_short(last['items_needed'])} items show one"
        needed = "no number of items shows one" if last["items_needed"] == "inf" else some
        seldom = f"{counted(len(unseen), 'run')} {'shows' if len(unseen) == 1 else 'show'} nothing or hardly anything"
        print(
            f"  {seldom}; the {scale.largest}, {plain(last['model'])}, scores {last['successes']} of {last['items']}: "
            f"a success had a chance of {last['p_seen']:.2g}, {needed} with a chance of 95%"
        )


def _short(value: float | str | None) -> str:
    return "-" if value is None else "unbounded" if isinstance(value, str) else f"{value:.3g}"


def _draw(fit: Any, task: str, path: Path) -> None:
    from forecast.figures.style import write_figure
    from forecast.posterior.fit import evenly_thinned
    from forecast.questions.emergence.answer import observed_scores
    from forecast.questions.emergence.curves import curves_along_compute
    from forecast.questions.emergence.figure import plot_emergence
    from forecast.scales import scale_of

    shown = *curves_along_compute(evenly_thinned(fit, 100), task), observed_scores(fit, task)
    scale = scale_of(fit.data)
    write_figure(path, lambda figure: plot_emergence(*shown, scale=scale, ax=figure.subplots()), size=(6.4, 3.8))
