"""The top of the commands: help, version, and errors that nobody has foreseen."""

import sys

import pytest

from forecast import files
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
