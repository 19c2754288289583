"""One small table and one posterior of it, made once by `forecast fit` and shared by all tests that need one."""

import contextlib
import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.cli.main import main
from forecast.table.labels import task_labels
from models.equations.surrogates import at_least_k
from models.structures import AVERAGED

SEED = int(os.environ.get("FORECAST_TEST_SEED", "1"))
FEW_DRAWS = ("--draws", "100", "--tune", "100")  # enough for mechanics, too few to be trusted: exit code 3

HOSTILE = "<script>alert('x')</script>, \"two\nlines\" 日本語 [bold]"
TASKS = {  # name: metric, further cells, amplitude at the middle of the table, exponent
    "addition": ("exact_match", {"length": 4}, -0.4, 0.5),
    "most of it": ("at_least_k", {"length": 4, "k": 2}, 0.1, 0.4),
    "four choices": ("choice", {"chance": 0.25}, 0.2, 0.5),
    HOSTILE: ("exact_match", {}, 0.8, 0.6),
}
RUNS = {f"run {x:g}" if x < 22 else f"run {x:g} <i>é</i>,\n": x for x in (20.0, 20.5, 21.0, 21.5, 22.0, 22.5)}
CUT = 2e22  # leaves out the largest run
TRIALS = 400


@dataclass(frozen=True)
class Run:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; NaN and Infinity are refused, as in the standard."""
        return json.loads(self.out, parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def forecast_command(*arguments: object) -> Run:
    """Run a command as `forecast ARGUMENTS` would, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr("sys.argv", ["forecast", *map(str, arguments)])
        patch.setattr("forecast.cli.progress.SHORT", np.inf)  # no stage is told: seconds differ
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Run(code, out.getvalue(), err.getvalue())


def true_score(task: str, log10_compute: float) -> float:
    """Expected score of a run of the small table: nu = 1, no floor but chance, ceiling 1, no residuals."""
    metric, cells, amplitude, exponent = TASKS[task]
    chance = cells.get("chance", 0.0)
    loss = 10 ** (amplitude - exponent * (log10_compute - 21.25))
    k, length = (2, 4) if metric == "at_least_k" else (1, 1)
    return chance + (1 - chance) * at_least_k(loss, k=k, length=length, nu=1.0)


def simulated_rows() -> list[dict[str, object]]:
    """Counts from the model itself."""
    rng = np.random.default_rng(SEED)
    rows = []
    for task, (metric, cells, *_) in TASKS.items():
        for model, x in RUNS.items():
            successes = rng.binomial(TRIALS, true_score(task, x))
            rows.append(
                {"model": model, "task": task, "metric": metric, "successes": int(successes), "trials": TRIALS}
                | {"compute": f"{10**x:.6g}"}
                | cells
            )
    return rows


COLUMNS = ("model", "task", "metric", "successes", "trials", "length", "k", "chance", "compute")


def write_rows(path: Path, rows: list[dict[str, object]], header: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="", extrasaction="raise")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> Path:
    return write_rows(tmp_path_factory.mktemp("table") / "table.csv", simulated_rows())


@pytest.fixture(scope="session")
def fit_run(table, tmp_path_factory) -> tuple[Path, Run]:
    """The posterior file of the table, and what `forecast fit --json` answered."""
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    return path, forecast_command("fit", table, "-o", path, "--seed", SEED, *FEW_DRAWS, "--json")


@pytest.fixture(scope="session")
def fit_file(fit_run) -> Path:
    return fit_run[0]


@pytest.fixture(scope="session")
def fitted(fit_file):
    from forecast.posterior.fit import load

    return load(fit_file)


# A table of which one law is seen by several metrics of the same answers and by a loss

ANSWER_COLUMNS = (*COLUMNS, "score", "family", "date")
ANSWERS = {  # label: cells
    "sums [at_least_k]": {"task": "sums", "metric": "at_least_k", "length": 4, "k": 2},
    "sums [exact_match]": {"task": "sums", "metric": "exact_match", "length": 4},
    "sums [token_accuracy]": {"task": "sums", "metric": "token_accuracy", "length": 4},
    "sums [loss]": {"task": "sums", "metric": "loss"},
    "words [exact_match]": {"task": "words", "metric": "exact_match", "length": 2},
    "words [loss]": {"task": "words", "metric": "loss"},
    "picks": {"task": "picks", "metric": "choice", "chance": 0.25},
    "validation": {"task": "validation", "metric": "loss"},
}


def answer_rows() -> list[dict[str, object]]:
    """Eight runs of two recipes, the second two years later and better: nu = 1, nothing irreducible, no residuals."""
    rng = np.random.default_rng(SEED)
    rows = []
    for run, x in enumerate(np.linspace(20.0, 23.5, 8)):
        family = run % 2
        theta = x - 21.75 + 0.5 * family
        sums, words, picks = 10 ** (-0.2 - 0.45 * theta), 10 ** (-0.1 - 0.35 * theta), 10 ** (0.2 - 0.4 * theta)
        tails = [1.0, *(at_least_k(sums, k=k, length=4, nu=1.0) for k in (1, 2, 3, 4)), 0.0]
        histogram = rng.multinomial(TRIALS, -np.diff(tails))
        found = {
            "sums [at_least_k]": (histogram[2:].sum(), TRIALS),
            "sums [exact_match]": (histogram[4], TRIALS),
            "sums [token_accuracy]": (histogram @ np.arange(5), 4 * TRIALS),
            "words [exact_match]": (rng.binomial(TRIALS, 1 / (1 + 2 * words)), TRIALS),
            "picks": (rng.binomial(TRIALS, 0.25 + 0.75 / (1 + picks)), TRIALS),
        }
        losses = {
            "sums [loss]": (sums / 0.4) ** (1 / 1.3),
            "words [loss]": (words / 0.5) ** (1 / 1.2),
            "validation": 1.5 + 10 ** (0.1 - 0.1 * theta),
        }
        for label, cells in ANSWERS.items():
            scored = (
                {"score": f"{losses[label] * np.exp(rng.normal(0, 0.01)):.6g}"}
                if label in losses
                else dict(zip(("successes", "trials"), map(int, found[label]), strict=True))
            )
            of_run = {"compute": f"{10**x:.6g}", "family": f"recipe {family}", "date": f"{2020 + 2 * family}-06-01"}
            rows.append({"model": f"run {run}", **cells, **scored, **of_run})
    return rows


@pytest.fixture(scope="session")
def answer_table(tmp_path_factory) -> Path:
    return write_rows(tmp_path_factory.mktemp("answers") / "answers.csv", answer_rows(), header=ANSWER_COLUMNS)


@pytest.fixture(scope="session")
def answer_fit_run(answer_table, tmp_path_factory) -> tuple[Path, Run]:
    """The posterior file of that table, and what `forecast fit --json` answered."""
    path = tmp_path_factory.mktemp("answers") / "fit.nc"
    return path, forecast_command("fit", answer_table, "-o", path, "--seed", SEED, *FEW_DRAWS, "--json")


@pytest.fixture(scope="session")
def answer_fitted(answer_fit_run):
    from forecast.posterior.fit import load

    return load(answer_fit_run[0])


@pytest.fixture(scope="session")
def prior_fit():
    """A fit whose draws are of the prior of a frame's model, which takes seconds and goes everywhere."""
    from forecast.draws import UNKNOWN, Sampling
    from forecast.fitting.sampler import draw_prior
    from forecast.posterior.fit import Fit
    from forecast.table.dataset import observations
    from models.capability import capability_model
    from models.priors import Priors
    from models.structures import Parts

    def draw(frame, *, draws, parts=Parts()):
        data = observations(frame)
        model = capability_model(data, parts)
        names = [variable.name for variable in model.unobserved_RVs]
        return Fit(
            posterior=draw_prior(model, draws=draws, seed=SEED, names=names)["prior"].to_dataset()[names],
            data=data,
            priors=Priors(),
            parts=parts,
            sampling=Sampling(seed=SEED),
            diagnostics=UNKNOWN,
            table="prior",
            below=None,
            versions={},
        )

    return draw


# A back-test without fits

STAND_IN_DRAWS = 200
STAND_IN_DIAGNOSTICS = {"max_rhat": 1.0, "min_ess": 1000.0, "divergences": 0, "forecast_rhat": 1.0}


def guesses(job) -> xr.Dataset:
    """In place of `forecast.backtesting.run.forecasts`, at once: forecasts that the seed of the sampling fixes."""
    rng = np.random.default_rng(job.arguments["sampling"]["seed"])
    shares = rng.beta(1, 2, (len(job.arguments["structures"]), STAND_IN_DRAWS, len(job.data["rows"])))
    return _forecasts_of(job, np.where(job.data["rows"]["metric"] == "loss", 1 + 3 * shares, shares), rng)


def guesses_of_hidden(train, rows, *, structures, at, sampling, **_) -> xr.Dataset:
    """The same in place of `forecast.fitting.stacking.forecast_hidden`."""
    arguments = {"structures": list(structures), "at": list(at), "sampling": {"seed": sampling.seed}}
    return guesses(SimpleNamespace(arguments=arguments, data={"train": train, "rows": rows}))


def knowing(job) -> xr.Dataset:
    """In place of `forecast.backtesting.run.forecasts`: what one can know of the small table, the truth up to binomial
    error."""
    rng, rows = np.random.default_rng(job.arguments["sampling"]["seed"]), job.data["rows"]
    truth = [true_score(task, np.log10(compute)) for task, compute in zip(rows["task"], rows["compute"], strict=True)]
    size = (len(job.arguments["structures"]), STAND_IN_DRAWS, len(rows))
    return _forecasts_of(job, rng.binomial(TRIALS, truth, size) / TRIALS, rng)


def _forecasts_of(job, scores, rng) -> xr.Dataset:
    names, at, train = job.arguments["structures"], job.arguments["at"], job.data["train"]
    tasks = task_labels(train)[train["metric"] != "loss"].unique().tolist()
    crossed = rng.normal(21.5, 1.0, (len(names), STAND_IN_DRAWS, len(tasks), len(at)))
    return xr.Dataset(
        {
            "score": (("structure", "draw", "row"), scores.astype(np.float32)),
            "log10_compute": (("structure", "draw", "task", "at"), crossed),
        },
        coords={"structure": names, "task": np.array(tasks, dtype=str), "at": at},
        attrs={"diagnostics": dict.fromkeys(names, STAND_IN_DIAGNOSTICS)},
    )


@pytest.fixture
def track_of(tmp_path, monkeypatch):
    """Back-tests the splits of a frame by a work that stands in for the fits."""
    from forecast.backtesting.run import backtest

    def tested(frame, *splits, work=guesses, **options):
        monkeypatch.setattr("forecast.backtesting.run.forecasts", work)
        known = {"name": "table.csv", "folder": tmp_path / "jobs", "structures": AVERAGED}
        return backtest(frame, splits, **known | options)

    return tested


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two worker processes; skips where the extra `dask` is missing."""
    distributed = pytest.importorskip("dask.distributed")
    quiet = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as cluster:
        yield cluster


def pytest_terminal_summary(terminalreporter, config):
    """Say what the default leaves out: a green run is not the whole check."""
    if config.option.markexpr == "not slow and not mcmc":
        terminalreporter.write_line("left out: statistical fits; run them with `pytest -m mcmc` and `pytest -m slow`")
