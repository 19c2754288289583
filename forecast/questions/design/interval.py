"""Interval of a threshold after a candidate: simulated outcomes and importance weights.

Every outcome weighs the posterior draws by its probability under each of them, so that no candidate needs a refit.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecast.posterior.fit import Fit
from forecast.posterior.threshold import threshold_draws
from forecast.questions.design.candidates import Candidate
from forecast.questions.design.expected import measurements
from forecast.questions.design.outcomes import (
    draw_outcomes,
    effective_draws,
    interval_ends,
    interval_scores,
    log_likelihood,
    scatter_of,
    spread_truths,
    weights_of,
)
from forecast.table.dataset import rows_of_task

HORIZON = 3.0  # decades below and beyond the runs of the task; farther, and never, are all the same to who plans a run


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """How well expected widths are known."""

    seed: int = 1
    outcomes: int = 100  # simulated for each candidate
    draws: int = 2000  # of the posterior, evenly thinned


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """A thinned posterior and its threshold: what all candidates of one question share."""

    fit: Fit
    values: np.ndarray  # (draw,) log10 FLOP of the threshold, may be infinite
    group: np.ndarray  # (draw,) structure
    horizon: tuple[float, float]  # log10 FLOP
    truth: np.ndarray  # (outcome,) the draws that are taken for true

    def expected(self, weights: np.ndarray) -> "Expected":
        """The interval under each row of weights (outcome, draw)."""
        ends = interval_ends(self.values, weights)
        held = ends.clip(*self.horizon)
        return Expected(
            ends=ends,
            widths=held[1] - held[0],
            scores=interval_scores(self.values.clip(*self.horizon), weights, held),
            effective=effective_draws(weights),
        )


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The 90% interval after each simulated outcome, and how far its weights can be trusted."""

    ends: np.ndarray  # (2, outcome) log10 FLOP, may be infinite
    widths: np.ndarray  # (outcome,) decades, ends held within the horizon: never infinite
    scores: np.ndarray  # (outcome,) interval score, decades
    effective: np.ndarray  # (outcome,) effective draws


def posterior_of(fit: Fit, label: str, at: float, *, family: str | None, simulation: Simulation) -> Posterior:
    """The thinned posterior, its threshold draws, and the draws taken for true, evenly over their thresholds."""
    sizes = fit.posterior.sizes
    step = max(1, -(-sizes["chain"] * sizes["draw"] // simulation.draws))
    thinned = replace(fit, posterior=fit.posterior.isel(draw=slice(None, None, step)))
    values = threshold_draws(thinned, label, at, family=family).transpose("chain", "draw").values.ravel()
    data = fit.data
    own = data.log10_compute.values[data.run_index.values[rows_of_task(data, label)]]
    posterior = thinned.posterior
    structure = posterior.structure.values if "structure" in posterior.coords else np.zeros(posterior.sizes["draw"])
    return Posterior(
        fit=thinned,
        values=values,
        group=np.tile(structure, posterior.sizes["chain"]),
        horizon=(float(own.min() - HORIZON), float(own.max() + HORIZON)),
        truth=spread_truths(values, simulation.outcomes, np.random.default_rng(simulation.seed)),
    )


def simulated(posterior: Posterior, candidate: Candidate, *, simulation: Simulation) -> tuple[np.ndarray, np.ndarray]:
    """Simulated outcomes of a candidate (measurement, outcome) and the weights they give the draws (outcome, draw)."""
    rng = np.random.default_rng([simulation.seed, 1])  # the same for each candidate: their differences have less noise
    scatter = scatter_of(posterior.fit.priors, posterior.fit.parts)
    measured = measurements(posterior.fit, candidate.rows, rng=rng)
    values, trials = draw_outcomes(measured, posterior.truth, scatter, rng)
    likelihood = log_likelihood(measured, values, trials, scatter)
    return values, weights_of(likelihood, posterior.truth, posterior.group)


def expected_after(posterior: Posterior, candidate: Candidate, *, simulation: Simulation) -> Expected:
    """The interval after each of the simulated outcomes of a candidate."""
    return posterior.expected(simulated(posterior, candidate, simulation=simulation)[1])
