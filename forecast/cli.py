"""The commands. Results on stdout, progress on stderr; exit 0 done, 1 known error, 2 wrong usage, 3 not trustworthy.

Everything heavy is imported inside the command that needs it, so that `forecast --help` answers at once.
"""

import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import cli_design, cli_emergence, cli_howmuch, cli_record, cli_when
from forecast.cli_common import (
    Below,
    Draws,
    FitFile,
    Json,
    Scheduler,
    Seed,
    Structure,
    Structures,
    TableFile,
    TargetAccept,
    Tune,
    Workers,
    exit_unless_trustworthy,
    load_part,
    plain,
    print_json,
    print_thresholds,
    progress,
    structure_names,
)
from forecast.errors import ForecastError, TableError

HALF = 0.5  # threshold of which `fit --json` says what the data moved

app = typer.Typer(
    help="Forecast the training compute at which an AI capability appears, with honest uncertainty.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich is half of the start-up time
)


def main() -> None:
    """Run the command line; a known error is one message and exit code 1, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app()
    except ForecastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="Folder with study.toml.", metavar="STUDY")],
    output: Annotated[Path | None, typer.Option("-o", help="Folder for the results [default: STUDY/output].")] = None,
    structures: Structures = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    as_json: Json = False,
) -> None:
    """Carry out a whole study: validate, back-test, fit, threshold, report."""
    from forecast.fit import Sampling
    from forecast.study import read_study, run_study

    target = study / "output" if output is None else output
    sampling = Sampling(draws=draws, tune=tune, target_accept=target_accept)
    with progress() as (say, callback):
        result = run_study(
            read_study(study),
            target,
            structures=structure_names(structures),
            sampling=sampling,
            workers=workers,
            scheduler=scheduler,
            say=say,
            progress=callback,
        )
    if as_json:
        print_json(result)
    else:
        print_study(result)
        print(f"report: {target / 'report.html'}")
    exit_unless_trustworthy(cli_record.distrust(result["verdict"]))


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="Folder to make.", metavar="DIR")]) -> None:
    """Write a study to fill in: study.toml, table.csv and README.md."""
    from forecast.study_template import write_template

    write_template(folder)
    print(f"{folder}: study.toml and table.csv are examples; put your data in, then `forecast run {folder}`")


@app.command()
def validate(table: TableFile, as_json: Json = False) -> None:
    """Say what a table holds, what can be identified from it and what is wrong with it."""
    from forecast.identify import describe

    try:
        facts = describe(table)
    except TableError as error:
        if as_json:
            print_json({"table": str(table), "problems": [problem(each) for each in error.problems]})
        raise
    if as_json:
        print_json(facts)
        return
    print(f"{facts['table']}: {facts['rows']} rows, {facts['runs']} runs, {len(facts['tasks'])} tasks, no problems")
    for part, said in facts["parts"].items():
        print(f"  {part}: {said}")
    for task in facts["tasks"]:
        scores = f"scores {task['score'][0]:g} to {task['score'][1]:g}"
        print(f"\n{plain(task['task'])} ({task['metric']}): {task['runs']} runs, {scores}")
        for line in task["identified"]:
            print(f"  {line}")


@app.command()
def fit(
    table: TableFile,
    output: Annotated[Path, typer.Option("-o", help="Posterior file to write.", metavar="FIT.nc")],
    below: Below = None,
    structures: Structures = None,
    seed: Seed = 1,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    as_json: Json = False,
) -> None:
    """Fit all tasks of a table jointly by MCMC and write the posterior, averaged over structures."""
    from forecast.files import check_target

    check_target(output)
    names = structure_names(structures)
    from forecast.fit import Sampling
    from forecast.table import read_table

    frame = read_table(table)
    from forecast.compare import fit_average
    from forecast.moved import moved
    from forecast.store import save
    from forecast.surprise import surprising_rows

    sampling = Sampling(seed=seed, draws=draws, tune=tune, target_accept=target_accept)
    options: dict[str, Any] = {"table": table.name, "structures": names, "sampling": sampling, "below": below}
    with progress() as (say, callback):
        say(f"fitting {frame['task'].nunique()} tasks")
        result = fit_average(frame, **options, progress=callback, say=say)
    save(result, output)
    found, surprising = result.diagnostics, surprising_rows(result, seed=seed)
    facts = {
        "fit": str(output),
        "tasks": result.data.task.values.tolist(),
        "runs": result.data.sizes["run"],
        "rows": result.data.sizes["observation"],
        "diagnostics": {
            "max_rhat": found.max_rhat,
            "min_ess": min(found.min_ess_bulk, found.min_ess_tail),
            "min_ess_bulk": found.min_ess_bulk,
            "min_ess_tail": found.min_ess_tail,
            "divergences": found.divergences,
        },
        "reasons": found.reasons,
        "weights": dict(result.weights),
        "surprising_rows": surprising,
        "provenance": result.provenance(),
    }
    if as_json:
        print_json(facts | {"moved": moved(result, at=(HALF,), seed=seed)})
    else:
        least = facts["diagnostics"]["min_ess"]
        print(f"{output}: {facts['rows']} rows, {facts['runs']} runs, {len(facts['tasks'])} tasks")
        if len(result.weights) > 1:
            print("weights: " + ", ".join(f"{name} {weight:.2f}" for name, weight in result.weights.items()))
        print(
            f"R-hat at most {found.max_rhat:.3f}, effective draws at least {least:.0f}, divergences {found.divergences}"
        )
        for row in surprising:
            q = row["expected"]
            print(
                f"surprising: row {row['row']}, {plain(row['model'])} on {plain(row['task'])} scores "
                f"{row['score']:.3g}, expected {q['q05']:.3g} to {q['q95']:.3g}; "
                f"broken with chance {row['p_broken']:.2g}"
            )
    exit_unless_trustworthy(found.reasons)


@app.command()
def threshold(
    fit: FitFile,
    task: Annotated[str, typer.Option(help="Task name as in the table.")],
    at: Annotated[float, typer.Option(help="Score that counts as 'the capability is there'.")],
    family: Annotated[str | None, typer.Option(help="Recipe; the typical one when left out.")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(help="Date of the recipe; the latest of the table when left out.", formats=["%Y-%m-%d"]),
    ] = None,
    structure: Structure = None,
    as_json: Json = False,
) -> None:
    """The posterior of the training compute at which a task crosses a score."""
    from forecast.threshold import threshold as posterior_of_threshold
    from models.facts import years

    loaded = load_part(fit, structure)
    answer = posterior_of_threshold(loaded, task, at, family=family, year=None if date is None else float(years(date)))
    if as_json:
        print_json(answer)
    else:
        print_thresholds([("", [answer])])
    exit_unless_trustworthy(loaded.diagnostics.reasons)


@app.command()
def predict(
    fit: FitFile,
    rows: Annotated[Path, typer.Option(help="Table of runs and tasks; scores are not needed.", metavar="NEW.csv")],
    output: Annotated[Path, typer.Option("-o", help="CSV to write.", metavar="OUT.csv")],
    draws: Annotated[Path | None, typer.Option(help="Also write all predictive draws.", metavar="DRAWS.nc")] = None,
    structure: Structure = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The predictive distribution of the score of each row of a table."""
    from forecast.files import check_target, write_whole
    from forecast.predict import predict as predictive_draws
    from forecast.predict import summarise
    from forecast.table import read_rows

    for target in (output, draws):
        if target is not None:
            check_target(target)
    loaded, wanted = load_part(fit, structure), read_rows(rows)
    scores = predictive_draws(loaded, wanted, seed=seed)
    summary = summarise(wanted, scores)
    if draws is not None:
        dataset = scores.to_dataset()
        write_whole(draws, lambda temporary: dataset.to_netcdf(temporary, engine="netcdf4"))
    write_whole(output, lambda temporary: summary.to_csv(temporary, index=False))
    if as_json:
        print_json({"seed": seed, "rows": summary.to_dict("records")})
    else:
        print(f"{output}: {len(summary)} rows")
    exit_unless_trustworthy(loaded.diagnostics.reasons)


@app.command()
def simulate(
    design: Annotated[Path, typer.Argument(help="Table of runs and tasks without scores.", metavar="DESIGN.csv")],
    output: Annotated[Path, typer.Option("-o", help="Table to write.", metavar="TABLE.csv")],
    truth: Annotated[Path | None, typer.Option(help="Also write the truth behind it.", metavar="TRUTH.nc")] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """A table drawn from the model with known truth."""
    from forecast.files import check_target, write_whole

    for target in (output, truth):
        if target is not None:
            check_target(target)
    from forecast.simulate import simulate as draw_table
    from forecast.table import read_rows

    table, drawn = draw_table(read_rows(design), seed=seed)
    if truth is not None:
        write_whole(truth, lambda temporary: drawn.to_netcdf(temporary, engine="netcdf4"))
    write_whole(output, lambda temporary: table.to_csv(temporary, index=False))
    facts = {"table": str(output), "truth": None if truth is None else str(truth), "rows": len(table), "seed": seed}
    if as_json:
        print_json(facts)
    else:
        print(f"{output}: {len(table)} rows")


@app.command()
def report(
    fit: FitFile,
    output: Annotated[Path, typer.Option("-o", help="HTML file to write.", metavar="report.html")],
    at: Annotated[float, typer.Option(help="Score that counts as 'the capability is there'.")] = 0.5,
    as_json: Json = False,
) -> None:
    """One self-contained HTML file: answer, thresholds, curves, diagnostics, provenance."""
    from forecast.files import check_target

    check_target(output)
    from forecast.store import load

    loaded = load(fit)
    from forecast.study import report_of_fit

    answer = report_of_fit(loaded, output, at=at)
    if as_json:
        print_json({"report": str(output), "answer": answer})
    else:
        print(f"{plain(answer)}\nreport: {output}")
    exit_unless_trustworthy(loaded.diagnostics.reasons)


app.command()(cli_record.backtest)
app.command()(cli_record.compare)
app.command()(cli_design.design)
app.command()(cli_when.when)
app.command()(cli_emergence.emergence)
app.command()(cli_howmuch.howmuch)


def problem(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("row", "column", "value", "wrong", "remedy")}


def print_study(result: dict[str, Any]) -> None:
    print(plain(result["answer"]) + "\n")
    print(plain(result["verdict"]["sentence"]) + "\n")
    names = [
        ("all runs" if each["below"] is None else f"runs below {each['below']:g} FLOP".replace("+", ""))
        for each in result["fits"]
    ]
    print_thresholds(list(zip(names, [each["thresholds"] for each in result["fits"]], strict=True)))
    for name, each in zip(names, result["fits"], strict=True):
        if each["methods"]:
            print(f"\nlarger runs as forecast from {name}: mean CRPS (lower is better) and coverage of 90 % intervals")
            for method in each["methods"]:
                print(f"  {method['method']:<18} {method['crps']:.3f}   {method['coverage_90']:.2f}")
    for dates in result.get("when", []):
        print()
        cli_when.print_dates(dates)


if __name__ == "__main__":
    main()
