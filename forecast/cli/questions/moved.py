"""Two fits of one study side by side, as `forecast compare OLD.nc NEW.nc` prints them."""

from pathlib import Path
from typing import Any

from forecast.cli.options import complaints_of, exit_unless_trustworthy, plain, print_json, print_rows, refused
from forecast.cli.progress import shown_stages

MOVED = 0.5  # half-widths of the interval before, from which a parameter is printed
MOST = 10  # lines of a table; all are in the JSON
INFLUENCE = "changes of the data that move a threshold of the earlier fit most, each alone"


def compare_fits(
    old: Path,
    new: Path,
    *,
    task: str | None,
    at: list[float] | None,
    family: str | None,
    year: float | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """What moved between two fits, and which rows moved it; exit 3 where either is not to be trusted."""
    from forecast.posterior.fit import load
    from forecast.questions.moved.answer import moved

    before, after = load(old), load(new)
    with shown_stages(quiet=quiet) as stages, stages.stage("two fits compared", weight=1.0):
        answer = moved(before, after, task=task, at=at or [0.5], family=family, year=year)
    reasons = [f"{path}: {said}" for fit, path in ((before, old), (after, new)) for said in complaints_of(fit, path)]
    refusals = list(map(refused, answer["thresholds"]))
    reasons = [*(refusals if all(refusals) else ()), *reasons]
    if as_json:
        print_json({"before": str(old), "after": str(new), **answer.to_dict(), "reasons": reasons})
    else:
        print_moved(answer, old, new)
    exit_unless_trustworthy(reasons)


def print_moved(answer: dict[str, Any], old: Path, new: Path) -> None:
    """Data, thresholds, parameters and rows, each as far as it differs."""
    print(plain(f"{old} to {new}: {data_in_words(answer['data'])}"))
    for each in answer["data"]["runs_changed"]:
        was, now = told(each["before"]), told(each["after"])
        print(plain(f"run {each['model']}: {each['column']} {was} is now {now} (not weighed below)"))
    for name, (was, now) in answer["data"]["settings"].items():
        print(plain(f"setting {name}: {told(was)} is now {told(now)}"))
    recipes = answer["recipes_of"] or [None]
    if recipes[0] != recipes[-1]:
        dates = " and ".join(told(date) for date in recipes)
        print(f"thresholds are of the recipes of {dates}, the last dates of each table; --date gives them one")
    print_thresholds_moved(answer)
    print_parameters(answer["parameters"])
    print_influence(answer)


def told(value: Any) -> str:
    """A setting or a fact as people write it."""
    from forecast.words import plain_power

    return "none" if value is None else plain_power(value, ".3g") if isinstance(value, float) else str(value)


def data_in_words(data: dict[str, Any]) -> str:
    """How many rows differ: '18 rows added (GPT-3 175B), none removed, none changed'."""
    from forecast.words import counted, first_of

    said = []
    for name in ("added", "removed", "changed"):
        models = list(dict.fromkeys(row["model"] for row in data[name]))
        said.append(f"{counted(len(data[name]), 'row')} {name} ({first_of(models)})" if models else f"none {name}")
    return ", ".join(said)


def print_thresholds_moved(answer: dict[str, Any]) -> None:
    """Median, 90% interval and P(never) of each threshold before and after, and the shift of the median."""
    from forecast.posterior.reached import family_in_words
    from forecast.scales import named_by
    from forecast.words import percent, spoken_score

    known = [line for line in answer["thresholds"] if not refused(line)]
    for line in answer["thresholds"]:
        if said := refused(line):
            print(plain(said))
    if not known:
        return
    scale = named_by(*(line["after"] | dated(line) for line in known))
    rows = []
    for line in known:
        name = f"{line['task']}, {spoken_score(line['at'], line['metric'])}"
        shift = number(scale.units(line["shift_decades"])), number(line["shift_in_half_widths"])
        for when in ("before", "after"):
            q, never = line[when]["log10_compute"], percent(line[when]["p_never"])
            cells = (scale.text(q["q50"]), scale.bare(q["q05"], q["q95"]), never)
            rows.append((name, when, *cells, *(shift if when == "after" else ("", ""))))
            name = ""
    title = ", ".join(filter(None, (scale.threshold, scale.unit.strip(), family_in_words(answer))))
    columns = ("median", "90% interval", "P(never)", scale.distance_unit, "half-widths")
    print_rows(("task", ""), columns, rows, title=f"{title}, and the shift of the median")


def dated(line: dict[str, Any]) -> dict[str, Any]:
    return {"date": None} if line["dated"] else {}


def print_parameters(parameters: list[dict[str, Any]]) -> None:
    """The parameters whose median moved by half of the half-width of their interval before, or more."""
    far = [line for line in parameters if abs(float(line["shift_in_half_widths"] or 0.0)) >= MOVED]
    rows = []
    for line in far[:MOST]:
        name = line["words"] + (f" of {line['task']}" if line["task"] else "")
        cells = [
            f"{float(of['q50']):.3g} ({float(of['q05']):.3g} to {float(of['q95']):.3g})"
            for of in (line["before"], line["after"])
        ]
        rows.append((name, *cells, number(line["shift_in_half_widths"])))
    if rows:
        more = f"; {len(far) - MOST} more in --json" if len(far) > MOST else ""
        print_rows(("parameter",), ("before", "after", "in half-widths"), rows, title=f"parameters that moved{more}")


def print_influence(answer: dict[str, Any]) -> None:
    """The changes of the data that alone move a threshold of the earlier fit most, and where weights cannot tell."""
    from forecast.scales import COMPUTE, DATES
    from forecast.words import counted

    lines = [(unit, each) for unit in answer["influence"] for each in unit["thresholds"]]
    lines.sort(key=lambda pair: abs(float(pair[1]["shift_decades"])), reverse=True)
    scale = DATES if answer["thresholds"][0]["dated"] else COMPUTE
    rows = []
    for unit, each in lines[:MOST]:
        what = f"{unit['model'] or 'all'}, {unit['task'] or counted(unit['rows'], 'row')}"
        shift, k = number(scale.units(each["shift_decades"])), float(unit["pareto_k"] or "nan")
        rows.append((what, f"{each['task']}, {each['at']:g}", shift + ("" if unit["reliable"] else " ?"), f"{k:.1f}"))
    if rows:
        print_rows(("rows", "threshold"), (f"shift, {scale.distance_unit}", "Pareto k"), rows, title=INFLUENCE)
    if any(row[2].endswith("?") for row in rows):
        print("?: too much for weights to tell (Pareto k); fit the earlier table with these rows to know")


def number(value: float | str | None) -> str:
    """A shift with its sign; a dash where there is none."""
    from forecast.words import NOTHING

    return NOTHING if value is None else f"{float(value):+.2f}"
