"""Structures as numbers of one graph: each holds what it says and nothing else, and one program serves them all."""

from math import inf

import numpy as np
import pytensor
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

from forecast.draws import Sampling
from forecast.fitting.compiling.density import Density
from forecast.fitting.sampler import draw_prior, fit
from forecast.fitting.structures import distinct
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.facts.layout import is_measured_law, rates_of_law
from models.facts.placing import bend_knots
from models.laws import INDEPENDENT_NU
from models.structures import AVERAGED, STRUCTURES, Structure, structure_of
from tests.conftest import ANSWER_COLUMNS, SEED, write_rows

SHORT = Sampling(seed=SEED, chains=2, tune=100, draws=50)
EACH_PART = {
    "nothing": Structure(),
    "nu 1": Structure(nu=1.0),
    "nu 2.5": Structure(nu=2.5),
    "independent": Structure(nu=inf),
    "ceiling": Structure(ceiling=True),
    "floor": Structure(floor=True),
    "bend": Structure(bend=True),
    "all": Structure(nu=1.0, ceiling=True, floor=True, bend=True),
}
EVERY = EACH_PART | {f"structure {name}": structure for name, structure in STRUCTURES.items()}
NAMES = ["nu", "ceiling", "floor", "slopes", "irreducible", "exponent", "theta"]


@pytest.fixture(scope="module")
def lone(table):
    """Four tasks, each a lone rate of its own law; one of them has a chance of 0.25."""
    return observations(read_table(table))


@pytest.fixture(scope="module")
def linked(answer_table):
    """Laws that several rates and losses look at, a lone rate (picks) and a lone loss (validation)."""
    return observations(read_table(answer_table))


@pytest.fixture(scope="module")
def prior_of():
    """Prior draws of the parts that can be held, drawn once for each table and what is held."""
    drawn = {}

    def draw(data, structure):
        key = data.attrs["data_hash"], structure
        if key not in drawn:
            model = capability_model(data, structure=structure)
            drawn[key] = draw_prior(model, draws=60, seed=SEED, names=NAMES)["prior"].to_dataset()
        return drawn[key]

    return draw


def varies(draws) -> bool:
    """Whether every element is learned: no two draws of it are the same number."""
    return bool((draws.std(("chain", "draw")) > 0).all())


# Structures that are one on a table


def of_metrics(path, *metrics, task="addition"):
    """A table of four runs of one task in some metrics."""
    rows = [
        {"model": f"run {run}", "compute": f"1e2{run}", "task": task, "metric": metric, "length": 4}
        | ({"score": 2.0 - 0.3 * run} if metric == "loss" else {"successes": 10 * run, "trials": 100})
        for run in range(4)
        for metric in metrics
    ]
    return observations(read_table(write_rows(path, rows, header=ANSWER_COLUMNS)))


def test_structures_that_are_alike_on_a_table_count_once(tmp_path, lone, linked):
    assert distinct(AVERAGED, lone) == AVERAGED
    assert distinct(AVERAGED, linked) == AVERAGED  # one of its tasks is a lone rate
    answers = of_metrics(tmp_path / "answers.csv", "exact_match", "loss")
    assert distinct(AVERAGED, answers) == ("full", "independent")  # an irreducible loss stands for every ceiling
    tokens = of_metrics(tmp_path / "tokens.csv", "exact_match", "token_accuracy")
    assert distinct(AVERAGED, tokens) == ("full",)  # and several rates of the same answers measure their frailty
    losses = of_metrics(tmp_path / "losses.csv", "loss")
    assert distinct(tuple(STRUCTURES), losses) == ("full",)


# What is held


def test_a_held_ceiling_is_1_for_every_lone_rate(lone, prior_of):
    assert float(abs(prior_of(lone, Structure(ceiling=True)).ceiling - 1.0).max()) < 1e-12
    free = prior_of(lone, Structure()).ceiling
    assert varies(free) and float(free.min()) < 0.7


def test_a_held_ceiling_leaves_the_irreducible_loss_where_one_is_seen(linked, prior_of):
    structure = prior_of(linked, Structure(ceiling=True))
    assert float(abs(structure.ceiling.sel(task="picks") - 1.0).max()) < 1e-12
    assert varies(structure.irreducible.sel(law=["sums", "words", "validation"]))
    assert float(structure.irreducible.sel(law="validation").mean()) > 0.1


@pytest.mark.parametrize(("nu", "expected"), [(1.0, 1.0), (2.5, 2.5), (inf, INDEPENDENT_NU)])
def test_a_held_frailty_is_that_number_for_every_law_of_a_lone_rate_and_stays_1_for_losses(
    lone, linked, prior_of, nu, expected
):
    assert (prior_of(lone, Structure(nu=nu)).nu == expected).all()
    losses = xr.DataArray(is_measured_law(linked), dims="law")
    assert losses.sum() == 1
    several = xr.DataArray(rates_of_law(linked) > 1, dims="law")
    assert several.values.tolist() == [law == "sums" for law in linked.law.values]
    found = prior_of(linked, Structure(nu=nu)).nu
    assert (found == xr.where(losses, 1.0, expected)).sel(law=~several.values).all()
    assert varies(found.sel(law="sums"))
    assert varies(prior_of(lone, Structure()).nu) and not (prior_of(lone, Structure()).nu == expected).any()


def test_a_held_bend_makes_every_slope_1(lone, prior_of):
    structure = prior_of(lone, Structure(bend=True)).slopes
    assert structure.sizes["segment"] == len(bend_knots(lone)) + 1 and (structure == 1.0).all()
    assert float(prior_of(lone, Structure()).slopes.std()) > 0.05


def test_a_held_floor_is_the_chance_of_guessing(lone, prior_of):
    structure, free = (prior_of(lone, each).floor for each in (Structure(floor=True), Structure()))
    assert (structure == lone.chance).all() and sorted(lone.chance.values) == [0.0, 0.0, 0.0, 0.25]
    known = lone.chance > 0
    assert (free[..., known.values] == 0.25).all() and varies(free[..., ~known.values])
    assert (free[..., ~known.values] > 0).all()


@pytest.mark.parametrize("name", EACH_PART)
def test_parts_that_are_not_held_are_learned(lone, prior_of, name):
    structure, found = EACH_PART[name], prior_of(lone, EACH_PART[name])
    assert varies(found.nu) == (structure.nu is None)
    assert (float(found.ceiling.min()) < 0.99) != structure.ceiling
    assert (float(found.slopes.std()) > 0) != structure.bend
    assert (float(found.floor[..., lone.chance.values == 0].std()) > 0) != structure.floor
    assert varies(found.exponent) and varies(found.theta)


# The structures


def test_the_first_structure_holds_nothing_and_no_two_hold_the_same():
    assert next(iter(STRUCTURES.items())) == ("full", Structure())
    assert len(set(STRUCTURES.values())) == len(STRUCTURES) > 1


def test_a_name_joined_by_plus_holds_what_its_parts_hold():
    assert {name: structure_of(name) for name in STRUCTURES} == STRUCTURES
    for name, structure in STRUCTURES.items():
        assert structure_of(f"full+{name}") == structure_of(f"{name} + full") == structure
    names = [
        next(name for name, structure in STRUCTURES.items() if getattr(structure, part)) for part in ("bend", "ceiling")
    ]
    assert structure_of("+".join(names)).bend and structure_of("+".join(names)).ceiling
    with pytest.raises(KeyError, match="fancy"):
        structure_of("full+fancy")


def nodes(model):
    """Names and dims of what is sampled or kept, and name, shape and type of the data."""
    kept = {variable.name: model.named_vars_to_dims.get(variable.name) for variable in model.unobserved_RVs}
    data = {each.name: (each.get_value().shape, str(each.get_value().dtype)) for each in model.data_vars}
    return kept, data


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("table_of", ["lone", "linked"])
def test_every_structure_has_the_same_variables_and_data_of_the_same_shapes(request, table_of, name):
    data = request.getfixturevalue(table_of)
    full, own = (nodes(capability_model(data, structure=structure)) for structure in (Structure(), EVERY[name]))
    assert own == full and {"shortfall_power", "nu_given", "floor_is_free", "bends"} <= set(own[1])


def test_every_structure_has_a_finite_density_and_gradient_and_its_own(lone):
    """At a point off the start, where nu is 1 and nothing bends."""
    model, rng = capability_model(lone), np.random.default_rng(SEED)
    with pytensor.config.change_flags(cxx=""):
        density = model.compile_fn([model.logp(), model.dlogp()], mode=Mode("py", "fast_compile"))
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point(SEED).items()}
    values = []
    for structure in EACH_PART.values():
        for each in capability_model(lone, structure=structure).data_vars:
            model[each.name].set_value(each.get_value())
        value, gradient = density(point)
        assert np.isfinite(value) and np.isfinite(gradient).all()
        values.append(float(value))
    assert len(set(values)) == len(values)


# One program


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One task, by four runs a decade apart."""
    cells = {"task": "sums", "metric": "exact_match", "trials": 200}
    rows = [
        {"model": f"run {run}", "compute": f"{10.0 ** (20 + run):g}", "successes": count, **cells}
        for run, count in enumerate([1, 30, 90, 150])
    ]
    return observations(read_table(write_rows(tmp_path_factory.mktemp("table") / "table.csv", rows)))


def test_structures_are_numbers_of_one_program(small):
    """The parts that are held change no operation: one compiled density serves all structures."""
    keys = {
        Density(capability_model(small, structure=structure)).key() for structure in (Structure(), *EACH_PART.values())
    }
    assert len(keys) == 1


def test_a_held_part_is_what_it_is_held_at_in_every_draw(small):
    structure, full = (fit(capability_model(small, structure=each), SHORT) for each in (EACH_PART["all"], Structure()))
    assert set(full) == set(structure)
    assert (structure.nu == 1).all() and (structure.slopes == 1).all() and (structure.floor == 0).all()
    assert varies(full.nu) and varies(full.slopes.isel(segment=0)) and varies(full.floor)
