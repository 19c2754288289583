"""Forecasts of held-out runs on open tables, with and without parts of the model: run by hand, one command.

`python3 -m uv run python tests/benchmarks/forecasts.py [characters] [obsscaling] [lambada]` prints a line for each
variant: mean CRPS, share of outcomes inside 90% intervals and their mean width, beside the best baseline, and how the
fit went.
"""

import logging
import sys
import time
import warnings

import beds
import numpy as np
import pandas as pd
import scoringrules

from forecast.draws import Sampling
from forecast.fitting.structures import fit_table
from forecast.posterior.fit import Fit
from forecast.posterior.predict import predict, row_means
from forecast.posterior.score import law_of_task
from forecast.scoring.baselines import baseline_forecasts
from forecast.table.splits import Split
from models.priors import Priors
from models.structures import Parts

SAMPLING = Sampling(chains=2, tune=500, draws=500)
CHARACTERS_CUT = 5.1e11
OBSSCALING_CUTS = (8.5e22, 2.3e22)


def fitted(table: pd.DataFrame, cut: float | None, parts: Parts = Parts(), priors: Priors = Priors()) -> Fit:
    return fit_table(table, table="bed", below=cut, sampling=SAMPLING, parts=parts, priors=priors)


def split(table: pd.DataFrame, below: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rate rows of the runs below a cut, and those of the other runs on the same tasks."""
    return Split(by="compute", at=below).parts(table[table["metric"] != "loss"])


def line(name: str, draws: np.ndarray, rows: pd.DataFrame, fit: Fit | None = None, started: float = 0.0) -> None:
    score = rows["score"].to_numpy()
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    inside = ((score >= low) & (score <= high)).mean()
    crps = scoringrules.crps_ensemble(score, draws.T).mean()
    said = f"{name:<58} n {len(score):3}  CRPS {crps:.4f}  inside {inside:.2f}  width {(high - low).mean():.3f}"
    if fit is not None:
        found = fit.diagnostics
        least = found.min_ess
        said += f"  R-hat {found.max_rhat:.3f}  ESS {least:.0f}  div {found.divergences}  {time.time() - started:.0f} s"
    print(said, flush=True)


def characters() -> None:
    """From runs up to 5e11 FLOP all metrics of the larger ones: one law, seen by more and more metrics."""
    rates = ["exact_match", "at_least_k", "token_accuracy"]
    whole = beds.characters()
    for name, metrics in {"exact match alone": rates[:1], "+ tokens": rates, "+ loss": [*rates, "loss"]}.items():
        started = time.time()
        table = whole[whole["metric"].isin(metrics)]
        fit = fitted(table, CHARACTERS_CUT)
        rows = table[table["compute"] >= CHARACTERS_CUT]
        draws = pd.DataFrame(predict(fit, rows, seed=1).values, columns=rows.index)
        for metric in metrics:
            own = rows[rows["metric"] == metric]
            line(f"characters, {name}: {metric}", draws[own.index].to_numpy(), own, fit, started)
            if name == "+ loss":
                for method, baseline in baseline_forecasts(
                    table[table["compute"] < CHARACTERS_CUT], own, seed=1
                ).items():
                    line(f"    {metric}: {method}", baseline, own)


def obsscaling() -> None:
    """Six emergent tasks of open models, with and without dates, family regression, deviations, general benchmarks."""
    emergent, everything = beds.obsscaling(beds.EMERGENT), beds.obsscaling(beds.EMERGENT + beds.GENERAL)
    variants = {
        "all parts": (emergent, Parts(), Priors()),
        "no dates": (emergent, Parts(progress=False), Priors()),
        "no family regression": (emergent, Parts(), Priors(family_slope_sd=1e-3)),
        "no family x task deviations": (emergent, Parts(deviations=False), Priors()),
        "with the general benchmarks": (everything, Parts(), Priors()),
    }
    for cut in OBSSCALING_CUTS:
        train, rows = split(emergent, cut)
        for method, baseline in baseline_forecasts(train, rows, seed=1).items():
            line(f"    obsscaling {cut:g}: {method}", baseline, rows)
        for name, (table, parts, priors) in variants.items():
            started = time.time()
            fit = fitted(table, cut, parts, priors)
            line(f"obsscaling {cut:g}: {name}", predict(fit, rows, seed=1).values, rows, fit, started)


def lambada() -> None:
    """One law from the loss of the answer to exact match: residuals, frailty, and what independence would expect."""
    for name in ("gpt3_lambada.csv", "pythia_lambada.csv"):
        table = beds.lambada(name)
        started = time.time()
        fit = fitted(table, None)
        task = next(task for task in fit.data.task.values.tolist() if "exact_match" in task)
        law = law_of_task(fit, task)
        nu, s, gamma = (np.quantile(each, (0.05, 0.5, 0.95)) for each in (law.nu, *_greedy(fit)))
        print(f"{name}: nu {nu.round(2)}, s {np.exp(s).round(3)}, gamma {gamma.round(2)}; {fit.diagnostics}")
        expected = np.median(row_means(fit), axis=1)
        own = (fit.data.metric.values == "exact_match")[fit.data.task_index.values]
        residual = fit.data.score.values[own] - expected[own]
        through = _from_loss(fit, task)
        worst = np.abs(residual).max()
        print(f"  residual of exact match given run and answers: sd {residual.std():.4f}, worst {worst:.3f}")
        for method, left in through.items():
            print(f"  residual of exact match from the measured loss of the run, {method}: sd {left.std():.4f}")
        print(f"  {time.time() - started:.0f} s")


def _greedy(fit: Fit):
    task = next(task for task in fit.data.task.values.tolist() if "loss" in task)
    law = law_of_task(fit, task)
    return law.log_loss_link_factor, law.loss_link_power


def _from_loss(fit: Fit, task: str) -> dict[str, np.ndarray]:
    """Observed exact match less what the measured loss of the same run says: through the fit, and by exp(-c loss^g)."""
    data, law = fit.data, law_of_task(fit, task)
    log_loss_link_factor, power = (float(each.median()) for each in _greedy(fit))
    metric = data.metric.values[data.task_index.values]
    score = pd.Series(data.score.values, index=data.run_index.values)
    match, loss = score[metric == "exact_match"], score[metric == "loss"]
    runs = match.index.intersection(loss.index)
    match, loss = match[runs].to_numpy(), loss[runs].to_numpy()
    effective = np.exp(log_loss_link_factor) * loss**power
    nu, ceiling, floor = (float(each.median()) for each in (law.nu, law.ceiling, law.floor))
    length = data.task_length.sel(task=task).item()
    tokens = length if np.isfinite(length) else 1.0
    frail = floor + (ceiling - floor) * (1.0 + tokens * effective / nu) ** -nu
    # independence at its best: factor and power by least squares
    from scipy.optimize import least_squares

    found = least_squares(lambda p: np.exp(-np.exp(p[0]) * loss ** p[1]) - match, (0.0, 1.0))
    alone = np.exp(-np.exp(found.x[0]) * loss ** found.x[1])
    return {"frailty": match - frail, "independent": match - alone}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name in sys.argv[1:] or ("characters", "obsscaling", "lambada"):
        {"characters": characters, "obsscaling": obsscaling, "lambada": lambada}[name]()
