"""Commands of forecasts that one can be held to: `register`, `score` and `record`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.given.values import score_or_time
from forecast.cli.options import (
    SCORE,
    Figure,
    FitFile,
    Json,
    Seed,
    exit_unless_sound,
    plain,
    print_json,
    print_rows,
    warn,
)
from forecast.errors import ForecastError

SHOWN = 30  # rows on the terminal; all are in the file
Registered = Annotated[Path, typer.Argument(help="Forecast written by `forecast register`.", metavar="FORECAST.json")]
LEFT_OUT = ("draws", "baselines", "sha256_of")  # of the JSON of `register`; they are in the file


def register(
    fit: FitFile,
    output: Annotated[Path, typer.Option("-o", help="Forecast to write; none is replaced.", metavar="FORECAST.json")],
    task: Annotated[str | None, typer.Option(help="Only this task; needed without --rows.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Table of runs and tasks to forecast.", metavar="NEW.csv")] = None,
    at: Annotated[
        list[float] | None,
        typer.Option(parser=score_or_time, metavar="SCORE", help=f"{SCORE} [default: 0.5 without --rows, else none]."),
    ] = None,
    hubverse: Annotated[
        Path | None, typer.Option(help="Also write the long table of hubverse.", metavar="OUT.csv")
    ] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Freeze a forecast of rows, of thresholds or of both, with its baselines, and seal it by a SHA-256 to publish."""

    from forecast.files import check_target, write_csv
    from forecast.posterior.fit import load
    from forecast.registry.frozen import frozen, of_file, rows_asked, thresholds_asked
    from forecast.registry.hubverse import hubverse_table
    from forecast.registry.seal import check_free, sealed, time_of_registration, write_sealed
    from forecast.scales import named_by_fit
    from forecast.words import first_of

    if task is None and rows is None:
        raise ForecastError("nothing to forecast: give --rows NEW.csv, or --task T for its threshold, or both")
    for target in (output, hubverse):
        if target is not None:
            check_target(target)
    check_free(output)
    loaded, time = load(fit), time_of_registration(fit)
    wanted = None if rows is None else rows_asked(loaded, rows, task)
    asked = thresholds_asked(loaded, task, wanted, at or ([0.5] if rows is None else []))
    document = sealed(
        {
            "registered": time,
            "command": shlex.join(["forecast", *sys.argv[1:]]),
            **frozen(loaded, wanted, thresholds=asked, seed=seed),
            "fit": of_file(loaded, fit),
        }
    )
    if learned := [each["model"] for each in document["question"]["rows"] if each["learned"]]:
        warn(f"the fit has learned from {first_of(list(dict.fromkeys(learned)))}: what it says of these is no forecast")
    if later := [day for day in map(str, loaded.data.date.dropna("run").values) if day[:10] > time[:10]]:
        warn(f"the clock says {time[:10]}, but the fit has learned from a run of {max(later)[:10]}; is it right?")
    write_sealed(output, document)
    if hubverse is not None:
        table = hubverse_table(document)
        write_csv(hubverse, table)
    if as_json:
        print_json({"file": str(output)} | {name: part for name, part in document.items() if name not in LEFT_OUT})
    else:
        print_registered(document, output, hubverse, named_by_fit(loaded.data))
    labels = [each["label"] for of in document["question"].values() for each in of]
    exit_unless_sound(loaded, fit, tasks=labels)


def print_registered(document: dict[str, Any], output: Path, hubverse: Path | None, scale: Any) -> None:
    """Median and 90% interval of all that was frozen, and what to publish."""
    from forecast.registry.words import threshold_in_words, threshold_named
    from forecast.words import percent

    question, found = document["question"], document["forecast"]
    cells = []
    for row, of in list(zip(question["rows"], found["rows"], strict=True))[:SHOWN]:
        low, middle, high = (f"{float(of[name]):.3g}" for name in ("q05", "q50", "q95"))
        cells.append((row["model"], row["label"], middle, f"{low} to {high}"))
    if cells:
        print_rows(("model", "task"), ("median", "90% interval"), cells)
    if (more := len(question["rows"]) - SHOWN) > 0:
        print(f"... and {more} more in {output}")
    for asked, of in zip(question["thresholds"], found["thresholds"], strict=True):
        said = f"{threshold_named(asked)}, typical run: {threshold_in_words(of, scale)}"
        print(plain(f"{said}; never {percent(of['p_never'])}"))
    print(f"{output}: registered {document['registered']}" + (f"; {hubverse}" if hubverse else ""))
    print(f"SHA-256 {document['sha256']}")
    print("publish the SHA-256: `forecast score --sha256 HEX` then refuses any other file")


def score(
    forecast: Registered,
    outcomes: Annotated[Path, typer.Argument(help="Table with the scores that came.", metavar="OUTCOMES.csv")],
    output: Annotated[Path | None, typer.Option("-o", help="Also write the answer.", metavar="SCORED.json")] = None,
    sha256: Annotated[str | None, typer.Option(help="Refuse a file with another SHA-256.", metavar="HEX")] = None,
    as_json: Json = False,
) -> None:
    """Score a registered forecast, beside the baselines that were frozen with it; an altered file is refused."""
    from forecast.files import check_target, write_json
    from forecast.registry.outcomes import matched, read_outcomes
    from forecast.registry.scored import as_dict, scored
    from forecast.registry.seal import read_sealed

    if output is not None:
        check_target(output)
    registered = read_sealed(forecast, published=sha256)
    found = matched(registered["question"], read_outcomes(outcomes), outcomes)
    answer = {
        "forecast": str(forecast),
        "outcomes": str(outcomes),
        **as_dict(registered, scored(registered, found)),
    }
    if output is not None:
        write_json(output, answer)
    for sentence in answer["warnings"]:
        warn(sentence)
    if as_json:
        print_json(answer)
    else:
        print_scored(answer)
        if output is not None:
            print(f"{output}: the answer")


def print_scored(answer: dict[str, Any]) -> None:
    """Rows beside their outcomes, methods side by side, joint scores and thresholds."""
    from forecast.registry.words import crossed_in_words
    from forecast.words import counted

    print(f"registered {answer['registered']}, SHA-256 {answer['sha256']}")
    print(f"{counted(answer['resolved'], 'question')} resolved, {answer['open']} open")
    known = [row for row in answer["rows"] if row["outcome"] is not None]
    cells = []
    for row in known[:SHOWN]:
        seen = (f"{row['outcome']:.3g}", "inside" if row["inside_90"] else "outside", f"{row['crps']:.2g}")
        interval = f"{row['q05']:.3g} to {row['q95']:.3g}"
        cells.append((row["model"], row["label"], f"{row['q50']:.3g}", interval, *seen))
    if cells:
        print_rows(("model", "task"), ("median", "90% interval", "outcome", "is", "CRPS"), cells)
    if len(known) > SHOWN:
        print(f"... and {len(known) - SHOWN} more: --json has all")
    print_methods(answer["methods"], {each["method"]: each for each in answer["joint"]})
    for each in answer["thresholds"]:
        print(plain(crossed_in_words(each)))


def print_methods(methods: list[dict[str, Any]], joint: dict[str, dict[str, Any]]) -> None:
    """Mean scores and coverage of the forecast and of each baseline; joint scores where there are any."""
    cells = []
    for each in methods:
        coverage = "  ".join(f"{100 * each[f'coverage_{level}']:.0f}%" for level in (50, 80, 90))
        log_score = "–" if each["log_score"] is None else f"{each['log_score']:.2f}"
        of = joint.get(each["method"])
        together = () if of is None else (f"{of['energy_score']:.3g}", f"{of['variogram_score']:.3g}")
        cells.append((each["method"], f"{each['crps']:.3g}", log_score, coverage, *together))
    names = ("CRPS", "log score", "in 50 80 90%", *(("energy", "variogram") if joint else ()))
    if cells:
        print_rows(("method",), names, cells)


def record(
    folder: Annotated[Path, typer.Argument(help="Folder of registered forecasts.", metavar="DIR")],
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """The record of all registered forecasts of a folder: scores beside baselines, and calibration.

    The outcomes of X.json stand in X.outcomes.csv, or those of all forecasts in outcomes.csv.
    """
    from forecast.files import check_figure
    from forecast.registry.record import all_lines, read_record, unmatched
    from forecast.registry.record import record as recorded
    from forecast.registry.scored import unasked
    from forecast.scoring.summary import OURS

    if figure is not None:
        check_figure(figure)
    entries = read_record(folder)
    answer = recorded(entries)
    for line in answer["forecasts"]:
        for sentence in line["warnings"]:
            warn(f"{line['file']}: {sentence}")
    for name, left in unmatched(entries).items():
        warn(f"{name}: {unasked(left)}")
    if figure is not None:
        from forecast.registry.figure import write_calibration

        lines = all_lines(entries)
        if lines.empty:
            raise ForecastError(
                f"{figure}: there is no outcome to draw yet; put outcomes into {folder / 'outcomes.csv'}"
            )
        write_calibration(lines[lines["method"] == OURS], figure)
    if as_json:
        print_json(answer)
    else:
        print_record(answer)
        if figure is not None:
            print(f"figure: {figure}")


def print_record(answer: dict[str, Any]) -> None:
    """A line a forecast, and the totals; CRPS and coverage are of rows, RPS of thresholds."""
    cells = []
    for each in [*answer["forecasts"], {"file": "all", "question": "", "registered": "", **answer["totals"]}]:
        shares = [each[f"coverage_{level}"] for level in (50, 80, 90)]
        inside = "  ".join("–" if of is None else f"{100 * of['share']:.0f}%" for of in shares)
        best = each["best_baseline_crps"]
        beside = "–" if best is None else f"{best:.3g} {each['best_baseline']}"
        counts = f"{each['resolved']} of {each['resolved'] + each['open']}"
        first = (each["file"], each["question"], each["registered"][:10], counts)
        crps, rps = ("–" if value is None else f"{value:.3g}" for value in (each["crps"], each["rps"]))
        cells.append((*first, crps, beside, inside, rps))
    numbers = ("registered", "resolved", "CRPS", "best baseline", "in 50 80 90%", "RPS")
    print_rows(("file", "question"), numbers, cells)
