"""Answer of `emergence`: facts about one task of a fit, and the sentence that they allow."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.draws import quantiles
from forecast.errors import ForecastError, shown
from forecast.files import json_number
from forecast.posterior.fit import Fit, evenly_thinned
from forecast.posterior.tasks import is_measured, law_name, rate_tasks, task_label, whole_length
from forecast.published import Answer
from forecast.questions.emergence.comparison import Comparison
from forecast.questions.emergence.curves import curves_at_runs, emergence_score, resolution, transition_width
from forecast.questions.emergence.likelihood import rows_of
from forecast.questions.emergence.verdict import BREAK, EXPLAINED, companions_of, judged, sharpness
from forecast.scales import Scale, named_by_fit
from forecast.words import counted
from models.dates import by_date
from models.equations.metrics import METRICS

CURVE_DRAWS_A_CHAIN = 100


def tasks_asked(fit: Fit, name: str | None, *, companion: str | None = None) -> list[str]:
    """The label that a user's name means, of a name with several metrics the sharpest; without one that of each law."""
    if name is None:
        found: dict[str, str] = {}
        for task in rate_tasks(fit):
            law = law_name(fit, task)
            found[law] = max(found.get(law, task), task, key=lambda each: sharpness(fit, each))
        if companion is not None:
            raise ForecastError("--companion belongs to one task; name it with --task")
        return list(found.values())
    named = [task for task in rate_tasks(fit) if fit.data.task_name.sel(task=task).item() == name]
    if name not in fit.data.task.values and len(named) > 1:
        return [max(named, key=lambda each: sharpness(fit, each))]
    label = task_label(fit, name)
    if is_measured(fit, label):
        raise ForecastError(f"{shown(label)} is a loss, which no metric makes sharp; name a rate")
    if companion is not None and task_label(fit, companion) == label:
        raise ForecastError(f"{shown(label)} cannot be its own companion; name a smoother measure of it")
    return [label]


def one_task(tasks: list[str]) -> str:
    """The only task, of which a figure is drawn; a `ForecastError` where there are several."""
    if len(tasks) > 1:
        listed = "; ".join(shown(task) for task in tasks[:10])
        raise ForecastError(f"a figure shows one task; choose with --task one of: {listed}")
    return tasks[0]


def emergence(fit: Fit, task: str, *, companion: str | None = None, seed: int) -> Answer:
    """All facts about the jump of one task, as JSON values, with the verdict and its sentence.

    `task` is a label of a rate; metrics of the same law count as its companions. `companion` names another task that
    measures the same capability more smoothly; where none is named a loss measured on the same runs is one.
    """
    own, smooth, other = companions_of(fit, task, companion)
    verdict, reason, over_compute, over_companion = judged(fit, task, companion=companion, seed=seed)
    metrics = [_metric(fit, each) for each in (*own, *other)]
    found = {
        "task": task,
        "metric": fit.data.metric.sel(task=task).item(),
        "companions": [*smooth, *other],
        "verdict": verdict,
        "sentence": "",
        "comparison": _comparison(over_compute),
        "through_companion": _comparison(over_companion),
        "metrics": metrics,
        "curves": _curves(fit, task),
        "resolution": resolution(fit, task),
    }
    return Answer(found | {"sentence": sentence(found, reason, named_by_fit(fit.data))}, dated=by_date(fit.data))


def sentence(found: dict[str, Any], reason: str, scale: Scale) -> str:
    """The verdict with its numbers."""
    said = f"{found['task']}: {found['verdict']}"
    said += f" ({reason})." if reason else "."
    if compared := found["comparison"]:
        seen = " and ".join(compared["tasks"])
        said += (
            f" By {seen} of {counted(compared['runs'], 'run')}, the probability of a break in the loss at the jump is "
            f"{_probability(compared['p_break'])}, with even odds beforehand."
        )
        if found["verdict"] == BREAK:
            place = max(compared["break"], key=lambda each: each["p"])["log10_compute"]
            said += f" Beyond {scale.named(place)} the loss falls {compared['steepening']:.0f} times as fast."
        if found["verdict"] == EXPLAINED and compared["inside_90"]:
            inside, points = compared["inside_90"]
            said += f" The smooth laws' 90% intervals hold {inside} of {points} scores of runs left out."
    named = [
        f"{METRICS[each['metric']].words} {scale.bounded(each['width_decades']['q50'], '.1f')}"
        for each in found["metrics"]
        if each["width_decades"]
    ]
    return said + f" From 10 to 90% of the rise in {scale.distance_unit}: {', '.join(named)}."


def _probability(p: float) -> str:
    return "below 1%" if p < 0.01 else "above 99%" if p > 0.99 else f"{p:.0%}"


def _metric(fit: Fit, task: str) -> dict[str, Any]:
    data, rows = fit.data, rows_of(fit, [task])
    order = np.argsort(data.log10_compute.values[data.run_index.values[rows]], kind="stable")
    score = data.score.values[rows][order]
    of = data.sel(task=task)
    return {
        "task": task,
        "metric": of.metric.item(),
        "length": json_number(of.task_length.item()),
        "k": json_number(of.task_k.item()) if METRICS[of.metric.item()].k else None,
        "runs": len(rows),
        "emergence_score": json_number(emergence_score(score)) if len(score) > 1 else None,
        "width_decades": None if is_measured(fit, task) else quantiles(transition_width(fit, task).values),
    }


def _comparison(of: Comparison | None) -> dict[str, Any] | None:
    if of is None:
        return None
    return {
        "tasks": list(of.tasks),
        "runs": len(of.log10_compute),
        "p_break": of.p_break,
        "log_bayes_factor": of.log_bayes_factor,
        "log_bayes_factor_without_floors": of.log_bayes_factor_without_floors,
        "break": [{"log10_compute": float(x), "p": float(p)} for x, p in zip(of.positions, of.p_position, strict=True)],
        "steepening": of.steepening,
        "inside_90": None if of.inside is None else list(of.inside),
    }


def _curves(fit: Fit, task: str) -> list[dict[str, Any]]:
    """Scores under every metric that one law expects of each run, beside what was observed."""
    few, data = evenly_thinned(fit, CURVE_DRAWS_A_CHAIN), fit.data
    lines: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for row in rows_of(fit, [task]):
        run = int(data.run_index.values[row])
        at = {"model": str(data.run.values[run]), "log10_compute": float(data.log10_compute.values[run])}
        for key, draws in curves_at_runs(few, task, int(row)).items():
            lines.setdefault(key, []).append(
                at | {"observed": _observed(fit, task, key, run)} | quantiles(draws.values)
            )
    return [
        {
            "metric": metric,
            "k": k,
            "length": whole_length(fit, task),
            "runs": sorted(at, key=lambda p: p["log10_compute"]),
        }
        for (metric, k), at in lines.items()
    ]


def _observed(fit: Fit, task: str, key: tuple[str, int | None], run: int) -> float | None:
    data, (metric, k) = fit.data, key
    for row in np.flatnonzero(data.run_index.values == run):
        label = str(data.task.values[data.task_index.values[row]])
        of = data.sel(task=label)
        same = of.metric.item() == metric and law_name(fit, label) == law_name(fit, task)
        same &= not METRICS[metric].k or of.task_k.item() == k
        same &= (
            metric == "token_accuracy"
            or label == task
            or of.task_length.item() == data.task_length.sel(task=task).item()
        )
        if same:
            return float(data.score.values[row])
    return None


def observed_scores(fit: Fit, task: str) -> dict[tuple[str, int | None], pd.DataFrame]:
    """Observed scores of the metrics that `curves_of_law` gives, for a figure."""
    data, found = fit.data, {}
    for label in map(str, data.task.values):
        metric = data.metric.sel(task=label).item()
        if law_name(fit, label) != law_name(fit, task) or not METRICS[metric].is_rate:
            continue
        of_k = data.task_k.sel(task=label).item() if METRICS[metric].k else None
        k = whole_length(fit, label) if metric == "exact_match" else of_k
        rows = rows_of(fit, [label])
        columns = {"score": data.score.values[rows], "trials": data.trials.values[rows]}
        x = data.log10_compute.values[data.run_index.values[rows]]
        found[metric, k if k is None else int(k)] = pd.DataFrame({"log10_compute": x} | columns)
    return found
