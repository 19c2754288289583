"""How fast fits are, and how their cost grows: run by hand, `python3 -m uv run python tests/benchmarks/speed.py`.

Each case is fitted in a process of its own, with the default sampling unless told otherwise: (a) one task, 8 runs;
(b) obsscaling_open, all tasks and runs; (c) simulated tables of 25, 50, 100 and 200 tasks by 100 runs. Cases can be
named: `speed.py a b c25`. Compilation is timed on what the caches hold: run it twice to see warm figures.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings

COLUMNS = ("case", "rows", "parameters", "compile_s", "sample_s", "gradient_us", "max_rhat", "min_ess")
MORE = ("ess_per_s", "divergences", "peak_gib")
FAMILIES, RUNS = 10, 100


def case(name):
    import numpy as np
    import pandas as pd

    if name == "a":
        x = np.linspace(20.0, 23.5, 8)
        score = 1.0 / (1.0 + 10.0 ** (-0.8 * (x - 22.5)))
        return observed(
            pd.DataFrame(
                {"model": [f"run {each}" for each in range(8)], "task": "one", "metric": "exact_match"}
            ).assign(compute=10.0**x, trials=1000, score=score.round(3))
        )
    if name == "b":
        import beds

        from forecast.table.dataset import observations

        return observations(beds.obsscaling())
    from forecast.fitting.simulate import simulate
    from forecast.table.dataset import observations

    tasks = int(name[1:])
    rows = pd.DataFrame(
        [
            {
                "model": f"run {run}",
                "task": f"task {task}",
                "metric": "choice" if task % 5 == 0 else "exact_match",
                "chance": 0.25 if task % 5 == 0 else 0.0,
                "trials": 500,
                "compute": 10.0 ** (19.0 + 0.05 * run),
                "family": f"family {run % FAMILIES}",
                "date": f"{2019 + run % 6}-06-01",
            }
            for run in range(RUNS)
            for task in range(tasks)
        ]
    )
    return observations(simulate(read(rows, scored=False), seed=tasks)[0])


def read(rows, *, scored=True):
    """A frame as `read_table` or `read_rows` gives it."""
    import tempfile
    from pathlib import Path

    from forecast.table.dataset import read_rows, read_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        rows.to_csv(path, index=False)
        return (read_table if scored else read_rows)(path)


def observed(rows):
    from forecast.table.dataset import observations

    return observations(read(rows))


def gradient_us(program):
    """Time of one log density with its gradient, from a short chain alone on its core."""
    import nutpie

    options = {"draws": 10, "tune": 40, "chains": 1, "cores": 1, "seed": 1, "progress_bar": False}
    started = time.perf_counter()
    tree = nutpie.sample(program.sampler, save_warmup=True, **options)
    seconds = time.perf_counter() - started
    steps = sum(int(tree[group]["n_steps"].sum()) for group in ("sample_stats", "warmup_sample_stats"))
    return 1e6 * seconds / steps


def measure(name, options):
    warnings.simplefilter("ignore")
    from forecast.draws import Sampling
    from forecast.fitting.compiling.program import compiled
    from forecast.fitting.sampler import sampled
    from models.capability import capability_model

    data = case(name)
    started = time.perf_counter()
    model = capability_model(data)
    program = compiled(model)
    compile_s = time.perf_counter() - started
    started = time.perf_counter()
    found = sampled(model, Sampling(**options)).diagnostics
    sample_s = time.perf_counter() - started
    least = found.min_ess
    return {
        **{"case": name, "rows": int(data.sizes["observation"]), "parameters": int(program.sampler.n_dim)},
        **{"compile_s": round(compile_s, 1), "sample_s": round(sample_s, 1)},
        "gradient_us": round(gradient_us(program)),
        **{"max_rhat": round(found.max_rhat, 4), "min_ess": round(least), "ess_per_s": round(least / sample_s, 2)},
        "divergences": found.divergences,
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", default=["a", "b", "c25", "c50", "c100", "c200"])
    parser.add_argument("--draws", type=int)
    parser.add_argument("--tune", type=int)
    parser.add_argument("--chains", type=int)
    parser.add_argument("--here", action="store_true", help="measure one case in this process and print it as JSON")
    given = parser.parse_args()
    options = {name: getattr(given, name) for name in ("draws", "tune", "chains") if getattr(given, name) is not None}
    if given.here:
        print(json.dumps(measure(given.cases[0], options)))
        return
    print("  ".join(f"{column:>11}" for column in (*COLUMNS, *MORE)))
    for name in given.cases:
        passed = [f"--{option}={value}" for option, value in options.items()]
        run = subprocess.run([sys.executable, __file__, name, "--here", *passed], stdout=subprocess.PIPE, text=True)
        if run.returncode:
            print(f"{name:>11}  failed with exit code {run.returncode}")
            continue
        found = json.loads(run.stdout.splitlines()[-1])
        print("  ".join(f"{found[column]!s:>11}" for column in (*COLUMNS, *MORE)), flush=True)


if __name__ == "__main__":
    main()
