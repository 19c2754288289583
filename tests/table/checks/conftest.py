"""Small tables written in the tests: how each is refused, and what is said of it."""

import pytest

from forecast.errors import TableError
from forecast.table.dataset import read_table

RATE = {"task": "t", "metric": "exact_match", "score": "0.432", "trials": "1000", "compute": "1e22"}


def table_of(path, cells):
    """A table with a row for each dict of cells; what they do not give is of `RATE`, models are m0, m1, ..."""
    rows = [{"model": f"m{number}", **RATE, **each} for number, each in enumerate(cells)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def columns(tmp_path):
    """The path of a table from columns: a list of cells for each row, or one cell for all."""

    def of(**cells):
        count = max(len(each) for each in cells.values() if isinstance(each, list))
        spread = {name: each if isinstance(each, list) else [each] * count for name, each in cells.items()}
        rows = zip(*spread.values(), strict=True)
        return table_of(tmp_path / "t.csv", [dict(zip(spread, row, strict=True)) for row in rows])

    return of


@pytest.fixture
def refused(columns):
    """The text of the error of such a table."""

    def of(**cells):
        with pytest.raises(TableError) as caught:
            read_table(columns(**cells))
        return str(caught.value)

    return of


@pytest.fixture
def said(columns):
    """The warnings of such a table."""

    def of(**cells):
        sentences = []
        read_table(columns(**cells), warn=sentences.append)
        return sentences

    return of
