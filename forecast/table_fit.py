"""Fit the capability model to a table."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from forecast.errors import ForecastError
from forecast.fit import Sampling, diagnose, fit
from forecast.store import Fit, installed_versions
from forecast.table import observations
from models.capability import capability_model
from models.priors import Priors, Structure

FEWEST_RUNS = 3


def fit_table(
    frame: pd.DataFrame,
    *,
    table: str,
    sampling: Sampling = Sampling(),
    below: float | None = None,
    structure: Structure = Structure(),
    priors: Priors = Priors(),
    progress: Callable | None = None,
) -> Fit:
    """Fit all tasks of a validated table jointly.

    Parameters
    ----------
    frame : what `forecast.table.read_table` gives
    table : name of the table, kept with the fit
    below : compute cut in FLOP; only runs strictly below it are used

    A `ForecastError` says why nothing can be fitted: fewer than three runs below the cut.
    """
    used = frame if below is None else frame[frame["compute"] < below]
    runs = used["model"].nunique()
    if runs < FEWEST_RUNS:
        where = "" if below is None else f" below {below:g} FLOP"
        raise ForecastError(
            f"{runs} runs{where}, at least {FEWEST_RUNS} are needed; "
            + ("add runs" if below is None else "raise the cut")
        )
    data, sampling = observations(used), sampling.of_rows(len(used))
    posterior = fit(capability_model(data, structure, priors), sampling, progress=progress)
    return Fit(
        posterior=posterior.astype(np.float64),
        data=data,
        priors=priors,
        structure=structure,
        sampling=sampling,
        diagnostics=diagnose(posterior),
        table=table,
        below=below,
        versions=installed_versions(),
    )
