"""Reference posteriors: the same graph sampled by NumPyro's NUTS, in JAX, long beside the fit's own sampler.

The special function of the beta-binomial is JAX's log-gamma, so that machine code, special functions, adaptation and
sampler are all another's. Needs the dependency group `reference`.
"""

from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor import tensor as pt
from scipy.special import expit

from forecast.draws import Sampling
from forecast.fitting.compiling.program import Variables, compiled
from forecast.fitting.sampler import values_drawn
from forecast.fitting.simulate import drawn_fit
from models.capability import capability_model
from models.priors import Priors
from models.structures import Parts
from tests.benchmarks.calibration.designs import LAST, design
from tests.benchmarks.calibration.ranks import parameters, reported
from tests.benchmarks.calibration.refits import table_of, truths, with_scores

TABLES = ("exact match", "choice", "loss", "sizes", "years")
SAMPLING = Sampling(chains=4, tune=1000, draws=2000, target_accept=0.95, seed=1)
COLUMNS = ["number", "mean", "its_mean", "z_mean", "sd", "its_sd", "z_sd", "ess", "its_ess"]


def compare(kind: str, path: Path, *, seed: int = 1) -> None:
    """Means and standard deviations of all named numbers by both samplers, with their Monte Carlo errors, as CSV."""
    drawn = design(kind)
    truth = drawn_fit(truths(drawn, draws=1, seed=seed), drawn.data, Priors(), Parts())
    data = with_scores(drawn.data, table_of(truth, drawn, seed=seed))
    model = capability_model(data)
    variables, found = Variables(model), []
    for values in (values_drawn(compiled(model), SAMPLING)[0], numpyro_values(model)):
        fit = drawn_fit(variables.of(values), data, Priors(), Parts())
        shape = values.sizes["chain"], values.sizes["draw"]
        numbers = dict(parameters(fit)) | {
            name: finite(each, name) for name, each in reported(fit, drawn, seed=1).items()
        }
        draws = xr.Dataset({name: (("chain", "draw"), each.reshape(shape)) for name, each in numbers.items()})
        found.append(draws[[name for name in draws if np.ptp(draws[name].values) > 0]])
    beside(*found).to_csv(path, index=False, float_format="%.6g")


def finite(draws: np.ndarray, name: str) -> np.ndarray:
    """Draws as they are; of a threshold, which may be infinite, its place as a share of all places."""
    return expit(draws - LAST) if name.startswith("threshold") else draws


def beside(ours: xr.Dataset, theirs: xr.Dataset) -> pd.DataFrame:
    """Both posteriors number by number; z is the difference in units of its Monte Carlo error."""
    columns: dict[str, Any] = {"number": list(ours)}
    for method in ("mean", "sd"):
        pair = [
            (getattr(each, "std" if method == "sd" else "mean")(), az.mcse(each, method=method))
            for each in (ours, theirs)
        ]
        columns |= {method: _flat(pair[0][0]), f"its_{method}": _flat(pair[1][0])}
        error = np.hypot(_flat(pair[0][1]), _flat(pair[1][1]))
        columns[f"z_{method}"] = (columns[method] - columns[f"its_{method}"]) / error
    columns |= {"ess": _flat(az.ess(ours)), "its_ess": _flat(az.ess(theirs))}
    return pd.DataFrame(columns)[COLUMNS]


def _flat(found: xr.Dataset) -> np.ndarray:
    return np.array([float(found[name]) for name in found])


def potential_in_jax(model: pm.Model) -> Any:
    """Minus the log density of a model as a function of the list of its values, in double precision.

    Its gradient is the graph's: automatic differentiation by JAX has no number where an unused branch is infinite.
    """
    import jax
    from jax.scipy.special import digamma, gammaln, xlogy
    from pymc.sampling.jax import get_jaxified_graph
    from pytensor.link.jax.dispatch import jax_funcify

    from models.log_rising import _LogRising

    jax.config.update("jax_enable_x64", True)

    @jax_funcify.register(_LogRising)
    def _(op: Any, **_: Any) -> Any:
        return lambda x, n: (gammaln(x + n) - gammaln(x) - xlogy(n, n), digamma(x + n) - digamma(x))

    logp = model.logp()
    outputs = [-logp, *(-slope for slope in pt.grad(logp, model.value_vars))]
    function = get_jaxified_graph(inputs=model.value_vars, outputs=outputs)
    potential = jax.custom_vjp(lambda point: function(*point)[0])

    def forward(point: list) -> tuple:
        value, *slopes = function(*point)
        return value, slopes

    potential.defvjp(forward, lambda slopes, weight: ([weight * slope for slope in slopes],))
    return potential


def numpyro_values(model: pm.Model, sampling: Sampling = SAMPLING) -> xr.Dataset:
    """Draws of the values of a model by NumPyro: dims chain, draw and their own."""
    import jax
    from numpyro.infer import MCMC, NUTS
    from pymc.initial_point import make_initial_point_fn

    potential = potential_in_jax(model)
    values = [str(model.rvs_to_values[each].name) for each in model.free_RVs]
    order = [values.index(str(each.name)) for each in model.value_vars]
    start = make_initial_point_fn(model=model, return_transformed=True, jitter_rvs=set(model.free_RVs))
    starts = [start(seed) for seed in range(sampling.chains)]
    first = [np.stack([np.asarray(each[values[place]], dtype=float) for each in starts]) for place in order]
    kernel = NUTS(potential_fn=potential, target_accept_prob=sampling.target_accept)
    options = {"num_chains": sampling.chains, "chain_method": "vectorized", "progress_bar": False}
    chains = MCMC(kernel, num_warmup=sampling.tune, num_samples=sampling.draws, **options)
    chains.run(jax.random.PRNGKey(sampling.seed), init_params=first)
    drawn = chains.get_samples(group_by_chain=True)
    return xr.Dataset(
        {
            values[place]: (
                ("chain", "draw", *(f"{values[place]}_{d}" for d in range(each.ndim - 2))),
                np.asarray(each),
            )
            for place, each in zip(order, drawn, strict=True)
        }
    )


def summary(kind: str, path: Path) -> dict[str, str]:
    """One line of the table of reference posteriors."""
    table = pd.read_csv(path)
    z = table[["z_mean", "z_sd"]].abs().to_numpy().ravel()
    largest = table.loc[table["z_mean"].abs().idxmax()]
    return {
        "table": kind,
        "numbers": f"{len(table)}",
        "largest difference of means / its error": f"{abs(largest['z_mean']):.1f} ({largest['number']})",
        "of standard deviations": f"{table['z_sd'].abs().max():.1f}",
        "share beyond 2 errors": f"{(z > 2).mean():.0%}",
        "largest difference of means, in sd": f"{((table['mean'] - table['its_mean']).abs() / table['sd']).max():.3f}",
        "least effective draws, both": f"{table['ess'].min():.0f}, {table['its_ess'].min():.0f}",
    }
