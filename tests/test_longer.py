"""Sampled once more, longer: where chains disagree about what is asked of them, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from conftest import SEED

from forecast import table_fit
from forecast.fit import UNKNOWN, Sampled, Sampling, draw_prior
from forecast.splits import Split
from forecast.table import read_table
from forecast.trial import MAX_FORECAST_RHAT, forecast_rhat, forecasts, trial
from models.laws import NO_GAP

SHORT = Sampling(seed=SEED, chains=2, tune=100, draws=300)


@pytest.fixture
def sampled(monkeypatch):
    """Draws of the prior in place of a posterior; what was sampled how long: of 'ceiling 1' short chains disagree."""
    asked = []

    def drawn(model, sampling, **_) -> Sampled:
        held = bool((model["gap_power"].get_value() == NO_GAP).any())
        asked.append(("ceiling 1" if held else "full", sampling))
        names = [variable.name for variable in model.unobserved_RVs]
        count = sampling.chains * sampling.draws
        prior = draw_prior(model, draws=count, seed=SEED, names=names)["prior"].to_dataset().isel(chain=0, drop=True)
        chains = [prior.isel(draw=slice(c, None, sampling.chains)).drop_vars("draw") for c in range(sampling.chains)]
        if held and sampling == SHORT:
            low = xr.DataArray(np.linspace(0.2, 0.3, sampling.draws), dims="draw")
            chains[0] = chains[0].assign(ceiling=low * chains[0].ceiling)
        return Sampled(posterior=xr.concat(chains, dim="chain"), diagnostics=UNKNOWN)

    monkeypatch.setattr(table_fit, "sampled", drawn)
    return asked


def test_a_trial_samples_those_structures_again_whose_chains_disagree_about_forecasts(sampled, table):
    frame = read_table(table)
    split = Split(by="compute", at=1e22)
    options = {"structures": ["full", "ceiling 1"], "at": [0.5], "sampling": vars(SHORT)}
    result = forecasts(trial(split.name, frame, split, "t", options))
    assert sampled == [("full", SHORT), ("ceiling 1", SHORT), ("ceiling 1", replace(SHORT, draws=900))]
    assert result.sizes["draw"] == 600 and np.isfinite(result.score).all()
    assert [each["draws"] for each in result.attrs["diagnostics"].values()] == [300, 900]
    assert all(0.99 < each["forecast_rhat"] <= MAX_FORECAST_RHAT for each in result.attrs["diagnostics"].values())


def test_forecasts_of_which_chains_disagree_about_one_row_have_the_r_hat_of_that_row():
    rng = np.random.default_rng(SEED)
    alike = rng.normal(size=(800, 3))
    apart = alike + np.outer(np.arange(800) < 200, [0.0, 0.0, 1.0])  # the first of four chains
    assert 1.0 <= forecast_rhat(alike, chains=4) < 1.01 and forecast_rhat(apart, chains=4) > MAX_FORECAST_RHAT
    assert forecast_rhat(apart[:, :2], chains=4) < 1.01
    assert forecast_rhat(np.zeros((800, 2)), chains=4) == 1.0
    assert forecast_rhat(np.column_stack([np.zeros(800), apart[:, 2]]), chains=4) > MAX_FORECAST_RHAT
