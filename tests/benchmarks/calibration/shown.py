"""Shown: ranks of each kind of table as a figure and as a line of the table in the README of the folder."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, STYLE, VERMILLION
from tests.benchmarks.calibration.bands import POINTS, band, p_value, shares
from tests.benchmarks.calibration.ranks import PLAIN

ANSWERS = ("threshold", "arrival", "score of a new run", "log likelihood")  # how names of what is reported begin
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, INK)
GREY_LINE = {"linewidth": 0.5, "color": GREY, "alpha": 0.5}
POOR_RHAT = 1.1  # of the halves of one chain, the largest of all numbers


def ranks_in(path: Path) -> dict[str, np.ndarray]:
    """The ranks of each number, by its name; numbers that never vary are left out."""
    table = pd.read_csv(path)
    found = {name: table[name].dropna().to_numpy() for name in table if name not in PLAIN}
    return {name: ranks for name, ranks in found.items() if len(ranks)}


def p_values(path: Path) -> dict[str, float]:
    return {name: p_value(ranks) for name, ranks in ranks_in(path).items()}


def plot_ranks(ranks: dict[str, np.ndarray], *, title: str, ax: Axes) -> Axes:
    """Empirical distribution of ranks less the uniform one, with its simultaneous 95% band; answers in colour."""
    size = max(map(len, ranks.values()))
    low, high = band(size)
    ax.fill_between(POINTS, low - POINTS, high - POINTS, color=GREY, alpha=0.2, linewidth=0, label="95% band")
    colours = iter(COLOURS)
    for name, own in sorted(ranks.items(), key=lambda each: each[0].startswith(ANSWERS)):
        is_answer = name.startswith(ANSWERS)
        answers = {"linewidth": 1.4, "label": name, "color": next(colours)} if is_answer else {}
        ax.step(POINTS, shares(own) - POINTS, where="post", **GREY_LINE | answers)
    ax.set_title(f"{title}: {size} simulations, {len(ranks)} numbers", loc="left", fontsize=9)
    ax.set_xlabel("rank of the truth among posterior draws, as a share")
    ax.set_ylabel("distribution less uniform")
    ax.legend(loc="upper right", fontsize=6, frameon=False)
    return ax


def write_figure(path: Path, figure: Path) -> None:
    """The figure of a file of ranks, as PNG."""
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(6.4, 3.2), layout="constrained")
        plot_ranks(ranks_in(path), title=path.stem, ax=drawn.subplots())
        drawn.savefig(figure, dpi=110)


def line_of(path: Path) -> dict[str, str]:
    """One line of the table of kinds."""
    table, p = pd.read_csv(path), p_values(path)
    worst = min(p, key=lambda name: p[name])
    answers = [value for name, value in p.items() if name.startswith(ANSWERS)]
    expected, spread = table["p_never"].sum(), np.sqrt((table["p_never"] * (1.0 - table["p_never"])).sum())
    return {
        "table": path.stem,
        "simulations": f"{len(table)}",
        "numbers": f"{len(p)}",
        "smallest p of answers": f"{min(answers):.2g}",
        "smallest p of all": f"{p[worst]:.2g} ({worst})",
        "p times numbers": f"{min(1.0, p[worst] * len(p)):.2g}",
        "never: came true, expected": f"{table['never'].sum():.0f}, {expected:.1f} ± {spread:.1f}",
        f"R-hat above {POOR_RHAT}": f"{(table['max_rhat'] > POOR_RHAT).mean():.0%}",
        "seconds": f"{table['seconds'].median():.1f}",
    }


def table_of(lines: list[dict[str, str]]) -> str:
    """Lines as a Markdown table."""
    head = list(lines[0])
    rows = [head, ["---"] * len(head), *(list(line.values()) for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def rewrite(readme: Path, name: str, text: str) -> None:
    """The part of a README between the marks of a name, written anew."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    assert begin and end, f"{readme} has no marks of {name}"
    readme.write_text(before + begin + text + end + after, encoding="utf-8")
