"""Style of figures: the sheet, colours on light and dark pages, names; and a figure as a file.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from forecast.files import check_figure, write_whole

PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#222222", "#E8EAED"),
    "grey": ("#767676", "#949AA1"),
    "paper": ("#FFFFFF", "#14171A"),
    "beyond": ("#F4F4F6", "#21262C"),
    "blue": ("#0072B2", "#4C9BE8"),
    "vermillion": ("#D55E00", "#F4713B"),
    "green": ("#009E73", "#2FBF91"),
    "purple": ("#CC79A7", "#E29BC4"),
    "orange": ("#E69F00", "#F0B23A"),
    "sky": ("#56B4E9", "#A6DCFF"),
    "yellow": ("#F0E442", "#F5EA6A"),
}
"""Colours by the name of their CSS variable: on a light page, and on a dark one (background `paper`)."""
INK, GREY, PAPER, BEYOND, BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, YELLOW = (
    light for light, _ in PALETTE.values()
)
FAMILIES = (VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK, YELLOW)  # Okabe and Ito without the blue of curves
SHEET = Path(__file__).with_name("house.mplstyle")
"""The house style as a Matplotlib style sheet, for `matplotlib.pyplot.style.use`."""
STYLE: Mapping[str, Any] = dict(matplotlib.rc_params_from_file(SHEET, use_default_template=False))
"""The settings of the sheet, for `matplotlib.rc_context`."""


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """A colour for each family, those with the most rows first; grey for all beyond the seventh."""
    counts = Counter(families)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: FAMILIES[place] if place < len(FAMILIES) else GREY for place, name in enumerate(names)}


def printable(name: str) -> str:
    """Name on one line, unprintable characters as spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def name_label(name: str, *, width: int = 24) -> str:
    """Name on at most two lines, unprintable characters as spaces; a longer one loses its middle.

    Names of tasks often differ at the end only, so that the end must stay.
    """
    line, keep = printable(name), width - 2
    short = line if len(line) <= 2 * keep else f"{line[:keep]}… {line[-keep:]}"
    return "\n".join(textwrap.wrap(short, width, break_on_hyphens=False))


def one_line(name: str, *, width: int) -> str:
    """Name on one line of at most so many characters; a longer one loses its middle, and keeps its end."""
    line = printable(name)
    return line if len(line) <= width else f"{line[: width - width // 3 - 1]}…{line[-(width // 3) :]}"


DOTS_AN_INCH = 200


def write_figure(path: Path, draw: Callable[[Figure], object], *, size: tuple[float, float]) -> None:
    """Write what `draw` puts on a figure of `size` inches; the suffix of the path says which kind of file."""
    check_figure(path)
    style: Any = dict(STYLE) | {"svg.hashsalt": path.name}  # with the date left out, the same figure is the same file
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        kind = path.suffix.lower().removeprefix(".")
        options: Any = {"metadata": {"Date": None}} if kind == "svg" else {}
        write_whole(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=DOTS_AN_INCH, **options))
