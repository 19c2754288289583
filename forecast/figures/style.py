"""Style of figures: the sheet, colours on light and dark pages, names; and figures as files.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers.
"""

import tempfile
import textwrap
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any, Protocol

import matplotlib
from matplotlib.figure import Figure

from forecast.files import check_figure, make_folder, write_whole

PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#222222", "#E8EAED"),
    "grey": ("#6B6B6B", "#949AA1"),
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
_SETTINGS: Any = matplotlib.rc_params_from_file(SHEET, use_default_template=False)
STYLE: Mapping[Any, Any] = dict(_SETTINGS)
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
LONGEST = 60
"""Characters of the name of a figure in the name of its file."""


class Drawable(Protocol):
    """A figure not drawn yet, such as `forecast.figures.svg.Drawing`."""

    @property
    def draw(self) -> Callable[[Figure], object]: ...
    @property
    def size(self) -> tuple[float, float]: ...  # inches
    @property
    def layout(self) -> Any: ...


def write_figure(path: Path, draw: Callable[[Figure], object], *, size: tuple[float, float]) -> None:
    """Write what `draw` puts on a figure of `size` inches; the suffix of the path says which kind of file."""
    check_figure(path)
    write_whole(path, lambda temporary: _draw_into(temporary, draw, size, "constrained", salt=path.name))


def write_figures(folder: Path, named: Iterable[tuple[str, Drawable]]) -> list[Path]:
    """Write each figure as SVG and as PNG into a folder, all of them or none; the files in the order of the figures.

    A name such as 'curve-3-digit addition' becomes curve-3-digit-addition.svg and .png: what is neither a letter nor a
    digit becomes a hyphen, so that no name leads out of the folder, and names alike in lower case are numbered. Files
    of the same names are replaced, others stay.
    """
    make_folder(folder)
    stems, written = set[str](), list[Path]()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".figures.") as temporary:
        for name, figure in named:
            stem = _free(_stem(name), stems)
            for kind in ("svg", "png"):
                path = Path(temporary) / f"{stem}.{kind}"
                _draw_into(path, figure.draw, figure.size, figure.layout, salt=stem)
                written.append(path)
        for path in written:
            path.replace(folder / path.name)
    return [folder / path.name for path in written]


def _draw_into(
    path: Path, draw: Callable[[Figure], object], size: tuple[float, float], layout: Any, *, salt: str
) -> None:
    kind = path.suffix.lower().removeprefix(".")
    # Text stays text; with the date left out, the same figure is the same file.
    style: Any = dict(STYLE) | {"svg.fonttype": "none", "svg.hashsalt": salt}
    options: Any = {"metadata": {"Date": None}} if kind == "svg" else {}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it is drawn as a box
        figure = Figure(figsize=size, layout=layout)
        draw(figure)
        figure.savefig(path, format=kind, dpi=DOTS_AN_INCH, **options)


def _stem(name: str) -> str:
    """Name as that of a file: letters of any script and digits, else single hyphens."""
    letters = "".join(c if c.isalnum() else "-" for c in unicodedata.normalize("NFKC", name))
    return "-".join(part for part in letters.split("-") if part)[:LONGEST].strip("-") or "figure"


def _free(stem: str, taken: set[str]) -> str:
    """The stem, or numbered where it is taken by another name; some folders do not tell cases apart."""
    free = next(each for each in chain([stem], (f"{stem}-{n}" for n in count(2))) if each.casefold() not in taken)
    taken.add(free.casefold())
    return free
