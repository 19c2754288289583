"""HELM: folders of a run with ``run_spec.json`` and ``stats.json``, and ``per_instance_stats.json`` where it was kept.

``stats.json`` is a list of ``{"name": {"name": "exact_match", "split": "test"}, "count": 1, "mean": 0.3}``, in which
``count`` is the number of trials with other examples in the prompt, not of items; ``num_instances`` is that.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown_path
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
from forecast.table.importers.rates import (
    CHOICE,
    EXACT,
    PER_BYTE,
    RATES,
    Meaning,
    is_asked,
    known_rate,
    measured,
    plain_name,
)
from forecast.table.importers.sources import each_read

SPEC, STATS, ITEMS = "run_spec.json", "stats.json", "per_instance_stats.json"
FINAL = (  # of answers that end a chain of thought; beside them exact_match asks for the answer alone and stays near 0
    "final_number_exact_match",
    "math_equiv_chain_of_thought",
    "math_equiv",
    "chain_of_thought_correctness",
    "exact_match_indicator",
    "ifeval_strict_accuracy",
    "omni_math_accuracy",
)
HELM_RATES = {
    **{name: (metric, rank + 1) for name, (metric, rank) in RATES.items()},
    **{name: (EXACT, 0) for name in FINAL},
}
SPLITS = ("test", "valid")  # the first that a run has is taken
MULTIPLE_CHOICE = "multiple_choice"  # start of the methods that offer answers


def read(path: Path, choices: Choices) -> Found:
    """All runs below a folder, the run of a folder, or that of one of its files."""
    folder = path if path.is_dir() else path.parent
    found = files(path, (f"**/{SPEC}",)) if path.is_dir() or not path.exists() else [folder / SPEC]
    left_out: list[LeftOut] = []
    alone = folder / SPEC if len(found) == 1 else path
    each = [
        measurement
        for file, run in each_read(alone, found, _run, left_out)
        for measurement in _measurements(run, choices, source_of(file.parent))
    ]
    left_out += [one for one in each if isinstance(one, LeftOut)]
    measurements = tuple(one for one in each if isinstance(one, Measurement))
    return Found(measurements=measurements, left_out=tuple(dict.fromkeys(left_out)))


def _run(file: Path) -> dict[str, Any]:
    """The documents of a run; those of its items are empty where there are none."""
    spec, stats = section(read_json(file)), read_json(file.with_name(STATS))
    items = file.with_name(ITEMS)
    if not _model(spec) or not isinstance(stats, list):
        raise ForecastError(f"{shown_path(file)}: names no model in 'adapter_spec', or {STATS} beside it is no list")
    return {"spec": spec, "stats": stats, "items": read_json(items) if items.is_file() else []}


def _model(spec: dict[str, Any]) -> str:
    of = section(spec, "adapter_spec")
    return words(of.get("model")) or words(of.get("model_deployment"))


def _measurements(run: dict[str, Any], choices: Choices, source: str) -> Iterator[Measurement | LeftOut]:
    spec, stats = (
        run["spec"],
        [each for each in each_of(run["stats"], dict) if words(section(each, "name").get("name"))],
    )
    task, variant = _task(spec)
    plain = [each for each in stats if not section(each, "name").get("perturbation")]
    splits = {words(section(each, "name").get("split")) for each in plain}
    split = next((each for each in SPLITS if each in splits), "")
    items = _of_split(each_of(run["items"], dict), split)
    for stat in plain:
        name = section(stat, "name")
        native = words(name["name"])
        known = known_rate(native, HELM_RATES)
        if words(name.get("split")) != split or not _is_score(native, known, choices, task):
            continue
        yield measured(
            native,
            stat.get("mean"),
            choices,
            meaning=_offered(known, spec),
            told=True,
            task=task,
            variant=variant,
            trials=_counted(plain, split, spec, stat, items),
            chance=_chance(plain, split, items),
            model=_model(spec),
            source=source,
        )


def _is_score(native: str, known: Meaning | None, choices: Choices, task: str) -> bool:
    """HELM writes a hundred numbers beside the scores, such as seconds and tokens; these are not named one by one."""
    return known is not None or plain_name(native) in PER_BYTE or is_asked(native, choices, task)


def _task(spec: dict[str, Any]) -> tuple[str, str]:
    """Name of the scenario and its subject; and its other arguments and the number of examples in the prompt.

    ``mmlu:subject=anatomy,method=multiple_choice_joint,model=toy`` is mmlu_anatomy.
    """
    scenario, adapter = section(spec, "scenario_spec"), section(spec, "adapter_spec")
    of_class = words(scenario.get("class_name")).rpartition(".")[2].removesuffix("Scenario")
    name = words(spec.get("name")).partition(":")[0].partition(",")[0] or of_class or "all"
    given = {key: value for key, value in sorted(section(scenario, "args").items()) if value is not None}
    subject = words(given.pop("subject", ""))
    arguments = [f"{key}={value}" for key, value in given.items()]
    shots = number(adapter.get("max_train_instances"))
    method = words(adapter.get("method"))
    apart = [method.removeprefix(f"{MULTIPLE_CHOICE}_")] if method.startswith(f"{MULTIPLE_CHOICE}_separate") else []
    shown = [] if shots is None else [f"{int(shots)}-shot"]
    return "_".join(filter(None, (name, subject))), words(", ".join([*shown, *arguments, *apart]))


def _offered(known: Meaning | None, spec: dict[str, Any]) -> Meaning | None:
    """The metric as a choice, where the prompt offers answers."""
    offers = words(section(spec, "adapter_spec").get("method")).startswith(MULTIPLE_CHOICE)
    return (CHOICE, known[1], None) if known is not None and known[0] == EXACT and offers else known


def _of_split(items: Iterable[dict[str, Any]], split: str) -> dict[str, dict[str, float]]:
    """The means of the statistics of each item, of the items of a split that were not changed."""
    found: dict[str, dict[str, float]] = {}
    for item in items:
        key = item.get("instance_id")
        if item.get("perturbation") or not isinstance(key, str | int):
            continue
        stats = [
            each for each in each_of(item.get("stats"), dict) if section(each, "name").get("split") in (split, None)
        ]
        means = {words(section(each, "name").get("name")): number(each.get("mean")) or 0.0 for each in stats}
        if means:
            found.setdefault(str(key), {}).update(means)  # an item has an entry for each class of metrics
    return found


def _mean(stats: list[dict[str, Any]], wanted: str, split: str) -> float | None:
    """The mean of a statistic of a split; the first where there are several."""
    names = ((section(each, "name"), each) for each in stats)
    found = (
        each.get("mean") for name, each in names if name.get("name") == wanted and name.get("split") in (split, None)
    )
    return number(next(found, None))


def _counted(
    stats: list[dict[str, Any]],
    split: str,
    spec: dict[str, Any],
    stat: dict[str, Any],
    items: dict[str, dict[str, float]],
) -> int | None:
    trials = count(section(spec, "adapter_spec").get("num_train_trials")) or 1
    pooled = count(stat.get("count"))
    return (
        count(_mean(stats, "num_instances", split))
        or len(items)
        or (pooled if pooled is not None and pooled > trials else None)
    )


def _chance(stats: list[dict[str, Any]], split: str, items: dict[str, dict[str, float]]) -> float | None:
    """Mean over the items of one in the number of their answers; else of the mean number, where that is whole."""
    offered = [each.get("num_references", 0.0) for each in items.values()]
    if offered and all(each >= 2 for each in offered):
        return sum(1 / each for each in offered) / len(offered)
    mean = count(_mean(stats, "num_references", split))
    return 1 / mean if mean is not None and mean >= 2 else None
