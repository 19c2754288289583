"""Numbers and plain values as the report writes them: compute in FLOP, small numbers as powers of ten."""

import re
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from forecast.scales import Scale
from forecast.words import NOTHING, format_minutes

POWER = re.compile(r"(?:(?P<side>beyond|below) 1|(?P<mantissa>[\d.]+))e(?P<exponent>-?\d+)")


def place_html(place: float | str | None, *, scale: Scale) -> Markup:
    """A place on a scale for HTML: powers of ten with a superscript, nothing broken across lines; None is a dash."""
    if place is None:
        return Markup(NOTHING)
    text = scale.text(place)
    power = POWER.fullmatch(text)
    if power and power["side"]:
        return Markup('<span class="nowrap">{side} 10<sup>{exponent}</sup></span>').format(**power.groupdict())
    if power:
        return _power(power["mantissa"], power["exponent"])
    return Markup('<span class="nowrap">{}</span>' if scale.dated else "{}").format(text)


def number(value: float | str) -> Markup:
    """A number for HTML with two significant digits; below one in a thousand as a power of ten."""
    value = float(value)
    if np.isnan(value):
        return Markup("unknown")
    if not np.isfinite(value):
        return Markup("∞") if value > 0 else Markup("−∞")
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return Markup("{}").format(f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}")
    mantissa, exponent = f"{value:.1e}".split("e")
    return _power(mantissa, str(int(exponent)))


def score_text(score: float, metric: str) -> str:
    """An outcome or its forecast with three digits; of a horizon a length of time."""
    return format_minutes(score) if metric == "horizon" else f"{score:.3f}"


def _power(mantissa: str, exponent: str) -> Markup:
    return Markup('<span class="nowrap">{} × 10<sup>{}</sup></span>').format(mantissa, exponent.replace("-", "−"))


def plain(value: Any) -> str:
    """A plain value of the provenance as text, floats with four significant digits."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return ", ".join(plain(item) for item in value) or "none"
        case _:
            return str(value)


WRITTEN_POWER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?\d+)(?!\w)")


def powers(text: str) -> Markup:
    """A sentence for HTML with its numbers like 4.9e23 as powers of ten; 1e23 is 10 to the 23.

    >>> powers("at 1e23 FLOP & more")
    Markup('at <span class="nowrap">10<sup>23</sup></span> FLOP &amp; more')
    """
    return Markup(WRITTEN_POWER.sub(_spelled, str(escape(text))))


def _spelled(found: re.Match[str]) -> str:
    mantissa, exponent = found[1], str(int(found[2])).replace("-", "−")
    before = "" if mantissa == "1" else f"{mantissa} × "
    return f'<span class="nowrap">{before}10<sup>{exponent}</sup></span>'


MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!])")


def markdown(text: str) -> str:
    """Text on one line of Markdown, with all that has a meaning there escaped.

    >>> markdown("a|b *c*")
    'a\\\\|b \\\\*c\\\\*'
    """
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))
