"""Tables as people have them, imported as the command does."""

from types import SimpleNamespace

import pytest

from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.importing import import_results
from forecast.table.reading.roles import columns_of


@pytest.fixture
def table_of(tmp_path, caplog):
    """Imports a text in a format: the table as every command reads it, what was left out, and what was said."""

    def of(format, text, *, models=None, columns=(), trials=100, **choices):
        path, output = tmp_path / "given.csv", tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        if models is not None:
            (tmp_path / "models.csv").write_text(models, encoding="utf-8")
        caplog.clear()
        _, left_out = import_results(
            format,
            path,
            output,
            choices=Choices(trials=PerTask(option="--trials", general=trials), columns=columns_of(columns), **choices),
            models=None if models is None else tmp_path / "models.csv",
        )
        return SimpleNamespace(
            frame=read_table(output), left_out={each.what: each.why for each in left_out}, said=caplog.text
        )

    return of
