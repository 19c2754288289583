"""Measured numbers as a graph: losses and horizons, how they scatter, and what links a loss to the answers."""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models import observation
from models.equations.loss import log_measured_loss
from models.facts.layout import (
    error_of_log,
    is_measured,
    is_reciprocal,
    known_length,
    largest_loss,
    links_loss_to_rates,
)
from models.success import as_data


def observe_losses(data, loss, law, priors):
    """Measured losses: those of a law of losses are its loss, others are linked to it; horizons are one over theirs."""
    losses = is_measured(data)
    rows = np.flatnonzero(losses[data.task_index.values])
    if not len(rows):
        return
    task, laws_ = data.task_index.values[rows], data.law_index.values[data.task_index.values[rows]]
    loss, linked = loss[as_data(rows)], links_loss_to_rates(data)
    log_loss = pt.log(loss)
    if linked.any():
        own = as_data(laws_)
        link = {name: values[own] for name, values in _loss_link(data, law, priors).items()}
        log_loss = pt.where(as_data(linked[laws_]), log_measured_loss(loss, **link), log_loss)
    scale = _loss_scale(data, losses, linked, priors)[as_data(np.cumsum(losses)[task] - 1)]
    if (error := error_of_log(data)[rows]).any():
        scale = pt.sqrt(scale**2 + pm.Data("error_of_log", error, dims="loss_row") ** 2)
    log_score = np.log(data.score.values[rows])
    observed = np.where(is_reciprocal(data)[task], -log_score, log_score)
    observed = pm.Data("log_loss_observed", observed, dims="loss_row")
    observation.losses("log_loss", log_loss, scale, observed, priors=priors, dims="loss_row")


def _loss_scale(data, losses, linked, priors):
    """Scatter of the log of each measured number (measured)."""
    sd = np.where(linked[data.law_index.values[losses]], priors.loss_scale_log_sd_of_answers, priors.loss_scale_log_sd)
    median = np.log(priors.loss_scale_median)
    if (horizons := is_reciprocal(data)[losses]).any():
        sd = np.where(horizons, priors.horizon_scale_log_sd, sd)
        median = np.where(horizons, np.log(priors.horizon_scale_median), median)
    return pm.LogNormal("loss_scale", median, sd, dims="measured")


def _loss_link(data, law, priors):
    """What links the loss that teacher forcing measures to the one that answers follow (law): see `log_measured_loss`.

    Greedy answers are right as if their loss were smaller than the measured one; guessing by frequency keeps the
    measured loss below a largest one. Sampled is what the measured losses fix: their level at the reference.
    """
    reference = law["irreducible"] + 10.0 ** law["log10_amplitude"]  # loss at the reference
    known = np.isfinite(known_length(data))
    sd = np.where(known, priors.loss_link_factor_log_sd, priors.loss_link_factor_log_sd_of_unknown_length)
    power = pm.LogNormal(
        "loss_link_power", np.log(priors.loss_link_power_median), priors.loss_link_power_log_sd, dims="law"
    )
    expected = (pt.log(reference) - np.log(priors.loss_link_factor_median)) / power
    level = pm.Normal("log_measured", expected, sd / power, dims="law")
    factor = pm.Deterministic("log_loss_link_factor", pt.log(reference) - power * level, dims="law")
    least = np.log(largest_loss(data).clip(priors.least_guess_loss))
    excess = pm.LogNormal("guess_excess", np.log(priors.guess_excess_median), priors.guess_excess_log_sd, dims="law")
    guess = pm.Deterministic("log_guess_loss", pm.Data("least_guess_loss", least, dims="law") + excess, dims="law")
    return {"log_loss_link_factor": factor, "loss_link_power": power, "log_guess_loss": guess}
