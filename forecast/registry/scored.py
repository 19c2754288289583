"""Scores of a registered forecast, beside those of the baselines that were frozen with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.registry.outcomes import Matched, of_task
from forecast.registry.places import place_of, told_place
from forecast.scoring.crossing import crossing, ranked_probability_score
from forecast.scoring.joint import joint_scores
from forecast.scoring.rows import score_rows
from forecast.scoring.summary import INTERVALS, OURS, summary
from forecast.words import counted, first_of
from models.equations.metrics import METRICS, rates

OF_LINE = ("outcome", "q05", "q50", "q95", "inside_50", "inside_80", "inside_90", "crps", "log_score", "pit")
OF_METHOD = ("method", "n", "crps", "log_score", "coverage_50", "coverage_80", "coverage_90")


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A forecast beside its outcomes."""

    lines: pd.DataFrame  # of `forecast.scoring.rows.score_rows`, of all methods; row: place in the question
    joint: list[dict[str, Any]]  # by method: energy_score and variogram_score; none of fewer than two outcomes
    thresholds: list[dict[str, Any]]
    warnings: list[str]
    unmatched: pd.DataFrame  # outcomes that neither a row nor a threshold asks for

    @property
    def ours(self) -> pd.DataFrame:
        """The lines of the forecast itself."""
        return self.lines[self.lines["method"] == OURS]


def scored(registered: Mapping[str, Any], found: Matched) -> Scored:
    """Scores of all rows with an outcome and of all thresholds of whose task there are outcomes."""
    draws = {OURS: registered["draws"]["rows"], **registered["baselines"]}
    places = found.rows.index.to_numpy()
    each = {name: np.array(of, dtype=float)[:, places] for name, of in draws.items()} if len(places) else {}
    cut = place_of(registered["data"]["farthest"])
    options: dict[str, Any] = {"log10_cut": cut, "seed": registered["seed"]}
    lines = [score_rows(of, found.rows, method=name, **options) for name, of in each.items()]
    lines[:1] = [_by_frozen_quantiles(first, registered["forecast"]["rows"]) for first in lines[:1]]
    rate = found.rows["metric"].isin(rates())
    outcome = (found.rows["successes"] / found.rows["trials"]).astype("Float64").where(rate, found.rows["score"])
    seen = outcome.to_numpy(dtype=float)
    joint = [{"method": name, **joint_scores(found.rows, of, seen)} for name, of in each.items() if len(places) > 1]
    return Scored(
        lines=pd.concat(lines, ignore_index=True) if lines else pd.DataFrame(columns=["method", "row"]),
        joint=joint,
        thresholds=_thresholds(registered, found.all),
        warnings=list(_warnings(registered, found)),
        unmatched=_unmatched(registered["question"]["thresholds"], found.unmatched),
    )


def _by_frozen_quantiles(lines: pd.DataFrame, forecast: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """The lines of the forecast with its frozen intervals, of all draws, in place of those of the sample."""
    frozen = pd.DataFrame([forecast[place] for place in lines["row"]], index=lines.index).astype(float)
    inside = {
        f"inside_{percent}": (frozen[low] <= lines["outcome"]) & (lines["outcome"] <= frozen[high])
        for percent, (low, high) in INTERVALS.items()
    }
    return lines.assign(**{name: frozen[name] for name in ("q05", "q50", "q95")}, **inside)


def _unmatched(thresholds: Sequence[Mapping[str, Any]], outcomes: pd.DataFrame) -> pd.DataFrame:
    used = [of_task(outcomes, asked) for asked in thresholds]
    return outcomes[~np.any(used, axis=0)] if used else outcomes


def _thresholds(registered: Mapping[str, Any], outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """Each threshold on the ladder of the runs that were seen and those of the outcomes; open where there are none."""
    asked = zip(*(registered[name]["thresholds"] for name in ("question", "draws")), strict=True)
    return [_threshold(threshold, draws, registered["data"], outcomes) for threshold, draws in asked]


def _threshold(
    asked: Mapping[str, Any], draws: list[Any], data: Mapping[str, Any], outcomes: pd.DataFrame
) -> dict[str, Any]:
    ladder, dated = pd.DataFrame(data["ladders"][asked["label"]]), data["scale"] == "date"
    new = outcomes[of_task(outcomes, asked)]
    new = new[~new["model"].isin(ladder["model"])]
    named = {name: asked[name] for name in ("label", "metric", "at", "event")}
    if new.empty:
        return named | dict.fromkeys(("rps", "low", "high", "inside_90")) | {"outcomes": 0}
    places = np.array([place_of(draw) for draw in draws])
    x = np.concatenate([[place_of(place) for place in ladder["place"]], np.log10(new["compute"].to_numpy(dtype=float))])
    sign = -1.0 if METRICS[asked["metric"]].falls else 1.0
    score = sign * np.concatenate([ladder["score"], new["score"]])
    truth = crossing(x, score, sign * asked["at"])
    low, high = np.quantile(places, (0.05, 0.95), method="inverted_cdf")
    return named | {
        "rps": ranked_probability_score(places, truth),
        "low": told_place(truth.low, dated=dated),
        "high": told_place(truth.high, dated=dated),
        "inside_90": bool(low <= truth.high and high >= truth.low),
        "outcomes": len(new),
    }


def _warnings(registered: Mapping[str, Any], found: Matched) -> Iterator[str]:
    """What speaks against the scores, or was left out of them."""
    if reasons := registered["fit"]["diagnostics"]["reasons"]:
        yield f"the fit could not be trusted when it was registered: {'; '.join(reasons)}"
    asked = registered["question"]["rows"]
    if models := _models(asked[place]["model"] for place in found.rows.index if asked[place]["learned"]):
        yield f"the fit has learned from {models} on the same task: what it says of these is no forecast"
    early = found.all["date"] < pd.Timestamp(registered["registered"][:10])
    if models := _models(found.all["model"][early]):
        yield (
            f"released before the forecast was registered on {registered['registered'][:10]}: {models}; "
            "the scores may have been known"
        )
    yield from _other_items(asked, found.new_items)


def _other_items(asked: Sequence[Mapping[str, Any]], new_items: Mapping[int, tuple[int, int]]) -> Iterator[str]:
    """Outcomes of other items than the forecast is of, a sentence for each pair of numbers."""
    for pair in dict.fromkeys(new_items.values()):
        rows = [asked[place] for place, of in new_items.items() if of == pair]
        named = first_of([f"{row['model']} on {row['label']}" for row in rows], 1)
        yield f"the forecast is of {pair[0]} items, the outcome of {pair[1]}: {named}"


def unasked(outcomes: pd.DataFrame) -> str:
    """Outcomes that nothing asks for, as a sentence."""
    names = [f"row {line} ({row['model']} on {row['task']})" for line, row in outcomes.iterrows()]
    return f"{counted(len(names), 'outcome')} that no forecast asks for: {first_of(names)}"


def _models(names: Iterable[str]) -> str:
    return first_of(list(dict.fromkeys(map(str, names))))


def methods(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean scores and coverage of each method, the forecast first; no log score where counts and losses are mixed."""
    if lines.empty:
        return []
    table = summary(lines)[list(OF_METHOD)]
    mixed = lines["metric"].isin(rates()).nunique() > 1
    return table.assign(log_score=None if mixed else table["log_score"]).to_dict("records")


def as_dict(registered: Mapping[str, Any], scores: Scored) -> dict[str, Any]:
    """Scores as plain values: rows with their outcome or none, methods, joint scores, thresholds, warnings."""
    ours = scores.ours.set_index("row")
    rows = [
        {name: row[name] for name in ("model", "label", "metric")}
        | (ours.loc[place, list(OF_LINE)].to_dict() if place in ours.index else dict.fromkeys(OF_LINE))
        for place, row in enumerate(registered["question"]["rows"])
    ]
    resolved = len(ours) + sum(each["rps"] is not None for each in scores.thresholds)
    return {
        "registered": registered["registered"],
        "sha256": registered["sha256"],
        "resolved": resolved,
        "open": len(rows) + len(scores.thresholds) - resolved,
        "rows": rows,
        "methods": methods(scores.lines),
        "joint": scores.joint,
        "thresholds": scores.thresholds,
        "unmatched": [
            {"row": line, "model": row["model"], "task": row["task"]} for line, row in scores.unmatched.iterrows()
        ],
        "warnings": [*scores.warnings, *([unasked(scores.unmatched)] if len(scores.unmatched) else [])],
    }
