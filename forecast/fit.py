"""Draw from the posterior of any PyMC model and say whether the draws can be trusted."""

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import pytensor
import xarray as xr
from pymc.model.transform.optimization import freeze_dims_and_data
from pytensor.compile.mode import Mode

logger = logging.getLogger(__name__)

REGULARISATION = 1e-2  # of the low-rank mass matrix; nutpie's 1e-5 keeps so many directions that a step costs twice
MAX_DEPTH = 8  # of a trajectory, 2^8 - 1 steps; on GPT-3 arithmetic and obsscaling only early warm-up makes longer ones
DRAWS, DRAWS_OF_MANY_ROWS = 2000, 1300  # kept draws a chain; a step of many rows costs more
MANY_ROWS = 500
FINE_ACCEPT = 0.95  # target of a posterior that was hard to sample
MAX_RHAT = 1.01  # Vehtari et al. 2021, Bayesian Analysis 16:667
MIN_ESS = 400  # the same source: 100 a chain
MAX_DIVERGENT_SHARE = 0.001  # of all draws: a few among thousands are always shown, more make the fit untrustworthy


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample. Same seed, same draws."""

    seed: int = 1
    chains: int = 4
    tune: int = 500  # warm-up draws a chain
    draws: int | None = None  # kept draws a chain; None is 2000, or 1300 for tables of more than 500 rows
    target_accept: float = 0.88
    cores: int = 2

    def of_rows(self, rows: int) -> "Sampling":
        """The same with the number of draws that suits a table of so many rows, where none is given."""
        return self if self.draws else replace(self, draws=DRAWS if rows <= MANY_ROWS else DRAWS_OF_MANY_ROWS)

    def thrice(self) -> "Sampling":
        """The same with thrice the draws."""
        return replace(self, draws=None if self.draws is None else 3 * self.draws)

    def longer(self) -> "Sampling":
        """The same for a posterior that was hard to sample: thrice the draws, twice the warm-up, in finer steps."""
        return replace(self.thrice(), tune=2 * self.tune, target_accept=max(self.target_accept, FINE_ACCEPT))


@dataclass(frozen=True, kw_only=True)
class Check:
    """A diagnostic beside its limit."""

    name: str  # a field of `Diagnostics`
    value: float
    limit: float
    above: bool  # whether the value has to be at least the limit; else at most

    @property
    def passed(self) -> bool:
        """Whether the limit is kept; NaN keeps none."""
        return bool(self.value >= self.limit if self.above else self.value <= self.limit)


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Worst values over all sampled parameters, and the reasons not to trust the draws (none when they are fine)."""

    max_rhat: float
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int
    total_draws: int
    worst: tuple[str, ...]  # the parameters of lowest effective sample size

    @property
    def checks(self) -> tuple[Check, ...]:
        """Each diagnostic beside its limit: the only rule of what can be trusted."""
        return (
            Check(name="max_rhat", value=self.max_rhat, limit=MAX_RHAT, above=False),
            Check(name="min_ess_bulk", value=self.min_ess_bulk, limit=MIN_ESS, above=True),
            Check(name="min_ess_tail", value=self.min_ess_tail, limit=MIN_ESS, above=True),
            Check(
                name="divergences",
                value=self.divergences,
                limit=math.floor(MAX_DIVERGENT_SHARE * self.total_draws),
                above=False,
            ),
        )

    @property
    def reasons(self) -> list[str]:
        """What is wrong, heaviest first; empty when the draws can be trusted. Causes: `forecast.complaints`."""
        rhat, bulk, tail, divergences = self.checks
        found = []
        if not rhat.passed:
            found.append(f"chains disagree: R-hat is {self.max_rhat:.3f}, above {MAX_RHAT}")
        if not (bulk.passed and tail.passed):
            least = np.minimum(self.min_ess_bulk, self.min_ess_tail)  # NaN where either is
            found.append(f"effective sample size is {least:.0f}, below {MIN_ESS}")
        if not divergences.passed:
            found.append(f"part of the posterior is unexplored: {self.divergences} divergent transitions")
        return found


def compiled(model: pm.Model, *, reusable: bool | Collection[str] = False) -> Any:
    """The model's density as a program for `fit`.

    A reusable one takes the numbers of other tables of the same layout, which spares compiling again; one that is not
    has its numbers built in. In between, only the named numbers (`pm.Data`) may be others: it compiles in half the time
    of one that takes them all.
    """
    if not isinstance(reusable, bool):
        fixed = [str(each.name) for each in model.data_vars if each.name not in reusable]
        model, reusable = freeze_dims_and_data(model, data=fixed), True
    with pytensor.config.change_flags(numba__fastmath=False):  # else the first run, uncached, rounds unlike the others
        program = nutpie.compile_pymc_model(model, freeze_model=not reusable)
    logger.info("model compiled: %d parameters", program.n_dim)
    return program


def fit(
    model: pm.Model, sampling: Sampling = Sampling(), *, program: Any = None, progress: Callable | None = None
) -> xr.Dataset:
    """Posterior draws of every variable of the model, with dims chain and draw before its own.

    Runs the No-U-Turn sampler of nutpie with a low-rank mass matrix. The number of divergent transitions is in
    ``attrs["divergences"]``. `program` is a reusable one, `compiled` from a model of the same graph: equal structure,
    priors and layout of the table. Data of other shapes than it was compiled for are a `ValueError`.
    `progress` is called now and then with nutpie's list of chain states.
    """
    program = compiled(model) if program is None else _with_data_of(program, model)
    tree = nutpie.sample(
        program,
        draws=sampling.draws or DRAWS,
        tune=sampling.tune,
        chains=sampling.chains,
        cores=sampling.cores,
        seed=sampling.seed,
        target_accept=sampling.target_accept,
        maxdepth=MAX_DEPTH,
        adaptation="low_rank",
        mass_matrix_gamma=REGULARISATION,
        save_warmup=False,
        progress_bar=False,
        progress_callback=progress,
    )
    posterior = tree["posterior"].to_dataset()
    labels = {dim: list(model.coords[dim]) for dim in posterior.dims if model.coords.get(dim) is not None}
    return posterior.assign_coords(labels).assign_attrs(divergences=int(tree["sample_stats"]["diverging"].sum()))


def _with_data_of(program: Any, model: pm.Model) -> Any:
    data = {str(variable.name): variable.get_value() for variable in model.data_vars}
    held = {variable.name: np.shape(program.shared_data[key]) for variable, key in program.shared_var_keys.items()}
    if differ := sorted(name for name, shape in held.items() if name not in data or np.shape(data[name]) != shape):
        raise ValueError(f"the program was compiled for data of other shapes: {', '.join(differ)}; compile the model")
    return program.with_data(**{name: data[name] for name in held})


def draw_prior(model: pm.Model, *, draws: int, seed: int, names: list[str]) -> xr.DataTree:
    """Prior draws of the named variables: groups prior and, where a name is observed, prior_predictive.

    The graph is interpreted: a thousand draws take less time than compiling for them would.
    """
    with pytensor.config.change_flags(cxx=""), model:
        interpreted = {"mode": Mode("py", "fast_compile")}
        return pm.sample_prior_predictive(draws, var_names=names, random_seed=seed, compile_kwargs=interpreted)


def diagnose(posterior: xr.Dataset) -> Diagnostics:
    """Rank-normalised R-hat, bulk and tail effective sample size (Vehtari et al. 2021) and divergences of a fit."""
    with np.errstate(invalid="ignore"):  # constants, such as the slope at the reference, have no R-hat
        table = az.summary(posterior, kind="diagnostics", round_to="none", ci_prob=0.9)
    table = table[np.isfinite(table["r_hat"])]
    least = table[["ess_bulk", "ess_tail"]].min(axis=1).sort_values()
    return Diagnostics(
        max_rhat=float(table["r_hat"].max()),
        min_ess_bulk=float(table["ess_bulk"].min()),
        min_ess_tail=float(table["ess_tail"].min()),
        divergences=int(posterior.attrs["divergences"]),
        total_draws=posterior.sizes["chain"] * posterior.sizes["draw"],
        worst=tuple(least.index[:5]),
    )
