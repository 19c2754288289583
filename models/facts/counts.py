"""Counts of answers given other counts of the same answers, and counts drawn around their mean."""

from typing import NamedTuple

import numpy as np
from scipy import special

from models.equations.metrics import metrics_where
from models.facts.layout import has_attempts, tokens_per_item
from models.priors import Priors
from models.structures import Parts


class Contamination(NamedTuple):
    """Evaluations that are not sound: a share scatters more, a smaller one scores anything."""

    outlier: float  # share whose concentration is `ratio` times less
    gross_error: float  # share that is uniform over all counts
    ratio: float


MEAN_MARGIN = 1e-12  # keeps the beta-binomial proper where floor and success underflow


def conditional_counts(data):
    """Counts and trials (observation) of each rate row, given the row at `given_index` where that is not -1.

    Answers of which k tokens are right are among those of which fewer are, so a row of at least k of L, or of exact
    match, is a count out of the next lower one. Tokens of answers that are not all right are a count out of these
    answers, each of which counts once: its tokens share one difficulty. Items that are solved in k attempts are among
    those solved in more. Losses have no trials.
    """
    given = data.given_index.values
    tokens = (given >= 0) & counts_tokens(data)
    counts, trials = _counts_of_items(data)
    among = np.where(given >= 0, counts[given], trials)
    counts = np.where(tokens, counts - among, counts)
    trials = np.where(tokens, trials - among, among)
    return np.clip(counts, 0.0, trials), trials


def whole_counts(data):
    """Items (observation) that a score is a share of, and of these what is right whatever the conditional count is."""
    given = data.given_index.values
    counts, items = _counts_of_items(data)
    return items, np.where((given >= 0) & counts_tokens(data), counts[given], 0.0)


def counts_tokens(data):
    """Whether the trials of a row (observation) are tokens."""
    return np.isin(data.metric.values, metrics_where("counts_tokens"))[data.task_index.values]


def _counts_of_items(data):
    """Counts and numbers of items (observation).

    Rows of attempts count the same items, however many attempts they report: the fewest trials among them. Their scores
    are estimates from more attempts than k, so that counts need not be whole.
    """
    task = data.task_index.values
    length = tokens_per_item(data)[task]
    counts, trials = np.nan_to_num(data.successes.values) / length, data.trials.values / length
    law = data.law_index.values[task]
    whole = np.isin(data.metric.values, ["exact_match", *metrics_where("is_attempts")])[task]
    attempts = has_attempts(data)[law] & whole & (trials > 0)
    if attempts.any():
        pair = data.run_index.values * data.sizes["law"] + law
        items = np.full(pair.max() + 1, np.inf)
        np.minimum.at(items, pair[attempts], trials[attempts])
        trials = np.where(attempts, items[pair], trials)
        counts = np.where(attempts, data.score.values * trials, counts)
    return counts, trials


def row_groups(data, rows):
    """Of the rows (positions) one of each task and number of trials, and which kind each is of (both int arrays).

    Counts out of other counts are each of their own kind, so that tables of one layout have kinds alike.
    """
    kind = np.stack([data.task_index.values, _counts_of_items(data)[1], data.given_index.values])[:, rows]
    kind[2] = np.where(kind[2] < 0, -1, np.arange(len(rows)))
    _, first, of_row = np.unique(kind, axis=1, return_index=True, return_inverse=True)
    return first, of_row


def mean_among(mean, data, as_graph=np.asarray):
    """Expected share (observation first) among the trials of `conditional_counts`, from that among all answers.

    `as_graph` makes what a graph holds of an array.
    """
    given = data.given_index.values
    if not (given >= 0).any():
        return mean
    shape = (-1,) + (1,) * (mean.ndim - 1)
    tokens = as_graph(1.0 * counts_tokens(data).reshape(shape))
    of_given = mean[as_graph(np.maximum(given, 0))]
    # at least k among at least fewer; tokens of answers that are not all right
    numerator = mean - tokens * of_given
    denominator = tokens + (1.0 - 2.0 * tokens) * of_given + MEAN_MARGIN
    conditional = as_graph(1.0 * (given >= 0).reshape(shape))
    return conditional * (numerator / denominator).clip(0.0, 1.0) + (1.0 - conditional) * mean


def contamination_of(priors: Priors, parts: Parts) -> Contamination:
    """The contamination of a model."""
    shares = (priors.outlier_share, priors.gross_error_share) if parts.outliers else (0.0, 0.0)
    return Contamination(*shares, priors.outlier_dispersion)


def log_beta_binomial(count, trials, mean, concentration):
    """Log probability of a count; counts and trials need not be whole."""
    mean = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean
    alpha, beta = mean * concentration, (1.0 - mean) * concentration
    log_choose = -np.log1p(trials) - special.betaln(count + 1.0, trials - count + 1.0)
    return log_choose + special.betaln(count + alpha, trials - count + beta) - special.betaln(alpha, beta)


def log_density_of_count(count, trials, mean, concentration, contamination: Contamination):
    """Log of ``(1 - o - g) BB(kappa) + o BB(kappa / ratio) + g / (trials + 1)``, as in `models.observation`."""
    outlier, gross_error, ratio = contamination
    log = np.log1p(-outlier - gross_error) + log_beta_binomial(count, trials, mean, concentration)
    if outlier:
        log = np.logaddexp(log, np.log(outlier) + log_beta_binomial(count, trials, mean, concentration / ratio))
    return np.logaddexp(log, np.log(gross_error) - np.log1p(trials)) if gross_error else log


def draw_counts(trials, mean, concentration, *, outlier, gross_error, ratio, rng=None, size=None):
    """Counts drawn from the same mixture; trials need not be whole."""
    shape = np.broadcast_shapes(np.shape(trials), np.shape(mean), np.shape(concentration), size or ())
    mean = np.clip(mean, MEAN_MARGIN, 1.0 - MEAN_MARGIN)
    kind = rng.uniform(size=shape)
    weight = np.where(kind < outlier, concentration / ratio, concentration)
    rate = rng.beta(np.maximum(mean * weight, 1e-290), np.maximum((1.0 - mean) * weight, 1e-290), size=shape)
    rate = np.where(kind > 1.0 - gross_error, rng.uniform(size=shape), rate)
    whole = np.ceil(trials).astype(np.int64) * np.ones(shape, np.int64)
    return np.minimum(rng.binomial(whole, rate), trials * 1.0)
