"""The joint model: what its priors expect, what its switches do, and that it can be sampled from any table."""

import os

import numpy as np
import pymc as pm
import pytensor
import pytest
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import Mode

from forecast.table import observations, read_table
from models import equations
from models.capability import capability_model, success_of_task
from models.facts import bend_knots, reference_compute
from models.observation import conditional_counts
from models.priors import Structure

SEED = int(os.environ.get("FORECAST_TEST_SEED", "1"))
DRAWS, PLACES = 1000, 100
UNCOMPILED = Mode("py", "fast_compile")  # rewritten as in any mode, but run by Python: compilation costs a minute
EACH_LAW, EACH_TASK = ["exponent", "log10_amplitude", "irreducible", "nu"], ["floor", "ceiling"]
LAW = ["theta", "theta_origin", "theta_scale", "slopes", *EACH_LAW, *EACH_TASK]
TABLE_HEADER = "model,task,metric,successes,trials,length,k,chance,compute"
COMPUTE = np.logspace(20, 23, 6)
TASKS = [  # 4 tasks, each a law of its name: the end of each row's cells after successes, and successes by run
    ("whole,exact_match", "200,4,,", [0, 0, 3, 10, 60, 130]),
    ("share,token_accuracy", "800,4,,", [80, 90, 200, 410, 560, 700]),
    ("partly,at_least_k", "200,6,3,", [0, 1, 9, 44, 120, 170]),
    ("guess,choice", "400,,,0.25", [99, 104, 97, 120, 170, 250]),
]


@pytest.fixture(scope="module", autouse=True)
def _without_a_compiler():
    with pytensor.config.change_flags(cxx=""):
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The observations of 4 tasks, one of each rate metric, by 6 runs over 3 decades."""
    rows = [
        f"run {run},{names},{counts[run]},{facts},{compute:g}"
        for run, compute in enumerate(COMPUTE)
        for names, facts, counts in TASKS
    ]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join([TABLE_HEADER, *rows]))
    return observations(read_table(path))


@pytest.fixture(scope="module")
def model(table):
    return capability_model(table)


@pytest.fixture(scope="module")
def prior(table):
    """Prior draws of the law and the mean score of every row: dims sample and those of the variable."""
    with capability_model(table) as model:
        pm.Deterministic("row_mean", mean_of_count(model), dims="rate_row")
        options = {"random_seed": SEED, "var_names": [*LAW, "row_mean"], "compile_kwargs": {"mode": UNCOMPILED}}
        draws = pm.sample_prior_predictive(DRAWS, **options)
    return draws["prior"].to_dataset().stack(sample=("chain", "draw"))


@pytest.fixture(scope="module")
def log_density(model):
    """Log density and its gradient as one function of a point; it follows `model.set_data`."""
    return model.compile_fn([model.logp(), model.dlogp()], mode=UNCOMPILED)


@pytest.fixture(scope="module")
def places(model):
    """The initial point, prior draws, and prior draws pushed away from where the prior puts them."""
    draw = make_initial_point_fn(model=model, default_strategy="prior")
    rng = np.random.default_rng(SEED)
    points = [draw(int(seed)) for seed in rng.integers(2**30, size=PLACES)]
    pushed = [{name: value + rng.normal(0, 1, value.shape) for name, value in point.items()} for point in points]
    return [model.initial_point(SEED), *points, *pushed]


def mean_of_count(model):
    _, mean, _ = model["count"].owner.op.dist_params(model["count"].owner)
    return mean


def facts_of(table, task):
    facts = table.sel(task=task)
    return {"metric": facts.metric.item(), "length": facts.task_length.item(), "k": facts.task_k.item()}


def draws_of(model, names):
    values = pm.draw([model[name] for name in names], draws=20, random_seed=SEED, mode=UNCOMPILED)
    return dict(zip(names, values, strict=True))


def loss_behind(success, nu, *, metric, length, k):
    """The inverse of `success_of_task`."""
    if metric == "at_least_k":
        return equations.loss_from_at_least_k(success, k=int(k), length=int(length), nu=nu)
    if metric == "exact_match":
        return equations.loss_from_exact_match(success, length=length, nu=nu)
    return equations.loss_from_token_accuracy(success, nu=nu)


def crossing(prior, table, task, at):
    """Log compute at which the typical curve of a task reaches the score `at`, by prior draw."""
    law = prior.sel(task=task, law=task)
    success = equations.success_from_score(at, floor=law.floor, ceiling=law.ceiling)
    theta = equations.theta_from_loss(
        loss_behind(success, law.nu, **facts_of(table, task)),
        irreducible=law.irreducible,
        log10_amplitude=law.log10_amplitude,
        exponent=law.exponent,
        theta_ref=0.0,
    )
    path = (theta * law.theta_scale + law.theta_origin).values
    slopes = law.slopes.transpose("sample", "segment").values
    return equations.compute_from_bent(path, slopes=slopes, knots=bend_knots(table), theta_ref=reference_compute(table))


@pytest.mark.parametrize("task", ["whole", "share", "partly", "guess"])
def test_the_prior_expects_crossings_inside_the_data_and_far_beyond_and_never(prior, table, task):
    halfway = 0.5 + 0.5 * table.chance.sel(task=task).item()  # from guessing to full marks
    crossed_at = crossing(prior, table, task, at=halfway)
    x = table.log10_compute.values
    shares = {
        "below": np.mean(crossed_at < x.min()),
        "inside": np.mean((crossed_at >= x.min()) & (crossed_at <= x.max())),
        "beyond": np.mean((crossed_at > x.max()) & (crossed_at <= x.max() + 3)),
        "far beyond": np.mean((crossed_at > x.max() + 3) & np.isfinite(crossed_at)),
        "never": np.mean(crossed_at == np.inf),
    }
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares[name] for name in ("inside", "far beyond", "never")) > 0.05, f"{task}: {shares}"
    assert np.all((crossed_at == np.inf) == (prior.ceiling.sel(task=task).values <= halfway))


def test_the_typical_curve_has_the_score_of_the_threshold_where_it_crosses(prior, table):
    for task in table.task.values:
        law, facts = prior.sel(task=task, law=task), facts_of(table, task)
        slopes = law.slopes.transpose("sample", "segment").values
        path = equations.bent_compute(
            crossing(prior, table, task, at=0.5),
            slopes=slopes,
            knots=bend_knots(table),
            theta_ref=reference_compute(table),
        )
        theta = (path - law.theta_origin.values) / law.theta_scale.values
        score = score_at(theta, {name: law[name].values for name in (*EACH_LAW, *EACH_TASK)}, facts)
        assert score[np.isfinite(theta)] == pytest.approx(0.5, rel=1e-6)


def score_at(theta, law, facts):
    shape = {name: law[name] for name in ("irreducible", "log10_amplitude", "exponent")}
    loss = equations.power_law_loss(theta, theta_ref=0.0, **shape)
    success = success_of_task(loss, law["nu"], **facts)
    return equations.score_from_success(success, floor=law["floor"], ceiling=law["ceiling"])


def test_the_graph_expects_of_every_row_what_the_equations_say(prior, table):
    theta = (prior.theta - prior.theta_origin) / prior.theta_scale
    for row in range(table.sizes["observation"]):
        run, task = table.run_index.values[row], table.task.values[table.task_index.values[row]]
        law = prior.sel(task=task, law=task)
        law = {name: law[name].values for name in (*EACH_LAW, *EACH_TASK)}
        expected = score_at(theta.isel(run=run).values, law, facts_of(table, task))
        np.testing.assert_allclose(prior.row_mean.isel(rate_row=row), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("switch", "name", "law"),
    [
        ("free_ceiling", "ceiling", lambda draws, table: np.isclose(draws, 1, rtol=1e-12)),
        ("free_floor", "floor", lambda draws, table: draws == table.chance.values),
        ("bend", "slopes", lambda draws, table: draws == 1),
        ("frailty", "nu", lambda draws, table: draws > 1e5),
    ],
    ids=["a perfect model scores one", "a hopeless model guesses", "the law is one power law", "items are alike"],
)
def test_a_part_that_is_off_is_fixed_and_one_that_is_on_is_not(model, table, switch, name, law):
    off = draws_of(capability_model(table, Structure(**{switch: False})), [name])[name]
    assert law(off, table).all()
    assert np.all(off == off[0])
    on = draws_of(model, [name])[name]
    assert not law(on, table).all() and not np.all(on == on[0])


def test_the_floor_of_a_task_with_chance_is_chance_and_of_the_others_small(prior):
    assert np.all(prior.floor.sel(task="guess") == 0.25)
    generative = prior.floor.sel(task=["whole", "share", "partly"])
    assert generative.std() > 0 and generative.median() < 0.01
    assert np.all(prior.ceiling >= prior.floor)


@pytest.mark.parametrize("scores", ["as observed", "all zero", "all one"])
def test_log_density_and_gradient_are_finite_wherever_the_prior_goes(model, log_density, places, table, scores):
    observed, trials = conditional_counts(table)
    counts = {"as observed": observed, "all zero": 0 * observed, "all one": trials}
    with model:
        pm.set_data({"successes": counts[scores]})
    places = places if scores == "as observed" else places[::2]
    values = [log_density(place) for place in places]
    with model:
        pm.set_data({"successes": observed})
    assert np.isfinite([density for density, _ in values]).all()
    assert all(np.isfinite(gradient).all() for _, gradient in values)
    assert len({float(density) for density, _ in values}) == len(places)


def test_every_number_of_the_table_enters_as_data(model, table, log_density):
    values = {variable.name: variable.get_value() for variable in model.data_vars}
    for name in ("log10_compute", "compute_sd", "chance"):
        np.testing.assert_array_equal(values[name], table[name])
    for name, expected in zip(("successes", "trials"), conditional_counts(table), strict=True):
        np.testing.assert_array_equal(values[name], expected)
    place = model.initial_point(SEED)
    before, _ = log_density(place)
    with model:
        pm.set_data({"successes": values["trials"] - values["successes"]})
    after, _ = log_density(place)
    with model:
        pm.set_data({"successes": values["successes"]})
    assert before != after and log_density(place)[0] == before


def test_every_variable_that_is_not_a_single_number_has_named_dims(model, table):
    for structure in (Structure(), Structure(frailty=False, free_ceiling=False, free_floor=False, bend=False)):
        built = model if structure == Structure() else capability_model(table, structure)
        for variable in [*built.free_RVs, *built.deterministics, *built.data_vars, *built.observed_RVs]:
            dims = built.named_vars_to_dims.get(variable.name, ())
            assert len(dims) == variable.ndim, f"{variable.name} has dims {dims} for {variable.ndim} axes"
            assert None not in dims and set(dims) <= set(built.coords)


def test_the_named_variables_have_the_dims_of_the_docstring(model):
    dims = dict.fromkeys([*EACH_TASK, "concentration"], ("task",)) | dict.fromkeys(EACH_LAW, ("law",))
    dims |= {"theta": ("run",), "slopes": ("segment",), "count": ("rate_row",)}
    assert {name: tuple(model.named_vars_to_dims.get(name, ())) for name in dims} == dims
    assert all(model[name].ndim == 0 for name in ("theta_origin", "theta_scale", "sigma_run"))


def test_a_table_of_one_task_has_a_finite_log_density(table):
    alone = table.isel(task=[0], law=[0], observation=np.flatnonzero(table.task_index == 0))
    one = capability_model(alone)
    density, gradient = one.compile_fn([one.logp(), one.dlogp()], mode=UNCOMPILED)(one.initial_point(SEED))
    assert np.isfinite(density) and np.isfinite(gradient).all()
