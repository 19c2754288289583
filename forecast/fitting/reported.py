"""Reported quantities, on which draws are judged: curves and thresholds of all tasks, and parameters."""

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.posterior.predict import typical_score
from forecast.posterior.tasks import is_measured
from forecast.posterior.threshold import threshold_draws
from forecast.scales import scale_of
from forecast.table.dataset import rows_of_task

HALF = 0.5  # the score of which the threshold is judged
POINTS = 5  # of a curve, from the smallest run of a task to the largest
BEYOND = (1.0, 2.0)  # decades past the largest run
HORIZON = 6.0  # decades past the runs; a threshold farther away is only that
PARAMETERS = (
    "exponent",
    "nu",
    "ceiling",
    "irreducible",
    "progress",
    "family_effect",
    "params_exponent",
    "tokens_exponent",
)
"""Named in tables and verdicts. Spreads, residuals and other nuisances are not among them: their diagnostics are shown,
and what of them matters is in the curves."""


def reported(fit: Fit) -> xr.Dataset:
    """Draws (chain, draw) of what is said of a fit, of a typical family.

    The expected score of each task along its runs and one and two decades beyond, `score` (place); the compute at which
    it is one half, held within six decades of the runs, `threshold` (rate); and the parameters that are reported.
    """
    found = {name: fit.posterior[name] for name in PARAMETERS if name in fit.posterior}
    scale = scale_of(fit.data)
    scores, places, crossed, rates = [], [], [], []
    for task in map(str, fit.data.task.values):
        points = _places_on_curve(fit, task)
        scores.append(typical_score(fit, task, points).transpose("chain", "draw", "point").values)
        places += [f"{task} at {scale.text(point)}{scale.unit}" for point in points]
        if not is_measured(fit, task):
            ends = points[0] - HORIZON, points[-1] - BEYOND[-1] + HORIZON
            crossed.append(threshold_draws(fit, task, HALF).transpose("chain", "draw").values.clip(*ends))
            rates.append(task)
    found["score"] = xr.DataArray(np.concatenate(scores, axis=-1), {"place": places}, ("chain", "draw", "place"))
    if rates:
        found["threshold"] = xr.DataArray(np.stack(crossed, axis=-1), {"rate": rates}, ("chain", "draw", "rate"))
    return xr.Dataset(found).drop_vars("structure", errors="ignore")


def _places_on_curve(fit: Fit, task: str) -> np.ndarray:
    """Log10 FLOP at which the curve of a task is judged, ascending."""
    rows = rows_of_task(fit.data, task)
    own = np.unique(fit.data.log10_compute.values[fit.data.run_index.values[rows]])
    among = own[np.unique(np.linspace(0, len(own) - 1, POINTS).round().astype(int))]
    return np.concatenate([among, own[-1] + np.array(BEYOND)])
