"""Every Eval Ever: the results of one model in the common schema, and its answers item by item in JSON lines.

``{"model_info": {"id"}, "evaluation_results": [{"evaluation_name", "metric_config", "score_details": {"score"}}]}``;
beside it lies ``..._samples.jsonl``, from which the numbers of items and the chances of guesses are counted.
"""

import re
from pathlib import Path
from typing import Any

from forecast.errors import shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    count,
    each_of,
    files,
    number,
    read_json,
    section,
    source_of,
    words,
)
from forecast.table.importers.rates import CHOICE, EXACT, PER_BYTE, Meaning, known_rate, measured, plain_name
from forecast.table.importers.results.every_eval_answers import (
    Answers,
    Items,
    key_of,
    matching,
    names_of,
    read_answers,
)
from forecast.table.importers.selection import trials_of_error, with_trials_of_others
from forecast.table.importers.sources import OtherFile, each_read, facts_frame, number_of, size

SAMPLES = ("_samples.jsonl", ".jsonl")  # ends of the names of files of answers
PERCENT = ("percent", "percentage", "%")
KINDS = ("accuracy", "exact_match", "pass_rate", "success_rate")  # of metrics that are shares of right items
SAID = re.compile(r"\b(accuracy|exact match|pass@1|success rate|solve rate|pass rate|resolved)\b", re.IGNORECASE)


def read(path: Path, choices: Choices) -> Found:
    """All results of a file, or of all below a folder; answers that no result is about are results themselves."""
    below = files(path, ("*.json", "*.jsonl"))
    ways = (file.with_name(file.stem + end) for file in below for end in SAMPLES)
    beside = [each for each in ways if each.is_file() and each not in below]
    left_out: list[LeftOut] = []
    answers: Answers = {}
    of_items = [file for file in [*below, *beside] if file.suffix.lower() == ".jsonl"]
    for _, found in each_read(path, of_items, read_answers, left_out):
        answers |= found
    documents = [file for file in below if file not in of_items]
    measurements, facts, used = [], [], set()
    for file, document in each_read(path, documents, _document, left_out):
        facts.append((_model(document), _facts(section(document, "model_info"))))
        for result in each_of(document.get("evaluation_results"), dict):
            key = matching(key_of(document, result), answers)
            used.add(key)
            items = answers.get(key)
            measurements.append(_of_result(document, result, items, choices, source_of(file)))
    measurements += [_of_items(each, choices) for key, each in answers.items() if key not in used]
    both = [each for each in measurements if isinstance(each, Measurement)]
    left_out += [each for each in measurements if isinstance(each, LeftOut)]
    return Found(
        measurements=tuple(with_trials_of_others(both)),
        left_out=tuple(dict.fromkeys(left_out)),
        facts=facts_frame(facts),
    )


def _document(file: Path) -> dict[str, Any]:
    document = section(read_json(file))
    if not _model(document) or not isinstance(document.get("evaluation_results"), list):
        raise OtherFile(
            f"{shown_path(file)}: is JSON, but has no 'model_info' with 'evaluation_results' of Every Eval Ever"
        )
    return document


def _model(document: Any) -> str:
    of = section(document, "model_info")
    return words(of.get("id")) or words(of.get("name"))


def _facts(model: dict[str, Any]) -> dict[str, str]:
    details = section(model, "additional_details")
    billions = number_of(details.get("params_billions"))
    params = number_of(details.get("num_parameters"))
    return {"params": size(params) or size(None if billions is None else billions * 1e9)}


def _of_result(
    document: dict[str, Any], result: dict[str, Any], items: Items | None, choices: Choices, source: str
) -> Measurement | LeftOut:
    metric, scored = section(result, "metric_config"), section(result, "score_details")
    task, native = names_of(result, words(metric.get("metric_name")) or words(metric.get("metric_id")) or "score")
    details, spread = section(scored, "details"), section(scored, "uncertainty")
    meaning, why = _meaning(native, metric, items)
    if changed := words(details.get("perturbation")):
        meaning, why = None, f"is of items that were changed ({changed})"
    value, scale = scored.get("score"), _scale(metric)
    if (known := number(value)) is not None and plain_name(native) not in PER_BYTE:
        value = round(known * scale, 15)
    error = number(section(spread, "standard_error").get("value"))
    rate = number(value)
    of_error = None if rate is None or error is None else trials_of_error(rate, error * scale)
    return measured(
        native,
        value,
        choices,
        meaning=meaning,
        why=why,
        task=task,
        variant=_variant(result, details),
        trials=_counted(result, spread, items) or of_error,
        chance=None if items is None else items.chance,
        told=items is not None and items.chance is not None,
        model=_model(document),
        time=number_of(result.get("evaluation_timestamp")) or number_of(document.get("evaluation_timestamp")) or 0.0,
        source=source,
    )


def _meaning(native: str, metric: dict[str, Any], items: Items | None) -> tuple[Meaning | None, str]:
    """What the metric is in the table, and why it is nothing there."""
    if metric.get("lower_is_better") is True:
        return None, "is better where it is lower, so it is no share of right items"
    known = known_rate(native.partition(",")[0])
    kind, described = words(metric.get("metric_kind")), words(metric.get("evaluation_description"))
    if known is None and (plain_name(kind) in KINDS or SAID.search(native) or SAID.search(described)):
        known = (EXACT, 2, None)
    k = count(section(metric, "metric_parameters").get("k"))
    if known is not None and k is not None and k > 1 and known[2] != k:
        return None, f"takes the best of {k} answers"
    if known is not None and known[0] == EXACT and items is not None and items.chance is not None:
        known = (CHOICE, known[1], None)
    return known, ""


def _scale(metric: dict[str, Any]) -> float:
    """From the unit of a score to a rate."""
    unit = words(metric.get("metric_unit")).casefold()
    return 0.01 if unit in PERCENT or (not unit and number(metric.get("max_score")) == 100) else 1.0


def _counted(result: dict[str, Any], spread: dict[str, Any], items: Items | None) -> int | None:
    of_data = section(result, "source_data")
    listed = of_data.get("sample_ids")
    return (
        (len(items.scores) if items is not None else None)
        or count(spread.get("num_samples"))
        or (len(listed) if isinstance(listed, list) else None)
        or count(of_data.get("samples_number"))
    )


def _variant(result: dict[str, Any], details: dict[str, Any]) -> str:
    shots = words(section(result, "generation_config", "additional_details").get("num_fewshot"))
    split = words(details.get("split"))
    return ", ".join(filter(None, (f"{shots}-shot" if shots else "", "" if split == "test" else split)))


def _of_items(items: Items, choices: Choices) -> Measurement | LeftOut:
    """The share of right answers, where each is right or wrong."""
    scores = [score for of_item in items.scores.values() for score in of_item]
    whole = all(score in (0, 1) for score in scores)
    known = known_rate(items.native.partition(",")[0]) or (EXACT, 2, None)
    meaning: Meaning = (EXACT if items.chance is None else CHOICE, known[1], None)
    return measured(
        items.native,
        sum(score or 0.0 for score in scores) / len(scores),
        choices,
        meaning=meaning if whole else None,
        why="" if whole else "has answers that are neither right nor wrong",
        task=items.task,
        trials=len(items.scores),
        chance=items.chance,
        told=items.chance is not None,
        model=items.model,
        source=items.source,
    )
