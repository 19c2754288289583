"""Case studies run again: their results, pictures and seconds, and the table over all of them.

`python tests/benchmarks/studies.py [NAME ...]` runs the studies named, or all, one after the other; copies
`result.json` and `forecast.svg` out of their folder `output`; and writes the table of `case_studies/README.md`, which
`tests/case_studies/test_results.py` holds against the results. It stops at the first study that fails, such as one
whose table is not here, and leaves the table of README as it was.
"""

import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[2] / "case_studies"
README = FOLDER / "README.md"
BEGIN, END = "<!-- studies -->\n", "<!-- /studies -->\n"
GOLDEN = ("result.json", "forecast.svg")
HEAD = (
    "| study | hidden outcomes | CRPS | best baseline, with hindsight | ratio | inside 90% | threshold error | time |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def names() -> list[str]:
    """Folders of the studies that have a result."""
    return sorted(path.parent.name for path in FOLDER.glob("*/result.json"))


def result_of(name: str) -> dict[str, Any]:
    """The committed result of a study."""
    return json.loads((FOLDER / name / "result.json").read_text(encoding="utf-8"))


def threshold_errors(result: dict[str, Any]) -> Iterator[float]:
    """Decades between the median thresholds of the forecast and of all runs, where all runs have crossed."""
    early, late = (each["thresholds"] for each in (result["fits"][0], result["fits"][-1]))
    for before, after in zip(early, late, strict=True):
        truth = float(after["log10_compute"]["q50"]) if after["log10_compute"] else -math.inf
        if math.isfinite(truth) and truth <= after["data_log10_compute"][1]:  # minus infinity: guessing suffices
            yield abs(float(before["log10_compute"]["q50"]) - truth)


def line_of(name: str, result: dict[str, Any], seconds: str) -> str:
    """The line of a study."""
    record = result["verdict"]["record"]
    errors = list(threshold_errors(result))
    error = f"{np.median(errors):.2f} of {len(errors)}" if errors else "-"
    cells = (
        f"[{name}]({name}/README.md)",
        record["n"],
        f"{record['crps']:.3f}",
        f"{record['best_baseline_crps']:.3f} {record['best_baseline']}",
        f"{record['crps_ratio']['estimate']:.2f}",
        f"{record['coverage_90']['share']:.2f}",
        error,
        seconds,
    )
    return f"| {' | '.join(map(str, cells))} |"


def seconds_in(text: str) -> dict[str, str]:
    """Seconds of each study as the table has them."""
    return dict(re.findall(r"^\| \[(\w+)\].*\| ([\d.]+ s) \|$", text, re.MULTILINE))


def table_of(seconds: dict[str, str]) -> str:
    """The table over all studies, best ratio first."""
    results = {name: result_of(name) for name in names()}
    scored = {name: each for name, each in results.items() if each["verdict"].get("record")}
    order = sorted(scored, key=lambda name: scored[name]["verdict"]["record"]["crps_ratio"]["estimate"])
    return "\n".join([*HEAD, *(line_of(name, scored[name], seconds.get(name, "")) for name in order)]) + "\n"


def written(readme: str, seconds: dict[str, str]) -> str:
    """README with the table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table_of(seconds_in(rest) | seconds) + END + after


def run(name: str) -> str:
    """Run a study and take its results; its seconds, as a whole process."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "forecast", "run", f"{FOLDER.name}/{name}"]  # results name it as readers would
    done = subprocess.run(command, cwd=FOLDER.parent, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 3):
        raise SystemExit(f"{name}: exit code {done.returncode}; the table of README is as it was")
    for file in GOLDEN:
        shutil.copy(FOLDER / name / "output" / file, FOLDER / name / file)
    return f"{seconds:.0f} s"


if __name__ == "__main__":
    took = {name: run(name) for name in sys.argv[1:] or names()}
    README.write_text(written(README.read_text(encoding="utf-8"), took), encoding="utf-8")
