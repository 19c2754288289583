"""Tables drawn from the model with known truth, for tests, teaching and planning."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import xarray as xr
from pytensor.compile.mode import Mode

from forecast.errors import ForecastError
from forecast.table import observations
from models.capability import capability_model
from models.priors import Priors, Structure

TRIALS = 1000  # of a row that does not say


def simulate(
    rows: pd.DataFrame, *, seed: int, structure: Structure = Structure(), priors: Priors = Priors()
) -> tuple[pd.DataFrame, xr.Dataset]:
    """One table with the rows of `rows` and scores drawn from the model, and the truth they were drawn from.

    `rows` is what `forecast.table.read_rows` gives: models, tasks and compute, without scores. The truth has the
    variables of a posterior without chain and draw. Same seed, same table. Loss rows are a `ForecastError`.
    """
    losses = rows.index[rows["metric"] == "loss"]
    if len(losses):
        raise ForecastError(f"row {losses[0]}: metric 'loss' cannot be simulated yet; remove the loss rows")
    design = rows.assign(trials=rows["trials"].fillna(TRIALS).astype("int64"), successes=0)
    data = observations(design)
    interpreted = Mode("py", "fast_compile")  # one draw takes less than compiling for it would
    with pytensor.config.change_flags(cxx=""), capability_model(data, structure, priors) as model:
        tree = pm.sample_prior_predictive(1, random_seed=seed, compile_kwargs={"mode": interpreted})
        names = [variable.name for variable in model.unobserved_RVs]
    truth = tree["prior"].to_dataset()[names].isel(chain=0, draw=0, drop=True)
    counts = tree["prior_predictive"]["count"].values.reshape(-1).astype(np.int64)
    scored = design.assign(successes=counts, score=counts / design["trials"].to_numpy())
    return scored, truth.assign_attrs(seed=seed)
