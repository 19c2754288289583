"""The first hour of a newcomer: every command of walkthrough.txt, on the template and on tables of every kind."""

import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Run, forecast_command

HERE = Path(__file__).parent
GPT3 = HERE.parent / "case_studies" / "gpt3_arithmetic" / "gpt3_arithmetic.csv"


@dataclass
class Step:
    """A command with what is expected of it."""

    line: int
    words: list[str]
    code: int = 0
    patterns: list[tuple[str, str]] = field(default_factory=list)  # mark, pattern


def steps_of(text: str) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        if mark == "$":
            steps.append(Step(line=number, words=shlex.split(rest)))
        elif mark == "exit":
            steps[-1].code = int(rest)
        elif mark in (">", "!", "-"):
            steps[-1].patterns.append((mark, rest))
        elif line and mark != "#":
            raise ValueError(f"walkthrough.txt, line {number}: {line}")
    return steps


def missed(step: Step, run: Run) -> list[str]:
    """What of a step did not hold."""
    found = [f"exit {run.code}, expected {step.code}"] if run.code != step.code else []
    for mark, pattern in step.patterns:
        text = {">": run.out, "!": run.err, "-": run.out + run.err}[mark]
        if bool(re.search(pattern, text, re.MULTILINE)) == (mark == "-"):
            found.append(f"{mark} {pattern}")
    return found


def share(x) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.asarray(x)))


def write_tables(folder: Path) -> None:
    """The tables that the commands read; numbers are made up from logistic curves."""
    shutil.copy(GPT3, folder / "gpt3.csv")
    dates = pd.date_range("2021-01-15", "2024-06-15", periods=8)
    rates = share(np.linspace(-3.0, 1.5, 8)).round(3)
    table = pd.DataFrame({"model": [f"m{i}" for i in range(8)], "task": "riddles", "metric": "exact_match"})
    table.assign(score=rates, trials=1000, date=dates.strftime("%Y-%m-%d")).to_csv(folder / "dates.csv", index=False)
    rows = []
    for place, (family, year, lead) in enumerate((("early", 2021, -1.2), ("middle", 2023, -1.2), ("late", 2023, 1.8))):
        for size in range(4):
            x = 21.0 + 0.7 * size + 0.2 * place
            run = {"model": f"{family} {size}", "family": family, "compute": 10**x, "date": f"{year}-03-01"}
            run |= {"params": (10**x / 120) ** 0.5, "tokens": 20 * (10**x / 120) ** 0.5, "trials": 1000}
            ahead = 1.8 * (x - 22.6) + lead
            rows.append(run | {"task": "sums", "metric": "exact_match", "score": round(float(share(ahead)), 3)})
            score = round(float(0.25 + 0.7 * share(ahead - 1.0)), 3)
            rows.append(run | {"task": "picks", "metric": "choice", "score": score})
    pd.DataFrame(rows).to_csv(folder / "families.csv", index=False)
    (folder / "scores.csv").write_text(
        "model,sums,words\n" + "".join(f"m{i},{0.1 * i + 0.05:.2f},{0.15 * i + 0.02:.2f}\n" for i in range(5))
    )
    (folder / "models.csv").write_text(
        "model,compute\n" + "".join(f"m{i},{10.0 ** (21 + i / 2):g}\n" for i in range(5))
    )
    (folder / "new.csv").write_text(
        "model,task,metric,trials,length,compute\nnext,3-digit addition few-shot,exact_match,2000,1.85,1e24\n"
    )
    (folder / "design.csv").write_text(
        "model,task,metric,trials,compute\n" + "".join(f"m{i},sums,exact_match,500,1e{21 + i}\n" for i in range(4))
    )


@pytest.mark.mcmc
def test_every_command_of_the_walkthrough_answers_as_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    steps = steps_of((HERE / "walkthrough.txt").read_text(encoding="utf-8"))
    assert len(steps) >= 40
    failed = []
    for step in steps:
        run = forecast_command(*step.words[1:])
        if found := missed(step, run):
            failed.append(f"line {step.line}: {shlex.join(step.words)}: {found}\n{run.out}\n{run.err}")
    assert not failed, "\n\n".join(failed)
    for report in ("gpt3.html", "dates.html", "families.html", "study/output/report.html"):
        assert (tmp_path / report).read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_a_step_that_does_not_hold_is_seen():
    (step,) = steps_of("$ forecast x\nexit 3\n> all well\n! oh\n- inf")
    assert missed(step, Run(3, "all well", "oh no")) == []
    assert missed(step, Run(0, "within inf", "")) == ["exit 0, expected 3", "> all well", "! oh", "- inf"]
