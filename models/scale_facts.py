"""Where the runs of a table stand on the scale of compute, and which say most; plain NumPy, as `models.facts` is."""

import numpy as np

from models.guessing import chance_of_placing
from models.priors import Structure

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
FEWEST_INFORMATION = 0.003  # a row of a run, on the same scale; below it hardly any answer is right, or wrong
UNINFORMATIVE_ROW = 0.002  # weight of a row of all or nothing, where one half counts 0.25


def reference_compute(data):
    """Log compute at which the priors of the laws are placed and from which effective compute is counted.

    That of the median, in order of compute, of the runs that say most about a task, over the tasks.
    """
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    runs = [run for run in _informative_runs(data) if run >= 0]
    return x[order[int(np.median(np.argsort(order, kind="stable")[runs]))] if runs else order[len(x) // 2]]


def standard_weights(data):
    """Weights (2, run) that give the level at the reference and the slope of the least-squares line through runs.

    Runs count by what their scores say: most at one half, next to nothing at none or all. Effective compute measured by
    these two numbers is what the scores fix; the numbers themselves are what the compute of the runs fixes.
    """
    x, weight = data.log10_compute.values, _information(data) * telling_runs(data)
    weight /= weight.sum()
    centred = x - weight @ x
    slope = weight * centred / (weight @ centred**2)
    return np.stack([weight + (reference_compute(data) - weight @ x) * slope, slope])


def telling_runs(data):
    """Whether the scores of a run (run) say where it is; all runs where hardly any do."""
    rows = np.bincount(data.run_index.values, minlength=data.sizes["run"])
    telling = _information(data) > FEWEST_INFORMATION * rows.clip(1)
    return telling if telling.sum() > 3 else np.ones_like(telling)


def _information(data):
    """What the scores of a run (run) say about it: most at one half, next to nothing at none or all."""
    share = share_of_rows(data)
    informative = np.where(np.isnan(share), 0.25, share * (1.0 - share)) + UNINFORMATIVE_ROW
    return np.bincount(data.run_index.values, informative, data.sizes["run"])


def residual_basis(weights):
    """Orthonormal basis (run, run - 2) of what both weights overlook, as near to the single runs as can be.

    The symmetric orthonormalisation of Löwdin (1950), so that a coordinate is nearly the residual of one run. All runs
    but two have one; these two are the pair that the weights tell apart best, never two runs of equal compute, whose
    residuals the others do not determine.
    """
    projector = np.eye(weights.shape[1]) - np.linalg.pinv(weights) @ weights
    across = np.linalg.qr(weights.T)[0]
    area = np.abs(np.outer(across[:, 0], across[:, 1]) - np.outer(across[:, 1], across[:, 0]))
    kept = np.setdiff1d(np.arange(weights.shape[1]), np.unravel_index(np.argmax(area.round(12)), area.shape))
    eigenvalue, vector = np.linalg.eigh(projector[np.ix_(kept, kept)])
    return projector[:, kept] @ (vector / np.sqrt(eigenvalue)) @ vector.T


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    x, reference = data.log10_compute.values, reference_compute(data)
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def has_bend(data, structure: Structure):
    """Whether the law may bend: not where losses alone are seen, whose irreducible part would pass for a bend."""
    return structure.bend and not (data.metric.values == "loss").all()


def share_of_rows(data):
    """Score of each row between guessing, 0, and full marks, 1; NaN for losses."""
    chance = chance_of_placing(data)[data.task_index.values]
    share = ((data.placing.values - chance) / (1.0 - chance)).clip(0.0, 1.0)
    return np.where(data.metric.values[data.task_index.values] == "loss", np.nan, share)


def _informative_runs(data):
    """The run (task) that says most about a task: the last before the first that half solves it; -1 for losses."""
    x, share, runs = data.log10_compute.values, share_of_rows(data), []
    for t in range(data.sizes["task"]):
        rows = np.flatnonzero((data.task_index.values == t) & ~np.isnan(share))
        rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")]
        solved = np.flatnonzero(share[rows] > 0.5)
        last = max(solved[0] - 1, 0) if len(solved) else len(rows) - 1
        runs.append(data.run_index.values[rows[last]] if len(rows) else -1)
    return np.array(runs)
