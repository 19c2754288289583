"""Commands `backtest` and `reproduce`: how far a forecast can be believed, and whether it comes out again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.given.paths import check_apart
from forecast.cli.given.values import flop, rates_asked
from forecast.cli.options import (
    NOT_TRUSTWORTHY,
    Ats,
    Average,
    BestOf,
    Json,
    Quiet,
    Repeats,
    Scheduler,
    Seed,
    SkipUnusable,
    Structures,
    TableChance,
    TableFile,
    TableTasks,
    TableTrials,
    Workers,
    exit_unless_trustworthy,
    plain,
    print_json,
    structure_names,
    warn,
)
from forecast.cli.progress import shown_stages

SHA256 = 64  # digits


def backtest(
    table: TableFile,
    output: Annotated[Path, typer.Option("-o", help="Folder for scores, summary and figures.", metavar="DIR")],
    cut: Annotated[
        list[float] | None,
        typer.Option(parser=flop, metavar="FLOP", help="Hide the runs from this training compute on."),
    ] = None,
    date: Annotated[
        list[datetime] | None, typer.Option(help="Hide the models released from this date on.", formats=["%Y-%m-%d"])
    ] = None,
    families: Annotated[bool, typer.Option("--families", help="Hide one family after the other.")] = False,
    at: Ats = None,
    tasks: TableTasks = None,
    trials: TableTrials = None,
    chance: TableChance = None,
    skip_unusable: SkipUnusable = False,
    repeats: Repeats = None,
    best_of: BestOf = None,
    structures: Structures = None,
    average: Average = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    seed: Seed = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Hide runs above each cut, forecast them and score the forecasts beside baselines.

    Without a cut the largest three in ten runs are hidden. Results of fits are kept in DIR/jobs: started again after an
    interrupt, only what is missing is done.
    """
    from forecast.backtesting.record import FILES, write_backtest
    from forecast.backtesting.run import backtest as record_of
    from forecast.backtesting.verdict import verdict
    from forecast.files import alone_in, make_folder
    from forecast.fitting.stacking import SAMPLING
    from forecast.table.dataset import read_table
    from forecast.table.splits import splits_asked
    from forecast.words import counted

    scores = rates_asked(at)
    check_apart([table], [output / name for name in FILES])
    names = structure_names(structures, average=average)
    from forecast.table.adjusting import adjustments

    adjust = adjustments(tasks, trials, chance, skip_unusable, repeats, best_of)
    frame = read_table(table, adjust=adjust, warn=warn)
    splits = splits_asked(frame, cuts=cut or (), dates=date or (), families=families)
    make_folder(output)
    with alone_in(output):
        with shown_stages(quiet=quiet) as stages, stages.stage(counted(len(splits), "cut"), weight=1.0):
            tested = record_of(
                frame,
                list(dict.fromkeys(splits)),
                name=table.name,
                folder=output / "jobs",
                structures=names,
                at=scores,
                sampling=replace(SAMPLING, seed=seed),
                workers=workers,
                scheduler=scheduler,
                progress=partial(_show_progress, stages),
            )
        judged = verdict(tested, runs=max(runs for runs, _ in tested.runs.values()), seed=seed)
        summary = write_backtest(tested, judged, output, table=str(table), seed=seed)
    if as_json:
        print_json(summary)
    else:
        print_backtest(summary)
        print(f"\nscores: {output / 'scores.csv'}, summary: {output / 'summary.json'}")
    exit_unless_trustworthy([*distrust(judged), *lost(summary["failed"], len(splits))])


def lost(failed: Mapping[str, str], cuts: int) -> list[str]:
    """That the record lacks cuts, as a reason not to trust it."""
    from forecast.words import counted

    return [f"{counted(len(failed), 'cut')} of {cuts} failed: {'; '.join(failed)}"] if failed else []


def _show_progress(stages: Any, done: Any) -> None:
    """Fits that have ended, of `forecast.backtesting.jobs.Progress`."""
    failed = f", {done.failed} failed" if done.failed else ""
    stages.advance(done.done / max(done.total, 1), f"fits {done.done} of {done.total}{failed}")


def distrust(verdict: dict[str, Any]) -> list[str]:
    """What a verdict names as reasons not to trust the forecast at all."""
    return [each["text"] for each in verdict["reasons"] if each["level"] == "do not trust"]


def print_backtest(summary: dict[str, Any]) -> None:
    """Scores by method and the verdict."""
    from forecast.words import counted

    methods = summary["methods"]
    print(f"{counted(methods[0]['n'], 'outcome')}: mean CRPS (lower is better), coverage and width of 90% intervals")
    for each in methods:
        width = float(each["width_90"])
        print(f"  {plain(each['method']):<18} {float(each['crps']):.3f}   {each['coverage_90']:.2f}   {width:.2f}")
    for cut, error in summary["failed"].items():
        print(f"failed: {plain(cut)}: {plain(error)}")
    print("\n" + plain(summary["verdict"]["sentence"]))


def reproduce(
    result: Annotated[Path, typer.Argument(help="Result of a study, result.json.", metavar="RESULT.json")],
    study: Annotated[
        Path | None, typer.Option(help="Folder with study.toml [default: that of the file, or the one above].")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", help="Keep the files of the new run.", metavar="DIR")] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the study of a result again, and say what comes out otherwise and what is no longer the same.

    Where files, options, versions, code and machine are those of the result, every value must be identical; elsewhere,
    numbers may differ by Monte Carlo error. Exit 3: not reproduced.
    """
    from forecast.study.reproduce import DIFFERS
    from forecast.study.reproduce import reproduce as reproduced

    options: dict[str, Any] = {"study": study, "output": output, "workers": workers, "scheduler": scheduler}
    with shown_stages(quiet=quiet) as stages:
        answer = reproduced(result, **options, stages=stages, warn=warn)
    if as_json:
        print_json(answer)
    else:
        print_reproduced(answer)
    if answer["outcome"] == DIFFERS:
        raise typer.Exit(NOT_TRUSTWORTHY)


def print_reproduced(answer: dict[str, Any]) -> None:
    """The outcome, the differences beyond Monte Carlo error, and what is no longer as it was."""
    print(answer["sentence"])
    for each in answer["differences"]:
        print(plain(f"  {each['text']}"))
    if answer["verdict"]["before"] != answer["verdict"]["now"]:
        print("verdict: {before} before, {now} now".format(**answer["verdict"]))
    if answer["changed"] is None:
        print("the result is of an older version: what it was made of is not recorded")
    for each in answer["changed"] or []:
        print(plain(f"changed: {each['what']}: {_short(each['before'])} before, {_short(each['now'])} now"))
    if answer["exact"] and answer["unequal_values"]:
        print(plain("not identical: " + "; ".join(answer["first_unequal"])))


def _short(value: Any) -> str:
    """A value on one line: of a SHA-256 the first digits."""
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == SHA256 else str(value)
