"""Rows that the model finds surprising: scores far from what it expects of that run on that task."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from forecast.predict import expected_score, family_deviation
from forecast.store import Fit

BROKEN = 0.5  # probability from which a row is called broken
SURPRISING = 0.002  # two-sided tail of the predictive: one row in five hundred by chance
MOST_DRAWS = 1000


def surprising_rows(fit: Fit, *, seed: int = 1) -> list[dict[str, Any]]:
    """Rows called broken, and rows in the far tail of their own predictive distribution, most surprising first.

    `p_broken` is the posterior probability that the row is one of the broken evaluations which score anything
    (`models.priors.Priors.broken_share`); `tail` the two-sided tail probability of its count under the fitted curve.
    """
    rng, data = np.random.default_rng(seed), fit.data
    step = max(1, fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"] // MOST_DRAWS)
    law = fit.posterior.isel(draw=slice(None, None, step))
    thinned = replace(fit, posterior=law)
    theta_of_run = (law.theta - law.theta_origin) / law.theta_scale
    share = fit.priors.broken_share if fit.structure.broken_rows else 0.0
    found = []
    for row in range(data.sizes["observation"]):
        task = str(data.task.values[data.task_index.values[row]])
        run = int(data.run_index.values[row])
        trials, successes = int(data.trials.values[row]), int(data.successes.values[row])
        family = str(data.family.values[data.family_index.values[run]])
        theta = theta_of_run.isel(run=run) + family_deviation(thinned, task, family)
        mean = expected_score(thinned, task, theta).values.ravel().clip(1e-12, 1 - 1e-12)
        weight = law.concentration.sel(task=task).values.ravel()
        sound = np.exp(stats.betabinom.logpmf(successes, trials, mean * weight, (1 - mean) * weight))
        broken = share / (trials + 1)
        counts = rng.binomial(trials, rng.beta(mean * weight, (1 - mean) * weight))
        tail = 2.0 * min((counts <= successes).mean(), (counts >= successes).mean())
        p_broken = float(np.mean(broken / (broken + (1 - share) * sound + 1e-300)))
        if p_broken > BROKEN or tail < SURPRISING:
            low, middle, high = np.quantile(counts / trials, (0.05, 0.5, 0.95), method="inverted_cdf")
            found.append(
                {
                    "row": int(data.observation.values[row]),
                    "model": str(data.run.values[run]),
                    "task": task,
                    "score": float(data.score.values[row]),
                    "expected": {"q05": float(low), "q50": float(middle), "q95": float(high)},
                    "tail": min(float(tail), 1.0),
                    "p_broken": p_broken,
                }
            )
    return sorted(found, key=lambda each: (-each["p_broken"], each["tail"]))
