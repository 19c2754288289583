"""Predictions on the terminal, beside scores where these are known."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from forecast.draws import Diagnostics
from forecast.posterior.fit import save
from forecast.table.dataset import read_table
from tests.conftest import forecast_command, write_rows

HEADER = ("model", "task", "metric", "score", "successes", "trials", "k", "compute")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())


def row(model, score="", *, task="maze", metric="exact_match", compute="3e23", trials=200, **cells):
    return {
        "model": model,
        "task": task,
        "metric": metric,
        "score": score,
        "compute": compute,
        "trials": trials,
    } | cells


@pytest.fixture(scope="module")
def path(tmp_path_factory, prior_fit):
    folder = tmp_path_factory.mktemp("predict")
    rows = [row(f"m{i}", 0.05 + 0.15 * i, compute=f"{10 ** (20 + 0.5 * i):.4g}") for i in range(6)]
    rows += [
        row(f"m{i}", 3.0 - 0.2 * i, task="web", metric="loss", compute=f"{10 ** (20 + 0.5 * i):.4g}", trials="")
        for i in range(6)
    ]
    frame = read_table(write_rows(folder / "table.csv", rows, header=HEADER))
    save(replace(prior_fit(frame, draws=200), diagnostics=SOUND), folder / "fit.nc")
    return folder / "fit.nc"


def predicted(path, folder, rows, *options):
    new = write_rows(folder / "new.csv", rows, header=HEADER)
    return forecast_command("predict", path, "--rows", new, *options)


def test_rows_without_scores_have_a_median_and_an_interval_and_nothing_to_be_compared_with(path, tmp_path):
    done = predicted(path, tmp_path, [row("a"), row("b", compute="3e24")])
    assert done.code == 0 and "90% interval" in done.out and " a " in done.out and " b " in done.out
    assert "CRPS" not in done.out and not list(tmp_path.glob("*.nc"))
    answer = predicted(path, tmp_path, [row("a")], "--json").json["rows"]
    assert "score" not in answer[0]


def test_rows_with_scores_are_called_inside_or_outside_with_their_crps(path, tmp_path):
    rows = [row("a", 0.6), row("b"), row("c", successes=150), row("d", 0.0, compute="1e30", trials=10)]
    rows[3]["score"] = "0.4"
    done = predicted(path, tmp_path, rows, "-o", tmp_path / "out.csv")
    assert done.code == 0 and "inside" in done.out and "CRPS" in done.out
    last = done.out.strip().splitlines()[-1]
    written = pd.read_csv(tmp_path / "out.csv")
    inside = written["inside"].dropna().astype(bool)
    assert last == f"{inside.sum()} of 3 inside the 90% interval, mean CRPS {written['crps'].mean():.3g}"
    assert written["score"].tolist()[2] == 0.75 and written["score"].isna().tolist() == [False, True, False, False]
    answer = predicted(path, tmp_path, rows, "--json").json["rows"]
    assert [each["score"] for each in answer] == [0.6, None, 0.75, 0.4]
    assert answer[1]["inside"] is None and answer[1]["crps"] is None and isinstance(answer[0]["inside"], bool)


def test_losses_and_rates_are_not_averaged_with_each_other(path, tmp_path):
    rows = [row("a", 0.6), row("a", 2.1, task="web", metric="loss", trials="")]
    said = predicted(path, tmp_path, rows).out.strip().splitlines()[-1]
    assert "of 2 inside the 90% interval, mean CRPS " in said and " and " in said and said.endswith(" nats")


def test_scores_of_runs_that_were_learned_from_are_no_test(path, tmp_path):
    said = predicted(path, tmp_path, [row("m3", 0.5, compute=f"{10**21.5:.4g}"), row("new", 0.5)]).out
    assert said.strip().endswith("(1 of runs that the fit has learned from)")


@pytest.mark.parametrize("score", ["62", "-0.1", "high"])
def test_what_cannot_be_a_score_is_named_and_left_out(path, tmp_path, score):
    done = predicted(path, tmp_path, [row("a", score), row("b", 0.5)])
    assert done.code == 0 and "of 1 inside the 90% interval" in done.out
    assert f"warning: row 2, column 'score', value '{score}': cannot be a score" in done.err
    assert "leave it blank" in done.err


def test_a_long_table_is_cut_on_the_terminal_and_whole_in_the_file(path, tmp_path):
    rows = [row(f"r{i:02d}", compute=f"{1 + i}e22") for i in range(45)]
    done = predicted(path, tmp_path, rows, "-o", tmp_path / "out.csv")
    assert "r29" in done.out and "r30" not in done.out and f"... and 15 more in {tmp_path / 'out.csv'}" in done.out
    assert len(pd.read_csv(tmp_path / "out.csv")) == 45
    assert "... and 15 more: -o OUT.csv writes all" in predicted(path, tmp_path, rows).out
    assert len(json.loads(predicted(path, tmp_path, rows, "--json").out)["rows"]) == 45
