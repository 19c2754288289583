"""Mutations of files: what people, cut downloads and other versions of a tool make of a good one."""

import copy
import csv
import io
import json

ODD_NAMES = (
    "",
    " ",
    "ß∂ 日本",
    "\u202egnp",
    "e\u0301",
    "\ud800",
    "a" * 400,
    "x\ny",
    "=1+1",
    "../up",
    "a,b",
    'q"',
    "\0",
    "nan",
)
ODD_NUMBERS = (float("nan"), float("inf"), float("-inf"), 1e308, -1, 0, 5e-324, 10**400, 2**63, -0.0, 1e16, 101, 0.5, 1)
ODD_VALUES = (None, True, False, [], {}, [[]], [None], {"": None}, "0.5", "1e400", "50%", "-")
ODD_CELLS = (
    "",
    "nan",
    "-",
    "1e400",
    "-1",
    "1,5",
    "50%",
    "2024-13-45",
    "7B",
    "inf",
    "\u2212" + "3",
    "x" * 3000,
    '"',
    "1e-400",
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252")


def nested(depth):
    """A list within lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


def odd(rng):
    """Some value that a file should not hold in most places."""
    if rng.random() < 0.03:
        return nested(rng.choice((5, 200)))
    return copy.deepcopy(rng.choice(rng.choice((ODD_NAMES, ODD_NUMBERS, ODD_VALUES))))


def places(document):
    """(container, key) of every value below a document."""
    ahead, found = [document], []
    while ahead:
        node = ahead.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
        found += [(node, key) for key in keys]
        ahead += [node[key] for key in keys]
    return found


def changed(document, rng):
    """The document with one change of its structure."""
    document = copy.deepcopy(document)
    found = places(document)
    if not found or rng.random() < 0.02:
        return odd(rng)
    node, key = rng.choice(found)
    how = rng.randrange(7)
    if how == 0:
        del node[key]
    elif how == 1 and isinstance(node, dict):
        node[rng.choice(ODD_NAMES)] = node.pop(key)
    elif how == 2:
        node[key] = [node[key]] if rng.random() < 0.5 else {"x": node[key]}
    elif how == 3 and isinstance(node, list):
        node.insert(rng.randrange(len(node) + 1), copy.deepcopy(node[key]))
    elif how == 4:
        node[key] = copy.deepcopy(rng.choice([other[at] for other, at in found]))
    else:
        node[key] = odd(rng)
    return document


def changed_table(rows, rng):
    """The rows of a table with one change of a cell, row or column."""
    rows = [list(row) for row in rows]
    row = rng.randrange(len(rows)) if rows else 0
    if not rows or not rows[row]:
        return [*rows, [rng.choice(ODD_CELLS)]]
    column = rng.randrange(len(rows[row]))
    how = rng.randrange(7)
    if how == 0:
        del rows[row]
    elif how == 1:
        rows = [[cell for at, cell in enumerate(each) if at != column] for each in rows]
    elif how == 2:
        rows.insert(row, list(rows[rng.randrange(len(rows))]))
    elif how == 3:
        rows[0][column % max(len(rows[0]), 1) : column + 1] = [rng.choice((*rows[0], *ODD_NAMES))]
    elif how == 4:
        rows[row].append(rng.choice(ODD_CELLS))
    else:
        rows[row][column] = rng.choice((*ODD_CELLS, *ODD_NAMES))
    return rows


def as_json(document, rng, *, lines=False):
    """The bytes of a document, or of its items line by line, at times in another encoding or with a key twice."""
    ascii_only = rng.random() < 0.5
    text = "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in (document if lines else [document]))
    if rng.random() < 0.05:
        text = text.replace("{", '{"model": 1, "results": 2, ', 1)
    if rng.random() < 0.1:
        return text.encode("utf-8", "surrogatepass")
    return text.encode(rng.choice(ENCODINGS), "backslashreplace")


def as_csv(rows, rng):
    """The bytes of a table, at times in another encoding or with another mark between cells."""
    text = io.StringIO()
    mark = rng.choice(",,,,;\t|")
    writer = csv.writer(text, delimiter=mark, escapechar="\\", lineterminator=rng.choice(("\n", "\r\n", "\r")))
    writer.writerows(rows)
    return text.getvalue().encode(rng.choice(ENCODINGS), "backslashreplace")


def damaged(content, rng):
    """Bytes cut, flipped, repeated or strewn with others."""
    if not content:
        return content
    data, at = bytearray(content), rng.randrange(len(content))
    how = rng.randrange(5)
    if how == 0:
        return bytes(data[:at])
    if how == 1:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 2:
        data[at:at] = rng.choice((b"\0", b"\xff\xfe", b"\x80", b"\n\n", b'"', b"NaN", b"[" * 3000))
    elif how == 3:
        data[at:at] = data[at : at + rng.randint(1, 60)]
    else:
        del data[at : at + rng.randint(1, 40)]
    return bytes(data)
