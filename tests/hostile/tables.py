"""Tables of every kind that can be meant, and what may go wrong in them."""

import csv
import io

import numpy as np

from tests.table.importers.mutations import ODD_CELLS, ODD_NAMES, changed_table

METRICS = ("exact_match", "at_least_k", "token_accuracy", "choice", "loss", "pass_at_k", "horizon")
HEADER = (
    *("model", "task", "metric", "score", "successes", "trials", "length", "k", "chance", "compute", "params"),
    *("tokens", "active_params", "compute_sd", "family", "date", "human", "ceiling_at_least", "score_sd", "note"),
)
FAULTS = {  # a cell that is wrong whatever stands beside it, by column
    "model": ("", " "),
    "metric": ("", "accuracy", "f1", "EXACT_MATCH ?"),
    "score": ("nan%", "inf", "-inf", "-0.1", "1e400", "a half", "0,5 0"),
    "trials": ("0", "-3", "2.5", "inf", "many", "1e30", "0x10"),
    "compute": ("0", "-1e20", "inf", "1e200", "big", "\u22121e20", "7e-300"),
    "date": ("2024-13-45", "yesterday", "31/02/2023", "0000-00-00", "99999"),
    "chance": ("1", "-0.2", "25%", "inf", "half"),
    "compute_sd": ("-1", "inf", "300", "wide"),
    "human": ("0", "1.5", "88%", "good"),
}


def table(rng):
    """Rows of a table that can be meant: a header and cells as text, of any metrics, sizes, families and dates."""
    models, tasks = rng.randint(3, 9), [_task(rng, place) for place in range(rng.randint(1, 4))]
    by_sizes, dated, families = rng.random() < 0.4, rng.random() < 0.5, rng.randint(0, 3)
    by_date = rng.random() < 0.1
    lowest, wide = rng.choice((9.0, 15.0, 20.0, 24.0)), rng.choice((0.0, 0.01, 1.0, 4.0))
    rows = []
    for place in range(models):
        x = lowest + wide * place / models + rng.random() * 0.1 * (wide > 0.1)
        of_run = {"model": f"run {place}", "compute": f"{10**x:.4g}"}
        if by_sizes and x >= 15:
            n = max(1e3, 10 ** (x / 2 - 1.1) / 2)
            of_run |= {"params": f"{n:.4g}", "tokens": f"{10**x / 6 / n:.4g}"}
            of_run |= {} if rng.random() < 0.5 else {"compute": ""}
        of_run |= {"family": f"recipe {place % families}"} if families else {}
        of_run |= {"date": f"{2012 + place}-0{1 + place % 9}-1{place % 9}"} if dated or by_date else {}
        of_run |= {"compute": "", "params": "", "tokens": ""} if by_date else {}
        of_run |= {"compute_sd": rng.choice(("", "0", "0.3"))}
        rows += [_row(rng, of_run, task, place / models) for task in tasks if rng.random() < 0.9 or place < 3]
    return [list(HEADER), *([row.get(name, "") for name in HEADER] for row in rows)]


def _task(rng, place):
    metric = rng.choice(METRICS)
    length = rng.choice((1, 2, 7, 40, 900))
    task = {"task": rng.choice((f"task {place}", "shared", f"naïve {place} ∑")), "metric": metric}
    if metric == "at_least_k":
        task |= {"length": str(length), "k": rng.choice((str(rng.randint(1, length)), "" if length <= 7 else "1"))}
    elif metric == "pass_at_k":
        task["k"] = str(rng.choice((1, 3, 100)))
    elif metric == "choice":
        task["chance"] = rng.choice(("0.25", "0.5", "", "0.01"))
    elif metric in ("exact_match", "token_accuracy") and rng.random() < 0.5:
        task["length"] = str(length)
    if metric not in ("loss", "horizon") and rng.random() < 0.2:
        task[rng.choice(("human", "ceiling_at_least"))] = rng.choice(("0.999", "1"))
    return task


def _row(rng, of_run, task, rise):
    row = of_run | task
    if task["metric"] == "loss":
        return row | {"score": f"{rng.choice((4 - 2 * rise, 1e-6 + 0.1 * rng.random(), 3.0)):.6g}"}
    if task["metric"] == "horizon":
        return row | {"score": f"{rng.choice((0.2, 60.0, 10 ** (4 * rise))):.6g}", "score_sd": rng.choice(("", "0.2"))}
    trials = rng.choice((1, 2, 100, 10**6, 10**9))
    successes = round(trials * rng.choice((0.0, 1.0, rise, rng.random())))
    if rng.random() < 0.5:
        return row | {"trials": str(trials), "successes": str(successes)}
    return row | {"trials": str(trials), "score": f"{successes / trials:.6g}" if trials > 1 else str(successes)}


def with_faults(rows, rng, number):
    """The rows with so many cells that are wrong, one a row; (line, column) of each."""
    rows = [list(row) for row in rows]
    places = rng.sample(range(1, len(rows)), min(number, len(rows) - 1))
    wrong = set()
    for place in places:
        column = rng.choice([name for name in FAULTS if rows[place][HEADER.index("metric")] not in ("loss", "horizon")
                             or name not in ("score", "trials", "chance", "human")])  # fmt: skip
        rows[place][HEADER.index(column)] = rng.choice(FAULTS[column])
        wrong.add((place + 1, column))
    return rows, wrong


def strange(rows, rng):
    """The rows with changes that people and programs make: cells, names, rows and columns."""
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        how = rng.randrange(5)
        if how == 0:
            rows = [*rows, *rng.sample(rows, min(len(rows), 3))]  # said twice
        elif how == 1:
            old, new = (rng.choice(rows[1:] or [[""]])[0], rng.choice(ODD_NAMES))
            rows = [[new if cell == old else cell for cell in row] for row in rows]
        elif how == 2 and len(rows) > 1:
            column = rng.randrange(len(HEADER))
            for row in rows[1:]:
                if column < len(row):
                    row[column] = rng.choice((row[column], row[column], rng.choice(ODD_CELLS)))
        else:
            rows = changed_table(rows, rng)
    return rows


def as_bytes(rows):
    """The rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def is_finite(values):
    return bool(np.isfinite(np.asarray(values, dtype=float)).all())
