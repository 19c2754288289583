"""Record of a folder: every registered forecast beside its outcomes, and all of them together.

The outcomes of `X.json` stand in `X.outcomes.csv` beside it or, where there is no such file, in `outcomes.csv`, which
all forecasts of the folder share. Scores are made anew each time, so that nobody has to believe a stored one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import ForecastError, shown_path
from forecast.registry.outcomes import matched, read_outcomes
from forecast.registry.scored import Scored, as_dict, methods, scored
from forecast.registry.seal import is_registration, read_sealed
from forecast.registry.words import question_in_words
from forecast.scoring.summary import INTERVALS, OURS, reliability, summary

SHARED = "outcomes.csv"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One registered forecast of a folder."""

    file: Path
    registered: dict[str, Any]
    outcomes: Path | None  # None: none yet
    scores: Scored | None


def read_record(folder: Path) -> list[Entry]:
    """The forecasts of a folder, the earliest first; a `ForecastError` names every file that was altered."""
    if not folder.is_dir():
        raise ForecastError(f"{shown_path(folder)}: no such folder; name one that holds registered forecasts")
    entries, errors = list[Entry](), list[str]()
    for path in (path for path in sorted(folder.glob("[!.]*.json")) if is_registration(path)):
        try:
            entries.append(_entry(path))
        except ForecastError as error:
            errors.append(str(error))
    if errors:
        raise ForecastError("\n".join(errors))
    if not entries:
        raise ForecastError(
            f"{shown_path(folder)}: no registered forecast; `forecast register FIT.nc -o "
            f"{shown_path(folder / 'forecast.json')}` makes one"
        )
    return sorted(entries, key=lambda entry: entry.registered["registered"])


def _entry(path: Path) -> Entry:
    registered = read_sealed(path)
    own, shared = path.with_suffix(".outcomes.csv"), path.parent / SHARED
    outcomes = next((file for file in (own, shared) if file.is_file()), None)
    if outcomes is None:
        return Entry(file=path, registered=registered, outcomes=None, scores=None)
    found = matched(registered["question"], read_outcomes(outcomes), outcomes)
    return Entry(file=path, registered=registered, outcomes=outcomes, scores=scored(registered, found))


def unmatched(entries: Sequence[Entry]) -> dict[str, pd.DataFrame]:
    """By file of outcomes, those that none of the forecasts that read it asks for; only files that have any."""
    found = dict[str, pd.DataFrame]()
    for entry in entries:
        if entry.scores is not None and entry.outcomes is not None:
            own = entry.scores.unmatched
            before = found.get(entry.outcomes.name, own)
            found[entry.outcomes.name] = before[before.index.isin(own.index)]
    return {name: outcomes for name, outcomes in found.items() if len(outcomes)}


def all_lines(entries: Sequence[Entry]) -> pd.DataFrame:
    """The lines of all forecasts and baselines that have outcomes; bed: the file."""
    lines = [entry.scores.lines.assign(bed=entry.file.name) for entry in entries if entry.scores is not None]
    lines = [each for each in lines if len(each)]
    return pd.concat(lines, ignore_index=True) if lines else pd.DataFrame(columns=["method", "bed", "row"])


def record(entries: Sequence[Entry]) -> dict[str, Any]:
    """The record as plain values: a line a forecast, totals by method, and reliability of the forecasts' intervals."""
    lines = all_lines(entries)
    ours = lines[lines["method"] == OURS]
    told = [_line(entry) for entry in entries]
    return {
        "forecasts": told,
        "totals": {
            "forecasts": len(told),
            "resolved": sum(line["resolved"] for line in told),
            "open": sum(line["open"] for line in told),
            **_beside_baseline(lines),
            **_coverage(ours),
            "rps": _mean_rps(each for line in told for each in line["thresholds"]),
        },
        "methods": methods(lines),
        "reliability": reliability(ours).to_dict("records") if len(ours) else [],
    }


def _line(entry: Entry) -> dict[str, Any]:
    asked = entry.registered["question"]
    first = {
        "file": entry.file.name,
        "question": question_in_words(asked),
        "registered": entry.registered["registered"],
        "sha256": entry.registered["sha256"],
        "outcomes": None if entry.outcomes is None else entry.outcomes.name,
    }
    if entry.scores is None:
        empty = pd.DataFrame(columns=["method"])
        counts = {"resolved": 0, "open": sum(map(len, asked.values())), "joint": [], "thresholds": [], "warnings": []}
        return first | counts | _beside_baseline(empty) | _coverage(empty) | {"rps": None}
    found = as_dict(entry.registered, entry.scores) | {"warnings": entry.scores.warnings}
    names = ("resolved", "open", "joint", "thresholds", "warnings")
    beside = _beside_baseline(entry.scores.lines) | _coverage(entry.scores.ours)
    return first | {name: found[name] for name in names} | beside | {"rps": _mean_rps(found["thresholds"])}


def _mean_rps(thresholds: Iterable[dict[str, Any]]) -> float | None:
    """Mean ranked probability score of the thresholds that are resolved; None where none is."""
    known = [each["rps"] for each in thresholds if each["rps"] is not None]
    return sum(known) / len(known) if known else None


def _beside_baseline(lines: pd.DataFrame) -> dict[str, Any]:
    """Mean CRPS and that of the best of the baselines that forecast every outcome, chosen with hindsight."""
    names = ("crps", "best_baseline", "best_baseline_crps")
    if lines.empty:
        return dict.fromkeys(names)
    table = summary(lines).set_index("method")
    others = table.drop(index=OURS)
    others = others.loc[others["n"] == table.at[OURS, "n"], "crps"]
    best = None if others.empty else str(others.idxmin())
    return dict(zip(names, (table.at[OURS, "crps"], best, None if best is None else others.min()), strict=True))


def _coverage(ours: pd.DataFrame) -> dict[str, Any]:
    """Share of outcomes inside central intervals, each with its 95% Wilson interval; None without outcomes."""
    names = [f"coverage_{level}" for level in INTERVALS]
    if ours.empty:
        return dict.fromkeys(names)
    table, ends = summary(ours).iloc[0], {"share": "", "low": "_low", "high": "_high"}
    return {name: {end: table[name + of] for end, of in ends.items()} for name in names}
