"""Names: what a spreadsheet, a page, a file system or a terminal would take for more than a name stays a name."""

import csv
import io
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.backtesting.record import write_backtest
from forecast.backtesting.verdict import verdict
from forecast.errors import ForecastError
from forecast.files import as_written, check_target, without_formula, without_formulas, write_csv, write_whole
from forecast.posterior.fit import save
from forecast.report.content import write_report
from forecast.report.live.script import embedded
from forecast.study.file import read_study
from forecast.table.dataset import read_table
from forecast.table.importers.importing import import_results
from forecast.table.importers.measurements import files
from forecast.table.splits import latest
from tests.conftest import SEED, forecast_command, write_rows
from tests.hostile.examples import examples

FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+SUM(A1:A9)",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "'=1+1",
    '=HYPERLINK("http://a/?x="&A1,"x")',
)
"""Cells that spreadsheets compute."""
SIGNS = ("=", "+", "-", "@", "\t", "\r")
MARKUP = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
    "$\\badcommand{$ & \"'",
    "\u202eabc\u2028\u2029",
)
OUTSIDE = (
    "../../up",
    "/etc/passwd",
    "..",
    ".",
    "a/../../b",
    "..\\..\\up",
    "CON",
    "nul.txt",
    "x" * 300,
    "~/x",
    "-rf",
    "a\nb",
)


def cells(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [cell for row in csv.reader(file) for cell in row]


def computed(texts):
    """Cells that a spreadsheet would compute: those that begin with a sign, numbers left out."""
    return [text for text in texts if text.startswith(SIGNS) and not is_number(text)]


def is_number(text):
    try:
        return bool(float(text)) or True
    except ValueError:
        return False


def rows_of(names):
    """A table in which every name is that of a model, a task and a family."""
    return [
        {"model": f"{name} {run}", "task": name, "metric": "exact_match", "successes": run * 9, "trials": 40}
        | {"compute": f"1e{20 + run}", "family": name}
        for name in names
        for run in range(3)
    ]


@examples(300)
@given(st.text() | st.sampled_from(FORMULAS) | st.sampled_from(SIGNS).flatmap(lambda sign: st.text().map(sign.__add__)))
def test_no_text_is_written_as_a_formula_and_each_is_read_as_it_was(text):
    written = without_formula(text)
    assert not computed([written]) and as_written(written) == text


def test_a_frame_is_written_without_formulas_and_its_numbers_as_they_are(tmp_path):
    frame = pd.DataFrame({"=a": list(FORMULAS), "n": -1.5, "count": pd.array([-1] * len(FORMULAS), dtype="Int64")})
    frame["said"], frame["day"] = "-inf", pd.Timestamp("2024-01-02")
    write_csv(tmp_path / "out.csv", frame)
    written = cells(tmp_path / "out.csv")
    assert not computed(written) and {"-1.5", "-1", "-inf", "2024-01-02", "'=a"} <= set(written)
    assert without_formulas(frame[["n"]]).equals(frame[["n"]])


@pytest.fixture
def formula_table(tmp_path):
    header = ("model", "task", "metric", "successes", "trials", "compute", "family")
    return write_rows(tmp_path / "table.csv", rows_of(FORMULAS), header=header)


def test_an_imported_table_holds_no_formulas_and_the_same_names(tmp_path):
    source, output = tmp_path / "wide.csv", tmp_path / "out.csv"
    header = ["model", "compute", *(f"{name} task" for name in FORMULAS[:5])]
    lines = [[f"={run}+1 {run}", f"1e{20 + run}", *["0.5"] * 5] for run in range(3)]
    text = io.StringIO()
    csv.writer(text).writerows([header, *lines])
    source.write_text(text.getvalue(), encoding="utf-8")
    done = forecast_command("import", "wide", source, "-o", output, "--trials", 100)
    assert done.code == 0, done.err
    assert not computed(cells(output))
    table = read_table(output)
    assert set(table["model"]) == {f"={run}+1 {run}" for run in range(3)}
    assert {as_written(name) for name in header[2:]} == set(table["task"])


def test_predictions_hold_no_formulas(formula_table, prior_fit, tmp_path):
    save(prior_fit(read_table(formula_table), draws=20), tmp_path / "fit.nc")
    done = forecast_command("predict", tmp_path / "fit.nc", "--rows", formula_table, "-o", tmp_path / "out.csv")
    assert done.code in (0, 3), done.err
    written = cells(tmp_path / "out.csv")
    assert len(written) > 100 and not computed(written) and "'=1+1" in written


def test_scores_of_a_back_test_hold_no_formulas(formula_table, track_of, tmp_path):
    table = read_table(formula_table)
    tested = track_of(table, latest(table))
    write_backtest(tested, verdict(tested, runs=9, seed=SEED), tmp_path / "out", table="=table.csv", seed=SEED)
    written = {path.name: cells(path) for path in (tmp_path / "out").glob("*.csv")}
    assert "'=1+1" in written["scores.csv"] and not [name for name, found in written.items() if computed(found)]


class Elements(HTMLParser):
    """The elements of a page, their attributes, and the texts of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.handlers, self.scripts, self._inside = [], [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, value in attrs if name.startswith("on") or "javascript:" in (value or "")]
        self._inside = tag == "script"

    def handle_data(self, data):
        if self._inside:
            self.scripts.append(data)
            self._inside = False


def test_a_report_of_hostile_names_runs_nothing_but_its_own_script(prior_fit, tmp_path):
    pages = []
    for names in (MARKUP[:3], ["plain", "simple", "usual"]):
        rows = rows_of(names)
        header = ("model", "task", "metric", "successes", "trials", "compute", "family")
        fit = prior_fit(read_table(write_rows(tmp_path / "t.csv", rows, header=header)), draws=20)
        write_report(fit, tmp_path / "report.html")
        pages.append(Elements((tmp_path / "report.html").read_text(encoding="utf-8")))
    hostile, plain = pages
    assert hostile.tags.count("script") == plain.tags.count("script") and not hostile.handlers
    assert set(hostile.tags) <= set(plain.tags)
    assert hostile.scripts[-1] == plain.scripts[-1] or json.loads(hostile.scripts[0])
    assert any(MARKUP[0] in str(json.loads(text)) for text in hostile.scripts if text.startswith("{"))


@examples(200)
@given(st.text() | st.sampled_from(MARKUP))
def test_data_in_a_page_end_no_script_and_are_read_as_they_were(text):
    page = str(embedded({"name": text, text: 1}))
    body = page[page.index(">") + 1 : page.rindex("<")]
    assert not set("<>&") & set(body) and json.loads(body)["name"] in (text, 1)


@pytest.mark.parametrize("name", OUTSIDE)
def test_figures_of_any_task_stay_in_their_folder(tmp_path, name):
    from forecast.figures.style import write_figures
    from forecast.figures.svg import Drawing

    folder = tmp_path / "deep" / "figures"
    folder.mkdir(parents=True)
    drawing = Drawing(draw=lambda figure: figure.subplots(), size=(1.0, 1.0), key="x")
    written = write_figures(folder, [(f"curve-{name}", drawing), (name, drawing)])
    assert len(written) == 4 and all(path.parent == folder and path.is_file() for path in folder.iterdir())
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != folder] == []


def test_a_link_is_replaced_and_what_it_points_at_is_left_alone(tmp_path):
    outside, link = tmp_path / "outside.txt", tmp_path / "in" / "out.txt"
    outside.write_text("theirs")
    link.parent.mkdir()
    link.symlink_to(outside)
    write_whole(link, lambda temporary: temporary.write_text("ours"))
    assert outside.read_text() == "theirs" and link.read_text() == "ours" and not link.is_symlink()


def test_links_in_a_circle_end_the_search_for_results(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "gone.json").symlink_to(tmp_path / "nowhere.json")
    (tmp_path / "a" / "self.json").symlink_to(tmp_path / "a" / "self.json")
    (tmp_path / "a" / "results.json").write_text("{}")
    assert [path.name for path in files(tmp_path, ("*.json",))] == ["results.json"]


def test_a_pipe_or_a_folder_in_place_of_results_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "results.json")
    (tmp_path / "other.json").mkdir()
    with pytest.raises(ForecastError, match="holds no file"):
        import_results("lm-eval", tmp_path, tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["a" * 256 + ".csv", "é" * 200 + ".csv", "a\0b"])
def test_a_path_that_no_file_can_have_is_refused(tmp_path, name):
    for attempt in (check_target, read_table):
        with pytest.raises(ForecastError, match="no file can be called so"):
            attempt(tmp_path / name)


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".txt")
    write_whole(path, lambda temporary: temporary.write_text("x"))
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("seed = " + "9" * 5000, "not valid TOML"),
        ("\xff", "not valid TOML"),
        ('title = "x"\nquestion = "x"\nthresholds = [0.5]\ntable = "a\\u0000b"', ""),
    ],
)
def test_a_hostile_study_file_is_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "study.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ForecastError, match=said or "no file can be called so"):
        read_table(read_study(tmp_path).table)
