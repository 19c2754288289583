"""Back-test in the report: verdict, methods side by side, weights of structures, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from forecast.backtesting.record import figures, summarised, too_few
from forecast.backtesting.run import BacktestResult
from forecast.backtesting.scored import OURS
from forecast.errors import ForecastError, shown_path
from forecast.figures.svg import track_record_figure
from forecast.files import contents, parsed_json
from forecast.words import spoken_score

MAKER = "`forecast backtest TABLE -o DIR`"
CLASSES = {"trust": "answer sure", "trust with care": "warning", "do not trust": "warning"}


@dataclass(frozen=True, kw_only=True)
class BacktestView:
    """Whether to believe the forecast of a table, and the back-test behind that."""

    verdict: Mapping[str, Any]  # of `forecast.backtesting.verdict.verdict`
    tested: BacktestResult | None
    weights: Mapping[str, float]  # of the structures in the forecast
    apart: Sequence[Mapping[str, Any]]  # thresholds of the headline task with their `structures`


def backtest_view(believed: BacktestView, *, table: str, seed: int) -> dict[str, Any]:
    """What the template shows."""
    verdict, tested = believed.verdict, believed.tested
    view = with_verdict(None, verdict) | {
        "weights": [{"name": name, "weight": weight} for name, weight in believed.weights.items()],
        "apart": [_threshold(each) for each in believed.apart],
    }
    if tested is None:
        return view
    summary = summarised(tested, verdict, table=table, seed=seed)
    drawn = {name: Markup(figure) for name, figure in figures(tested, key="record").items()}
    return view | _of_summary(summary, averaged=len(believed.weights) > 1) | {"figures": drawn}


def with_verdict(record: Mapping[str, Any] | None, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of a verdict, and of a back-test on disk (`stored_view`) if there is one."""
    said = {"sentence": verdict["sentence"], "kind": CLASSES[verdict["trust"]], "reasons": verdict["reasons"]}
    return {"weights": [], "apart": [], "methods": [], **(record or {}), **said}


def _of_summary(summary: Mapping[str, Any], *, averaged: bool) -> dict[str, Any]:
    """What the template shows of summary.json."""
    structures = {each["structure"] for each in summary["fits"]}
    single = [each for each in summary["methods"] if each["method"] in structures and averaged]
    others = [each for each in summary["methods"] if each["method"] not in {OURS, *structures}]
    groups = [("this forecast", [summary["methods"][0]]), ("single structures", single), ("baselines", others)]
    return {
        "groups": [(name, lines) for name, lines in groups if lines],
        "methods": summary["methods"],
        "figures": {},
        "track": track_record_figure(summary["methods"], key="record"),
        "few": too_few(summary["methods"][0]["n"]),
        "cuts": summary["cuts"],
        "distances": summary["verdict"]["distances"],
        "failed": summary["failed"],
        "thresholds": [each for each in summary["thresholds"] if each["method"] == OURS],
    }


def stored_view(folder: Path, *, data_hash: str) -> dict[str, Any]:
    """A back-test on disk as the template shows it, and its verdict; a `ForecastError` where it is of another table."""
    path = folder / "summary.json"
    try:
        summary = parsed_json(contents(path), path)
        known, verdict = summary["data_hash"], {name: summary["verdict"][name] for name in ("record", "reasons")}
        view = {"verdict": verdict} | _of_summary(summary, averaged=True)
    except OSError as error:
        raise ForecastError(
            f"{shown_path(path)}: cannot be read ({error.strerror}); name a folder of {MAKER}"
        ) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ForecastError(f"{shown_path(path)}: is no back-test of this version; make it again by {MAKER}") from error
    if known != data_hash:
        raise ForecastError(f"{shown_path(folder)}: the back-test is of another table; make one by {MAKER}")
    return view


def _threshold(answer: Mapping[str, Any]) -> dict[str, Any]:
    lines = [*answer["structures"], {**answer, "structure": "average", "weight": 1.0}]
    return {
        "task": answer["task"],
        "at": spoken_score(answer["at"], answer["metric"]),
        "lines": [
            {
                **{"name": each["structure"], "weight": each["weight"], "p_never": each["p_never"]},
                **{name: each["log10_compute"][name] for name in ("q05", "q50", "q95")},
            }
            for each in lines
        ],
    }
