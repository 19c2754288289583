"""Forms of the report beside HTML, its figures as files, and the index of a folder of studies."""

import json

import pytest

from forecast.errors import ForecastError
from forecast.report.forms import SCHEMA, write_as
from forecast.report.index import INDEX, write_index
from forecast.report.sections import Report
from forecast.report.views.headline import everyday, times
from forecast.report.views.pictures import known_runs
from forecast.report.views.text import markdown, powers
from forecast.scales import COMPUTE
from tests.report.test_page import HOSTILE, Page, forecast_of, section_of


def report_of(*tasks, **changes):
    texts = {"title": "Sums", "question": "When?", "answer": "At 1e23 FLOP.", "command": "forecast report FIT.nc"}
    return Report(**texts | changes, sections=[section_of(*tasks)])


def test_json_holds_the_answer_the_thresholds_and_a_schema_number(tmp_path):
    assert write_as("json", tmp_path / "r.json", report_of()) == []
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert found["schema"] == SCHEMA and found["answer"] == "At 1e23 FLOP."
    assert found["fits"][0]["thresholds"][0]["task"] == "3-digit addition"
    assert found["in_words"].startswith("3-digit addition is expected to reach 50% at about")
    assert found["command"] == "forecast report FIT.nc"


def test_markdown_has_its_figures_beside_it_and_every_link_leads_to_one(tmp_path):
    written = write_as("md", tmp_path / "r.md", report_of(forecast_of("a|b *c*")))
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert r"a\|b \*c\*" in text and "| 90% interval |" in text
    links = [line.rpartition("](")[2].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert links[0] == "r_figures/headline.svg" and len(links) == len(written) // 2
    assert all((tmp_path / link).is_file() for link in links)


def test_html_is_written_with_every_figure_as_svg_and_png_where_a_folder_is_given(tmp_path):
    written = write_as("html", tmp_path / "r.html", report_of(forecast_of("../../up")), figures=tmp_path / "f")
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert {"headline.svg", "headline.png", "forest.svg"} <= names and len(names) == len(written)
    assert {path.name for path in tmp_path.iterdir()} == {"r.html", "f"}


@pytest.mark.parametrize(
    ("decades", "said"), [(0.01, "about"), (0.3, "twice"), (0.55, "3.5 times"), (-0.3, "half of"), (-1.4, "1/25 of")]
)
def test_a_compute_is_told_beside_a_known_run(decades, said):
    assert times(decades) == said


def test_the_answer_is_said_in_everyday_numbers():
    said = everyday(forecast_of("sums"), known_runs(COMPUTE))
    assert "sums is expected to reach 50% at about" in said and "the compute of" in said
    assert "nineteen in twenty" in said and "One chance in five is that it never comes." in said


def test_powers_are_raised_in_html_and_names_stay_text():
    assert powers("at 1e23 FLOP") == 'at <span class="nowrap">10<sup>23</sup></span> FLOP'
    assert "<script>" not in powers(HOSTILE) and "\n" not in markdown(HOSTILE)


def result(folder, name, **changes):
    target = folder / name / "output"
    target.mkdir(parents=True)
    found = {"title": name, "question": "q", "answer": f"{name} at 1e23"}
    found |= {"verdict": {"trust": "trust", "sentence": "v"}}
    (target / "result.json").write_text(json.dumps(found | changes), encoding="utf-8")
    (target / "report.html").write_text("r", encoding="utf-8")
    (target / "forecast.svg").write_text("<svg/>", encoding="utf-8")


def test_the_index_shows_each_study_that_was_run_with_a_link_to_its_report(tmp_path):
    result(tmp_path, "one")
    result(tmp_path, "two", title=HOSTILE)
    (tmp_path / "not_run").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "result.json").write_text('{"title": 3}', encoding="utf-8")
    assert sorted(write_index(tmp_path)) == ["one", "two"]
    page = Page((tmp_path / INDEX).read_text(encoding="utf-8"))
    assert {"one/output/report.html", "two/output/report.html"} <= {v for k, v in page.attributes if k == "href"}
    assert page.tags.count("article") == 2 and "script" not in page.tags


def test_a_folder_without_results_is_refused_with_the_command_that_makes_some(tmp_path):
    with pytest.raises(ForecastError, match="forecast run STUDY"):
        write_index(tmp_path)
    with pytest.raises(ForecastError, match="is no folder"):
        write_index(tmp_path / "nowhere")
