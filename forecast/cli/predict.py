"""Command `predict`: scores of runs that are not measured yet, or that were not shown to the fit."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import (
    FitFile,
    Json,
    Seed,
    Structure,
    exit_unless_sound,
    load_part,
    print_json,
    print_rows,
    warn,
)

SHOWN = 30  # predictions on the terminal; all are in the CSV


def predict(
    fit: FitFile,
    rows: Annotated[Path, typer.Option(help="Table of runs and tasks; scores are compared.", metavar="NEW.csv")],
    output: Annotated[Path | None, typer.Option("-o", help="Also write all as CSV.", metavar="OUT.csv")] = None,
    draws: Annotated[Path | None, typer.Option(help="Also write all predictive draws.", metavar="DRAWS.nc")] = None,
    structure: Structure = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """The predictive distribution of the score of each row of a table, beside its score where the row has one."""
    import numpy as np

    from forecast.files import check_target, write_csv, write_whole
    from forecast.posterior.predict import labels_of_rows, summarise
    from forecast.posterior.predict import predict as predictive_draws
    from forecast.scoring.beside import beside, in_words
    from forecast.table.dataset import read_rows, read_scores
    from forecast.table.splits import check_same_scale
    from forecast.words import counted
    from models.dates import by_date

    for target in (output, draws):
        if target is not None:
            check_target(target)
    loaded, wanted = load_part(fit, structure), read_rows(rows)
    check_same_scale(wanted, dated=by_date(loaded.data))
    scores = predictive_draws(loaded, wanted, seed=seed)
    labels, known = labels_of_rows(loaded, wanted), read_scores(rows)
    _warn_of_scores(known[np.isinf(known["score"])]["typed"].to_dict())
    trials = wanted["trials"].to_numpy(dtype=float, na_value=np.nan)
    learned = wanted["model"].isin(loaded.data.run.values).to_numpy()
    lines = beside(summarise(wanted, scores), scores.values, known["score"].to_numpy(), trials)
    if draws is not None:
        dataset = scores.to_dataset()
        write_whole(draws, lambda temporary: dataset.to_netcdf(temporary, engine="netcdf4"))
    if output is not None:
        write_csv(output, lines)
    if as_json:
        print_json({"seed": seed, "rows": lines.to_dict("records")})
    else:
        print_predictions(lines, labels, output)
        if output is not None:
            print(f"{output}: {counted(len(lines), 'row')}")
        if said := in_words(lines, learned=learned):
            print(said)
    exit_unless_sound(loaded, fit, structure, tasks=labels)


def _warn_of_scores(impossible: dict[Any, str]) -> None:
    """A warning of each cell, by line, that cannot be a score."""
    from forecast.errors import shown

    for line, typed in impossible.items():
        warn(
            f"row {line}, column 'score', value {shown(typed)}: cannot be a score of its metric and is not compared; "
            "give a rate between 0 and 1, or a loss above 0, or leave it blank"
        )


def print_predictions(lines: Any, labels: list[str], output: Path | None) -> None:
    """Median and 90% interval of each row, beside its score where it has one."""
    compared = "score" in lines
    columns = ("median", "90% interval", *(("score", "is", "CRPS") if compared else ()))
    cells = []
    for label, row in zip(labels[:SHOWN], lines.head(SHOWN).to_dict("records"), strict=True):
        seen = ("", "", "")
        if compared and row["score"] is not None:
            seen = (f"{row['score']:.3g}", "inside" if row["inside"] else "outside", f"{row['crps']:.2g}")
        interval = f"{row['q05']:.3g} to {row['q95']:.3g}"
        cells.append((row["model"], label, f"{row['q50']:.3g}", interval, *(seen if compared else ())))
    print_rows(("model", "task"), columns, cells)
    if len(lines) > SHOWN:
        print(f"... and {len(lines) - SHOWN} more{' in ' + str(output) if output else ': -o OUT.csv writes all'}")
