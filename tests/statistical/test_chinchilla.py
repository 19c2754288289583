"""The capability model, fitted to all 245 losses of Hoffmann et al. 2022, against the published refit of its law."""

from dataclasses import replace
from pathlib import Path

import pytest

from forecast.draws import Sampling
from forecast.fitting.sampler import diagnose, fit
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

PLACES = [folder / "shared" / "data" / "chinchilla_points.csv" for folder in Path(__file__).parents]
TABLE = next(filter(Path.exists, PLACES), None)
PUBLISHED = {"params_exponent": 0.348, "tokens_exponent": 0.366, "irreducible": 1.817}  # Besiroglu et al. 2024
NEARLY_NORMAL = 30.0  # degrees of freedom
SAMPLING = Sampling(seed=SEED, draws=5000)  # scatter of runs and of losses trade places where errors are nearly normal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TABLE is None, reason="needs shared/data/chinchilla_points.csv beside or above the repository"),
]


@pytest.fixture(scope="module")
def data():
    data = observations(read_table(TABLE))
    assert data.sizes["observation"] == 245
    return data


def deviations(data, degrees_of_freedom):
    """How far the posterior mean is from the published value, in posterior standard deviations."""
    priors = replace(Priors(), loss_degrees_of_freedom=degrees_of_freedom)
    posterior = fit(capability_model(data, Parts(), priors), SAMPLING)
    assert not diagnose(posterior).reasons
    return {name: float((posterior[name].mean() - value) / posterior[name].std()) for name, value in PUBLISHED.items()}


@pytest.mark.parametrize("degrees_of_freedom", [2.0, Priors().loss_degrees_of_freedom, 4.0])
def test_the_fit_to_all_points_is_within_one_posterior_sd_of_the_published_one(data, degrees_of_freedom):
    found = deviations(data, degrees_of_freedom)
    print(found)
    assert max(map(abs, found.values())) < 1, found


def test_errors_that_are_nearly_normal_give_another_law(data):
    """The negative control: runs of fewer tokens than parameters lie far above the law and pull it to them."""
    found = deviations(data, NEARLY_NORMAL)
    print(found)
    assert max(map(abs, found.values())) > 2, found
