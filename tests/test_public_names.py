"""What users may import."""

import subprocess
import sys

import pytest

import forecast

PUBLIC = [
    "Fit",
    "ForecastError",
    "Sampling",
    "TableError",
    "backtest",
    "design",
    "emergence",
    "fit",
    "howmuch",
    "load",
    "predict",
    "read_table",
    "save",
    "threshold",
    "threshold_draws",
    "when",
]


def test_the_public_names_are_those_of_the_list():
    assert sorted(forecast.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_a_documented_object_and_not_a_module(name):
    found = getattr(forecast, name)
    assert callable(found) and found.__doc__
    assert name in dir(forecast)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = forecast.nothing


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, forecast; assert not {'pymc', 'numpy', 'pandas', 'xarray', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
