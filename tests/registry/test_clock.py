"""Clocks that jump: a forecast is never registered earlier than its fit was made, and a seal knows no time."""

import os
import time
from datetime import UTC, datetime

import pytest

from forecast.registry import seal
from tests.conftest import forecast_command
from tests.registry.conftest import known_rows, stored

DAY = 86_400


class Clock(datetime):
    """A clock that stands at a time."""

    at = datetime.now(UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.at


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock to an ISO time."""

    def set_to(text):
        monkeypatch.setattr(Clock, "at", datetime.fromisoformat(text).replace(tzinfo=UTC))
        monkeypatch.setattr(seal, "datetime", Clock)

    return set_to


@pytest.mark.parametrize("year", ["1970", "2000"])
def test_a_clock_that_jumped_back_registers_nothing(fit_path, tmp_path, clock, year):
    clock(f"{year}-01-01")
    done = forecast_command("register", fit_path, "--task", "maze", "-o", tmp_path / "forecast.json")
    assert done.code == 1 and done.err.startswith(f"error: the clock says {year}-01-01, but ") and not done.out
    assert done.err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_clock_a_few_hours_behind_that_of_another_machine_is_no_jump(fit_path, tmp_path, clock):
    clock(datetime.fromtimestamp(fit_path.stat().st_mtime - DAY / 2, UTC).replace(tzinfo=None).isoformat())
    done = forecast_command("register", fit_path, "--task", "maze", "-o", tmp_path / "forecast.json")
    assert done.code == 0 and "clock" not in done.err


def test_a_clock_that_was_always_wrong_is_doubted_where_the_fit_has_seen_a_later_run(prior_fit, tmp_path, clock):
    rows = [each | {"date": "2024-06-01"} for each in known_rows()]
    fit = stored(tmp_path, prior_fit, rows)
    os.utime(fit, (0, 0))
    clock("1970-01-02")
    done = forecast_command("register", fit, "--task", "maze", "-o", tmp_path / "forecast.json")
    assert "the clock says 1970-01-02, but the fit has learned from a run of 2024-06-01" in done.err
    assert (tmp_path / "forecast.json").exists()


def test_a_seal_is_of_the_content_whatever_the_clock_says(monkeypatch):
    document = seal.sealed({"registered": "2024-06-01T00:00:00Z", "question": {"rows": [1.5]}})
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert seal.sealed({"registered": "2024-06-01T00:00:00Z", "question": {"rows": [1.5]}}) == document
    assert not seal.altered(document)
    assert seal.altered(document | {"registered": "1970-01-01T00:00:00Z"}) == ["registered"]
