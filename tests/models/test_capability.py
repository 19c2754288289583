"""The joint model: what its priors expect, what its switches do, and that it can be sampled from any table."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor
import pytest
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import Mode

from forecast.posterior.predict import row_means
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.equations.compute import bent_compute, compute_from_bent
from models.equations.loss import power_law_loss, theta_from_loss
from models.equations.metrics import score_from_success, success_from_score, success_of_task
from models.equations.surrogates import loss_from_at_least_k, loss_from_exact_match, loss_from_token_accuracy
from models.facts.counts import conditional_counts, mean_among
from models.facts.placing import bend_knots, reference_compute
from models.structures import Parts
from tests.conftest import SEED

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
        return loss_from_at_least_k(success, k=int(k), length=int(length), nu=nu)
    if metric == "exact_match":
        return loss_from_exact_match(success, length=length, nu=nu)
    return loss_from_token_accuracy(success, nu=nu)


def crossing(prior, table, task, at):
    """Log compute at which the typical curve of a task reaches the score `at`, by prior draw."""
    law = prior.sel(task=task, law=task)
    success = success_from_score(at, floor=law.floor, ceiling=law.ceiling)
    theta = theta_from_loss(
        loss_behind(success, law.nu, **facts_of(table, task)),
        irreducible=law.irreducible,
        log10_amplitude=law.log10_amplitude,
        exponent=law.exponent,
        theta_ref=0.0,
    )
    path = (theta * law.theta_scale + law.theta_origin).values
    slopes = law.slopes.transpose("sample", "segment").values
    return compute_from_bent(path, slopes=slopes, knots=bend_knots(table), theta_ref=reference_compute(table))


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
        path = bent_compute(
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
    loss = power_law_loss(theta, theta_ref=0.0, **shape)
    success = success_of_task(loss, law["nu"], **facts)
    return score_from_success(success, floor=law["floor"], ceiling=law["ceiling"])


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
    off = draws_of(capability_model(table, Parts(**{switch: False})), [name])[name]
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
    for parts in (Parts(), Parts(frailty=False, free_ceiling=False, free_floor=False, bend=False)):
        built = model if parts == Parts() else capability_model(table, parts)
        named = [each for each in built.data_vars if not each.name.startswith("array_")]  # indices inside the graph
        for variable in [*built.free_RVs, *built.deterministics, *named, *built.observed_RVs]:
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


# several metrics of the same answers, and losses


@pytest.fixture(scope="module")
def joint(answer_table, prior_fit):
    """A prior as a fit, of a table with chains of counts, token floors, drift, greedy losses, families and dates."""
    return prior_fit(read_table(answer_table), draws=200)


def test_the_graph_expects_of_the_rows_of_an_answer_and_of_losses_what_forecasts_do(joint):
    """The graph and `forecast.posterior.predict.row_means` are written apart; here they get the same draws."""
    with capability_model(joint.data) as model:
        pm.Deterministic("share", mean_of_count(model), dims="rate_row")
        pm.Deterministic("log_median", model["log_loss"].owner.op.dist_params(model["log_loss"].owner)[1])
        options = {"random_seed": SEED, "compile_kwargs": {"mode": UNCOMPILED}}
        names = [*joint.posterior.data_vars, "share", "log_median"]
        found = pm.sample_prior_predictive(200, var_names=names, **options)["prior"].to_dataset()
    joint = replace(joint, posterior=found[list(joint.posterior.data_vars)])
    means = row_means(joint)
    loss_rows = (joint.data.metric.values == "loss")[joint.data.task_index.values]
    shares = mean_among(means, joint.data)[~loss_rows]
    np.testing.assert_allclose(found.share.values[0].T, shares, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.log_median.values[0].T, np.log(means[loss_rows]), rtol=1e-9, atol=1e-9)
    assert (joint.data.given_index.values >= 0).sum() == 16  # exact match and tokens of eight runs


def test_the_density_of_a_table_of_answers_and_losses_and_its_gradient_are_finite(joint):
    model = capability_model(joint.data)
    terms = model.logp(sum=False)  # one by one: uncompiled, no more than 32 numbers can be added at once
    log_density = model.compile_fn([*terms, model.dlogp()], mode=UNCOMPILED)
    draw, rng = make_initial_point_fn(model=model, default_strategy="prior"), np.random.default_rng(SEED)
    points = [draw(int(seed)) for seed in rng.integers(2**30, size=25)]
    pushed = [{name: value + rng.normal(0, 1, value.shape) for name, value in point.items()} for point in points]
    for place in [model.initial_point(SEED), *points, *pushed]:
        *densities, gradient = log_density(place)
        assert all(np.isfinite(density).all() for density in densities) and np.isfinite(gradient).all()


def test_the_variables_of_answers_and_losses_have_the_dims_of_the_docstring(joint):
    dims = dict.fromkeys(
        ["frailty_drift", "token_floor", "answer_sd", "log_loss_link_factor", "loss_link_power"], ("law",)
    ) | {
        "loss_scale": ("measured",),
        "deviation": ("law", "family"),
        "answer_residual": ("answer",),
        "family_effect": ("family",),
    }
    found = {name: joint.posterior[name].dims[2:] for name in dims}
    assert found == dims
    assert np.all(joint.posterior.frailty_drift.sel(law=["words", "picks", "validation"]) == 0)
    assert np.all(joint.posterior.token_floor.sel(law=["words", "picks", "validation"]) == 0)


@pytest.mark.parametrize(("switch", "name"), [("drift", "frailty_drift"), ("token_floor", "token_floor")])
def test_drift_and_token_floor_are_not_in_the_model_where_switched_off(joint, switch, name):
    assert name in joint.posterior
    assert name not in capability_model(joint.data, Parts(**{switch: False})).named_vars


def test_losses_alone_are_a_model_without_counts(joint):
    loss = int(np.flatnonzero(joint.data.task.values == "validation")[0])
    rows = np.flatnonzero(joint.data.task_index.values == loss)
    law = int(joint.data.law_index.values[loss])
    alone = joint.data.isel(task=[loss], law=[law], observation=rows)
    alone = alone.assign(task_index=0 * alone.task_index, law_index=0 * alone.law_index)
    model = capability_model(alone)
    assert "count" not in model.named_vars and "log_loss" in model.named_vars
    log_density = model.compile_fn([model.logp(), model.dlogp()], mode=UNCOMPILED)
    density, gradient = log_density(model.initial_point(SEED))
    assert np.isfinite(density) and np.isfinite(gradient).all()
