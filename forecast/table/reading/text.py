"""Text files as cells: their encoding, what separates their columns, and decimal commas."""

import csv
import io
import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from forecast.errors import Problem, TableError, shown, shown_path
from forecast.files import as_written
from forecast.table.reading.cells import MISSING, MOST_ROWS, check_size

logger = logging.getLogger(__name__)
SAVE = "save the table as CSV UTF-8"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
FOREIGN_BYTES = re.compile(rb"[\x80-\xff]{3}")  # three in a row are no Western text of one byte a letter
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
LONGEST_RECORD = 10**7  # characters
SAMPLED = 200  # records that tell what separates the columns
NAMED_SEPARATOR = re.compile(r"sep=(.)\r?\n")  # first line of a CSV for Excel
RULE = re.compile(r"\s*:?-+:?\s*")  # below the header of a table in Markdown
COMMA_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,(?P<part>[0-9]+))?(?:e[+-]?[0-9]+)?\D*", re.I)
POINT_NUMBER = re.compile(r"[+-]?(?:[0-9]*\.(?:[0-9]{1,2}|[0-9]{4,})|0*\.[0-9]+)(?:e[+-]?[0-9]+)?\D*", re.I)


def decoded(content: bytes, path: Path) -> str:
    """Text of a file in UTF-8, in UTF-16 or UTF-32 with a byte order mark, or else in Windows-1252, which is said.

    Raises
    ------
    TableError
        if it is none of these.
    """
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        text = _western(content, path, error)
    if (position := text.find("\0")) >= 0:
        line, wrong = text.count("\n", 0, position) + 1, "the file holds NUL bytes and is not text"
        raise TableError(path, [Problem(row=line, value="\0", wrong=wrong, remedy=SAVE)])
    return text


def _western(content: bytes, path: Path, error: UnicodeDecodeError) -> str:
    """A file of Windows-1252, of which Latin-1 is a part; an error where it may as well be something else."""
    start = error.start
    line, seen = content.count(b"\n", 0, start) + 1, content[start : start + 1].decode("latin-1")
    refused = TableError(path, [Problem(row=line, value=seen, wrong="the file is not UTF-8", remedy=SAVE)])
    if error.encoding != "utf-8" or FOREIGN_BYTES.search(content):
        raise refused from None
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise refused from None
    word = next((word for word in re.split(r"[ \t\r\n,;|]+", text) if not word.isascii()), seen)
    logger.warning("read: %s is not UTF-8 and is read as Windows-1252, as in %s", shown_path(path), shown(word))
    return text


def table_of_text(text: str, path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Cells as text by line number, and the lines that do not fit the header."""
    problems: list[Problem] = []
    separator = _separator(text)
    records = list(islice(_records(text, separator, problems), MOST_ROWS + 2))
    if not records:
        empty = Problem(wrong="the file is empty", remedy="give a header line and one row for each measurement")
        raise TableError(path, problems or [empty])
    (_, header), *rows = _inside(records) if separator == "|" else records
    width = len(header)
    check_size(len(rows), width, path)
    if rows and all(len(fields) == width + 1 and not fields[-1].strip() for _, fields in rows):
        rows = [(line, fields[:-1]) for line, fields in rows]  # every row ends in a separator, the header does not
    fitting = {line: fields for line, fields in rows if len(fields) == width}
    problems += [_ragged(line, fields, width, separator) for line, fields in rows if line not in fitting]
    index = pd.Index(list(fitting), name="line", dtype=int)
    frame = pd.DataFrame(list(fitting.values()), index=index, columns=header, dtype=object)
    return frame if separator == "," else _with_points(frame), problems


def _separator(text: str) -> str:
    """What separates columns: the mark by which most rows have as many fields as the header, of such the most."""
    if named := NAMED_SEPARATOR.match(text):
        return named[1]

    def fitness(separator: str) -> tuple[bool, float, int]:
        counts = [len(fields) for _, fields in islice(_records(text, separator, []), SAMPLED)]
        width = counts[0] if counts else 0
        return width > 1, counts.count(width) / max(len(counts), 1), width

    found = max(("\t", ";", "|", ","), key=fitness)  # a comma may stand in every cell, such as 0,53
    return found if fitness(found)[0] else ","


def _records(text: str, separator: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """(line at which it starts, fields) of each record that is not blank; stops with a problem at broken quoting."""
    named = NAMED_SEPARATOR.match(text)
    lines = io.StringIO(text[named.end() :] if named else text, newline="")
    taken = 0  # characters of the record that is read

    def bounded() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += len(line)
            if taken > LONGEST_RECORD:
                raise csv.Error(f"it has more than {LONGEST_RECORD:,} characters")
            yield line

    reader = csv.reader(bounded(), delimiter=separator, strict=True)
    start = first = 2 if named else 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield start, [as_written(field) for field in fields]
            start, taken = reader.line_num + first, 0
    except csv.Error as error:
        remedy = 'close every quote, and write a quote inside a quoted cell as ""'
        problems.append(Problem(row=start, wrong=f"the row cannot be read as CSV: {error}", remedy=remedy))


def _inside(records: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Records of a table in Markdown without the bars at its sides and the line below its header."""
    rows = [each for each in records if not all(RULE.fullmatch(field) for field in each[1] if field.strip())]
    if all(not fields[0].strip() and not fields[-1].strip() for _, fields in rows):
        return [(line, fields[1:-1]) for line, fields in rows]
    return rows


def _ragged(line: int, fields: list[str], expected: int, separator: str) -> Problem:
    name = SEPARATORS.get(separator, shown(separator))
    remedy = f"quote cells that hold {name}s" if len(fields) > expected else f"add the missing {name}s"
    wrong = f"the row has {len(fields)} fields, the header {expected}"
    return Problem(row=line, value=separator.join(fields), wrong=wrong, remedy=remedy)


def _with_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Decimal commas as points, in the columns where commas cannot be thousands; of others the rest of the file says.

    1,234 may be a thousand or one and a bit. It is the latter in a column or file that has 0,53 and no 0.53; there
    1.234 is a thousand.
    """
    columns = [frame.iloc[:, i].str.strip() for i in range(frame.shape[1])]
    numeric = [all(COMMA_NUMBER.fullmatch(cell) for cell in column if _is_filled(cell)) for column in columns]
    certain = [is_number and any(map(_is_decimal, cells)) for is_number, cells in zip(numeric, columns, strict=True)]
    points = any(POINT_NUMBER.fullmatch(cell) for column in columns for cell in column)
    of_file = any(certain) and not points
    parts = [
        cells.map(_pointed)
        if sure or (of_file and is_number and cells.str.contains("[.,]").any())
        else frame.iloc[:, i]
        for i, (cells, sure, is_number) in enumerate(zip(columns, certain, numeric, strict=True))
    ]
    changed = pd.concat(parts, axis=1) if parts else frame
    changed.columns = frame.columns
    return changed


def _is_filled(cell: str) -> bool:
    return any(character.isalnum() for character in cell) and cell.lower() not in MISSING


def _is_decimal(cell: str) -> bool:
    """Whether the comma of a number cannot stand before thousands."""
    found = COMMA_NUMBER.fullmatch(cell)
    part = (found and found["part"]) or ""
    return part != "" and (len(part) != 3 or cell.lstrip("+-").startswith("0") or "." in cell)


def _pointed(cell: str) -> str:
    return cell.replace(".", "").replace(",", ".")
