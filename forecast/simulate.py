"""Tables drawn from the model with known truth, for tests, teaching and planning."""

import numpy as np
import pandas as pd
import xarray as xr

from forecast.errors import ForecastError
from forecast.fit import draw_prior
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
    model = capability_model(data, structure, priors)
    names = [variable.name for variable in model.unobserved_RVs]
    tree = draw_prior(model, draws=1, seed=seed, names=[*names, "count"])
    truth = tree["prior"].to_dataset()[names].isel(chain=0, draw=0, drop=True)
    counts = tree["prior_predictive"].to_dataset()["count"].values.reshape(-1).astype(np.int64)
    scored = design.assign(successes=counts, score=counts / design["trials"].to_numpy())
    return scored, truth.assign_attrs(seed=seed)
