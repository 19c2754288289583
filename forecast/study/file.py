"""Study file: a question, a table, thresholds, cuts by compute or date, and scenarios, as `study.toml` says."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from forecast.errors import ForecastError, shown, shown_path
from forecast.files import contents, make_folder, write_whole
from forecast.questions.when.scenarios import SCENARIOS, Scenario
from forecast.words import minutes_of
from models.priors import Priors


def _of_different_names(scenarios: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    names = [each.name for each in scenarios]
    if twice := [shown(name) for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"two scenarios are named {', '.join(twice)}; give each a name of its own")
    return scenarios


def _minutes_of_words(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return minutes_of(given)
    except ValueError as error:
        raise PydanticCustomError("no_time", "no length of time") from error


def _iso_date(given: Any) -> str:
    try:
        return f"{given if isinstance(given, date) else date.fromisoformat(given):%Y-%m-%d}"
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("no_date", "no ISO date") from error


Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Score = Annotated[Positive, BeforeValidator(_minutes_of_words)]  # whether it suits the task, the table says
Cut = Positive | Annotated[str, BeforeValidator(_iso_date)]  # FLOP, or an ISO date
Scenarios = Annotated[tuple[Scenario, ...], Field(min_length=1), AfterValidator(_of_different_names)]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What `study.toml` says."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    folder: Annotated[Path, Field(strict=True)] = Path()  # where the file is; strict: no key of the file
    title: str
    question: str
    table: Path
    thresholds: Annotated[tuple[Score, ...], Field(min_length=1)]  # scores that count as 'the capability is there'
    tasks: tuple[str, ...] = ()  # only these of the table; all if not given
    cuts: tuple[Cut, ...] = ()  # a fit on the runs below or before each, scored on the rest, besides the fit on all
    headline: str | None = None  # task of the answer sentence; the first of the table if not given
    seed: Annotated[int, Field(strict=True, ge=0)] = 1
    k_sweep_length: Annotated[int, Field(strict=True, ge=1)] | None = None  # tokens of the at-least-k figure's answer
    when: StrictBool = False  # also forecast the date, of the headline task
    runs: Path | None = None  # of the largest training runs, as of `forecast when --runs`; giving it asks for dates
    priors: Priors = field(default_factory=Priors)  # numbers other than those of `models.priors`
    scenarios: Scenarios = SCENARIOS  # of which dates are forecast; giving any asks for dates


TEXT, RATE = "text in quotes", "decades a year, such as 0.5; tenfold a year is 1"
EXPECTED = {
    **{"title": TEXT, "question": TEXT, "table": TEXT, "headline": TEXT, "when": "true or false"},
    "thresholds": 'a list of at least one score, such as [0.5] or, of a horizon, ["8h"]',
    "tasks": "a list of names of tasks, each in quotes",
    "cuts": 'a list of FLOP, such as [2.4e22], or of dates, such as ["2024-01-01"]',
    "seed": "a whole number of 0 or more",
    "k_sweep_length": "a whole number of 1 or more",
    "scenarios": "tables headed [[scenarios]]; leave it out for the usual three",
    "runs": 'a file of the largest training runs in quotes, such as "all_ai_models.csv"; leave it out for the built-in',
    "priors": "a table headed [priors] with numbers by the names of models/priors.py",
}
OF_DATES = ("scenarios", "runs")  # keys that ask for dates
PRIORS = tuple(each.name for each in fields(Priors))
EXPECTED_IN_LIST = {
    "thresholds": 'a number between 0 and 1 (for 80% write 0.8) or, of a horizon, minutes or a time such as "8h"',
    "cuts": 'a positive number of FLOP like 2.4e22, or an ISO date like "2024-01-01"',
    "tasks": "a name in quotes",
    "scenarios": "a table headed [[scenarios]]",
}
EXPECTED_OF_SCENARIO = {
    **{"name": 'a name, such as "slow"', "growth": RATE, "progress": RATE},
    "slowdown": "true, false or the years in which growth halves, such as 5",
}


def read_study(folder: str | os.PathLike[str]) -> Study:
    """Read `study.toml` of a folder; a `ForecastError` names what is missing, unknown or of the wrong kind."""
    folder = Path(folder)
    path = folder / "study.toml"
    if not path.is_file():
        raise ForecastError(f"{shown_path(path)}: no such file; `forecast new DIR` writes a study to fill in")
    try:
        given = _parsed(path)
        study = TypeAdapter(Study).validate_python({"when": not given.keys().isdisjoint(OF_DATES)} | given)
    except ValidationError as error:
        wrong = [each for each in error.errors() if each["type"] != "too_short" or not each["input"]]  # bad ones count
        said = dict.fromkeys(map(_said, wrong))  # an alternative has an error for each of its kinds
        raise ForecastError(f"{shown_path(path)}: {'; '.join(said)}") from error
    runs = None if study.runs is None else folder / study.runs
    return replace(study, folder=folder, table=folder / study.table, runs=runs)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(contents(path).decode("utf-8"))
    except (ValueError, RecursionError, OSError) as error:  # also of numbers with thousands of digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ForecastError(f"{shown_path(path)}: not valid TOML ({reason}); mend that line") from error


def _said(error: Mapping[str, Any]) -> str:
    """One error of pydantic with its place, the value there and what was expected."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    key, *inside = error["loc"]
    where, name, expected = "", f"key {key!r}", EXPECTED
    if key == "scenarios" and inside[1:]:
        where, name, expected = f"scenario {inside[0] + 1}: ", inside[1], EXPECTED_OF_SCENARIO
        key = name
    elif key == "priors" and inside:
        return _said_of_prior(str(inside[0]), error)
    elif inside:
        name, expected = f"{name}, place {inside[0] + 1}", EXPECTED_IN_LIST
    if key not in expected:
        return f"{where}key {shown(key)} is unknown; use {', '.join(expected)}"
    if error["type"] == "missing":
        return f"{where}{name} is missing; add it: {expected[key]}"
    return f"{where}{name} is {error['input']!r}, expected {expected[key]}"


def _said_of_prior(name: str, error: Mapping[str, Any]) -> str:
    if name not in PRIORS:
        near = get_close_matches(name, PRIORS, n=1, cutoff=0.4)
        return f"priors: {shown(name)} is no prior number; " + (
            f"did you mean {near[0]}?" if near else "see models/priors.py"
        )
    return f"priors: {name} is {error['input']!r}, expected a number"


STUDY = """\
title = "When does my capability appear?"
question = "At what training compute does a run reach half of the test, judging from the runs so far?"
table = "table.csv"
thresholds = [0.5]   # scores that count as 'the capability is there'; of a time horizon e.g. ["8h"]
cuts = []            # FLOP, e.g. [1e23], or dates: also fit the runs below it and score that forecast on the rest
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
    make_folder(folder)
    for name, text in {"study.toml": STUDY, "table.csv": TABLE, "README.md": README}.items():
        write_whole(folder / name, partial(Path.write_text, data=text, encoding="utf-8"))
