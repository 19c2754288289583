"""Roles of columns: what people call the model, its sizes, its date and its scores, and what the user says."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from forecast.errors import ForecastError, shown
from forecast.table.reading.dates import ORDERS
from forecast.table.reading.quantities import PLAIN, Unit, header_parts

SIZES = ("params", "active_params", "tokens", "compute")
WORDS = {  # role: headers as letters and digits alone, without a unit
    "model": "model modelname modelid models name llm system fullname modelslug",
    "family": "family modelfamily familyname",
    "params": "params param parameters parameter size modelsize paramcount parametercount totalparams totalparameters "
    "nparams nparameters nonembeddingparams nonembeddingparameters",
    "active_params": "activeparams activeparameters activatedparams activatedparameters active",
    "tokens": "tokens token ntokens traintokens trainingtokens trainedtokens pretraintokens "
    "pretrainingtokens tokensseen tokenstrained "
    "datatokens trainingdatatokens datasize trainingdatasize pretrainingdatasize "
    "pretrainingdata datasetsizetokens trainingdatasetsizetokens",
    "compute": "compute 6nd traincompute trainingcompute pretrainingcompute totalcompute computebudget",
    "compute_sd": "computesd",
    "confidence": "confidence computeconfidence trainingcomputeconfidence",
    "date": "date release released releasedate releasedon published publicationdate publishdate dateofrelease "
    "modelreleasedate versionreleasedate announced announcementdate launchdate",
    "task": "task taskname benchmark benchmarkname eval evalname evaluation dataset test",
    "metric": "metric metricname measure",
    "score": "score accuracy acc value result performance passrate successrate meanscore",
    "successes": "successes correct ncorrect numcorrect numbercorrect",
    "trials": "trials n items nitems numitems samples nsamples numsamples examples nexamples numexamples questions "
    "nquestions numquestions instances numinstances",
    "chance": "chance chancelevel chanceaccuracy randomchance randombaseline randomguess",
    "human": "human humans humanscore humanbaseline humanperformance humanaccuracy humanlevel humanexpert humanexperts "
    "humanexpertscore expert experts expertscore expertbaseline expertperformance expertaccuracy",
    "ceiling_at_least": "ceilingatleast",
    "length": "length answerlength",
    "k": "k",
}
KEYS = {role: frozenset(words.split()) for role, words in WORDS.items()}
NUMBER_OF = ("numberof", "total", "model", "number", "num", "est", "estimated", "approx", "count")  # of no weight
OF_FLOP = ("", "train", "training", "pretrain", "pretraining", "total", "trainingtotal", "totaltraining", "model")
LETTERS = {"N": "params", "D": "tokens", "C": "compute"}  # of scaling laws; only of numbers that can be meant
LIKE_A_SIZE = re.compile(r"param|token|flop|compute|model\s*size|data\s*(?:set)?\s*size", re.IGNORECASE)
LIKELY = (("flop|compute", "compute"), ("token|data", "tokens"), ("active", "active_params"), ("", "params"))
ORDER = re.compile(r"\(?\s*([dm]\s*/\s*[dm]\s*/\s*y+)\s*\)?", re.IGNORECASE)
ROLES = tuple(role for role in KEYS if role != "confidence")


@dataclass(frozen=True, kw_only=True)
class Given:
    """A column that the user names, and what its name for the role says of its unit or of the order of its dates."""

    header: str
    unit: Unit = PLAIN
    order: str | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that the user names, by role."""

    named: Mapping[str, Given] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()  # headers of another file that they are named of as well

    def check(self, headers: Iterable[str], source: str) -> None:
        """A `ForecastError` that names the nearest where a column is neither in this file nor in the other."""
        known = list(dict.fromkeys([*headers, *self.elsewhere]))
        for role, given in self.named.items():
            if given.header.casefold() not in map(str.casefold, known) and not set(parts_of(given.header)) <= set(
                known
            ):
                near = difflib.get_close_matches(given.header, known, n=1, cutoff=0.5)
                hint = f"did you mean {shown(near[0])}? " if near else ""
                raise ForecastError(
                    f"--columns {shown(f'{role}={given.header}')}: no column of this name in {source}; "
                    f"{hint}There are: {', '.join(map(shown, known[:20]))}"
                )


AS_HEADERS_SAY = Columns()


def parts_of(header: str) -> list[str]:
    """The columns of names that are put together: 'model+corpus'."""
    return [part.strip() for part in header.split("+")]


def columns_of(given: Iterable[str]) -> Columns:
    """The columns of ``ROLE=NAME``, several by comma; a role may hold a unit, as 'params (B)', or an order of dates.

    Raises
    ------
    ForecastError
        where a role is not known, or has two columns.
    """
    named: dict[str, Given] = {}
    for text in (part for each in given for part in _parts(each)):
        said, equals, header = (part.strip() for part in text.partition("="))
        role = role_named(said)
        if not equals or not header or role is None:
            near = difflib.get_close_matches(said.lower(), ROLES, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near and role is None else ""
            raise ForecastError(f"--columns {shown(text)}: give ROLE=NAME of a column; {hint}Roles: {', '.join(ROLES)}")
        if role in named:
            raise ForecastError(f"--columns {shown(text)}: a second column for {role}; give one")
        order = _order(said) if role == "date" else None
        named[role] = Given(header=header, unit=header_parts(said)[1], order=order)
    return Columns(named=named)


def _parts(text: str) -> list[str]:
    """Parts by the commas behind which a role and '=' stand; other commas belong to a name."""
    parts: list[str] = []
    for part in re.split(r",(?=[^=,]*=)", text):
        known = role_named(part.partition("=")[0].strip()) is not None
        if parts and not known:
            parts[-1] += "," + part
        else:
            parts.append(part)
    return parts


def _order(said: str) -> str | None:
    found = ORDER.search(said)
    order = "" if found is None else re.sub(r"\s|(?<=Y)Y+", "", found[1].upper())
    return order if order in ORDERS else None


def role_named(said: str) -> str | None:
    """The role that the user names, whatever unit stands beside it."""
    key = header_parts(ORDER.sub("", said))[0]
    by_key = {role.replace("_", ""): role for role in ROLES}
    return by_key.get(key) or ("compute" if header_parts(said)[1].flop and not key else None)


def role_of(header: str, roles: Iterable[str]) -> tuple[str, Unit] | None:
    """The role of a header among these, by its words, and its unit; None where it is none that people use."""
    key, unit = header_parts(header)
    short = _without(key, NUMBER_OF)
    if unit.flop and (key in OF_FLOP or short in OF_FLOP) and "compute" in roles:
        return "compute", unit
    letter = header.strip()[:1]
    if LETTERS.get(letter, "") in tuple(roles) and key == letter.lower():
        return LETTERS[letter], unit
    for role in roles:
        if key in KEYS[role] or (role in SIZES and short in KEYS[role]):
            return role, unit
    return None


def likely_role(header: str) -> str:
    """The size that a header which is `LIKE_A_SIZE` is likely of."""
    return next(role for words, role in LIKELY if re.search(words, header, re.IGNORECASE))


def is_letter(header: str) -> bool:
    """Whether a header is a letter of scaling laws, which may as well be a count of items."""
    return header_parts(header)[0] in {letter.lower() for letter in LETTERS}


def _without(key: str, words: Iterable[str]) -> str:
    for word in words:
        key = key.removeprefix(word).removesuffix(word) or key
    return key
