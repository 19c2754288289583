"""The commands. Results on stdout, progress on stderr; exit 0 done, 1 known error, 2 wrong usage, 3 not trustworthy.

Everything heavy is imported inside the command that needs it, so that `forecast --help` answers at once.
"""

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.errors import ForecastError, TableError

NOT_TRUSTWORTHY = 3
HALF = 0.5  # threshold of which `fit --json` says what the data moved

app = typer.Typer(
    help="Forecast the training compute at which an AI capability appears, with honest uncertainty.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich is half of the start-up time
)

TableFile = Annotated[Path, typer.Argument(help="Observation table, CSV or Parquet.", metavar="TABLE")]
FitFile = Annotated[Path, typer.Argument(help="Posterior written by `forecast fit`.", metavar="FIT.nc")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Seed = Annotated[int, typer.Option(help="Seed; same seed, same numbers.", min=0, max=2**63 - 1)]
Below = Annotated[float | None, typer.Option(help="Use only runs below this training compute, FLOP.")]
Draws = Annotated[
    int | None,
    typer.Option(help="Kept draws a chain; when left out 2000, or 1300 for tables of more than 500 rows.", min=100),
]
Tune = Annotated[int, typer.Option(help="Warm-up draws a chain.", min=100)]
TargetAccept = Annotated[float, typer.Option(help="Acceptance rate the step size is tuned to.", min=0.5, max=0.999)]


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
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    as_json: Json = False,
) -> None:
    """Carry out a whole study: validate, fit, threshold, check on held-out runs, report."""
    from forecast.fit import Sampling
    from forecast.study import read_study, run_study

    target = study / "output" if output is None else output
    sampling = Sampling(draws=draws, tune=tune, target_accept=target_accept)
    with _progress() as (say, callback):
        result = run_study(read_study(study), target, sampling=sampling, say=say, progress=callback)
    if as_json:
        _print_json(result)
    else:
        _print_study(result)
        print(f"report: {target / 'report.html'}")
    _exit_unless_trustworthy([reason for each in result["fits"] for reason in each["reasons"]])


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
            _print_json({"table": str(table), "problems": [_problem(each) for each in error.problems]})
        raise
    if as_json:
        _print_json(facts)
        return
    print(f"{facts['table']}: {facts['rows']} rows, {facts['runs']} runs, {len(facts['tasks'])} tasks, no problems")
    for part, said in facts["parts"].items():
        print(f"  {part}: {said}")
    for task in facts["tasks"]:
        scores = f"scores {task['score'][0]:g} to {task['score'][1]:g}"
        print(f"\n{_plain(task['task'])} ({task['metric']}): {task['runs']} runs, {scores}")
        for line in task["identified"]:
            print(f"  {line}")


@app.command()
def fit(
    table: TableFile,
    output: Annotated[Path, typer.Option("-o", help="Posterior file to write.", metavar="FIT.nc")],
    below: Below = None,
    seed: Seed = 1,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    as_json: Json = False,
) -> None:
    """Fit all tasks of a table jointly by MCMC and write the posterior."""
    from forecast.files import check_target

    check_target(output)
    from forecast.fit import Sampling
    from forecast.table import read_table

    frame = read_table(table)
    from forecast.moved import moved
    from forecast.store import save
    from forecast.surprise import surprising_rows
    from forecast.table_fit import fit_table

    sampling = Sampling(seed=seed, draws=draws, tune=tune, target_accept=target_accept)
    with _progress() as (say, callback):
        say(f"fitting {frame['task'].nunique()} tasks")
        result = fit_table(frame, table=table.name, sampling=sampling, below=below, progress=callback)
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
        "surprising_rows": surprising,
        "provenance": result.provenance(),
    }
    if as_json:
        _print_json(facts | {"moved": moved(result, at=(HALF,), seed=seed)})
    else:
        least = facts["diagnostics"]["min_ess"]
        print(f"{output}: {facts['rows']} rows, {facts['runs']} runs, {len(facts['tasks'])} tasks")
        print(
            f"R-hat at most {found.max_rhat:.3f}, effective draws at least {least:.0f}, divergences {found.divergences}"
        )
        for row in surprising:
            q = row["expected"]
            print(
                f"surprising: row {row['row']}, {_plain(row['model'])} on {_plain(row['task'])} scores "
                f"{row['score']:.3g}, expected {q['q05']:.3g} to {q['q95']:.3g}; "
                f"broken with chance {row['p_broken']:.2g}"
            )
    _exit_unless_trustworthy(found.reasons)


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
    as_json: Json = False,
) -> None:
    """The posterior of the training compute at which a task crosses a score."""
    from forecast.store import load
    from forecast.threshold import threshold as posterior_of_threshold
    from models.facts import years

    loaded = load(fit)
    answer = posterior_of_threshold(loaded, task, at, family=family, year=None if date is None else float(years(date)))
    if as_json:
        _print_json(answer)
    else:
        _print_thresholds([("", [answer])])
    _exit_unless_trustworthy(loaded.diagnostics.reasons)


@app.command()
def predict(
    fit: FitFile,
    rows: Annotated[Path, typer.Option(help="Table of runs and tasks; scores are not needed.", metavar="NEW.csv")],
    output: Annotated[Path, typer.Option("-o", help="CSV to write.", metavar="OUT.csv")],
    draws: Annotated[Path | None, typer.Option(help="Also write all predictive draws.", metavar="DRAWS.nc")] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The predictive distribution of the score of each row of a table."""
    from forecast.files import check_target, write_whole
    from forecast.predict import predict as predictive_draws
    from forecast.predict import summarise
    from forecast.store import load
    from forecast.table import read_rows

    for target in (output, draws):
        if target is not None:
            check_target(target)
    loaded, wanted = load(fit), read_rows(rows)
    scores = predictive_draws(loaded, wanted, seed=seed)
    summary = summarise(wanted, scores)
    if draws is not None:
        dataset = scores.to_dataset()
        write_whole(draws, lambda temporary: dataset.to_netcdf(temporary, engine="netcdf4"))
    write_whole(output, lambda temporary: summary.to_csv(temporary, index=False))
    if as_json:
        _print_json({"seed": seed, "rows": summary.to_dict("records")})
    else:
        print(f"{output}: {len(summary)} rows")
    _exit_unless_trustworthy(loaded.diagnostics.reasons)


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
        _print_json(facts)
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
        _print_json({"report": str(output), "answer": answer})
    else:
        print(f"{_plain(answer)}\nreport: {output}")
    _exit_unless_trustworthy(loaded.diagnostics.reasons)


def _exit_unless_trustworthy(reasons: list[str]) -> None:
    if reasons:
        print(_plain("not trustworthy: " + "; ".join(dict.fromkeys(reasons))), file=sys.stderr)
        raise typer.Exit(NOT_TRUSTWORTHY)


def _print_json(answer: Any) -> None:
    print(json.dumps(answer, ensure_ascii=False, allow_nan=False))


def _problem(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("row", "column", "value", "wrong", "remedy")}


def _plain(name: str) -> str:
    """A name on one terminal line: control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def _print_study(result: dict[str, Any]) -> None:
    print(_plain(result["answer"]) + "\n")
    names = [
        ("all runs" if each["below"] is None else f"runs below {each['below']:g} FLOP".replace("+", ""))
        for each in result["fits"]
    ]
    _print_thresholds(list(zip(names, [each["thresholds"] for each in result["fits"]], strict=True)))
    for name, each in zip(names, result["fits"], strict=True):
        if each["methods"]:
            print(f"\nlarger runs as forecast from {name}: mean CRPS (lower is better) and coverage of 90 % intervals")
            for method in each["methods"]:
                print(f"  {method['method']:<18} {method['crps']:.3f}   {method['coverage_90']:.2f}")


def _print_thresholds(fits: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Task, median threshold compute, 90 % interval and P(never), a block of columns for each fit."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from forecast.plots import percent
    from forecast.report import format_flop

    for name, answers in fits:
        table = Table(title=Text(f"threshold compute, FLOP{': ' + name if name else ''}"), title_justify="left")
        table.add_column("task")
        for column in ("score", "median", "90 % interval", "P(never)"):
            table.add_column(column, justify="right", no_wrap=True)
        for answer in answers:
            q = answer["log10_compute"]
            interval = f"{format_flop(q['q05'])} to {format_flop(q['q95'])}"
            cells = (f"{answer['at']:g}", format_flop(q["q50"]), interval, percent(answer["p_never"]))
            table.add_row(Text(_plain(answer["task"])), *cells)
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
        console.print(table)


@contextlib.contextmanager
def _progress() -> Iterator[tuple[Callable[[str], None], Callable | None]]:
    """What to say and the sampler's callback: a bar on stderr when that is a terminal, silence otherwise."""
    if not sys.stderr.isatty():
        yield (lambda text: None), None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task("starting", total=None)

        def advance(chains: list) -> None:
            bar.update(job, completed=sum(c.finished_draws for c in chains), total=sum(c.total_draws for c in chains))

        yield (lambda text: bar.reset(job, description=text, total=None)), advance


if __name__ == "__main__":
    main()
