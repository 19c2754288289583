"""The track record as the report shows it: verdict, methods side by side, weights of structures, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from forecast.backtest import OURS, Track
from forecast.track_files import figures, summarised

CLASSES = {"trust": "answer sure", "trust with care": "warning", "do not trust": "warning"}


@dataclass(frozen=True, kw_only=True)
class Believed:
    """Whether to believe the forecast of a table, and the back-test behind that."""

    verdict: Mapping[str, Any]  # of `forecast.trust.verdict`
    track: Track | None
    weights: Mapping[str, float]  # of the structures in the forecast
    apart: Sequence[Mapping[str, Any]]  # thresholds of the headline task with their `structures`


def track_view(believed: Believed, *, table: str, seed: int) -> dict[str, Any]:
    """What the template shows."""
    verdict, track = believed.verdict, believed.track
    view: dict[str, Any] = {
        "sentence": verdict["sentence"],
        "kind": CLASSES[verdict["trust"]],
        "reasons": verdict["reasons"],
        "weights": [{"name": name, "weight": weight} for name, weight in believed.weights.items()],
        "apart": [_threshold(each) for each in believed.apart],
        "methods": [],
    }
    if track is None:
        return view
    facts = summarised(track, verdict, table=table, seed=seed)
    drawn = {name: Markup(figure) for name, figure in figures(track, key="record").items()}
    baselines = [each for each in facts["methods"] if each["method"] not in (OURS, *track.structures)]
    structures = [each for each in facts["methods"] if each["method"] in track.structures and len(believed.weights) > 1]
    groups = [("this forecast, averaged", [facts["methods"][0]]), ("single structures", structures)]
    return view | {
        "groups": [(name, lines) for name, lines in [*groups, ("baselines", baselines)] if lines],
        "methods": facts["methods"],
        "figures": drawn,
        "cuts": facts["cuts"],
        "distances": verdict["distances"],
        "failed": facts["failed"],
        "thresholds": [each for each in facts["thresholds"] if each["method"] == OURS],
    }


def _threshold(answer: Mapping[str, Any]) -> dict[str, Any]:
    lines = [*answer["structures"], {**answer, "structure": "average", "weight": 1.0}]
    return {
        "task": answer["task"],
        "at": f"{answer['at']:g}",
        "lines": [
            {
                **{"name": each["structure"], "weight": each["weight"], "p_never": each["p_never"]},
                **{name: each["log10_compute"][name] for name in ("q05", "q50", "q95")},
            }
            for each in lines
        ],
    }
