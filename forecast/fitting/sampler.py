"""Sampler: draws from the posterior of any PyMC model, in rounds until they can be trusted."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from threading import Event

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytensor
import xarray as xr

from forecast.draws import MIN_ESS, MOST_ROUNDS, ROUND, Diagnostics, Sampling
from forecast.fitting.compiling.density import INTERPRETED
from forecast.fitting.compiling.program import Program, Variables, compiled
from forecast.stages import SILENT, Stages

REGULARISATION = 1e-2  # of the low-rank mass matrix; nutpie's 1e-5 keeps so many directions that a step costs twice
MAX_DEPTH = 8  # of a trajectory, 2^8 - 1 steps; on GPT-3 arithmetic and obsscaling only early warm-up makes longer ones
USUAL = 3 * ROUND  # for the time left
EVERY_MS = 50  # between two looks at the chains


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Draws of every variable of a model, chain and draw before its own dims, and whether they can be trusted."""

    posterior: xr.Dataset
    diagnostics: Diagnostics


def fit(model: pm.Model, sampling: Sampling = Sampling()) -> xr.Dataset:
    """Posterior draws of every variable of any model, with dims chain and draw before its own."""
    return sampled(model, sampling).posterior


def sampled(
    model: pm.Model,
    sampling: Sampling = Sampling(),
    *,
    reported: Callable[[xr.Dataset], xr.Dataset] | None = None,
    stages: Stages = SILENT,
) -> Sampled:
    """Draws of the No-U-Turn sampler of nutpie with a low-rank mass matrix, in rounds until they can be trusted.

    Parameters
    ----------
    reported : from the posterior what is said of it, on which alone it is judged; everything when left out
    stages : told when the model is compiled and how far its chains are
    """
    with stages.stage("compiled") as stage:
        program, variables = compiled(model), Variables(model)
        stage.found = "" if program.new else "found from before"
    draws, most = (sampling.draws, sampling.draws) if sampling.draws else (ROUND, ROUND * MOST_ROUNDS)
    with stages.stage("sampled") as stage, _Chains(program, sampling, most=most, stages=stages) as chains:
        while True:
            values, divergences = chains.first(draws)
            posterior = variables.of(values).assign_attrs(divergences=divergences)
            found = diagnose(reported(posterior).assign_attrs(posterior.attrs) if reported else posterior)
            if not found.reasons or draws == most:
                break
            draws = _next(draws, found, most)
        stage.found = f"{draws} draws a chain, R-hat {found.max_rhat:.3f}"
    if reported:
        found = found.beside(diagnose(posterior))
    return Sampled(posterior=posterior, diagnostics=found)


def values_drawn(program: Program, sampling: Sampling) -> tuple[xr.Dataset, int]:
    """Draws of the values of a program (chain, draw, ...), as many as `sampling` says, and how many diverged."""
    draws = sampling.draws or ROUND
    with _Chains(program, sampling, most=draws, stages=SILENT) as chains:
        return chains.first(draws)


def _next(draws: int, found: Diagnostics, most: int) -> int:
    """Draws a chain at which to judge again: the next round in which, by the rate so far, they may be enough."""
    least = np.nanmin([found.min_ess, MIN_ESS])
    needed = math.ceil(draws * MIN_ESS / max(least, 1.0) / ROUND)
    return min(max(draws // ROUND + 1, needed) * ROUND, most)


class _Chains:
    """Chains that are sampled side by side in the background, so that what is there can be judged meanwhile."""

    def __init__(self, program: Program, sampling: Sampling, *, most: int, stages: Stages) -> None:
        self._tune = sampling.tune
        self._done, self._moved = 0, Event()
        self._all: xr.DataTree | None = None  # of chains that have ended

        def advanced(chains: list) -> None:
            self._done = min(chain.finished_draws for chain in chains)
            self._moved.set()
            stages.advance(min(self._done / (sampling.tune + min(USUAL, most)), 1.0))

        self._sampler = nutpie.sample(
            program.sampler,
            draws=most,
            tune=sampling.tune,
            chains=sampling.chains,
            cores=sampling.chains,
            seed=sampling.seed,
            target_accept=sampling.target_accept,
            maxdepth=MAX_DEPTH,
            adaptation="low_rank",
            mass_matrix_gamma=REGULARISATION,
            save_warmup=False,
            progress_bar=False,
            progress_callback=advanced,
            progress_rate=EVERY_MS,
            blocking=False,
        )

    def first(self, draws: int) -> tuple[xr.Dataset, int]:
        """The first so many draws of every chain, as values (chain, draw, ...), and how many of them diverged.

        The sampler rests afterwards, so that judging the draws has the processor to itself.
        """
        tree = self._all or self._so_far(draws)
        values = tree["posterior"].to_dataset().isel(draw=slice(draws))
        assert values.sizes["draw"] == draws and not values.isel(draw=-1).isnull().any().to_array().any()
        return values, int(tree["sample_stats"]["diverging"].isel(draw=slice(draws)).sum())

    def _so_far(self, draws: int) -> xr.DataTree:
        self._sampler.resume()
        while self._done < self._tune + draws and not self._ended():
            self._moved.wait(timeout=0.2)
            self._moved.clear()
        if self._ended():
            self._all = self._sampler.wait()
            return self._all
        self._sampler.pause()
        return self._sampler.inspect()

    def _ended(self) -> bool:
        try:
            return self._sampler.is_finished
        except TimeoutError:  # too busy to say
            return False

    def __enter__(self) -> "_Chains":
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is under way."""
        if self._all is None:
            self._sampler.cancel()


def draw_prior(model: pm.Model, *, draws: int, seed: int, names: list[str]) -> xr.DataTree:
    """Prior draws of the named variables: groups prior and, where a name is observed, prior_predictive.

    The graph is interpreted: a thousand draws take less time than compiling for them would.
    """
    with pytensor.config.change_flags(cxx=""), model:
        return pm.sample_prior_predictive(
            draws, var_names=names, random_seed=seed, compile_kwargs={"mode": INTERPRETED}
        )


def diagnose(draws: xr.Dataset) -> Diagnostics:
    """Rank-normalised R-hat, bulk and tail effective sample size (Vehtari et al. 2021) of all numbers that vary.

    Divergent transitions are those of ``attrs["divergences"]``.
    """
    table = _quality(draws)
    least = table[["ess_bulk", "ess_tail"]].min(axis=1).sort_values()
    return Diagnostics(
        max_rhat=float(table["r_hat"].max()),
        min_ess_bulk=float(table["ess_bulk"].min()),
        min_ess_tail=float(table["ess_tail"].min()),
        divergences=int(draws.attrs["divergences"]),
        total_draws=draws.sizes["chain"] * draws.sizes["draw"],
        worst=tuple(least.index[:5]),
    )


def _quality(draws: xr.Dataset) -> pd.DataFrame:
    """R-hat, bulk and tail effective sample size of every number that varies, by its label such as `nu[task]`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "r_hat": az.rhat(draws),
            "ess_bulk": az.ess(draws, method="bulk"),
            "ess_tail": az.ess(draws, method="tail"),
        }
    columns = {name: np.concatenate([np.ravel(each[key]) for key in draws.data_vars]) for name, each in found.items()}
    labels = [label for key in draws.data_vars for label in labels_of(draws[key])]
    table = pd.DataFrame(columns, index=labels)
    return table[np.isfinite(table["r_hat"])]


def labels_of(draws: xr.DataArray) -> list[str]:
    """Labels of the numbers of a variable, in the order of their places: its name and coordinates."""
    dims = [str(dim) for dim in draws.dims if dim not in ("chain", "draw")]
    places = product(*(draws[dim].values for dim in dims))
    return [f"{draws.name}[{', '.join(map(str, place))}]" if dims else str(draws.name) for place in places]
