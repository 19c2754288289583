"""One trial: structures that took different numbers of rounds are told apart by nothing but their draws."""

import numpy as np
import pytest
import xarray as xr

from forecast.backtesting.run import forecasts, trial
from forecast.backtesting.verdict import MAX_FORECAST_RHAT
from forecast.draws import UNKNOWN
from forecast.fitting import structures as table_fit
from forecast.fitting.sampler import Sampled, draw_prior
from forecast.fitting.stacking import DRAWS, SAMPLING, forecast_rhat
from forecast.table.dataset import read_table
from forecast.table.splits import Split
from models.laws import NO_SHORTFALL
from tests.conftest import SEED


@pytest.fixture
def rounds(monkeypatch):
    """Draws of the prior in place of a posterior; of 'ceiling 1' two rounds, of others one."""

    def drawn(model, sampling, **_) -> Sampled:
        draws = 800 if (model["shortfall_power"].get_value() == NO_SHORTFALL).any() else 400
        names = [variable.name for variable in model.unobserved_RVs]
        prior = draw_prior(model, draws=sampling.chains * draws, seed=SEED, names=names)["prior"].to_dataset()
        prior = prior.isel(chain=0, drop=True).drop_vars("draw")
        chains = [prior.isel(draw=slice(chain, None, sampling.chains)) for chain in range(sampling.chains)]
        return Sampled(posterior=xr.concat(chains, dim="chain").assign_attrs(divergences=0), diagnostics=UNKNOWN)

    monkeypatch.setattr(table_fit, "sampled", drawn)


def test_structures_of_more_and_fewer_rounds_have_as_many_draws_of_a_forecast(rounds, table):
    frame, split = read_table(table), Split(by="compute", at=1e22)
    options = {"structures": ["full", "ceiling 1"], "at": [0.5], "sampling": vars(SAMPLING)}
    result = forecasts(trial(split.name, frame, split, "t", options))
    assert result.sizes["draw"] == DRAWS and np.isfinite(result.score).all()
    assert [each["draws"] for each in result.attrs["diagnostics"].values()] == [400, 800]
    assert all(0.99 < each["forecast_rhat"] <= MAX_FORECAST_RHAT for each in result.attrs["diagnostics"].values())


def test_forecasts_of_which_chains_disagree_about_one_row_have_the_r_hat_of_that_row():
    rng = np.random.default_rng(SEED)
    alike = rng.normal(size=(800, 3))
    apart = alike + np.outer(np.arange(800) < 200, [0.0, 0.0, 1.0])  # the first of four chains
    assert 1.0 <= forecast_rhat(alike, chains=4) < 1.01 and forecast_rhat(apart, chains=4) > MAX_FORECAST_RHAT
    assert forecast_rhat(apart[:, :2], chains=4) < 1.01
    assert forecast_rhat(np.zeros((800, 2)), chains=4) == 1.0
    assert forecast_rhat(np.column_stack([np.zeros(800), apart[:, 2]]), chains=4) > MAX_FORECAST_RHAT
