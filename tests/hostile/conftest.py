"""Stored fits to be damaged; their draws are of the prior, which takes seconds."""

import pytest

from forecast.posterior.fit import save
from forecast.table.dataset import read_table
from models.structures import Parts

PARTS = {"plain": Parts(), "alike": Parts(frailty=False, bend=False, families=False, outliers=False)}


@pytest.fixture(scope="session")
def stored_fits(prior_fit, answer_table, tmp_path_factory):
    """Files of two fits of a table with rates, losses, choices, families and dates."""
    folder, frame = tmp_path_factory.mktemp("stored"), read_table(answer_table)
    paths = {name: folder / f"{name}.nc" for name in PARTS}
    for name, parts in PARTS.items():
        save(prior_fit(frame, draws=20, parts=parts), paths[name])
    return paths
