"""Verdict on a jump: the metric's doing, a break in the loss, or not decidable; and what it rests on."""

from dataclasses import replace

import numpy as np

from forecast.posterior.fit import Fit
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import law_name, task_label
from forecast.questions.emergence.comparison import BREAK, EXPLAINED, FEWEST_RUNS, UNDECIDED, Comparison, compare
from models.equations.metrics import METRICS


def judged(
    fit: Fit, task: str, *, companion: str | None = None, seed: int
) -> tuple[str, str, Comparison | None, Comparison | None, Comparison | None]:
    """Verdict and reason of `decide`, and what they rest on.

    These are the loss over compute, the task over its companion, and, where single tokens may be guessed right and no
    break was found, the loss over compute if none is.
    """
    own, smooth, other = companions_of(fit, task, companion)
    over_compute = compare(fit, task, other or own, seed=seed)
    over_companion = compare(fit, task, [task], companion=other, seed=seed) if other else None
    unguessed = None
    if over_compute is not None and over_compute.decided <= 0 and "token_floor" in law_of_task(fit, (other or own)[0]):
        without = fit.posterior.drop_vars(["token_floor", "token_floor_residual"])
        unguessed = compare(replace(fit, posterior=without), task, other or own, seed=seed)
    said = decide(over_compute, over_companion, unguessed, companions=[*smooth, *other])
    return *said, over_compute, over_companion, unguessed


def companions_of(fit: Fit, task: str, companion: str | None) -> tuple[list[str], list[str], list[str]]:
    """The tasks of one law, those of them that are smoother, and the companion where it is of another law."""
    own = [str(each) for each in fit.data.task.values if law_name(fit, str(each)) == law_name(fit, task)]
    smooth = [each for each in own if sharpness(fit, each) < sharpness(fit, task)]
    other = [] if companion is None else [task_label(fit, companion)]
    return own, smooth, [each for each in other if each not in own]


def decide(
    over_compute: Comparison | None,
    over_companion: Comparison | None,
    unguessed: Comparison | None,
    *,
    companions: list[str],
) -> tuple[str, str]:
    """The verdict, and why nothing can be decided where that is it.

    *A break in the loss*: with a break at the jump, left-out runs are forecast better than without, by 4 nats and two
    standard errors. *Explained by the metric*: worse by as much, a smoother metric of the same law (or a companion) was
    among what was forecast, and the scores of the sharp metric lie where the smooth law puts them. A chance of guessing
    single tokens makes small models alike, as a loss that is flat before a break does: where there is a break unless
    tokens are guessed, nothing is decided.
    """
    if over_compute is None:
        return (
            UNDECIDED,
            f"fewer than {FEWEST_RUNS} runs lie on one side of every place where a break would make the jump",
        )
    if over_compute.decided > 0:
        return BREAK, ""
    if unguessed is not None and unguessed.decided > 0:
        return UNDECIDED, "a break, or tokens that small models guess right: both look alike; measure the loss itself"
    if over_compute.decided == 0:
        return UNDECIDED, "the two forecast left-out runs about equally well"
    if not companions:
        return UNDECIDED, "the smooth law forecasts better, but no smoother metric shows the loss: measure one"
    if over_companion is not None and over_companion.decided > 0:
        return UNDECIDED, "the companion's loss is smooth, but the task breaks away from it"
    if not over_compute.follows or (over_companion is not None and not over_companion.follows):
        return UNDECIDED, "the loss is smooth, but the sharp scores do not lie where it puts them"
    return EXPLAINED, ""


def sharpness(fit: Fit, task: str) -> tuple[float, ...]:
    of = fit.data.sel(task=task)
    metric = METRICS[of.metric.item()]
    k = (-1 if metric.is_attempts else 1) * of.task_k.item() if metric.k else of.task_length.item()
    return metric.sharpness, float(np.nan_to_num(k)), float(np.nan_to_num(of.task_length.item()))
