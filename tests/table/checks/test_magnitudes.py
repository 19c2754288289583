"""Magnitudes: sizes in another unit are refused with the number in the right one; small runs that agree are not."""

import pytest

from forecast.errors import TableError
from forecast.table.dataset import read_table
from forecast.table.importers.models_table import read_facts
from forecast.table.training_runs import read_runs

IN_OTHER_UNITS = [  # columns, what the error says
    ({"compute": "", "params": ["1.1", "3", "12"], "tokens": "2e11"}, "looks like billions; write 1.1e9, 3e9, 1.2e10"),
    ({"compute": "", "params": ["125", "355", "6700"], "tokens": "2e11"}, "millions; write 1.25e8, 3.55e8, 6.7e9"),
    ({"compute": "", "params": ["3000", "9000", "40000"], "tokens": "2e12"}, "millions; write 3e9, 9e9, 4e10"),
    ({"compute": "", "params": ["70", "405", "671"], "tokens": "2e12"}, "multiply by 1e6 if millions or by 1e9"),
    ({"compute": "", "params": "3e9", "tokens": ["0.6", "2", "15"]}, "trillions or billions; multiply by 1e12"),
    ({"compute": "", "params": "3e9", "tokens": ["100", "300", "2000"]}, "billions; write 1e11, 3e11, 2e12"),
    ({"compute": "", "params": "3e9", "tokens": ["200000", "300000", "900000"]}, "millions; write 2e11, 3e11, 9e11"),
    ({"compute": ["20.5", "21", "22.25"]}, "looks like log10 FLOP; write 3.16e20, 1e21, 1.78e22"),
    ({"compute": ["5000", "310", "41"]}, "multiply by 8.64e19 if petaFLOP/s-days"),
    ({"compute": ["2.5e8", "3e7", "1e6"]}, "looks like petaFLOP"),
    (
        {"compute": ["0.6", "9", "120"], "params": ["1e9", "3e9", "1e10"], "tokens": ["1e11", "5e11", "2e12"]},
        "looks like units of 1e21 FLOP; write 6e20, 9e21, 1.2e23",
    ),
    ({"compute": ["3e33", "4e33", "5e33"]}, "too large for a training compute"),
    ({"compute": "", "params": ["7e18", "8e18", "9e18"], "tokens": "1e12"}, "too large for a number of parameters"),
    ({"compute": "", "params": "7e9", "tokens": ["1e18", "2e18", "3e18"]}, "too large for a number of training tokens"),
    (
        {"compute": ["6e17", "6e18", "3e19"], "params": ["1e9", "2e9", "5e9"], "tokens": ["1e11", "5e11", "1e12"]},
        "is 0.001 times 6 N D",
    ),
    (
        {"compute": ["1e21", "2e21", "3e21"], "compute_sd": ["10", "3.5", "1e20"]},
        "write 1 if compute is known to a factor",
    ),
    ({"compute": ["1e21", "2e21", "3e21"], "date": ["1970-01-01", "2021-01-01", "2022-01-01"]}, "lies before 1990"),
    ({"compute": ["1e21", "2e21", "3e21"], "trials": "5000000000"}, "more than any test has items"),
    ({"compute": ["1e21", "2e21", "3e21"], "trials": "1"}, "one item, of which no share can be right"),
]


@pytest.mark.parametrize(("cells", "words"), IN_OTHER_UNITS, ids=[words for _, words in IN_OTHER_UNITS])
def test_a_size_in_another_unit_is_refused_with_what_to_write(refused, cells, words):
    assert words in refused(**cells)


def test_params_and_tokens_that_are_both_in_another_unit_are_named_at_once(refused):
    error = refused(compute="", params=["6000", "13000", "50000"], tokens=["300", "900", "2000"])
    assert "column 'params'" in error and "column 'tokens'" in error


MEANT = [
    {"compute": ["3e8", "6e9", "2e11"], "params": ["1000", "9000", "60000"], "tokens": ["50000", "1e5", "6e5"]},
    {"compute": "", "params": ["1.2e4", "5e4", "2e5"], "tokens": ["3e5", "1e6", "4e6"]},
    {"compute": ["3e17", "6e18", "2e24"], "params": "", "tokens": ""},
    {"compute": "", "params": ["6e8", "4e9", "1e12"], "tokens": ["3.6e13", "1e12", "2e13"]},
    {"compute": ["7e5", "2e10", "5e17"], "date": ["1957-01-01", "1989-11-27", "2012-09-30"]},
]


@pytest.mark.parametrize("cells", MEANT)
def test_small_and_large_runs_that_can_be_meant_pass(columns, cells):
    assert len(read_table(columns(**cells))) == 3


def test_toys_without_a_compute_that_agrees_are_said(said):
    (sentence,) = said(compute="", params=["1.2e4", "5e4", "2e6"], tokens=["3e5", "1.5e6", "4e7"])[:1]
    assert "m0, m1" in sentence and "parameters" in sentence


def test_a_mixture_of_experts_is_asked_for_its_active_params_and_has_its_compute_from_them(said, columns):
    sizes = {"params": ["1e9", "4e9", "1e12"], "tokens": ["1e12", "1e12", "1.5e13"]}
    (sentence,) = said(compute=["6e21", "2.4e22", "2e24"], **sizes)
    assert "The compute of 1 model (m2)" in sentence and "active_params (2.2e10 for 'm2')" in sentence
    frame = read_table(columns(compute="", active_params=["", "", "2e10"], **sizes))
    assert frame["compute"].tolist() == [6e21, 2.4e22, 1.8e24]
    assert frame["params"].tolist() == [1e9, 4e9, 1e12]


def test_a_compute_that_is_far_off_its_sizes_is_said(said):
    (sentence,) = said(compute=["6e21", "2.4e22", "9e25"], params=["1e9", "4e9", "5e9"], tokens="1e12")
    assert "m2" in sentence and "3000 times 6 N D" in sentence and "Correct compute" in sentence


@pytest.mark.parametrize(
    "text", ["model,params,tokens\na,7,15\n", "model,compute\na,24.1\n", "model,date,compute\na,1970-01-01,1e21\n"]
)
def test_a_table_of_models_is_refused_in_its_own_file_with_its_own_rows(tmp_path, text):
    path = tmp_path / "models.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=r"models\.csv: .*\n  row 2, column"):
        read_facts(path).check(["a"])


def test_a_table_of_runs_in_log10_is_refused_and_early_runs_are_not(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model,date,compute\na,1957-01-01,4e5\nb,2021-05-01,2e23\n")
    assert len(read_runs(path)) == 2
    path.write_text("model,date,compute\na,2020-01-01,23.5\nb,2021-05-01,24.1\n")
    with pytest.raises(TableError, match="log10 compute"):
        read_runs(path)


@pytest.mark.parametrize("name", ["hive-8x7B", "hive-30B-A3B", "Hive MoE 30B"])
def test_a_mixture_of_experts_by_name_is_asked_for_its_active_params(said, name):
    sizes = {"compute": "", "params": ["1e9", "4e9", "4e10"], "tokens": "1e12"}
    assert any(f"By name {name} is a mixture" in each for each in said(model=["m0", "m1", name], **sizes))
    assert not any("mixture" in each for each in said(model=["m0", "m1", name], **sizes | {"active_params": "1e9"}))
    assert not any("mixture" in each for each in said(model=["m0", "mamoeba-7b", "grid-8x8"], **sizes))
