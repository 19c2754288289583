"""OpenCompass: summaries with tasks in rows and models in columns."""

import pytest

from forecast.errors import ForecastError
from tests.table.importers.folders import SIZES, columns, imported, metric, of_all, write

HEADER = "dataset,version,metric,mode," + ",".join(SIZES)
SUMS = "sums,a1b2c3,accuracy,gen,1.00,2.50,10.00,40.00"
ITEMS = {"trials": of_all("--trials", 200)}


def summary(tmp_path, *rows, header=HEADER, name="summary/summary_1.csv"):
    return write(tmp_path / "out", {name: "\n".join([header, *rows]) + "\n"})


def test_rows_are_tasks_and_scores_are_percentages(tmp_path):
    frame, left_out = imported("opencompass", summary(tmp_path, SUMS), tmp_path, **ITEMS)
    assert columns(frame, "score", "trials", "metric")["brook-3b"] == [0.025, 200, "exact_match"] and not left_out


def test_a_dash_is_no_measurement_and_a_row_of_dashes_no_task(tmp_path):
    path = summary(tmp_path, "sums,a1,accuracy,gen,-,2.50,10.00,40.00", "--- maths ---,-,-,-,-,-,-,-")
    frame, left_out = imported("opencompass", path, tmp_path, **ITEMS)
    assert len(frame) == 3 and not left_out


def test_averages_are_left_out_unless_named(tmp_path):
    path = summary(tmp_path, SUMS, "all sums,-,naive_average,gen,1.00,3.00,12.00,42.00")
    frame, left_out = imported("opencompass", path, tmp_path, **ITEMS)
    assert set(frame["task"]) == {"sums"} and "all sums: naive_average" in left_out
    frame, _ = imported("opencompass", path, tmp_path, tasks=("all sums",), **ITEMS)
    assert frame["score"].max() == 0.42


def test_the_likeliest_of_given_answers_is_a_choice(tmp_path):
    path = summary(tmp_path, "quiz,a1,accuracy,ppl,25.00,27.00,40.00,60.00")
    with pytest.raises(ForecastError, match="chance of a guess"):
        imported("opencompass", path, tmp_path, **ITEMS)
    frame, _ = imported("opencompass", path, tmp_path, chance=of_all("--chance", 0.25), **ITEMS)
    assert set(frame["metric"]) == {"choice"}


def test_rates_need_items(tmp_path):
    with pytest.raises(ForecastError, match="--trials"):
        imported("opencompass", summary(tmp_path, SUMS), tmp_path)


def test_odd_metrics_and_scores_above_100_are_named(tmp_path):
    path = summary(tmp_path, SUMS, "prose,a1,rouge1,gen,20,21,22,23", "long,a1,accuracy,gen,120,1,x,3")
    frame, left_out = imported("opencompass", path, tmp_path, **ITEMS)
    assert "--metric prose=rouge1" in left_out["prose: rouge1"]
    assert "not a rate" in left_out["long: accuracy of brook-1b"] and "is x" in left_out["long: accuracy of brook-9b"]
    frame, _ = imported("opencompass", path, tmp_path, metric=metric(prose="rouge1"), **ITEMS)
    assert "prose" in set(frame["task"])


def test_the_csv_in_a_text_file_is_read_and_not_twice_beside_the_csv(tmp_path):
    text = "\n".join(
        ["20260101", "tabulate format", "^^^", "x", "$$$", "csv format", "^^^", HEADER, SUMS, "$$$", "end"]
    )
    path = write(tmp_path / "out", {"summary/summary_1.txt": text})
    assert len(imported("opencompass", path, tmp_path, **ITEMS)[0]) == 4
    summary(tmp_path, "sums,a1b2c3,accuracy,gen,1.00,2.50,10.00,50.00")
    frame, left_out = imported("opencompass", path, tmp_path, **ITEMS)
    assert frame["score"].max() == 0.5 and not left_out


def test_a_broken_summary_beside_good_ones_is_named_and_alone_an_error(tmp_path):
    path = summary(tmp_path, SUMS)
    write(path, {"summary_2.csv": "a,b\n1,2\n", "summary_3.txt": "nothing here"})
    frame, left_out = imported("opencompass", path, tmp_path, **ITEMS)
    assert len(frame) == 4 and [why[:11] for why in left_out.values()] == ["passed over"]
    with pytest.raises(ForecastError, match="needs dataset and metric"):
        imported("opencompass", path / "summary_2.csv", tmp_path, **ITEMS)
