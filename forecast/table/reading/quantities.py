"""Quantities with units: parameters, tokens and FLOP as people write them in headers and cells.

A header such as `#Params (B)` or `FLOPs (1E21)` gives what is left without its unit, and the unit. A cell such as
`7B`, `1.5 PF-days` or `1,234,567` gives a number; a unit of its own outweighs that of the header.
"""

import math
import re
from dataclasses import dataclass, replace

from forecast.errors import shown

COUNTS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "mil": 1e6} | {
    **{"b": 1e9, "bn": 1e9, "billion": 1e9, "g": 1e9, "giga": 1e9, "mega": 1e6},
    **{"mrd": 1e9, "mia": 1e9, "md": 1e9, "bio": 1e12},
    **{"t": 1e12, "tn": 1e12, "trillion": 1e12, "tera": 1e12, "quadrillion": 1e15},
}
WORDS = {1e3: "thousands", 1e6: "millions", 1e9: "billions", 1e12: "trillions"}
PREFIXES = {
    "": 0,
    "k": 3,
    "kilo": 3,
    "m": 6,
    "mega": 6,
    "g": 9,
    "giga": 9,
    "t": 12,
    "tera": 12,
    "p": 15,
    "peta": 15,
} | {
    **{"e": 18, "exa": 18, "z": 21, "zetta": 21, "y": 24, "yotta": 24, "r": 27, "ronna": 27},
}
LONGEST = 1000  # characters of a header or a cell that are looked at: some patterns take the square of their time
DAY = 86400.0  # seconds: a petaFLOP/s-day is 8.64e19 FLOP
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
SUPERSCRIPT = re.compile("(?<=10)[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
PREFIX = r"(?P<prefix>kilo|mega|giga|tera|peta|exa|zetta|yotta|ronna|[kmgtpezyr])?"
FLOP = re.compile(
    rf"(?<![a-z]){PREFIX}[\s-]*(?:flops?(?P<rate>\s*/\s*s(?:ec)?|/?ps)?|(?<=p)f(?P<short>s?))"
    r"(?:[\s_-]*(?P<day>days?)|(?P<second>[\s_-]*seconds?)?)(?![a-z])"
)
POWER = re.compile(
    r"(?<![a-z0-9.])[x×*]?\s*(?:1\.?0*e\s*\+?(?P<e>[0-9]+)|10\s*(?:\^|\*\*)\s*\{?\+?(?P<p>[0-9]+)\}?)(?![\w.])"
)
LOG10 = re.compile(r"(?<![a-z])(?:log[\s_-]*10|lg)(?![0-9])")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
FILLERS = {"in", "of", "the"}
NUMBER = re.compile(
    r"[~≈]?\s*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*(?P<unit>.*)", re.I | re.S
)
TENS = re.compile(r"(?:[x×*·]\s*)10\s*(?:\^|\*\*)\s*\{?(?P<power>[+-]?[0-9]+)\}?\s*(?P<unit>.*)", re.I | re.S)
BARE_TENS = re.compile(r"10\s*(?:\^|\*\*)\s*\{?(?P<power>[+-]?[0-9]+)\}?\s*(?P<unit>.*)", re.I | re.S)
THOUSANDS = re.compile(r"(?<![\d.,])[1-9][0-9]{0,2}(?:([,_ '’\u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?![\d,'_])")
DOTTED = re.compile(r"(?<![\d.])[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}(?![\d.])")
NOUNS = re.compile(r"\s*(?:parameters|params?|tokens?|toks?)\.?$", re.I)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What a number of a column is multiplied by; of a logarithm after it is taken back."""

    factor: float = 1.0
    log10: bool = False
    flop: bool = False  # the header names FLOP
    said: bool = False  # the header or the user names a unit

    @property
    def words(self) -> str:
        """The unit as a message names it; blank of plain numbers."""
        if self.flop:
            scale = "FLOP" if self.factor == 1 else f"{short(self.factor)} FLOP"
        else:
            scale = "" if self.factor == 1 else WORDS.get(self.factor, short(self.factor))
        return " of ".join(filter(None, ("log10" if self.log10 else "", scale)))


PLAIN = Unit()  # numbers as they stand


def short(value: float) -> str:
    """A number as people type it.

    >>> short(7e9), short(8.64e19), short(410)
    ('7e9', '8.64e19', '410')
    """
    return f"{value:.10g}".replace("e+", "e") if value < 1e4 or math.isinf(value) else _scientific(value)


def _scientific(value: float) -> str:
    mantissa, _, exponent = f"{value:.9e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def header_parts(header: str) -> tuple[str, Unit]:
    """A header without its unit, as letters and digits alone, and the unit.

    >>> header_parts("#Params (B)")[0], header_parts("#Params (B)")[1].factor
    ('params', 1000000000.0)
    >>> header_parts("Training compute (petaFLOP)")[1].factor
    1000000000000000.0
    """
    text = CAMEL.sub(" ", _raised(header[:LONGEST])).lower()
    text, logs = LOG10.subn(" ", text)
    factor, said, flop = 1.0, bool(logs), False
    if power := POWER.search(text):
        factor, said = float(f"1e{power['e'] or power['p']}"), True
        text = text[: power.start()] + " " + text[power.end() :]
    if found := FLOP.search(text):
        factor, flop, said = factor * _flop(found), True, True
        text = text[: found.start()] + " " + text[found.end() :]
    words = [word for word in re.split(r"[\W_]+", text) if word]
    counts = [word for word in words if (word if len(word) < 3 else word.rstrip("s")) in COUNTS]
    if len(counts) == 1 and (len(words) > 1 or flop):
        factor, said = factor * COUNTS[counts[0] if len(counts[0]) < 3 else counts[0].rstrip("s")], True
        words.remove(counts[0])
    return "".join(word for word in words if word not in FILLERS), Unit(
        factor=factor, log10=bool(logs), flop=flop, said=said
    )


def _flop(found: re.Match[str]) -> float:
    """FLOP of one unit; of a rate times a day what is done in the day."""
    return _times(float(f"1e{PREFIXES[found['prefix'] or '']}"), DAY if found["day"] else 1.0)


def quantity(cell: str, unit: Unit = PLAIN) -> float | None:
    """The number in a cell of a column with this unit; None where there is none.

    >>> quantity("7B"), quantity("1,234,567"), quantity("1.5 PF-days"), quantity("70", Unit(factor=1e9))
    (7000000000.0, 1234567.0, 1.296e+20, 70000000000.0)
    """
    text = _ungrouped(_raised(cell.strip()[: LONGEST + 1]))
    if len(text) > LONGEST:
        return None
    if bare := BARE_TENS.fullmatch(text):
        number, rest = float(f"1e{bare['power']}"), bare["unit"]
    elif found := NUMBER.fullmatch(text):
        number, rest = float(found["number"]), found["unit"]
        if power := TENS.fullmatch(rest):
            number, rest = _times(number, float(f"1e{power['power']}")), power["unit"]
    else:
        return None
    own = _factor(rest)
    if own is None or NOUNS.sub("", rest).strip():
        return None if own is None else _times(number, own)
    return _power_of_ten(number) * unit.factor if unit.log10 else _times(number, unit.factor)


def _raised(text: str) -> str:
    """Superscripts behind a ten as people type them: 10²¹ is 10^21."""
    return SUPERSCRIPT.sub(lambda found: f"^{found[0].translate(DIGITS)}", text)


def _power_of_ten(number: float) -> float:
    return 10.0**number if abs(number) < 300 else math.inf


def _times(number: float, factor: float) -> float:
    """A product without the dust of binary fractions: 2.1 x 1e12 is 2.1e12."""
    return float(f"{number * factor:.15g}")


def _ungrouped(text: str) -> str:
    """A number without the separators of its thousands."""
    text = DOTTED.sub(lambda found: found[0].replace(".", ""), text)
    return THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), text)


def _factor(unit: str) -> float | None:
    """What the words behind a number multiply it by; None where they are no unit."""
    text = NOUNS.sub("", unit.strip().lower())
    if not text:
        return 1.0
    if (key := text if len(text) < 3 else text.rstrip("s")) in COUNTS:
        return COUNTS[key]
    found = FLOP.fullmatch(text)
    return None if found is None else _flop(found)


def with_unit_of(given: Unit, unit: Unit) -> Unit:
    """The unit that the user names, else that of the header."""
    return replace(given, flop=given.flop or unit.flop) if given.said else unit


def example(cell: str, value: float) -> str:
    """What is made of a cell: "'7B' -> 7e9"."""
    return f"{shown(cell.strip())} -> {short(value)}"
