"""Catalogue of public tasks: whether answers are chosen or generated, chance of a guess, and number of items."""

import csv
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

TASKS = Path(__file__).with_name("tasks.csv")
ASIDE = re.compile(  # what does not belong to the name of a task
    r"\([^)]*\)|\b(?:[0-9]+|zero|few|one|five)[\s-]?shots?\b|\b(?:acc|accuracy|em|score)\b|^leaderboard ", re.IGNORECASE
)
APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class KnownTask:
    """What is known of a public task by its name."""

    names: tuple[str, ...]  # with * for any end
    is_choice: bool  # among given answers; else answers are generated
    chance: float | None  # of a guess; None: answers are generated
    items: int | None  # of the part that is commonly scored; None: there are several


def folded(name: str) -> str:
    """A task's name in small letters, its words parted by _, without shots and what is in brackets.

    >>> folded("ARC-Challenge (25-shot)"), folded("GSM8K 8-shot")
    ('arc_challenge', 'gsm8k')
    """
    text = ASIDE.sub(" ", name.replace("_", " ").replace("+", " plus "))
    return APART.sub("_", text.casefold()).strip("_")


def known_task(name: str) -> KnownTask | None:
    """The public task of this name, or of what follows its last slash; None where it is none of the catalogue."""
    for each in dict.fromkeys((name, name.rsplit("/", 1)[-1])):
        text = folded(each)
        together = text.replace("_", "")
        for task in _catalogue():
            for pattern in task.names:
                if fnmatchcase(text, pattern) if "*" in pattern else together == pattern.replace("_", ""):
                    return task
    return None


@cache
def _catalogue() -> tuple[KnownTask, ...]:
    with TASKS.open(encoding="utf-8", newline="") as file:
        return tuple(
            KnownTask(
                names=tuple(row["names"].split()),
                is_choice=row["answers"] == "choice",
                chance=float(row["chance"]) if row["chance"] else None,
                items=int(row["items"]) if row["items"] else None,
            )
            for row in csv.DictReader(file)
        )
