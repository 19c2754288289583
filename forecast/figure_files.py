"""A figure as a file: png, svg or pdf, whole or not at all, in the style of the report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from forecast.figure_style import STYLE
from forecast.files import check_figure, write_whole

DOTS_AN_INCH = 200


def write_figure(path: Path, draw: Callable[[Figure], object], *, size: tuple[float, float]) -> None:
    """Write what `draw` puts on a figure of `size` inches; the suffix of the path says which kind of file."""
    check_figure(path)
    style: Any = dict(STYLE)
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        kind = path.suffix.lower().removeprefix(".")
        write_whole(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=DOTS_AN_INCH))
