"""Commands of what is forwarded: `report` of a fit in one of three forms, and `index` of a folder of studies."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import Family, FitFile, Headline, Json, UsualAt, exit_unless_sound, plain, print_json, warn
from forecast.errors import ForecastError


class Form(StrEnum):
    """Forms of a report."""

    html = "html"
    md = "md"
    json = "json"


def report(
    fit: FitFile,
    output: Annotated[Path, typer.Option("-o", help="File to write.", metavar="report.html")],
    at: UsualAt = None,
    headline: Headline = None,
    family: Family = None,
    backtest: Annotated[
        Path | None,
        typer.Option(help="Folder of `forecast backtest` [default: backtest beside FIT.nc].", metavar="DIR"),
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="Form of the file [default: by its suffix, else html].")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Also write every figure as SVG and PNG into this folder.", metavar="DIR")
    ] = None,
    as_json: Json = False,
) -> None:
    """A report to forward: the picture and the answer on top, then tasks, track record, what drives it, provenance."""
    from forecast.files import check_target

    check_target(output)
    from forecast.posterior.fit import load

    loaded = load(fit)
    from forecast.report.content import headline_of, report_of
    from forecast.report.forms import write_as

    record = _record_of(loaded, backtest, fit.parent / "backtest")
    options: dict[str, Any] = {"at": at, "headline": headline, "family": family, "record": record}
    made = report_of(loaded, **options, command=_command(fit, output, at, headline, family))
    written = write_as(form or _by_suffix(output), output, made, figures=figures)
    verdict = made.record["sentence"] if made.record else ""
    if as_json:
        print_json({"report": str(output), "answer": made.answer, "verdict": verdict, "figures": written})
    else:
        print(plain(made.answer))
        print(plain(verdict))
        print(f"report: {output}")
    exit_unless_sound(loaded, fit, tasks=[headline_of(loaded, headline)], thresholds=True)


def _by_suffix(path: Path) -> Form:
    suffix = path.suffix.lower().removeprefix(".")
    return Form(suffix) if suffix in list(Form) else Form.html


def _command(fit: Path, output: Path, at: float | None, headline: str | None, family: str | None) -> str:
    """The command that makes the report again."""
    import shlex

    words = ["forecast", "report", str(fit), "-o", str(output), *([] if at is None else ["--at", f"{at:g}"])]
    words += [] if headline is None else ["--headline", headline]
    return shlex.join(words + ([] if family is None else ["--family", family]))


def _record_of(fit: Any, asked: Path | None, usual: Path) -> dict[str, Any] | None:
    """The back-test that a report shows: the one asked for, else that beside the fit where it is of the same table."""
    from forecast.report.views.backtest import stored_view

    data_hash = fit.data.attrs["data_hash"]
    if asked is not None:
        return stored_view(asked, data_hash=data_hash)
    if not (usual / "summary.json").is_file():
        return None
    try:
        return stored_view(usual, data_hash=data_hash)
    except ForecastError as error:
        warn(f"{error}; the report shows no test")
        return None


def index(
    folder: Annotated[Path, typer.Argument(help="Folder that holds folders of studies.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Write index.html: the picture, the answer and the verdict of each study; `forecast run` keeps it up to date."""
    from forecast.report.index import INDEX, write_index

    names = write_index(folder)
    if as_json:
        print_json({"index": str(folder / INDEX), "studies": names})
    else:
        print(f"{folder / INDEX}: {', '.join(map(plain, names))}")
