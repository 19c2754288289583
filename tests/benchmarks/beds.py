"""Open tables on which forecasts are scored, read from shared/data; see the docstring of each for what is left out."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.table.dataset import read_table

PLACES = [folder / "shared" / "data" for folder in Path(__file__).parents]
DATA = next(filter(Path.exists, PLACES), None)
EMERGENT = [
    *("arithmetic_2da", "arithmetic_2dm", "arithmetic_3da", "arithmetic_3ds"),
    *("ipa_transliterate", "word_unscrambling"),
]
GENERAL = ["ARC-C", "GSM8K", "HellaSwag", "HumanEval", "MMLU", "Winograd", "XWinograd", "parsinlu_qa"]
XWINOGRAD_TRIALS = 3000  # blank in the table; about the number of items of the benchmark
GADRE_TASKS = [
    *("jeopardy", "lambada_openai", "squad", "coqa"),
    *("bigbench_qa_wikidata", "bigbench_cs_algorithms", "bigbench_dyck_languages"),
]
OLMO_3B = tuple(f"3B-{tokens}" for tokens in ("0.5xC", "1xC", "1xC-rerun", "2xC", "5xC", "10xC"))
BNSL_UNIT = 1e15  # FLOP in place of an example
GPT3 = Path(__file__).parents[2] / "case_studies" / "gpt3_arithmetic" / "gpt3_arithmetic.csv"


@dataclass(frozen=True, kw_only=True)
class Bed:
    """A table and what of it a forecast must not see: exactly one of `below`, `before` and `hidden` is given."""

    name: str
    table: pd.DataFrame  # as `read_table` gives it
    below: float | None = None  # FLOP: runs strictly below train, the others are hidden
    before: str | None = None  # ISO date: models released before it train, the others are hidden
    hidden: tuple[str, ...] | None = None  # names of the hidden models, where neither FLOP nor date tells them apart

    def __post_init__(self) -> None:
        cuts = {"below": self.below, "before": self.before, "hidden": self.hidden}
        given = [name for name, cut in cuts.items() if cut is not None]
        if len(given) != 1:
            raise ValueError(f"bed {self.name!r} has the cuts {given}: give exactly one of {list(cuts)}")
        if absent := set(self.hidden or ()) - set(self.table["model"]):
            raise ValueError(f"bed {self.name!r} hides models that its table lacks: {sorted(absent)}")


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


def gadre() -> pd.DataFrame:
    """C4-trained models, N and D varied independently, on the seven exact-match tasks of DATA.md.

    Left out: multiple choice; the six further exact-match tasks of the file, which have few items, stay near 0 or, as
    PubMedQA, ask for yes or no; and the validation losses, which are in a file of their own.
    """
    return table("gadre_c4.csv", lambda rows: rows[rows["task"].isin(GADRE_TASKS)])


def olmo() -> pd.DataFrame:
    """OLMo ladder, 190M to 3B at 0.5 to 10 times Chinchilla tokens: choice, and the loss of the right answer per byte.

    Left out: the validation splits of ARC, MMLU and OpenBookQA, whose test splits are there: they would count a
    benchmark twice, and those of MMLU have no trials, which `read_table` refuses. Other benchmarks have one split
    each, with its trials. Second seeds stay, as runs of their own.
    """

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        tested = rows["task"].str.replace("_val", "_test").isin(set(rows["task"]))
        return rows[rows["task"].str.endswith("_test") | ~tested]

    return table("olmo_ladder_to_3b.csv", keep)


def cerebras() -> pd.DataFrame:
    """Cerebras-GPT and the models that its card compares: seven tasks zero-shot and the Pile loss per own token.

    Left out: a second row of a run on a task. Only the Cerebras family has one: the card's five-shot result, which the
    file does not mark and lists after the zero-shot one. OPT has no loss.
    """
    return table("cerebras_gpt.csv", lambda rows: rows[~rows.duplicated(["model", "task", "metric"])])


def pythia() -> pd.DataFrame:
    """LAMBADA of the Pythia checkpoints, exact match and loss.

    Left out: the deduplicated twins, which nearly repeat them, OPT and BLOOM, which are other recipes; and the steps
    before 512, as in `lambada`: still in warm-up, and the compute of step 0 is 0, which `read_table` refuses.
    """
    rows = lambada("pythia_lambada.csv")
    return rows[rows["family"] == "Pythia"]


def gpt3() -> pd.DataFrame:
    """GPT-3 on addition and subtraction, 2 to 4 digits, zero-, one- and few-shot: the case study's table, all of it."""
    return read_table(GPT3)


def sloth() -> pd.DataFrame:
    """Open LLM Leaderboard: GSM8K and MATH level 5, of the models whose date and compute are known.

    Left out: models without date, which fall on neither side, and without compute, which `read_table` refuses (Mixtral
    among them); the other tasks, which are choices, as MUSR in truth, or have no trials. Left in: scores of instruct
    models near 0 that seem broken. The date is that of the leaderboard entry, which can be a year after the release;
    GSM8K ends in June 2024; MATH is rounded to 0.01.
    """

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["task"].isin(["GSM8K", "MATH Lvl 5"])].dropna(subset=["date", "compute"])

    return table("sloth_leaderboards.csv", keep)


def hub(*, compute: bool) -> pd.DataFrame:
    """Epoch's benchmark hub to the end of 2024: the models whose compute is known, or all of them by date alone.

    Nothing else is left out: base and tuned models, several prompts; no families.
    """

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.dropna(subset=["compute"]) if compute else rows.drop(columns="compute")

    return table("epoch_hub_to_2024.csv", keep)


def open_base() -> pd.DataFrame:
    """Open base models: arithmetic with 1 to 5 digits, GSM8K, HumanEval, LAMBADA; nothing is left out."""
    return table("open_base_models.csv")


def bnsl() -> pd.DataFrame:
    """Loss of 4-digit addition by the number of training examples, which stands in place of compute.

    It is not FLOP, and is shifted by fifteen decades to where a table may have compute, which moves no forecast.
    Nothing is left out; the file has neither model names nor families, so a run is named by its number of examples.
    """

    def keep(rows: pd.DataFrame) -> pd.DataFrame:
        size = rows["x_dataset_size"]
        return rows.assign(
            model=size.astype(str) + " examples",
            metric="loss",
            score=rows["test_cross_entropy"],
            compute=size * BNSL_UNIT,
        )

    return table("bnsl_4digit_addition.csv", keep)


def _bed(name: str, load: Callable[[], pd.DataFrame], cut: dict[str, Any]) -> Bed:
    return Bed(name=name, table=load(), **cut)


_EMERGENT = partial(obsscaling, EMERGENT)
_SOURCES: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Any]]] = {
    "gadre 9e19": (gadre, {"below": 9e19}),
    "gadre 3.4e20": (gadre, {"below": 3.4e20}),
    "obsscaling 2.3e22": (_EMERGENT, {"below": 2.3e22}),
    "obsscaling 8.5e22": (_EMERGENT, {"below": 8.5e22}),
    "olmo to 1B": (olmo, {"hidden": OLMO_3B}),  # 3B at few tokens has less compute than 1B at many
    "cerebras to 1.3B": (cerebras, {"below": 1e21}),  # Cerebras 1.3B: 2.8e20, 2.7B: 1.1e21; other families too
    "pythia lambada": (pythia, {"below": 5.36e20}),  # half of the 136 runs; the median of their log10 FLOP
    "gpt3": (gpt3, {"below": 2.4e22}),
    "sloth by date": (sloth, {"before": "2024-05-15"}),  # 63 of 105 models are earlier
    "hub to 2023": (partial(hub, compute=True), {"before": "2024-01-01"}),
    "hub to June 2024": (partial(hub, compute=True), {"before": "2024-07-01"}),
    "hub to 2023, dates": (partial(hub, compute=False), {"before": "2024-01-01"}),
    "hub to June 2024, dates": (partial(hub, compute=False), {"before": "2024-07-01"}),
    "open base 8.4e22": (open_base, {"below": 8.4e22}),
    "characters": (characters, {"below": 5.1e11}),
    "bnsl": (
        bnsl,
        {"below": 512 * BNSL_UNIT},
    ),  # the local slope in log-log is 0.05 to 0.07 up to 480, 0.2 to 512, 0.4 to 544
}
BEDS: dict[str, Callable[[], Bed]] = {name: partial(_bed, name, *source) for name, source in _SOURCES.items()}


def all_beds() -> list[Bed]:
    """Every bed, read anew: about a second."""
    return [make() for make in BEDS.values()]
