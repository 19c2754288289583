"""Verdict on a jump: the metric's doing, a break in the loss, or not decidable; and what it rests on."""

import numpy as np

from forecast.posterior.fit import Fit
from forecast.posterior.tasks import law_name, task_label
from forecast.questions.emergence.comparison import FEWEST_RUNS, Comparison, compare
from forecast.questions.emergence.likelihood import rows_of
from models.equations.metrics import METRICS

EXPLAINED, BREAK, UNDECIDED = "explained by the metric", "a break in the loss", "not decidable with these data"


def judged(
    fit: Fit, task: str, *, companion: str | None = None, seed: int
) -> tuple[str, str, Comparison | None, Comparison | None]:
    """Verdict and reason of `decide`, and what they rest on: the loss over compute, the task over its companion."""
    own, smooth, other = companions_of(fit, task, companion)
    over_compute = compare(fit, task, other or own, seed=seed)
    over_companion = compare(fit, task, own, companion=other, seed=seed) if other else None
    said = decide(over_compute, over_companion, companions=[*smooth, *other])
    return *said, over_compute, over_companion


def companions_of(fit: Fit, task: str, companion: str | None) -> tuple[list[str], list[str], list[str]]:
    """The rates of one law, those of them that are smoother, and the companion that shows the loss in their place.

    Where none is named it is a loss measured on the same runs, of the same answers if there is one.
    """
    rates = [str(each) for each in fit.data.task.values if METRICS[fit.data.metric.sel(task=each).item()].is_rate]
    own = [each for each in rates if law_name(fit, each) == law_name(fit, task)]
    smooth = [each for each in own if sharpness(fit, each) < sharpness(fit, task)]
    other = measured_losses(fit, task)[:1] if companion is None else [task_label(fit, companion)]
    return own, smooth, [each for each in other if each not in own]


def measured_losses(fit: Fit, task: str) -> list[str]:
    """Losses measured on most runs of a task, and enough for a break: of its answers first, then on the most runs."""
    runs = fit.data.run_index.values[rows_of(fit, [task])]
    shared = {}
    for each in map(str, fit.data.task.values[fit.data.metric.values == "loss"]):
        shared[each] = np.intersect1d(runs, fit.data.run_index.values[rows_of(fit, [each])]).size
    enough = max(2 * FEWEST_RUNS, 0.5 * np.unique(runs).size)
    order = sorted(shared, key=lambda each: (law_name(fit, each) != law_name(fit, task), -shared[each]))
    return [each for each in order if shared[each] >= enough]


def decide(
    over_compute: Comparison | None, over_companion: Comparison | None, *, companions: list[str]
) -> tuple[str, str]:
    """The verdict, and why nothing can be decided where that is it.

    *A break in the loss*: a break is more than 95% likely, with even odds beforehand. *Explained by the metric*: less
    than 5%, a smoother metric of the same law, a measured loss or a companion was among what was seen, and the scores
    of the sharp metric lie where the smooth law puts them. Floors count among the smooth laws: small models that solve
    the easy items alone, or guess single tokens, are alike as well.

    Whether the loss has a break is the question, and its answer needs 95%. That the task leaves a companion whose loss
    is smooth is an objection to it, and counts where the evidence is for it: where a break there is likelier than not.
    """
    if over_compute is None:
        return (
            UNDECIDED,
            f"fewer than {FEWEST_RUNS} runs lie on one side of every place where a break would make the jump",
        )
    if over_compute.broken:
        return BREAK, ""
    if over_compute.floors_decide:
        return UNDECIDED, "a break, or a floor of easy items and guessed tokens: both look alike; measure the loss"
    if not over_compute.smooth:
        return UNDECIDED, "neither a break is 95% likely nor a smooth law, which may have floors or bend gradually"
    if not companions:
        return UNDECIDED, "a smooth law is likelier, but no smoother metric shows the loss: measure one"
    if over_companion is not None and over_companion.log_bayes_factor > 0:
        breaks = "breaks" if over_companion.broken else "may break"
        return UNDECIDED, f"the companion's loss is smooth, but the task {breaks} away from it"
    if not over_compute.follows or (over_companion is not None and not over_companion.follows):
        return UNDECIDED, "the loss is smooth, but the sharp scores do not lie where it puts them"
    return EXPLAINED, ""


def sharpness(fit: Fit, task: str) -> tuple[float, ...]:
    """How sharp the metric of a task is: greater is sharper, and more tokens of one metric are."""
    of = fit.data.sel(task=task)
    metric = METRICS[of.metric.item()]
    k = (-1 if metric.is_attempts else 1) * of.task_k.item() if metric.k else of.task_length.item()
    return metric.sharpness, float(np.nan_to_num(k)), float(np.nan_to_num(of.task_length.item()))
