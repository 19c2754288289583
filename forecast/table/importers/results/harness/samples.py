"""Samples of lm-evaluation-harness (``--log_samples``): the loss of right answers, and how many are exactly right.

A line of ``samples_TASK_DATE.jsonl`` is an item: ``{"arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": answer}},
"filtered_resps": [["-1.26", "True"]], "target": ..., "acc": 1.0}``: the log-likelihood of an answer in nats, and
whether greedy decoding would have given it; a choice has such a pair for each answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.table.importers.measurements import (
    each_of,
    number,
    section,
    source_of,
    words,
)
from forecast.table.importers.sources import json_lines

NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9.:-]+))?\.jsonl")
TOKENS = ("answer_tokens", "target_tokens", "continuation_tokens", "num_tokens", "n_tokens")  # keys of a number or list


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The right answers of one model to one task, added up."""

    task: str
    items: int
    nats: float
    greedy: int  # that greedy decoding gives; of a choice it is not the score
    bytes: int
    tokens: int | None  # None: not known of every answer
    chance: float | None  # of a guess among given answers, on average; None: the answer was not chosen
    source: str


def task_and_stamp(file: Path) -> tuple[str, str]:
    """Task and time in the name of a samples file; another file's name is the task."""
    found = NAME.fullmatch(file.name)
    return (found["task"], found["stamp"] or "") if found else (file.stem, "")


def model_of_folder(file: Path) -> str:
    """The model that the folder of a file is named after, in which the harness writes '__' for '/'."""
    return words(file.parent.name.replace("__", "/"))


def answers(file: Path) -> Answers | None:
    """The answers of a samples file, each item once; None where it holds no log-likelihoods of right answers."""
    total: dict[str, float] = dict.fromkeys(("items", "greedy", "bytes", "tokens", "nats", "chance"), 0)
    counted, seen = True, set()
    for place, sample in enumerate(json_lines(file)):
        item = str(section(sample).get("doc_id", f"line {place}"))
        if item in seen:  # once for each filter
            continue
        seen.add(item)
        found = _right_answer(section(sample))
        if found is None:
            return None
        text, loss, greedy, among = found
        tokens = _tokens(section(sample))
        counted = counted and tokens is not None
        of_item = (1, greedy, len(text.encode("utf-8", "surrogatepass")), tokens or 0, loss, 1 / among)
        total = {name: total[name] + value for name, value in zip(total, of_item, strict=True)}
    if not total["items"] or not total["bytes"] or total["nats"] <= 0:
        return None
    sums: dict[str, Any] = {name: int(total[name]) for name in ("items", "greedy", "bytes")} | {"nats": total["nats"]}
    chance = total["chance"] / total["items"]
    sums |= {"tokens": int(total["tokens"]) if counted else None, "chance": chance if chance < 1 else None}
    return Answers(task=words(task_and_stamp(file)[0]), source=source_of(file), **sums)


def _right_answer(sample: Mapping[str, Any]) -> tuple[str, float, bool, int] | None:
    """Text of the right answer, its loss in nats, whether greedy decoding gives it, and of how many it was one."""
    texts = _texts(sample.get("arguments"))
    pairs = _pairs(sample.get("filtered_resps")) or _pairs(sample.get("resps"))
    if not texts or len(pairs) != len(texts):
        return None
    half = len(texts) // 2
    texts = texts[:half] if half and texts[:half] == texts[half:] else texts  # asked again without the question
    right = _right(sample.get("target"), texts) if len(texts) > 1 else 0
    if right is None:
        return None
    loss, greedy = pairs[right]
    return texts[right], loss, greedy, len(texts)


def _texts(arguments: Any) -> list[str]:
    """The answers whose likelihood was asked, as every version writes them; none where answers were generated."""
    if isinstance(arguments, dict):
        pairs: list[Any] = [(section(each).get("arg_0"), section(each).get("arg_1")) for each in arguments.values()]
    else:
        pairs = [each for each in each_of(arguments, list) if len(each) == 2]
    texts = [pair[1] for pair in pairs]
    return texts if all(isinstance(text, str) for text in texts) else []


def _pairs(responses: Any) -> list[tuple[float, bool]]:
    """Loss and greediness of each answer, out of lists in lists, numbers being text or not."""
    found = []
    for response in each_of(responses, list):
        pair = response
        while isinstance(pair, list) and len(pair) == 1:
            pair = pair[0]
        loglikelihood = _float(pair[0]) if isinstance(pair, list) and len(pair) == 2 else None
        if loglikelihood is None or loglikelihood > 0 or str(pair[1]) not in ("True", "False"):
            return []
        found.append((-loglikelihood, str(pair[1]) == "True"))
    return found


def _float(value: Any) -> float | None:
    try:
        return number(float(value)) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _right(target: Any, texts: Sequence[str]) -> int | None:
    """Which of the answers is right: by its position, else by its text."""
    text = str(target).strip()
    if text.isascii() and text.isdigit() and int(text[:9]) < len(texts):
        return int(text)
    alike = [position for position, each in enumerate(texts) if each.strip() == text]
    return alike[0] if len(alike) == 1 else None


def _tokens(sample: Mapping[str, Any]) -> int | None:
    """Tokens of the right answer where the sample or its document counts or lists them."""
    for holder in (sample, section(sample, "doc")):
        for name in TOKENS:
            value = len(holder[name]) if isinstance(holder.get(name), list) else number(holder.get(name))
            if value and value == int(value) and value > 0:
                return int(value)
    return None
