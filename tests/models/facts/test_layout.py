"""What is read off a table before a model is built: the scale of compute, the laws and what looks at them, dates."""

import numpy as np
import pytest
from scipy import optimize

from forecast.table.dataset import observations, read_table
from models.dates import years
from models.equations.compute import split_deficit, warm_up_deficit
from models.facts.layout import answers, is_measured_law, kinds_of_laws, known_length, links_loss_to_rates
from models.facts.parts import has_drift, has_irreducible, has_params_tokens, has_progress, has_token_floor, has_warm_up
from models.facts.placing import (
    anchors,
    bend_knots,
    drift_limits,
    informative_runs,
    main_task,
    reference_compute,
    residual_basis,
    standard_weights,
    surrogate_length,
)
from models.structures import Parts
from tests.conftest import SEED

HEADER = "model,task,metric,successes,trials,length,k,score,compute,params,tokens,date"
XS = np.linspace(20, 23, 6)
SUCCESSES = [2, 6, 20, 90, 150, 180]  # out of 200, by run
ANSWERS = {  # row: cells from task to score
    "loss alone": "validation,loss,,,,,{loss}",
    "rate alone": "alone,exact_match,{n},200,,,",
    "whole": "both,exact_match,{n},200,4,,",
    "half": "both,at_least_k,{n},200,4,2,",
    "tokens": "both,token_accuracy,{tokens},800,4,,",
    "with loss": "seen,exact_match,{n},200,3.5,,",
    "its loss": "seen,loss,,,,,{loss}",
    "choice": "both,choice,{n},200,,,",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Observations of lines of a table under the header."""

    def build(lines):
        path = tmp_path_factory.mktemp("table") / "table.csv"
        path.write_text("\n".join([HEADER, *lines]))
        return observations(read_table(path))

    return build


@pytest.fixture(scope="module")
def table_of(written):
    """Exact match of one task by runs of the given log compute."""

    def build(xs=XS, successes=SUCCESSES):
        return written(
            f"run {run},task,exact_match,{successes[run]},200,,,,{10**x:.10g},,," for run, x in enumerate(xs)
        )

    return build


@pytest.fixture(scope="module")
def several(written):
    """Six runs of every kind of law: by a loss, by a rate, by three rates of one answer, by a rate and a loss."""
    return written(
        f"run {run},{cells.format(n=n, tokens=300 + 2 * n, loss=3.0 - 0.3 * run)},{10**x:.10g},,,"
        for run, (x, n) in enumerate(zip(XS, SUCCESSES, strict=True))
        for cells in ANSWERS.values()
    )


def by_law(data, values):
    return dict(zip(data.law.values.tolist(), np.asarray(values).tolist(), strict=True))


# the scale of compute

LADDERS = {
    "six runs": (XS, SUCCESSES),
    "none solved": (XS, [0] * 6),
    "all solved": (XS, [200] * 6),
    "two clusters": ([20, 20.1, 20.05, 23, 23.1, 23.05], SUCCESSES),
    "nearly one compute": ([21.0, 21.01, 21.02, 21.03, 21.04, 21.3], SUCCESSES),
}


@pytest.fixture(scope="module", params=LADDERS)
def ladder(table_of, request):
    return table_of(*LADDERS[request.param])


def test_the_standard_weights_give_level_and_slope_of_the_weighted_least_squares_line(ladder):
    """Oracle: NumPy's polynomial fit with the square roots of what the scores of each run say as its weights."""
    x, reference = ladder.log10_compute.values, reference_compute(ladder)
    values = np.random.default_rng(SEED).normal(size=len(x))
    share = ladder.successes.values / ladder.trials.values
    slope, level = np.polyfit(x - reference, values, 1, w=np.sqrt(share * (1 - share) + 0.002))
    np.testing.assert_allclose(standard_weights(ladder) @ values, [level, slope], rtol=1e-8)
    unweighted = np.polyfit(x - reference, values, 1)[::-1]
    if np.ptp(share):
        assert abs(unweighted - [level, slope]).max() > 1e-3


def test_the_standard_weights_give_back_any_line(ladder):
    x = ladder.log10_compute.values - reference_compute(ladder)
    np.testing.assert_allclose(standard_weights(ladder) @ (0.7 + 1.3 * x), [0.7, 1.3], rtol=1e-9)


def test_the_residual_basis_is_orthonormal_and_overlooked_by_the_weights(ladder):
    weights = standard_weights(ladder)
    basis = residual_basis(weights)
    assert basis.shape == (6, 4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(weights @ basis, 0.0, atol=1e-10 * abs(weights).max())


def test_a_coordinate_of_the_residual_basis_is_nearly_the_residual_of_one_run(table_of):
    data = table_of(np.linspace(20, 24, 40), successes=[100] * 40)
    largest = abs(residual_basis(standard_weights(data))).max(axis=0)
    assert largest.min() > 0.7 and np.median(largest) > 0.95


def test_two_runs_of_equal_compute_do_not_make_the_residual_basis_blow_up():
    """Twins at the far end, whose weights are the largest: without either, their residuals would not be determined."""
    x = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 10.0])
    basis = residual_basis(np.stack([np.full(6, 1.0 / 6.0), x - x.mean()]))
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    assert abs(basis).max() < 1.0 + 1e-12


def test_the_reference_is_the_last_run_before_the_task_is_half_solved(table_of):
    assert reference_compute(table_of()) == pytest.approx(XS[3])  # 90 of 200, and then 150
    assert reference_compute(table_of(successes=[0] * 6)) == pytest.approx(XS[-1])
    assert reference_compute(table_of(successes=[200] * 6)) == pytest.approx(XS[0])


def test_the_anchors_lie_within_the_runs_and_never_too_near(ladder):
    x, (place, distance) = ladder.log10_compute.values, anchors(ladder)
    assert place.shape == distance.shape == (1,) and distance >= 0.5 - 1e-12
    if np.ptp(x) > 1:
        assert x.min() - 0.25 <= place and place + distance <= x.max() + 0.25
    else:  # all runs at nearly one compute: half a decade around them
        assert place < np.average(x) < place + distance and distance == pytest.approx(0.5)


def test_the_anchors_are_a_standard_deviation_beside_the_weighted_mean_of_the_runs(table_of):
    """By hand: 1.2 times the best score is 1.08, so full marks are the top and the weight is share (1 - share)."""
    place, distance = anchors(table_of())
    share = np.array(SUCCESSES) / 200
    weight = share * (1 - share) + 0.002
    mean = (weight * XS).sum() / weight.sum()
    sd = np.sqrt((weight * XS**2).sum() / weight.sum() - mean**2)
    assert place == pytest.approx(mean - sd) and distance == pytest.approx(2 * sd)


def test_the_anchors_follow_the_rise_of_the_law_and_not_the_reference(table_of):
    def middle(successes):
        place, distance = anchors(table_of(successes=successes))
        return (place + distance / 2).item()

    early, late = [20, 100, 180, 199, 200, 200], [0, 0, 1, 20, 100, 180]
    assert middle(early) < XS[2] < XS[3] < middle(late)
    assert middle([0] * 6) == pytest.approx(XS.mean())  # nowhere more than elsewhere
    halved = [successes // 4 for successes in late]  # a top of a quarter: half-way is where it was, but for rounding
    assert middle(halved) == pytest.approx(middle(late), abs=0.3)


def test_knots_cover_the_data_and_four_decades_beyond_and_avoid_the_reference(ladder):
    knots, x = bend_knots(ladder), ladder.log10_compute.values
    np.testing.assert_allclose(np.diff(knots), 0.5)
    assert abs(knots - reference_compute(ladder)).min() == pytest.approx(0.25)
    assert x.max() + 3.4 < knots.max() < x.max() + 4 and knots.min() > x.min()


def test_each_law_has_anchors_of_its_own(several):
    place, distance = (by_law(several, values) for values in anchors(several))
    assert len(set(place.values())) > 1 and min(distance.values()) >= 0.5
    assert all(XS[0] - 0.25 <= place[law] and place[law] + distance[law] <= XS[-1] + 0.25 for law in place)
    # of a loss all runs say the same: a standard deviation to either side of their mean
    assert place["validation"] == pytest.approx(XS.mean() - XS.std())
    assert distance["validation"] == pytest.approx(2 * XS.std())


def test_silent_runs_are_those_of_hardly_any_right_or_wrong_answers(table_of):
    informative = informative_runs(table_of(successes=[0, 20, 90, 150, 180, 200]))
    assert informative.tolist() == [False, *[True] * 4, False]
    few = table_of(successes=[0, 0, 0, 90, 150, 180])  # three runs are too few to leave out the others
    assert informative_runs(few).all() and informative_runs(table_of(successes=[0] * 6)).all()


def test_a_run_is_silent_where_all_its_rows_are(written):
    lines = [
        f"run {run},{task},exact_match,{successes},200,,,,{10**x:.6g},,,"
        for run, x in enumerate(XS)
        for task, successes in (("hard", 0), ("easy", SUCCESSES[run]), ("third", 0 if run == 0 else 100))
    ]
    assert informative_runs(written(lines)).all()
    silent = [line.replace(f",{SUCCESSES[0]},", ",0,") for line in lines]
    assert informative_runs(written(silent)).tolist() == [False] + [True] * 5


def test_the_standard_weights_leave_silent_runs_out(table_of):
    weights = standard_weights(table_of(successes=[0, 20, 90, 150, 180, 200]))
    assert np.all(weights[:, [0, 5]] == 0) and np.all(weights[:, 1:5].any(axis=0))


def test_laws_are_of_two_kinds_of_which_losses_are_of_the_first(several, table_of):
    kinds, kind = kinds_of_laws(several)
    assert kinds.tolist() == ["answer", "choice"]
    assert by_law(several, kind) == {"validation": 0, "alone": 0, "both": 0, "seen": 0, "both [choice]": 1}
    kinds, kind = kinds_of_laws(table_of())
    assert kinds.tolist() == ["answer"] and kind.tolist() == [0]


def test_frailty_drifts_within_the_range_of_the_runs(table_of):
    assert drift_limits(table_of()) == pytest.approx((XS[0] - XS[3], XS[5] - XS[3]))


# laws


def test_an_irreducible_loss_is_told_from_a_ceiling_by_a_loss_or_by_several_rates(several):
    found = by_law(several, has_irreducible(several))
    assert found == {"validation": True, "alone": False, "both": True, "seen": True, "both [choice]": False}
    assert by_law(several, is_measured_law(several)) == {name: name == "validation" for name in found}
    assert by_law(several, links_loss_to_rates(several)) == {name: name == "seen" for name in found}


def test_frailty_drifts_and_tokens_are_guessed_where_several_rates_look_at_a_law(several):
    for part, function in {"drift": has_drift, "token_floor": has_token_floor}.items():
        found = by_law(several, function(several, Parts()))
        assert found == {name: name == "both" for name in found}
        assert not function(several, Parts(**{part: False})).any()
    assert not has_drift(several, Parts(frailty=False)).any()  # items that are alike stay so


def test_tokens_are_not_guessed_where_lengths_are_means_of_several(written):
    lines = [
        f"run {run},t,{cells},{10**x:.6g},,,"
        for run, x in enumerate(XS)
        for cells in ("exact_match,50,200,4.5,,", "token_accuracy,500,800,4.5,,")
    ]
    assert not has_token_floor(written(lines), Parts()).any()
    assert has_token_floor(written([line.replace("4.5", "4") for line in lines]), Parts()).all()


def test_the_length_of_a_law_is_known_where_a_rate_gives_one(several):
    found = by_law(several, known_length(several))
    assert found["seen"] == 3.5 and np.isfinite(found["both"])
    assert all(np.isnan(found[name]) for name in ("validation", "alone", "both [choice]"))


def test_the_main_task_of_a_law_is_the_one_whose_scores_say_most_and_never_a_loss(several, written):
    names = several.task.values[main_task(several)]
    assert by_law(several, names)["seen"] == "seen [exact_match]"
    lines = [
        f"run {run},t,{cells},{10**x:.6g},,,"
        for run, x in enumerate(XS)
        for cells in ("exact_match,0,200,4,,", "at_least_k,100,200,4,2,")
    ]
    data = written(lines)
    assert data.metric.values[main_task(data)] == ["at_least_k"] and surrogate_length(data) == [2]
    data = written([line.replace(",0,200", ",90,200").replace(",100,200", ",200,200") for line in lines])
    assert data.metric.values[main_task(data)] == ["exact_match"] and surrogate_length(data) == [4]


def test_metrics_of_the_same_answers_share_one_residual_and_lone_metrics_have_none(several):
    index = answers(several)
    law = several.law.values[several.law_index.values[several.task_index.values]]
    run = several.run_index.values
    assert np.all((index >= 0) == np.isin(law, ["both", "seen"]))
    pairs = {(run[row], law[row]): index[row] for row in np.flatnonzero(index >= 0)}
    assert sorted(pairs.values()) == list(range(12))  # six runs, two laws, numbered without gaps
    assert all(index[row] == pairs[run[row], law[row]] for row in np.flatnonzero(index >= 0))


def test_residuals_are_numbered_from_zero_where_every_row_has_one_and_where_none_has(written, table_of):
    lines = [f"run {r},t,{m},50,200,4,,,{10**x:.6g},,," for r, x in enumerate(XS) for m in ("exact_match", "choice")]
    assert set(answers(written(lines))) == {-1}  # a choice is a law of its own
    both = [line.replace("choice", "token_accuracy") for line in lines]
    np.testing.assert_array_equal(answers(written(both)), np.repeat(np.arange(6), 2))
    assert set(answers(table_of())) == {-1}


# parameters and tokens, dates


def split_run(number, params, tokens, date="2020-01-01"):
    compute = "1e21" if params == "" else ""
    return f"run {number},task,exact_match,{SUCCESSES[number]},200,,,,{compute},{params},{tokens},{date}"


def test_splits_need_to_be_five_and_to_vary_independently(written):
    sizes = [("1e8", "2e9"), ("3e8", "1e11"), ("3e9", "2e10"), ("4e9", "1e12"), ("3e10", "2e11"), ("1e11", "1e12")]

    def known(found):
        return has_params_tokens(written(split_run(n, *size) for n, size in enumerate(found)), Parts())

    assert known(sizes) and known([("", ""), *sizes[1:]])
    assert not known([("", ""), ("", ""), *sizes[2:]])
    assert not known([(params, f"{20 * float(params):g}") for params, _ in sizes])


def test_warm_up_needs_three_checkpoints_of_one_recipe_and_size_thirtyfold_apart(written):
    def on(third, parts=Parts(), metric="exact_match"):
        sizes = [("1e9", "1e9"), ("1e9", "4e9"), third, ("3e9", "2e10"), ("4e9", "1e12"), ("3e10", "2e11")]
        table = written(split_run(n, *size) for n, size in enumerate(sizes))
        return has_warm_up(table.assign(metric=("task", [metric])), parts)

    assert on(("1e9", "3.2e10")) and not on(("1e9", "3.2e10"), metric="loss")
    assert not on(("1e9", "3e10")) and not on(("2e9", "3.2e10")) and not on(("", ""))
    assert not on(("1e9", "3.2e10"), Parts(warm_up=False)) and not on(("1e9", "3.2e10"), Parts(params_tokens=False))


def test_a_run_in_warm_up_lags_and_a_late_one_does_not():
    lag = warm_up_deficit(np.array([7.0, 8.0, 9.0, 12.0]), log10_warm_up_tokens=9.0, warm_up_lag=1.5)
    np.testing.assert_allclose(lag, -1.5 * np.log10(1 + 10.0 ** np.array([4.0, 2.0, 0.0, -6.0])), atol=1e-12)
    assert -1e-5 < lag[3] < 0


def test_dates_need_to_span_more_than_half_a_year(written):
    def spans(last):
        dates = [*["2020-01-01"] * 5, last]
        lines = [split_run(n, "1e9", "1e10", date) for n, date in enumerate(dates)]
        return has_progress(written(lines), Parts())

    assert spans("2020-07-03") and not spans("2020-06-30") and not spans("")


def test_decimal_years_of_known_dates():
    dates = np.array(["2000-01-01", "2004-01-01", "2001-01-01", "1996-01-01", "2020-07-01", "NaT"], "datetime64[D]")
    found = years(dates)
    np.testing.assert_array_equal(found[[0, 1, 3]], [2000.0, 2004.0, 1996.0])
    assert found[2] == pytest.approx(2001, abs=0.01) and found[4] == pytest.approx(2020.5, abs=0.01)
    assert np.isnan(found[5])


@pytest.mark.parametrize("ratio", [0.5, 1.3, 2.5])
@pytest.mark.parametrize("exponents", [(0.35, 0.37), (0.5, 0.2)])
def test_the_deficit_is_zero_at_the_optimal_ratio_and_negative_beside_it(ratio, exponents):
    deficit = deficit_at(reference=22.0, ratio=ratio, exponents=exponents)
    assert deficit(0.0) == pytest.approx(0.0, abs=1e-12)
    beside = np.array([0.05, 0.2, 0.5, 1.0, 2.0])
    for side in (1, -1):
        values = deficit(side * beside)
        assert np.all(values < 0) and np.all(np.diff(values) < 0)


def deficit_at(*, reference, ratio, exponents):
    """Deficit at compute `reference` by the decades that tokens have too many and parameters too few."""
    half = 0.5 * (reference - np.log10(6.0))
    shape = {"params_exponent": exponents[0], "tokens_exponent": exponents[1]}
    return lambda off: split_deficit(
        half - ratio / 2 - off, half + ratio / 2 + off, log10_ratio=ratio, reference=reference, **shape
    )


@pytest.mark.parametrize("sizes", [(9.0, 10.0), (8.5, 12.5), (10.5, 11.0), (10.5, 13.5)])
def test_the_deficit_is_what_an_optimal_run_of_the_same_loss_would_save(sizes):
    """Oracle: SciPy minimises ``A N^-a + B D^-b`` over splits and finds the compute of equal loss."""
    a, b, ratio, reference = 0.4, 0.3, 1.3, 22.0
    half = 0.5 * (reference - np.log10(6.0))
    origin = half - 0.5 * ratio, half + 0.5 * ratio

    def log_loss(params, tokens):
        return np.log(b * 10 ** (-a * (params - origin[0])) + a * 10 ** (-b * (tokens - origin[1])))

    def least(x):
        product = x - np.log10(6.0)
        found = optimize.minimize_scalar(lambda n: log_loss(n, product - n), bounds=(0, 25), options={"xatol": 1e-9})
        return found.fun

    x = np.log10(6.0) + sum(sizes)
    equal = optimize.brentq(lambda c: least(c) - log_loss(*sizes), x - 10, x + 1)
    shape = {"params_exponent": a, "tokens_exponent": b, "log10_ratio": ratio, "reference": reference}
    assert split_deficit(*sizes, **shape) == pytest.approx(equal - x, abs=1e-5)
