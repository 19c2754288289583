"""Composer: results of LLM Foundry's tasks in context, as DataComp-LM publishes them, and the models beside them.

``{"eval_metrics": {"icl": {"jeopardy": 0.4}, "perplexity": 2.6}, "model_uuid": "...", "aggregated_results": 0.3}``; a
document of a model has ``uuid``, ``name`` and ``hyperparameters`` with ``params`` and ``tokens``. Composer itself logs
``{"metrics/jeopardy/3-shot/InContextLearningLMAccuracy": 0.4}``.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forecast.errors import shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import (
    Found,
    LeftOut,
    Measurement,
    files,
    number,
    read_json,
    section,
    source_of,
    words,
)
from forecast.table.importers.rates import CHOICE, EXACT, Meaning, known_rate, measured
from forecast.table.importers.sources import OtherFile, each_read, facts_frame, number_of, size

LOGGED = re.compile(r"metrics/(?P<task>.+?)(?:/(?P<shots>[0-9]{1,4})-shot)?/(?P<metric>[^/]+)")
METRICS: dict[str, Meaning] = {
    "InContextLearningMultipleChoiceAccuracy": (CHOICE, 0, None),
    "InContextLearningLMAccuracy": (EXACT, 0, None),
    "InContextLearningQAAccuracy": (EXACT, 0, None),
    "InContextLearningGenerationExactMatchAccuracy": (EXACT, 0, None),
}
NAMES = ("model_name", "name", "model", "run_name")  # keys that may name the model, if they tell the files apart
AVERAGED = re.compile(r"aggregated.*|low_variance.*|rw_small.*|core|extended|.*centered.*", re.IGNORECASE)
IN_CONTEXT = "icl"
GENERATED = re.compile(  # tasks of LLM Foundry whose answers are generated; all others offer some
    r"(jeopardy|squad|coqa|lambada|triviaqa|gsm8k|svamp|aqua_cot|pubmed_qa|simple_arithmetic|agi_eval_(sat_math|aqua|math)"
    r"|bigbench_(qa_wikidata|dyck_languages|operators|repeat_copy_logic|cs_algorithms|conlang_translation|linear_equations"
    r")).*"
)


def read(path: Path, choices: Choices) -> Found:
    """All results of a file, or of all ``*.json`` below a folder, where documents of models give params and tokens."""
    left_out: list[LeftOut] = []
    documents = dict(each_read(path, files(path, ("*.json",)), _document, left_out))
    models = {words(each.get("uuid")): each for each in documents.values() if section(each, "hyperparameters")}
    results = {file: each for file, each in documents.items() if _scores(each)}
    names = _names(results, models)
    each = [found for file in results for found in _measurements(results[file], names[file], choices, file)]
    left_out += [one for one in each if isinstance(one, LeftOut)]
    return Found(
        measurements=tuple(one for one in each if isinstance(one, Measurement)),
        left_out=tuple(dict.fromkeys(left_out)),
        facts=facts_frame((names[file], _facts(document, models)) for file, document in results.items()),
    )


def _document(file: Path) -> dict[str, Any]:
    document = section(read_json(file))
    if not _scores(document) and not section(document, "hyperparameters"):
        raise OtherFile(f"{shown_path(file)}: is JSON, but has no 'eval_metrics' with 'icl', nor metrics of Composer")
    return document


def _scores(document: dict[str, Any]) -> dict[str, Any]:
    """Scores by task, or by the names that Composer logs."""
    logged = {name: value for name, value in document.items() if LOGGED.fullmatch(name)}
    return section(document, "eval_metrics", IN_CONTEXT) or section(document, IN_CONTEXT) or logged


def _names(results: dict[Path, dict[str, Any]], models: Mapping[str, dict[str, Any]]) -> dict[Path, str]:
    """The model of each file: by its document, else by the first key that tells the files apart, else by its name.

    A key such as 'name' holds in some files the model and in others the list of tasks, one for all files.
    """
    owners = {file: _owner(document, models) for file, document in results.items()}
    named = {file: words(section(owner).get("name")) for file, owner in owners.items()}
    rest = {file: results[file] for file, name in named.items() if not name}
    for key in NAMES:
        found = {file: words(document.get(key)) for file, document in rest.items()}
        runs = {words(document.get("model_uuid")) or str(file) for file, document in rest.items()}
        if all(found.values()) and len(set(found.values())) == len(runs):
            return named | found
    return named | {file: words(file.stem) for file in rest}


def _owner(document: dict[str, Any], models: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The document of the model, which may be the document itself."""
    return models.get(words(document.get("model_uuid")), document if section(document, "hyperparameters") else {})


def _facts(document: dict[str, Any], models: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    places = (section(_owner(document, models), "hyperparameters"), _owner(document, models), document)
    keys = {"params": ("params", "num_params", "n_params"), "tokens": ("tokens", "num_tokens")}
    keys |= {"compute": ("flops", "training_flops", "compute")}
    facts = {
        fact: next((text for place in places for key in keys[fact] if (text := size(number_of(place.get(key))))), "")
        for fact in keys
    }
    return facts


def _measurements(
    document: dict[str, Any], model: str, choices: Choices, file: Path
) -> Iterator[Measurement | LeftOut]:
    said: dict[str, Any] = {"model": model, "source": source_of(file)}
    for name in document:
        if AVERAGED.fullmatch(name):
            why = "is an average of tasks, or corrected for guesses, and no share of right items"
            yield LeftOut(what=words(name), why=why, task=words(name))
    if "perplexity" in section(document, "eval_metrics"):
        why = "is of a validation set that the file does not name; give the loss as a task of another table"
        yield LeftOut(what="perplexity", why=why, task="perplexity")
    for name, value in _scores(document).items():
        yield from _of_task(words(name), value, choices, said)


def _of_task(name: str, value: Any, choices: Choices, said: dict[str, Any]) -> Iterator[Measurement | LeftOut]:
    """The scores of one task: a number, or numbers by metric."""
    logged = LOGGED.fullmatch(name)
    task = logged["task"] if logged else name
    variant = f"{logged['shots']}-shot" if logged and logged["shots"] else ""
    if AVERAGED.fullmatch(name):
        yield LeftOut(what=name, why="is corrected for guesses, and no share of right items", task=name)
        return
    scores = value if isinstance(value, dict) else {logged["metric"] if logged else IN_CONTEXT: value}
    for native, score in scores.items():
        if number(score) is None and isinstance(value, dict):
            continue
        meaning: Meaning | None = METRICS.get(native) or known_rate(native)
        meaning = _in_context(task) if native == IN_CONTEXT else meaning
        yield measured(
            words(native), score, choices, meaning=meaning, told=native in METRICS, task=task, variant=variant, **said
        )


def _in_context(task: str) -> Meaning:
    """A file does not say whether a task offers answers: of an unknown one, a choice whose chance is asked is safe."""
    return (EXACT if GENERATED.fullmatch(task) else CHOICE), 0, None
