"""Arrival dates: closed forms on posteriors written by hand, the three events, and progress that is added once."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from forecast.cli.questions.when import print_dates
from forecast.errors import ForecastError
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.compute import compute_of
from forecast.posterior.fit import Fit
from forecast.posterior.threshold import threshold_draws
from forecast.questions.when.answer import when
from forecast.questions.when.arrival import Outlook, arrival, paths_of
from forecast.questions.when.figure import write_dates
from forecast.questions.when.frontier import ends_early, paths, stale_since
from forecast.questions.when.needed import needed_mean, needed_path, needed_path_of_new_runs
from forecast.questions.when.scenarios import SCENARIOS, Scenario, progress_of, told, with_equal_dates
from forecast.report.page import write_page
from forecast.report.sections import Report
from forecast.table.dataset import observations
from models.dates import reference_year, years, years_of_runs
from models.facts.placing import bend_knots, reference_compute
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED, forecast_command, refuse_constant
from tests.questions.when.test_frontier import frontier_of

DRAWS = 400
TASK = "sums"
ALPHA, ITEMS = 0.5, 200
MONTH = 1 / 12 + 1e-6
LATEST = float(years(np.datetime64("2021-06-01")))
AS_OF = 2022.0  # scenarios part here
KNOWN = frontier_of(jump=1e-9, draws=50)  # largest run 10^25 at 2022.0, then exactly on its trend of 0.6 a year


def known_fit(
    log10_threshold=27.0, *, draws=DRAWS, ceiling=1.0, progress=None, dated=True, sigma_run=1e-9, families=False, **more
) -> Fit:
    """A posterior that is known: exact match 1 / (1 + 10^(alpha (threshold - x))) times the ceiling, nu = 1, no floor.

    `log10_threshold` is of half of the ceiling, and of the recipe of the latest date.
    """
    rows = [
        {
            "model": f"run {i}",
            "task": TASK,
            "metric": "exact_match",
            "successes": 10 * i,
            "trials": ITEMS,
            "score": i / 20,
        }
        | {"compute": 10.0 ** (22 + i / 2), "date": pd.Timestamp("2019-06-01") + i * pd.Timedelta(days=731 / 4)}
        for i in range(5)
    ]
    frame = pd.DataFrame(rows).assign(length=np.nan, k=np.nan, chance=0.0, params=np.nan, tokens=np.nan, compute_sd=0.0)
    frame = frame.assign(family=[f"family {i % 2}" if families else "all" for i in range(5)], metric="exact_match")
    frame["date"] = frame["date"] if dated else pd.NaT
    frame.loc[4, "date"] = pd.Timestamp("2021-06-01") if dated else pd.NaT
    data = observations(frame.astype({"successes": "Int64", "trials": "Int64"}))

    def each(value, *dims):
        value = np.broadcast_to(np.asarray(value, dtype=float), (1, draws))
        return (("chain", "draw", *dims), value.reshape(1, draws, *[1] * len(dims)))

    behind = 0.0 if progress is None else progress * (LATEST - reference_year(data))
    posterior = xr.Dataset(
        {
            "nu": each(1.0, "law"), "irreducible": each(0.0, "law"), "exponent": each(ALPHA, "law"),
            "log10_amplitude": each(ALPHA * (np.asarray(log10_threshold) + behind - reference_compute(data)), "law"),
            "floor": each(0.0, "task"), "ceiling": each(ceiling, "task"), "concentration": each(1e7, "task"),
            "theta_origin": each(0.0), "theta_scale": each(1.0), "sigma_run": each(sigma_run),
            "slopes": (("chain", "draw", "segment"), np.ones((1, draws, 1))),
            **({} if progress is None else {"progress": each(progress)}),
            **{name: each(value) for name, value in more.items()},
        },
        coords={"law": [TASK], "task": [TASK]},
    )  # fmt: skip
    slopes = xr.DataArray(np.ones((1, draws, len(bend_knots(data)) + 1)), dims=("chain", "draw", "segment"))
    return drawn_fit(posterior.drop_vars("slopes").assign(slopes=slopes), data, Priors(), Parts())


def dates_of(fit, scenario, *, at=0.5, frontier=KNOWN, seed=SEED, event="typical", runs=3, as_of=AS_OF) -> np.ndarray:
    """Arrival of one event under one scenario (draw)."""
    new = needed_path_of_new_runs(fit, TASK, at, runs=runs, seed=seed)
    needed = {"typical": needed_path(fit, TASK, at), "new run": new.isel(run=0), "first": new.min("run")}
    outlook = Outlook(fit=fit, family=None, needed=needed, frontier=frontier, as_of=as_of, seed=seed)
    progress = progress_of(fit, scenario, family=None, as_of=as_of, seed=seed)
    return arrival(outlook, event, paths_of(outlook, scenario), progress).values.ravel()


COMPUTE, PROGRESS = Scenario(name="c", progress=0.0), Scenario(name="p")


# closed forms


def test_under_linear_growth_a_known_threshold_is_reached_when_the_line_crosses_it():
    for threshold, growth in ((25.6, 0.6), (27.0, 0.6), (30.0, 0.3), (45.0, 0.9)):
        found = dates_of(known_fit(threshold, dated=False), Scenario(name="s", growth=growth, progress=0.0))
        expected = 2022.0 + (threshold - 25.0) / growth
        assert np.all((found >= expected - 1e-6) & (found <= expected + MONTH))


@pytest.mark.parametrize("later", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("own", [0.0, 0.5])
def test_progress_is_that_of_the_fit_until_scenarios_part_and_then_the_scenarios(own, later):
    fit = known_fit(27.0, progress=own)
    found = dates_of(fit, Scenario(name="s", growth=0.6, progress=later))
    expected = AS_OF + (27.0 - 25.0 - own * (AS_OF - LATEST)) / (0.6 + later)
    assert np.all((found >= expected - 1e-6) & (found <= expected + MONTH))
    found = dates_of(fit, Scenario(name="s", growth=0.6))
    expected = (27.0 - 25.0 + 0.6 * AS_OF + own * LATEST) / (0.6 + own)
    assert np.all((found >= expected - 1e-6) & (found <= expected + MONTH))


HISTORIES = {
    "of the fit": {"progress": np.linspace(0.1, 1.5, DRAWS)},
    "of the prior": {},
    "not known": {"dated": False},
}


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("as_of", [LATEST - 1.0, AS_OF, 2026.0])
@pytest.mark.parametrize("event", ["typical", "new run", "first"])
def test_more_progress_is_nowhere_later(history, as_of, event):
    fit = known_fit(np.linspace(21.0, 45.0, DRAWS), sigma_run=0.3, **HISTORIES[history])
    frontier = frontier_of(walk_sd=0.2)
    options = {"frontier": frontier, "event": event, "as_of": as_of}
    without = dates_of(fit, Scenario(name="s", progress=0.0), **options)
    for progress in (None, 0.1, 2.0):
        found = dates_of(fit, Scenario(name="s", progress=progress), **options)
        assert (found <= without).all() and (found < without).any()


def test_no_arrival_is_dated_before_the_recipe_that_it_needs():
    progress = 1.2
    fit = known_fit(np.linspace(21.0, 26.0, DRAWS), progress=progress)
    record = {float(years(np.datetime64("2020-01-01"))): 23.0, AS_OF: 25.0}
    for scenario in (COMPUTE, PROGRESS):
        found = dates_of(fit, scenario)
        for date, log10_compute in record.items():
            had = log10_compute + progress * (date - LATEST)  # with the recipe of that day
            assert (np.linspace(21.0, 26.0, DRAWS)[found <= date] <= had + 1e-9).all()


def test_what_was_crossed_before_scenarios_part_has_one_date_in_all():
    fit = known_fit(np.linspace(21.0, 23.0, DRAWS), progress=0.5)
    found = [dates_of(fit, scenario) for scenario in SCENARIOS]
    assert (found[0] < AS_OF).all() and (found[0] == found[1]).all() and (found[0] == found[2]).all()


def test_a_slowdown_that_stops_short_of_the_threshold_puts_it_after_all_dates_and_not_to_never():
    left = 0.6 * 5.0 / np.log(2.0)
    scenario = Scenario(name="s", growth=0.6, progress=0.0, slowdown=5.0)
    assert (dates_of(known_fit(25.0 + left + 0.1, dated=False), scenario) == 10000.0).all()
    found = dates_of(known_fit(25.0 + left / 2, dated=False), scenario)
    assert np.all((found >= 2027.0 - 1e-6) & (found <= 2027.0 + MONTH))


def test_what_the_records_already_had_is_dated_by_the_record_that_had_it():
    record = float(years(np.datetime64("2020-01-01")))  # 10^23, after 10^22 in 2019
    assert dates_of(known_fit(22.7, dated=False), COMPUTE) == pytest.approx(record)
    assert (dates_of(known_fit(21.5, dated=False), COMPUTE) == -np.inf).all()  # the first record of the table had it


def test_what_needs_no_compute_was_always_there_and_what_no_compute_reaches_never_comes():
    fit = known_fit(np.linspace(25.0, 30.0, DRAWS), ceiling=np.where(np.arange(DRAWS) % 4 == 0, 0.1, 1.0))
    never = threshold_draws(fit, TASK, 0.5).values.ravel() == np.inf
    assert never.mean() == 0.25
    for scenario in (*SCENARIOS, Scenario(name="fast", growth=50.0, progress=50.0)):
        for event in ("typical", "new run", "first"):
            assert ((dates_of(fit, scenario, event=event) == np.inf) == never).all()
    guessed = known_fit(27.0)
    guessed = replace(guessed, posterior=guessed.posterior.assign(floor=guessed.posterior.floor + 0.6))
    assert (dates_of(guessed, COMPUTE) == -np.inf).all()


def test_faster_growth_and_more_progress_are_nowhere_later():
    fit, frontier = known_fit(np.linspace(21.0, 33.0, DRAWS)), frontier_of(walk_sd=0.2)

    def of(**numbers):
        return dates_of(fit, Scenario(name="s", **numbers), frontier=frontier)

    assert (of(growth=0.8, progress=0.0) <= of(growth=0.4, progress=0.0)).all()
    assert (of(progress=0.6) <= of(progress=0.0)).all() and (of(progress=0.6) < of(progress=0.0)).any()
    assert (of(slowdown=True) >= of()).all() and (of(slowdown=True) > of()).any()


# progress is added once


def test_a_fit_that_knows_progress_gives_the_dates_of_that_progress_and_of_no_prior():
    own, without = known_fit(27.0, progress=0.4), known_fit(27.0)
    default = Scenario(name="s", growth=0.6)
    assert np.ptp(dates_of(own, default)) == 0.0  # nothing of it is random
    assert (dates_of(own, default) == dates_of(own, default, seed=SEED + 1)).all()
    assert np.ptp(dates_of(without, default)) > 1.0  # a prior is


def test_frozen_recipes_are_those_of_the_date_at_which_scenarios_part():
    own = known_fit(27.0, progress=0.4)
    np.testing.assert_allclose(threshold_draws(own, TASK, 0.5).values, 27.0, atol=1e-9)
    ahead = 0.4 * (AS_OF - LATEST)
    np.testing.assert_allclose(dates_of(own, COMPUTE), dates_of(known_fit(27.0 - ahead, dated=False), COMPUTE))


def test_the_progress_of_a_table_without_dates_counts_from_the_date_of_the_forecast():
    fit = known_fit(27.0, dated=False)
    found = progress_of(fit, PROGRESS, family=None, as_of=2022.0, seed=SEED)
    assert found.since == 2022.0 and "no dates" in found.source and not found.in_fit and not found.decades.any()
    low, middle, high = np.quantile(found.a_year, [0.05, 0.5, 0.95])
    assert 10**low == pytest.approx(1.7, rel=0.15) and 10**middle == pytest.approx(3.0, rel=0.15)
    assert 10**high == pytest.approx(10.0, rel=0.3)
    dated = progress_of(known_fit(27.0), PROGRESS, family=None, as_of=2022.0, seed=SEED)
    assert dated.since == pytest.approx(LATEST) == np.nanmax(years_of_runs(known_fit(27.0).data))


def test_progress_of_a_table_without_dates_makes_no_date_later():
    fit = known_fit(np.linspace(19.0, 33.0, DRAWS), dated=False)
    with_progress, without = (dates_of(fit, Scenario(name="s", progress=each)) for each in (0.6, 0.0))
    assert (with_progress <= without).all() and (with_progress < without).any()


def test_where_larger_families_may_be_better_for_being_later_their_regression_is_not_counted_beside_progress():
    extra = {"family_slope": 0.5, "sigma_family": 1e-9}
    undated = known_fit(27.0, families=True, dated=False, **extra)
    one_recipe = compute_of(undated, needed_path(undated, TASK, 0.5), None)
    np.testing.assert_allclose(one_recipe, 27.0, atol=1e-9)
    assert (threshold_draws(undated, TASK, 0.5) < 26.5).all()
    dated = known_fit(27.0, families=True, progress=0.4, **extra)
    np.testing.assert_allclose(
        compute_of(dated, needed_path(dated, TASK, 0.5), None), threshold_draws(dated, TASK, 0.5), atol=1e-9
    )


# the three events


def test_a_new_run_without_residual_and_with_many_items_comes_when_the_typical_one_does():
    fit = known_fit(27.0)
    new = needed_path_of_new_runs(fit, TASK, 0.5, runs=1, seed=SEED, items=10**7)
    np.testing.assert_allclose(new.isel(run=0), needed_path(fit, TASK, 0.5), atol=0.02)


def chance_of_a_run(gap: float, *, at: float, items: int, sigma_run: float, concentration: float) -> float:
    """Probability that a run `gap` decades above the threshold shows `at` or more: Gauss-Hermite over its residual."""
    z, weight = np.polynomial.hermite_e.hermegauss(60)
    mean = 1 / (1 + 10 ** (-ALPHA * (gap + sigma_run * z)))
    shown = stats.betabinom(items, mean * concentration, (1 - mean) * concentration).sf(np.ceil(at * items) - 1)
    return float(shown @ weight / weight.sum())


@pytest.mark.parametrize(("items", "concentration"), [(20, 30.0), (200, 1e6)])
def test_by_any_date_a_new_run_and_the_first_of_j_have_succeeded_with_their_closed_form_chances(items, concentration):
    draws, runs = 8000, 4
    fit = known_fit(27.0, draws=draws, sigma_run=0.5, dated=False)
    fit = replace(fit, posterior=fit.posterior.assign(concentration=fit.posterior.concentration * 0 + concentration))
    new = needed_path_of_new_runs(fit, TASK, 0.5, runs=runs, seed=SEED, items=items)
    needed = {"new run": new.isel(run=0), "first": new.min("run")}
    outlook = Outlook(fit=fit, family=None, needed=needed, frontier=KNOWN, as_of=2022.0, seed=SEED)
    largest = paths(KNOWN, draws=draws, seed=SEED)
    progress = progress_of(fit, COMPUTE, family=None, as_of=2022.0, seed=SEED)
    dates = {event: arrival(outlook, event, largest, progress).values.ravel() for event in needed}
    for place in np.searchsorted(largest.years, [2023.5, 2025.0, 2026.5]):
        options = {"at": 0.5, "items": items, "sigma_run": 0.5, "concentration": concentration}
        p = chance_of_a_run(largest.log10_compute[0, place] - 27.0, **options)
        for event, expected in (("new run", p), ("first", 1 - (1 - p) ** runs)):
            error = np.sqrt(expected * (1 - expected) / draws)
            assert abs(np.mean(dates[event] <= largest.years[place] + 1e-9) - expected) < 5 * error
        assert abs(np.mean(dates["new run"] <= largest.years[place]) - (1 - (1 - p) ** runs)) > 5 * error  # control


def test_the_first_of_more_runs_is_nowhere_later_and_of_one_it_is_the_new_run():
    fit = known_fit(27.0, sigma_run=0.4)
    new = needed_path_of_new_runs(fit, TASK, 0.5, runs=6, seed=SEED)
    assert new.dims == ("chain", "draw", "run") and new.sizes["run"] == 6
    assert (new.min("run") <= new.isel(run=0)).all() and (new.min("run") < new.isel(run=0)).any()
    assert (dates_of(fit, COMPUTE, event="first", runs=1) == dates_of(fit, COMPUTE, event="new run", runs=1)).all()


def test_the_mean_that_a_run_needs_gives_the_chance_of_the_beta_binomial():
    fit = known_fit(27.0, draws=20000)
    fit = replace(fit, posterior=fit.posterior.assign(concentration=fit.posterior.concentration * 0 + 12.0))
    like = xr.DataArray(np.zeros((1, 20000, 1)), dims=("chain", "draw", "run"))
    needed = needed_mean(fit, TASK, 0.3, items=25, like=like, rng=np.random.default_rng(SEED)).values
    for mean in (0.1, 0.3, 0.6):
        p = stats.betabinom(25, 12 * mean, 12 * (1 - mean)).sf(7)  # 8 of 25 are the first to be 0.3 or more
        assert abs(np.mean(needed <= mean) - p) < 5 * np.sqrt(p * (1 - p) / 20000)


def test_runs_of_new_families_scatter_more_than_those_of_a_known_one():
    fit = known_fit(27.0, families=True, progress=0.3, family_slope=0.0, sigma_family=0.8)
    effect = xr.DataArray(
        np.zeros((1, DRAWS, 2)), dims=("chain", "draw", "family"), coords={"family": ["family 0", "family 1"]}
    )
    fit = replace(fit, posterior=fit.posterior.assign(family_effect=effect))
    new, known = (
        needed_path_of_new_runs(fit, TASK, 0.5, runs=1, seed=SEED, items=10**6, family=family).std().item()
        for family in (None, "family 1")
    )
    assert new == pytest.approx(0.8, rel=0.15) and known < 0.05


def test_every_kind_of_task_has_new_runs(answer_fitted):
    for task in answer_fitted.data.task.values:
        at = 2.0 if answer_fitted.data.metric.sel(task=task) == "loss" else 0.4
        found = needed_path_of_new_runs(answer_fitted, str(task), at, runs=2, seed=SEED)
        typical = needed_path(answer_fitted, str(task), at)
        assert found.dims == ("chain", "draw", "run") and not np.isnan(found).any()
        gap = (found.isel(run=0) - typical).where(np.isfinite(typical)).values
        assert abs(np.nanmedian(gap)) < 0.5 and np.nanstd(gap[np.isfinite(gap)]) > 0.05


# answers


def test_the_answer_has_three_scenarios_three_events_and_is_json():
    fit = known_fit(np.linspace(24.0, 30.0, DRAWS), ceiling=np.where(np.arange(DRAWS) < 40, 0.3, 1.0), sigma_run=0.2)
    answer = when(fit, TASK, 0.5, frontier=frontier_of(walk_sd=0.1), as_of=2022.0, seed=SEED)
    json.loads(json.dumps(answer, allow_nan=False), parse_constant=refuse_constant)
    assert [each["name"] for each in answer["scenarios"]] == [
        "compute only",
        "with algorithmic progress",
        "with slowdown",
    ]
    for scenario in answer["scenarios"]:
        assert set(scenario["events"]) == {"typical", "new run", "first"}
        for event in scenario["events"].values():
            chances = [each["p"] for each in event["p_by"]]
            assert [each["date"] for each in event["p_by"]] == [f"{y}-01-01" for y in (2027, 2028, 2030, 2035)]
            assert chances == sorted(chances) and event["p_already"] <= chances[0] <= 1 - event["p_never"]
            assert event["date"]["q95"] == "inf" and event["p_never"] == pytest.approx(0.1)
    assert answer["scenarios"][0]["progress"]["source"].startswith("algorithms stay as they are on 2022-01-01")
    assert answer["seed"] == SEED and answer["families"] == 1
    again = when(fit, TASK, 0.5, frontier=frontier_of(walk_sd=0.1), as_of=2022.0, seed=SEED)
    assert again == answer


def test_runs_dated_by_the_end_of_training_are_released_a_lag_later_and_others_trained_a_lag_earlier():
    fit = known_fit(27.0, dated=False)
    options = {"frontier": KNOWN, "scenarios": [Scenario(name="s", growth=0.6, progress=0.0)], "seed": SEED}
    released, trained = (
        when(fit, TASK, 0.5, trained=flag, **options)["scenarios"][0]["events"]["typical"] for flag in (False, True)
    )
    assert released["date"]["q50"] == trained["trained"]["q50"]
    assert released["trained"]["q50"] < released["date"]["q50"] < trained["date"]["q50"]


@pytest.mark.parametrize("wrong", [{"growth": -0.1}, {"progress": float("inf")}, {"slowdown": 0.0}, {"slowdown": -2}])
def test_a_scenario_that_cannot_be_is_refused(wrong):
    (key, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=rf"Scenario\n{key}.*\n.*input_value={value}"):
        Scenario(name="s", **wrong)


def test_a_threshold_that_is_none_is_refused():
    with pytest.raises(ForecastError, match="between 0 and 1"):
        when(known_fit(), TASK, 50.0, frontier=KNOWN)


def test_scenarios_that_read_alike_are_told_together():
    answer = when(known_fit(22.5, progress=0.1), TASK, 0.5, frontier=KNOWN, as_of=2026.0, seed=SEED)
    assert [[each["name"] for each in group] for group in with_equal_dates(answer["scenarios"])] == [
        ["compute only", "with algorithmic progress", "with slowdown"]
    ]
    lines = told(answer["scenarios"])
    assert len(lines) == 3 and lines[1] == "progress, with algorithmic progress: the fit's own estimate"
    assert told(answer["scenarios"][1:]) == ["progress: the fit's own estimate"]
    later = when(known_fit(29.0, progress=0.1), TASK, 0.5, frontier=KNOWN, as_of=2026.0, seed=SEED)
    assert len(with_equal_dates(later["scenarios"])) == 3


def test_chances_that_print_alike_do_not_part_scenarios():
    event = {"date": dict.fromkeys(("q05", "q50", "q95"), "2021-01-01"), "p_by": [], "p_already": 0.992, "p_never": 0.0}
    answers = [{"name": "a", "events": {"typical": event}}]
    answers.append({"name": "b", "events": {"typical": event | {"p_already": 1.0, "p_never": 0.008}}})
    assert len(with_equal_dates(answers)) == 1  # '>99%' and '<1%' of both
    answers.append({"name": "c", "events": {"typical": event | {"p_already": 0.97}}})
    assert len(with_equal_dates(answers)) == 2


def test_a_figure_of_dates_that_are_all_never_is_drawn(tmp_path):
    answer = when(known_fit(ceiling=0.1), TASK, 0.5, frontier=KNOWN, seed=SEED)
    assert {each["events"]["typical"]["date"]["q05"] for each in answer["scenarios"]} == {"inf"}
    write_dates(answer, tmp_path / "never.png")
    assert (tmp_path / "never.png").stat().st_size > 0


def test_the_title_of_the_figure_names_the_family_where_there_are_several(tmp_path):
    answer = when(known_fit(), TASK, 0.5, frontier=KNOWN, seed=SEED)
    for said, recipe in (
        ("typical of 4 families", {"families": 4}),
        ("family Llama-2", {"families": 4, "family": "Llama-2"}),
    ):
        write_dates(answer | recipe, tmp_path / "dates.svg")
        assert said in (tmp_path / "dates.svg").read_text(encoding="utf-8")
    write_dates(answer, tmp_path / "one.svg")
    assert "typical of" not in (tmp_path / "one.svg").read_text(encoding="utf-8")


def test_the_title_of_the_figure_says_a_horizon_as_a_length_of_time(tmp_path):
    answer = when(known_fit(), TASK, 0.5, frontier=KNOWN, seed=SEED)
    write_dates(answer | {"metric": "horizon", "at": 480.0}, tmp_path / "dates.svg")
    assert "at 8 h" in (tmp_path / "dates.svg").read_text(encoding="utf-8")


ENDS = float(years(np.datetime64("2025-02-17")))
FOLLOWS = "the largest run follows its trend; give a newer one, such as Epoch AI's CSV, with --runs RUNS.csv or"


@pytest.mark.parametrize(
    ("as_of", "day", "said", "stale"),
    [
        (
            "2025-02-17",
            "2026-11-28",
            "ends on 2025-02-17 and is stale since 2026-02-17; from there to 2026-11-28",
            True,
        ),
        ("2025-02-17", "2025-09-01", "ends on 2025-02-17; from there to 2025-09-01", False),  # as_of left open
        ("2025-02-17", "2025-03-01", None, False),
        ("2026-01-01", "2025-03-01", "from there to 2026-01-01", False),
        ("2026-03-01", "2025-03-01", "stale since 2026-02-17; from there to 2026-03-01", True),
        ("2022-01-01", "2026-11-28", None, False),  # of the past all runs are known
    ],
)
def test_a_table_of_largest_runs_that_ends_early_is_told_and_is_stale_after_a_year(
    monkeypatch, as_of, day, said, stale
):
    monkeypatch.setattr("forecast.questions.when.frontier.today", lambda: np.datetime64(day))
    at = float(years(np.datetime64(as_of)))
    found = ends_early(ENDS, as_of=at)
    assert found is None if said is None else said in found and FOLLOWS in found
    assert stale_since(ENDS, as_of=at) == ("2026-02-17" if stale else None)


def test_every_output_of_dates_says_once_that_the_table_of_largest_runs_is_stale(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("forecast.questions.when.frontier.today", lambda: np.datetime64("2026-11-28"))
    answer = when(known_fit(), TASK, 0.5, frontier=KNOWN, seed=SEED)
    assert answer["frontier"]["stale_since"] == "2023-01-01" and answer["frontier"]["as_of_log10_compute"] is None
    assert "is stale since" in answer["frontier"]["sentence"] and "(t)" in answer["frontier"]["sentence"]
    for place in range(2):  # of two thresholds of a study
        print_dates(answer, first=place == 0)
    assert capsys.readouterr().out.count("is stale since") == 1
    write_dates(answer, tmp_path / "dates.svg")
    assert (tmp_path / "dates.svg").read_text(encoding="utf-8").count("is stale since") == 1
    texts = {"title": "t", "question": "q", "answer": "a", "sections": []}
    write_page(tmp_path / "dates.html", Report(**texts, dates=[answer, answer]))
    assert (tmp_path / "dates.html").read_text(encoding="utf-8").count("is stale since") == 1


def test_a_forecast_from_after_the_table_brings_the_largest_run_there_by_its_trend(capsys):
    answer = when(known_fit(), TASK, 0.5, frontier=KNOWN, as_of=2024.0, seed=SEED)
    assert answer["frontier"]["as_of_log10_compute"]["q50"] == pytest.approx(25.0 + 0.6 * 2, abs=0.05)  # months
    assert answer["as_of"] == "2024-01-01" and "from there to 2024-01-01" in answer["frontier"]["sentence"]
    print_dates(answer)
    assert "largest run by 2024-01-01, by that trend: 1.6e26 FLOP" in capsys.readouterr().out


def test_a_largest_run_beyond_any_reach_is_told_as_such(capsys):
    print_dates(when(known_fit(), TASK, 0.5, frontier=KNOWN, as_of=2099.0, seed=SEED))
    said = "largest run by 2099-01-01, by that trend: beyond 1e31 FLOP (90% beyond 1e31 FLOP)"
    assert said in capsys.readouterr().out


# the command


def test_the_command_answers_with_its_figure_and_says_why_it_is_not_to_be_trusted(fit_file, tmp_path):
    run = forecast_command(
        "when", fit_file, "--task", "addition", "--at", 0.5, "--as-of", "2023-06-30", "--first-of", 2,
        "-o", tmp_path / "dates.png", "--seed", SEED, "--json",
    )  # fmt: skip
    assert run.code == 3 and "effective sample size" in run.err
    answer = run.json
    assert answer["as_of"] == "2023-06-30" and answer["first_of"] == 2 and answer["frontier"]["largest"] == "GPT-4"
    assert (tmp_path / "dates.png").read_bytes().startswith(b"\x89PNG")
    typical = answer["scenarios"][0]["events"]["typical"]
    assert typical["date"]["q50"] < "2023" and typical["p_already"] > 0.8  # small runs could do it


def test_known_errors_of_the_command_are_one_line(fit_file, tmp_path):
    for options, said in (
        (("--task", "subtraction", "--at", 0.5), "not a task"),
        (("--task", "addition", "--at", 0.5, "--runs", tmp_path / "none.csv"), "no such file"),
        (("--task", "addition", "--at", 0.5, "--as-of", "2013-01-01"), "record training runs"),
        (("--task", "addition", "--at", 0.5, "--family", "none"), "not a family"),
    ):
        run = forecast_command("when", fit_file, *options)
        assert run.code == 1 and said in run.err and run.err.count("\n") == 1
