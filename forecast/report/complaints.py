"""Complaints about a fit whose draws cannot be trusted: what is wrong, the likely cause, and a command to try."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from forecast.draws import FINE_ACCEPT, MAX_RHAT, MIN_ESS, ROUND
from forecast.posterior.fit import Fit
from forecast.posterior.names import named
from forecast.posterior.outliers import GROSS_ERROR, outliers
from forecast.table.describe import FEW_RUNS
from forecast.table.direction import refusals
from forecast.words import plain_power
from models.facts.guessing import likely_choices, unknown_chance
from models.structures import AVERAGED, DEFAULT

NAMED = 2  # parameters of a complaint
CAUSES = 2
MOST_DRAWS = 10_000  # a chain; who needs more has another problem
FINEST_ACCEPT = 0.98
TWO_MODES = 1.1  # R-hat of the tokens of warm-up
SAFETY = 1.5  # draws beyond those that would just do


def complaints(fit: Fit, *, start: str | None = None) -> list[str]:
    """Reasons not to trust the draws of a fit, heaviest first; empty when they can be trusted.

    The first says what is wrong with which parameters, what the likely cause is, and how to sample again: `start` is
    the command that made the fit, without options of sampling (left out: `fit_command`).
    """
    reasons = fit.diagnostics.reasons
    if not reasons:
        return []
    names = list(dict.fromkeys(named(fit, label) for label in fit.diagnostics.worst))[:NAMED]
    mixing = replace(fit.diagnostics, divergences=0).reasons  # which the worst parameters are of
    where = f", worst in {' and '.join(names)}" if names and mixing else ""
    causes = list(likely_causes(fit))[:CAUSES]
    why = f"; likely cause: {', and '.join(causes)}" if causes else ""
    again = " ".join([start or fit_command(fit), *_options(fit)])
    helps = len(refusals(fit.data)) < fit.data.sizes["task"]  # more draws never make the model fit what only falls
    return [f"{reasons[0]}{where}{why}" + (f"; try `{again}`" if helps else ""), *reasons[1:]]


def fit_command(
    fit: Fit,
    table: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = "FIT.nc",
    *,
    command: str = "fit",
) -> str:
    """The `forecast fit` that makes this fit, without options of sampling; its table by name where no path is known."""
    words = ["forecast", command, str(table or fit.table), *([] if output is None else ["-o", str(output)])]
    words += [] if fit.below is None else ["--below", plain_power(fit.below)]
    words += fit.adjusted
    words += [] if fit.since is None else ["--since", fit.since]
    words += _structures(fit)
    words += [] if fit.sampling.seed == 1 else ["--seed", str(fit.sampling.seed)]
    return shlex.join(words)


def run_command(fit: Fit, folder: Path, output: Path) -> str:
    """The `forecast run` that made a fit of a study, which holds its cuts and its seed itself."""
    words = ["forecast", "run", str(folder), *([] if output == folder / "output" else ["-o", str(output)])]
    return shlex.join([*words, *_structures(fit)])


def worst_complaints(fits: Mapping[str, tuple[Fit, Sequence[str]]]) -> list[str]:
    """The complaints about the fit that is sampled worst, named where there are several; fits by name."""
    unsound = {name: fit.diagnostics for name, (fit, said) in fits.items() if said}
    if not unsound:
        return []
    worst = max(unsound, key=lambda name: np.nan_to_num(unsound[name].max_rhat, nan=np.inf))
    first, *others = fits[worst][1]
    return [first if len(fits) == 1 else f"fit on {worst}: {first}", *others]


def not_modelled(fit: Fit, tasks: Iterable[str]) -> list[str]:
    """Why some of these tasks, by label, cannot be forecast: their scores fall or turn."""
    asked = set(tasks)
    return [said for task, said in refusals(fit.data).items() if task in asked] if asked else []


def spelled_out(fit: Fit, reasons: Sequence[str]) -> dict[str, Any]:
    """The diagnostics of a fit for a report: its worst parameters in words, and the reasons not to trust it."""
    worst = list(dict.fromkeys(named(fit, label) for label in fit.diagnostics.worst))
    return asdict(fit.diagnostics) | {"worst": worst, "reasons": list(reasons)}


def likely_causes(fit: Fit) -> Iterator[str]:
    """What probably keeps the chains of a fit apart, likeliest first."""
    data = fit.data
    for said in list(refusals(data).values())[:1]:
        yield f"{said.partition(' (rank correlation')[0]} (leave the task out)"
    if _draws(fit) < ROUND:
        yield f"only {_draws(fit)} draws a chain"
    if data.sizes["run"] < FEW_RUNS:
        yield f"the table has only {data.sizes['run']} runs"
    for task in np.flatnonzero(unknown_chance(data))[:1]:
        chance = 1.0 / likely_choices(data)[task]
        yield f"{data.task.values[task]} is a choice without a chance (fill the column chance, such as {chance:g})"
    if _has_two_warm_ups(fit):
        yield "chains disagree where warm-up ends (leave out the earliest checkpoints)"
    for row in outliers(fit, seed=fit.sampling.seed)[:1]:
        if row["p_broken"] > GROSS_ERROR:
            yield f"row {row['row']} fits nothing else ({row['model']} on {row['task']}; check it)"


def _has_two_warm_ups(fit: Fit) -> bool:
    """Whether chains disagree about where warm-up ends; ArviZ is imported only where asked."""
    if "log10_warm_up_tokens" not in fit.posterior:
        return False
    import arviz

    return float(arviz.rhat(fit.posterior.log10_warm_up_tokens.values)) > TWO_MODES


def _structures(fit: Fit) -> list[str]:
    if set(fit.weights) == set(DEFAULT):
        return []
    return ["--average"] if set(fit.weights) == set(AVERAGED) else ["--structures", ",".join(fit.weights)]


def _draws(fit: Fit) -> int:
    """Kept draws a chain, of all structures together."""
    return fit.diagnostics.total_draws // fit.sampling.chains


def _options(fit: Fit) -> list[str]:
    """Options of sampling that may help: enough draws, and finer steps where chains disagree or diverge."""
    found = fit.diagnostics
    least = np.nanmin([found.min_ess, MIN_ESS])
    needed = max(SAFETY * _draws(fit) * MIN_ESS / max(least, 1.0), 2.0 * ROUND)
    words = ["--draws", str(min(1000 * ceil(needed / 1000), MOST_DRAWS))]
    divergent = len(found.reasons) > len(replace(found, divergences=0).reasons)
    if needed <= MOST_DRAWS and found.max_rhat <= MAX_RHAT and not divergent:
        return words
    finer = FINE_ACCEPT if fit.sampling.target_accept < FINE_ACCEPT else FINEST_ACCEPT
    return [*words, "--tune", str(max(2 * fit.sampling.tune, 1000)), "--target-accept", str(finer)]
