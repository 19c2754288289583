"""Law of losses: E, A, B, alpha, beta of L = E + A N^-alpha + B D^-beta in a posterior, beside the published ones."""

import argparse
import sys
from pathlib import Path
from typing import Any

import xarray as xr

from forecast.draws import INTERVAL, quantiles
from forecast.errors import ForecastError
from forecast.files import write_json
from forecast.posterior.fit import Fit, load
from forecast.questions.howmuch.answer import howmuch
from forecast.questions.howmuch.sizes import optimal_run

TASK, TARGET = "pretraining", 2.0  # nats a token
PUBLISHED = {"E": 1.817, "A": 482.0, "B": 2085.0, "alpha": 0.348, "beta": 0.366}
"""Besiroglu et al. 2024 (arXiv:2404.10102), fitted to 240 of the 245 points."""


def law_draws(fit: Fit, task: str = TASK, at: float = TARGET) -> dict[str, xr.DataArray]:
    """E, A, B, alpha and beta per posterior draw.

    At the compute-optimal run (N*, D*) of any loss above E, the parts A N*^-alpha and B D*^-beta of the reducible loss
    are as beta to alpha.
    """
    run = optimal_run(fit, task, at)
    alpha, beta = run.params_exponent, run.tokens_exponent
    irreducible = fit.posterior.irreducible.isel(law=0, drop=True)
    share = (at - irreducible) / (alpha + beta)
    of_params = share * beta * 10 ** (alpha * run.log10_params)
    of_tokens = share * alpha * 10 ** (beta * run.log10_tokens)
    return {"E": irreducible, "A": of_params, "B": of_tokens, "alpha": alpha, "beta": beta}


def answer(fit: Fit) -> dict[str, Any]:
    """The law beside the published one, and the compute-optimal run of the target, as plain values."""
    law = {
        name: {"published": PUBLISHED[name], "mean": float(draws.mean()), "sd": float(draws.std())}
        | quantiles(draws.values, INTERVAL)
        for name, draws in law_draws(fit).items()
    }
    return {"law": law, "at": TARGET, "compute_optimal": howmuch(fit, TASK, TARGET)["compute_optimal"]}


def main() -> None:
    """The command `law.py FIT.nc`."""
    parser = argparse.ArgumentParser(description="The law of losses of a fit of this study's table.")
    parser.add_argument("fit", type=Path, metavar="FIT.nc")
    parser.add_argument("-o", dest="output", type=Path, metavar="JSON", help="also write the answer")
    given = parser.parse_args()
    try:
        found = answer(load(given.fit))
        if given.output is not None:
            write_json(given.output, found)
    except ForecastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{'':<6}{'published':>10}{'mean':>10}{'sd':>10}   90% interval")
    for name, each in found["law"].items():
        low, high = (f"{each[at]:.4g}" for at in ("q05", "q95"))
        print(f"{name:<6}{each['published']:>10.4g}{each['mean']:>10.4g}{each['sd']:>10.2g}   {low} to {high}")


if __name__ == "__main__":
    main()
