"""Quantities with units, in headers and in cells."""

import doctest
import math

import pytest

from forecast.table.reading import quantities
from forecast.table.reading.quantities import Unit, header_parts, quantity, short

HEADERS = [  # header, what is left of it, factor
    ("#Params (B)", "params", 1e9),
    ("Params (billions)", "params", 1e9),
    ("params_b", "params", 1e9),
    ("params in millions", "params", 1e6),
    ("Model size [M]", "modelsize", 1e6),
    ("N (1e6)", "n", 1e6),
    ("Corpus size (T)", "corpussize", 1e12),
    ("tokens_T", "tokens", 1e12),
    ("trainTokens", "traintokens", 1),
    ("FLOPs (1E21)", "", 1e21),
    ("compute (×10²¹ FLOP)", "compute", 1e21),
    ("compute_1e22", "compute", 1e22),
    ("Training compute (petaFLOP)", "trainingcompute", 1e15),
    ("Training compute (FLOP)", "trainingcompute", 1),
    ("compute [ZFLOPs]", "compute", 1e21),
    ("cost in PF-days", "cost", 8.64e19),
    ("petaflop/s-days", "", 8.64e19),
    ("exaFLOPs", "", 1e18),
]
CELLS = [  # cell, number
    ("7B", 7e9),
    ("70b", 7e10),
    ("410M", 4.1e8),
    ("1.4T", 1.4e12),
    ("7 billion", 7e9),
    ("2 trillion tokens", 2e12),
    ("~13B", 1.3e10),
    ("7e9 params", 7e9),
    ("1,234,567", 1234567),
    ("1 234 567", 1234567),
    ("1\u202f234\u202f567", 1234567),
    ("1'234'567", 1234567),
    ("1.234.567", 1234567),
    ("1.2e+25", 1.2e25),
    ("3.1E23 FLOP", 3.1e23),
    ("2.3 petaFLOP", 2.3e15),
    ("1.5 PF-days", 1.296e20),
    ("6 ZFLOPs", 6e21),
    ("1.2 x 10^21", 1.2e21),
    ("3×10²³", 3e23),
    ("10^22 FLOP", 1e22),
]


@pytest.mark.parametrize(("header", "rest", "factor"), HEADERS)
def test_a_unit_in_a_header_is_understood(header, rest, factor):
    found, unit = header_parts(header)
    assert found == rest and unit.factor == pytest.approx(factor, rel=1e-12) and not unit.log10


@pytest.mark.parametrize("header", ["GSM8K", "MMLU", "BBH", "Model", "T", "profiles", "B", "1e-3 error"])
def test_a_header_without_a_unit_has_none(header):
    assert header_parts(header)[1] == Unit()


@pytest.mark.parametrize("header", ["log10 FLOP", "log10_compute", "log 10 (C)", "lg compute", "log_10 FLOPs"])
def test_a_logarithm_is_taken_back_where_its_base_is_said(header):
    unit = header_parts(header)[1]
    assert unit.log10 and quantity("21.5", unit) == pytest.approx(10**21.5)
    assert not header_parts("log compute")[1].log10


@pytest.mark.parametrize(("cell", "number"), CELLS)
def test_a_number_with_a_unit_is_understood(cell, number):
    assert quantity(cell) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("cell", ["", "big", "8x7B", "7B-A3B", "7,5", "12,34", "7BB", "1/2", "7 GPUs", "1,23,456", "-"])
def test_what_is_no_quantity_is_none(cell):
    assert quantity(cell) is None


def test_the_unit_of_a_cell_outweighs_that_of_its_header():
    billions = header_parts("Params (B)")[1]
    assert quantity("7", billions) == 7e9 and quantity("410M", billions) == 4.1e8
    assert quantity("3e23 FLOP", header_parts("FLOPs (1E21)")[1]) == 3e23


def test_a_product_has_no_dust_of_binary_fractions():
    assert quantity("2.1T") == 2.1e12 and quantity("4.1", Unit(factor=1e9)) == 4.1e9


@pytest.mark.parametrize(("value", "text"), [(7e9, "7e9"), (0.5, "0.5"), (410, "410"), (8.64e19, "8.64e19")])
def test_numbers_are_written_as_people_type_them(value, text):
    assert short(value) == text and math.isclose(float(text), value)


def test_the_examples_run():
    assert doctest.testmod(quantities).failed == 0
