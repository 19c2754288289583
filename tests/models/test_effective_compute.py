"""Effective compute and sampled laws: what each part adds, when it is on, and which prior it carries."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor
import pytest
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import Mode
from scipy import special, stats

from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.dates import reference_year, years
from models.equations.compute import split_deficit, warm_up_deficit
from models.equations.surrogates import exact_match
from models.facts.parts import family_compute, has_families
from models.facts.placing import is_informative, reference_compute, standard_weights, with_constants
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

UNCOMPILED = Mode("py", "fast_compile")  # as in test_capability: compilation costs a minute
DRAWS, PLACES = 300, 40
UNLIKELY = 1e-5  # p-value of a Kolmogorov-Smirnov test that a true law falls below once in 100 000 seeds
PLAIN = Parts(bend=False, params_tokens=False, families=False, deviations=False, progress=False, shocks=False)
PART = {"families": "family_effect", "deviations": "deviation", "progress": "progress", "params_tokens": "log_optimal"}
HEADER = "model,task,metric,successes,trials,compute,params,tokens,compute_sd,family,date"
RUNS = [  # params, tokens, family, date, error of the compute in decades
    ("1e8", "2e9", "a", "2019-03-01", "0.0"),
    ("3e8", "1e11", "a", "2019-09-01", "0.1"),
    ("3e9", "2e10", "a", "2020-02-01", ""),
    ("4e9", "1e12", "b", "2021-01-01", "0.3"),
    ("3e10", "2e11", "b", "2021-06-01", ""),
    ("1e11", "1e12", "c", "2022-06-01", "0.5"),
]
SUCCESSES = [2, 6, 20, 90, 150, 180]  # out of 200, by run


@pytest.fixture(scope="module", autouse=True)
def _without_a_compiler():
    with pytensor.config.change_flags(cxx=""):
        yield


@pytest.fixture(scope="module")
def table_of(tmp_path_factory):
    """Observations of runs (params, tokens, family, date, error, and optionally compute instead of the first two)."""

    def build(runs=RUNS, *, tasks=3, choices=0, successes=SUCCESSES):
        lines = [HEADER]
        for number, (params, tokens, family, date, error, *compute) in enumerate(runs):
            facts = [*(compute or [""]), params, tokens, error, family, date]
            lines += [
                ",".join([f"run {number}", f"task {task}", "exact_match", str(successes[number]), "200", *facts])
                for task in range(tasks)
            ]
            lines += [
                ",".join([f"run {number}", f"pick {task}", "choice", str(successes[number]), "200", *facts])
                for task in range(choices)
            ]
        path = tmp_path_factory.mktemp("table") / "table.csv"
        path.write_text("\n".join(lines))
        return observations(read_table(path))

    return build


@pytest.fixture(scope="module")
def table(table_of):
    return table_of()


@pytest.fixture(scope="module")
def model(table):
    return capability_model(table)


@pytest.fixture(scope="module")
def joint(table_of):
    """Three laws of answers and two of choices."""
    return capability_model(table_of(choices=2))


def changed(position, value, runs=RUNS):
    """The runs with one fact replaced: by a value, or by what a function of the run gives."""
    new = value if callable(value) else lambda run: value
    return [(*run[:position], new(run), *run[position + 1 :]) for run in runs]


def parts_of(model):
    return {part for part, variable in PART.items() if any(variable in name for name in model.named_vars)}


def drawn(model, *nodes, draws=DRAWS):
    """Prior draws of variables, by name or as nodes: arrays with the draw first."""
    nodes = [model[node] if isinstance(node, str) else node for node in nodes]
    return pm.draw(nodes, draws=draws, random_seed=SEED, mode=UNCOMPILED)


def expected_theta(model):
    """The node (run) around which theta scatters, of a model of three laws or more."""
    return model["run_coordinates"].owner.op.dist_params(model["run_coordinates"].owner)[1]


# which parts are on


def test_all_parts_are_on_where_the_table_can_tell_them(model):
    assert parts_of(model) == set(PART)


@pytest.mark.parametrize("part", PART)
def test_a_part_that_is_switched_off_is_not_in_the_model(table, part):
    without = parts_of(capability_model(table, Parts(**{part: False})))
    assert without == set(PART) - ({"families", "deviations"} if part == "families" else {part})


@pytest.mark.parametrize(
    ("runs", "tasks", "off"),
    [
        (changed(2, "a"), 3, {"families", "deviations"}),
        (RUNS, 1, {"deviations"}),
        (changed(3, ""), 3, {"progress"}),
        (changed(3, "2020-05-05"), 3, {"progress"}),
        (changed(3, lambda run: "2020-06-20" if run[2] == "a" else "2020-01-01"), 3, {"progress"}),
        (changed(1, "2e10"), 3, {"params_tokens"}),
        (changed(1, lambda run: f"{20 * float(run[0]):g}"), 3, {"params_tokens"}),
        ([*changed(1, "", changed(0, "", [(*run, "1e21") for run in RUNS[:2]])), *RUNS[2:]], 3, {"params_tokens"}),
    ],
    ids=[
        "one family",
        "one task",
        "no dates",
        "one date",
        "dates within half a year",
        "constant tokens",
        "a constant ratio of tokens to parameters",
        "four known splits",
    ],
)
def test_a_table_that_cannot_tell_a_part_falls_back_to_the_model_without_it(table_of, runs, tasks, off):
    assert parts_of(capability_model(table_of(runs, tasks=tasks))) == set(PART) - off


def test_two_tasks_are_enough_for_deviations_and_two_families_for_effects(table_of):
    two = table_of(changed(2, lambda run: "a" if run[2] == "a" else "b"), tasks=2)
    assert has_families(two, Parts()) and {"families", "deviations"} <= parts_of(capability_model(two))


# families


def test_effects_less_the_regression_on_mean_compute_add_to_zero(model, table):
    effect, slope = drawn(model, "family_effect", "family_slope")
    params, tokens = (np.array([float(run[position]) for run in RUNS]) for position in (0, 1))
    x, of = np.log10(6 * params * tokens), np.array([run[2] for run in RUNS])
    mean = np.array([x[of == family].mean() for family in "abc"])
    own = effect - slope[:, None] * (mean - reference_compute(table))
    np.testing.assert_allclose(own.sum(axis=1), 0.0, atol=1e-9)
    assert abs(effect.sum(axis=1)).min() > 1e-9 and own.std() > 0.1
    np.testing.assert_allclose(family_compute(table), mean)


def test_a_regression_on_other_numbers_leaves_effects_that_do_not_add_to_zero(model, table):
    """The negative control: the largest run of each family in place of the mean."""
    effect, slope = drawn(model, "family_effect", "family_slope")
    largest = [table.log10_compute.values[table.family_index.values == family].max() for family in range(3)]
    own = effect - slope[:, None] * (np.array(largest) - reference_compute(table))
    assert abs(own.sum(axis=1)).max() > 0.1


def test_deviations_add_to_zero_over_the_families_and_over_the_laws(model):
    """What a family is ahead by on all laws is its effect, and what all families are ahead by is the law."""
    (deviation,) = drawn(model, "deviation")
    np.testing.assert_allclose(deviation.sum(axis=2), 0.0, atol=1e-9)
    np.testing.assert_allclose(deviation.sum(axis=1), 0.0, atol=1e-9)
    assert deviation.std() > 0.1


def test_deviations_are_in_units_of_the_laws(model):
    """Times theta_scale they are normal with the drawn standard deviation, less what adding to zero takes away."""
    deviation, scale, sigma = drawn(model, "deviation", "theta_scale", "sigma_deviation", draws=1200)
    sigma = sigma[:, 0]  # one kind of law
    left = np.sqrt((1 - 1 / 3) * (1 - 1 / 3))  # three laws, three families
    assert normal_p(deviation[:, 0, 0] * scale / sigma / left) > UNLIKELY
    assert normal_p(deviation[:, 0, 0] / sigma / left) < UNLIKELY  # decades would not be


def test_skills_are_of_kinds_of_laws_and_deviations_are_within_a_kind(joint):
    """The mean of a family over the laws of a kind is its skill in it; both kinds' skills add to zero."""
    deviation, skill, scale, sigma = drawn(joint, "deviation", "skill", "theta_scale", "sigma_skill", draws=3000)
    choice = [place for place, name in enumerate(joint.coords["law"]) if name.startswith("pick")]
    answer = [place for place in range(len(joint.coords["law"])) if place not in choice]
    assert len(choice) == 2 and joint.coords["kind"] == ("answer", "choice")
    for place, laws_of_kind in enumerate((answer, choice)):
        np.testing.assert_allclose(deviation[:, laws_of_kind].mean(axis=1), skill[:, place], atol=1e-9)
        assert deviation[:, laws_of_kind].std(axis=1).min() > 0
    np.testing.assert_allclose(skill.sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(skill.sum(axis=2), 0.0, atol=1e-9)
    left = np.sqrt((1 - 1 / 2) * (1 - 1 / 3))  # two kinds, three families
    assert normal_p(skill[:, 0, 0] * scale / sigma / left) > UNLIKELY
    assert normal_p(skill[:, 0, 0] / sigma / left) < UNLIKELY


def test_one_kind_of_law_has_no_skills_and_one_law_of_a_kind_no_deviations_of_its_own(model, joint, table_of):
    assert "skill" not in model.named_vars and "deviation_answer" in model.named_vars
    assert {"skill", "deviation_answer", "deviation_choice"} <= set(joint.named_vars)
    lone = capability_model(table_of(choices=1))
    assert {"skill", "deviation_answer"} <= set(lone.named_vars) and "deviation_choice" not in lone.named_vars


# progress


def test_a_later_run_of_equal_compute_has_more_theta_at_the_drawn_progress_a_year(table_of):
    """Two runs of one family and one compute, four years of 365.25 days apart."""
    pair = [("1e9", "2e10", "a", date, "") for date in ("2018-01-01", "2022-01-01")]
    model = capability_model(table_of([*pair, *RUNS[2:]]), Parts(progress_walk=False, shocks=False))
    expected, progress = drawn(model, expected_theta(model), "progress")
    gained = expected[:, 1] - expected[:, 0]
    np.testing.assert_allclose(gained, 4.0 * progress)
    assert progress.min() > 0 and progress.std() > 0.05
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(gained, -4.0 * progress)


def test_a_run_of_unknown_date_counts_as_one_of_the_mean_date(table_of):
    runs = [(*RUNS[0][:3], "", ""), *RUNS[1:]]
    table = table_of(runs)
    model = capability_model(table, Parts(families=False, params_tokens=False, bend=False, shocks=False))
    (expected,) = drawn(model, expected_theta(model), draws=5)
    np.testing.assert_allclose(expected[:, 0], table.log10_compute.values[0] - reference_compute(table))
    assert reference_year(table) == pytest.approx(np.mean([years(run[3]) for run in runs[1:]]))


def test_progress_counts_each_half_year_at_its_own_pace(table_of):
    """Two runs alike but for four years: the pace of each half-year between them, half a year of it each."""
    pair = [("1e9", "2e10", "a", date, "") for date in ("2018-01-01", "2022-01-01")]
    model = capability_model(table_of([*pair, *RUNS[2:]]), Parts(shocks=False))
    expected, progress, pace = drawn(model, expected_theta(model), "progress", "progress_speed")
    start = np.array(model.coords["progress_piece"])
    between = (start >= 2018.0) & (start < 2022.0)
    assert between.sum() == 8
    gained = (expected[:, 1] - expected[:, 0]) / progress
    np.testing.assert_allclose(gained, 0.5 * pace[:, between].sum(axis=1), atol=0.01)  # a day is 0.003 years
    steps = np.diff(np.log(pace), axis=1)
    assert 0.05 < np.median(abs(steps)) < 0.4  # by half-year, where 0.3 sqrt(0.5) is the prior's typical step
    at_reference = np.searchsorted(start, reference_year(table_of([*pair, *RUNS[2:]])), side="right") - 1
    np.testing.assert_allclose(pace[:, at_reference], 1.0)


def test_laws_differ_in_their_progress_around_that_of_a_typical_one(model):
    of_law, progress, spread = drawn(model, "progress_of_law", "progress", "sigma_progress", draws=1200)
    ratio = np.log(of_law / progress[:, None])
    np.testing.assert_allclose(ratio.sum(axis=1), 0.0, atol=1e-9)
    assert normal_p(ratio[:, 0] / spread / np.sqrt(1 - 1 / 3)) > UNLIKELY  # of three laws
    assert (of_law < 0.1).mean() > 0.05 and (of_law > 1.5).mean() > 0.02  # nearly none, and a great deal


def test_one_law_has_the_progress_of_all(table_of):
    assert "progress_of_law" not in capability_model(table_of(tasks=1)).named_vars


# shocks


def test_releases_of_one_half_year_share_a_shock(table_of):
    """Runs 2 and 3 are of one half-year."""
    runs = [
        ("1e9", "1e9", "a", "2019-03-01", ""),
        ("1e9", "1e11", "a", "2020-09-01", ""),
        ("3e9", "2e10", "a", "2021-02-01", ""),
        ("4e9", "1e12", "b", "2021-05-01", ""),
        ("3e10", "2e11", "b", "2021-08-01", ""),
    ]
    plain = Parts(bend=False, families=False, progress=False, params_tokens=False)
    model = capability_model(table_of(runs, successes=SUCCESSES[:5]), plain)
    assert list(model.coords["half_year"]) == [2019.0, 2020.5, 2021.0, 2021.5]
    expected, season = drawn(model, expected_theta(model), "half_year_shock", draws=1200)
    without = capability_model(table_of(runs, successes=SUCCESSES[:5]), replace(plain, shocks=False))
    (plain_expected,) = drawn(without, expected_theta(without), draws=1)
    shock = expected - plain_expected
    np.testing.assert_allclose(shock, season[:, [0, 1, 2, 2, 3]], atol=1e-9)
    assert abs(np.corrcoef(shock[:, 2], shock[:, 4])[0, 1]) < 0.2
    assert 0.05 < np.median(abs(season)) / 0.6745 < 0.2
    within = changed(3, "2021-02-01", runs)
    assert "half_year_shock" not in capability_model(table_of(within, successes=SUCCESSES[:5]), plain).named_vars


# errors and residuals


@pytest.mark.parametrize("tasks", [2, 3], ids=["residual sampled", "theta sampled"])
def test_the_variance_of_the_published_error_adds_to_that_of_the_residual(table_of, tasks):
    table = table_of(tasks=tasks)
    model = capability_model(table, PLAIN)
    theta, sigma_run = drawn(model, "theta", "sigma_run", draws=1200)
    scatter = theta - (table.log10_compute.values - reference_compute(table))
    error = np.array([float(run[4] or 0) for run in RUNS])
    assert normal_p(scatter / np.hypot(sigma_run[:, None], error)) > UNLIKELY
    uncertain = scatter[:, error > 0]
    assert normal_p(uncertain / (sigma_run[:, None] + error[error > 0])) < UNLIKELY  # standard deviations do not add
    assert normal_p(uncertain / sigma_run[:, None]) < UNLIKELY


def normal_p(values):
    return stats.kstest(np.ravel(values), "norm").pvalue


@pytest.mark.parametrize("tasks", [2, 3], ids=["residual sampled", "theta sampled"])
def test_a_shift_or_stretch_of_all_theta_does_not_reach_the_laws(table_of, tasks):
    """The laws see runs of level 0 and slope 1, save where the slope of theta is near its least value."""
    table = table_of(tasks=tasks)
    theta, origin, scale = drawn(capability_model(table), "theta", "theta_origin", "theta_scale")
    level, slope = standard_weights(table)
    of_laws = (theta - origin[:, None]) / scale[:, None]
    np.testing.assert_allclose(of_laws @ level, 0.0, atol=1e-9)
    ordinary = scale > 1.1  # from here on 0.1 softplus(10 x) is x to 3e-6
    assert ordinary.sum() > DRAWS / 4
    np.testing.assert_allclose((of_laws @ slope)[ordinary], 1.0, rtol=1e-5)
    assert scale.min() >= 0.05 and theta.std(axis=0).min() > 0.1


# parameters and tokens


def test_a_run_loses_its_deficit_and_one_of_unknown_split_nothing(table_of):
    unknown = ("", "", "a", "2019-03-01", "", "1e21")
    table = table_of([unknown, *RUNS[1:]])
    model = capability_model(table, Parts(bend=False, families=False, progress=False, shocks=False))
    names = ("params_exponent", "tokens_exponent", "log10_optimal_ratio")
    expected, a, b, ratio = drawn(model, expected_theta(model), *names)
    x, reference = table.log10_compute.values, reference_compute(table)
    np.testing.assert_allclose(expected[:, 0], 21.0 - reference)
    shape = {"params_exponent": a, "tokens_exponent": b, "log10_ratio": ratio, "reference": reference}
    for run, (params, tokens, *_) in enumerate(RUNS[1:], start=1):
        lost = split_deficit(np.log10(float(params)), np.log10(float(tokens)), **shape)
        assert np.all(lost <= 1e-12) and lost.std() > 0.01
        np.testing.assert_allclose(expected[:, run], x[run] - reference + lost)


def test_early_checkpoints_lag_where_the_table_has_several_of_one_training(table_of):
    plain = Parts(bend=False, families=False, progress=False, shocks=False)
    assert "warm_up_lag" not in capability_model(table_of(), plain).named_vars
    checkpoints = [("1e9", tokens, "a", "2019-03-01", "") for tokens in ("1e9", "4e9", "4e10")]
    table = table_of([*checkpoints, *RUNS[3:]])
    lagging, punctual = (capability_model(table, replace(plain, warm_up=on)) for on in (True, False))
    names = ("params_exponent", "tokens_exponent", "log10_optimal_ratio")
    expected, end, lag, *shape = drawn(lagging, expected_theta(lagging), "log10_warm_up_tokens", "warm_up_lag", *names)
    without = drawn(punctual, expected_theta(punctual), *names)
    assert (end < 9.0).mean() > 0.6 and np.all(lag > 0)
    x, reference = table.log10_compute.values, reference_compute(table)
    for run in range(6):
        tokens = table.log10_tokens.values[run]
        options = dict(zip(names, shape, strict=True))
        options["log10_ratio"] = options.pop("log10_optimal_ratio")
        lost = split_deficit(table.log10_params.values[run], tokens, reference=reference, **options)
        late = warm_up_deficit(tokens, log10_warm_up_tokens=end, warm_up_lag=lag)
        np.testing.assert_allclose(expected[:, run], x[run] - reference + lost + late)
    assert without[0].mean(axis=0)[0] > expected.mean(axis=0)[0] + 0.1


# the whole density


def test_log_density_and_gradient_are_finite_with_all_parts_on(model):
    assert parts_of(model) == set(PART)
    terms = model.logp(sum=False)  # one by one: uncompiled, no more than 32 numbers can be added at once
    log_density = model.compile_fn([*terms, model.dlogp()], mode=UNCOMPILED)
    draw, rng = make_initial_point_fn(model=model, default_strategy="prior"), np.random.default_rng(SEED)
    points = [draw(int(seed)) for seed in rng.integers(2**30, size=PLACES)]
    pushed = [{name: value + rng.normal(0, 1, value.shape) for name, value in point.items()} for point in points]
    values = [log_density(place) for place in [model.initial_point(SEED), *points, *pushed]]
    for *densities, gradient in values:
        assert all(np.isfinite(density).all() for density in densities) and np.isfinite(gradient).all()


# the laws as sampled


@pytest.mark.parametrize(
    "successes", [SUCCESSES, [0] * 6, [200] * 6], ids=["anchors around", "none solved", "all solved"]
)
@pytest.mark.parametrize("free_floor", [False, True], ids=["floor known", "floor learned"])
def test_drawn_laws_have_the_prior_of_success_exponent_and_ceiling(table_of, successes, free_floor):
    """Success at the reference, exponent and ceiling are read off the equations, not off the coordinates."""
    data = table_of(changed(2, "a"), successes=successes)
    model = capability_model(data, Parts(free_floor=free_floor))
    names = ("exponent", "log10_amplitude", "nu", "ceiling", "floor")
    hyper = ("log_exponent_mean", "log_exponent_spread", "reference_logit_mean", "reference_logit_spread")
    values = drawn(model, *names, *hyper, draws=1000)
    exponent, amplitude, nu, ceiling, floor = (value[:, 0] for value in values[:5])  # one task: independent draws
    mean, spread, logit_mean, logit_spread = (value.reshape(-1) for value in values[5:])  # of one kind of law
    ceiling = (ceiling - floor) / (1 - floor)  # of what is not guessed
    success = ceiling * exact_match(10.0**amplitude, length=1.0, nu=nu)
    logit = special.logit(success)
    u = ((1 - ceiling) / (1 - success)) ** (1 / Priors().ceiling_shortfall_power)
    assert normal_p((np.log(exponent) - mean) / spread) > UNLIKELY
    assert normal_p((logit - logit_mean) / logit_spread) > UNLIKELY
    assert stats.kstest(u, "uniform").pvalue > UNLIKELY
    assert stats.kstest(u**2, "uniform").pvalue < UNLIKELY  # another power of the shortfall would be seen
    assert normal_p((np.log(exponent) - mean) / (2 * spread)) < UNLIKELY


def test_laws_at_chance_are_sampled_apart_from_those_that_rise(table_of):
    assert is_informative(table_of()).all() and not is_informative(table_of(successes=[0] * 6)).any()
    assert not is_informative(table_of(successes=[0, 1, 2, 0, 3, 1])).any()  # of 200
    silent = capability_model(table_of(successes=[0] * 6))
    assert "law_standard" in silent.named_vars and "law_coordinates" not in silent.named_vars


def test_laws_at_chance_keep_their_places_among_those_that_rise(table_of):
    """A law at chance has the exponent that its own standard normal number says; the others hang on none."""
    data = table_of(changed(2, "a"))
    flat = data.task_index.values == 1
    data = with_constants(data.assign(score_for_placing=data.score_for_placing.where(~flat, 0.0)))
    assert is_informative(data).tolist() == [True, False, True]
    names = ("exponent", "law_standard", "log_exponent_mean", "log_exponent_spread")
    exponent, standard, mean, spread = drawn(capability_model(data), *names)
    own = np.exp(mean[:, 0] + spread * standard[:, 0, 1])
    assert [np.allclose(exponent[:, law], own) for law in range(3)] == [False, True, False]


# measured losses


@pytest.fixture(scope="module")
def losses_of(tmp_path_factory):
    """Observations of the measured losses of the runs: of so many tasks, alone or beside a rate."""

    def build(tasks=1, *, rates=0):
        lines = ["model,task,metric,score,successes,trials,params,tokens"]
        for number, (params, tokens, *_) in enumerate(RUNS):
            facts = f"{params},{tokens}"
            lines += [f"run {number},loss {task},loss,{3.0 - 0.2 * number},,,{facts}" for task in range(tasks)]
            lines += [f"run {number},rate {task},exact_match,,{SUCCESSES[number]},200,{facts}" for task in range(rates)]
        path = tmp_path_factory.mktemp("table") / "table.csv"
        path.write_text("\n".join(lines))
        return observations(read_table(path))

    return build


@pytest.mark.parametrize(("tasks", "rates", "apart"), [(1, 0, 0.01), (3, 0, 0.4), (1, 2, 0.4)])
def test_the_exponent_of_a_loss_is_that_of_the_split_in_decades_of_effective_compute(losses_of, tasks, rates, apart):
    """A measured loss that is all of a table is the one whose parameters and tokens count; others differ."""
    names = ("exponent", "theta_scale", "params_exponent", "tokens_exponent")
    exponent, scale, a, b = drawn(capability_model(losses_of(tasks, rates=rates)), *names)
    difference = np.log(exponent[:, :tasks] / scale[:, None]) - np.log(a * b / (a + b))[:, None]
    assert normal_p(difference / apart) > UNLIKELY > normal_p(difference / (3.0 * apart))
    if apart < 0.1:
        assert np.log(scale).std() > 3.0 * apart / 10.0  # else the scale could be left out


def test_losses_alone_do_not_bend_but_beside_a_rate_they_may(losses_of):
    for rates, bends in ((0, False), (1, True)):
        model = capability_model(losses_of(rates=rates))
        assert ("sigma_bend" in model.named_vars) == bends
        (slopes,) = drawn(model, "slopes", draws=5)
        assert (slopes == 1.0).all() != bends
