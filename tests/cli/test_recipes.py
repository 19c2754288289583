"""`--family` and `--date` where they cannot count: one line, and no answer."""

import pytest

from forecast.posterior.fit import save
from forecast.table.dataset import read_table
from tests.conftest import ANSWER_COLUMNS, answer_rows, forecast_command, write_rows

DATE = ("--date", "2024-01-01")
ASKED = ("--task", "picks", "--at", "0.5")


@pytest.fixture(scope="module")
def fits(prior_fit, tmp_path_factory):
    """Draws of the prior of one table: with families and dates, with neither, and with dates in place of compute."""
    folder, found = tmp_path_factory.mktemp("fits"), {}
    of_years = [row | {"date": f"20{10 + int(row['model'][-1])}-06-01"} for row in answer_rows()]
    for name, every, left in (
        ("whole", answer_rows(), ()),
        ("bare", answer_rows(), ("family", "date")),
        ("years", of_years, ("family", "compute")),
    ):
        header = tuple(column for column in ANSWER_COLUMNS if column not in left)
        rows = [{column: cell for column, cell in row.items() if column not in left} for row in every]
        found[name] = folder / f"{name}.nc"
        save(prior_fit(read_table(write_rows(folder / f"{name}.csv", rows, header=header)), draws=100), found[name])
    return found


@pytest.mark.parametrize(
    ("command", "name", "options", "said"),
    [
        (
            "threshold",
            "bare",
            ("--date", "2024-01-01"),
            "--date 2024-01-01: changes nothing, the dates of",
        ),
        ("threshold", "years", DATE, "--date 2024-01-01: changes nothing, this fit is in years"),
        ("howmuch", "bare", DATE, "leave --date out"),
        *(
            (name, "bare", ("--family", "all"), "'all' is not a family: ")
            for name in ("threshold", "howmuch", "when", "design")
        ),
        ("threshold", "bare", ("--family", "recipe 0"), "names none; leave --family out"),
    ],
)
def test_what_cannot_count_is_refused_in_one_line(fits, command, name, options, said):
    done = forecast_command(command, fits[name], *ASKED, *options)
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1 and said in done.err


def test_a_report_and_a_comparison_refuse_them_too(fits, tmp_path):
    done = forecast_command("report", fits["bare"], "-o", tmp_path / "report.html", "--family", "all")
    assert done.code == 1 and "leave --family out" in done.err and not (tmp_path / "report.html").exists()
    for options in (("--family", "all"), DATE):
        done = forecast_command("compare", fits["bare"], fits["bare"], *options)
        assert done.code == 1 and f"leave {options[0]} out" in done.err


def test_both_count_where_the_table_has_them(fits):
    done = forecast_command("threshold", fits["whole"], *ASKED, "--family", "recipe 0", *DATE, "--json")
    assert done.json["family"] == "recipe 0"
