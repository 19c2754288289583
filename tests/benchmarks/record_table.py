"""Table of the record: a CSV with one line a bed, and the lines of README that follow from it.

`record.py` writes both; `tests/test_readmes.py` holds README against the CSV.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from forecast.backtesting.record import METHODS
from forecast.backtesting.scored import OURS
from forecast.scoring.summary import summary

CSV = Path(__file__).parent / "record.csv"
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- record -->\n", "<!-- /record -->\n"
TITLES = {
    "gadre 9e19": "C4 models (Gadre et al. 2024) to 9e19 FLOP",
    "gadre 3.4e20": "C4 models to 3.4e20",
    "obsscaling 2.3e22": "open models (Ruan et al. 2024) to 2.3e22",
    "obsscaling 8.5e22": "open models to 8.5e22",
    "olmo to 1B": "OLMo ladder to 1B",
    "cerebras to 1.3B": "Cerebras-GPT and others to 1e21 FLOP",
    "pythia lambada": "LAMBADA along Pythia's training",
    "characters": "character models to 5e11 FLOP, all metrics",
    "gpt3": "GPT-3 arithmetic to 13B",
    "sloth by date": "leaderboard GSM8K and MATH by date",
    "hub to 2023": "benchmark hub (Epoch AI) by date, to the end of 2023",
    "hub to June 2024": "benchmark hub by date, to June 2024",
    "hub to 2023, dates": "benchmark hub by date alone, to the end of 2023",
    "hub to June 2024, dates": "benchmark hub by date alone, to June 2024",
    "open base 8.4e22": "open base models (Liu et al. 2025) to 8.4e22",
    "bnsl": "4-digit addition before its break (losses)",
}


def lines_of(scores: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """One line a bed: outcomes, CRPS, the best baseline, their ratio, coverage, width and R-hat of the forecasts."""
    by = summary(scores, by=("bed", "method")).set_index(["bed", "method"])
    found = []
    for bed in scores["bed"].unique():
        own = by.loc[bed]
        baselines = own.loc[[name for name in METHODS if name in own.index], "crps"]
        ours = own.loc[OURS]
        found.append(
            {
                "bed": bed,
                "n": int(ours["n"]),
                "crps": ours["crps"],
                "baseline": baselines.idxmin(),
                "baseline_crps": baselines.min(),
                "ratio": ours["crps"] / baselines.min(),
                **{f"coverage_{level}": ours[f"coverage_{level}"] for level in (50, 80, 90)},
                "width_90": ours["width_90"],
                "forecast_rhat": fits.loc[fits["bed"] == bed, "forecast_rhat"].max(),
            }
        )
    return pd.DataFrame(found).round(6)


def table_of(record: pd.DataFrame) -> str:
    """The table of README, best ratio first, and the geometric mean of the ratios."""
    lines = [
        "| table, held-out outcomes | CRPS | best baseline, with hindsight | ratio | inside 50 / 80 / 90% | width |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for bed in record.sort_values("ratio").itertuples():
        inside = " ".join(f"{getattr(bed, f'coverage_{level}'):.2f}".lstrip("0") for level in (50, 80, 90))
        best = f"{bed.baseline_crps:.3f} {bed.baseline}"
        title = TITLES.get(bed.bed, bed.bed)
        lines.append(
            f"| {title}, {bed.n} | {bed.crps:.3f} | {best} | {bed.ratio:.2f} | {inside} | {bed.width_90:.2f} |"
        )
    mean = np.exp(np.log(record["ratio"]).mean())
    return "\n".join([*lines, "", f"The geometric mean of the ratios is {mean:.2f}."]) + "\n"


def written(readme: str, table: str) -> str:
    """README with the table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table + END + after


def write(scores: pd.DataFrame, fits: pd.DataFrame) -> None:
    """Write the CSV and the table of README."""
    record = lines_of(scores, fits)
    record.to_csv(CSV, index=False)
    README.write_text(written(README.read_text(encoding="utf-8"), table_of(record)), encoding="utf-8")
