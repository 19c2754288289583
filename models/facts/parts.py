"""Parts of the model that a table supports: families, progress, bends, parameters and tokens, warm-up."""

import numpy as np

from models.dates import years_of_runs
from models.facts.layout import has_attempts, is_measured, is_measured_law, is_reciprocal_law, rates_of_law
from models.structures import Parts


def has_irreducible(data):
    """Whether a law (law) has an irreducible loss of its own, and not a ceiling in its place.

    One rate alone cannot tell them apart; a measured loss, or several rates of the same answers, can. A horizon has
    neither.
    """
    tasks = np.bincount(data.law_index.values, minlength=data.sizes["law"])
    return ((tasks > 1) | is_measured_law(data)) & ~is_reciprocal_law(data)


def has_drift(data, parts: Parts):
    """Whether the frailty of a law (law) may drift with effective compute: where several rates look at it."""
    return (rates_of_law(data) > 1) & parts.frailty & parts.drift


def is_frailty_open(data):
    """Whether the rates of a law (law) leave its frailty open: a lone rate; several of the same answers measure it."""
    return rates_of_law(data) == 1


def has_token_floor(data, parts: Parts):
    """Whether single tokens of a law (law) may be guessed right: where several rates look at it, in whole tokens.

    Attempts at whole answers say nothing of tokens.
    """
    length = np.nan_to_num(data.task_length.values, nan=1.0)
    fractional = np.bincount(data.law_index.values, (length % 1 > 0) & ~is_measured(data), data.sizes["law"]) > 0
    return (rates_of_law(data) > 1) & ~fractional & ~has_attempts(data) & parts.token_floor


def has_bend(data, parts: Parts):
    """Whether the law may bend: not where losses alone are seen, whose irreducible part would pass for a bend."""
    return parts.bend and not (data.metric.values == "loss").all()


SHORTEST_SPAN = 0.5  # years that dates must span for progress to be told from families


def has_families(data, parts):
    """Whether the table can tell families apart."""
    return parts.families and data.sizes["family"] > 1


def has_deviations(data, parts):
    """Whether the table can tell what a family is good at: several families on several tasks."""
    return parts.deviations and has_families(data, parts) and data.sizes["law"] > 1


def has_progress(data, parts):
    """Whether known dates span enough time to tell progress, and are not themselves the scale."""
    if data.attrs.get("scale") == "date":
        return False
    known = years_of_runs(data)
    known = known[np.isfinite(known)]
    return parts.progress and len(known) > 1 and bool(np.ptp(known) > SHORTEST_SPAN)


def has_progress_by_law(data, parts):
    """Whether progress may differ by law: where there are several."""
    return has_progress(data, parts) and parts.progress_by_law and data.sizes["law"] > 1


def has_progress_walk(data, parts):
    """Whether the rate of progress may change with time."""
    return has_progress(data, parts) and parts.progress_walk


def has_half_years(data, parts):
    """Whether runs of one half-year share a shock: where dates span more than half a year."""
    known = years_of_runs(data)
    known = known[np.isfinite(known)]
    return parts.shocks and len(known) > 1 and bool(np.ptp(known) > SHORTEST_SPAN)


def family_compute(data):
    """Mean log compute of the runs of each family (family)."""
    count = np.bincount(data.family_index.values, minlength=data.sizes["family"])
    return np.bincount(data.family_index.values, data.log10_compute.values, data.sizes["family"]) / count


SMALLEST_VARIATION = 0.15  # decades, standard deviation of parameters and tokens in their least varied direction
FEWEST_SPLIT_RUNS = 5
FEWEST_CHECKPOINTS = 3
SHORTEST_TRAJECTORY = 1.5  # decades of tokens; over fewer a warm-up passes for an exponent


def has_params_tokens(data, parts):
    """Whether parameters and tokens of enough runs are known and vary independently (rank check)."""
    sizes = _known_sizes(data)[0]
    if not parts.params_tokens or len(sizes) < FEWEST_SPLIT_RUNS:
        return False
    least = np.linalg.svd(sizes - sizes.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(sizes))
    return bool(least >= SMALLEST_VARIATION)


def has_warm_up(data, parts):
    """Whether runs of one recipe and size differ in their tokens widely, as checkpoints of one training do.

    Not where losses alone are seen: there a lag of few tokens would pass for their exponent.
    """
    if not parts.warm_up or not has_params_tokens(data, parts) or is_measured(data).all():
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
