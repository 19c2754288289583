"""The log density of the graph against one written from the formulas in words, at random points of two tables.

Sampled coordinates and natural parameters differ by a change of variables, whose Jacobian is taken by differences of
the natural parameters. So the coordinates of laws and runs, and the Jacobians written for them, are tested too.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytensor
import pytest
import xarray as xr
from pymc.initial_point import make_initial_point_fn

from forecast.fitting.compiling.density import INTERPRETED
from forecast.fitting.compiling.program import Variables
from forecast.fitting.simulate import drawn_fit
from models.capability import capability_model
from models.facts.layout import answers, is_measured
from models.facts.placing import bend_knots, reference_compute, residual_basis, standard_weights
from models.priors import Priors
from models.structures import Parts
from tests.benchmarks.calibration.designs import design
from tests.benchmarks.calibration.refits import table_of, truths, with_scores
from tests.conftest import SEED
from tests.models.independent import Law, Row, Table, log_density

POINTS, STEP = 6, 1e-5
LEAST_SHORTFALL = 0.3
TOLERANCE = 1e-4  # of a log density, of the differences that make the Jacobian; one wrong sign is of order 1
LAWS = {
    "exact match": [Law(name="sums", kind="answer", length=4.0), Law(name="proofs", kind="answer", length=1.0)],
    "loss": [
        Law(name="sums", kind="answer", length=4.0, has_loss=True),
        Law(name="validation", kind="answer", length=1.0, has_rate=False, has_loss=True, has_known_length=False),
        Law(name="picks", kind="choice", length=1.0, chance=0.25, has_known_length=False),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A table of known truth, its model, and the same for the independent density."""

    data: xr.Dataset
    model: object
    variables: Variables
    table: Table


@pytest.fixture(scope="module", params=list(LAWS))
def case(request):
    drawn = design(request.param)
    truth = drawn_fit(truths(drawn, draws=1, seed=SEED), drawn.data, Priors(), Parts())
    data = with_scores(drawn.data, table_of(truth, drawn, seed=SEED))
    model = capability_model(data)
    return Case(data=data, model=model, variables=Variables(model), table=_table(data, LAWS[request.param]))


def _table(data, laws):
    law_of_task = data.law.values[data.law_index.values]
    rows = [
        Row(
            run=int(data.run_index.values[row]),
            task=str(data.task.values[t]),
            metric=str(data.metric.values[t]),
            law=str(law_of_task[t]),
            score=float(data.score.values[row]),
            count=int(np.nan_to_num(data.successes.values[row])),
            trials=int(data.trials.values[row]),
        )
        for row, t in enumerate(data.task_index.values)
    ]
    rated = {law.name for law in laws if law.has_rate}
    measured = data.task.values[is_measured(data)]
    return Table(
        rows=rows,
        laws=laws,
        log10_compute=data.log10_compute.values,
        reference=reference_compute(data),
        knots=bend_knots(data),
        linked=frozenset(str(t) for t in measured if law_of_task[data.task.values.tolist().index(t)] in rated),
    )


def points_of(case):
    """Random points in the coordinates that are sampled, each the values by name.

    Asymptotes are kept below 1 by so much that doubles hold the difference.
    """
    start = make_initial_point_fn(model=case.model, return_transformed=True, jitter_rvs=set(case.model.free_RVs))
    points = [start(1000 * SEED + seed) for seed in range(POINTS)]
    for point in points:
        point["law_coordinates"][:, 2] = LEAST_SHORTFALL + abs(point["law_coordinates"][:, 2])
    return points


def vectors(points):
    return np.stack([np.concatenate([np.ravel(each) for each in point.values()]) for point in points])


def named(case, vectors, like):
    """All variables of the model (draw, ...) at points given as vectors."""
    sizes = np.cumsum([np.size(each) for each in like.values()])[:-1]
    parts = zip(like.items(), np.split(vectors, sizes, axis=1), strict=True)
    values = {
        name: (("chain", "draw", *(f"{name}_{d}" for d in range(np.ndim(each)))), part.reshape(1, -1, *np.shape(each)))
        for (name, each), part in parts
    }
    return case.variables.of(xr.Dataset(values)).isel(chain=0)


def natural(case, draw):
    """Parameters of the independent density, of the variables of the model at one point."""
    data, laws = case.data, case.table.laws
    y = {str(name): float(draw[name]) for name in draw if draw[name].ndim == 0}
    for name in ("log_nu_mean", "reference_logit_mean", "log_exponent_mean"):
        y[name] = dict(zip(draw.kind.values.tolist(), draw[name].values, strict=True))
    y |= {"theta": draw.theta.values, "slopes": draw.slopes.values, "standard": _standard(data, draw)}
    of_laws = {law.name: _law(law, draw.sel(law=law.name), data) for law in laws}
    for name in ("logit_0", "log_exponent", "u", "log_nu_own"):
        y[name] = {law: own[name] for law, own in of_laws.items()}
    y["log_concentration"] = dict(zip(draw.task.values.tolist(), draw.log_concentration.values, strict=True))
    y["floor_logit"], y["answer_sd"], y["link"], y["loss_scale"], y["residual"] = {}, {}, {}, {}, {}
    if "floor_logit" in draw:
        y["floor_logit"] = dict(zip(draw.guessing_law.values.tolist(), draw.floor_logit.values, strict=True))
    if "loss_scale" in draw:
        y["loss_scale"] = dict(zip(draw.measured.values.tolist(), draw.loss_scale.values, strict=True))
        y["largest_loss"] = 4.0  # README of the priors: where all losses are smaller
    if "answer_sd" in draw:
        y["answer_sd"] = dict(zip(draw.law.values.tolist(), draw.answer_sd.values, strict=True))
        link = (draw.log_loss_link_factor.values, draw.loss_link_power.values, draw.guess_excess.values)
        y["link"] = dict(zip(draw.law.values.tolist(), zip(*link, strict=True), strict=True))
        for row, answer in enumerate(answers(data)):
            if answer >= 0:
                law = str(data.law.values[data.law_index.values[data.task_index.values[row]]])
                y["residual"][int(data.run_index.values[row]), law] = draw.answer_residual.values[answer]
    return y


def _standard(data, draw):
    """Effective compute less the level and over the slope of a line through runs, which is kept positive."""
    level, slope = standard_weights(data) @ draw.theta.values
    if data.sizes["law"] < 3:  # few laws: softly at least 0.05
        slope = 0.05 + 0.1 * np.logaddexp(0.0, 10.0 * (slope - 0.05))
    return (draw.theta.values - level) / slope


def _law(law, draw, data):
    """logit S_0, ln alpha and u of a law, from its loss at the reference and from what it reaches at most."""
    nu, reducible = float(draw.nu), 10.0 ** float(draw.log10_amplitude)
    if law.has_loss:
        asymptote = (1.0 + law.length * float(draw.irreducible) / nu) ** -nu
        success = (1.0 + law.length * (float(draw.irreducible) + reducible) / nu) ** -nu
    else:
        floor, ceiling = (float(draw[name].sel(task=law.name)) for name in ("floor", "ceiling"))
        asymptote = (ceiling - floor) / (1.0 - floor)
        success = asymptote * (1.0 + law.length * reducible / nu) ** -nu
    power = Priors().ceiling_shortfall_power if law.has_rate else Priors().loss_shortfall_power
    return {
        "logit_0": np.log(success / (1.0 - success)),
        "log_exponent": np.log(float(draw.exponent)),
        "u": ((1.0 - asymptote) / (1.0 - success)) ** (1.0 / power),
        "log_nu_own": float(draw.log_nu_own),
    }


def as_vector(y):
    """The natural parameters that are random, each so that the independent density is of it."""
    logs = ("sigma_run", "sigma_bend", "log_exponent_spread", "reference_logit_spread", "floor_logit_spread")
    found = [np.log(y[name]) for name in logs if name in y] + [y[name] for name in ("floor_logit_mean",) if name in y]
    for name in ("log_nu_mean", "reference_logit_mean", "log_exponent_mean", "logit_0", "log_exponent", "u"):
        found += y[name].values()
    for name in ("log_nu_own", "log_concentration", "floor_logit", "residual"):
        found += y[name].values()
    found += [np.log(value) for name in ("loss_scale", "answer_sd") for value in y[name].values()]
    for log_factor, power, excess in y["link"].values():
        found += [log_factor, np.log(power), np.log(excess)]
    return np.concatenate([np.array(found), np.diff(np.log(y["slopes"])), y["theta"]])


def log_jacobian(case, point, like):
    """Log of the determinant of the natural parameters by the sampled coordinates, by central differences."""
    steps = STEP * np.eye(len(point))
    draws = named(case, np.concatenate([point + steps, point - steps]), like)
    found = np.array([as_vector(natural(case, draws.isel(draw=each))) for each in range(draws.sizes["draw"])])
    derivative = (found[: len(point)] - found[len(point) :]) / (2.0 * STEP)
    assert derivative.shape == (len(point), len(point))
    return np.linalg.slogdet(derivative)[1]


def left_out(case):
    """The constant that the density of the runs leaves out: ln |det (1, x, B)|."""
    if case.data.sizes["law"] < 3:
        return 0.0
    basis = residual_basis(standard_weights(case.data))
    x = case.data.log10_compute.values - reference_compute(case.data)
    return np.linalg.slogdet(np.column_stack([np.ones_like(x), x, basis]))[1]


def seen_at(case):
    """At each point the graph's log density in natural parameters, and these parameters."""
    points = points_of(case)
    with pytensor.config.change_flags(cxx=""):
        values = [case.model.rvs_to_values[each] for each in case.model.free_RVs]
        of_graph = pytensor.function(values, case.model.logp(), mode=INTERPRETED, on_unused_input="ignore")
    draws = named(case, vectors(points), points[0])
    for place, (point, vector) in enumerate(zip(points, vectors(points), strict=True)):
        density = float(of_graph(*(point[str(value.name)] for value in values)))
        yield density - log_jacobian(case, vector, points[0]) + left_out(case), natural(case, draws.isel(draw=place))


def differences(seen, table, numbers):
    """The graph's log density less the independent one, at each point."""
    return np.array([density - log_density(y, table, numbers) for density, y in seen])


@pytest.fixture(scope="module")
def seen(case):
    return list(seen_at(case))


def test_the_graph_has_the_density_of_the_formulas_in_words(case, seen):
    found = differences(seen, case.table, Priors())
    assert len(found) == POINTS
    assert np.abs(found).max() < TOLERANCE, found


@pytest.mark.parametrize("number", ["outlier_share", "frailty_log_spread", "ceiling_shortfall_power"])
def test_a_number_that_is_a_tenth_off_is_noticed(case, seen, number):
    numbers = SimpleNamespace(**vars(Priors()))
    setattr(numbers, number, 0.9 * getattr(numbers, number))
    assert np.abs(differences(seen, case.table, numbers)).max() > 10.0 * TOLERANCE
