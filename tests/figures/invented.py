"""An invented task with its curve and runs, for tests of figures."""

import numpy as np
import pandas as pd

from forecast.posterior.views.curve import TaskForecast

LEVELS = (5, 10, 25, 50, 75, 90, 95)


def runs_of(families=("all",), n=12, held_out=3, **columns) -> pd.DataFrame:
    x = np.linspace(20.0, 23.0, n)
    table = {
        "model": [f"run {i}" for i in range(n)],
        "family": [families[i % len(families)] for i in range(n)],
        "moved_to": x + 0.1 if len(families) > 1 else np.full(n, np.nan),
        "log10_compute": x,
        "score": np.linspace(0.0, 0.4, n),
        "trials": 100.0,
        "held_out": np.arange(n) >= n - held_out,
    }
    return pd.DataFrame(table | columns)


def task_of(name="sums", *, threshold=(22.5, 23.0, 24.0, 25.0, 25.8), p_never=0.04, observed=None, **changes):
    """`threshold` is q05, q25, q50, q75 and q95, log10 FLOP."""
    observed = runs_of() if observed is None else observed
    seen = observed.loc[~observed["held_out"], "log10_compute"]
    places = dict(zip(("q05", "q25", "q50", "q75", "q95"), threshold, strict=True))
    grid = np.linspace(19.7, 26.0, 50)
    rising = 1 / (1 + np.exp(-1.5 * (grid - 24.0)))
    curve = {f"q{p:02d}": (0.5 + 0.5 * p / 100) * rising for p in (5, 25, 50, 75, 95)}
    answer = {
        "log10_compute": places,
        "p_never": p_never,
        "data_log10_compute": [20.0, float(seen.max()) if len(seen) else 22.0],
    }
    fields = {"task": name, "metric": "exact_match", "at": 0.5, "threshold": answer, "grid": grid, "curve": curve}
    fields |= {"log10_compute_draws": np.array(threshold), "observed": observed}
    return TaskForecast(**fields | changes)


def known_runs(**more) -> pd.DataFrame:
    table = {
        "model": ["old net", "GPT-3", "GPT-3b of others", "GPT-4", "newest"],
        "date": pd.to_datetime(["2016-03-01", "2020-05-28", "2020-09-01", "2023-03-15", "2025-02-01"]),
        "compute": [3e20, 3e23, 3.1e23, 2e25, 4e26],
        "speculative": [False, False, False, True, True],
    }
    return pd.DataFrame(table | more)
