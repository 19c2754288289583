"""Figure of `design`: expected interval score after each candidate."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from forecast.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, name_label

COLOURS = {"new run": BLUE, "more items": ORANGE, "partial credit": GREEN, "loss": PURPLE, "evaluation": SKY}


def plot_design(lines: Sequence[Mapping[str, Any]], *, now: float, unit: str, ax: Axes) -> Axes:
    """Expected interval score of the threshold after each candidate, best on top, beside what it is now.

    Parameters
    ----------
    lines : candidates, best first, as `forecast.questions.design.answer.design` gives them; bars are two standard
    errors of simulation
    now : the present interval score
    unit : of scores
    """
    for place, line in enumerate(lines):
        colour = COLOURS[line["kind"]]
        ax.plot([line["expected_score"], now], [place, place], color=colour, alpha=0.35, linewidth=3)
        error = 2.0 * line["error_score"]
        ax.errorbar(line["expected_score"], place, xerr=error, fmt="o", markersize=4, color=colour, linewidth=1)
    ax.axvline(now, color=GREY, linestyle=":", linewidth=0.9)
    ax.annotate("now", (now, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize="small")
    for kind in dict.fromkeys(line["kind"] for line in lines):
        ax.plot([], [], "o", markersize=4, color=COLOURS[kind], label=kind)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.04), ncols=4, borderaxespad=0.0)
    ax.set_yticks(range(len(lines)), [name_label(line["name"], width=34) for line in lines])
    ax.set_ylim(len(lines) - 0.4, -0.6)
    ax.set_xlabel(f"expected interval score of the threshold afterwards, {unit}; less is narrower")
    return ax
