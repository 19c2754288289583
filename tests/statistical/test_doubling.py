"""Doubling time of horizons by date: of simulated agents with known growth, and of open runs against published ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.draws import Sampling
from forecast.fitting.average import fit
from forecast.posterior.threshold import doubling_decades, growth_of
from forecast.table.dataset import read_table
from forecast.table.importers.importing import import_results
from models.dates import DAYS_A_YEAR, DECADES_A_YEAR
from tests.conftest import SEED

PLACES = [folder / "shared" / "data" for folder in Path(__file__).parents]
DATA = next((place for place in PLACES if (place / "metr_runs_to_2025-02.csv").exists()), None)
SOURCES = {  # file: format, since, published doubling time in days with its 95% interval
    "runs": ("metr-runs", "metr_runs_to_2025-02.csv", None, (212, 171, 249)),
    "runs since 2023": ("metr-runs", "metr_runs_to_2025-02.csv", "2023-01-01", (128.7, 104, 158)),
    "horizons": ("metr-horizons", "metr_horizons_to_2025-01.csv", None, (212, 171, 249)),
    "horizons since 2023": ("metr-horizons", "metr_horizons_to_2025-01.csv", "2023-01-01", (128.7, 104, 158)),
}
TRUTH, SCATTER, ERROR = 150.0, 0.12, 0.1  # days; decades, of agents and of their measured horizons

pytestmark = pytest.mark.mcmc


def log_days(found):
    """Mean and standard deviation of the log of the doubling time in days."""
    days = doubling_decades(found, "time horizon") / DECADES_A_YEAR * DAYS_A_YEAR
    assert not found.diagnostics.reasons
    return float(np.log(days).mean()), float(np.log(days).std())


def test_the_doubling_time_of_simulated_agents_is_found(tmp_path):
    rng = np.random.default_rng(SEED)
    days = np.linspace(0, 1500, 16)
    minutes = 0.5 * 2.0 ** (days / TRUTH) * 10 ** rng.normal(0, np.hypot(SCATTER, ERROR), len(days))
    frame = pd.DataFrame({"model": [f"agent {place}" for place in range(len(days))], "task": "time horizon"})
    dates = pd.Timestamp("2021-01-01") + pd.to_timedelta(days.round(), unit="D")
    frame = frame.assign(metric="horizon", score=minutes, score_sd=ERROR, date=dates.strftime("%Y-%m-%d"))
    frame.to_csv(tmp_path / "table.csv", index=False)
    mean, sd = log_days(fit(tmp_path / "table.csv", sampling=Sampling(seed=SEED)))
    print(np.exp(mean), sd)
    assert abs(mean - np.log(TRUTH)) < 3 * sd
    assert abs(mean - np.log(2 * TRUTH)) > 3 * sd  # the negative control: half of that growth


@pytest.mark.skipif(DATA is None, reason="needs shared/data/metr_runs_to_2025-02.csv beside or above the repository")
@pytest.mark.parametrize("name", SOURCES)
def test_doubling_times_of_open_data_agree_with_those_published(tmp_path, name):
    """Within two standard deviations: published trends are of the best agents, and of later ones too."""
    format, file, since, (published, low, high) = SOURCES[name]
    import_results(format, DATA / file, tmp_path / "table.csv")
    found = fit(read_table(tmp_path / "table.csv"), since=since, sampling=Sampling(seed=SEED))
    mean, sd = log_days(found)
    print(name, growth_of(found, "time horizon", None))
    assert abs(mean - np.log(published)) < 2 * np.hypot(sd, np.log(high / low) / 3.92)
