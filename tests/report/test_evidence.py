"""What the report says of prior and data: sentences, figure, tables; and of the rows that surprise."""

import re

import numpy as np
import pytest

from forecast.figures.curve import plot_prior_posterior
from forecast.report.views.text import number
from tests.report.test_page import evidence_of, forecast_of, line_of, page, section_of, surprising_row, threshold_line

TASK = "3-digit addition"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.html"


def words(path, *lines, **changes) -> str:
    """Visible text of a report with this evidence, every white space one space."""
    return " ".join(page(path, section_of(evidence=evidence_of(*lines, **changes))).text.split())


def drawn(path, monkeypatch, *lines):
    """The rows that the figure was given."""
    given, plot = [], plot_prior_posterior
    monkeypatch.setattr(
        "forecast.figures.svg.plot_prior_posterior", lambda rows, *, ax: given.append(rows) or plot(rows, ax=ax)
    )
    words(path, *lines)
    return given[0]


def test_the_sentence_says_of_each_headline_threshold_whether_it_is_data_or_prior(path):
    seen = words(path, threshold_line(at="0.5", ratio=0.03), threshold_line(at="0.8", ratio=0.7))
    assert f"The threshold 0.5 of {TASK} comes from the data: from its 5% to its 50% quantile it is 0.03 times" in seen
    assert f"The threshold 0.8 of {TASK} is prior-dominated: from its 5% to its 50% quantile it is still 0.7" in seen
    assert "P(never) is 20% with the data and 10% without." in seen


def test_a_width_of_the_whole_interval_is_said_to_be_one(path):
    line = threshold_line(prior=[16.0, 20.0, 30.0])
    assert "comes from the data: its 90% interval is 0.03 times" in words(path, line)


def test_a_prior_dominated_headline_threshold_is_a_warning_at_the_top_and_marked_in_the_table(path):
    loose = page(path, section_of(evidence=evidence_of(threshold_line(ratio=0.7))))
    top = loose.text[: loose.text.index("All tasks: threshold compute")]
    assert f"Fit on all runs: The threshold 0.5 of {TASK} is prior-dominated" in top
    assert '<span class="miss">prior-dominated</span></td>' in loose.html[: loose.html.index('id="curves"')]
    firm = page(path, section_of(evidence=evidence_of(threshold_line(ratio=0.1))))
    assert "Before you rely on this" not in firm.text
    assert '<span class="miss">' not in firm.html[: firm.html.index('id="curves"')]


def test_the_mark_in_the_table_is_that_of_the_task_and_the_score(path):
    lines = [threshold_line("a", ratio=0.1), threshold_line("b", ratio=0.9), threshold_line("a", at="0.8", ratio=0.9)]
    section = section_of(forecast_of("a"), forecast_of("b"), evidence=evidence_of(*lines, headline="a"))
    html = page(path, section).html
    rows = {name: html[html.index(f'<th scope="row">{name}</th>') :].split("</tr>")[0] for name in ("a", "b")}
    assert "prior-dominated" in rows["b"] and "prior-dominated" not in rows["a"]


def test_the_sentence_names_what_stayed_prior_dominated_and_nothing_else(path):
    lines = [line_of("sigma_run", ratio=0.9), line_of("progress"), line_of("ceiling", TASK, ratio=1.4)]
    lines += [line_of("nu", TASK), line_of("floor", "other", ratio=0.9), line_of("new_part", TASK, ratio=0.6)]
    assert f"Still prior-dominated: ceiling and new_part (of {TASK}); run residual (shared by all tasks)." in words(
        path, *lines, threshold_line()
    )
    assert "none is prior-dominated" in words(path, line_of("nu", TASK), line_of("sigma_run"))


def test_a_never_that_rests_on_a_prior_dominated_ceiling_is_said_to(path):
    said = "and rests on the ceiling, which is prior-dominated"
    assert said in words(path, line_of("ceiling", TASK, ratio=1.1), threshold_line())
    assert said not in words(path, line_of("ceiling", TASK, ratio=0.1), threshold_line())
    assert said not in words(path, line_of("ceiling", TASK, ratio=1.1), threshold_line(p_never=0.0))


def test_an_upper_end_of_never_before_and_after_is_not_sold_as_data(path, monkeypatch):
    line = threshold_line(posterior=[22.0, 23.0, "inf"])
    seen = words(path, line)
    assert "comes from the data up to its median only: from its 5%" in seen
    assert "Its upper end is “never” with the data as without." in seen
    assert "not compared: “never” before and after" in seen and "data, to the median" in seen
    assert drawn(path, monkeypatch, line, threshold_line(at="0.8"))["half"].tolist() == [True, False]
    assert not re.search("not compared|median only", words(path, threshold_line()))


@pytest.mark.parametrize("quantiles", [{"posterior": [24.0, "inf", "inf"]}, {"prior": ["nan", "nan", "nan"]}])
def test_a_threshold_whose_width_cannot_be_compared_counts_as_prior_dominated(path, quantiles):
    seen = words(path, threshold_line(ratio=None, **quantiles))
    assert f"The threshold 0.5 of {TASK} counts as prior-dominated: its median is “never” or unknown" in seen
    assert "not comparable" in seen and "Before you rely on this" in seen
    assert " inf " not in seen and " nan " not in seen


def test_thresholds_of_other_tasks_are_counted_and_named(path):
    lines = [threshold_line(), threshold_line("b", ratio=0.1), threshold_line("c", ratio=0.9)]
    assert "Of the 2 thresholds of other tasks, 1 is prior-dominated (c at 0.5)." in words(path, *lines)
    many = [threshold_line(f"t{i}", ratio=0.9) for i in range(8)]
    assert "8 are prior-dominated (t0 at 0.5, t1 at 0.5, t2 at 0.5, t3 at 0.5, t4 at 0.5 and 3 more)" in words(
        path, threshold_line(), *many
    )
    unknown = threshold_line("d", ratio=None)
    assert "none is prior-dominated and 1 is not comparable with its prior (d at 0.5)." in words(
        path, *lines[:2], unknown
    )


def test_the_figure_has_the_headline_task_and_the_shared_parameters_thresholds_first(path, monkeypatch):
    lines = [line_of("sigma_run"), line_of("nu", TASK), threshold_line(), line_of("nu", "other")]
    rows = drawn(path, monkeypatch, *lines)
    assert rows["name"].tolist() == ["threshold 0.5", "frailty ν", "run residual"]
    assert rows["group"].tolist() == [TASK, TASK, "shared by all tasks"]


@pytest.mark.parametrize(("parameter", "on_log"), [("nu", True), ("ceiling", False), ("log10_optimal_ratio", False)])
def test_a_bar_is_as_wide_as_its_width_ratio(path, monkeypatch, parameter, on_log):
    before, after = np.array([0.2, 0.5, 0.9]), np.array([0.3, 0.4, 0.6])
    scale = np.log if on_log else np.asarray
    ratio = np.ptp(scale(after)) / np.ptp(scale(before))
    line = line_of(parameter, TASK, ratio=ratio, prior=before.tolist(), posterior=after.tolist())
    row = drawn(path, monkeypatch, line).iloc[0]
    assert row["q95"] - row["q05"] == pytest.approx(ratio)
    same = drawn(path, monkeypatch, line | {"posterior": line["prior"]}).iloc[0]
    assert (same["q05"], same["q50"], same["q95"]) == pytest.approx((0, row["prior_q50"], 1))


def test_a_threshold_that_may_never_be_crossed_ends_where_its_prior_ends(path, monkeypatch):
    lines = [threshold_line(posterior=[16.0, 20.0, "inf"]), threshold_line(at="0.8", posterior=[20.0, 24.0, 99.0])]
    rows = drawn(path, monkeypatch, *lines)
    assert rows["endless"].all()
    assert rows[["q05", "q50", "q95"]].iloc[0].tolist() == pytest.approx([0, 0.25, 1])
    assert rows["q95"].iloc[1] < 1  # late, but not never


def test_all_tasks_and_the_chance_of_never_before_and_after_are_in_the_folded_table(path):
    lines = [line for i in range(40) for line in (line_of("nu", f"task {i}"), threshold_line(f"task {i}"))]
    html = page(path, section_of(evidence=evidence_of(*lines, headline="task 0"))).html
    folded = html[html.index("Prior and posterior of every parameter") : html.index("Which rows surprise")]
    assert all(f">task {i}</th>" in folded for i in range(40))
    assert folded.count("10% → 20%") == 40 and "1.0 × 10<sup>16</sup></span> to never" in folded


def test_surprising_rows_are_listed_with_line_score_and_expectation(path):
    rows = [surprising_row(), surprising_row("x", "7B", tail=0.0016, p_broken=0.0)]
    seen = page(path, section_of(evidence=evidence_of(surprising=rows)))
    text = " ".join(seen.text.split())
    assert "2 of 144 rows lie far from what the fitted curve expects" in text and "puts about 0.29" in text
    assert "1 of them looks like a broken evaluation" in text
    cells = " ".join(re.sub(r"<[^>]*>", " ", seen.html[seen.html.index("Which rows surprise") :]).split())
    assert "175B 3-digit addition 17 0.010 0.800 0.700 to 0.900 &lt;0.1% 98%" in cells
    assert "7B x 17 0.010 0.800 0.700 to 0.900 0.2% &lt;1%" in cells


def test_at_most_twenty_surprising_rows_are_listed_and_the_rest_are_counted(path):
    rows = [surprising_row(model=f"run {i}") for i in range(23)]
    seen = words(path, surprising=rows)
    assert "run 19" in seen and "run 20" not in seen and "23 of 144 rows" in seen
    assert "3 more rows surprise less and are not listed." in seen
    assert "are not listed" not in words(path, surprising=rows[:20])


def test_a_fit_without_surprises_says_so_in_a_sentence(path):
    assert "No row surprises the model: none of the 144 lies in the 1 in 500 tail" in words(path)


def test_a_section_without_evidence_shows_none(path):
    text = page(path, section_of()).text
    assert "What did the data move" not in text and "surprise" not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.123, "0.12"), (123.4, "123"), (-1.5, "-1.5"), ("nan", "unknown"), ("inf", "∞"), ("-inf", "−∞")],
)
def test_numbers_have_two_significant_digits(value, shown):
    assert number(value) == shown


def test_small_and_large_numbers_are_powers_of_ten():
    assert "5.2 × 10<sup>−5</sup>" in number(5.2e-5) and "1.2 × 10<sup>6</sup>" in number(1.23e6)
