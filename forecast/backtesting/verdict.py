"""Verdict on a forecast: whether to believe it, by its back-test and what else speaks against it."""

import shlex
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from forecast.backtesting.record import distances, record
from forecast.backtesting.scored import BacktestScores
from forecast.scales import COMPUTE, Scale, scale_of_answer
from forecast.table.describe import few_runs
from forecast.table.direction import refusal
from forecast.words import FAR, spoken_score

NOT, CARE, YES = "do not trust", "trust with care", "trust"
WORSE = 1.15
"""CRPS by that of the best baseline, from which the baseline is the better forecast if not by chance; near 1 they are
alike."""
NO_BETTER = 0.95
TWICE = 2.0  # from here on a ratio says it better than percents above 100
NARROW = 0.90
"""An upper end of the Wilson interval of 90% coverage below this: intervals were too narrow, and not by chance."""
FARTHER = 1.0
"""Decades beyond the farthest outcome ever tested at which a forecast is an article of faith."""
NEW_SIZE = 0.1
"""Decades of parameters beyond the training runs from which a model is larger, not another of their size."""
APART = 1.0
"""Distance between medians of structures at which they disagree, in widths of the 90% interval of a single one."""
MAX_FORECAST_RHAT, LOST_RHAT = 1.05, 1.3
"""R-hat of forecasts of a back-test above which they call for care, and that leaves them without meaning."""
COUNTS = 0.05  # weight of a structure that has a say
WEIGHT = (
    *(
        "not this model's case",
        "too few runs",
        "not converged",
        "tests not converged",
        "intervals too narrow",
        "beaten by a baseline",
    ),
    *("untested", "prior-dominated", "farther than tested"),
)
"""Kinds of reasons, heaviest first: without meaning, then measured, then unknown. Those not named come last."""


def verdict(
    tested: BacktestScores | None,
    *,
    runs: int,
    thresholds: Sequence[Mapping[str, Any]] = (),
    moved: Sequence[Mapping[str, Any]] = (),
    unsound: Sequence[str] = (),
    seed: int = 1,
) -> dict[str, Any]:
    """Whether to believe the forecast, with what speaks against it.

    Parameters
    ----------
    tested : the back-test of this table; None where none could be made
    runs : that the forecast learned from
    thresholds : of the headline task: JSON of `forecast.posterior.threshold.threshold`, and `structures` as of
        `threshold_by_structure` where it is averaged over several
    moved : lines of `forecast.fitting.contraction.contraction`
    unsound : what the sampler complains of

    Returns
    -------
    dict
        trust ('trust', 'trust with care' or 'do not trust'), sentence, reasons (each with `level`, `kind` and `text`,
        each text once, heaviest first), record (see `forecast.backtesting.record`; None without a back-test) and
        distances (the same by decades beyond a cut).
    """
    found = record(tested.scores, seed=seed) if tested is not None else None
    reasons = _of_runs(runs) + reasons_of_record(found) + _of_fit(found, thresholds, moved, unsound)
    reasons += _of_directions(tested, {each["task"] for each in thresholds}) + _of_tests(tested)
    judged = _judged(found, reasons, COMPUTE if tested is None else tested.scale)
    return judged | {"distances": [] if tested is None else distances(tested.scores)}


def verdict_on_fit(
    of_table: Mapping[str, Any] | None,
    *,
    runs: int,
    thresholds: Sequence[Mapping[str, Any]],
    moved: Sequence[Mapping[str, Any]],
    unsound: Sequence[str],
    scale: Scale,
    table: str,
) -> dict[str, Any]:
    """Whether to believe thresholds of a fit, as `verdict` says it; `of_table` is that on its table, or None."""
    if of_table is None:
        command = f"`forecast backtest {shlex.quote(table)} -o backtest`"
        never = f"such forecasts were never tested; {command} hides the {scale.largest} runs and forecasts them"
        found, reasons = None, [*_of_runs(runs), reason(NOT, "untested", never)]
    else:
        found, reasons = of_table["record"], list(of_table["reasons"])
    return _judged(found, [*reasons, *_of_fit(found, thresholds, moved, unsound)], scale)


def _of_fit(
    found: Mapping[str, Any] | None,
    thresholds: Sequence[Mapping[str, Any]],
    moved: Sequence[Mapping[str, Any]],
    unsound: Sequence[str],
) -> list[dict[str, Any]]:
    """What speaks against the thresholds of a fit, tested as a record says."""
    tested = found["tested_decades"] if found else 0.0
    reasons = [each for answer in thresholds for each in _of_threshold(answer, moved, tested)]
    return reasons + [reason(NOT, "not converged", each) for each in unsound]


def _judged(found: Mapping[str, Any] | None, reasons: Sequence[dict[str, Any]], scale: Scale) -> dict[str, Any]:
    """The verdict that follows from a record and reasons."""
    reasons = _by_weight(reasons)
    trust = NOT if any(each["level"] == NOT for each in reasons) else CARE if reasons else YES
    return {"trust": trust, "sentence": _sentence(trust, found, reasons, scale), "reasons": reasons, "record": found}


def _of_runs(runs: int) -> list[dict[str, Any]]:
    few = few_runs(runs)
    return [reason(NOT, "too few runs", few)] if few else []


def _of_directions(tested: BacktestScores | None, asked: Set[str]) -> list[dict[str, Any]]:
    """Tasks that fall or turn, but for those asked for: what is said of others stands, unless there are none."""
    if tested is None:
        return []
    level = NOT if len(tested.refusals) == tested.tasks else CARE
    return [
        reason(level, "not this model's case", said if level == NOT else f"{said}; leave the task out")
        for task, said in tested.refusals.items()
        if task not in asked
    ]


def _of_tests(tested: BacktestScores | None) -> list[dict[str, Any]]:
    """Fits of the back-test are short: what counts is that their chains agree about the forecasts."""
    return [] if tested is None or tested.fits.empty else reasons_of_chains(float(tested.fits["forecast_rhat"].max()))


def reasons_of_chains(rhat: float) -> list[dict[str, Any]]:
    """What speaks against forecasts of which chains disagree."""
    if rhat <= MAX_FORECAST_RHAT:
        return []
    disagree = f"chains of a back-test disagree about forecasts (R-hat {rhat:.2f}, above {MAX_FORECAST_RHAT})"
    text = f"{disagree}: the record is noise in part"
    return [reason(NOT if rhat > LOST_RHAT else CARE, "tests not converged", text)]


def reasons_of_record(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What speaks against forecasts of this record, see `forecast.backtesting.record`; None: there is none."""
    if found is None:
        return [reason(NOT, "untested", "no forecast of this table could be tested: too few runs to hide some of them")]
    reasons = []
    larger = found["tested_params_decades"]
    if larger is not None and larger < NEW_SIZE:
        text = "every run that was forecast had a size that was learned from: no larger model has been tested"
        reasons.append(reason(CARE, "sizes untested", text))
    coverage, n = found["coverage_90"], found["n"]
    inside = f"{round(coverage['share'] * n)} of {n} outcomes lay inside 90% intervals"
    if coverage["high"] < NARROW:
        reasons.append(reason(NOT, "intervals too narrow", f"intervals were too narrow: {inside}"))
    ratio, best = float(found["crps_ratio"]["estimate"]), found["best_baseline"]
    crps, its = float(found["crps"]), float(found["best_baseline_crps"])
    beaten = f"mean CRPS was {crps:.3f}, that of the baseline '{best}' {its:.3f}"
    if ratio > WORSE and float(found["crps_ratio"]["q05"]) > 1.0:
        reasons.append(reason(NOT, "beaten by a baseline", f"a baseline was better: {beaten}"))
    elif ratio > NO_BETTER:
        reasons.append(reason(CARE, "no better than a baseline", f"no clear gain over the best baseline: {beaten}"))
    return reasons


def _of_threshold(answer: Mapping[str, Any], moved: Sequence[Mapping[str, Any]], tested: float) -> list[dict[str, Any]]:
    at, scale = spoken_score(answer["at"], answer["metric"]), scale_of_answer(answer)
    name = f"{answer['task']} at {at}"
    if refused := refusal(answer, quantity=scale.quantity):
        return [reason(NOT, "not this model's case", refused)]
    reasons = []
    middle = float(answer["log10_compute"]["q50"])
    beyond = middle - answer["data_log10_compute"][1]
    if np.isfinite(beyond) and beyond > tested + FARTHER:
        far = scale.distance(beyond) if beyond <= FAR else f"more than {scale.distance(FAR)}"
        ahead = f"{name} is expected {far} beyond the {scale.largest} run"
        text = f"{ahead}; forecasts were tested to {scale.units(tested):.1f}"
        reasons.append(reason(NOT, "farther than tested", text))
    own = [line for line in moved if line["task"] == answer["task"] and line["parameter"].endswith(f" at {at}")]
    if any(not line["moved"] for line in own):
        reasons.append(reason(NOT, "prior-dominated", f"the threshold of {name} comes from the prior, not from data"))
    if apart := _apart(answer.get("structures", ()), scale):
        reasons.append(reason(CARE, "structures disagree", f"structures disagree about {name}: {apart}"))
    return reasons


def _apart(structures: Sequence[Mapping[str, Any]], scale: Scale) -> str:
    """How structures disagree about a threshold, in words; empty where they do not."""
    heard = [each for each in structures if each["weight"] >= COUNTS]
    medians = np.array([float(each["log10_compute"]["q50"]) for each in heard])
    never = np.isinf(medians) & (medians > 0)
    if never.any() and not never.all():
        names = ", ".join(each["structure"] for each, of in zip(heard, never, strict=True) if of)
        return f"'{names}' says never, others do not"
    widths = [float(each["log10_compute"]["q95"]) - float(each["log10_compute"]["q05"]) for each in heard]
    finite = [width for width in widths if np.isfinite(width)]
    if len(medians) < 2 or never.any() or not finite or np.ptp(medians) <= APART * np.median(finite):
        return ""
    return f"medians lie {scale.distance(np.ptp(medians))} apart, more than a single one is uncertain"


def reason(level: str, kind: str, text: str) -> dict[str, Any]:
    """A reason as plain values."""
    return {"level": level, "kind": kind, "text": text}


def _by_weight(reasons: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each reason once: those against trust first, and of one level by kind."""
    once = {each["text"]: each for each in reasons}
    kinds = {kind: place for place, kind in enumerate(WEIGHT)}
    return sorted(once.values(), key=lambda each: (each["level"] != NOT, kinds.get(each["kind"], len(kinds))))


def _sentence(trust: str, found: Mapping[str, Any] | None, reasons: Sequence[Mapping[str, Any]], scale: Scale) -> str:
    lead = {
        NOT: "Do not trust this forecast",
        CARE: "Trust this forecast with care",
        YES: "This forecast can be trusted",
    }
    worst, others = (
        "; ".join(each["text"] for each in reasons if (each["level"] == trust) is own) for own in (True, False)
    )
    said = lead[trust] + (f": {worst}." if worst else ".") + (f" Besides, take care: {others}." if others else "")
    if found is None:
        return said
    better = f"{_gain(float(found['crps_ratio']['estimate']))} the best baseline ({found['best_baseline']})"
    inside = f"{found['coverage_90']['share']:.0%} of {found['n']} held-out outcomes inside 90% intervals"
    return f"{said} Tested on this table up to {scale.distance(found['tested_decades'])} ahead: {better}, {inside}."


def _gain(ratio: float) -> str:
    """A ratio of CRPS in words, before the name of what it is compared with."""
    change = f"{abs(1.0 - ratio):.0%}"
    if change == "0%":
        return "as good as"
    if ratio >= TWICE:
        return f"CRPS {ratio:.1f} times that of"
    return f"{change} {'better' if ratio <= 1.0 else 'worse'} than"
