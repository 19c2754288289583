"""Tables: any one is refused with all that is wrong with it, or gives a model whose density can be sampled.

FUZZ=10000 tries that many new examples in all; see `tests.hostile.examples`.
"""

import math
import tempfile
from pathlib import Path

import pytensor
from hypothesis import given
from hypothesis import strategies as st
from pytensor import tensor as pt
from pytensor.compile.mode import Mode

from forecast.errors import ForecastError, TableError
from forecast.table.adjusting import Adjustments
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from tests.conftest import SEED
from tests.hostile.examples import EXAMPLES, examples
from tests.hostile.tables import HEADER, as_bytes, is_finite, strange, table, with_faults

RANDOM = st.randoms(use_true_random=True)


def read(rows, **options):
    """The frame of a table, or the error that refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(as_bytes(rows))
        try:
            return read_table(path, **options)
        except ForecastError as error:
            return error


def check_refusal(error, lines):
    """Each problem says what is wrong and what to do, in one line, at a line of the file."""
    assert str(error).strip()
    for problem in error.problems if isinstance(error, TableError) else ():
        assert problem.wrong and problem.remedy and "\n" not in str(problem)
        assert problem.row is None or 1 <= problem.row <= lines + 1
    assert not isinstance(error, TableError) or error.problems


@examples(100)
@given(RANDOM)
def test_a_table_is_refused_with_words_or_gives_finite_observations(rng):
    rows = strange(table(rng), rng)
    found = read(rows, adjust=Adjustments(skip_unusable=rng.random() < 0.3))
    if isinstance(found, ForecastError):
        return check_refusal(found, as_bytes(rows).count(b"\n"))
    data = observations(found)
    assert data.sizes["observation"] == len(found)
    for name in ("log10_compute", "chance", "knots", "trials"):
        assert is_finite(data[name]), name
    assert math.isfinite(data.attrs["reference"])
    return None


@examples(40)
@given(RANDOM, st.integers(1, 6))
def test_every_cell_that_is_wrong_by_itself_is_named_with_its_line_and_column(rng, number):
    rows = table(rng)
    if isinstance(read(rows), ForecastError):
        return
    rows, wrong = with_faults(rows, rng, number)
    found = read(rows)
    assert isinstance(found, TableError)
    assert wrong <= {(problem.row, problem.column) for problem in found.problems}
    for line, column in wrong:
        cell = rows[line - 1][HEADER.index(column)].strip()
        values = [each.value for each in found.problems if (each.row, each.column) == (line, column)]
        assert any((value or "").strip() == cell for value in values)


def density(data):
    """The terms of the log density and its gradient at the start, run by Python: compilation costs a minute."""
    model = capability_model(data)
    point, terms = model.initial_point(SEED), model.logp(sum=False)
    gradient = pytensor.grad(None, model.value_vars, known_grads={term: pt.ones_like(term) for term in terms})
    for mode in (Mode("py", None), Mode("py", "fast_compile")):  # the second as it is sampled, if ever the first is not
        with pytensor.config.change_flags(cxx=""):
            found = model.compile_fn([*terms, *gradient], mode=mode, on_unused_input="ignore")(point)
        if all(map(is_finite, found)):
            break
    return dict(zip([str(each) for each in (*terms, *model.value_vars)], found, strict=True))


@examples(max(12, EXAMPLES // 20))
@given(RANDOM)
def test_a_table_that_is_read_has_a_finite_density_and_gradient_at_the_start(rng):
    rows = table(rng)
    found = read(strange(rows, rng) if rng.random() < 0.2 else rows)
    if not isinstance(found, ForecastError):
        assert not [name for name, values in density(observations(found)).items() if not is_finite(values)]


@examples(20)
@given(RANDOM)
def test_most_tables_that_can_be_meant_are_read(rng):
    """Negative control: were all tables refused, nothing above would be tried."""
    found = [read(table(rng)) for _ in range(3)]
    assert any(not isinstance(each, ForecastError) for each in found), [str(each)[:300] for each in found]
