"""Log scores: proper distributions, near the exact one for exact draws, finite whatever happens."""

import numpy as np
import pytest
from scipy.stats import betabinom, lognorm

from forecast.scoring.rows import WIDE_WEIGHT, count_log_score, loss_log_score
from tests.conftest import SEED

RNG = np.random.default_rng(SEED)
SETS = {
    "spread": RNG.beta(2, 5, 300),
    "never": np.zeros(300),
    "always": np.ones(300),
    "never or spread": np.where(RNG.uniform(size=300) < 0.6, 0.0, RNG.beta(2, 5, 300)),
    "never or always": np.repeat([0.0, 1.0], 150),
    "one draw": np.array([0.3]),
    "two far draws": np.array([0.0, 1.0]),
    "no counts": np.array([0.1234, 0.2, 0.777]),
}


def log_mass(draws, trials):
    return np.array([count_log_score(draws, successes=s, trials=trials) for s in range(trials + 1)])


@pytest.mark.parametrize("trials", [1, 2, 30])
@pytest.mark.parametrize("name", SETS)
def test_probabilities_of_all_counts_add_to_one(name, trials):
    mass = log_mass(SETS[name], trials)
    assert np.isfinite(mass).all()
    assert np.exp(mass).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("share", "successes"), [(0.0, 0), (1.0, 2000)])
def test_sure_and_right_costs_next_to_nothing(share, successes):
    expected = np.log(1 - WIDE_WEIGHT + WIDE_WEIGHT / 2001)
    found = count_log_score(np.full(4000, share), successes=successes, trials=2000)
    assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("draws", [200, 8000])
def test_sure_and_wrong_costs_the_same_however_many_draws_there_are(draws):
    found = count_log_score(np.zeros(draws), successes=1999, trials=2000)
    assert found == pytest.approx(np.log(WIDE_WEIGHT / 2001))


@pytest.mark.parametrize("draws", [300, 2000])
@pytest.mark.parametrize(
    ("trials", "mean", "concentration"), [(20, 0.3, 30), (200, 0.5, 100), (2000, 0.7, 20), (2000, 3e-4, 2000)]
)
def test_exact_draws_lose_little_to_the_exact_distribution_and_shifted_ones_much(draws, trials, mean, concentration):
    """Divergence in nats: that of a binomial scattered twice is 0.1, the worst that the kernel may do."""
    exact = betabinom(trials, mean * concentration, (1 - mean) * concentration)
    counts = exact.rvs(size=draws, random_state=np.random.default_rng(SEED))
    log_exact = exact.logpmf(np.arange(trials + 1))

    def divergence(shares):
        return np.sum(np.exp(log_exact) * (log_exact - log_mass(shares, trials)))

    assert 0 <= divergence(counts / trials) < 0.12
    assert divergence(np.clip(counts / trials + 5 * exact.std() / trials, 0, 1)) > 0.5


def test_draws_that_are_not_counts_are_counted_with_the_noise_of_counts():
    near = count_log_score(np.full(200, 0.5), successes=1010, trials=2000)
    assert near == pytest.approx(np.log(1 - WIDE_WEIGHT) + betabinom(2000, 1e9, 1e9).logpmf(1010), abs=1e-3)


LOSS_DRAWS = {
    "spread": np.exp(RNG.normal(0.5, 0.2, 500)),
    "all equal": np.full(500, 1.7),
    "some infinite": np.append(np.exp(RNG.normal(0.5, 0.2, 400)), np.full(100, np.inf)),
    "some zero": np.append(np.exp(RNG.normal(0.5, 0.2, 400)), np.zeros(100)),
}


@pytest.mark.parametrize("name", LOSS_DRAWS)
def test_densities_of_losses_add_to_the_mass_of_finite_losses(name):
    finite = np.mean(np.isfinite(LOSS_DRAWS[name]) & (LOSS_DRAWS[name] > 0))
    log_loss = np.concatenate(
        [np.linspace(-11.5, -0.6, 300), np.linspace(-0.59, 1.6, 3000), np.linspace(1.61, 12.5, 300)]
    )
    density = np.array([loss_log_score(LOSS_DRAWS[name], loss_nats=loss) for loss in np.exp(log_loss)])
    mass = np.trapezoid(np.exp(density + log_loss), log_loss)
    tails = WIDE_WEIGHT * 2 * np.arctan(1 / 12) / np.pi  # of the Cauchy, beyond the grid
    assert mass == pytest.approx((1 - WIDE_WEIGHT) * finite + WIDE_WEIGHT - tails, abs=2e-4)


def test_the_density_of_a_loss_is_near_the_exact_one():
    draws = np.exp(np.random.default_rng(SEED).normal(0.5, 0.2, 20000))
    for loss in (1.2, 1.65, 2.2):
        assert loss_log_score(draws, loss_nats=loss) == pytest.approx(
            lognorm(0.2, scale=np.exp(0.5)).logpdf(loss), abs=0.1
        )


@pytest.mark.parametrize("draws", [np.full(9, np.inf), np.zeros(9), np.full(9, 1e-3)])
def test_no_loss_is_impossible(draws):
    assert np.isfinite(loss_log_score(draws, loss_nats=3.0))
