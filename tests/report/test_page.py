import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from forecast.report.page import write_page
from forecast.report.sections import Evidence, KSweep, OutcomeCheck, Report, Section, TaskForecast
from forecast.words import format_flop

HOSTILE = "<script>alert('x')</script> & \"q\", $a_b^{\n日本語 </text></svg>"
LEVELS = {"q05": 0.05, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q95": 0.95}
GRID = np.linspace(20, 26, 20)
TRUSTED = {
    "max_rhat": 1.004,
    "min_ess_bulk": 900.0,
    "min_ess_tail": 700.0,
    "divergences": 0,
    "total_draws": 4000,
    "worst": ["sigma_run"],
    "reasons": [],
}


def forecast_of(task="3-digit addition", *, draws=None, metric="exact_match") -> TaskForecast:
    draws = np.append(np.linspace(22, 24, 80), np.full(20, np.inf)) if draws is None else draws
    quantiles = {name: np.quantile(draws, p, method="inverted_cdf") for name, p in LEVELS.items()}
    threshold = {
        "task": task,
        "metric": metric,
        "at": 0.5,
        "event": "typical",
        "family": "gpt3",
        "log10_compute": {name: float(q) if np.isfinite(q) else str(q) for name, q in quantiles.items()},
        "p_never": float(np.mean(draws == np.inf)),
        "data_log10_compute": [20.4, 22.4],
    }
    observed = {"model": ["a", "b"], "log10_compute": [21.0, 23.5], "score": [0.0, 0.4], "trials": 2000.0}
    observed |= {"family": "gpt3", "moved_to": np.nan}
    return TaskForecast(
        task=task,
        metric=metric,
        at=0.5,
        threshold=threshold,
        log10_compute_draws=draws,
        grid=GRID,
        curve={f"q{p:02d}": np.linspace(0, p / 100, 20) for p in (5, 25, 50, 75, 95)},
        observed=pd.DataFrame(observed | {"held_out": [False, True]}),
    )


def check_of(task="3-digit addition") -> OutcomeCheck:
    row = {"task": task, "model": "175B", "log10_compute": 23.5, "score": 0.8, "q05": 0.1, "q50": 0.4, "q95": 0.7}
    methods = {"method": ["this forecast", "last value"], "crps": [0.15, 0.4], "coverage_90": [0.8, 0.0]}
    return OutcomeCheck(
        title="175B",
        metric="exact_match",
        outcomes=pd.DataFrame([row | {"crps": 0.2, "inside": False}]),
        methods=pd.DataFrame(methods | {"width_90": [0.6, 0.1]}),
    )


def line_of(parameter="nu", task=None, *, ratio=0.2, **changes) -> dict:
    """A line of `forecast.fitting.contraction.contraction`."""
    line = {"parameter": parameter, "task": task, "prior": [0.2, 1.0, 5.0], "posterior": [0.6, 1.0, 2.0]}
    return line | {"width_ratio": ratio, "moved": ratio is not None and ratio <= 0.5} | changes


def threshold_line(task="3-digit addition", *, at="0.5", ratio=0.03, **changes) -> dict:
    quantiles = {"prior": [16.0, 24.0, "inf"], "posterior": [22.0, 23.0, 24.0]}
    line = line_of(f"log10_compute at {at}", task, ratio=ratio, **quantiles, prior_p_never=0.1, p_never=0.2)
    return line | changes


def surprising_row(task="3-digit addition", model="175B", **changes) -> dict:
    expected = {"q05": 0.7, "q50": 0.8, "q95": 0.9}
    row = {"row": 17, "model": model, "task": task, "score": 0.01, "expected": expected, "tail": 0.0, "p_broken": 0.98}
    return row | changes


def evidence_of(*lines: dict, headline="3-digit addition", surprising=()) -> Evidence:
    lines = lines or (line_of("sigma_run", ratio=0.9), line_of("nu", headline), threshold_line(headline))
    return Evidence(headline=headline, moved=lines, surprising=surprising, rows=144)


def section_of(*tasks: TaskForecast, **changes) -> Section:
    section = Section(
        title="Fit on all runs",
        text="",
        tasks=tasks or [forecast_of()],
        diagnostics=TRUSTED,
        provenance={"seed": 7, "versions": {"pymc": "6.0"}, "priors": {"alpha": {"median": 0.35}}},
    )
    return replace(section, **changes)


class Page(HTMLParser):
    """Tags, attributes and visible text of an HTML file."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.html = html
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def page(path, *sections: Section, **changes) -> Page:
    texts = {"title": "Title", "question": "Question?", "answer": "Answer."} | changes
    write_page(path, Report(**texts, sections=sections or [section_of()]))
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.html"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A report with every part there can be."""
    path = tmp_path_factory.mktemp("full") / "report.html"
    return page(
        path,
        section_of(
            check=check_of(),
            k_sweep=sweep("t"),
            text="text",
            evidence=evidence_of(surprising=[surprising_row()]),
        ),
        section_of(),
        warnings=["Careful."],
    )


def test_html_in_any_text_is_shown_and_never_interpreted(path, full):
    hostile = page(
        path,
        section_of(
            forecast_of(HOSTILE, metric=HOSTILE),
            title=HOSTILE,
            text=HOSTILE,
            check=replace(check_of(HOSTILE), title=HOSTILE),
            k_sweep=sweep(HOSTILE),
            evidence=evidence_of(
                *(
                    line_of(HOSTILE, HOSTILE, ratio=1.0),
                    threshold_line(HOSTILE, ratio=0.9),
                    threshold_line(HOSTILE + "2"),
                ),
                headline=HOSTILE,
                surprising=[surprising_row(HOSTILE, HOSTILE)],
            ),
            diagnostics=TRUSTED | {"worst": [HOSTILE]},
            provenance={HOSTILE: HOSTILE, "versions": {HOSTILE: HOSTILE}, "list": {"inner": {HOSTILE: [HOSTILE]}}},
        ),
        title=HOSTILE,
        question=HOSTILE,
        answer=HOSTILE,
        warnings=[HOSTILE],
    )
    assert "script" not in hostile.tags
    assert set(hostile.tags) <= set(full.tags)
    assert hostile.tags.count("svg") == hostile.html.count("</svg>") == 8
    assert hostile.text.count("alert('x')") > 15
    assert not re.search(r"\son\w+=", hostile.html)


def test_a_hostile_name_is_escaped_inside_the_svg(path):
    html = page(path, section_of(check=check_of("<script>x</script> $1"))).html
    html += page(path, section_of(evidence=evidence_of(headline="<script>y</script> $2"))).html
    figures = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert any("&lt;script&gt;x&lt;/script&gt; $1" in figure for figure in figures)
    assert any("&lt;script&gt;y&lt;/script&gt; $2" in figure for figure in figures)
    assert not any("<script" in figure for figure in figures)


def test_the_file_references_nothing_outside_itself(full):
    assert not {"script", "link", "iframe", "object", "img", "base"} & set(full.tags)
    links = [value for name, value in full.attributes if name in ("src", "href", "xlink:href", "srcset", "action")]
    assert links and all(link.startswith("#") for link in links)
    assert "@import" not in full.html
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)", full.html))


def test_every_reference_inside_the_file_has_one_target(full):
    ids = [value for name, value in full.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', full.html) + re.findall(r"url\(#([^)]+)\)", full.html)
    assert set(targets) <= set(ids)


def test_never_mass_is_shown_in_table_and_figure(full):
    figures = "".join(re.findall(r"<svg.*?</svg>", full.html, flags=re.DOTALL))
    assert re.search(r"<text[^>]*>never</text>", figures)
    assert re.search(r"<text[^>]*>20%</text>", figures)
    assert re.search(r'<td class="number">20%</td>', full.html)


def test_infinite_quantiles_read_never_and_below_any_compute(path):
    seen = page(
        path, section_of(forecast_of("n", draws=np.full(50, np.inf)), forecast_of("b", draws=np.full(50, -np.inf)))
    )
    assert "0.5 at never; never >99%" in seen.text
    assert "0.5 at below any compute; never <1%" in seen.text
    assert "n is more likely than not never to reach 50%" in seen.text
    assert not re.search(r"\binf\b", seen.text)
    assert not re.search(r"\bnan\b", seen.html, flags=re.IGNORECASE)


@pytest.mark.parametrize(
    ("log10_compute", "shown"),
    [("inf", "never"), ("-inf", "below any compute"), (np.log10(3.14e23), "3.1e23"), (22.99999, "1.0e23")],
)
def test_compute_in_plain_text(log10_compute, shown):
    assert format_flop(log10_compute) == shown


def test_degenerate_posteriors_and_missing_data_are_reported(path):
    bare = forecast_of("bare", draws=np.full(50, 23.0))
    seen = page(path, section_of(replace(bare, observed=bare.observed.iloc[:0])))
    assert "(no observations)" in seen.text


def test_many_tasks_are_all_in_the_table_and_the_first_are_drawn(path, monkeypatch):
    monkeypatch.setattr("forecast.report.views.pictures.MAX_PANELS", 2)
    monkeypatch.setattr("forecast.report.views.pictures.MAX_ROWS", 3)
    seen = page(path, section_of(*(forecast_of(f"task {i}") for i in range(200))))
    assert seen.tags.count("svg") == 6  # headline and forest for a screen and a phone, and two curves
    assert "The first 2 of 200 tasks are drawn; the table holds the rest." in seen.text
    assert "The first 3 of 200 thresholds are drawn; the table holds the rest." in seen.text
    assert all(f'<th scope="row">task {i}</th>' in seen.html for i in range(200))


def test_the_order_is_question_answer_warnings_tasks_curves_trust_drivers_changes_method_provenance(full):
    words = [
        "Question?",
        "3-digit addition is expected to reach 50% at about",
        "Careful.",
        "All tasks: threshold compute",
    ]
    words += ["Curves of all tasks", "One law, every metric", "0 of 1 outcomes"]
    words += ["Can the computation be trusted?", "Which rows surprise the model?", "what changed"]
    words += ["The score is not forecast directly", "seed"]
    places = [full.text.index(word) for word in words]
    assert places == sorted(places)


def test_reasons_of_distrust_are_at_the_top_once(path, full):
    untrusted = section_of(tasks=[], diagnostics=TRUSTED | {"divergences": 7, "reasons": ["7 divergences"]})
    assert page(path, untrusted).text.count("Fit on all runs: 7 divergences") == 1
    assert "Fit on all runs: 7" not in page(path, untrusted, warnings=["We saw 7 divergences."]).text
    assert "Before you rely on this" in full.text
    assert "Before you rely on this" not in page(path, section_of(tasks=[])).text


def test_held_out_points_are_named_only_where_there_are_some(path, full):
    task = forecast_of()
    assert "not seen by the fit" in full.text
    seen_by_fit = replace(task, observed=task.observed.assign(held_out=False))
    assert "not seen by the fit" not in page(path, section_of(seen_by_fit)).text


def test_the_check_counts_the_outcomes_inside_and_names_the_baselines(full):
    assert "0 of 1 outcomes" in full.text and "in other units" not in full.text
    assert "last value" in full.text


def test_the_check_says_how_many_outcomes_are_in_other_units(path):
    assert "7 more are in other units" in page(path, section_of(check=replace(check_of(), others=7))).text


def test_an_exception_while_rendering_leaves_no_file(path, monkeypatch):
    monkeypatch.setattr("forecast.figures.svg.plot_curve", fail)
    with pytest.raises(RuntimeError):
        page(path)
    assert list(path.parent.iterdir()) == []


def test_an_exception_while_writing_keeps_the_old_report(path, monkeypatch):
    path.write_text("old")
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(RuntimeError):
        page(path)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_the_same_forecast_gives_the_same_file(path):
    assert page(path).html == page(path).html


def sweep(task: str) -> KSweep:
    return KSweep(task=task, length=3, grid=GRID, curves={k: np.linspace(0, 1, 20) ** k for k in (1, 2, 3)})


def fail(*args, **kwargs):
    raise RuntimeError("on purpose")


def dates_of(task):
    """An answer of `forecast.questions.when.answer.when`, with dates that are and are not dates."""
    q = dict(
        zip(LEVELS, ("-inf", "2021-01-01", "2022-02-03", "2024-05-06", "2029-01-01", "after 9999", "inf"), strict=True)
    )
    event = {"date": q, "trained": q, "p_already": 0.2, "p_never": 0.07, "p_by": [{"date": "2030-01-01", "p": 0.61}]}
    scenario = {"progress": {"source": "none"}, "events": {"typical": event, "new run": event, "first": event}}
    return {
        **{
            "task": task,
            "metric": "exact_match",
            "at": 0.5,
            "as_of": "2025-02-21",
            "first_of": 7,
            "family": None,
            "families": 1,
        },
        "scenarios": [{"name": name, **scenario} for name in ("compute only", HOSTILE)],
        "frontier": {"table": HOSTILE, "records": 16, "known_to": "2025-02-21", "sentence": None},
    }


def test_names_of_scenarios_keep_their_capitals(tmp_path):
    first, second = dates_of("sums")["scenarios"]
    scenarios = [first | {"name": "GPU cap"}, second | {"name": "NVIDIA", "progress": {"source": "as in MMLU"}}]
    texts = {"title": "t", "question": "q", "answer": "a", "sections": []}
    write_page(tmp_path / "dates.html", Report(**texts, dates=[dates_of("sums") | {"scenarios": scenarios}]))
    html = (tmp_path / "dates.html").read_text()
    assert "GPU cap, NVIDIA: Progress, GPU cap: none. Progress, NVIDIA: as in MMLU." in html


def test_dates_stand_by_scenario_and_event_and_hostile_names_are_only_shown(tmp_path):
    texts = {"title": "t", "question": "q", "answer": "a", "sections": []}
    write_page(tmp_path / "none.html", Report(**texts))
    assert 'id="dates"' not in (tmp_path / "none.html").read_text()
    write_page(tmp_path / "dates.html", Report(**texts, dates=[dates_of(HOSTILE)]))
    html = (tmp_path / "dates.html").read_text()
    assert html.count("first of 7 runs") >= 2 and '<td class="number">2024-05-06</td>' in html
    assert "always to never" in html and "61%" in html and "by 2030" in html
    assert "<script>" not in html
