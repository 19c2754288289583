"""The live part in a real browser: numbers, keyboard, dark, phone, print, hostile names. Needs Chromium."""

import os
import re
import shutil
from dataclasses import dataclass
from html import unescape

import numpy as np
import pandas as pd
import pytest

from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold
from forecast.report.content import write_report
from forecast.scales import named_by
from forecast.table.dataset import read_table
from forecast.words import Reach, format_flop, percent
from models.dates import iso_date, spoken
from tests.conftest import COLUMNS, SEED, write_rows

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
IN_CI = bool(os.environ.get("CI"))
TASK = "sums </script><script>alert(\"x\")</script><img src=x onerror=alert(1)> & 'quotes' " + "long " * 60
RIGHT_TO_LEFT = "مرحبا \u202eabc \u2067שלום var(--ink, #222) =1+1"
FAMILIES = ("<b>bold</b>", "ספר", "plain")


@dataclass
class Opened:
    """A page in the browser, and all that it complained of."""

    page: object
    complaints: list[str]

    def slide(self, percent_asked: float) -> None:
        """Set the slider to a threshold, as dragging does."""
        self.page.evaluate(
            """(asked) => { const slider = document.getElementById("live-threshold");
            for (let i = 0; i <= Number(slider.max); i++) { slider.value = i; slider.dispatchEvent(new Event("input"));
            if (slider.getAttribute("aria-valuetext") === asked) return; } throw new Error("no such threshold"); }""",
            f"{percent_asked:g}%",
        )

    @property
    def answer(self) -> str:
        """With powers of ten as `forecast.words.format_flop` writes them."""
        raised = re.sub(r"(?: × )?10<sup>(\d+)</sup>", r"^\1", self.page.inner_html(".live-answer"))
        text = re.sub(r"<[^>]*>", "", raised)
        return unescape(re.sub(r"(?<=\d)\^", "e", text).replace("^", "1e"))


@pytest.fixture(scope="module")
def browser():
    """Chromium without a screen; its absence fails in CI and skips elsewhere."""
    if not IN_CI:
        pytest.importorskip("playwright.sync_api", reason="playwright is not installed: uv sync --group dev")
        if CHROMIUM is None:
            pytest.skip("no chromium on the path: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def fit(prior_fit, tmp_path_factory):
    """Two tasks, one of hostile names, and eight runs of three families; draws of the prior hold every kind of end."""
    rng = np.random.default_rng(SEED)
    rows = [
        {"model": f"run {i} <i>{'é' * 3}</i>" + ("x" * 300 if i == 3 else ""), "task": task, "metric": "exact_match"}
        | {"successes": int(rng.binomial(100, 0.1 + 0.09 * i)), "trials": 100, "compute": 10 ** (20 + 0.5 * i)}
        | {"family": FAMILIES[i % 3]}
        for task in (TASK, RIGHT_TO_LEFT)
        for i in range(8)
    ]
    path = write_rows(tmp_path_factory.mktemp("hostile") / "table.csv", rows, header=(*COLUMNS, "family"))
    return prior_fit(read_table(path), draws=500)


@pytest.fixture(scope="module")
def page_file(fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(fit, path)
    return path


@pytest.fixture
def opened(browser, page_file):
    """Opens the page; at the end nothing may have been said on the console, asked in a dialog or fetched."""
    contexts, complaints = [], []

    def open_page(**options) -> Opened:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.goto(page_file.as_uri())
        return Opened(page=page, complaints=complaints)

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def test_the_live_part_takes_the_place_of_the_still_picture(opened):
    page = opened().page
    assert page.is_visible("#live svg") and not page.is_visible("#still")


def test_without_script_the_still_picture_stays_and_no_control_is_shown(opened):
    page = opened(java_script_enabled=False).page
    assert page.is_visible("#still") and not page.is_visible("#live")


@pytest.mark.parametrize("at", [0.2, 0.5, 0.93])
def test_the_slider_says_what_forecast_threshold_says_to_the_printed_digit(opened, fit, at):
    found = opened()
    for number, task in enumerate(rate_tasks(fit)):
        found.page.select_option("#live-task", str(number))
        found.slide(100 * at)
        answer = threshold(fit, task, at)
        scale, q = named_by(answer), answer["log10_compute"]
        assert f"90% interval {scale.interval(q['q05'], q['q95'])};" in found.answer
        assert f"never does {percent(answer['p_never'])}." in found.answer
        assert (scale.named(q["q50"]) if q["q50"] != "inf" else "Not expected") in found.answer


def test_a_family_is_chosen_and_its_threshold_told(opened, fit):
    found = opened()
    for number in range(1, 1 + len(FAMILIES)):
        found.page.select_option("#live-family", str(number))
        family = found.page.inner_text(f"#live-family option:nth-child({number + 1})")
        assert family in FAMILIES
        answer = threshold(fit, rate_tasks(fit)[0], 0.5, family=family)
        q = answer["log10_compute"]
        assert named_by(answer).interval(q["q05"], q["q95"]) in found.answer and f"({family})" in found.answer


def test_the_keyboard_moves_the_threshold_by_a_percent(opened):
    found = opened()
    found.page.focus("#live-threshold")
    found.page.keyboard.press("ArrowRight")
    assert "51%" in found.answer
    found.page.keyboard.press("Home")
    assert " 1%" in found.answer
    assert found.page.get_attribute("#live-threshold", "aria-valuetext") == "1%"


def test_numbers_are_written_as_python_writes_them(opened):
    page, rng = opened().page, np.random.default_rng(SEED)
    places = [*rng.uniform(-3, 60, 3000), 23.0, 22.99999999, np.log10(9.95e22), np.log10(9.9499e22), 0.0]
    reach = Reach(low=12, high=30)
    for limits in (None, reach):
        script = "([xs, r]) => xs.map((x) => document.getElementById('live').forecast.formatFlop(x, r))"
        ends = None if limits is None else [limits.low, limits.high]
        found = page.evaluate(script, [list(map(float, places)), ends])
        assert found == [format_flop(x, limits) for x in places]
    ends = "() => [Infinity, -Infinity, NaN].map((x) => document.getElementById('live').forecast.formatFlop(x, null))"
    assert page.evaluate(ends) == [format_flop(x) for x in (np.inf, -np.inf, np.nan)]


def test_chances_and_dates_are_written_as_python_writes_them(opened):
    page, rng = opened().page, np.random.default_rng(SEED)
    chances = [k / n for n in (200, 1000, 4000, 8000) for k in range(n + 1)]
    script = "(xs) => xs.map((x) => document.getElementById('live').forecast.percent(x))"
    assert page.evaluate(script, chances) == [percent(p) for p in chances]
    years = [
        *map(float, rng.uniform(1990, 2110, 2000)),
        *map(float, rng.uniform(-500, 12000, 500)),
        2000 + 0.5 / 365.25,
    ]
    script = """(xs) => { const { isoDate, spoken } = document.getElementById("live").forecast;
    return xs.map((x) => [isoDate(x), spoken(isoDate(x))]); }"""
    assert page.evaluate(script, years) == [[iso_date(x), spoken(iso_date(x))] for x in years]


def test_hostile_names_become_no_element_and_stay_readable(opened):
    found = opened()
    page = found.page
    for number in (0, 1):
        page.select_option("#live-task", str(number))
        page.hover("#live svg", position={"x": 200, "y": 150})
        assert page.locator("#live img, #live b, #live i:not([class]), #live script, #live a").count() == 0
    assert page.locator("script").count() == 2 and page.locator("img, b b").count() == 0
    assert page.inner_text("#live-task option").startswith("sums </script>")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hovering_tells_the_run_and_the_curve(opened):
    page = opened(viewport={"width": 1200, "height": 1000}).page
    spot = page.evaluate(
        """() => { const box = [...document.querySelectorAll("#live svg circle[r='3.6']")].pop()
        .getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }"""
    )
    page.mouse.move(*spot)
    told = page.text_content("#live svg")
    assert "scored 0." in told and "median 0." in told and "FLOP" in told


@pytest.mark.parametrize("width", [340, 400, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_colours_follow_the_scheme(opened, width, scheme):
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = page.evaluate("document.querySelector('#live svg').getBoundingClientRect().width")
    assert min(0.5 * width, 600) <= wide <= width
    ink = page.evaluate("getComputedStyle(document.querySelector('#live select')).color")
    assert ink == ("rgb(232, 234, 237)" if scheme == "dark" else "rgb(34, 34, 34)")


def test_the_chart_is_drawn_anew_when_the_window_changes(opened):
    page = opened(viewport={"width": 1200, "height": 900}).page
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function("Number(document.querySelector('#live svg').getAttribute('width')) < 500")


def test_the_score_axis_becomes_logarithmic(opened):
    page = opened().page
    before = page.text_content("#live svg")
    page.click("text=Logarithmic score")
    assert page.text_content("#live svg") != before
    assert page.get_attribute("text=Logarithmic score", "aria-pressed") == "true"


def test_the_figure_is_a_whole_svg_without_variables(opened, tmp_path):
    page = opened(color_scheme="dark").page
    page.select_option("#live-task", "1")
    with page.expect_download() as download:
        page.click("text=Download figure")
    assert re.fullmatch(r"forecast-[A-Za-z0-9-]+-50\.svg", download.value.suggested_filename)
    download.value.save_as(tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert "#e8eaed" in text and 'fill="var(' not in text
    from xml.etree import ElementTree

    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"


def test_the_numbers_are_a_table_of_thresholds_curve_and_runs(opened, fit, tmp_path):
    page = opened().page
    page.select_option("#live-task", "1")
    with page.expect_download() as download:
        page.click("text=Download numbers")
    download.value.save_as(tmp_path / "numbers.csv")
    frame = pd.read_csv(tmp_path / "numbers.csv", encoding="utf-8-sig")
    assert frame["kind"].value_counts()[["threshold", "run"]].tolist() == [99, 8]
    row = frame[(frame["kind"] == "threshold") & (frame["score"] == 0.5)].iloc[0]
    answer = threshold(fit, rate_tasks(fit)[1], 0.5)
    assert row["p_never"] == pytest.approx(answer["p_never"])
    assert row["q50"] == pytest.approx(float(answer["log10_compute"]["q50"]), abs=1e-5)
    assert set(frame["task"]) == {RIGHT_TO_LEFT}


def test_in_print_the_still_picture_stays_and_the_controls_go(opened, tmp_path):
    page = opened().page
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF") and 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
    page.emulate_media(media="print")
    assert page.is_visible("#still") and not page.is_visible("#live")


def test_every_control_has_a_name_and_the_picture_says_the_answer(opened):
    found = opened()
    tree = found.page.locator("#live").aria_snapshot()
    for expected in ('combobox "Task"', 'combobox "Family"', 'slider "Threshold"', 'button "Logarithmic score"'):
        assert expected in tree
    assert "90% interval" in found.page.get_attribute("#live svg", "aria-label")
    assert found.page.get_attribute(".live-answer", "aria-live") == "polite"


def test_no_rule_of_axe_is_broken(opened):
    script = os.environ.get("AXE_CORE")
    if not script:
        pytest.skip("axe-core is not at hand: AXE_CORE=.../axe.min.js (npm install axe-core)")
    for scheme in ("light", "dark"):
        page = opened(bypass_csp=True, color_scheme=scheme).page
        page.add_script_tag(path=script)
        broken = page.evaluate(
            "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html)])"
        )
        assert not broken
