"""Signs of life: a line a stage where stderr is no terminal, a bar with the time left where it is one, or nothing."""

import io
import re
import sys

import pytest

from forecast.cli import progress as cli_common
from forecast.cli.progress import shown_stages
from forecast.stages import SILENT


class Terminal(io.StringIO):
    """A terminal, as far as programs ask."""

    def isatty(self):
        return True


def work(stages):
    """Two stages with weights, the first with one inside it."""
    stages.plan(3.0)
    with stages.stage("fit of \x1b[31mred", weight=2.0):
        with stages.stage("sampled") as stage:
            stages.advance(0.5, "half")
            stage.found = "R-hat 1.004"
        stages.advance(1.0)
    with stages.stage("report", weight=1.0):
        pass


@pytest.fixture
def told(monkeypatch):
    def run(stream, *, quiet=False, short=0.0):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(cli_common, "SHORT", short)
        with shown_stages(quiet=quiet) as stages:
            work(stages)
        return stream.getvalue()

    return run


def test_each_stage_that_ended_is_a_line_with_its_seconds_and_what_was_found(told):
    lines = told(io.StringIO()).splitlines()
    assert [re.sub(r"\d+\.\d s", "T", line) for line in lines] == [
        "sampled T, R-hat 1.004",
        "fit of \\x1b[31mred T",
        "report T",
    ]


def test_short_stages_are_not_told_and_quiet_tells_none(told):
    assert told(io.StringIO(), short=60.0) == "" == told(io.StringIO(), quiet=True) == told(Terminal(), quiet=True)


def test_on_a_terminal_one_bar_serves_all_stages(told):
    text = told(Terminal())
    assert "left" in text and "\x1b[31m" not in text.replace("\x1b[31m ", "") and text.count("R-hat") == 0


def test_work_that_nobody_watches_goes_on_and_an_error_passes_through():
    work(SILENT)
    with pytest.raises(KeyError), SILENT.stage("broken"):
        raise KeyError("x")
