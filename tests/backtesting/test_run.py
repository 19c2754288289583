"""The back-test: nothing learns from what it hides, nothing is done twice, and one failure stops nothing else."""

import json
import os
import pickle
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.backtesting.record import METHODS, summarised, write_backtest
from forecast.backtesting.run import backtest
from forecast.backtesting.scored import OURS, THRESHOLD_COLUMNS
from forecast.backtesting.verdict import verdict
from forecast.draws import Sampling
from forecast.errors import ForecastError
from forecast.fitting.stacking import SAMPLING, equal_weights, forecasts_of, stacking_weights
from forecast.report.views.backtest import BacktestView, backtest_view
from forecast.scoring.baselines import BASELINES, baseline_forecasts
from forecast.scoring.rows import score_rows
from forecast.table.dataset import read_table
from forecast.table.splits import Split, latest
from models.structures import AVERAGED, STRUCTURES
from tests.backtesting.test_jobs import wait_until
from tests.conftest import (
    ANSWER_COLUMNS,
    CUT,
    HOSTILE,
    RUNS,
    SEED,
    TASKS,
    answer_rows,
    guesses,
    knowing,
    simulated_rows,
    write_rows,
)

FITTED = ["addition", "four choices"]
MIDDLE = Split(by="compute", at=1e22)  # hides two runs of six
HIGH = Split(by="compute", at=CUT)  # hides one
TINY = Sampling(seed=SEED, chains=2, tune=100, draws=50)
COLUMNS = {"bed", "cut", "method", "task", "metric", "outcome", "crps", "log_score", "q05", "q50", "q95"}
OF_TRUTH = ["low", "high", "rps"]
OF_OUTCOMES = ["outcome", "crps", "log_score", "pit", "inside_50", "inside_80", "inside_90"]


def read(path, rows, **options):
    return read_table(write_rows(path / "table.csv", rows, **options))


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """Two tasks of six runs."""
    return read(tmp_path_factory.mktemp("two"), [row for row in simulated_rows() if row["task"] in FITTED])


@pytest.fixture
def whole(table):
    """Four tasks of six runs."""
    return read_table(table)


def with_other_outcomes(frame, rows):
    """The frame as if everything had come out the other way on some rows."""
    successes = frame["successes"].where(~rows, frame["trials"] - frame["successes"])
    return frame.assign(successes=successes, score=frame["score"].where(~rows, 1 - frame["score"]))


def assert_same_track(one, two):
    for name in ("scores", "thresholds", "fits"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert (one.weights, one.failed, one.runs) == (two.weights, two.failed, two.runs)


def numbers(tested):
    """What a back-test found, but for how long it took."""
    return [tested.scores, tested.thresholds, tested.fits.drop(columns="seconds")]


def assert_same_numbers(one, two):
    for first, second in zip(numbers(one), numbers(two), strict=True):
        pd.testing.assert_frame_equal(first, second)
    assert (one.weights, one.failed, one.runs) == (two.weights, two.failed, two.runs)


# Real fits, by two workers


@pytest.fixture(scope="module")
def done(frame, tmp_path_factory):
    """The folder of a back-test by two workers, and what it found."""
    folder = tmp_path_factory.mktemp("jobs")
    return folder, fitted(frame, folder, workers=2)


def fitted(frame, folder, **options):
    options |= {"structures": ("full",), "at": (0.3, 0.5), "sampling": TINY}
    return backtest(frame, [MIDDLE], name="t", folder=folder, **options)


@pytest.fixture
def no_fit(monkeypatch):
    monkeypatch.setattr("forecast.fitting.stacking.fit_table", lambda *_, **__: pytest.fail("fitted"))


def test_fits_forecast_every_hidden_row_and_threshold(done, frame):
    tested = done[1]
    hidden = MIDDLE.parts(frame)[1]
    for _, own in tested.scores.groupby("method"):
        assert list(own["row"]) == list(hidden.index)
    ours = tested.scores[tested.scores["method"] == OURS]
    assert ours[list(COLUMNS)].notna().all().all() and ours["q50"].between(0, 1).all()
    assert (ours["crps"] < 0.5).all()
    assert list(tested.thresholds[["task", "at"]].itertuples(index=False)) == [
        (t, at) for t in FITTED for at in (0.3, 0.5)
    ]
    assert list(tested.fits["structure"]) == ["full"] and tested.weights == {MIDDLE.name: {"full": 1.0}}
    assert (tested.fits[["max_rhat", "forecast_rhat"]] >= 1).all(axis=None) and (tested.fits["seconds"] > 0).all()


def test_a_second_run_over_the_same_folder_fits_nothing_and_finds_the_same(done, frame, no_fit):
    folder, first = done
    assert_same_track(fitted(frame, folder), first)


def test_what_fits_say_does_not_depend_on_the_scores_of_hidden_rows(done, frame, no_fit):
    """The jobs are those of the first run, since nothing is fitted."""
    folder, first = done
    other = fitted(with_other_outcomes(frame, frame["compute"] >= MIDDLE.at), folder)
    assert_only_outcomes_differ(other, first)


def assert_only_outcomes_differ(one, two):
    """And of thresholds the truth; what was forecast, by baselines too, and what was learned are the same."""
    pd.testing.assert_frame_equal(one.scores.drop(columns=OF_OUTCOMES), two.scores.drop(columns=OF_OUTCOMES))
    pd.testing.assert_frame_equal(one.thresholds.drop(columns=OF_TRUTH), two.thresholds.drop(columns=OF_TRUTH))
    assert one.weights == two.weights
    np.testing.assert_allclose(one.scores["outcome"], 1 - two.scores["outcome"])
    assert (one.scores["crps"] != two.scores["crps"]).mean() > 0.9
    assert (one.thresholds["rps"] != two.thresholds["rps"]).any()


def test_one_lost_result_is_done_again_by_one_worker_with_the_numbers_of_two(done, frame, monkeypatch):
    folder, first = done
    (lost,) = folder.glob("*.nc")
    learned_from = []
    lost.unlink()
    from forecast.fitting import stacking as trial

    def counted(train, **options):
        learned_from.append(train["model"].nunique())
        return fit_table(train, **options)

    fit_table = trial.fit_table
    monkeypatch.setattr(trial, "fit_table", counted)
    assert_same_numbers(fitted(frame, folder), first)
    assert len(learned_from) == 1 and lost.exists()


# Several structures and cuts; forecasts are guesses from here on


@pytest.fixture
def tested(whole, track_of):
    return track_of(whole, MIDDLE, HIGH)


def test_every_hidden_row_is_scored_for_the_average_each_structure_and_each_baseline(tested, whole):
    scores = tested.scores
    assert set(scores) >= COLUMNS
    assert list(scores["method"].unique()) == [OURS, *AVERAGED, *BASELINES]
    for split in (MIDDLE, HIGH):
        hidden = whole[whole["compute"] >= split.at]
        for _, own in scores[scores["cut"] == split.name].groupby("method"):
            assert list(own["row"]) == list(hidden.index)
            np.testing.assert_allclose(own["outcome"], hidden["score"])
    assert set(scores["bed"]) == {"table.csv"} and set(scores["cut"]) == {MIDDLE.name, HIGH.name}
    assert scores[list(COLUMNS)].notna().all().all() and (scores["q05"] <= scores["q95"]).all()


def test_the_average_is_the_mixture_of_its_structures_by_their_weights(whole, track_of):
    """Of structures that are sure of one score each, its CRPS is in closed form."""
    said = np.linspace(0.2, 0.8, len(AVERAGED))

    def sure(job):
        result = guesses(job)
        return result.assign(score=xr.zeros_like(result.score) + xr.DataArray(said, dims="structure"))

    tested = track_of(whole, MIDDLE, work=sure)
    weights = np.array(list(tested.weights[MIDDLE.name].values()))
    ours = tested.scores[tested.scores["method"] == OURS]
    spread = weights @ np.abs(said - said[:, None]) @ weights
    expected = [weights @ np.abs(said - outcome) - spread / 2 for outcome in ours["outcome"]]
    np.testing.assert_allclose(ours["crps"], expected, atol=2e-3)  # a thousand draws: weights to the third digit
    assert len(set(weights)) > 1


@pytest.mark.parametrize("split", [MIDDLE, HIGH], ids=lambda each: each.name)
def test_weights_are_those_that_the_largest_training_runs_give(whole, track_of, split):
    made = []

    def kept(job):
        made.append((job.data["rows"], guesses(job)))
        return made[-1][1]

    weights = track_of(whole, split, work=kept).weights[split.name]
    train = split.parts(whole)[0]
    largest = latest(train).parts(train)[1]
    (past,) = [result for rows, result in made if rows.index.equals(largest.index)]
    lines = [
        score_rows(past.score.sel(structure=name).values, largest, method=name, log10_cut=0.0, seed=SAMPLING.seed)
        for name in AVERAGED
    ]
    assert largest["compute"].max() < split.at
    assert list(weights) == list(AVERAGED) and sum(weights.values()) == pytest.approx(1, abs=1e-3)
    assert weights == stacking_weights(pd.concat(lines)) != equal_weights(AVERAGED)


def test_baselines_are_made_of_what_is_hidden_and_not_to_weigh_structures(whole, track_of, monkeypatch):
    asked = []

    def counted(train, rows, seed):
        asked.append(set(rows["model"]))
        return baseline_forecasts(train, rows, seed)

    monkeypatch.setattr("forecast.backtesting.scored.baseline_forecasts", counted)
    track_of(whole, MIDDLE, HIGH)
    assert asked == [set(split.parts(whole)[1]["model"]) for split in (MIDDLE, HIGH)]


def test_the_structure_that_knew_the_past_has_the_most_weight(whole, track_of):
    def one_knows(job):
        known, guessed = knowing(job), guesses(job)
        return guessed.assign(score=known.score.where(known.structure == AVERAGED[1], guessed.score))

    weights = track_of(whole, MIDDLE, work=one_knows).weights[MIDDLE.name]
    assert max(weights, key=weights.get) == AVERAGED[1] and weights[AVERAGED[1]] > 0.4


def test_other_scores_of_hidden_rows_change_outcomes_and_scores_and_nothing_else(whole, track_of, tmp_path):
    other = with_other_outcomes(whole, whole["compute"] >= MIDDLE.at)
    first, second = (track_of(each, MIDDLE, folder=tmp_path / str(i)) for i, each in enumerate((whole, other)))
    assert_only_outcomes_differ(second, first)


def test_thresholds_are_scored_between_perfect_and_sure_and_wrong(tested, whole):
    lines = tested.thresholds
    assert len(lines) == 2 * len(TASKS) * (1 + len(AVERAGED))  # of two cuts
    assert lines["rps"].between(0, 1).all() and (lines["low"] < lines["high"]).all()
    assert (lines["q05"] <= lines["q50"]).all() and (lines["q50"] <= lines["q95"]).all()
    assert lines["p_never"].between(0, 1).all()
    half = lines[lines["task"] == "addition"].iloc[0]
    own = whole[whole["task"] == "addition"]
    score = own.set_index(np.log10(own["compute"]))["score"]
    assert score.loc[half["low"]] < 0.5 <= score.loc[half["high"]]


# The jobs


class HandedOutError(Exception):
    """Carries the jobs of a back-test, which ends with it."""


@pytest.fixture
def jobs_of(monkeypatch, tmp_path):
    """The jobs that a back-test hands out, that of a cut ahead of that of its past; none is done."""

    def hand_out(work, jobs, **options):
        raise HandedOutError(list(jobs))

    def jobs(frame, *splits, **options):
        monkeypatch.setattr("forecast.backtesting.run.run_jobs", hand_out)
        with pytest.raises(HandedOutError) as caught:
            backtest(frame, splits, **{"name": "table.csv", "folder": tmp_path, "structures": AVERAGED} | options)
        return caught.value.args[0]

    return jobs


@pytest.mark.parametrize("split", [MIDDLE, Split(by="model", at=("run 20", "run 20.5"))], ids=lambda each: each.by)
def test_jobs_hold_nothing_of_the_scores_of_hidden_rows(whole, jobs_of, split):
    hidden = whole["model"].isin(split.parts(whole)[1]["model"])
    first, second = (jobs_of(each, split) for each in (whole, with_other_outcomes(whole, hidden)))
    assert len(first) == 2 and [job.key for job in first] == [job.key for job in second]
    assert [pickle.dumps(job.data) for job in first] == [pickle.dumps(job.data) for job in second]
    for job in first:
        train, rows = job.data["train"], job.data["rows"]
        assert rows["score"].isna().all() and rows["successes"].isna().all()
        assert set(train["model"]).isdisjoint(whole.loc[hidden, "model"])
        assert set(train["model"]).isdisjoint(rows["model"])


@pytest.mark.parametrize(
    ("column", "hidden"), [("score", False), ("trials", True), ("compute", True)], ids=lambda each: str(each)
)
def test_whatever_may_be_learned_from_is_in_the_key(whole, jobs_of, column, hidden):
    """The negative control: a score of a training run, or the design of a hidden one."""
    rows = (whole["compute"] >= MIDDLE.at) == hidden
    other = with_other_outcomes(whole, rows) if column == "score" else whole.assign(**{column: whole[column] + rows})
    if column == "compute":
        other = whole.assign(compute=whole["compute"].where(~rows, 2 * whole["compute"]))
    first, *_ = jobs_of(whole, MIDDLE)
    second, *_ = jobs_of(other, MIDDLE)
    assert first.key != second.key


def test_the_key_knows_structures_thresholds_and_sampling_but_not_who_does_the_work(whole, jobs_of):
    def key(**options):
        return jobs_of(whole, MIDDLE, **options)[0].key

    one = key()
    assert key(workers=2) == one == key(name="renamed.csv")
    others = [{"structures": ("full",)}, {"at": (0.8,)}, {"sampling": replace(SAMPLING, seed=2)}]
    assert len({one, *(key(**options) for options in others)}) == 4


def test_the_longest_job_is_handed_out_first(whole, jobs_of):
    sizes = [len(job.data["train"]) for job in jobs_of(whole, MIDDLE, HIGH)]
    assert len(set(sizes)) > 2 and sizes == sorted(sizes, reverse=True)


def test_no_structure_is_called_as_a_baseline_is():
    assert set(STRUCTURES).isdisjoint({*METHODS, OURS})


# Failures, and what is left out


def failing(job):
    """Fails where four runs are learned from, and where three are, to judge by."""
    if job.data["train"]["model"].nunique() <= 4:
        raise ValueError(f"{job.name} is impossible")
    return guesses(job)


def failing_past(job):
    if " of the " in job.name:
        raise ValueError(f"{job.name} is impossible")
    return guesses(job)


def test_a_fit_that_fails_is_reported_and_the_other_cuts_go_on(whole, track_of, tmp_path):
    tested = track_of(whole, MIDDLE, HIGH, work=failing)
    assert tested.failed[MIDDLE.name] == f"ValueError: {MIDDLE.name} is impossible"
    assert set(tested.scores["cut"]) == set(tested.weights) == set(tested.fits["cut"]) == {HIGH.name}
    judged = verdict(tested, runs=5)
    assert write_backtest(tested, judged, tmp_path, table="t", seed=1)["failed"] == dict(tested.failed)
    alone = track_of(whole, HIGH, work=failing, folder=tmp_path / "other")
    assert_same_numbers_of_cut(tested, alone, HIGH.name)


def assert_same_numbers_of_cut(one, two, cut):
    for first, second in zip(numbers(one), numbers(two), strict=True):
        first, second = (each[each["cut"] == cut].reset_index(drop=True) for each in (first, second))
        pd.testing.assert_frame_equal(first, second)
    assert one.weights[cut] == two.weights[cut]


def test_a_past_that_cannot_be_judged_is_reported_and_leaves_equal_weights(whole, track_of):
    tested = track_of(whole, MIDDLE, work=failing_past)
    assert tested.weights == {MIDDLE.name: equal_weights(AVERAGED)}
    assert len(tested.failed) == 1 and all("is impossible" in error for error in tested.failed.values())


def test_where_every_fit_fails_the_first_error_is_told(whole, track_of):
    with pytest.raises(ForecastError, match=rf"no fit .* succeeded.*{MIDDLE.name} is impossible"):
        track_of(whole, MIDDLE, work=failing)


def test_a_failed_fit_is_tried_again_by_the_next_run(whole, track_of):
    track_of(whole, MIDDLE, HIGH, work=failing)
    assert not track_of(whole, MIDDLE, HIGH, work=guesses).failed


def test_a_cut_that_leaves_too_little_is_refused_before_any_work(whole, track_of, tmp_path):
    for at, said in {2e20: "leaves 1 run to fit and 5 to score", 1e30: "leaves 6 runs to fit and 0 to score"}.items():
        with pytest.raises(ForecastError, match=said):
            track_of(whole, MIDDLE, Split(by="compute", at=at), work=lambda _: pytest.fail("fitted"))
    with pytest.raises(ForecastError, match="no cut"):
        track_of(whole)
    assert not (tmp_path / "jobs").exists()


def test_a_cut_named_twice_counts_once(whole, track_of):
    assert_same_track(track_of(whole, MIDDLE, MIDDLE), track_of(whole, MIDDLE))


def test_cuts_do_not_change_one_another(whole, track_of, tmp_path):
    both = track_of(whole, MIDDLE, HIGH)
    for split in (MIDDLE, HIGH):
        alone = track_of(whole, split, folder=tmp_path / "other")
        assert_same_numbers_of_cut(both, alone, split.name)
    assert both.runs == {MIDDLE.name: (4, 2), HIGH.name: (5, 1)}


def test_one_structure_is_the_forecast_itself(whole, track_of):
    tested = track_of(whole, MIDDLE, structures=("full",))
    assert tested.weights == {MIDDLE.name: {"full": 1.0}} and tested.structures == ["full"]
    assert list(tested.scores["method"].unique()) == [OURS, *BASELINES]
    assert list(tested.thresholds["method"].unique()) == [OURS]


def test_losses_are_scored_in_nats_and_have_no_threshold_among_the_rates(track_of, tmp_path):
    losses = [row for row in answer_rows() if row["metric"] == "loss"]
    tested = track_of(read(tmp_path, losses, header=ANSWER_COLUMNS), Split(by="compute", at=1e23))
    assert set(tested.scores["metric"]) == {"loss"} and tested.scores["outcome"].max() > 1
    assert tested.thresholds.empty
    facts = write_backtest(tested, verdict(tested, runs=6), tmp_path / "track", table="t", seed=1)
    assert facts["thresholds"] == [] and facts["methods"][0]["method"] == OURS
    assert pd.read_csv(tmp_path / "track" / "thresholds.csv").columns.tolist() == THRESHOLD_COLUMNS


@pytest.mark.parametrize(
    "split", [Split(by="date", at="2022-01-01"), Split(by="family", at="recipe 1")], ids=lambda each: each.by
)
def test_the_distance_of_a_cut_by_date_or_family_is_from_the_largest_training_run(answer_table, track_of, split):
    frame = read_table(answer_table)
    tested = track_of(frame, split)
    seen, hidden = split.parts(frame)
    assert set(tested.scores["model"]) == set(hidden["model"]) and set(seen["model"]).isdisjoint(hidden["model"])
    largest = np.log10(seen["compute"].max())
    np.testing.assert_allclose(tested.scores["decades_beyond"], tested.scores["log10_compute"] - largest)


def test_scores_say_how_much_larger_a_run_is_than_any_that_was_learned_from(whole, track_of):
    frame = whole.assign(params=whole["compute"] ** 0.5)
    scores = track_of(frame, MIDDLE).scores
    largest = MIDDLE.parts(frame)[0]["compute"].max()
    np.testing.assert_allclose(scores["params_beyond"], 0.5 * (scores["log10_compute"] - np.log10(largest)))
    assert track_of(whole.assign(params=np.nan), MIDDLE).scores["params_beyond"].isna().all()


def test_a_truth_that_is_known_is_trusted_and_a_guess_is_not(whole, track_of, tmp_path):
    splits = [MIDDLE, HIGH]
    good, bad = (track_of(whole, *splits, work=work, folder=tmp_path / work.__name__) for work in (knowing, guesses))
    judged = [verdict(tested, runs=5) for tested in (good, bad)]
    assert [each["trust"] == "do not trust" for each in judged] == [False, True]
    assert judged[0]["record"]["crps"] < judged[1]["record"]["crps"]


# A cluster of which a worker is killed


def patient(job):
    """Guesses that leave a trace of who makes them, in the folder that the table is named after; all but the first
    wait for a gate."""
    traces = Path(job.data["table"])
    (traces / f"{job.key}.{os.getpid()}").touch()
    if any(traces.glob("*.done")):
        wait_until((traces / "gate").exists)
    (traces / f"{job.key}.done").touch()
    return guesses(job)


def test_a_cluster_of_which_a_worker_is_killed_finds_what_one_process_does(whole, track_of, tmp_path, cluster):
    traces, killed = tmp_path / "traces", []
    traces.mkdir()

    def kill_a_busy_worker(progress):
        if progress.done >= 1 and not killed:
            wait_until(lambda: busy(traces))
            key, pid = busy(traces)[0]
            os.kill(pid, signal.SIGKILL)
            killed.append(key)
            (traces / "gate").touch()

    def on_cluster(**options):
        return track_of(whole, MIDDLE, HIGH, work=patient, name=str(traces), folder=tmp_path / "cluster", **options)

    tested = on_cluster(scheduler=cluster.scheduler_address, progress=kill_a_busy_worker)
    assert not tested.failed and killed
    times = Counter(path.name.split(".")[0] for path in traces.iterdir() if not path.name.endswith((".done", "gate")))
    assert times[killed[0]] == 2 and len(times) == 4
    here = track_of(whole, MIDDLE, HIGH, name=str(traces))
    assert_same_numbers(tested, here)
    assert_same_track(on_cluster(), tested)


def busy(traces):
    """Key and process of the jobs that wait at the gate."""
    found = [path.name.split(".") for path in traces.iterdir() if path.name != "gate"]
    over = {key for key, last in found if last == "done"}
    return [(key, int(pid)) for key, pid in found if key not in over]


# As files and in the report


def test_the_files_of_a_track_record_are_what_was_found(tested, tmp_path):
    judged = verdict(tested, runs=5)
    facts = write_backtest(tested, judged, tmp_path / "a" / "b", table="t", seed=1)
    folder = tmp_path / "a" / "b"
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == facts
    names = [
        "crps_by_distance.svg",
        "scores.csv",
        "summary.json",
        "thresholds.csv",
        "together.csv",
    ]  # 12 outcomes: too few for more
    assert sorted(path.name for path in folder.iterdir()) == names
    for name in ("scores", "thresholds"):
        written, found = pd.read_csv(folder / f"{name}.csv"), getattr(tested, name)
        assert list(written) == list(found) and len(written) == len(found)
        for column in found.select_dtypes("number"):
            np.testing.assert_allclose(written[column], found[column])
    assert all((folder / name).read_text(encoding="utf-8").lstrip().startswith("<svg") for name in names[:1])


def test_the_summary_is_of_the_lines_of_the_scores(tested):
    facts = summarised(tested, verdict(tested, runs=5), table="t", seed=1)
    scores = tested.scores
    for name, by in {
        "methods": ["method"],
        "by_cut": ["cut", "method"],
        "by_task": ["task", "method"],
        "by_metric": ["metric", "method"],
    }.items():
        expected = scores.groupby(by)["crps"].mean()
        found = pd.DataFrame(facts[name]).set_index(by)["crps"]
        np.testing.assert_allclose(found.loc[expected.index], expected)
    assert sum(each["n"] for each in facts["by_distance"]) == len(scores)
    assert [each["method"] for each in facts["methods"]] == [OURS, *AVERAGED, *BASELINES]
    assert {(each["method"], each["against"]) for each in facts["pairs"]} == {
        (OURS, name) for name in [*AVERAGED, *BASELINES]
    }
    assert facts["cuts"] == [
        {"cut": split.name, "runs": runs, "hidden_runs": hidden, "weights": tested.weights[split.name]}
        for split, (runs, hidden) in {MIDDLE: (4, 2), HIGH: (5, 1)}.items()
    ]
    rps = tested.thresholds.groupby("method")["rps"].mean()
    assert {each["method"]: each["rps"] for each in facts["thresholds"]} == pytest.approx(dict(rps))
    json.dumps(facts, allow_nan=False)


def believed(tested, **weights):
    judged = verdict(tested, runs=5)
    return BacktestView(verdict=judged, tested=tested, weights=weights or equal_weights(AVERAGED), apart=[])


def test_the_report_shows_the_average_then_its_structures_then_the_baselines(tested):
    view = backtest_view(believed(tested), table="t", seed=1)
    assert view["kind"] == "warning" and view["sentence"].startswith("Do not trust")
    groups = {name: [line["method"] for line in lines] for name, lines in view["groups"]}
    assert list(groups.values()) == [[OURS], list(AVERAGED), list(BASELINES)]
    assert set(view["figures"]) == {"crps_by_distance"} and "12 outcomes, fewer than 20" in view["few"]
    assert [each["method"] for each in view["thresholds"]] == [OURS]


def test_a_forecast_of_one_structure_is_shown_beside_the_baselines_only(whole, track_of):
    tested = track_of(whole, MIDDLE, structures=("full",))
    groups = dict(backtest_view(believed(tested, full=1.0), table="t", seed=1)["groups"])
    assert [[line["method"] for line in lines] for lines in groups.values()] == [[OURS], list(BASELINES)]


def test_a_table_that_could_not_be_tested_has_a_verdict_and_no_methods():
    judged = verdict(None, runs=3)
    view = backtest_view(BacktestView(verdict=judged, tested=None, weights={"full": 1.0}, apart=[]), table="t", seed=1)
    assert view["methods"] == [] and view["kind"] == "warning"
    assert {each["kind"] for each in view["reasons"]} == {"too few runs", "untested"}


def test_hostile_names_of_a_track_record_are_shown_and_never_interpreted(whole, track_of, tmp_path):
    from forecast.report.page import write_page
    from forecast.report.sections import Report
    from tests.report.test_page import Page, section_of

    tested = track_of(whole, Split(by="model", at=tuple(name.strip() for name in RUNS)[-2:]))  # whose name holds theirs
    record = backtest_view(believed(tested), table=HOSTILE, seed=1)
    record["failed"] = {HOSTILE: HOSTILE}
    texts = {"title": "T", "question": "Q", "answer": "A"}
    write_page(tmp_path / "report.html", Report(**texts, sections=[section_of()], record=record))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags and "Back-test" in page.text and "alert('x')" in page.text
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_one_structure_needs_no_fits_to_weigh_it_and_a_forecast_that_is_there_needs_none(frame, jobs_of):
    assert [job.name for job in jobs_of(frame, MIDDLE, structures=("full",))] == [MIDDLE.name]
    assert jobs_of(frame, MIDDLE, structures=("full",), made={MIDDLE.name: xr.Dataset()}) == []


def test_a_forecast_that_is_there_is_scored_as_one_that_was_made(frame, track_of):
    kept = []

    def unneeded(job):
        pytest.fail("fitted")

    def work(job):
        kept.append(guesses(job))
        return kept[-1]

    fitted = track_of(frame, MIDDLE, structures=("full",), work=work)
    given = track_of(frame, MIDDLE, structures=("full",), made={MIDDLE.name: kept[0]}, work=unneeded)
    pd.testing.assert_frame_equal(given.scores, fitted.scores)


def test_a_fit_that_is_there_forecasts_as_a_job_of_the_same_draws_does(fitted, table):
    """Draws of the count are those of the seed, and the outcome is not looked at."""
    rows = read_table(table).query("compute >= @CUT")
    found = forecasts_of(fitted, rows, at=[0.5], sampling=replace(SAMPLING, draws=100))
    again = forecasts_of(fitted, rows.assign(score=0.5), at=[0.5], sampling=replace(SAMPLING, draws=100))
    assert found.sizes["structure"] == 1 and found.sizes["row"] == len(rows)
    xr.testing.assert_equal(found, again)
