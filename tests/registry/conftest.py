"""A stored fit without sampling, and a forecast of three new runs that was registered from it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast.draws import Diagnostics
from forecast.posterior.fit import save
from forecast.table.dataset import read_table
from tests.conftest import SEED, forecast_command, write_rows

HEADER = ("model", "task", "metric", "score", "successes", "trials", "k", "length", "compute", "date", "family")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
COMPUTES = (1e20, 3e20, 1e21, 3e21, 1e22, 3e22)
NEW = {"x": "1e23", "y": "3e23", "z": "1e24"}  # model: compute


def row(model: str, score: Any = "", *, task: str = "maze", metric: str = "exact_match", **cells: Any) -> dict:
    trials = "" if metric in ("loss", "horizon") else 200
    return {"model": model, "task": task, "metric": metric, "score": score, "trials": trials} | cells


def known_rows() -> list[dict]:
    rows = [row(f"m{i}", 0.05 + 0.1 * i, compute=f"{x:g}") for i, x in enumerate(COMPUTES)]
    losses = [row(f"m{i}", 3.0 - 0.2 * i, task="web", metric="loss", compute=f"{x:g}") for i, x in enumerate(COMPUTES)]
    return rows + losses


def new_rows(**scores: Any) -> list[dict]:
    """The rows that are registered, with the scores that are given by model; the loss is that of z."""
    rows = [row(model, scores.get(model, ""), compute=compute) for model, compute in NEW.items()]
    return [*rows, row("z", scores.get("web", ""), task="web", metric="loss", compute=NEW["z"])]


def stored(folder: Path, prior_fit: Any, rows: list[dict], **changes: Any) -> Path:
    frame = read_table(write_rows(folder / "table.csv", rows, header=HEADER))
    save(replace(prior_fit(frame, draws=600), diagnostics=SOUND, **changes), folder / "fit.nc")
    return folder / "fit.nc"


@pytest.fixture(scope="session")
def fit_path(tmp_path_factory, prior_fit) -> Path:
    return stored(tmp_path_factory.mktemp("registry"), prior_fit, known_rows())


@pytest.fixture(scope="session")
def kept() -> dict:
    """Registrations of the session, by what was asked: the baselines take a second each time."""
    return {}


@pytest.fixture
def register(fit_path, tmp_path, kept):
    """Registers new rows, and thresholds where --at is among the options; the file and what the command answered."""

    def registered(*options: object, rows: list[dict] | None = None, name: str = "forecast.json", fit: Path = fit_path):
        rows = new_rows() if rows is None else rows
        new, path = write_rows(tmp_path / "new.csv", rows, header=HEADER), tmp_path / name
        key = repr((options, rows, fit))
        if key not in kept or path.exists():
            done = forecast_command("register", fit, "--rows", new, "-o", path, "--seed", SEED, *options)
            kept[key] = path.read_bytes() if path.exists() else None, done
        elif kept[key][0] is not None:
            path.write_bytes(kept[key][0])
        return path, kept[key][1]

    return registered


@pytest.fixture
def outcomes(tmp_path):
    """A file of outcomes: scores by model."""

    def written(rows: list[dict] | None = None, *, name: str = "outcomes.csv", **scores: Any) -> Path:
        return write_rows(tmp_path / name, new_rows(**scores) if rows is None else rows, header=HEADER)

    return written
