"""Numbers far beyond all runs, and infinite ones, in every output: words in their place, the numbers in JSON alone."""

import re

import numpy as np
import pandas as pd
import pytest

from forecast.cli.options import print_thresholds
from forecast.cli.questions.compare import print_compared
from forecast.cli.questions.design import print_design
from forecast.cli.questions.emergence import print_emergence
from forecast.report.content import answer_sentence
from forecast.report.page import write_page
from forecast.report.sections import Report, Section, TaskForecast
from forecast.scales import COMPUTE

FAR = {"q05": 22.5, "q10": 23.0, "q25": 25.0, "q50": 32.9, "q75": 42.4, "q90": 44.0, "q95": 45.0}
NEVER = dict.fromkeys(FAR, "inf")
ABSURD = re.compile(r"e(3[2-9]|4[0-9])|<sup>(3[0-9]|4[0-9])</sup>|\binf\b|\bnan\b")


def answer(**changes):
    """The answer of a threshold whose runs end at 2.5e22, so that from 1e29 on no number is named."""
    known = {
        **{"task": "sums", "metric": "exact_match", "at": 0.5, "event": "typical", "family": None, "families": 3},
        **{"log10_compute": FAR, "p_never": 0.01, "data_log10_compute": [20.4, 22.4], "reached_with_less": []},
    }
    return known | changes


def forecast(**changes):
    found = answer(**changes)
    draws = np.array([float(value) for value in found["log10_compute"].values()])
    return TaskForecast(
        task="sums",
        metric="exact_match",
        at=0.5,
        threshold=found,
        log10_compute_draws=draws,
        grid=np.linspace(20, 26, 5),
        curve={name: np.linspace(0, 0.4, 5) for name in ("q05", "q25", "q50", "q75", "q95")},
        observed=pd.DataFrame(
            {"model": ["a"], "log10_compute": [21.0], "score": [0.1], "trials": [100.0], "held_out": [False]}
        ).assign(family="all", moved_to=np.nan),
    )


def test_the_table_of_thresholds_names_no_compute_out_of_reach(capsys):
    print_thresholds([("", [answer()])])
    said = capsys.readouterr().out
    assert "beyond 1e29 │ 3.2e22 to beyond 1e29" in said and "typical of 3 families" in said
    print_thresholds([("", [answer(log10_compute=NEVER)])])
    assert re.search(r"never │ +never │", capsys.readouterr().out)


def test_structures_side_by_side_do_so_too_and_an_infinite_spread_is_unbounded(capsys):
    each = {"structure": "full", "weight": 1.0, "log10_compute": FAR, "p_never": 0.01}
    line = answer(structures=[each], between=0.0, within="inf")
    print_compared({"weights": {"full": 1.0}, "thresholds": [line]})
    said = capsys.readouterr().out
    assert said.count("beyond 1e29   3.2e22 to beyond 1e29") == 2 and not ABSURD.search(said)
    assert "within one unbounded" in said and "typical of 3 families" in said


@pytest.mark.parametrize(
    ("q", "where", "interval"),
    [
        (FAR, "is expected beyond 1e29 FLOP", "3.2e22 to beyond 1e29 FLOP"),
        (NEVER, "is not expected at any compute", "90% interval never;"),
        (FAR | {"q50": 23.0, "q95": "inf"}, "is expected at 1.0e23 FLOP", "3.2e22 FLOP to never"),
        (dict.fromkeys(FAR, "-inf"), "is expected below any compute", "90% interval below any compute;"),
        (FAR | {"q05": 3.0, "q50": 4.0}, "is expected below 1e14 FLOP", "below 1e14 to beyond 1e29 FLOP"),
    ],
)
def test_the_sentence_of_an_answer_reads_well_wherever_the_threshold_lies(q, where, interval):
    said = answer_sentence(forecast(log10_compute=q))
    assert where in said and interval in said and "(typical of 3 families; 90% interval" in said


def test_no_text_of_the_report_names_a_compute_out_of_reach(tmp_path):
    diagnostics = {"max_rhat": 1.0, "min_ess_bulk": 900.0, "min_ess_tail": 900.0, "divergences": 0, "total_draws": 4000}
    section = Section(
        title="all",
        text="",
        tasks=[forecast()],
        diagnostics=diagnostics | {"worst": [], "reasons": []},
        provenance={},
    )
    write_page(tmp_path / "r.html", Report(title="t", question="q", answer="a", sections=[section]))
    page = re.sub(r"<(svg|style).*?</\1>", "", (tmp_path / "r.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not ABSURD.search(page) and page.count("beyond 10<sup>29</sup>") >= 3


def test_a_rise_without_end_is_unbounded_and_one_run_is_one_run(capsys):
    unseen = {"model": "a", "items": 50, "successes": 0, "p_seen": 0.1, "items_needed": "inf"}
    metric = {"task": "sums", "emergence_score": "inf", "width_decades": {"q05": 1.0, "q50": 2.0, "q95": "inf"}}
    print_emergence({"sentence": "said", "metrics": [metric], "resolution": [unseen]}, COMPUTE)
    said = capsys.readouterr().out
    assert "10 to 90% of the rise in 2 (1 to unbounded) decades" in said and not ABSURD.search(said)
    assert "1 run shows nothing" in said and "no number of items shows one" in said


def test_design_calls_an_interval_of_eighteen_decades_by_its_width(capsys):
    found = answer(log10_compute=FAR | {"q95": 40.5}, width=18.0, unit="decades", held_width=2.48, interval_score=3.0)
    print_design(
        found | {"horizon": [17.4, 25.4], "candidates": [], "rankings": {"per_item": []}, "refits": []}, COMPUTE
    )
    said = capsys.readouterr().out
    assert "18.00 decades wide, P(never)" in said and "held within 2.5e17 to 2.5e25 FLOP: now 2.48 decades" in said
