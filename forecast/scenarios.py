"""What is supposed of the time to come, and the scenarios of a study: an array of tables in `study.toml`, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Any

from forecast.errors import shown
from forecast.figure_style import percent


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is supposed of the time to come."""

    name: str
    growth: float | None = None  # decades of compute a year; None: as fitted to the largest runs
    progress: float | None = None  # decades of compute a year; 0: recipes stay; None: as the fit has it, else a prior
    slowdown: bool | float = False  # years in which growth halves; True: a prior; False: never

    def __post_init__(self) -> None:
        for key, value, least in (("growth", self.growth, 0.0), ("progress", self.progress, 0.0)):
            if value is not None and not (least <= value < inf):
                raise ValueError(
                    f"{key} of scenario {self.name!r} is {value!r}; give decades a year, {least:g} or more"
                )
        if not isinstance(self.slowdown, bool) and not 0 < self.slowdown < inf:
            raise ValueError(f"slowdown of scenario {self.name!r} is {self.slowdown!r}; give years, or true or false")


SCENARIOS = (
    Scenario(name="compute only", progress=0.0),
    Scenario(name="with algorithmic progress"),
    Scenario(name="with slowdown", slowdown=True),
)

KEYS = tuple(each.name for each in fields(Scenario))


def with_equal_dates(answers: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Answers of scenarios (of `forecast.timeline.when`), together those whose rows would read alike."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        groups.setdefault(repr([_row(event) for event in answer["events"].values()]), []).append(answer)
    return list(groups.values())


def _row(event: Mapping[str, Any]) -> list[Any]:
    chances = [event["p_already"], *(each["p"] for each in event["p_by"]), event["p_never"]]
    return [*(event["date"][name] for name in ("q05", "q50", "q95")), *map(percent, chances)]


def told(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """What scenarios of the same dates suppose of the progress of recipes: once if they agree, else one by one."""
    sources = {each["name"]: each["progress"]["source"] for each in group}
    alike = len(set(sources.values())) == 1
    return [*{f"progress: {source}" if alike else f"progress, {name}: {source}": 0 for name, source in sources.items()}]


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
