"""Speed beside the alternatives, in one command: samplers on the same graph, and the way from command to answer.

    python3 -m uv run --with numpyro --with jax --with simple-scaling-laws --with chinchilla \\
        python tests/benchmarks/alternatives.py [CASE ...]

Each case runs in a process of its own, whose processor seconds are counted with those of its children. **Samplers**:
effective samples a processor second of what a fit reports (curves, thresholds, named parameters; the least of bulk and
tail), with and without compilation from empty caches. **Answers**: seconds from a command to the threshold of one task
with eight runs, beside 1,000 logistic fits of resampled counts by SciPy; and to a law of losses in parameters and
tokens, beside packages that fit one. What is not installed is left out, and said. How cost grows with rows, tasks,
runs and families: `speed.py`.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parents[2]
ROUNDS = {"draws": 400, "tune": 500, "chains": 4}
USUAL = {"draws": 1000, "tune": 1000, "chains": 4}  # of the other samplers, by their own defaults
BOOTSTRAP = 1000


def seconds() -> float:
    """Processor seconds of this process and its children so far."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


# samplers


LADDER = "ladder, "  # before the name of a sampler: many metrics of the same answers, and a loss


def of_table(ladder: bool) -> Any:
    """GPT-3 arithmetic up to 13B, or the runs from which `next_characters` forecasts."""
    from forecast.table.dataset import observations, read_table

    studies = FOLDER / "case_studies"
    if not ladder:
        frame = read_table(studies / "gpt3_arithmetic" / "gpt3_arithmetic.csv")
        return observations(frame[frame["compute"] < 2.4e22])
    frame = read_table(studies / "characters" / "table.csv")
    return observations(frame[(frame["task"] == "next 4 characters") & (frame["compute"] < 1.9e12)])


def ours(model: Any) -> tuple[Any, float]:
    from forecast.draws import Sampling
    from forecast.fitting.compiling.program import compiled
    from forecast.fitting.sampler import sampled

    compiled(model)
    compiled_at = seconds()
    return sampled(model, Sampling(**ROUNDS)).posterior, compiled_at


def nutpie_defaults(model: Any) -> tuple[Any, float]:
    import nutpie

    program = nutpie.compile_pymc_model(model)
    compiled_at = seconds()
    return nutpie.sample(program, chains=4, seed=1, progress_bar=False)["posterior"].to_dataset(), compiled_at


def pymc_defaults(model: Any) -> tuple[Any, float]:
    import pymc as pm

    with model:
        step = pm.NUTS()
    compiled_at = seconds()
    with model:
        tree = pm.sample(
            step=step, **USUAL, cores=2, random_seed=1, progressbar=False, compute_convergence_checks=False
        )
    return tree["posterior"].to_dataset(), compiled_at


def numpyro_defaults(model: Any) -> tuple[Any, float]:
    """With the graph's gradient: that of JAX has no number where an unused branch is infinite."""
    from forecast.draws import Sampling
    from forecast.fitting.compiling.program import Variables
    from tests.benchmarks.calibration.reference import numpyro_values

    compiled_at = seconds()  # it compiles while it samples
    values = numpyro_values(model, Sampling(**USUAL, target_accept=0.8))
    return Variables(model).of(values), compiled_at


SAMPLERS: dict[str, Callable[[Any], tuple[Any, float]]] = {
    "forecast": ours,
    "nutpie": nutpie_defaults,
    "PyMC": pymc_defaults,
    "NumPyro": numpyro_defaults,
}


def sampler(name: str) -> dict[str, Any]:
    """Effective samples of what a fit reports, and processor seconds before and after compilation."""
    from forecast.draws import UNKNOWN, Sampling
    from forecast.fitting.reported import reported
    from forecast.fitting.sampler import diagnose
    from forecast.posterior.fit import Fit, installed_versions
    from models.capability import capability_model
    from models.priors import Priors
    from models.structures import Parts

    data, name = of_table(name.startswith(LADDER)), name.removeprefix(LADDER)
    model = capability_model(data)
    started = seconds()
    posterior, compiled_at = SAMPLERS[name](model)
    ended = seconds()
    posterior = posterior[[name for name in posterior.data_vars if name in model.named_vars]]
    known: dict[str, Any] = {"data": data, "table": "", "below": None, "parts": Parts(), "priors": Priors()}
    known |= {"sampling": Sampling(), "versions": installed_versions(), "diagnostics": UNKNOWN}
    found = diagnose(reported(Fit(posterior=posterior, **known)).assign_attrs(divergences=0))
    return {
        "compile_s": compiled_at - started,
        "sample_s": ended - compiled_at,
        "min_ess": found.min_ess,
        "max_rhat": found.max_rhat,
        "ess_per_s": found.min_ess / (ended - compiled_at),
        "ess_per_s_compiled": found.min_ess / (ended - started),
    }


# answers


def one_task() -> pd.DataFrame:
    """Counts of one task by eight runs, rising like a logistic curve."""
    x = np.linspace(20.0, 23.5, 8)
    successes = np.round(500 / (1.0 + 10.0 ** (-0.8 * (x - 22.5)))).astype(int)
    names = [f"run {each}" for each in range(8)]
    fixed = {"task": "one", "metric": "exact_match", "trials": 500}
    return pd.DataFrame({"model": names, "compute": 10.0**x, "successes": successes} | fixed)


def losses() -> pd.DataFrame:
    """Losses of 50 runs by parameters and tokens: the published law of Hoffmann et al. (2022), and 1% of scatter."""
    rng = np.random.default_rng(1)
    params, tokens = 10.0 ** rng.uniform(7.5, 10, 50), 10.0 ** rng.uniform(9, 11.5, 50)
    loss = (1.69 + 406.4 * params**-0.34 + 410.7 * tokens**-0.28) * np.exp(0.01 * rng.standard_normal(50))
    return pd.DataFrame({"model": [f"run {n}" for n in range(50)], "params": params, "tokens": tokens, "loss": loss})


def command(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "forecast", *map(str, arguments)],
        cwd=FOLDER,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def forecast_threshold(folder: Path) -> None:
    one_task().to_csv(folder / "table.csv", index=False)
    command("fit", folder / "table.csv", "-o", folder / "fit.nc")
    command("threshold", folder / "fit.nc", "--task", "one", "--at", "0.5")


def bootstrap_threshold(folder: Path) -> None:
    """A script of its own, as one would write it: 1,000 fits of a logistic curve to resampled counts."""
    one_task().to_csv(folder / "table.csv", index=False)
    script = folder / "bootstrap.py"
    script.write_text(BOOTSTRAP_SCRIPT)
    subprocess.run([sys.executable, script, folder / "table.csv"], check=True, stdout=subprocess.DEVNULL)


BOOTSTRAP_SCRIPT = f"""
import sys
import numpy as np
import pandas as pd
from scipy.optimize import curve_fit

table, rng, found = pd.read_csv(sys.argv[1]), np.random.default_rng(1), []
x = np.log10(table.compute.to_numpy())
def curve(x, place, slope, top):
    return top / (1.0 + np.exp(-slope * (x - place)))
for _ in range({BOOTSTRAP}):
    score = rng.binomial(table.trials, table.successes / table.trials) / table.trials
    try:
        (place, slope, top), _ = curve_fit(curve, x, score, p0=(x.mean(), 2.0, 1.0), bounds=((0, 0, 0), (99, 99, 1)))
    except RuntimeError:
        continue
    found.append(place - np.log(top / 0.5 - 1.0) / slope if top > 0.5 else np.inf)
print(np.quantile(found, [0.05, 0.5, 0.95], method="inverted_cdf"))
"""


def forecast_loss(folder: Path) -> None:
    table = losses().rename(columns={"loss": "score"}).assign(task="loss", metric="loss")
    table.to_csv(folder / "table.csv", index=False)
    command("fit", folder / "table.csv", "-o", folder / "fit.nc")
    command("threshold", folder / "fit.nc", "--task", "loss", "--at", "2.2")


def simple_scaling_laws_loss(folder: Path) -> None:
    import polars as pl
    from simple_scaling_laws import fit

    table = losses()
    columns = {
        "training_run_id": "model",
        "model_size__n": "params",
        "dataset_size__d": "tokens",
        "test_loss__nll": "loss",
    }
    frame = pl.DataFrame({name: table[of].to_list() for name, of in columns.items()}).with_columns(
        pl.lit("one").alias("test_set_id")
    )
    fit(frame, law="separable-power", n_draws=BOOTSTRAP, seed=1)


def chinchilla_loss(folder: Path) -> None:
    from chinchilla import Chinchilla

    model = Chinchilla(
        str(folder),
        param_grid={
            "E": np.linspace(1, 2, 3),
            "a": np.linspace(1, 10, 3),
            "b": np.linspace(1, 10, 3),
            "alpha": np.linspace(0.1, 0.7, 3),
            "beta": np.linspace(0.1, 0.7, 3),
        },
        log_level=40,
    )
    for params, tokens, loss in losses()[["params", "tokens", "loss"]].itertuples(index=False):
        model.append(C=6 * params * tokens, N=params, D=tokens, loss=loss)
    model.fit(parallel=False)


ANSWERS: dict[str, Callable[[Path], None]] = {
    "threshold: forecast": forecast_threshold,
    "threshold: SciPy bootstrap": bootstrap_threshold,
    "loss: forecast": forecast_loss,
    "loss: simple-scaling-laws": simple_scaling_laws_loss,
    "loss: chinchilla": chinchilla_loss,
}
NEEDS = {
    "NumPyro": "numpyro",
    "loss: simple-scaling-laws": "simple_scaling_laws",
    "loss: chinchilla": "chinchilla",
}


def answer(name: str) -> dict[str, Any]:
    """Processor and wall seconds from command to answer."""
    with tempfile.TemporaryDirectory() as folder:
        before, started = seconds(), time.perf_counter()
        ANSWERS[name](Path(folder))
        return {"cpu_s": seconds() - before, "wall_s": time.perf_counter() - started}


def measure(name: str) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    return answer(name) if name in ANSWERS else sampler(name)


def run(name: str, cache: str) -> dict[str, Any] | None:
    environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={cache}", "PYTHONPATH": str(FOLDER)}
    found = subprocess.run(
        [sys.executable, __file__, name, "--here"],
        capture_output=True,
        text=True,
        env=environment,
    )
    if found.returncode:
        print(f"{name:28} failed: {(found.stderr.strip().splitlines() or ['without a word'])[-1][:150]}")
        return None
    measured: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    print(f"{name:28}", "  ".join(f"{key} {value:.4g}" for key, value in measured.items()), flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", default=[*SAMPLERS, *(LADDER + name for name in SAMPLERS), *ANSWERS])
    parser.add_argument("--here", action="store_true", help="measure one case in this process and print it as JSON")
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.cases[0])))
        return
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in given.cases:
            needed = NEEDS.get(name.removeprefix(LADDER))
            if needed and importlib.util.find_spec(needed) is None:
                print(f"{name:28} left out: not installed")
                continue
            if name not in ANSWERS:
                found[name] = run(name, f"{cache}/{name}")
            else:  # the first fills the caches, as the first use on a machine does
                found[f"{name}, first"], found[name] = run(name, f"{cache}/answers"), run(name, f"{cache}/answers")
    ratios({name: measured for name, measured in found.items() if measured})


def ratios(found: dict[str, dict[str, Any]]) -> None:
    """What `forecast` is worth beside the best of the others."""
    for key, words in (("ess_per_s", "sampling"), ("ess_per_s_compiled", "sampling with compilation")):
        for of in ("", LADDER):
            others = {name: found[of + name][key] for name in SAMPLERS if of + name in found and name != "forecast"}
            if others and of + "forecast" in found:
                best = max(others, key=lambda name: others[name])
                ratio = found[of + "forecast"][key] / others[best]
                print(f"{of}{words}: {ratio:.1f} times {best} a processor second")
    if {"threshold: forecast", "threshold: SciPy bootstrap"} <= set(found):
        times = [found[name]["wall_s"] for name in ("threshold: forecast", "threshold: SciPy bootstrap")]
        print(f"command to answer: {times[0] / times[1]:.1f} times the time of the bootstrap")


if __name__ == "__main__":
    main()
