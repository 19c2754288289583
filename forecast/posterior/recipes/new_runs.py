"""New runs: what of a run that was not fitted is drawn, each thing once."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from forecast.posterior.compute import effective_compute, split_deficit
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import (
    date_deviation,
    family_deviation,
    family_shift,
    new_deviation,
    recipe_deviation,
)
from forecast.posterior.recipes.shocks import new_shocks
from forecast.posterior.score import Residuals, residuals_of_answers
from forecast.posterior.tasks import law_name
from forecast.table.dataset import index_of
from models.dates import years, years_of_runs
from models.facts.layout import answers
from models.facts.placing import reference_compute


class NewRuns:
    """What is new in a table of rows, each drawn once: residuals of runs, effects and deviations of families.

    `normal` gives standard normal draws of a shape: that of `sigma_run`, which may have dims beside chain and draw.
    """

    def __init__(self, fit: Fit, rows: pd.DataFrame, normal: Callable[[tuple[int, ...]], np.ndarray]):
        self._fit, self._standard_normal = fit, normal
        self._mean_compute = np.log10(rows.groupby("family")["compute"].mean())
        self._dates = rows.groupby("model")["date"].first()
        self._own: dict[object, xr.DataArray] = {}

    def theta(self, model: str, rows: pd.DataFrame) -> xr.DataArray:
        """Effective compute of a run, in units of the laws: dims chain, draw."""
        posterior = self._fit.posterior
        if model in self._fit.data.run.values:
            return (posterior.theta.sel(run=model, drop=True) - posterior.theta_origin) / posterior.theta_scale
        run = rows.iloc[0]
        sd = np.hypot(posterior.sigma_run, run["compute_sd"] if pd.notna(run["compute_sd"]) else 0.0)
        year = self._year(model)
        if self._is_known(run["family"]):
            shift = family_shift(self._fit, run["family"], year)
        else:
            shift = family_shift(self._fit, None, year) + self._new_family(run["family"])
        shift = shift + new_shocks(self._fit, run, year, self._normal) + sd * self._normal(("run", model))
        x = np.log10(run["compute"]) + self._deficit(run["params"], run["tokens"])
        return effective_compute(self._fit, x, family=run["family"], shift=shift)  # the regression is in the shift

    def deviation(self, task: str, model: str, family: str) -> xr.DataArray | float:
        """Deviation of a run's family and date on a task, in units of the laws: dims chain, draw."""
        if model in self._fit.data.run.values:
            run = index_of(self._fit.data, "run", model)
            family = str(self._fit.data.family.values[self._fit.data.family_index.values[run]])
            date = date_deviation(self._fit, task, float(years_of_runs(self._fit.data)[run]))
            return date + recipe_deviation(self._fit, task, family)
        if self._is_known(family):
            return family_deviation(self._fit, task, family, self._year(model))
        new = new_deviation(self._fit, task, lambda of: self._normal((of, family)))
        return new + family_deviation(self._fit, task, None, self._year(model))

    def _year(self, model: str) -> float | None:
        date = self._dates[model]
        return None if pd.isna(date) else float(years(np.datetime64(date)))

    def residuals(self, task: str, model: str) -> Residuals:
        """Residuals that the metrics of a run's answers share: dims chain, draw."""
        data, posterior, law = self._fit.data, self._fit.posterior, law_name(self._fit, task)
        of_law = data.law.values[data.law_index.values] == law
        if of_law.sum() == 1:
            return Residuals()
        own = (data.run.values[data.run_index.values] == model) & of_law[data.task_index.values]
        if own.any():
            return residuals_of_answers(self._fit, int(answers(data)[np.argmax(own)]))
        spread = posterior.get("token_floor_spread", 0.0)
        return Residuals(
            log_loss=posterior.answer_sd.sel(law=law, drop=True) * self._normal(("answer", model, law)),
            token_floor=spread * self._normal(("token floor", model, law)),
        )

    def _deficit(self, params: float, tokens: float) -> xr.DataArray | float:
        known = pd.notna(params) and pd.notna(tokens)
        return split_deficit(self._fit, np.log10(params), np.log10(tokens)) if known else 0.0

    def _is_known(self, family: str) -> bool:
        return family in self._fit.data.family.values

    def _new_family(self, family: str) -> xr.DataArray | float:
        posterior = self._fit.posterior
        if "family_slope" not in posterior:
            return 0.0
        beyond = self._mean_compute[family] - reference_compute(self._fit.data)
        return posterior.family_slope * beyond + posterior.sigma_family * self._normal(("family", family))

    def _normal(self, of: object) -> xr.DataArray:
        if of not in self._own:
            like = self._fit.posterior.sigma_run
            self._own[of] = xr.DataArray(self._standard_normal(like.shape), dims=like.dims)
        return self._own[of]
