"""Differences between two results of one study, each in units of the Monte Carlo error that it may have.

A result is what `result.json` holds. Numbers that follow from draws are compared: quantiles, probabilities and the CRPS
of forecasts. The effective draws are those of the fit, the smaller of the two results'.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from forecast.published import NUMBER

ERRORS = 6.0
"""Monte Carlo errors that are too many for chance: one normal number in a hundred million is as far out."""
WIDTHS = (("q25", "q75", 1.0), ("q05", "q95", 2 * 1.645))  # ends of intervals that are so many standard deviations wide
LEVEL = re.compile(r"q(\d\d)")
LABELS = ("fit", "task", "at", "name", "method", "event", "date", "log10_compute")  # tell the lines of a list apart
RUNGS = ("reached_with_less", "p_crossed_by")  # lists that may be longer or shorter by chance


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One number, or fact, in which two results differ by more than chance."""

    where: str
    before: Any
    now: Any
    errors: float | None  # Monte Carlo errors between them; None: chance plays no part

    def __str__(self) -> str:
        how = "" if self.errors is None else f" ({self.errors:.0f} Monte Carlo errors)"
        return f"{self.where}: {_shown(self.before)} before, {_shown(self.now)} now{how}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """All that differs between two results of a study by more than Monte Carlo error, or in what they are of."""
    found, draws = list[Difference](), effective_draws(before, now)
    for label, one, two in _paired(before["fits"], now["fits"]):
        if one is None or two is None:
            found.append(_missing(label, one, two))
            continue
        ess = min(effective_draws({"fits": [each]}) for each in (one, two))
        found += _of_lists(one["thresholds"], two["thresholds"], label, ess)
        found += _of_methods(one.get("methods") or (), two.get("methods") or (), label, ess)
    return found + list(_of_lists(before.get("when") or (), now.get("when") or (), "when", draws))


def effective_draws(*results: Mapping[str, Any]) -> float:
    """The fewest effective draws of all fits."""
    found = [each["diagnostics"] for result in results for each in result["fits"]]
    return min(float(each["min_ess_bulk"] or each["total_draws"]) for each in found)  # none where no number varies


def errors_apart(
    before: Mapping[str, Any], now: Mapping[str, Any], *, ess: float, may_be_endless: bool = False
) -> float:
    """Monte Carlo errors between quantiles of two posteriors, by name such as q05: the most of any.

    The error of a median is its standard deviation / sqrt(ESS), that of the share of draws below a quantile at level p
    sqrt(p (1 - p) / ESS); between levels a distribution is taken as normal. Of infinite ends only that both have them
    is compared, or nothing where they `may_be_endless`, since how often is compared elsewhere.
    """
    names = [name for name in before if LEVEL.fullmatch(name) and now.get(name) is not None]
    old, new = (np.array([place_of(each[name]) for name in names]) for each in (before, now))
    known = np.isfinite(old) & np.isfinite(new)
    if not may_be_endless and np.any(np.isinf([old[-1], new[-1]])):
        return 0.0 if old[-1] == new[-1] else np.inf
    levels = np.array([int(name[1:]) / 100 for name in names])[known]
    pair = {name: (one, two) for name, one, two in zip(names, old, new, strict=True) if np.isfinite([one, two]).all()}
    shares = [_excess(levels, *both) / np.sqrt(levels * (1 - levels)) for both in _both_ways(old[known], new[known])]
    found = np.max(shares, initial=0.0) / np.sqrt(2 / ess)
    widths = [np.subtract(pair[high], pair[low]).max() / sd for low, high, sd in WIDTHS if {low, high} <= pair.keys()]
    if "q50" in pair and widths and (distance := abs(np.subtract(*pair["q50"]))):
        found = max(found, distance / min(widths) / np.sqrt(2 / ess)) if min(widths) > 0 else np.inf
    return float(found)


def _both_ways(old: np.ndarray, new: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    return (old, new), (new, old)


def _excess(levels: np.ndarray, of: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How far the share of one distribution below each quantile of the other is from its level, at least."""
    if len(levels) < 2:
        return np.zeros(len(levels))
    least, most = _shares(levels, of, places)
    return np.maximum(np.maximum(levels - most, least - levels), 0.0)


def _shares(levels: np.ndarray, of: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest share that may lie below places, of a distribution with quantiles at levels."""
    below, upto = np.searchsorted(of, places, "left"), np.searchsorted(of, places, "right")
    ends = np.concatenate([[0.0], levels, [1.0]])
    _, once = np.unique(of, return_index=True)
    between = ndtr(np.interp(places, of[once], ndtri(levels[once])))
    known = (below == upto) & (below > 0) & (upto < len(of))  # between two quantiles, and none of them
    return np.where(known, between, ends[below]), np.where(known, between, ends[upto + 1])


def place_of(value: Any) -> float:
    """A number of a result, or a date in years; infinite where it is beyond the calendar."""
    if not isinstance(value, str) or value.endswith("inf"):
        return float(value)
    if not value[0].isdigit():
        return -np.inf if value.startswith("before") else np.inf
    day = date.fromisoformat(value)
    return day.year + day.timetuple().tm_yday / 366


def _of_lists(before: Sequence[Any], now: Sequence[Any], where: str, ess: float) -> Iterator[Difference]:
    for label, one, two in _paired(before, now):
        if one is not None and two is not None:
            yield from _numbers(one, two, f"{where}, {label}", ess)
        elif not where.endswith(RUNGS):
            yield _missing(f"{where}, {label}", one, two)


def _numbers(before: Mapping[str, Any], now: Mapping[str, Any], where: str, ess: float) -> Iterator[Difference]:
    """What differs among all quantiles and probabilities of an answer."""
    for key in (key for key in before if key in now and key != "diagnostics"):
        one, two, place = before[key], now[key], f"{where}, {key}"
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            if "q50" in one and "q50" in two:
                yield from _of_quantiles(one, two, place, ess)
            else:
                yield from _numbers(one, two, place, ess)
        elif isinstance(one, list) and isinstance(two, list):
            old, new = ([each for each in lines if isinstance(each, Mapping)] for lines in (one, two))
            yield from _of_lists(old, new, place, ess)
        elif any(isinstance(each, Mapping | list) for each in (one, two)):
            yield _missing(place, one, two)
        elif NUMBER.fullmatch(key) and one != two:
            errors = np.inf if None in (one, two) else _of_chances(one, two, ess)
            if errors > ERRORS:
                yield Difference(where=place, before=one, now=two, errors=errors if np.isfinite(errors) else None)


def _of_quantiles(before: Mapping[str, Any], now: Mapping[str, Any], where: str, ess: float) -> Iterator[Difference]:
    medians = before["q50"], now["q50"]
    if medians == (None, None):
        return
    apart = np.inf if None in medians else errors_apart(before, now, ess=ess, may_be_endless=True)
    if apart > ERRORS:
        said = [{name: each.get(name) for name in ("q05", "q50", "q95")} for each in (before, now)]
        yield Difference(where=where, before=said[0], now=said[1], errors=apart if np.isfinite(apart) else None)


def _of_chances(before: float, now: float, ess: float) -> float:
    """Monte Carlo errors between two probabilities; near 0 and 1 the rule of three takes the place of sqrt(p(1-p))."""
    excess = abs(before - now) - ERRORS**2 * (2 / ess) / 10
    spread = np.sqrt(max(p * (1 - p) for p in (before, now)) * 2 / ess)
    return 0.0 if excess <= 0 else float(excess / spread) if spread else np.inf


def _of_methods(before: Sequence[Any], now: Sequence[Any], where: str, ess: float) -> Iterator[Difference]:
    """A CRPS changes by no more than the mean distance of two forecasts, and that by sd / sqrt(ESS)."""
    for label, one, two in _paired(before, now):
        place = f"{where}, {label}: CRPS"
        if one is None or two is None:
            yield _missing(place, one, two)
        elif distance := abs(one["crps"] - two["crps"]):
            sd = one["width_90"] / 3.29
            errors = distance / (sd * np.sqrt(2 / ess)) if sd else np.inf
            if errors > ERRORS:
                yield Difference(where=place, before=one["crps"], now=two["crps"], errors=float(errors))


def _paired(before: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Lines of two lists by what tells them apart; None where one list lacks a line."""
    old, new = ({_label(each): each for each in lines} for lines in (before, now))
    for label in dict.fromkeys([*old, *new]):
        yield label, old.get(label), new.get(label)


def _label(line: Mapping[str, Any]) -> str:
    return " ".join(str(line[name]) for name in LABELS if isinstance(line.get(name), str | int | float))


def _missing(where: str, before: Any, now: Any) -> Difference:
    there, gone = "there", "missing"
    return Difference(
        where=where, before=gone if before is None else there, now=gone if now is None else there, errors=None
    )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{_shown(value['q50'])} ({_shown(value['q05'])} to {_shown(value['q95'])})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
