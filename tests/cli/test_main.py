"""The top of the commands: help, version, and errors that nobody has foreseen."""

import os
import re
import sys
import typing
from pathlib import Path

import pytest

from forecast import files
from forecast.cli.given.paths import WRITTEN
from forecast.cli.main import COMMANDS, main
from tests.conftest import forecast_command


@pytest.fixture
def broken(monkeypatch):
    """A command that fails as only a bug can."""

    def write_template(folder):
        raise KeyError("no such thing\n")

    monkeypatch.setattr("forecast.study.file.write_template", write_template)
    monkeypatch.setattr(files, "written", [])


def test_an_unforeseen_error_is_one_line_and_exit_code_70(broken, tmp_path):
    done = forecast_command("new", tmp_path / "s")
    assert done.code == 70 and done.out == ""
    assert done.err.startswith("error: unforeseen: KeyError: 'no such thing\\n' (test_main.py:")
    assert done.err.count("\n") == 1 and "nothing was written" in done.err and "--debug" in done.err


def test_an_unforeseen_error_says_what_was_kept(broken, tmp_path):
    files.written.extend(tmp_path / f"{place}.csv" for place in range(6))
    assert f"kept: {tmp_path / '2.csv'}, " in (told := forecast_command("new", tmp_path / "s").err)
    assert "and 2 more" in told and "0.csv" not in told


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback_wherever_it_stands(broken, tmp_path, place):
    words = ["new", str(tmp_path / "s")]
    with pytest.raises(KeyError):
        forecast_command(*words[:place], "--debug", *words[place:])


def test_the_version_is_that_of_the_package():
    assert forecast_command("--version").out == "capability-forecast 0.2.0\n"


def test_both_spellings_of_help_answer_alike():
    assert forecast_command("-h").out == forecast_command("--help").out


@pytest.mark.parametrize("command", [command.__name__.rstrip("_") for command, *_ in COMMANDS])
def test_every_command_has_a_whole_line_in_the_list_and_an_example(command):
    whole = forecast_command("--help").out
    line = next(line for command_, line, _ in COMMANDS if command_.__name__.rstrip("_") == command)
    assert line in whole
    assert f"Example: forecast {command} " in forecast_command(command, "-h").out


def test_commands_are_listed_in_the_order_of_use():
    listed = forecast_command("-h").out.split("Commands:")[1]
    places = [listed.index(f"\n  {command.__name__.rstrip('_')} ") for command, *_ in COMMANDS]
    assert places == sorted(places)


def test_the_words_of_the_command_line_are_not_lost(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["forecast", "--debug", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert sys.argv == ["forecast", "--version"]


# Files that are read are never replaced

READ = ("a.csv", "a.nc", "b.nc", "b.csv")
ASKED = ("--task", "t", "--at", "0.5")


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Files that no command may replace, in the folder that it runs in; what they hold is never looked at."""
    monkeypatch.chdir(tmp_path)
    for name in READ:
        Path(name).write_text(name)


def refused(*words):
    """What a command answered that had to write over a file that it reads, or twice into one."""
    done = forecast_command(*words)
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1, done
    assert all(Path(name).read_text() == name for name in READ) and sorted(os.listdir()) == sorted(READ)
    return done.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("fit", "a.csv", "-o", "a.csv"), "a.csv"),
        (("report", "a.nc", "-o", "a.nc"), "a.nc"),
        (("predict", "a.nc", "--rows", "b.csv", "-o", "b.csv"), "b.csv"),
        (("predict", "a.nc", "--rows", "b.csv", "-o", "a.nc"), "a.nc"),
        (("predict", "a.nc", "--rows", "b.csv", "--draws", "a.nc"), "a.nc"),
        (("register", "a.nc", "--rows", "b.csv", "-o", "new.json", "--hubverse", "b.csv"), "b.csv"),
        (("import", "wide", "a.csv", "-o", "b.csv", "--models", "b.csv"), "b.csv"),
        (("score", "a.csv", "b.csv", "-o", "b.csv"), "b.csv"),
        (("simulate", "a.csv", "-o", "b.csv", "--truth", "a.csv"), "a.csv"),
        (("compare", "a.csv", "-o", "a.csv"), "a.csv"),
        (("when", "a.nc", *ASKED, "--runs", "b.csv", "-o", "b.csv"), "b.csv"),
        (("design", "a.nc", *ASKED, "--candidates", "b.csv", "-o", "b.csv"), "b.csv"),
        (("emergence", "a.nc", "-o", "a.nc"), "a.nc"),
    ],
)
def test_no_command_writes_over_a_file_that_it_reads(inputs, words, named):
    assert f"{named}: is read by this command; name another file" in refused(*words)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_a_file_that_is_read_is_not_replaced(inputs, tmp_path_factory, link):
    other = tmp_path_factory.mktemp("elsewhere") / "other.csv"
    link(Path("a.csv").absolute(), other)
    assert "../" + Path.cwd().name in refused("fit", "a.csv", "-o", f"../{Path.cwd().name}/a.csv")
    assert "other.csv: is read by this command" in refused("fit", "a.csv", "-o", other)
    assert "a.csv: is read by this command" in refused("fit", other, "-o", "a.csv")


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "a.nc", "--rows", "b.csv", "-o", "p.csv", "--draws", "./p.csv"),
        ("simulate", "a.csv", "-o", "p.csv", "--truth", "p.csv"),
        ("register", "a.nc", "--rows", "b.csv", "-o", "p.json", "--hubverse", "p.json"),
    ],
)
def test_no_command_writes_twice_into_one_file(inputs, words):
    assert "is written twice by this command; name another file" in refused(*words)


def test_a_back_test_does_not_write_its_files_over_the_table(inputs, monkeypatch):
    Path("a.csv").rename("scores.csv")
    done = forecast_command("backtest", "scores.csv", "-o", ".")
    assert done.code == 1 and done.err == "error: scores.csv: is read by this command; name another file\n"
    assert Path("scores.csv").read_text() == "a.csv"


def test_every_path_of_a_command_is_known_to_be_read_or_written():
    for command, *_ in COMMANDS:
        for name, hint in typing.get_type_hints(command, include_extras=True).items():
            kind, *more = typing.get_args(hint) or (hint,)
            if Path in (kind, *typing.get_args(kind)):
                writes = re.search(r"\b(write|draw|keep|folder for)\b", more[0].help, re.IGNORECASE)
                assert (name in WRITTEN) == bool(writes), (command.__name__, name)
