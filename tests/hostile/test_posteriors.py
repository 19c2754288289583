"""Posterior files: damaged, foreign, older or tampered with, they are refused in one line; nothing wrong is read.

FUZZ=10000 tries that many new examples in all; see `tests.hostile.examples`.
"""

import json
import tempfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import ForecastError
from forecast.netcdf import LENGTH, SEAL, seal
from forecast.posterior.fit import load
from forecast.posterior.stored.checks import OBSERVED, OF_EVERY_FIT
from forecast.posterior.threshold import threshold
from tests.conftest import forecast_command
from tests.hostile.examples import examples
from tests.table.importers.mutations import changed, damaged

TASK = "sums [exact_match]"
ANSWERS = []  # of the file as it was written


def refusal(path):
    """The text of the known error; blank where the file is read. Any other error is a bug and passes."""
    try:
        load(path)
    except ForecastError as error:
        message = str(error)
    else:
        return ""
    assert str(path) in message and "\n" not in message
    return message


@examples(300)
@given(rng=st.randoms(use_true_random=True))
def test_changed_bytes_are_refused_before_the_library_in_c_sees_them(stored_fits, rng):
    whole = stored_fits[rng.choice(sorted(stored_fits))].read_bytes()
    kinds = (damaged(whole, rng), rng.randbytes(rng.randrange(3000)), whole[:8] + rng.randbytes(500))
    bytes_ = rng.choice((kinds[0], kinds[0], *kinds))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.nc"
        path.write_bytes(bytes_)
        assert bytes_ == whole or "forecast fit TABLE" in refusal(path)


def test_one_wrong_bit_anywhere_is_found(stored_fits, tmp_path):
    whole, path = stored_fits["plain"].read_bytes(), tmp_path / "fit.nc"
    for at in np.linspace(0, len(whole) - 1, 200).astype(int):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert "not a posterior file" in refusal(path)


def test_another_program_reads_a_sealed_file(stored_fits):
    with xr.open_datatree(stored_fits["plain"], engine="netcdf4") as tree:
        assert {"posterior", "data"} <= set(tree.children)
    assert stored_fits["plain"].read_bytes()[-LENGTH:].startswith(SEAL)


def tampered(source, path, change):
    """The file with another tree in it, sealed as if this version had written it."""
    with xr.open_datatree(source, engine="netcdf4") as tree:
        tree.load()
    groups = {name: tree[name].to_dataset() for name in ("posterior", "data")}
    attributes = json.loads(tree.attrs["capability_forecast"])
    groups, attributes = change(groups, attributes)
    made = xr.DataTree.from_dict(groups)
    made.attrs = {"schema": tree.attrs["schema"], "capability_forecast": json.dumps(attributes)}
    made.to_netcdf(path, engine="netcdf4")
    seal(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def answer(stored_fits):
    ANSWERS[:] = [threshold(load(stored_fits["plain"]), TASK, 0.5)["log10_compute"]]


def test_a_tree_sealed_again_unchanged_is_read(stored_fits, tmp_path):
    path = tampered(stored_fits["plain"], tmp_path / "fit.nc", lambda *same: same)
    assert threshold(load(path), TASK, 0.5)["log10_compute"] == ANSWERS[0]


def without(group, name):
    return lambda groups, attributes: (groups | {group: groups[group].drop_vars(name)}, attributes)


@pytest.mark.parametrize(
    ("group", "name"), [*(("posterior", name) for name in OF_EVERY_FIT), *(("data", name) for name in OBSERVED)]
)
def test_a_file_that_lacks_a_variable_is_refused_by_its_name(stored_fits, tmp_path, group, name):
    assert name in refusal(tampered(stored_fits["plain"], tmp_path / "fit.nc", without(group, name)))


def set_to(group, name, value, *, at=...):
    """A change of a variable: everywhere, or at one place."""

    def change(groups, attributes):
        values = groups[group][name].values.copy()
        values[at] = value
        return groups | {group: groups[group].assign({name: (groups[group][name].dims, values)})}, attributes

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_to("posterior", "exponent", np.nan, at=(0, 3)), "no numbers"),
        (set_to("data", "run_index", 99, at=0), "points at no run"),
        (set_to("data", "law_index", -1, at=0), "points at no law"),
        (set_to("data", "log10_compute", np.inf, at=1), "not known everywhere"),
        (lambda groups, said: (groups | {"posterior": groups["posterior"].isel(task=[1, 0, 2])}, said), "task"),
        (lambda groups, said: (groups | {"posterior": groups["posterior"].isel(chain=0)}, said), "no chains of draws"),
        (lambda groups, said: (groups | {"data": groups["data"].assign_coords(law=list("aaaaa"))}, said), "law"),
        (lambda groups, said: (groups | {"data": groups["data"].drop_attrs()}, said), "hash"),
    ],
)
def test_draws_and_data_that_are_not_of_one_another_are_refused(stored_fits, tmp_path, change, said):
    assert said in refusal(tampered(stored_fits["plain"], tmp_path / "fit.nc", change))


@pytest.mark.parametrize(
    "attributes",
    [
        {"weights": {}},
        {"weights": {"full": 0.3}},
        {"weights": {"unheard of": 1.0}},
        {"priors": {"unheard_of": 1.0}},
        {"parts": {"bend": "perhaps"}},
        {"sampling": {"seed": "x"}},
        {"diagnostics": []},
        {"below": "a lot"},
        {"table": None},
        {"versions": 3},
    ],
    ids=str,
)
def test_attributes_that_cannot_be_are_refused(stored_fits, tmp_path, attributes):
    change = lambda groups, said: (groups, said | attributes)  # noqa: E731
    assert "forecast fit TABLE" in refusal(tampered(stored_fits["plain"], tmp_path / "fit.nc", change))


@examples(60)
@given(rng=st.randoms(use_true_random=True))
def test_changed_attributes_give_a_threshold_or_a_known_error(stored_fits, rng):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.nc"
        path.write_bytes(stored_fits["plain"].read_bytes()[:-LENGTH])
        with netCDF4.Dataset(path, "a") as file:
            file.capability_forecast = json.dumps(changed(json.loads(file.capability_forecast), rng))
        seal(path)
        assert refusal(path) or threshold(load(path), TASK, 0.5)["log10_compute"] == ANSWERS[0]  # no attribute decides


def test_a_command_says_so_in_one_line(stored_fits, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(stored_fits["plain"].read_bytes()[:-200])
    done = forecast_command("threshold", path, "--task", "sums", "--at", "0.5")
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1 and done.err.startswith("error: ")
