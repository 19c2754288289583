"""Answer of `design`: by how much each run or evaluation is expected to shrink the interval of a threshold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import ForecastError
from forecast.files import json_number
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import task_label, usual_items
from forecast.posterior.threshold import threshold
from forecast.published import Answer
from forecast.questions.design.candidates import Candidate, candidates_of, candidates_of_rows, checked_budget
from forecast.questions.design.interval import Expected, Posterior, Simulation, expected_after, posterior_of
from forecast.questions.design.refit import refit_check
from forecast.scales import Scale, scale_of
from forecast.stages import SILENT, Stages
from forecast.table.direction import can_be_modelled
from forecast.words import counted, plain_power

KEYS = (
    *("task", "metric", "at", "event", "family", "items", "budget", "seed", "outcomes", "draws", "horizon"),
    *("log10_compute", "p_never", "width", "interval_score", "candidates", "rankings", "refits"),
    *("unit", "held_width", "data_log10_compute", "families", "reached_with_less", "direction"),
)
FEWEST_EFFECTIVE = 100.0  # draws; with fewer an end of the interval rests on less than five of them
REFIT_WEIGHT = 2.0  # of the time that all outcomes take
PER_FLOP, PER_ITEMS = 1e21, 1000
DISTANCES = {
    *("width", "held_width", "interval_score", "expected_width", "sd_width", "error_width", "expected_score"),
    *("sd_score", "error_score", "reduction", "reduction_width", "reduction_per_1e21_flop", "reduction_per_1000_items"),
    "refit_width",
}


def design(
    fit: Fit,
    task: str,
    at: float,
    *,
    family: str | None = None,
    items: int | None = None,
    budget: float | None = None,
    rows: pd.DataFrame | None = None,
    refits: int = 0,
    simulation: Simulation = Simulation(),
    stages: Stages = SILENT,
) -> Answer:
    """Candidates ranked by how much they are expected to reduce the interval score of a threshold, per FLOP and item.

    log10_compute and width are those of `forecast.posterior.threshold.threshold`: all draws, the width 'inf' where an
    end is infinite. All that is expected is of a thinned posterior whose thresholds are held within `horizon`, as are
    held_width and interval_score, which it is set against. Distances are in `unit`: decades or, of dates, years.

    Parameters
    ----------
    task, at, family : as of `forecast.posterior.threshold.threshold`; new runs are of that family or of that of the
    largest run
    items : answers scored in each new evaluation; the usual number of the task when left out
    budget : FLOP that a new run may cost
    rows : the candidates themselves, a run each, as `forecast.table.dataset.read_rows` gives them; made here when left
    out
    refits : how many of the best candidates are checked by an exact refit to one simulated outcome
    stages : told what is under way
    """
    checked_budget(fit, budget)
    label, scale = task_label(fit, task), scale_of(fit.data)
    current = threshold(fit, label, at, family=family)
    items = usual_items(fit, label) if items is None else items
    asked: dict[str, Any] = {"items": items, "budget": budget, "seed": simulation.seed, "outcomes": simulation.outcomes}
    if not can_be_modelled(current["direction"]):
        return _without_candidates(current, asked, scale)
    posterior = posterior_of(fit, label, at, family=family, simulation=simulation)
    candidates = (
        candidates_of(fit, label, items=items, budget=budget, family=family)
        if rows is None
        else candidates_of_rows(fit, rows, items=items)
    )
    candidates = _affordable(candidates, budget)
    now = posterior.expected(np.full((1, len(posterior.values)), 1.0 / len(posterior.values)))
    stages.plan(1.0 + REFIT_WEIGHT * refits)
    ranked = _ranked(posterior, candidates, now, simulation=simulation, stages=stages)
    checks = []
    for candidate, _ in ranked[:refits]:
        of: dict[str, Any] = {"task": label, "at": at, "family": family}
        with stages.stage(f"fit again with {candidate.name}", weight=REFIT_WEIGHT):
            checks.append(refit_check(posterior, candidate, **of, simulation=simulation, stages=stages))
    lines = [_in_units(line, scale) for _, line in ranked]
    found = asked | {
        "draws": len(posterior.values),
        "horizon": list(posterior.horizon),
        "width": _width(current["log10_compute"]),
        "interval_score": float(now.scores[0]),
        "candidates": lines,
        "rankings": rankings(lines),
        "refits": [_in_units(each, scale) for each in checks],
        "held_width": float(now.widths[0]),
    }
    return _answer(current, _in_units(found, scale), scale)


def _without_candidates(current: Mapping[str, Any], asked: dict[str, Any], scale: Scale) -> Answer:
    """The same keys where no threshold can be given: there is nothing to shrink."""
    numbers = dict.fromkeys(("draws", "width", "interval_score", "held_width"))
    lists = {"horizon": [], "candidates": [], "rankings": rankings([]), "refits": []}
    return _answer(current, asked | numbers | lists, scale)


def _answer(current: Mapping[str, Any], found: dict[str, Any], scale: Scale) -> Answer:
    """What was found beside what is known of the threshold, in one order."""
    all_of_it = dict(current) | found | {"unit": scale.distance_unit}
    return Answer({name: all_of_it[name] for name in KEYS}, dated=scale.dated)


def _affordable(candidates: Sequence[Candidate], budget: float | None) -> list[Candidate]:
    """The candidates within a budget, FLOP; a `ForecastError` where there is none."""
    affordable = [each for each in candidates if budget is None or each.flop <= budget * (1.0 + 1e-9)]
    if budget is not None and not affordable:
        raise ForecastError(f"no candidate costs at most the budget of {plain_power(budget)} FLOP; raise --budget")
    return affordable


def _ranked(
    posterior: Posterior,
    candidates: Sequence[Candidate],
    now: Expected,
    *,
    simulation: Simulation,
    stages: Stages,
) -> list[tuple[Candidate, dict[str, Any]]]:
    """Candidates with what is expected of each, that of the largest expected reduction first."""
    lines = []
    with stages.stage(f"outcomes of {counted(len(candidates), 'candidate')}", weight=1.0):
        for done, each in enumerate(candidates):
            stages.advance(done / len(candidates), f"candidate {done + 1} of {len(candidates)}")
            lines.append((each, _expectation(each, now, expected_after(posterior, each, simulation=simulation))))
    return sorted(lines, key=lambda line: -line[1]["reduction"])


def _width(q: Mapping[str, float | str]) -> float | str | None:
    """Decades between the ends of an interval; 'inf' where one is infinite."""
    width = float(q["q95"]) - float(q["q05"]) if np.isfinite([float(q["q05"]), float(q["q95"])]).all() else np.inf
    return json_number(width)


def _in_units(found: dict[str, Any], scale: Scale) -> dict[str, Any]:
    """The same with its distances in units of the scale, not in decades."""
    units = {key: json_number(scale.units(found[key])) for key in DISTANCES & set(found) if found[key] is not None}
    return found | units


def rankings(lines: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Names of the candidates, best first: new runs by their reduction and per FLOP, evaluations per item."""

    def ranked(key: str) -> list[str]:
        own = [line for line in lines if line[key] is not None]
        return [line["name"] for line in sorted(own, key=lambda line: -line[key])]

    runs = [line["name"] for line in lines if line["flop"] > 0]
    evaluations = {line["name"] for line in lines if line["flop"] == 0}
    return {
        "runs": runs,
        "per_flop": ranked("reduction_per_1e21_flop"),
        "per_item": [name for name in ranked("reduction_per_1000_items") if name in evaluations],
    }


def _expectation(candidate: Candidate, now: Expected, after: Expected) -> dict[str, Any]:
    """What is expected after a candidate beside what is known now, in decades."""
    count, effective = len(after.widths), float(np.median(after.effective))
    reduction = float(now.scores[0] - after.scores.mean())
    first = candidate.rows.iloc[0]
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "model": str(first["model"]),
        "metrics": candidate.rows["metric"].tolist(),
        "log10_compute": float(np.log10(first["compute"])),
        "params": json_number(first["params"]),
        "tokens": json_number(first["tokens"]),
        "flop": candidate.flop,
        "items": candidate.items,
        "expected_width": float(after.widths.mean()),
        "sd_width": float(after.widths.std(ddof=1)),
        "error_width": float(after.widths.std(ddof=1)) / count**0.5,
        "expected_score": float(after.scores.mean()),
        "sd_score": float(after.scores.std(ddof=1)),
        "error_score": float(after.scores.std(ddof=1)) / count**0.5,
        "reduction": reduction,
        "reduction_width": float(now.widths[0] - after.widths.mean()),
        "reduction_per_1e21_flop": reduction / candidate.flop * PER_FLOP if candidate.flop else None,
        "reduction_per_1000_items": reduction / candidate.items * PER_ITEMS,
        "effective_draws": effective,
        "refit_to_be_sure": effective < FEWEST_EFFECTIVE,
    }
