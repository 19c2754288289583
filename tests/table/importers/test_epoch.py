"""Epoch AI: a file for each benchmark, with dates, compute and how sure it is."""

import math

import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import columns, imported, metric, of_all, write

HEADER = "Model version,mean_score,Release date,Organization,Training compute (FLOP),stderr,Confidence\n"


def error_of(score, items):
    return math.sqrt(score * (1 - score) / (items - 1))


def rows(*scores, items=120, confidence="Likely"):
    return "".join(
        f"brook-{i},{score},2024-0{i + 1}-01,Acme,1e{21 + i},{error_of(score, items) or ''},{confidence}\n"
        for i, score in enumerate(scores)
    )


def test_a_benchmark_file_needs_nothing_else(tmp_path):
    path = write(tmp_path / "epoch", {"tides.csv": HEADER + rows(0.1, 0.3, 0.6)})
    frame, left_out = imported("epoch", path, tmp_path, models=False)
    found = columns(frame, "task", "score", "trials", "compute")["brook-1"]
    assert found == ["tides", 0.3, 120, 1e22] and not left_out
    assert str(frame["date"].iloc[0])[:10] == "2024-01-01"


@pytest.mark.parametrize(("confidence", "factor"), [("Confident", 3), ("likely", 10), ("Speculative", 30)])
def test_confidence_is_the_spread_of_compute(tmp_path, confidence, factor):
    path = write(tmp_path / "epoch", {"tides.csv": HEADER + rows(0.1, 0.3, 0.6, confidence=confidence)})
    frame, _ = imported("epoch", path, tmp_path, models=False)
    assert frame["compute_sd"].iloc[0] == pytest.approx(math.log10(factor) / 1.645, abs=1e-3)


def test_a_score_of_zero_has_the_items_of_the_others(tmp_path):
    path = write(tmp_path / "epoch", {"tides.csv": HEADER + rows(0.0, 0.3, 0.6)})
    assert set(imported("epoch", path, tmp_path, models=False)[0]["trials"]) == {120}


def test_models_without_compute_are_placed_by_date_where_no_model_has_it(tmp_path):
    text = "Model version,Score,Release date\n" + "".join(f"b{i},0.{i + 1},202{i}-03-01\n" for i in range(4))
    path = write(tmp_path / "epoch", {"tides.csv": text})
    frame, _ = imported("epoch", path, tmp_path, models=False, trials=of_all("--trials", 90))
    assert len(frame) == 4


def test_one_file_may_hold_many_benchmarks_and_say_items_and_chance(tmp_path):
    text = "model,benchmark,score,trials,chance,compute\n" + "".join(
        f"b{i},{task},0.{i + 3},{n},{chance},1e2{i}\n"
        for i in range(3)
        for task, n, chance in (("tides", 50, ""), ("reefs", 60, 0.25))
    )
    frame, _ = imported("epoch", write(tmp_path / "epoch", {"hub.csv": text}), tmp_path, models=False)
    found = frame.groupby("task")[["metric", "trials"]].first().T.to_dict("list")
    assert found == {"reefs": ["choice", 60], "tides": ["exact_match", 50]}


def test_percentages_are_seen_by_name_or_by_size(tmp_path):
    for name, scores in (("Percent correct", (10, 30, 60)), ("% Resolved", (0.1, 0.3, 0.6))):
        lines = "".join(f"b{i},{score},1e2{i}\n" for i, score in enumerate(scores))
        path = write(tmp_path / "epoch", {"tides.csv": f"Model version,{name},Training compute (FLOP)\n{lines}"})
        frame, _ = imported("epoch", path, tmp_path, models=False, trials=of_all("--trials", 2000))
        assert frame["score"].max() == pytest.approx(max(scores) / 100)


def test_a_percentage_among_rates_is_named_and_does_not_divide_the_others(tmp_path):
    text = "Model version,Score,compute\n" + "".join(f"b{i},{s},1e2{i}\n" for i, s in enumerate((0.1, 0.2, 0.3, 47)))
    path = write(tmp_path / "epoch", {"tides.csv": text})
    frame, left_out = imported("epoch", path, tmp_path, models=False, trials=of_all("--trials", 90))
    assert frame["score"].max() == 0.3 and "not a rate" in left_out["tides: score of b3"]


def test_another_column_of_scores_is_taken_where_it_is_named(tmp_path):
    text = "Model version,Unguessed,Training compute (FLOP)\nb0,0.1,1e20\nb1,0.2,1e21\nb2,0.4,1e22\n"
    path, items = write(tmp_path / "epoch", {"tides.csv": text}), of_all("--trials", 90)
    with pytest.raises(ForecastError, match="--metric"):
        imported("epoch", path / "tides.csv", tmp_path, models=False, trials=items)
    frame, _ = imported("epoch", path, tmp_path, models=False, trials=items, metric=metric(tides="Unguessed"))
    assert frame["score"].max() == 0.4


def test_a_broken_file_beside_good_ones_is_named_and_cells_that_are_no_scores_too(tmp_path):
    files = {"tides.csv": HEADER + rows(0.1, 0.3, 0.6) + "b9,high,2024-09-01,Acme,1e25,,\n", "notes.csv": "a,b\n1,2\n"}
    path = write(tmp_path / "epoch", files)
    frame, left_out = imported("epoch", path, tmp_path, models=False)
    assert len(frame) == 3 and len(left_out) == 2
    assert any("is high, not a rate" in why for why in left_out.values())
