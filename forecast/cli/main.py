"""Commands. Results on stdout, progress on stderr; exit 0 done, 1 known error, 2 wrong usage, 3 not trustworthy.

Everything heavy is imported inside the command that needs it, so that `forecast --help` answers at once.
"""

import errno
import logging
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast import files
from forecast.cli.backtest import backtest, distrust, reproduce
from forecast.cli.fit import fit, threshold
from forecast.cli.given.paths import sparing
from forecast.cli.options import (
    Average,
    Draws,
    Json,
    Quiet,
    Scheduler,
    Structures,
    TargetAccept,
    Tune,
    Workers,
    exit_unless_trustworthy,
    plain,
    print_json,
    print_thresholds,
    structure_names,
    warn,
)
from forecast.cli.predict import predict
from forecast.cli.progress import shown_stages
from forecast.cli.questions.compare import compare
from forecast.cli.questions.design import design
from forecast.cli.questions.emergence import emergence
from forecast.cli.questions.gain import gain
from forecast.cli.questions.howmuch import howmuch
from forecast.cli.questions.when import print_dates, when
from forecast.cli.registry import record, register, score
from forecast.cli.report import index, report
from forecast.cli.tables import FORMAT_LIST, import_, simulate, validate
from forecast.errors import ForecastError, shown_path

SHOWN_CHARACTERS, SHOWN_FILES = 200, 4  # of an unforeseen error
REPORT_BUG = "this is a bug: please report it with what `forecast --debug ...` shows"
OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
MEND = "make room, or name another place, and start again"
UNFORESEEN = 70  # EX_SOFTWARE of sysexits.h
app = typer.Typer(
    help="Forecast the training compute at which an AI capability appears, with honest uncertainty.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich is half of the start-up time
    context_settings={"help_option_names": ["--help", "-h"]},
)


def main() -> None:
    """Run the command line: an error is a message and an exit code, a traceback only with --debug."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]  # it may stand before or after the command
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # a full disk may only say so now
    except ForecastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # whoever read it has enough, as `head` has
        sys.stdout = sys.stderr  # what the pipe still holds is not to be written again
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        sys.stdout = sys.stderr
        if isinstance(error, OSError) and error.errno in OF_DISK:
            print(f"error: {error.strerror}; {kept()}; {MEND}", file=sys.stderr)
            sys.exit(1)
        print(unforeseen(error), file=sys.stderr)
        sys.exit(UNFORESEEN)


def unforeseen(error: Exception) -> str:
    """An error that nobody has thought of, in one line: what it is, where, what was kept and what to do."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = plain(f"{type(error).__name__}: {error}"[:SHOWN_CHARACTERS])
    return f"error: unforeseen: {what} ({Path(place.filename).name}:{place.lineno}); {kept()}; {REPORT_BUG}"


def kept() -> str:
    """The files that were finished before an error, in words."""
    names = ", ".join(shown_path(path) for path in files.written[-SHOWN_FILES:])
    more = f" and {len(files.written) - SHOWN_FILES} more" if len(files.written) > SHOWN_FILES else ""
    return f"kept: {names}{more}" if files.written else "nothing was written"


def print_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        print(f"capability-forecast {version('capability-forecast')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unforeseen error.")] = False,
) -> None:
    """Forecast the training compute at which an AI capability appears, with honest uncertainty."""


def run(
    study: Annotated[Path, typer.Argument(help="Folder with study.toml.", metavar="STUDY")],
    output: Annotated[Path | None, typer.Option("-o", help="Folder for the results [default: STUDY/output].")] = None,
    structures: Structures = None,
    average: Average = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    draws: Draws = None,
    tune: Tune = 500,
    target_accept: TargetAccept = 0.88,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Carry out a whole study: validate, back-test, fit, threshold, report."""
    from forecast.draws import Sampling
    from forecast.published import as_published
    from forecast.study.file import read_study
    from forecast.study.run import run_study

    target = study / "output" if output is None else output
    sampling = Sampling(draws=draws, tune=tune, target_accept=target_accept)
    with shown_stages(quiet=quiet) as stages:
        result = run_study(
            read_study(study),
            target,
            structures=structure_names(structures, average=average),
            sampling=sampling,
            workers=workers,
            scheduler=scheduler,
            stages=stages,
            warn=warn,
        )
    if as_json:
        print_json(as_published(result, dated="date" in result["fits"][0]["thresholds"][0]))
    else:
        print_study(result)
        print(f"report: {target / 'report.html'}")
    exit_unless_trustworthy(distrust(result["verdict"]))


def new(folder: Annotated[Path, typer.Argument(help="Folder to make.", metavar="DIR")]) -> None:
    """Write a study to fill in: study.toml, table.csv and README.md."""
    from forecast.study.file import write_template

    write_template(folder)
    print(f"{folder}: study.toml and table.csv are examples; put your data in, then `forecast run {folder}`")


def print_study(result: dict[str, Any]) -> None:
    print(plain(result["answer"]) + "\n")
    print(plain(result["verdict"]["sentence"]) + "\n")
    names = [_seen(each) for each in result["fits"]]
    print_thresholds(list(zip(names, [each["thresholds"] for each in result["fits"]], strict=True)))
    for name, each in zip(names, result["fits"], strict=True):
        if each["methods"]:
            others = "later" if "before" in each else "larger"
            print(f"\n{others} runs as forecast from {name}: mean CRPS (lower is better) and coverage of 90% intervals")
            for method in each["methods"]:
                print(f"  {method['method']:<18} {method['crps']:.3f}   {method['coverage_90']:.2f}")
    for place, dates in enumerate(result.get("when", [])):
        print()
        print_dates(dates, first=place == 0)


def _seen(fit: dict[str, Any]) -> str:
    """The runs that a fit of a study has seen, in words."""
    from forecast.words import plain_power

    if "before" in fit:
        return f"runs before {fit['before']}"
    return "all runs" if fit["below"] is None else f"runs below {plain_power(fit['below'])} FLOP"


COMMANDS: tuple[tuple[Callable[..., None], str, str], ...] = (
    (new, "Write a study to fill in.", "new my_study"),
    (import_, "Make a table of public result files.", "import wide scores.csv -o results.csv --trials 1000"),
    (validate, "Say what a table holds and what is wrong with it.", "validate results.csv"),
    (run, "Carry out a whole study, from back-test to report.", "run my_study"),
    (fit, "Fit all tasks of a table by MCMC.", "fit results.csv -o fit.nc"),
    (threshold, "Compute at which a task reaches a score.", 'threshold fit.nc --task "my task" --at 0.5'),
    (predict, "Scores of runs that are not measured yet.", "predict fit.nc --rows new.csv -o scores.csv"),
    (report, "A page to forward: picture, answer and checks.", "report fit.nc -o report.html"),
    (index, "One page over many studies.", "index studies"),
    (reproduce, "Run a study again and compare.", "reproduce my_study/output/result.json"),
    (backtest, "Hide large runs, forecast and score them.", "backtest results.csv --cut 1e23 -o record"),
    (compare, "Structures of a table, or two fits, side by side.", "compare last_month.nc fit.nc --at 0.5"),
    (when, "Date at which a task reaches a score.", 'when fit.nc --task "my task" --at 0.5'),
    (howmuch, "Parameters and tokens that it takes.", 'howmuch fit.nc --task "my task" --at 0.5'),
    (gain, "Compute that one recipe is worth to another.", "gain fit.nc --family B --against A"),
    (design, "Which run or evaluation to measure next.", 'design fit.nc --task "my task" --at 0.5'),
    (emergence, "Is a jump the metric's doing?", 'emergence fit.nc --task "my task"'),
    (register, "Freeze a forecast before its outcomes.", "register fit.nc --rows new.csv -o forecast.json"),
    (score, "Score it when the outcomes are there.", "score forecast.json outcomes.csv"),
    (record, "The record of all registered forecasts.", "record forecasts -o calibration.svg"),
    (simulate, "A table drawn from the model, truth known.", "simulate design.csv -o table.csv"),
)
"""In the order of use: the command, its line in the list, and an example."""
for command, line, example in COMMANDS:
    name = (command.__name__).rstrip("_")
    listed = f"{FORMAT_LIST}\n\n" if command is import_ else ""
    app.command(name, short_help=line, epilog=f"{listed}Example: forecast {example}")(sparing(command))


if __name__ == "__main__":
    main()
