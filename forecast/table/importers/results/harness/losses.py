"""Losses and exact matches of the same answers: samples joined with the results of their runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import Found, LeftOut, Measurement, number, section, source_of, words
from forecast.table.importers.results.harness.samples import Answers, answers, model_of_folder, task_and_stamp
from forecast.table.importers.results.harness.tasks import RATES, model_name, shots_of, task_of
from forecast.table.importers.sources import each_read, json_lines

SAME = 1e-6  # difference of two shares of the same items


def beside(path: Path) -> list[Path]:
    """The samples files of the run of one results file; all of the folder where names tell no runs."""
    if path.is_dir():
        return []
    stamp = path.stem.partition("_")[2]
    of_folder = sorted(path.parent.glob("samples_*.jsonl"))
    return [file for file in of_folder if not task_and_stamp(file)[1] or task_and_stamp(file)[1] == stamp]


def with_samples(
    found: Found, path: Path, samples: Sequence[Path], documents: Mapping[Path, Any], choices: Choices
) -> Found:
    """The findings of results files with what samples files add: losses, lengths, chances, and tasks not in results."""
    left_out: list[LeftOut] = []
    wanted = [file for file in samples if choices.wants(task_and_stamp(file)[0])]
    known: list[tuple[Answers, Mapping[str, Any]]] = []
    own: list[Measurement] = []
    measured_already = {(each.model, each.task, each.variant) for each in found.measurements}
    for file, answer in each_read(path, wanted, answers, left_out):
        said = _run_of(file, documents)
        if answer is not None:
            known.append((answer, said))
        if (said["model"], task_and_stamp(file)[0], said["variant"]) not in measured_already:
            own += rates(file, answer, said)
    measured, notes = with_losses([*found.measurements, *own], known)
    return replace(
        found,
        measurements=tuple(measured),
        left_out=(*(each for each in found.left_out if not _is_told(each, known)), *left_out),
        notes=(*found.notes, *notes),
    )


def _is_told(each: LeftOut, known: Sequence[tuple[Answers, Mapping[str, Any]]]) -> bool:
    """Whether what was left out is the perplexity of answers whose loss the samples tell."""
    return "perplexity" in each.what and each.task in {answer.task for answer, _ in known}


def _run_of(file: Path, documents: Mapping[Path, Any]) -> dict[str, Any]:
    """Model, variant and time of a samples file: as the results file of its run says, else as its folder is named."""
    task, stamp = task_and_stamp(file)
    near = {each: document for each, document in documents.items() if each.parent == file.parent}
    same = [document for each, document in near.items() if stamp and stamp in each.name] or list(near.values())
    document = next((each for each in same if task in section(each, "results")), None)
    if document is None:
        names = {model_name(each) for each in same}
        return {"model": names.pop() if len(names) == 1 else model_of_folder(file), "variant": "", "time": 0.0}
    variant = shots_of(task_of(document, task, set()))
    return {"model": model_name(document), "variant": variant, "time": number(document.get("date")) or 0.0}


def with_losses(
    measured: Iterable[Measurement], found: Sequence[tuple[Answers, Mapping[str, Any]]]
) -> tuple[list[Measurement], list[str]]:
    """Measurements, exact matches with the length of their answers, and the loss of right answers; and notes on these.

    `found` has the answers of each samples file with what is said of them: model, variant and time. A loss is per
    token where every file of a task counts tokens, else per byte, and lengths are in the same unit.
    """
    rows = list(measured)
    places: dict[tuple[str, str, str], list[int]] = {}
    for place, each in enumerate(rows):
        places.setdefault((each.model, each.task, each.variant), []).append(place)
    units: dict[str, str] = {}
    for answer, _ in found:
        units[answer.task] = "token" if answer.tokens and units.get(answer.task, "token") == "token" else "byte"
    linked: dict[str, None] = {}
    for answer, said in found:
        unit = units[answer.task]
        size = (answer.tokens if unit == "token" else None) or answer.bytes
        same = places.get((said["model"], answer.task, said["variant"]), [])
        exact = [place for place in same if _is_greedy(rows[place], answer)]
        for place in same:
            rows[place] = _with_chance(rows[place], answer)
        for place in exact:  # of an old file that does not say so, too
            rows[place] = replace(rows[place], metric="exact_match", told=True, length=size / answer.items)
            linked[answer.task] = None
        rows.append(_loss(answer, said, size, "" if exact else f"nats per {unit}", unit))
    notes = [
        f"{task}: loss and exact match of the same answers, per {units[task]}{_why(units[task])}" for task in linked
    ]
    return rows, notes


def _why(unit: str) -> str:
    return "" if unit == "token" else ", since samples count no tokens"


def _is_greedy(each: Measurement, answer: Answers) -> bool:
    """Whether a measurement is the share of these answers that greedy decoding gives."""
    is_whole = each.metric == "exact_match" or (each.metric == "choice" and not each.told)
    same = each.trials == answer.items and abs(each.score - answer.greedy / answer.items) < SAME
    return is_whole and answer.chance is None and same


def _with_chance(each: Measurement, answer: Answers) -> Measurement:
    return replace(each, chance=answer.chance) if each.metric == "choice" and each.chance is None else each


def _loss(answer: Answers, said: Mapping[str, Any], size: int, of_name: str, unit: str) -> Measurement:
    return Measurement(
        task=answer.task,
        unit=of_name,
        native=f"log-likelihood per {unit}",
        metric="loss",
        score=answer.nats / size,
        trials=answer.items,
        source=answer.source,
        **said,
    )


def rates(file: Path, answer: Answers | None, said: Mapping[str, Any]) -> Iterator[Measurement]:
    """The share of items that each known metric calls right, for samples without a results file."""
    values: dict[str, list[float | None]] = {}
    for sample in map(section, json_lines(file)):
        kind = words(sample.get("filter"))
        for metric in RATES.keys() & sample.keys():
            native = metric if kind in ("", "none") else f"{metric},{kind}"
            values.setdefault(native, []).append(number(sample[metric]))
    chance = None if answer is None else answer.chance
    for native, scores in sorted(values.items()):
        if set(scores) <= {0.0, 1.0}:
            yield Measurement(
                task=words(task_and_stamp(file)[0]),
                native=native,
                metric="exact_match" if chance is None else RATES[native.partition(",")[0]][0],
                score=sum(filter(None, scores)) / len(scores),
                trials=len(scores),
                chance=chance,
                rank=RATES[native.partition(",")[0]][1],
                told=True,
                source=source_of(file),
                **said,
            )
