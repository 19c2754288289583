"""Open tables on which forecasts are scored, read from shared/data; see the docstring of each for what is left out."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from forecast.table import read_table

PLACES = [folder / "shared" / "data" for folder in Path(__file__).parents]
DATA = next(filter(Path.exists, PLACES), None)
EMERGENT = [
    *("arithmetic_2da", "arithmetic_2dm", "arithmetic_3da", "arithmetic_3ds"),
    *("ipa_transliterate", "word_unscrambling"),
]
GENERAL = ["ARC-C", "GSM8K", "HellaSwag", "HumanEval", "MMLU", "Winograd", "XWinograd", "parsinlu_qa"]
XWINOGRAD_TRIALS = 3000  # blank in the table; about the number of items of the benchmark


def table(name: str, keep: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows) -> pd.DataFrame:
    """A table of shared/data as `read_table` gives it, with the rows and names that `keep` leaves."""
    if DATA is None:
        raise SystemExit("shared/data is not there: it must lie beside or above the repository")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        keep(pd.read_csv(DATA / name)).to_csv(path, index=False)
        return read_table(path)


def obsscaling(tasks: list[str] | None = None) -> pd.DataFrame:
    """Open models on benchmarks and emergent tasks: the rows of known compute, all tasks or some.

    BLEU of IPA transliteration counts as a token accuracy of its own task.
    """

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[rows["compute"] > 0].assign(trials=rows["trials"].fillna(XWINOGRAD_TRIALS))
        rows.loc[rows["metric"] == "bleu", "task"] = "ipa_transliterate, BLEU"
        rows.loc[rows["metric"] == "bleu", "metric"] = "token_accuracy"
        return rows if tasks is None else rows[rows["task"].isin(tasks)]

    return table("obsscaling_open.csv", keep)


def characters(metrics: list[str] | None = None) -> pd.DataFrame:
    """Character transformers: all metrics of the next characters as of one law, or some metrics."""

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.assign(task="next characters")
        return rows if metrics is None else rows[rows["metric"].isin(metrics)]

    return table("characters_ladder.csv", keep)


def lambada(name: str = "gpt3_lambada.csv") -> pd.DataFrame:
    """LAMBADA: loss of the answer and exact match; of Pythia the checkpoints from step 512 on."""

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        step = rows["model"].str.extract(r"@(\d+)$")[0].astype(float).fillna(1e9)
        return rows[step >= 512]

    return table(name, keep)
