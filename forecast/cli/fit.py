"""Commands of one fit: `fit`, `threshold` and `report`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import (
    At,
    Average,
    Below,
    BestOf,
    Date,
    Draws,
    Family,
    FitFile,
    Json,
    Quiet,
    Repeats,
    Seed,
    Since,
    SkipUnusable,
    Structure,
    Structures,
    TableChance,
    TableFile,
    TableTasks,
    TableTrials,
    TargetAccept,
    Task,
    Tune,
    decimal_year,
    exit_unless_sound,
    exit_unless_trustworthy,
    load_part,
    plain,
    print_context,
    print_json,
    print_thresholds,
    structure_names,
    warn,
)
from forecast.cli.progress import shown_stages

HALF = 0.5  # threshold of which `fit --json` says what the data moved


def fit(
    table: TableFile,
    output: Annotated[Path, typer.Option("-o", help="Posterior file to write.", metavar="FIT.nc")],
    below: Below = None,
    since: Since = None,
    tasks: TableTasks = None,
    trials: TableTrials = None,
    chance: TableChance = None,
    skip_unusable: SkipUnusable = False,
    repeats: Repeats = None,
    best_of: BestOf = None,
    structures: Structures = None,
    average: Average = False,
    seed: Seed = 1,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Fit all tasks of a table jointly by MCMC and write the posterior."""
    from forecast.files import check_target

    check_target(output)
    names = structure_names(structures, average=average)
    from forecast.draws import Sampling
    from forecast.table.adjusting import adjustments
    from forecast.table.dataset import read_table

    adjust = adjustments(tasks, trials, chance, skip_unusable, repeats, best_of)
    frame = read_table(table, adjust=adjust, warn=warn)
    from forecast.fitting.average import fit as fitted
    from forecast.fitting.contraction import contraction
    from forecast.posterior.fit import save
    from forecast.posterior.outliers import outliers
    from forecast.published import as_published
    from forecast.report.complaints import complaints, fit_command
    from models.dates import by_date

    sampling = Sampling(seed=seed, draws=draws, tune=tune, target_accept=target_accept)
    options: dict[str, Any] = {"name": table.name, "structures": names, "sampling": sampling, "below": below}
    options["since"] = None if since is None else f"{since:%Y-%m-%d}"
    with shown_stages(quiet=quiet) as stages, stages.stage("fitted", weight=1.0):
        result = replace(fitted(frame, **options, stages=stages, warn=warn), adjusted=tuple(adjust.words()))
        save(result, output)
    reasons = complaints(result, start=fit_command(result, table, output))
    answer = {
        "fit": str(output),
        **result.to_dict(),
        "reasons": reasons,
        "surprising_rows": outliers(result, seed=seed),
    }
    if as_json:
        answer["moved"] = contraction(result, at=(HALF,), seed=seed)
        print_json(as_published(answer, dated=by_date(result.data)))
    else:
        print_fit(answer)
    exit_unless_trustworthy(reasons)


def print_fit(answer: dict[str, Any]) -> None:
    """Sizes, weights, diagnostics and the rows that surprise."""
    from forecast.words import counted

    sizes = {"row": answer["rows"], "run": answer["runs"], "task": len(answer["tasks"])}
    print(f"{answer['fit']}: " + ", ".join(counted(number, noun) for noun, number in sizes.items()))
    if len(answer["weights"]) > 1:
        print("weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in answer["weights"].items()))
    found = answer["diagnostics"]
    print(
        f"R-hat at most {found['max_rhat']:.3f}, effective draws at least {found['min_ess']:.0f}, "
        f"divergences {found['divergences']}"
    )
    for row in answer["surprising_rows"]:
        q = row["expected"]
        print(
            f"surprising: row {row['row']}, {plain(row['model'])} on {plain(row['task'])} scores "
            f"{row['score']:.3g}, expected {q['q05']:.3g} to {q['q95']:.3g}; "
            f"broken with chance {row['p_broken']:.2g}"
        )


def threshold(
    fit: FitFile,
    task: Task,
    at: At,
    family: Family = None,
    date: Date = None,
    structure: Structure = None,
    as_json: Json = False,
) -> None:
    """The posterior of the training compute at which a task crosses a score."""
    from forecast.posterior.threshold import threshold as posterior_of_threshold
    from forecast.scales import scale_of

    loaded = load_part(fit, structure)
    answer = posterior_of_threshold(loaded, task, at, family=family, year=decimal_year(date))
    if as_json:
        print_json(answer.to_dict())
    else:
        print_thresholds([("", [answer])])
        print_context(answer, answer["reached_with_less"], less=scale_of(loaded.data).less)
    exit_unless_sound(loaded, fit, structure, tasks=[answer["task"]], thresholds=True)
