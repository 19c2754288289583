"""A fit as a file: what is written is what is read, and what is not a fit is refused."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.files import check_target, write_whole
from forecast.netcdf import LENGTH, seal
from forecast.posterior.fit import SCHEMA, Fit, load, save
from forecast.posterior.threshold import threshold
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED, TASKS, forecast_command


@pytest.fixture
def other_fit(fitted) -> Fit:
    """A fit of which nothing is at its default."""
    return Fit(
        posterior=fitted.posterior,
        data=fitted.data,
        priors=Priors(bend_sd_median=0.123456789, run_sd_log_sd=0.7),
        parts=Parts(frailty=False, bend=False),
        sampling=Sampling(seed=77, chains=3, tune=5, draws=6, target_accept=0.8),
        diagnostics=Diagnostics(
            max_rhat=1.23,
            min_ess_bulk=4.5,
            min_ess_tail=float("nan"),
            divergences=3,
            total_draws=4000,
            worst=("a[é]", "b"),
        ),
        table="täble, <b>.csv",
        below=2.31e22,
        versions={"numpy": "0"},
    )


def with_attributes(source, path, **attributes):
    """The same file with other attributes, sealed again, as another version or program could have written it."""
    path.write_bytes(source.read_bytes()[:-LENGTH])
    with netCDF4.Dataset(path, "a") as file:
        file.setncatts(attributes)
    seal(path)
    return path


def refusal(path) -> str:
    with pytest.raises(ForecastError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


def test_what_is_saved_is_what_is_loaded(other_fit, tmp_path):
    save(other_fit, tmp_path / "fit.nc")
    loaded = load(tmp_path / "fit.nc")
    xr.testing.assert_equal(loaded.posterior, other_fit.posterior)
    xr.testing.assert_equal(loaded.data, other_fit.data)
    for name in ("priors", "parts", "sampling", "table", "below", "versions"):
        assert getattr(loaded, name) == getattr(other_fit, name)
    assert repr(loaded.diagnostics) == repr(other_fit.diagnostics)  # by repr, since NaN is not equal to itself
    assert loaded.diagnostics.reasons == other_fit.diagnostics.reasons
    assert loaded.provenance() == other_fit.provenance()


def test_a_loaded_fit_answers_the_same_threshold_as_the_unsaved_one(fitted, tmp_path):
    save(fitted, tmp_path / "again.nc")
    again = load(tmp_path / "again.nc")
    for task in TASKS:
        assert threshold(again, task, 0.5) == threshold(fitted, task, 0.5)


def test_a_posterior_alone_in_a_folder_can_be_used_after_its_table_is_deleted(fit_file, table, tmp_path, monkeypatch):
    shutil.copy(fit_file, tmp_path / "fit.nc")
    hidden = table.rename(table.with_suffix(".hidden"))
    monkeypatch.chdir(tmp_path)
    try:
        done = forecast_command("threshold", "fit.nc", "--task", "addition", "--at", "0.5", "--json")
    finally:
        hidden.rename(table)
    assert done.code == 3 and done.json["task"] == "addition"  # 3: few draws


def test_provenance_says_what_fixes_the_posterior(fitted):
    found = fitted.provenance()
    assert found["table"] == "table.csv" and found["below"] is None and found["seed"] == SEED
    assert found["schema"] == SCHEMA and len(found["data_hash"]) == 64
    assert {"capability-forecast", "pymc", "nutpie", "numpy"} <= set(found["versions"])
    assert found["priors"]["bend_sd_median"] == Priors().bend_sd_median and found["parts"]["frailty"] is True
    assert found["sampling"]["draws"] == 100
    json.dumps(found, allow_nan=False)


def test_the_file_is_netcdf_with_its_origin_in_the_attributes(fit_file):
    with netCDF4.Dataset(fit_file) as file:
        assert set(file.groups) == {"posterior", "data"}
        assert file.schema == SCHEMA
        assert json.loads(file.capability_forecast)["seed"] == SEED


def test_an_unknown_schema_is_refused_with_both_numbers(fit_file, tmp_path):
    message = refusal(with_attributes(fit_file, tmp_path / "fit.nc", schema=SCHEMA + 98))
    assert f"schema {SCHEMA + 98}" in message and f"reads schema {SCHEMA}" in message


@pytest.mark.parametrize(
    "attributes",
    [{"schema": "two"}, {"schema": np.array([1, 2])}, {"capability_forecast": "{"}, {"capability_forecast": "{}"}],
    ids=str,
)
def test_attributes_of_another_program_are_refused(fit_file, tmp_path, attributes):
    assert "forecast fit" in refusal(with_attributes(fit_file, tmp_path / "fit.nc", **attributes))


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_refused(fit_file, tmp_path, share):
    whole = fit_file.read_bytes()
    path = tmp_path / "cut.nc"
    path.write_bytes(whole[: int(share * len(whole))])
    assert "not a posterior file" in refusal(path)


def test_files_that_are_no_posterior_are_refused_with_what_to_do(tmp_path, table):
    text, other, empty_group = tmp_path / "text.nc", tmp_path / "other.nc", tmp_path / "empty.nc"
    text.write_text("model,task\n")
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(other)
    with netCDF4.Dataset(empty_group, "w") as file:
        file.setncatts({"schema": SCHEMA, "capability_forecast": "{}"})
    for path in (text, other, empty_group, table, tmp_path, tmp_path / "missing.nc"):
        assert "forecast fit TABLE" in refusal(path)


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "new.txt", half_written)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_earlier_file_intact(tmp_path):
    path = tmp_path / "old.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write_whole(path, half_written)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_finished_file_replaces_the_earlier_one_with_the_usual_permissions(tmp_path):
    path, plain = tmp_path / "file.txt", tmp_path / "plain.txt"
    path.write_text("old")
    plain.write_text("")
    write_whole(path, lambda temporary: temporary.write_text("new"))
    assert path.read_text() == "new" and path.stat().st_mode == plain.stat().st_mode
    assert sorted(tmp_path.iterdir()) == [path, plain]


def test_a_failed_save_leaves_the_earlier_fit_intact(fit_file, fitted, tmp_path, monkeypatch):
    path = tmp_path / "fit.nc"
    shutil.copy(fit_file, path)
    monkeypatch.setattr("xarray.DataTree.to_netcdf", lambda self, target, **options: half_written(target))
    with pytest.raises(RuntimeError):
        save(replace(fitted, table="other"), path)
    assert list(tmp_path.iterdir()) == [path] and load(path).table == "table.csv"


def test_targets_that_cannot_be_written_are_refused_before_the_work(tmp_path):
    with pytest.raises(ForecastError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(ForecastError, match="does not exist; make it first"):
        check_target(tmp_path / "no" / "fit.nc")


def test_a_folder_without_write_permission_is_refused_before_the_work(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # who may write anywhere
        monkeypatch.setattr(os, "access", lambda path, mode: not (Path(path) == tmp_path and mode == os.W_OK))
    with pytest.raises(ForecastError, match="cannot be written to"):
        check_target(tmp_path / "fit.nc")


def half_written(path):
    path.write_text("half")
    raise RuntimeError("on purpose")
