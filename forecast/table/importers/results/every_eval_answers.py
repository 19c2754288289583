"""Answers of Every Eval Ever: the files of JSON lines with a score for each item, beside the results of a model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path
from forecast.table.importers.measurements import number, section, source_of, words
from forecast.table.importers.sources import json_lines


@dataclass
class Items:
    """The answers of a model to the items of one result: their scores, and one in the number of choices."""

    model: str
    task: str
    native: str
    source: str
    scores: dict[str, list[float | None]] = field(default_factory=dict)  # of one item in several epochs
    chances: list[float | None] = field(default_factory=list)

    @property
    def chance(self) -> float | None:
        """Mean over the items; None where not all have choices and one right answer."""
        known = [each for each in self.chances if each is not None]
        return sum(known) / len(known) if known and len(known) == len(self.chances) else None


type Key = tuple[str, str, str]  # evaluation, its name and its result
type Answers = dict[Key, Items]


def key_of(document: dict[str, Any], result: dict[str, Any]) -> Key:
    name, of_result = result.get("evaluation_name"), result.get("evaluation_result_id")
    return words(document.get("evaluation_id")), words(name), words(of_result)


def matching(key: Key, answers: Answers) -> Key:
    """The key of the answers of a result, which may lack the result's own name if they are the only ones."""
    same = [each for each in answers if each[:2] == key[:2]]
    return same[0] if key not in answers and len(same) == 1 and not (key[2] and same[0][2]) else key


def names_of(result: dict[str, Any], metric: str) -> tuple[str, str]:
    """Task and metric; of results that differ by a filter of the answers only, the filter belongs to the metric.

    The harness's ``gsm8k/strict`` with the result ``exact_match:strict`` is the task gsm8k, scored in a second way.
    """
    name, of = words(result.get("evaluation_name")), words(result.get("evaluation_result_id"))
    kind = of.removeprefix(f"{metric}:") if of.startswith(f"{metric}:") else ""
    if kind and name.endswith(f"/{kind}"):
        return name.removesuffix(f"/{kind}"), f"{metric},{kind}"
    return name or "all", metric


def read_answers(file: Path) -> Answers:
    """The answers in a file of JSON lines, by the result that they belong to."""
    answers: Answers = {}
    for row in json_lines(file):
        scored, item = section(row, "evaluation"), section(row).get("sample_id")
        model = words(section(row).get("model_id"))
        if not model or not scored or not isinstance(item, str | int):
            raise ForecastError(
                f"{shown_path(file)}: has lines without model_id, sample_id and evaluation; leave it out"
            )
        key = key_of(row, row)
        task, native = names_of(row, key[2].partition(":")[0] or "is_correct")
        items = answers.setdefault(key, Items(model, task, native, source_of(file)))
        items.scores.setdefault(str(item), []).append(_score(scored))
        items.chances.append(_chance(section(row, "input")))
    return answers


def _score(scored: dict[str, Any]) -> float | None:
    """The score of an answer, else whether it is right."""
    right = scored.get("is_correct")
    return float(right) if scored.get("score") is None and isinstance(right, bool) else number(scored.get("score"))


def _chance(item: dict[str, Any]) -> float | None:
    offered, right = item.get("choices"), item.get("reference")
    several = isinstance(right, list) and len(right) != 1
    return None if several or not isinstance(offered, list) or len(offered) < 2 else 1 / len(offered)
