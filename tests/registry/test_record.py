"""Records of a folder: every registered forecast with its outcomes, totals and calibration."""

import pytest

from forecast.registry.words import question_in_words
from tests.conftest import forecast_command
from tests.registry.conftest import new_rows, row


@pytest.fixture
def folder(register, outcomes):
    """Three forecasts: of rows, of rows and a threshold with outcomes of its own, and one without any outcome yet."""
    paths = [register(name="a.json")[0], register("--at", 0.8, name="b.json", rows=new_rows()[:1])[0]]
    outcomes(x=0.6, y=0.7)
    outcomes(name="b.outcomes.csv", x=0.9)
    register("--task", "web", name="c.json", rows=new_rows())
    return paths[0].parent


def test_a_record_has_a_line_a_forecast_and_the_totals_of_all_outcomes(folder):
    forecast_command("score", folder / "a.json", folder / "outcomes.csv", "-o", folder / "a.scored.json")
    answer = forecast_command("record", folder, "--json").json
    lines = {each["file"]: each for each in answer["forecasts"]}
    assert list(lines) == ["a.json", "b.json", "c.json"]
    assert [(each["resolved"], each["open"]) for each in lines.values()] == [(2, 2), (2, 0), (0, 1)]
    assert lines["b.json"]["outcomes"] == "b.outcomes.csv" and lines["a.json"]["outcomes"] == "outcomes.csv"
    total = answer["totals"]
    assert (total["forecasts"], total["resolved"], total["open"]) == (3, 4, 3)
    assert total["crps"] == pytest.approx((2 * lines["a.json"]["crps"] + lines["b.json"]["crps"]) / 3)
    assert total["rps"] == lines["b.json"]["rps"] is not None
    assert total["best_baseline_crps"] == min(each["crps"] for each in answer["methods"][1:] if each["n"] == 3)
    assert total["coverage_90"]["low"] <= total["coverage_90"]["share"] <= total["coverage_90"]["high"]
    assert answer["reliability"][0]["nominal"] == 0.1


def test_a_record_is_printed_and_its_calibration_drawn(folder):
    done = forecast_command("record", folder, "-o", folder / "calibration.svg")
    assert done.code == 0 and "b.json" in done.out and "2 of 4" in done.out and "4 of 7" in done.out
    picture = (folder / "calibration.svg").read_text()
    assert "2 registered forecasts, 3 outcomes" in picture and "nominal coverage" in picture and "PIT" in picture


def test_outcomes_of_a_shared_file_are_named_only_where_no_forecast_asks_for_them(folder, outcomes):
    assert "no forecast asks for" not in forecast_command("record", folder).err
    outcomes([*new_rows(x=0.5), row("nobody's", 0.4, compute="1e23")])
    assert "outcomes.csv: 1 outcome that no forecast asks for: row 6" in forecast_command("record", folder).err


def test_all_altered_files_of_a_folder_are_named_at_once(folder):
    for name in ("a.json", "c.json"):
        path = folder / name
        path.write_text(path.read_text().replace('"seed": 1', '"seed": 11'))
    done = forecast_command("record", folder)
    assert done.code == 1 and done.err.count("altered since it was registered: seed") == 2


def test_a_record_without_outcomes_has_nothing_to_draw_and_one_without_forecasts_nothing_to_say(register, tmp_path):
    folder = register()[0].parent
    assert forecast_command("record", folder).code == 0
    done = forecast_command("record", folder, "-o", folder / "c.svg")
    assert done.code == 1 and "no outcome to draw" in done.err
    (tmp_path / "empty").mkdir()
    assert "no registered forecast" in forecast_command("record", tmp_path / "empty").err
    assert "no such folder" in forecast_command("record", tmp_path / "nowhere").err


def test_questions_are_named_in_a_line():
    rows = [{"label": task, "model": model} for task, model in (("a", "x"), ("b", "x"), ("b", "y"))]
    thresholds = [{"label": "a", "at": 0.5, "metric": "exact_match"}, {"label": "b", "at": 480, "metric": "horizon"}]
    assert question_in_words({"rows": rows, "thresholds": thresholds}) == "2 tasks, 2 models; a at 0.5; b at 8 h"
    assert question_in_words({"rows": rows[1:2], "thresholds": []}) == "b, x"
