"""A forecast that was made of small runs, registered, scored by the large one, and then tampered with."""

import json

import numpy as np
import pytest

from forecast.scoring.summary import OURS
from tests.conftest import CUT, SEED, forecast_command, simulated_rows, write_rows

pytestmark = pytest.mark.mcmc


def test_a_forecast_of_a_hidden_run_is_held_to_what_was_registered(tmp_path):
    rows = simulated_rows()
    small, large = ([row for row in rows if (float(row["compute"]) < CUT) == below] for below in (True, False))
    hidden = [{name: value for name, value in row.items() if name != "successes"} for row in large]
    header = tuple(dict.fromkeys(name for row in rows for name in row))
    table = write_rows(tmp_path / "table.csv", small, header=header)
    new = write_rows(tmp_path / "new.csv", hidden, header=header)
    outcomes = write_rows(tmp_path / "outcomes.csv", large, header=header)
    fit, path = tmp_path / "fit.nc", tmp_path / "forecast.json"
    assert forecast_command("fit", table, "-o", fit, "--seed", SEED).code in (0, 3)

    words = ("register", fit, "--rows", new, "--at", 0.5, "-o", path, "--json")
    registered = forecast_command(*words).json
    answer = forecast_command("score", path, outcomes, "--sha256", registered["sha256"], "--json").json
    assert answer["resolved"] == 2 * len(large) and answer["open"] == 0
    methods = {each["method"]: each for each in answer["methods"]}
    assert methods[OURS]["crps"] < methods["last value"]["crps"]
    assert methods[OURS]["coverage_90"] >= 0.5
    assert all(0 <= each["rps"] <= 1 for each in answer["thresholds"])
    assert {each["method"] for each in answer["joint"]} == set(methods)

    held = json.loads(path.read_text())
    held["draws"]["rows"] = np.full((400, len(large)), 0.5).tolist()
    path.write_text(json.dumps(held))
    for words in (("score", path, outcomes), ("record", tmp_path)):
        done = forecast_command(*words)
        assert done.code == 1 and "altered since it was registered: draws does not match" in done.err
