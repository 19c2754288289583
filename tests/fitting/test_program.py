"""Compiled models: one machine code for many tables, found again, with the value and the slope of the model itself."""

import ctypes

import numpy as np
import pymc as pm
import pytensor
import pytest
import xarray as xr
from pytensor import tensor as pt
from pytensor.compile.mode import Mode
from pytensor.link.numba.cache import NUMBA_CACHE_PATH

from forecast.fitting.compiling.density import Density, kept
from forecast.fitting.compiling.program import Variables, compiled
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED, write_rows

UNCOMPILED = Mode("py", "fast_compile")
NUMBERS = {"three": np.array([0.3, 1.9, 2.4]), "five": np.array([5.1, 4.4, 6.0, 5.7, 4.9])}
PLAIN = Parts(bend=False, free_floor=False, outliers=False)


def grouped(numbers, *, sd=2.0, spread=1.0, power=2):
    """A model with what programs have to get right: transforms, dims, data, an index and a variable of two axes."""
    group = np.arange(len(numbers)) % 2
    with pm.Model(coords={"group": ["a", "b"], "row": range(len(numbers)), "side": range(3)}) as model:
        scale = pm.HalfNormal("scale", spread)
        mean = pm.Normal("mean", 0.0, sd, dims="group")
        table = pm.ZeroSumNormal("table", dims=("group", "side"))
        pm.Deterministic("power", mean**power + table[:, 0], dims="group")
        pm.Deterministic("constant", pm.math.constant(1.0))
        at = mean[group] + table[group, np.arange(len(numbers)) % 3]
        pm.Normal("y", at, scale, observed=pm.Data("numbers", numbers, dims="row"))
    return model


@pytest.fixture(scope="module")
def capability_of(tmp_path_factory):
    """A small capability model of so many tasks, by runs a decade apart."""

    def build(runs, tasks=1, parts=PLAIN, priors=Priors()):
        rows = [
            {"model": f"run {run}", "task": f"task {task}", "metric": "exact_match", "compute": f"1e{20 + run}"}
            | {"successes": 20 * run + task, "trials": 200}
            for run in range(runs)
            for task in range(tasks)
        ]
        data = observations(read_table(write_rows(tmp_path_factory.mktemp("table") / "table.csv", rows)))
        return capability_model(data, parts, priors)

    return build


def value_and_slope(model, point):
    """What the machine code of a model answers for a vector, called as the sampler does."""
    return answer_of(compiled(model), point)


def answer_of(program, point):
    sampler = program.sampler
    vector = np.array(point, dtype=float)
    slope, value = np.zeros_like(vector), np.zeros(1)
    places = (each.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for each in (vector, slope, value))
    data = ctypes.c_void_p(sampler.user_data.ctypes.data)
    assert sampler.compiled_logp_func.ctypes(len(vector), *places, data) == 0
    return float(value[0]), slope


def of_pymc(model, named):
    """Value and slope by PyMC's own way, interpreted."""
    logp = model.logp()
    slope = pytensor.grad(logp, model.value_vars)
    value, *parts = model.compile_fn([logp, *slope], mode=UNCOMPILED)(named)
    return float(value), np.concatenate([np.ravel(each) for each in parts])


def point_of(model, seed=SEED):
    """A vector of values, and the same by name."""
    rng = np.random.default_rng(seed)
    shapes = {name: np.shape(each) for name, each in model.initial_point().items()}
    named = {name: rng.normal(0.0, 0.3, shape) for name, shape in shapes.items()}
    return np.concatenate([np.ravel(each) for each in named.values()]), named


@pytest.mark.parametrize("numbers", NUMBERS)
def test_value_and_slope_are_those_that_pymc_gives_whichever_table_came_first(numbers):
    model = grouped(NUMBERS[numbers])
    vector, named = point_of(model)
    value, slope = value_and_slope(model, vector)
    expected, expected_slope = of_pymc(model, named)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-9, atol=1e-12)


def test_a_program_takes_the_present_data_of_its_model():
    model, other = grouped(NUMBERS["five"]), grouped(NUMBERS["five"][::-1])
    program, vector = compiled(model), point_of(model)[0]
    before = answer_of(program, vector)
    with model:
        pm.set_data({"numbers": NUMBERS["five"][::-1]})
    now = answer_of(program.with_present_data(), vector)
    assert now[0] == answer_of(compiled(other), vector)[0] != before[0]
    np.testing.assert_array_equal(now[1], answer_of(compiled(other), vector)[1])
    assert answer_of(program, vector)[0] == before[0]


@pytest.mark.parametrize(("runs", "tasks"), [(4, 1), (6, 1), (5, 4)])
def test_a_capability_model_has_its_own_value_and_slope(capability_of, runs, tasks):
    model = capability_of(runs, tasks)
    vector, named = point_of(model)
    value, slope = value_and_slope(model, vector)
    expected, expected_slope = of_pymc(model, named)
    assert value == pytest.approx(expected, rel=1e-11)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-7, atol=1e-9)


def key(model):
    return Density(model).key()


def test_tables_of_other_numbers_and_sizes_share_a_program(capability_of):
    assert key(grouped(NUMBERS["three"])) == key(grouped(NUMBERS["five"]))
    assert key(capability_of(4)) == key(capability_of(7)) and key(capability_of(5, 3)) == key(capability_of(8, 6))


@pytest.mark.parametrize("change", [{"sd": 2.1}, {"spread": 1.1}], ids=str)
def test_another_prior_number_is_another_program(change):
    assert key(grouped(NUMBERS["five"], **change)) != key(grouped(NUMBERS["five"]))


def test_other_parts_and_priors_of_the_capability_model_are_other_programs(capability_of):
    models = [
        capability_of(5, 3),
        capability_of(5, 3, Parts()),
        capability_of(5, 3, priors=Priors(frailty_log_sd=0.8)),
    ]
    assert len({key(model) for model in models}) == len(models)


def test_a_model_in_which_sizes_decide_what_is_broadcast_has_a_program_of_its_own():
    """The first of a known number of rows is broadcast against all; of an unknown number it would be refused."""

    def model(numbers):
        with pm.Model() as found:
            mean = pm.Normal("mean", 0.0, 1.0)
            pm.Normal("y", mean * (pt.as_tensor(numbers) * pt.exp(mean))[:1], 1.0, observed=numbers)
        return found

    for numbers in NUMBERS.values():
        vector, named = point_of(model(numbers))
        value, slope = value_and_slope(model(numbers), vector)
        expected, expected_slope = of_pymc(model(numbers), named)
        assert value == pytest.approx(expected, rel=1e-12) and slope == pytest.approx(expected_slope, rel=1e-9)


def test_what_is_computed_after_sampling_is_no_part_of_the_program():
    assert key(grouped(NUMBERS["five"], power=3)) == key(grouped(NUMBERS["five"]))


def test_a_program_is_found_again_and_made_again_where_its_file_is_damaged(capsys, caplog):
    model = grouped(NUMBERS["five"], sd=7.25)
    vector, _ = point_of(model)
    first = value_and_slope(model, vector)
    name = key(model)
    kept.clear()
    assert not compiled(model).new
    files = [path for path in NUMBA_CACHE_PATH.glob(f"*{name}*") if path.suffix == ".nbc"]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    kept.clear()
    assert compiled(model).new and "made again" in caplog.text
    again = value_and_slope(model, vector)
    assert again[0] == first[0] and np.array_equal(again[1], first[1])


def test_variables_are_the_equations_of_the_model_for_each_draw():
    model = grouped(NUMBERS["five"])
    points = [point_of(model, seed)[1] for seed in range(6)]
    stacked = {name: np.stack([each[name] for each in points]) for name in points[0]}
    dims = {name: [f"{name}_{axis}" for axis in range(each.ndim - 1)] for name, each in stacked.items()}
    values = xr.Dataset(
        {name: (("chain", "draw", *dims[name]), each.reshape(2, 3, *each.shape[1:])) for name, each in stacked.items()}
    )
    found = Variables(model).of(values)
    assert set(found.data_vars) == {"scale", "mean", "table", "power", "constant"}
    assert found.power.dims == ("chain", "draw", "group") and found.group.values.tolist() == ["a", "b"]
    wanted = {str(each.name): each for each in model.unobserved_value_vars}
    of_one = {
        name: model.compile_fn(wanted[name], inputs=model.value_vars, mode=UNCOMPILED, on_unused_input="ignore")
        for name in found
    }
    for place, point in enumerate(points):
        one = found.isel(chain=place // 3, draw=place % 3)
        for name, function in of_one.items():
            np.testing.assert_allclose(one[name], function(point), rtol=1e-12)
