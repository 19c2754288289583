"""Groups of a fit as ArviZ names them: posterior, prior, likelihoods, predictive draws and what was observed.

The densities are those of the model, taken for all draws at once and interpreted: nothing is compiled.
"""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor import tensor as pt
from pytensor.graph.replace import vectorize_graph

from forecast.fitting.compiling.density import INTERPRETED
from forecast.fitting.sampler import draw_prior
from forecast.posterior.fit import Fit, of_structure

PRIOR_DRAWS = 500


def groups_of(fit: Fit, *, prior_draws: int = PRIOR_DRAWS, seed: int | None = None) -> xr.DataTree:
    """A DataTree with posterior, prior, log_likelihood, log_prior, posterior_predictive and observed_data.

    So that `az.summary`, `az.loo`, `az.plot_ppc_dist` and `az.psense_summary` take it. Of an averaged fit each draw has
    the densities of its own structure, and the prior is that of the first.

    Parameters
    ----------
    prior_draws : number of draws of the prior
    seed : of prior and predictive draws; None: that of the fit
    """
    seed = fit.sampling.seed if seed is None else seed
    parts = [_of_one(replace(of_structure(fit, name)), seed) for name, weight in fit.weights.items() if weight > 0]
    together = {name: _in_order([part[name] for part in parts]) for name in parts[0]}
    model = fit.model()
    names = [variable.name for variable in model.unobserved_RVs]
    prior = draw_prior(model, draws=prior_draws, seed=seed, names=names)["prior"].to_dataset()
    observed = {str(each.name): np.asarray(model.rvs_to_values[each].eval()) for each in model.observed_RVs}
    rows = together["posterior_predictive"]
    dims = {name: (rows[name].dims[2:], values) for name, values in observed.items()}
    seen = xr.Dataset(dims, coords={dim: rows[dim] for dim in rows.dims if dim not in ("chain", "draw")})
    groups = {"posterior": fit.posterior, "prior": prior[names], **together, "observed_data": seen}
    return xr.DataTree.from_dict(groups)


def _in_order(parts: list[xr.Dataset]) -> xr.Dataset:
    """Draws of several structures in the order of the posterior."""
    return parts[0] if len(parts) == 1 else xr.concat(parts, dim="draw").sortby("draw")


def _of_one(fit: Fit, seed: int) -> dict[str, xr.Dataset]:
    model = fit.model()
    for variable in model.free_RVs:  # where sampling starts does not matter, and a model that says cannot be changed
        model.rvs_to_initial_values[variable] = None
    plain = remove_value_transforms(model)
    with model:
        predicted = pm.sample_posterior_predictive(
            xr.DataTree.from_dict({"posterior": fit.posterior}),
            random_seed=seed,
            freeze_vars=[str(each.name) for each in model.free_RVs],
            progressbar=False,
            compile_kwargs={"mode": INTERPRETED},
        )
    return {
        "log_likelihood": _densities(plain, plain.observed_RVs, fit.posterior),
        "log_prior": _densities(plain, plain.free_RVs, fit.posterior),
        "posterior_predictive": predicted["posterior_predictive"].to_dataset(),
    }


def _densities(model: pm.Model, variables: list, posterior: xr.Dataset) -> xr.Dataset:
    """Log density of each variable at draws of the sampled ones: dims chain, draw and those of the variable."""
    values = [model.rvs_to_values[each] for each in model.free_RVs]
    many = {value: pt.tensor(dtype=value.dtype, shape=(None,) * (value.ndim + 1)) for value in values}
    outputs = vectorize_graph(model.logp(vars=variables, sum=False), many)
    with pytensor.config.change_flags(cxx=""):
        function = pytensor.function([*many.values()], outputs, on_unused_input="ignore", mode=INTERPRETED)
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    flat = [posterior[str(each.name)].values for each in model.free_RVs]
    found = function(*(each.reshape(chains * draws, *each.shape[2:]) for each in flat))
    labels = {dim: list(names) for dim, names in model.coords.items() if names is not None}
    dataset = xr.Dataset(coords={"chain": posterior.chain, "draw": posterior.draw})
    for variable, density in zip(variables, found, strict=True):
        own = model.named_vars_to_dims.get(variable.name, ())
        own = own if len(own) == density.ndim - 1 else tuple(f"{variable.name}_{n}" for n in range(density.ndim - 1))
        shaped = density.reshape(chains, draws, *density.shape[1:])
        dataset[str(variable.name)] = ("chain", "draw", *own), shaped
        dataset = dataset.assign_coords({dim: labels[dim] for dim in own if dim in labels})
    return dataset
