"""Does the recommended next run beat a random affordable one? Simulated ladders, run by hand.

`python3 -m uv run python tests/benchmarks/design_simulation.py [--repetitions 50] [-o FILE]`. Each repetition: eight
runs below the threshold from a known truth, a fit, the recommendation among the new runs within a budget (ten times the
largest run), and one of them at random. Both are measured under the truth and the table is fitted again with each;
the narrower 90% interval wins (ends held within the horizon of the recommendation; equal widths, and the same run, are
half a win). `--all` fits every affordable run again, so that chance picks no run: a win then is the share of the other
runs that are beaten.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.draws import Sampling
from forecast.fitting.sampler import fit
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.threshold import threshold_draws
from forecast.questions.design.candidates import NEW_RUN, candidates_of
from forecast.questions.design.interval import Posterior, Simulation, expected_after, posterior_of
from forecast.questions.design.outcomes import interval_ends
from forecast.table.dataset import observations
from models.capability import capability_model
from models.equations.surrogates import exact_match, loss_from_exact_match
from models.priors import Priors
from models.structures import Parts

TASK, AT, ITEMS, LENGTH = "addition", 0.5, 500, 4
LADDER = np.linspace(20.0, 22.0, 8)
BUDGET = 1e23
CONCENTRATION, SIGMA_RUN, FLOOR = 200.0, 0.1, 0.002
SAMPLING = Sampling(tune=300, draws=300, chains=4)


def truth_of(rng: np.random.Generator) -> dict[str, float]:
    """A law that crosses one half beyond the ladder and, in most cases, within the budget."""
    return {
        "crossed_at": rng.uniform(22.2, 23.2),
        "exponent": rng.uniform(0.4, 0.9),
        "nu": np.exp(0.4 * rng.standard_normal()),
    }


def measured(truth: dict[str, float], x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts of new runs at log10 FLOP x, each with its own residual and the spread of its evaluation."""
    nu = truth["nu"]
    success = (AT - FLOOR) / (1.0 - FLOOR)
    half = loss_from_exact_match(success, length=LENGTH, nu=nu)
    theta = x - truth["crossed_at"] + SIGMA_RUN * rng.standard_normal(len(x))
    mean = FLOOR + (1.0 - FLOOR) * exact_match(half * 10.0 ** (-truth["exponent"] * theta), length=LENGTH, nu=nu)
    return rng.binomial(ITEMS, rng.beta(mean * CONCENTRATION, (1.0 - mean) * CONCENTRATION))


def table_of(x: np.ndarray, successes: np.ndarray) -> pd.DataFrame:
    blank = {name: np.nan for name in ("k", "params", "tokens")}
    return pd.DataFrame(
        {
            **{"model": [f"run {at:.4f}" for at in x], "task": TASK, "metric": "exact_match"},
            **{"score": successes / ITEMS, "successes": successes, "trials": ITEMS, "length": float(LENGTH)},
            **{"chance": 0.0, "compute": 10.0**x, "compute_sd": 0.0, "family": "all", "date": pd.NaT, **blank},
        }
    ).astype({"successes": "Int64", "trials": "Int64", "date": "datetime64[ns]"})


def fitted(frame: pd.DataFrame, seed: int):
    """A short fit."""
    data = observations(frame)
    model = capability_model(data, Parts(), Priors())
    posterior = fit(model, replace(SAMPLING, seed=seed))
    return drawn_fit(posterior, data, Priors(), Parts())


def interval(found) -> np.ndarray:
    values = threshold_draws(found, TASK, AT).values.ravel()
    return interval_ends(values, np.ones((1, len(values))))[:, 0]


def width(posterior: Posterior, ends: np.ndarray) -> float:
    return float(np.diff(ends.clip(*posterior.horizon))[0])


def repetition(seed: int, everything: bool, budget: float) -> dict:
    rng = np.random.default_rng([seed, 2026])
    truth = truth_of(rng)
    counts = measured(truth, LADDER, rng)
    base = fitted(table_of(LADDER, counts), seed)
    simulation = Simulation(seed=seed)
    posterior = posterior_of(base, TASK, AT, family=None, simulation=simulation)
    runs = [
        each
        for each in candidates_of(base, TASK, items=ITEMS, budget=budget, family=None)
        if each.kind == NEW_RUN and len(each.rows) == 1
    ]
    foreseen = [expected_after(posterior, each, simulation=simulation) for each in runs]
    scores = np.array([each.scores.mean() for each in foreseen])
    best, chance = int(np.argmin(scores)), int(rng.integers(len(runs)))
    sizes = np.log10([each.flop for each in runs])
    results = measured(truth, sizes, rng)
    refitted = {}
    for place in range(len(runs)) if everything else sorted({best, chance}):
        both = np.append(LADDER, sizes[place]), np.append(counts, results[place])
        refitted[place] = interval(fitted(table_of(*both), seed))
    widths = {place: width(posterior, ends) for place, ends in refitted.items()}
    others = [place for place in widths if place != best] if everything else [chance]
    won = [0.5 if place == best else 0.5 + 0.5 * np.sign(widths[place] - widths[best]) for place in others]
    return {
        **{"seed": seed, **truth, "before": interval(base).tolist(), "horizon": posterior.horizon},
        **{"sizes": sizes.tolist(), "best": best, "chance": chance, "won": float(np.mean(won))},
        "expected_score": scores.tolist(),
        "expected_width": [float(each.widths.mean()) for each in foreseen],
        "effective": [float(np.median(each.effective)) for each in foreseen],
        "after": {place: ends.tolist() for place, ends in refitted.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--first", type=int, default=1, help="seed of the first repetition")
    parser.add_argument("--all", action="store_true", help="fit every affordable run again")
    parser.add_argument("--budget", type=float, default=BUDGET, help="FLOP")
    parser.add_argument("-o", dest="output", type=Path, help="JSON lines to write")
    given = parser.parse_args()
    won = []
    for seed in range(given.first, given.first + given.repetitions):
        started = time.perf_counter()
        line = repetition(seed, given.all, given.budget)
        won.append(line["won"])
        if given.output:
            with given.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        seconds = time.perf_counter() - started
        print(f"{seed}: won {line['won']:.2f}, so far {np.mean(won):.2f} of {len(won)}, {seconds:.0f} s", flush=True)
    print(f"the recommended run wins {np.sum(won):.1f} of {len(won)}: {np.mean(won):.0%}")


if __name__ == "__main__":
    main()
