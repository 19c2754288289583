"""Scores of registered forecasts: by the frozen numbers, beside the frozen baselines, with what speaks against them."""

import json

import numpy as np
import pandas as pd
import pytest

from forecast.cli.registry import print_registered
from forecast.registry.seal import sealed
from forecast.scales import COMPUTE
from forecast.scoring.crossing import crossing, ranked_probability_score
from forecast.scoring.joint import energy_score, variogram_score
from forecast.scoring.rows import count_log_score, crps, loss_log_score
from forecast.scoring.summary import OURS
from tests.conftest import forecast_command
from tests.registry.conftest import COMPUTES, new_rows, row, stored


def held(path):
    return json.loads(path.read_text())


def test_scores_are_those_of_the_frozen_draws_and_intervals_those_that_were_published(register, outcomes):
    path, _ = register()
    answer = forecast_command("score", path, outcomes(x=0.615, y=0.7, z=0.8, web=2.0), "--json").json
    draws, frozen = np.array(held(path)["draws"]["rows"]), held(path)["forecast"]["rows"]
    seen = np.array([0.615, 0.7, 0.8, 2.0])
    rows = answer["rows"]
    assert (answer["resolved"], answer["open"]) == (4, 0)
    np.testing.assert_allclose([each["outcome"] for each in rows], seen)
    np.testing.assert_allclose([each["crps"] for each in rows], crps(draws, seen))
    assert rows[0]["log_score"] == pytest.approx(count_log_score(draws[:, 0], successes=123, trials=200))
    assert rows[3]["log_score"] == pytest.approx(loss_log_score(draws[:, 3], loss_nats=2.0))
    for each, of, value in zip(rows, frozen, seen, strict=True):
        assert (each["q05"], each["q95"]) == (of["q05"], of["q95"])
        assert each["inside_80"] == (of["q10"] <= value <= of["q90"])
    first, *others = answer["methods"]
    assert first["method"] == OURS and first["crps"] == pytest.approx(crps(draws, seen).mean())
    assert first["coverage_90"] == np.mean([each["inside_90"] for each in rows])
    assert first["log_score"] is None  # counts and a loss
    for each in others:
        of = np.array(held(path)["baselines"][each["method"]])
        assert each["crps"] == pytest.approx(crps(of, seen).mean())
    joint = {each["method"]: each for each in answer["joint"]}
    assert joint[OURS]["energy_score"] == pytest.approx(energy_score(draws, seen))
    last = np.array(held(path)["baselines"]["last value"])
    assert joint["last value"]["variogram_score"] == pytest.approx(variogram_score(last, seen))


def test_rows_without_an_outcome_are_open_and_one_outcome_has_no_joint_score(register, outcomes):
    answer = forecast_command("score", register()[0], outcomes(y=0.5), "--json").json
    assert (answer["resolved"], answer["open"], answer["joint"]) == (1, 3, [])
    assert [each["outcome"] for each in answer["rows"]] == [None, 0.5, None, None]
    assert answer["methods"][0]["log_score"] is not None
    none = forecast_command("score", register(name="b.json")[0], outcomes(), "--json")
    assert none.code == 0 and none.json["methods"] == [] and none.json["open"] == 4


def test_outcomes_match_in_any_order_and_those_that_nobody_asked_for_are_named(register, outcomes):
    rows = [row("other", 0.3, compute="1e23"), *new_rows(x=0.1, z=0.9)[::-1]]
    done = forecast_command("score", register()[0], outcomes(rows), "--json")
    assert [each["outcome"] for each in done.json["rows"]] == [0.1, None, 0.9, None]
    assert done.json["unmatched"] == [{"row": 2, "model": "other", "task": "maze"}]
    assert "1 outcome that no forecast asks for: row 2 (other on maze)" in done.err


def test_outcomes_of_other_items_and_of_models_that_were_known_are_told(register, outcomes):
    rows = [each | {"trials": 50, "date": "2020-05-01"} for each in new_rows(x=0.5, y=0.6)[:2]]
    done = forecast_command("score", register()[0], outcomes(rows))
    assert done.code == 0
    assert "the forecast is of 200 items, the outcome of 50: x on maze and 1 more" in done.err
    assert (
        "released before the forecast was registered" in done.err and "x, y; the scores may have been known" in done.err
    )
    later = [each | {"date": "2199-05-01"} for each in new_rows(x=0.5)[:1]]
    assert forecast_command("score", register(name="b.json")[0], outcomes(later)).err == ""


def test_the_date_of_release_is_that_of_the_question_where_the_outcome_has_none(register, outcomes):
    path, _ = register(rows=[each | {"date": "2020-05-01"} for each in new_rows()])
    assert "known" in forecast_command("score", path, outcomes(x=0.5)).err


def test_a_count_and_blank_trials_are_understood(register, outcomes):
    rows = [row("x", successes=30, trials="", compute="1e23"), row("y", 0.5, trials="", compute="3e23")]
    rows[0] |= {"trials": 60}
    answer = forecast_command("score", register()[0], outcomes(rows), "--json").json
    assert [each["outcome"] for each in answer["rows"][:2]] == [0.5, 0.5]


def test_scores_that_cannot_be_any_and_outcomes_that_are_two_are_refused(register, outcomes):
    path, _ = register()
    done = forecast_command("score", path, outcomes(x=61.5))
    assert done.code == 1 and "row 2, column 'score', value '61.5'" in done.err
    done = forecast_command("score", path, outcomes([*new_rows(x=0.5), *new_rows(x=0.6)]))
    assert done.code == 1 and "row 6, value 'x on maze': row 2 is an outcome of the same row" in done.err


def test_the_answer_is_written_but_never_over_what_it_is_of(register, outcomes, tmp_path):
    path, _ = register()
    done = forecast_command("score", path, outcomes(x=0.5), "-o", tmp_path / "scored.json")
    assert done.code == 0 and held(tmp_path / "scored.json")["resolved"] == 1
    assert forecast_command("score", path, outcomes(x=0.5), "-o", path).code == 1 and "draws" in held(path)


def test_infinite_draws_have_infinite_quantiles_and_scores_and_are_printed(register, outcomes, tmp_path, capsys):
    document = {name: part for name, part in held(register()[0]).items() if not name.startswith("sha256")}
    document["draws"]["rows"][0][3] = "inf"
    document["forecast"]["rows"][3]["q95"] = "inf"
    print_registered(document | {"sha256": "0"}, tmp_path / "far.json", None, COMPUTE)
    assert " to inf" in capsys.readouterr().out
    (tmp_path / "far.json").write_text(json.dumps(sealed(document)))
    scores = outcomes(x=0.5, web=2.0)
    assert " to inf" in forecast_command("score", tmp_path / "far.json", scores).out
    answer = forecast_command("score", tmp_path / "far.json", scores, "--json").json
    assert answer["rows"][3]["crps"] == answer["joint"][0]["energy_score"] == answer["methods"][0]["crps"] == "inf"


# Thresholds


@pytest.mark.parametrize(("new", "low", "high"), [({"x": 0.9}, 3e22, 1e23), ({"x": 0.56, "y": 0.57}, 3e23, np.inf)])
def test_a_threshold_is_scored_on_the_rungs_that_were_seen_and_those_of_the_outcomes(
    register, outcomes, new, low, high
):
    path, _ = register("--at", 0.8)
    done = forecast_command("score", path, outcomes(**new), "--json")
    (found,) = done.json["thresholds"]
    rungs = np.log10([*COMPUTES, *([1e23, 3e23][: len(new)])])
    truth = crossing(rungs, np.array([*(0.05 + 0.1 * i for i in range(6)), *new.values()]), 0.8)
    draws = np.array(held(path)["draws"]["thresholds"][0], dtype=float)
    assert found["rps"] == pytest.approx(ranked_probability_score(draws, truth), abs=1e-6)
    assert float(found["low"]) == pytest.approx(np.log10(low)) and float(found["high"]) == pytest.approx(np.log10(high))
    assert found["outcomes"] == len(new) and done.json["resolved"] == len(new) + 1
    told = forecast_command("score", path, outcomes(**new)).out
    assert ("between 3.0e22 FLOP and 1.0e23 FLOP" if high < np.inf else "not reached up to 3.0e23 FLOP") in told


def test_a_threshold_without_outcomes_of_new_runs_is_open(register, outcomes):
    path, _ = register("--at", 0.8)
    done = forecast_command("score", path, outcomes([row("m5", 0.9, compute="3e22")]))
    assert "maze at 0.8: open" in done.out


def test_a_threshold_of_a_loss_is_crossed_from_above(fit_path, outcomes, tmp_path):
    path = tmp_path / "loss.json"
    assert forecast_command("register", fit_path, "--task", "web", "--at", 1.9, "-o", path).code == 0
    (found,) = forecast_command("score", path, outcomes(web=1.5), "--json").json["thresholds"]
    assert (found["low"], found["high"]) == (pytest.approx(np.log10(3e22)), pytest.approx(24.0))


def test_dates_are_scored_as_dates(register, outcomes, tmp_path, prior_fit):
    known = [row(f"m{i}", 0.1 + 0.1 * i, date=f"{2018 + i}-03-01") for i in range(6)]
    path, _ = register("--at", 0.8, rows=[row("x", date="2030-01-01")], fit=stored(tmp_path, prior_fit, known))
    answer = forecast_command("score", path, outcomes([row("x", 0.9, date="2030-01-01")]), "--json").json
    assert [answer["thresholds"][0][name] for name in ("low", "high")] == ["2023-03-01", "2030-01-01"]
    assert 0 <= answer["thresholds"][0]["rps"] <= 1 and answer["rows"][0]["crps"] > 0


def test_horizons_are_scored_in_decades_of_minutes(register, outcomes, tmp_path, prior_fit):
    known = [row(f"m{i}", 2.0**i, task="agent", metric="horizon", compute=f"{x:g}") for i, x in enumerate(COMPUTES)]
    new = [row(model, task="agent", metric="horizon", compute=x) for model, x in (("x", "1e23"), ("y", "3e23"))]
    path, done = register("--task", "agent", "--at", "8h", rows=new, fit=stored(tmp_path, prior_fit, known))
    assert done.code == 0, done.err
    scored = [each | {"score": value} for each, value in zip(new, (70, 150), strict=True)]
    answer = forecast_command("score", path, outcomes(scored), "--json").json
    draws = np.log10(np.array(held(path)["draws"]["rows"], dtype=float))
    expected = crps(draws, np.log10([70, 150]))
    np.testing.assert_allclose([float(each["crps"]) for each in answer["rows"]], expected)
    assert answer["thresholds"][0]["at"] == 480


def test_the_long_table_scores_like_the_forecast(register, tmp_path):
    path, _ = register("--hubverse", tmp_path / "hub.csv")
    table = pd.read_csv(tmp_path / "hub.csv")
    samples = table[table["output_type"] == "sample"].pivot(
        index="output_type_id", columns=["model", "task"], values="value"
    )
    draws = np.array(held(path)["draws"]["rows"])
    seen = np.array([0.1, 0.2, 0.3, 2.0])
    order = [("x", "maze"), ("y", "maze"), ("z", "maze"), ("z", "web")]
    assert energy_score(samples[order].to_numpy(), seen) == pytest.approx(energy_score(draws, seen))
