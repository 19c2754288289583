"""A study: a folder with a question, a table, thresholds and compute cuts, as its `study.toml` says."""

import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import ForecastError, shown, shown_path
from forecast.scenarios import SCENARIOS, Scenario, scenarios_of


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
