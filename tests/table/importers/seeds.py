"""Seeds: one small valid folder of result files for each format, from which fuzzing starts."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from tests.table.importers.mutations import as_csv, as_json, changed, changed_table, damaged

SIZES = {"weir-1b": 1e21, "weir-3b": 1e22, "weir-9b": 1e23, "weir-30b": 1e24}


@dataclass(frozen=True)
class Lines:
    """A file of JSON lines."""

    documents: list[Any]


@dataclass(frozen=True)
class Text:
    """A file of text, whose bytes alone are changed."""

    text: str


@dataclass(frozen=True)
class Rows:
    """A table: the first row is its header."""

    rows: list[list[str]]


@dataclass(frozen=True)
class Archive:
    """A zip archive of JSON documents."""

    documents: dict[str, Any]


@dataclass(frozen=True)
class Seed:
    """A format, its good files by name, and which of them is given; blank: the folder."""

    format: str
    files: dict[str, Any]
    path: str = ""
    choices: dict[str, Any] = field(default_factory=dict)


def content(file, rng):
    """The bytes of a file, its structure changed and its bytes damaged at times; as it is where rng is None."""
    times = 0 if rng is None else rng.choice((0, 1, 1, 1, 2, 4))
    data = _bytes(_changed(file, rng, times), rng)
    return damaged(data, rng) if rng is not None and (times == 0 or rng.random() < 0.15) else data


def _changed(file, rng, times):
    for _ in range(times):
        if isinstance(file, Lines):
            document = changed(file.documents, rng)
            file = Lines(document if isinstance(document, list) else [document])
        elif isinstance(file, Rows):
            file = Rows(changed_table(file.rows, rng))
        elif isinstance(file, Archive):
            name = rng.choice(list(file.documents))
            file = Archive(file.documents | {name: changed(file.documents[name], rng)})
        elif not isinstance(file, Text):
            file = changed(file, rng)
    return file


def _bytes(file, rng):
    if isinstance(file, Text):
        return file.text.encode()
    if isinstance(file, Lines):
        return _json(file.documents, rng, lines=True)
    if isinstance(file, Rows):
        return "\n".join(map(",".join, file.rows)).encode() if rng is None else as_csv(file.rows, rng)
    if isinstance(file, Archive):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, document in file.documents.items():
                packed.writestr(name, _json(document, rng))
        return archive.getvalue()
    return _json(file, rng)


def _json(document, rng, *, lines=False):
    if rng is None:
        return "\n".join(map(json.dumps, document if lines else [document])).encode()
    return as_json(document, rng, lines=lines)


def _lm_eval(model, score):
    return {
        "results": {"sums": {"exact_match,none": score, "exact_match_stderr,none": 0.02, "alias": "sums"}},
        "groups": {"all": {"acc,none": 0.3}},
        "group_subtasks": {"all": ["sums"]},
        "n-samples": {"sums": {"original": 90, "effective": 90}},
        "n-shot": {"sums": 5},
        "configs": {"sums": {"output_type": "generate_until", "num_fewshot": 5}},
        "config": {"model_args": f"pretrained={model},revision=main", "limit": None, "model_num_parameters": 10**9},
        "date": 1.7e9,
        "model_name": model,
    }


def _sample(item, score):
    return {
        "doc_id": item,
        "target": "4",
        "arguments": {"gen_args_0": {"arg_0": "2+2=", "arg_1": " 4"}},
        "resps": [[["-1.5", "True"]]],
        "filtered_resps": [["-1.5", "True"]],
        "filter": "none",
        "metrics": ["acc"],
        "acc": score,
    }


def _inspect(model, score):
    metrics = {"accuracy": {"name": "accuracy", "value": score}, "stderr": {"name": "stderr", "value": 0.02}}
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "task": "sums",
            "model": model,
            "created": "2026-01-02T03:04:05+00:00",
            "task_args": {"fewshot": 5},
            "config": {"epochs": 1},
        },
        "results": {"completed_samples": 90, "scores": [{"name": "choice", "scorer": "choice", "metrics": metrics}]},
        "samples": [{"id": 1, "epoch": 1, "choices": ["a", "b"], "target": "A", "scores": {"choice": {"value": "C"}}}],
    }


def _every(model, score):
    return {
        "schema_version": "0.2.2",
        "evaluation_id": f"sums/{model}/1",
        "evaluation_timestamp": "1764300003",
        "model_info": {"name": model, "id": model, "additional_details": {"num_parameters": "1000000000"}},
        "evaluation_results": [
            {
                "evaluation_result_id": "exact_match:strict",
                "evaluation_name": "sums/strict",
                "source_data": {"dataset_name": "sums", "samples_number": 90, "sample_ids": ["1"]},
                "metric_config": {
                    "metric_name": "exact_match",
                    "metric_kind": "accuracy",
                    "metric_unit": "percent",
                    "lower_is_better": False,
                    "max_score": 100.0,
                    "metric_parameters": {"k": 1},
                },
                "score_details": {
                    "score": 100 * score,
                    "details": {"split": "test"},
                    "uncertainty": {"standard_error": {"value": 2.0}, "num_samples": 90},
                },
                "generation_config": {"additional_details": {"num_fewshot": "5"}},
            }
        ],
    }


def _answer(model, item):
    return {
        "evaluation_id": f"sums/{model}/1",
        "model_id": model,
        "evaluation_name": "sums/strict",
        "evaluation_result_id": "exact_match:strict",
        "sample_id": str(item),
        "input": {"raw": "2+2=", "reference": ["4"], "choices": ["4", "5"]},
        "evaluation": {"score": float(item % 2), "is_correct": bool(item % 2)},
    }


def _stat(name, mean):
    return {"name": {"name": name, "split": "test"}, "count": 1, "sum": mean, "mean": mean}


def _helm(model):
    return {
        "name": f"sums:subject=north,model={model}",
        "scenario_spec": {"class_name": "acme.SumsScenario", "args": {"subject": "north"}},
        "adapter_spec": {"method": "multiple_choice_joint", "model": model, "max_train_instances": 5},
    }


def _lighteval(model, score):
    return {
        "config_general": {"model_name": model, "max_samples": None, "model_config": {"model_name": model}},
        "results": {
            "quiz:north|5": {"em": score, "em_stderr": 0.02, "pass@k:k=4&n=8": score},
            "quiz:_average|5": {"em": score},
            "all": {"em": score},
        },
        "config_tasks": {"quiz:north|5": {"effective_num_docs": 90}},
    }


def _composer(model, score):
    icl = {"sums": score, "quiz": {"accuracy": score}, "metrics/dams/3-shot/InContextLearningLMAccuracy": score}
    return {
        "name": model,
        "uuid": f"e-{model}",
        "model_uuid": f"m-{model}",
        "eval_metrics": {"icl": icl, "perplexity": 2.5},
        "aggregated_results": 0.2,
    }


def _each(made):
    return {f"{model}/{name}": file for i, model in enumerate(SIZES) for name, file in made(model, i / 5).items()}


def _table(header, *rows):
    return Rows([header.split(","), *(row.split(",") for row in rows)])


def _of_models(row):
    return [row.format(model=model, score=i / 5, flop=flop, day=i + 1) for i, (model, flop) in enumerate(SIZES.items())]


def _attempt(agent, task):
    return {
        "alias": f"weir {agent}",
        "release_date": f"202{agent}-02-01",
        "task_id": f"f{task % 7}/t{task}",
        "task_family": f"f{task % 7}",
        "human_minutes": 0.5 * 1.5**task,
        "score_binarized": int(task < 6 + 4 * agent + task % 5),
        "invsqrt_task_weight": 0.5,
    }


HORIZONS = """results:
  weir_0:
    release_date: 2023-02-01
    metrics:
      p50_horizon_length: {estimate: 2.0, ci_low: 1.0, ci_high: 4.0}
  weir_1:
    release_date: 2024-02-01
    metrics:
      p50_horizon_length: {estimate: 11.0, ci_low: 6.0, ci_high: 22.0}
  weir_2:
    release_date: 2025-02-01
    metrics:
      p50_horizon_length: {estimate: 60.0, ci_low: 30.0, ci_high: 120.0}
"""

CHANCE = {"chance": 0.25, "trials": 90}
STAMP = "2026-01-02T03-04-05.678901"
SEEDS = [
    Seed("lm-eval", _each(lambda m, s: {"results_1.json": _lm_eval(m, s)}), choices=CHANCE),
    Seed(
        "lm-eval",
        _each(
            lambda m, s: {
                f"results_{STAMP}.json": _lm_eval(m, s),
                f"samples_sums_{STAMP}.jsonl": Lines([_sample(i, float(i < 5 * s)) for i in range(4)]),
            }
        ),
        choices=CHANCE,
    ),
    Seed("inspect", _each(lambda m, s: {"log.json": _inspect(m, s)}), choices=CHANCE),
    Seed(
        "inspect",
        _each(
            lambda m, s: {
                "log.eval": Archive({"header.json": _inspect(m, s), "summaries.json": _inspect(m, s)["samples"]})
            }
        ),
        choices=CHANCE,
    ),
    Seed("every-eval-ever", _each(lambda m, s: {"a.json": _every(m, s)})),
    Seed(
        "every-eval-ever",
        _each(
            lambda m, s: {"a.json": _every(m, s), "a_samples.jsonl": Lines([_answer(m, 1), _answer(m, 2)])},
        ),
    ),
    Seed(
        "helm",
        _each(
            lambda m, s: {
                "run_spec.json": _helm(m),
                "stats.json": [_stat("exact_match", s), _stat("num_instances", 90.0), _stat("num_references", 4.0)],
                "per_instance_stats.json": [{"instance_id": "a", "stats": [_stat("num_references", 4.0)]}],
            }
        ),
        choices=CHANCE,
    ),
    Seed("lighteval", _each(lambda m, s: {"results_1.json": _lighteval(m, s)}), choices=CHANCE),
    Seed(
        "composer",
        _each(
            lambda m, s: {
                "eval.json": _composer(m, s),
                "model.json": {"uuid": f"m-{m}", "name": m, "hyperparameters": {"params": 1e9, "tokens": 2e10}},
            }
        ),
        choices=CHANCE,
    ),
    Seed(
        "opencompass",
        {
            "summary_1.csv": _table(
                "dataset,version,metric,mode," + ",".join(SIZES),
                "sums,a1b2,accuracy,gen,1.00,2.50,-,40.00",
                "quiz,-,naive_average,mixed,1.00,2.50,10.00,40.00",
            )
        },
        choices=CHANCE,
    ),
    Seed(
        "opencompass",
        {
            "summary_1.txt": Text(
                "csv format\n^^^\ndataset,version,metric,mode," + ",".join(SIZES) + "\n"
                "sums,a1b2,accuracy,gen,1.00,2.50,10.00,40.00\n$$$\n"
            )
        },
        choices=CHANCE,
    ),
    Seed(
        "epoch",
        {
            "tides.csv": _table(
                "Model version,mean_score,Release date,Organization,Training compute (FLOP),stderr,Confidence",
                *_of_models("{model},{score},2024-01-0{day},Acme,{flop},0.02,Likely"),
            )
        },
    ),
    Seed(
        "wide",
        {"scores.csv": _table("model,sums,quiz,params,tokens", *_of_models("{model},{score},{score},1e9,2e1{day}"))},
        path="scores.csv",
        choices={"trials": 90},
    ),
    Seed(
        "long",
        {
            "scores.csv": _table(
                "model,task,metric,score,trials,params,tokens",
                *_of_models("{model},sums,exact_match,{score},90,1e9,2e1{day}"),
            )
        },
        path="scores.csv",
    ),
    Seed("metr-runs", {"runs.jsonl": Lines([_attempt(agent, task) for agent in range(3) for task in range(28)])}),
    Seed("metr-horizons", {"horizons.yaml": Text(HORIZONS)}),
]
