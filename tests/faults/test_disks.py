"""Disks that fail: full, read-only, or shared with another run; one clear line, and nothing half-written."""

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.errors import ForecastError
from forecast.files import alone_in, beside_others, forget, make_folder, write_json, write_whole
from forecast.posterior.fit import load, save
from forecast.table.dataset import read_table
from tests.conftest import FEW_DRAWS, forecast_command

ROOT = Path(__file__).parents[2]
FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))"  # no file may grow beyond 2 kB, as on a full disk


def limited(*words):
    """A command in a process of its own that finds the disk full after 2 kB a file."""
    code = f"import resource, sys; {FULL}; sys.dont_write_bytecode = True; from forecast.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=ROOT, capture_output=True, text=True)


@contextmanager
def mounted(folder, *options):
    """A small file system of memory at a folder; skips where none may be mounted."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a file system needs the rights of root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def names_in(folder):
    return sorted(path.name for path in folder.rglob("*"))


def assert_one_line(run, *said):
    assert run.code == 1 and run.err.count("error: ") == 1, run.err
    last = run.err.strip().splitlines()[-1]
    assert last.startswith("error: ") and all(each in last for each in said), last


def test_a_write_that_fails_leaves_the_file_that_was_there_and_nothing_else(tmp_path):
    def half(path):
        path.write_text("hal")
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    before = path.read_bytes()
    with pytest.raises(ForecastError, match=r"a\.json: cannot be written \(No space left on device\)"):
        write_whole(path, half)
    assert path.read_bytes() == before and names_in(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("a bug"), KeyboardInterrupt()])
def test_an_error_that_is_not_of_the_disk_is_passed_on(tmp_path, error):
    def broken(path):
        raise error

    with pytest.raises(type(error)):
        write_whole(tmp_path / "a", broken)
    assert not names_in(tmp_path)


def test_a_file_that_may_not_be_replaced_is_not_even_where_two_are_written_at_once(tmp_path):
    path = tmp_path / "forecast.json"

    def slower(temporary):
        temporary.write_text("second")
        path.write_text("first")  # meanwhile, by another

    with pytest.raises(FileExistsError):
        write_whole(path, slower, replace=False)
    assert path.read_text() == "first" and names_in(tmp_path) == ["forecast.json"]


def test_without_hard_links_a_file_is_not_replaced_either(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(1, "Operation not permitted")))
    path = tmp_path / "forecast.json"
    write_whole(path, lambda temporary: temporary.write_text("first"), replace=False)
    with pytest.raises(FileExistsError):
        write_whole(path, lambda temporary: temporary.write_text("second"), replace=False)
    assert path.read_text() == "first" and names_in(tmp_path) == ["forecast.json"]


def test_what_a_killed_command_left_is_no_registered_forecast_and_no_result(tmp_path, fit_of_prior):
    path = tmp_path / "forecast.json"
    assert forecast_command("register", fit_of_prior, "--task", "addition", "-o", path).code in (0, 3)
    (tmp_path / ".forecast.json.abc.json").write_bytes(path.read_bytes())  # whole, but for its name
    assert len(forecast_command("record", tmp_path, "--json").json["forecasts"]) == 1


def test_two_holds_of_a_folder_exclude_each_other_until_the_first_ends(tmp_path):
    refused = pytest.raises(ForecastError, match="another run is writing into this folder")
    with alone_in(tmp_path), refused, alone_in(tmp_path):
        pytest.fail("held twice")
    with alone_in(tmp_path):
        assert not names_in(tmp_path)


def test_where_a_file_system_knows_no_locks_a_run_goes_on_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with alone_in(tmp_path):
        assert "cannot be locked (Operation not supported)" in caplog.text


def test_forgetting_files_that_are_not_there_is_no_error(tmp_path):
    (tmp_path / "a").touch()
    forget([tmp_path / "a", tmp_path / "b"])
    assert not names_in(tmp_path)


def test_two_runs_into_one_folder_are_refused_before_anything_is_fitted(tmp_path, table):
    study = tmp_path / "study"
    forecast_command("new", study)
    for words in (("run", study, "-o", tmp_path / "out"), ("backtest", table, "--cut", "1e22", "-o", tmp_path / "out")):
        make_folder(tmp_path / "out")
        with alone_in(tmp_path / "out"):
            assert_one_line(forecast_command(*words, "--quiet"), "another run is writing into this folder")
        assert not names_in(tmp_path / "out")


def test_other_commands_do_not_write_into_the_folder_of_a_run(tmp_path, table, fit_of_prior):
    out = tmp_path / "out"
    make_folder(out)
    with alone_in(out):
        for words in (
            ("backtest", table, "--cut", "1e22", "-o", out / "backtest", "--quiet"),
            ("fit", table, "-o", out / "fit.nc", *FEW_DRAWS),
            ("report", fit_of_prior, "-o", out / "report.html"),
        ):
            assert_one_line(forecast_command(*words), "out: another run is writing into this folder")
        assert not names_in(out)


def test_files_side_by_side_do_not_exclude_each_other_but_a_run_of_its_own(tmp_path):
    make_folder(tmp_path / "a")
    with beside_others(tmp_path), beside_others(tmp_path):
        with alone_in(tmp_path / "a"):
            pass
        with pytest.raises(ForecastError, match="another run is writing"), alone_in(tmp_path):
            pytest.fail("held")


@pytest.fixture(scope="module")
def fit_of_prior(tmp_path_factory, prior_fit, table):
    path = tmp_path_factory.mktemp("prior") / "fit.nc"
    save(prior_fit(read_table(table), draws=100), path)
    return path


def test_a_read_only_folder_is_refused_before_any_work(tmp_path, table, fit_of_prior):
    study = tmp_path / "study"
    forecast_command("new", study)
    with mounted(tmp_path / "disk", "-o", "ro") as disk:
        for words in (
            ("fit", table, "-o", disk / "fit.nc", *FEW_DRAWS),
            ("run", study, "-o", disk, *FEW_DRAWS),
            ("run", study, "-o", disk / "new", *FEW_DRAWS),
            ("backtest", table, "--cut", "1e22", "-o", disk),
            ("report", fit_of_prior, "-o", disk / "report.html"),
            ("register", fit_of_prior, "--task", "addition", "-o", disk / "forecast.json"),
            ("new", disk / "study"),
        ):
            assert_one_line(forecast_command(*words), str(disk))
        assert not names_in(disk)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, fit_of_prior):
    with mounted(tmp_path / "disk", "-o", "size=8k") as disk:
        for words in (
            ("report", fit_of_prior, "-o", disk / "report.html"),
            ("register", fit_of_prior, "--task", "addition", "-o", disk / "forecast.json"),
        ):
            assert_one_line(forecast_command(*words), "cannot be written", str(disk))
        assert not names_in(disk)


def test_a_posterior_that_does_not_fit_on_the_disk_leaves_the_one_that_was_there(tmp_path, fit_of_prior):
    small, large = (replace(load(fit_of_prior), table=name) for name in ("small", "large"))
    with mounted(tmp_path / "disk", "-o", "size=1m") as disk:
        save(small, disk / "fit.nc")
        with (disk / "other").open("wb") as file, suppress(OSError):
            file.write(b"x" * 2**20)
        with pytest.raises(ForecastError, match=r"fit\.nc: cannot be written"):
            save(large, disk / "fit.nc")
        assert names_in(disk) == ["fit.nc", "other"] and load(disk / "fit.nc").table == "small"


def test_a_limit_of_file_sizes_is_one_line_too(tmp_path, fit_of_prior):
    done = limited("report", fit_of_prior, "-o", tmp_path / "report.html")
    assert done.returncode == 1 and "report.html: cannot be written (File too large)" in done.stderr
    assert done.stderr.count("\n") <= 2 and not names_in(tmp_path)


@pytest.mark.parametrize("buffered", [True, False])
def test_an_answer_that_cannot_be_written_is_one_line(table, buffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "forecast", "validate", table],
            cwd=ROOT,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1 and done.stderr.startswith("error: No space left on device; nothing was written")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_is_no_error(table):
    code = "import sys; from forecast.cli.main import main; sys.argv = ['forecast', 'validate', sys.argv[1]]; main()"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code, table], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.returncode == 1 and done.stderr == ""
