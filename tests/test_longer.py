"""Sampled once more, longer: where chains disagree about what is asked of them, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from conftest import SEED
from test_average import GOOD, POOR, fit_of

from forecast import compare, table_fit
from forecast.fit import Sampling, draw_prior
from forecast.splits import Split
from forecast.table import read_table
from forecast.trial import MAX_FORECAST_RHAT, forecast_rhat, forecasts, trial
from models.laws import NO_GAP

SHORT = Sampling(seed=SEED, chains=2, tune=100, draws=300)


@pytest.fixture
def sampled(monkeypatch):
    """Draws of the prior in place of a posterior; what was sampled how long: of 'ceiling 1' short chains disagree."""
    asked = []

    def drawn(model, sampling, *, program=None, progress=None) -> xr.Dataset:
        held = bool((model["gap_power"].get_value() == NO_GAP).any())
        asked.append(("ceiling 1" if held else "full", sampling))
        names = [variable.name for variable in model.unobserved_RVs]
        count = sampling.chains * sampling.draws
        prior = draw_prior(model, draws=count, seed=SEED, names=names)["prior"].to_dataset().isel(chain=0, drop=True)
        chains = [prior.isel(draw=slice(c, None, sampling.chains)).drop_vars("draw") for c in range(sampling.chains)]
        if held and sampling == SHORT:
            low = xr.DataArray(np.linspace(0.2, 0.3, sampling.draws), dims="draw")
            chains[0] = chains[0].assign(ceiling=low * chains[0].ceiling)
        return xr.concat(chains, dim="chain").assign_attrs(divergences=0)

    monkeypatch.setattr(table_fit, "fit", drawn)
    monkeypatch.setattr(table_fit, "_program", lambda *_: None)
    return asked


def test_longer_is_twice_the_warm_up_and_thrice_the_draws_in_steps_at_least_as_fine():
    assert replace(SHORT, tune=200, draws=900, target_accept=0.95) == SHORT.longer()
    assert replace(SHORT, draws=None, target_accept=0.99).longer() == replace(
        SHORT, draws=None, tune=200, target_accept=0.99
    )


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


@pytest.mark.parametrize(
    ("draws", "diagnostics", "times"), [(None, POOR, 2), (None, GOOD, 1), (400, POOR, 1), (400, GOOD, 1)]
)
def test_an_average_is_sampled_again_where_it_cannot_be_trusted_and_its_length_is_open(
    table, monkeypatch, draws, diagnostics, times
):
    asked, said = [], []

    def fits(frame, names, *, samplings, **options):
        asked.append(list(samplings))
        return [fit_of(name, draws=500, diagnostics=replace(diagnostics, max_rhat=1.0)) for name in names]

    monkeypatch.setattr(compare, "fit_structures", fits)
    weights = {"full": 0.5, "ceiling 1": 0.5}
    sampling = Sampling(draws=draws)
    found = compare.fit_average(read_table(table), table="t", weights=weights, sampling=sampling, say=said.append)
    assert len(asked) == times and len(said) == times - 1
    assert asked[0] == [replace(sampling, draws=1000 if draws is None else 500)] * 2
    assert asked[1:] == [[asked[0][0].longer()] * 2] * (times - 1)
    assert (found.diagnostics.reasons == []) == (diagnostics is GOOD)
