"""Registration: what a frozen forecast holds, and what cannot be registered."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from forecast.posterior.fit import load
from forecast.posterior.predict import predict
from forecast.posterior.threshold import threshold_draws
from forecast.registry.words import threshold_in_words
from forecast.scales import COMPUTE
from forecast.scoring.baselines import baseline_forecasts
from forecast.table.dataset import frame_of, read_rows
from forecast.words import Reach
from tests.conftest import SEED, forecast_command, write_rows
from tests.registry.conftest import HEADER, NEW, known_rows, new_rows, row, stored


def test_a_registration_holds_the_question_the_draws_and_all_that_fixes_them(register, fit_path):
    path, done = register("--at", 0.5)
    held, fit = json.loads(path.read_text()), load(fit_path)
    assert done.code == 0, done.err
    assert held["sha256"] in done.out and held["registered"] in done.out
    assert [each["model"] for each in held["question"]["rows"]] == [*NEW, "z"]
    assert (
        held["question"]["rows"][0] | {"label": "maze", "metric": "exact_match", "trials": 200, "learned": False}
        == (held["question"]["rows"][0])
    )
    assert held["question"]["thresholds"] == [
        {"label": "maze", "task": "maze", "metric": "exact_match", "length": None, "k": None}
        | {"at": 0.5, "event": "typical", "families": 1}
    ]
    assert held["data"]["data_hash"] == fit.data.attrs["data_hash"]
    assert held["fit"]["sha256"] == hashlib.sha256(fit_path.read_bytes()).hexdigest()
    assert held["fit"]["diagnostics"]["reasons"] == [] and held["fit"]["refusals"] == {}
    assert held["fit"]["provenance"]["priors"] and held["versions"]["pymc"] and held["seed"] == SEED
    assert held["command"].startswith("forecast register ") and "--rows" in held["command"]


def test_quantiles_are_of_all_draws_and_the_sample_is_joint_over_rows_and_thresholds(register, fit_path, tmp_path):
    held, fit = json.loads(register("--at", 0.5)[0].read_text()), load(fit_path)
    draws = predict(fit, read_rows(tmp_path / "new.csv"), seed=SEED).values
    crossed = threshold_draws(fit, "maze", 0.5).values.ravel()
    chosen = np.linspace(0, len(draws) - 1, 400).round().astype(int)
    np.testing.assert_allclose(held["draws"]["rows"], draws[chosen], rtol=1e-6)
    np.testing.assert_allclose(np.array(held["draws"]["thresholds"][0], dtype=float), crossed[chosen], rtol=1e-6)
    for level, name in ((0.01, "q01"), (0.025, "q02.5"), (0.5, "q50"), (0.99, "q99")):
        found = [each[name] for each in held["forecast"]["rows"]]
        np.testing.assert_allclose(found, np.quantile(draws, level, axis=0, method="inverted_cdf"), rtol=1e-6)
    assert held["forecast"]["thresholds"][0]["p_never"] == np.mean(crossed == np.inf)


def test_baselines_are_frozen_with_as_many_draws(register, fit_path, tmp_path):
    held = json.loads(register()[0].read_text())
    expected = baseline_forecasts(frame_of(load(fit_path).data), read_rows(tmp_path / "new.csv"), SEED, draws=400)
    assert list(held["baselines"]) == list(expected)
    for name, draws in expected.items():
        np.testing.assert_allclose(held["baselines"][name], draws, rtol=1e-6)


def test_the_same_seed_freezes_the_same_forecast(register):
    asked = ({"name": "a.json"}, ()), ({"name": "b.json"}, ("--json",))
    first, again = (json.loads(register(*options, **name)[0].read_text()) for name, options in asked)
    assert first["draws"] == again["draws"] and first["sha256_of"]["draws"] == again["sha256_of"]["draws"]


def test_a_task_alone_is_registered_with_its_threshold_and_with_rows_it_chooses_among_them(
    register, fit_path, tmp_path
):
    alone = forecast_command("register", fit_path, "--task", "maze", "-o", tmp_path / "alone.json", "--json").json
    assert alone["question"]["rows"] == [] and alone["question"]["thresholds"][0]["at"] == 0.5
    assert "draws" not in alone
    chosen = register("--task", "web", "--json")[1].json["question"]
    assert [each["label"] for each in chosen["rows"]] == ["web"] and chosen["thresholds"] == []


def test_a_threshold_beyond_any_reach_of_the_runs_is_told_as_such(register):
    of = {"log10_compute": {"q05": 24.0, "q50": 72.0, "q95": "inf"}}
    scale = COMPUTE.within(Reach(low=12, high=30))
    assert threshold_in_words(of, scale) == "beyond 1e30 FLOP (90% 1.0e24 FLOP to never)"
    assert "typical run: " in register("--at", 0.5, rows=new_rows()[:3])[1].out


def test_rows_without_trials_are_of_the_usual_items(register):
    rows = [each | {"trials": ""} for each in new_rows()]
    assert [each["trials"] for each in register("--json", rows=rows)[1].json["question"]["rows"]] == [*[200] * 3, None]


def test_rows_of_runs_that_the_fit_has_seen_are_no_forecast(register):
    done = register("--json", rows=known_rows()[:1])[1]
    assert done.json["question"]["rows"][0]["learned"] and "has learned from m0" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "nowhere"], "'nowhere' is not a task of this fit"),
        (["--task", "maze", "--at", 80], "must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_registered_is_refused_and_nothing_is_written(register, options, said):
    path, done = register(*options)
    assert done.code == 1 and said in done.err and not path.exists()


def test_nothing_asked_and_rows_asked_twice_are_refused(register, fit_path, tmp_path):
    nothing = forecast_command("register", fit_path, "-o", tmp_path / "none.json")
    assert nothing.code == 1 and "--rows NEW.csv, or --task T" in nothing.err
    twice = register(rows=[*new_rows(), new_rows()[0]])[1]
    assert twice.code == 1 and "row 6, value 'x': this model is asked for on this task in an earlier row" in twice.err
    losses = register("--at", 0.5, rows=new_rows()[3:])[1]
    assert losses.code == 1 and "no row is of a rate" in losses.err


def test_a_registered_forecast_is_not_replaced(register):
    path, _ = register()
    before = path.read_bytes()
    again = register()[1]
    assert again.code == 1 and "is not replaced" in again.err and path.read_bytes() == before


def test_a_task_that_falls_has_no_threshold_to_register_and_its_rows_are_not_trusted(register, tmp_path, prior_fit):
    rows = [each | {"score": 0.9 - 0.13 * i} for i, each in enumerate(known_rows()[:6])]
    fit = stored(tmp_path, prior_fit, rows)
    refused = register("--at", 0.5, rows=new_rows()[:3], fit=fit)[1]
    assert refused.code == 1 and "scores of maze fall" in refused.err and "leave --at out" in refused.err
    path, done = register(rows=new_rows()[:3], fit=fit)
    assert done.code == 3 and "maze" in json.loads(path.read_text())["fit"]["refusals"]


def test_rows_may_name_other_lengths_than_the_fit(register):
    path, done = register(rows=[each | {"length": 7} for each in new_rows()[:2]])
    assert done.code == 0 and len(json.loads(path.read_text())["baselines"]["last value"][0]) == 2


def test_a_fit_in_years_is_registered_in_dates(register, tmp_path, prior_fit):
    known = [row(f"m{i}", 0.1 + 0.1 * i, date=f"{2018 + i}-03-01") for i in range(6)]
    fit = stored(tmp_path, prior_fit, known)
    path, done = register("--at", 0.8, rows=[row("x", date="2025-01-01")], fit=fit)
    held = json.loads(path.read_text())
    assert done.code == 0, done.err
    assert held["data"]["scale"] == "date" and held["data"]["farthest"] == "2023-03-01"
    assert held["question"]["rows"][0] | {"date": "2025-01-01", "compute": None} == held["question"]["rows"][0]
    assert set(held["forecast"]["thresholds"][0]) == {"date", "p_never"}
    assert all(each in ("inf", "-inf") or each[0] in "12ab" for each in held["draws"]["thresholds"][0])


def test_the_long_table_of_hubverse_has_its_quantiles_and_joint_samples(register, tmp_path):
    path, _ = register("--at", 0.5, "--hubverse", tmp_path / "hub.csv")
    held, table = json.loads(path.read_text()), pd.read_csv(tmp_path / "hub.csv")
    ids = ["model", "task", "metric", "length", "k", "at"]
    assert table.columns.tolist() == ["reference_date", "target", *ids, "output_type", "output_type_id", "value"]
    assert table["reference_date"].unique().tolist() == [held["registered"][:10]]
    quantiles, samples = (table[table["output_type"] == kind] for kind in ("quantile", "sample"))
    assert quantiles["output_type_id"].nunique() == 23 and len(quantiles) == 23 * 5
    assert quantiles["output_type_id"].isin([0.01, 0.025, 0.05, 0.975, 0.99]).sum() == 5 * 5
    rises = quantiles.groupby(["target", "model", "task"], dropna=False)["value"]
    assert all(own.is_monotonic_increasing for _, own in rises)
    first = samples[samples["output_type_id"] == 1]
    assert first["value"].tolist() == [*held["draws"]["rows"][0], float(held["draws"]["thresholds"][0][0])]
    assert first["target"].tolist() == [*["exact_match"] * 3, "loss", "threshold_log10_flop"]


def test_rows_of_another_scale_are_refused(register, tmp_path):
    write_rows(tmp_path / "new.csv", [], header=HEADER)
    done = register(rows=[row(f"d{i}", date=f"202{i}-01-01") for i in range(3)])[1]
    assert done.code == 1 and "the rows have no compute" in done.err
