"""Study file: a question, a table, thresholds, compute cuts and scenarios, as `study.toml` says."""

import math
import os
import tomllib
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown, shown_path
from forecast.questions.when.scenarios import SCENARIOS, Scenario

KEYS = tuple(each.name for each in fields(Scenario))


def scenarios_of(given: Any) -> tuple[tuple[Scenario, ...], list[str]]:
    """Scenarios from what `[[scenarios]]` says, and all that is wrong with it."""
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        return (), [f"key 'scenarios' is {given!r}, expected tables headed [[scenarios]]"]
    if not given:
        return (), ["key 'scenarios' names none; leave it out for the usual three"]
    wrong = [problem for place, each in enumerate(given, start=1) for problem in _problems(place, each)]
    names = [each.get("name") for each in given]
    wrong += [f"two scenarios are named {shown(str(name))}" for name in dict.fromkeys(names) if names.count(name) > 1]
    return (() if wrong else tuple(Scenario(**each) for each in given)), wrong


def _problems(place: int, given: dict[str, Any]) -> list[str]:
    wrong = [f"key {shown(key)} is unknown; use {', '.join(KEYS)}" for key in sorted(set(given) - set(KEYS))]
    if not isinstance(given.get("name"), str) or not given["name"].strip():
        wrong.append('name is missing; add one, such as name = "slow"')
    for key in ("growth", "progress"):
        if key in given and not (_is_number(given[key]) and given[key] >= 0):
            wrong.append(f"{key} is {given[key]!r}, expected decades a year, such as 0.5; tenfold a year is 1")
    slowdown = given.get("slowdown", False)
    if not isinstance(slowdown, bool) and not (_is_number(slowdown) and slowdown > 0):
        wrong.append(f"slowdown is {slowdown!r}, expected true, false or the years in which growth halves, such as 5")
    return [f"scenario {place}: {each}" for each in wrong]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What `study.toml` says."""

    folder: Path
    title: str
    question: str
    table: Path
    thresholds: tuple[float, ...]  # scores that count as 'the capability is there'
    cuts: tuple[float, ...] = ()  # FLOP; a fit on the runs below each, scored on the rest, besides the fit on all
    headline: str | None = None  # task of the answer sentence; the first of the table if not given
    seed: int = 1
    k_sweep_length: int | None = None  # tokens of the imagined answer of the at-least-k figure
    when: bool = False  # also forecast the date, of the headline task
    scenarios: tuple[Scenario, ...] = SCENARIOS  # of which dates are forecast; giving any asks for dates


def read_study(folder: str | os.PathLike[str]) -> Study:
    """Read `study.toml` of a folder; a `ForecastError` names what is missing, unknown or of the wrong kind."""
    folder = Path(folder)
    path = folder / "study.toml"
    if not path.is_file():
        raise ForecastError(f"{shown_path(path)}: no such file; `forecast new DIR` writes a study to fill in")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ForecastError(f"{shown_path(path)}: not valid TOML ({error}); mend that line") from error
    known = set(Study.__dataclass_fields__) - {"folder"}
    scenarios, wrong = scenarios_of(given.pop("scenarios")) if "scenarios" in given else (SCENARIOS, [])
    dated = scenarios is not SCENARIOS
    wrong += [
        f"key {shown(key)} is unknown; use one of {', '.join(sorted(known))}" for key in sorted(set(given) - known)
    ]
    kinds = {"title": str, "question": str, "table": str, "thresholds": list, "cuts": list, "headline": str}
    for key, kind in (kinds | {"seed": int, "k_sweep_length": int}).items():
        if key in given and (not isinstance(given[key], kind) or isinstance(given[key], bool)):
            wrong.append(f"key '{key}' is {given[key]!r}, expected a {kind.__name__}")
    if not isinstance(given.get("when", False), bool):
        wrong.append(f"key 'when' is {given['when']!r}, expected true or false")
    wrong += [
        f"key '{key}' is missing; add it" for key in ("title", "question", "table", "thresholds") if key not in given
    ]
    if not wrong and not given["thresholds"]:
        wrong.append("key 'thresholds' is empty; name at least one score, such as 0.5")
    for key, least in {"seed": 0, "k_sweep_length": 1}.items() if not wrong else ():
        if given.get(key, least) < least:
            wrong.append(f"key '{key}' is {given[key]}, expected {least} or more")
    for at in given.get("thresholds", []) if not wrong else []:
        if not (isinstance(at, float | int) and 0 < at < 1):
            wrong.append(f"threshold {at!r} is not a number between 0 and 1; for 80% write 0.8")
    for cut in given.get("cuts", []) if not wrong else []:
        if not (isinstance(cut, float | int) and 0 < cut < math.inf):
            wrong.append(f"cut {cut!r} is not a positive number of FLOP; write it like 2.4e22")
    if wrong:
        raise ForecastError(f"{shown_path(path)}: " + "; ".join(wrong))
    lists = {key: tuple(float(value) for value in given.pop(key, ())) for key in ("thresholds", "cuts")}
    dates = {"when": given.get("when", dated), "scenarios": scenarios}
    return Study(folder=folder, **(given | lists | dates | {"table": folder / given["table"]}))


STUDY = """\
title = "When does my capability appear?"
question = "At what training compute does a run reach half of the test, judging from the runs so far?"
table = "table.csv"
thresholds = [0.5]   # scores that count as 'the capability is there'
cuts = []            # FLOP, e.g. [1e23]: also fit the runs below it and score that forecast on the rest
when = false         # true: also at what date, by the growth of the largest training runs
seed = 1
"""
TABLE = """\
model,task,metric,score,trials,compute
small (replace me),my task,exact_match,0.002,1000,1e21
medium (replace me),my task,exact_match,0.011,1000,5e21
large (replace me),my task,exact_match,0.046,1000,2e22
largest (replace me),my task,exact_match,0.163,1000,1e23
"""
README = """\
# When does my capability appear?

Say here where the numbers of `table.csv` come from and what would change your mind.
One row is one score of one model on one task; compute is training FLOP.

    forecast validate table.csv
    forecast run .
"""


def write_template(folder: Path) -> None:
    """Write the files into a new or empty folder; nothing is ever overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ForecastError(f"{shown_path(folder)}: exists and is not an empty folder; name another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForecastError(f"{shown_path(folder)}: cannot be made ({error.strerror}); name another folder") from error
    for name, text in {"study.toml": STUDY, "table.csv": TABLE, "README.md": README}.items():
        (folder / name).write_text(text, encoding="utf-8")
