"""Panel of twelve automatic judges: does a continuation read like Python source text?

A judge is a function of a prompt, which ends at the start of a statement, and its continuation, which may be cut
anywhere. Judges know nothing of the model, look at whole lines alone, and pass nothing that is empty. Some look at
letters, some at words, at signs, at lines or at the grammar.
"""

import ast
import keyword
import re
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from case_studies.characters.train import library
from case_studies.narrative.passages import text_of

Judge = Callable[[str, str], bool]
LITERAL = re.compile(
    r"(?:\b[rbfuRBFU]{1,2})?"
    r"(?:\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|[^\S\n]*#.*"
)
"""A string, to the end of the text where three quotes are not closed, or a comment."""
TOKEN = re.compile(
    r"(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<string>\"\")|(?P<operator>!=|[^\w\s\"'$?!`\\])|(?P<wrong>\S)"
)
PAIRS = {")": "(", "]": "[", "}": "{"}
JOINING = {*keyword.kwlist, *keyword.softkwlist} - {"None", "True", "False", "_", "type"}
FORMS = {
    **dict.fromkeys(("if", "elif", "while", "with"), r".+:$"),
    **dict.fromkeys(("else", "try", "finally"), r":$"),
    **dict.fromkeys(("pass", "break", "continue"), r"$"),
    **{"def": r"\w+\(.*\).*:$", "class": r"\w+(\(.*\))?:$", "for": r".+ in .+:$", "except": r".*:$"},
    **{
        "import": r"[\w., ]+$",
        "from": r"[\w.]+ import .+$",
        "return": r"",
        "raise": r"",
        "del": r"\w",
        "assert": r".+$",
    },
}
"""What follows the keyword with which a statement begins."""


def whole_lines(text: str) -> str:
    """The lines that end within the text."""
    return text[: text.rfind("\n") + 1]


def code_of(text: str) -> str:
    """The whole lines without comments, and with all strings empty."""
    return LITERAL.sub(lambda found: "" if found[0].lstrip().startswith("#") else '""', whole_lines(text))


def statements(text: str) -> list[str]:
    """Statements of the code, each on one line: lines go on where a bracket is open. The last may be unfinished."""
    found, depth = [""], 0
    for line in code_of(text).splitlines():
        goes_on, line = line.endswith("\\"), line.rstrip("\\").rstrip()
        found[-1] += f" {line.strip()}" if found[-1] else line
        depth = max(0, depth + len(re.findall(r"[(\[{]", line)) - len(re.findall(r"[)\]}]", line)))
        if depth == 0 and not goes_on:
            found.append("")
    return [each for each in found if each.strip()]


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def tokens_of(code: str) -> list[tuple[str, str]]:
    """Kind and text of each token of the code."""
    return [(str(found.lastgroup), found[0]) for found in TOKEN.finditer(code)]


def words_of(text: str) -> list[str]:
    """Words of at least three letters, in small letters; names are taken apart at capitals and underscores."""
    return [each.lower() for each in re.findall(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}", text) if len(each) > 2]


@cache
def dictionary() -> frozenset[str]:
    """Words that stand at least ten times in the text that the runs learned from."""
    return frozenset(word for word, times in Counter(words_of(text_of(library()[0]))).items() if times >= 10)


@cache
def triples() -> frozenset[str]:
    """Three letters in a row of these words."""
    return frozenset(word[at : at + 3] for word in dictionary() for at in range(len(word) - 2))


def is_python(found: list[str]) -> bool:
    """Whether statements parse at their depth; one that goes on a block begun before (`else:`) stands for a new one."""
    above = [" " * depth + "if 1:" for depth in range(indent_of(found[0]))]
    alone = [re.sub(r"^(\s*)(try|elif|else|except|finally)\b.*:$", r"\1if 1:", each).replace("@", "") for each in found]
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is valid and odd
            ast.parse("\n".join([*above, *alone]) + (" pass" if alone[-1].endswith(":") else ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def spelling(prompt: str, continuation: str) -> bool:
    """Nearly all words are made of letters that follow one another in known words."""
    found = [word[at : at + 3] for word in words_of(whole_lines(continuation)) for at in range(len(word) - 2)]
    return len(found) >= 5 and sum(each in triples() for each in found) >= 0.95 * len(found)


def vocabulary(prompt: str, continuation: str) -> bool:
    """Four of five words are known."""
    found = words_of(whole_lines(continuation))
    return len(found) >= 5 and sum(each in dictionary() for each in found) >= 0.8 * len(found)


def lines(prompt: str, continuation: str) -> bool:
    """At least three lines with something on them, none longer than 79 characters."""
    found = whole_lines(continuation).splitlines()
    return sum(map(bool, map(str.strip, found))) >= 3 and max(map(len, found)) < 80


def spacing(prompt: str, continuation: str) -> bool:
    """A blank after each comma and none before; outside brackets, blanks around a single =."""
    found = "\n".join(statements(continuation))
    return bool(found) and not re.search(r",[^\s)\]}]|\s,|^[^(\[{\n]*(\w=| =\w)", found, re.M)


def indentation(prompt: str, continuation: str) -> bool:
    """All statements begin at multiples of four."""
    found = statements(continuation)
    return bool(found) and all(indent_of(each) % 4 == 0 for each in found)


def blocks(prompt: str, continuation: str) -> bool:
    """Statements go deeper after a colon, by four, and only there."""
    found = statements(continuation)
    steps = [(one.endswith(":"), indent_of(other) - indent_of(one)) for one, other in pairwise(found)]
    return bool(steps) and all(step == 4 if opens else step <= 0 for opens, step in steps)


def brackets(prompt: str, continuation: str) -> bool:
    """There are brackets, each closed by its own kind; at most three are open at the end."""
    code, still_open = code_of(continuation), []
    for each in code:
        if each in PAIRS.values():
            still_open.append(each)
        elif each in PAIRS and (not still_open or still_open.pop() != PAIRS[each]):
            return False
    return any(each in code for each in PAIRS) and len(still_open) <= 3


def tokens(prompt: str, continuation: str) -> bool:
    """All tokens are valid, so that strings are closed, and no two names or numbers stand side by side."""
    found = statements(continuation)
    for each in found:
        kinds = ["joining" if word in JOINING else kind for kind, word in tokens_of(each)]
        side_by_side = [{one, other} for one, other in pairwise(kinds)]
        if "wrong" in kinds or any(
            each <= {"name", "number", "string"} and each != {"string"} for each in side_by_side
        ):
            return False
    return bool(found)


def keywords(prompt: str, continuation: str) -> bool:
    """Statements that begin with a keyword go on as it asks, and at least one does begin so."""
    begun = [re.match(r"\s*(\w+)\s*(.*)", each) for each in statements(continuation)]
    found = [(each[1], each[2]) for each in begun if each and each[1] in FORMS]
    return bool(found) and all(re.match(FORMS[word], rest) for word, rest in found)


def first(prompt: str, continuation: str) -> bool:
    """The first statement is Python."""
    found = statements(continuation)
    return bool(found) and is_python(found[:1])


def whole(prompt: str, continuation: str) -> bool:
    """All statements together are Python, but for the last where it is unfinished."""
    found = statements(continuation)
    return len(found) > 1 and (is_python(found) or is_python(found[:-1]))


def names(prompt: str, continuation: str) -> bool:
    """A name of at least three letters comes again, from the prompt or from a place before."""
    found = [word for word in re.findall(r"[^\W\d]\w{2,}", whole_lines(continuation)) if word not in JOINING]
    known, again = set(re.findall(r"\w+", prompt)), 0
    for word in found:
        again += word in known and word != "self"
        known.add(word)
    return again > 0


PANEL: tuple[Judge, ...] = (
    *(spelling, vocabulary, lines, spacing, indentation, blocks),
    *(brackets, tokens, keywords, first, whole, names),
)


def passed(prompt: str, continuation: str) -> list[bool]:
    """The verdict of each judge."""
    return [judge(prompt, continuation) for judge in PANEL]
