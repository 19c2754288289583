"""Variables of one task of a fit, and the scales of priors that do not bear on it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.posterior.tasks import is_measured, law_name
from models.dates import by_date
from models.facts.ceilings import is_of_experts
from models.facts.layout import (
    has_unknown_floor,
    is_measured_law,
    is_reciprocal_law,
    kinds_of_laws,
    known_length,
    links_loss_to_rates,
)
from models.facts.layout import is_measured as measured_tasks
from models.facts.parts import has_drift, has_irreducible, has_token_floor, is_frailty_open
from models.priors import Priors
from models.structures import Structure, structure_of


@dataclass(frozen=True)
class Own:
    """A task, by its label, of a fit of one structure."""

    fit: Fit
    task: str

    @property
    def priors(self) -> Priors:
        """The numbers on the scale of the fit."""
        return self.fit.priors.of_scale(dated=by_date(self.data))

    @property
    def data(self) -> xr.Dataset:
        return self.fit.data

    @cached_property
    def law(self) -> int:
        """Place of its law among the laws."""
        return int(self.data.law_index.sel(task=self.task))

    @cached_property
    def laws_of_kind(self) -> int:
        """How many laws are pooled with its own, this one included."""
        kind = kinds_of_laws(self.data)[1]
        return int((kind == kind[self.law]).sum())

    @cached_property
    def x(self) -> xr.Dataset:
        """Draws (chain, draw) of its variables, without the dims of kinds, laws and tasks."""
        kinds, kind = kinds_of_laws(self.data)
        labels = dict.fromkeys(("task", "unknown_k", "unknown_chance"), self.task)
        labels |= {"law": law_name(self.fit, self.task), "kind": str(kinds[kind[self.law]])}
        labels["measured"] = self._measured()
        found = {}
        for name, draws in self.fit.posterior.data_vars.items():
            dims = [str(dim) for dim in draws.dims if dim not in ("chain", "draw")]
            if all(dim in labels and labels[dim] in draws[dim].values for dim in dims):
                found[str(name)] = draws.sel({dim: labels[dim] for dim in dims}).reset_coords(drop=True)
        return xr.Dataset(found)

    def _measured(self) -> str:
        """The task if it is measured, else the first loss of its law; blank where there is none."""
        of_law = self.data.task.values[(self.data.law_index.values == self.law) & measured_tasks(self.data)].tolist()
        return self.task if self.task in of_law else next(map(str, of_law), "")

    @cached_property
    def idle(self) -> frozenset[str]:
        """Scales of priors whose variables the fit has, though they say nothing of this task."""
        structure = structure_of(next(iter(self.fit.weights)))
        bears = {"bend_sd_log_sd": not structure.bend} | self._of_rates(structure) | self._of_losses()
        return frozenset(name for name, it_does in bears.items() if not it_does)

    def _of_rates(self, structure: Structure) -> dict[str, bool]:
        """Whether each scale of the priors of rates bears on the task."""
        data, law, parts = self.data, self.law, self.fit.parts
        rates = not is_measured_law(data)[law]
        open_nu = rates and (structure.nu is None or not is_frailty_open(data)[law])
        asymptote = rates and parts.free_ceiling and (not structure.ceiling or has_irreducible(data)[law])
        guessed, drifts = has_token_floor(data, parts)[law], has_drift(data, parts)[law]
        pooled = ("exponent_log_sd", "exponent_spread_log_sd", "reference_logit_sd", "reference_logit_spread_sd")
        return {
            **dict.fromkeys(pooled, rates),
            **dict.fromkeys(("frailty_log_sd", "frailty_log_spread"), open_nu),
            "ceiling_shortfall_power": asymptote and not is_of_experts(data)[law],
            "human_shortfall_power": asymptote and is_of_experts(data)[law],
            **dict.fromkeys(
                ("floor_logit_sd", "floor_logit_spread_sd"), has_unknown_floor(data)[law] and not structure.floor
            ),
            "choice_floor_logit_sd": not structure.floor,
            "concentration_log_sd": not is_measured(self.fit, self.task),
            "frailty_drift_sd": drifts,
            **dict.fromkeys(("token_floor_logit_sd", "token_floor_spread_log_sd"), guessed),
            "answer_sd_log_sd": (data.law_index.values == law).sum() > 1,
        }

    def _of_losses(self) -> dict[str, bool]:
        """The same of losses, of their link to rates, and of horizons."""
        data, law, split = self.data, self.law, "params_exponent" in self.fit.posterior
        measured, linked = is_measured_law(data)[law], links_loss_to_rates(data)[law]
        horizon = is_reciprocal_law(data)[law]
        losses = measured and not horizon
        lone, known = data.sizes["law"] == 1, np.isfinite(known_length(data)[law])
        return {
            **dict.fromkeys(("loss_log_sd", "loss_shortfall_power"), losses),
            "loss_exponent_log_sd": losses and not split,
            "loss_exponent_log_sd_of_own_split": losses and split and lone,
            "loss_exponent_log_sd_of_split": losses and split and not lone,
            "loss_scale_log_sd": losses,
            "loss_scale_log_sd_of_answers": linked,
            "loss_link_factor_log_sd": linked and known,
            "loss_link_factor_log_sd_of_unknown_length": linked and not known,
            **dict.fromkeys(("loss_link_power_log_sd", "guess_excess_log_sd"), linked),
            **dict.fromkeys(("horizon_log_sd", "horizon_exponent_log_sd", "horizon_scale_log_sd"), horizon),
        }
