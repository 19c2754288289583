"""Matching of names: the row of the table of models that is the model of a result, never by guess.

A name is found as it stands, as it is spelt, or without provider and '-hf'; each only where that leaves one model.
"""

import difflib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from forecast.errors import LISTED, ForecastError, shown
from forecast.table.importers.measurements import LeftOut
from forecast.table.importers.names.paths import path_parts, readable_names, tells_nothing
from forecast.table.importers.names.spelling import loosened, numbers, spelt, without_provider
from forecast.words import counted

NEAR = 3  # names shown beside one that is not found
CLOSE, LIKELY = 0.5, 0.8  # likeness of two spellings: to be shown, to be proposed
TUNED = {"chat", "instruct", "instruction", "it", "sft", "dpo", "rlhf", "tuned", "reasoning", "thinking", "preview"}
COMPARED = 200  # rows that share most pieces of a name
ABOUT = 0.1  # as like as the likeliest
type Way = Callable[[str], str]
WAYS: tuple[Way, ...] = (spelt, loosened)


class Known:
    """The rows of a table of models, and those of them by the end of their names as each way spells it."""

    def __init__(self, rows: Sequence[str]):
        self.rows = dict.fromkeys(rows)
        self.by_end: dict[Way, dict[str, list[str]]] = {way: {} for way in WAYS}
        for way, by_end in self.by_end.items():
            for row in self.rows:
                for end in _ends(row, way):
                    by_end.setdefault(end, []).append(row)


class Candidates(NamedTuple):
    """The rows that a name may be."""

    level: int  # of the way that found them: 0 the name as it stands, then ever less strict
    rows: list[str]


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """A model of the results that no row of the table of models is known to be."""

    name: str
    why: str
    near: tuple[str, ...] = ()  # rows that are like it, the likeliest first
    proposed: str | None = None  # the row that it probably is

    def left_out(self, source: str) -> LeftOut:
        """As it is listed among all that is not in the table."""
        hint = f"; did you mean {' or '.join(map(shown, self.near))}?" if self.near else ""
        return LeftOut(what=f"model {self.name}", why=f"{self.why} in {source}{hint}")


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What each model of the results is called in the table, and its row among the models."""

    called: Mapping[str, str]  # by the name in the results
    row_of: Mapping[str, str]  # name of the row by the name in the table
    source: str  # the table of models
    unmatched: tuple[Unmatched, ...] = ()
    spelt: Mapping[str, str] = field(default_factory=dict)  # what the results say of each matched by another spelling

    def of(self, names: Iterable[str]) -> "Matched":
        """The same of these models alone, by their names in the table."""
        wanted = set(names)
        row_of = {name: row for name, row in self.row_of.items() if name in wanted}
        return replace(self, row_of=row_of, unmatched=tuple(each for each in self.unmatched if each.name in wanted))

    @property
    def notes(self) -> list[str]:
        """The models that were matched by other than their exact spelling."""
        pairs = [f"{self.spelt[name]} is {shown(row)}" for name, row in self.row_of.items() if name in self.spelt]
        return [f"found in {self.source} by another spelling: {'; '.join(pairs)}"] if pairs else []

    @property
    def remedy(self) -> list[str]:
        """Lines of an alias file for models that were not found, ready to be looked over and copied."""
        if not self.unmatched:
            return []
        lines = [(each.name, each.proposed or f"NAME IN {self.source}") for each in self.unmatched[:LISTED]]
        what = "it, look over the name" if len(lines) == 1 else "them, look over the names"
        return [
            f"to take {what} on the right, save as aliases.csv and add --alias aliases.csv "
            f"(or add rows to {self.source}):",
            *(f"  {_cell(name)},{_cell(row)}" for name, row in lines),
        ]


def matched(names: Iterable[str], rows: Sequence[str], aliases: Mapping[str, str], source: str) -> Matched:
    """Each model of the results with its row: by alias, as it stands, as it is spelt, or without provider and '-hf'.

    Two models of the results are never one row, but by alias: the better match has it, or none.
    """
    names = list(dict.fromkeys(names))
    called = {name: aliases.get(name, readable) for name, readable in readable_names(names).items()}
    original: dict[str, str] = {}
    for name in names:
        original.setdefault(called[name], name)
    aliased, known = set(aliases.values()), Known(rows)
    found = {
        name: Candidates(0, [name]) if name in aliased else _candidates(name, of_results, known)
        for name, of_results in original.items()
    }
    row_of, unmatched = {}, []
    for name, candidates in found.items():
        why = _why_not(name, found)
        if why:
            unmatched.append(Unmatched(name=name, why=why, near=tuple(candidates.rows[:NEAR])))
        else:
            row_of[name] = candidates.rows[0]
    taken = set(row_of.values())
    return Matched(
        called=called,
        row_of=row_of,
        source=source,
        unmatched=(
            *(each if each.near else _with_near(each, rows, taken) for each in unmatched[:LISTED]),
            *unmatched[LISTED:],
        ),
        spelt={name: original[name] for name, row in row_of.items() if original[name] != row and name not in aliased},
    )


def _why_not(name: str, found: Mapping[str, Candidates]) -> str:
    """Why a name has no row; blank where it has one. Of names matched equally well none has the row."""
    level, rows = found[name]
    if len(rows) != 1:
        return "several models have this name but for its spelling" if rows else "there is no such model"
    rivals = [
        other for other, theirs in found.items() if other != name and theirs.rows == rows and theirs.level <= level
    ]
    return f"{' and '.join(map(shown, rivals))} may be this model too" if rivals else ""


def _candidates(name: str, original: str, known: Known) -> Candidates:
    """The rows that a name may be, by the strictest way that finds any."""
    for level, same in enumerate((original, name)):
        if same in known.rows:
            return Candidates(level, [same])
    for level, (way, by_end) in enumerate(known.by_end.items(), start=2):
        alike = {row for each in (name, original) for end in _ends(each, way) for row in by_end.get(end, ())}
        overlaps = {row: _overlap(name, row, way) or _overlap(original, row, way) for row in sorted(alike)}
        longest = max(overlaps.values(), default=0)
        if longest:
            return Candidates(level, [row for row, overlap in overlaps.items() if overlap == longest])
    return Candidates(len(WAYS) + 2, [])


def _ends(name: str, way: Way) -> set[str]:
    """The last part of a name and all of it, one of which it has in common with whatever it matches."""
    parts = path_parts(name)
    return {way(parts[-1]), way("-".join(parts))}


def _overlap(name: str, row: str, way: Way) -> int:
    """Parts at the end that two names have in common; 0 where the shorter is not the end of the longer.

    'lab/toy' and 'other/toy' have two owners, so they are not taken for one model.
    """
    name_parts, row_parts = path_parts(name), path_parts(row)
    if way("-".join(name_parts)) == way("-".join(row_parts)):
        return max(len(name_parts), len(row_parts))
    theirs, ours = (tuple(map(way, without_provider(parts))) for parts in (name_parts, row_parts))
    shorter = min(len(theirs), len(ours))
    if theirs[-shorter:] != ours[-shorter:] or all(tells_nothing(part) for part in name_parts[-shorter:]):
        return 0
    return shorter


def _with_near(unmatched: Unmatched, rows: Sequence[str], taken: set[str]) -> Unmatched:
    near = sorted(_likeness(unmatched.name, rows), key=lambda each: (-each[0], each[1] in taken))
    near = [each for each in near if each[0] >= near[0][0] - ABOUT]
    proposed = [row for likeness, row in near if likeness >= LIKELY and row not in taken]
    return Unmatched(
        name=unmatched.name,
        why=unmatched.why,
        near=tuple(row for _, row in near[:NEAR]),
        proposed=proposed[0] if proposed else None,
    )


def _likeness(name: str, rows: Sequence[str]) -> Iterator[tuple[float, str]]:
    """How like a name each row is: 1 where all pieces of one are in the other, less where their numbers differ."""
    ours = loosened(path_parts(name)[-1])
    matcher = difflib.SequenceMatcher(None, b=ours)
    pieces = set(ours.split())
    theirs_of = {row: loosened(path_parts(row)[-1]) for row in rows}
    for row in heapq.nlargest(COMPARED, rows, key=lambda row: len(pieces & set(theirs_of[row].split()))):
        theirs = theirs_of[row]
        matcher.set_seq1(theirs)
        fewer, more = sorted((pieces, set(theirs.split())), key=len)
        if len(fewer) > 1 and fewer <= more:
            yield (LIKELY if (more - fewer) & TUNED else 1.0) - 0.01 * (len(more) - len(fewer)), row
        elif matcher.real_quick_ratio() >= CLOSE and matcher.quick_ratio() >= CLOSE:
            likeness = matcher.ratio() * (1.0 if numbers(ours) == numbers(theirs) else LIKELY)  # rather another size
            if likeness >= CLOSE:
                yield likeness, row


def after_unmatched(error: ForecastError, match: Matched) -> ForecastError:
    """An error with the models before it that were not found by name, since they may be its cause."""
    if not match.unmatched:
        return error
    listed = [each.left_out(match.source) for each in match.unmatched[:LISTED]]
    count, of = len(match.unmatched), len(match.unmatched) + len(match.row_of)
    lines = [f"{count} of {counted(of, 'model')} of the results {'is' if count == 1 else 'are'} not in {match.source}"]
    lines += [f"  {each.what}: {each.why}" for each in listed]
    return ForecastError("\n".join([*lines, *match.remedy, str(error)]))


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text
