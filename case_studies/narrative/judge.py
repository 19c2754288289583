"""Narrative study: every run of the character ladder writes, a panel of twelve judges reads; the marks, as a table.

    python3 -m uv run --group train python case_studies/narrative/judge.py OUT.csv --runs CHARACTERS.runs

Each run continues the same 500 held-out prompts by 192 characters (`writing.py`, `passages.py`), and the panel judges
them (`panel.py`). What really follows the prompts is judged too, in the column `human`. Judgements stand for tokens: an
item has twelve, so that `token_accuracy` is the share of judgements passed, `at_least_k` a mark reached and
`exact_match` all twelve. Of the marks between, the table tells 3, 6 and 9, as each more takes the model longer to
compile. How many items have each mark and pass each judge is in the column `note` of the first row of a run.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from case_studies.characters.train import GIVEN, RUNS
from case_studies.ladder import COLUMNS, Row, Run, histogram, histogram_rows, table_rows, write_table
from case_studies.narrative.panel import PANEL
from case_studies.narrative.passages import WRITTEN, passages, text_of
from case_studies.training import stored, to_one_core, weights_of
from forecast.errors import ForecastError
from forecast.files import check_target

TASK = "reads like Python"
MARKS = (3, 6, 9)  # of at least k, beside all twelve
SOURCE = "written by the character ladder of this project, judged by the panel of case_studies/narrative"


def judged(prompts: np.ndarray, continuations: np.ndarray) -> np.ndarray:
    """Whether each continuation passes each judge (item, judge)."""
    texts = [(text_of(prompt), text_of(rest)) for prompt, rest in zip(prompts, continuations, strict=True)]
    return np.array([[judge(*each) for judge in PANEL] for each in texts])


def rows(run: Run, passed: np.ndarray, real: np.ndarray) -> Iterator[Row]:
    """Measurements of a run as rows of the table.

    `passed`, `real` : (item, judge) of what the run wrote, and of what really follows
    """
    both = zip(*(histogram_rows(TASK, histogram(each), MARKS) for each in (passed, real)), strict=True)
    measured = [{**row, "human": f"{of_real['successes'] / of_real['trials']:.4g}"} for row, of_real in both]
    measured[0]["note"] = f"{by_judge(passed)}; marks 0 to 12: {' '.join(map(str, histogram(passed)))}"
    return table_rows(run, measured, family="characters", source=SOURCE)


def by_judge(passed: np.ndarray) -> str:
    """How many items pass each judge, in words."""
    counts = zip(PANEL, passed.sum(axis=0), strict=True)
    return f"of {len(passed)}: " + ", ".join(f"{judge.__name__} {count}" for judge, count in counts)


def written_by(run: Run, prompts: np.ndarray, folder: Path) -> np.ndarray:
    """What a kept run writes after the prompts (item, place)."""
    from case_studies.narrative.writing import written
    from case_studies.transformer import weights_from

    with np.load(weights_of(run, folder)) as kept:
        weights = weights_from(run, list(kept.values()))
    return written(weights, run, prompts, length=WRITTEN, seed=run.seed)


def table_of(folder: Path) -> Iterator[Row]:
    """Rows of all runs, the smallest first."""
    missing = [run.name for run in RUNS if stored(run, folder) is None or not weights_of(run, folder).exists()]
    if missing:
        raise ForecastError(
            f"{folder} lacks {len(missing)} of {len(RUNS)} runs, such as {missing[0]}; "
            "train them first with case_studies/characters/train.py"
        )
    prompts, rest = np.split(passages(), [GIVEN], axis=1)
    real = judged(prompts, rest)
    print(f"what really follows, {by_judge(real)}", file=sys.stderr)
    for run in RUNS[::-1]:
        passed = judged(prompts, written_by(run, prompts, folder))
        print(f"{run.name}, {run.compute:.2g} FLOP, {by_judge(passed)}", file=sys.stderr, flush=True)
        yield from rows(run, passed, real)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Let the character ladder write, judge it, and write the table.")
    parser.add_argument("out", type=Path, metavar="OUT.csv", help="the observation table to write")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", required=True, help="kept by characters/train.py")
    args = parser.parse_args()
    to_one_core()
    try:
        check_target(args.out)
        write_table(args.out, table_of(args.runs), columns=(*COLUMNS, "human"))
    except ForecastError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
