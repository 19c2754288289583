"""How compute is split into parameters and tokens: what a table can tell of it, and what a run loses by its split.

Plain NumPy facts of a table, as in `models.facts`, and formulas for any kind of array, as in `models.equations`.
"""

import numpy as np

from models import equations, facts

SMALLEST_VARIATION = 0.15  # decades, standard deviation of parameters and tokens in their least varied direction
FEWEST_SPLIT_RUNS = 5
FEWEST_CHECKPOINTS = 3
SHORTEST_TRAJECTORY = 1.0  # decades of tokens
WARM_UP_POWER = 2.0


def has_params_tokens(data, structure):
    """Whether parameters and tokens of enough runs are known and vary independently (rank check of DESIGN 3.1)."""
    sizes = _known_sizes(data)[0]
    if not structure.params_tokens or len(sizes) < FEWEST_SPLIT_RUNS:
        return False
    least = np.linalg.svd(sizes - sizes.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(sizes))
    return bool(least >= SMALLEST_VARIATION)


def has_warm_up(data, structure):
    """Whether runs of one recipe and size differ in their tokens widely, as checkpoints of one training do.

    Not where losses alone are seen: there a lag of few tokens would pass for their exponent.
    """
    if not structure.warm_up or not has_params_tokens(data, structure) or facts.is_loss(data).all():
        return False
    sizes, known = _known_sizes(data)
    recipe = np.stack([data.family_index.values[known], sizes[:, 0].round(2)], axis=1)
    _, of_recipe = np.unique(recipe, axis=0, return_inverse=True)
    tokens = [sizes[of_recipe.ravel() == each, 1] for each in range(of_recipe.max() + 1)]
    return any(len(own) >= FEWEST_CHECKPOINTS and np.ptp(own) >= SHORTEST_TRAJECTORY for own in tokens)


def fewest_tokens(data):
    """Log tokens of the run that has seen fewest."""
    return _known_sizes(data)[0][:, 1].min()


def _known_sizes(data):
    """Log parameters and tokens (known run, 2), and which runs (run) have both."""
    sizes = np.stack([data.log10_params.values, data.log10_tokens.values], axis=1)
    known = np.isfinite(sizes).all(axis=1)
    return sizes[known], known


def split_deficit(log10_params, log10_tokens, *, params_exponent, tokens_exponent, log10_ratio, reference):
    """Decades by which compute split so falls short of the same compute split optimally: zero or less.

    `log10_ratio` is the log of tokens per parameter of the compute-optimal run at log compute `reference`.
    """
    half = 0.5 * (reference - np.log10(6.0))
    optimal = equations.optimal_compute(
        log10_params,
        log10_tokens,
        params_exponent=params_exponent,
        tokens_exponent=tokens_exponent,
        log10_params_ref=half - 0.5 * log10_ratio,
        log10_tokens_ref=half + 0.5 * log10_ratio,
    )
    return optimal - (np.log10(6.0) + log10_params + log10_tokens)


def warm_up_deficit(log10_tokens, *, log10_warm_up_tokens, warm_up_lag):
    """Decades by which a run in warm-up lags behind the law of later ones: ``-lag log10(1 + (D_w / D)^2)``.

    A training of few steps, its learning rate still rising, is no power law yet; far beyond D_w nothing of it is left.
    """
    excess = WARM_UP_POWER * np.log(10.0) * (log10_warm_up_tokens - log10_tokens)
    return -warm_up_lag * (0.5 * (excess + abs(excess)) + np.log1p(np.exp(-abs(excess)))) / np.log(10.0)
