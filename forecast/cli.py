"""The commands. Results on stdout, progress on stderr; exit 0 done, 1 known error, 2 wrong usage, 3 not trustworthy.

Everything heavy is imported inside the command that needs it, so that `forecast --help` answers at once.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import cli_design, cli_emergence, cli_fit, cli_howmuch, cli_import, cli_record, cli_when
from forecast.cli_common import (
    Draws,
    Json,
    Scheduler,
    Structures,
    TableFile,
    TargetAccept,
    Tune,
    Workers,
    exit_unless_trustworthy,
    plain,
    print_json,
    print_thresholds,
    progress,
    structure_names,
    warn,
)
from forecast.errors import ForecastError, TableError

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
    from forecast.study import run_study
    from forecast.study_file import read_study

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
            warn=warn,
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
    counts = ", ".join(counted(facts[name], name[:-1]) for name in ("rows", "runs"))
    print(f"{facts['table']}: {counts}, {counted(len(facts['tasks']), 'task')}, no problems")
    for line in ranges(facts):
        print(f"  {line}")
    for sentence in facts["warnings"]:
        print(plain(f"  warning: {sentence}"))
    for part, said in facts["parts"].items():
        print(f"  {part}: {said}")
    for task in facts["tasks"]:
        scores = f"scores {task['score'][0]:g} to {task['score'][1]:g}"
        print(f"\n{plain(task['task'])} ({task['metric']}): {counted(task['runs'], 'run')}, {scores}")
        for line in task["identified"]:
            print(f"  {line}")


for command in (cli_fit.fit, cli_fit.threshold, cli_fit.predict, cli_fit.simulate, cli_fit.report):
    app.command()(command)
app.command()(cli_record.backtest)
app.command()(cli_record.compare)
app.command()(cli_design.design)
app.command()(cli_when.when)
app.command()(cli_emergence.emergence)
app.command()(cli_howmuch.howmuch)
app.command("import")(cli_import.import_)


def problem(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("row", "column", "value", "wrong", "remedy")}


def counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def ranges(facts: dict[str, Any]) -> Iterator[str]:
    """Lines about the runs of a table: from where to where, with units."""
    from forecast.report_text import format_flop

    units = {"compute": " FLOP", "params": "", "tokens": ""}
    for name, unit in units.items():
        ends = facts[f"log10_{name}"]
        if ends and not (name == "compute" and facts["scale"] == "date"):
            yield f"{name}: {' to '.join(map(format_flop, ends))}{unit}"
    if facts["dates"]:
        yield f"dates: {' to '.join(facts['dates'])}"


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
