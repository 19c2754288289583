"""Result files to measurements and to tables: each format, what is taken of it, and what is left out."""

import json
import math
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices, PerTask, per_task, task_names
from forecast.table.importers.importing import import_results
from forecast.table.importers.models_table import read_facts
from forecast.table.importers.names.spelling import spelling
from forecast.table.importers.results.lm_eval import model_name
from forecast.table.importers.results.lm_eval import read as read_lm_eval
from forecast.table.importers.selection import trials_of_error

if sys.version_info >= (3, 14):
    zstd_zipfile = zipfile
else:
    from backports.zstd import zipfile as zstd_zipfile

ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878
SIZES = {"toy-1b": "1e21", "toy-3b": "1e22", "toy-9b": "1e23", "toy-30b": "1e24"}


def lm_eval(model="toy-1b", results=None, *, samples=None, shots=None, configs=None, **rest):
    """A results file of the harness, as it writes one."""
    found = {"results": {"sums": {"exact_match,none": 0.2}} if results is None else results}
    items = {"sums": 500} if samples is None else samples
    found["n-samples"] = {task: {"original": n, "effective": n} for task, n in items.items()}
    return found | {"n-shot": shots or {}, "configs": configs or {}, "model_name": model} | rest


def inspect_log(model="toy-1b", score=0.2, *, task="sums", status="success", scorer="match", epochs=1, **arguments):
    """A log of Inspect, without its samples."""
    scores = [
        {"name": scorer, "metrics": {"accuracy": {"name": "accuracy", "value": score}, "stderr": {"value": 0.01}}}
    ]
    return {
        "version": 2,
        "status": status,
        "eval": {"task": task, "model": model, "task_args": arguments, "config": {"epochs": epochs}},
        "results": {"total_samples": 500 * epochs, "completed_samples": 480 * epochs, "scores": scores},
    }


@pytest.fixture
def write(tmp_path):
    def to_file(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def models(write):
    return write("models.csv", "model,compute\n" + "".join(f"{name},{flop}\n" for name, flop in SIZES.items()))


@pytest.fixture
def imported(tmp_path, models):
    """The table of a path, read as every command reads it, and what was left out of it by what it is."""

    def of(format, path, *, models=models, **choices):
        _, left_out = import_results(format, path, tmp_path / "t.csv", choices=Choices(**choices), models=models)
        return read_table(tmp_path / "t.csv"), {each.what: each.why for each in left_out}

    return of


@pytest.fixture
def ladder(write, tmp_path):
    """A folder of four results files, each changed by a function of model and rung."""

    def of(document, name="results_{}.json"):
        for rung, model in enumerate(SIZES):
            write(f"runs/{model}/{name.format(model)}", document(model, rung))
        return tmp_path / "runs"

    return of


def named(option, **values):
    return PerTask(option=option, named=values)


# lm-eval


def test_results_of_the_harness_become_rows_with_score_items_and_compute(ladder, imported):
    path = ladder(lambda model, rung: lm_eval(model, {"sums": {"exact_match,none": rung / 4, "alias": "sums"}}))
    frame, left_out = imported("lm-eval", path)
    assert frame["model"].tolist() == sorted(SIZES) and not left_out
    by_model = frame.set_index("model")
    assert by_model.loc["toy-9b", ["score", "trials", "successes", "compute"]].tolist() == [0.5, 500, 250, 1e23]
    assert set(frame["metric"]) == {"exact_match"} and set(frame["chance"]) == {0.0}


def test_acc_is_a_choice_unless_the_task_generates_and_its_chance_is_that_of_its_choices(ladder, imported):
    configs = {
        "law": {"output_type": "multiple_choice", "doc_to_choice": ["A", "B", "C", "D", "E"]},
        "last word": {"output_type": "loglikelihood"},
    }
    results = {"law": {"acc,none": 0.3}, "last word": {"acc,none": 0.4}}
    path = ladder(lambda model, _: lm_eval(model, results, samples={"law": 90, "last word": 80}, configs=configs))
    frame, _ = imported("lm-eval", path)
    found = frame.groupby("task")[["metric", "chance"]].first().T.to_dict("list")
    assert found == {"last word": ["exact_match", 0.0], "law": ["choice", 0.2]}


def test_a_choice_of_unknown_chance_is_an_error_until_the_user_gives_it(ladder, imported):
    path = ladder(lambda model, _: lm_eval(model, {"sums": {"acc,none": 0.3}}))
    with pytest.raises(ForecastError, match=r"'sums': .*needs the chance of a guess; add --chance 'sums=0.25'"):
        imported("lm-eval", path)
    assert set(imported("lm-eval", path, chance=PerTask(option="--chance", general=0.5))[0]["chance"]) == {0.5}
    assert set(imported("lm-eval", path, metric=named("--metric", sums="exact_match"))[0]["metric"]) == {"exact_match"}


def test_the_chance_for_all_is_not_that_of_generated_answers(ladder, imported):
    path = ladder(lambda model, _: lm_eval(model))
    assert set(imported("lm-eval", path, chance=PerTask(option="--chance", general=0.5))[0]["chance"]) == {0.0}


def test_several_metrics_of_the_same_answers_count_once(ladder, imported):
    results = {"sums": {"exact_match,strict": 0.2, "exact_match,loose": 0.3, "exact_match,maj@8": 0.4}}
    path = ladder(lambda model, _: lm_eval(model, results))
    frame, left_out = imported("lm-eval", path)
    assert set(frame["score"]) == {0.2} and len(frame) == len(SIZES)
    assert "exact_match,strict" in left_out["sums: exact_match,loose"]
    assert "vote" in left_out["sums: exact_match,maj@8"]
    loose, _ = imported("lm-eval", path, metric=named("--metric", sums="exact_match,loose"))
    assert set(loose["score"]) == {0.3}


def test_one_metric_is_taken_of_all_models_even_where_one_of_them_has_another(ladder, imported):
    both = {"acc_norm,none": 0.3, "acc,none": 0.2}
    path = ladder(lambda model, rung: lm_eval(model, {"sums": both if rung else {"acc,none": 0.1}}))
    chance = PerTask(option="--chance", general=0.0)
    frame, left_out = imported("lm-eval", path, chance=chance)
    assert sorted(frame["score"]) == [0.1, 0.2, 0.2, 0.2] and "acc, which" in left_out["sums: acc_norm"]
    frame, left_out = imported("lm-eval", path, chance=chance, metric=named("--metric", sums="acc_norm"))
    assert set(frame["score"]) == {0.3} and len(frame) == 3


@pytest.mark.parametrize(("items", "right"), [(1319, 20), (40, 39), (10042, 1)])
def test_the_number_of_items_follows_from_the_standard_error_of_a_rate(items, right):
    answers = np.arange(items) < right
    assert trials_of_error(answers.mean(), answers.std(ddof=1) / items**0.5) == items


@pytest.mark.parametrize(("rate", "error"), [(0.0, 0.0), (1.0, 0.0), (0.5, None), (0.5, 0.0), (0.5, 1e-300)])
def test_no_number_of_items_follows_where_there_is_no_spread(rate, error):
    assert trials_of_error(rate, error) is None


def test_old_files_have_their_items_from_standard_errors_and_a_score_of_zero_from_the_other_models(ladder, imported):
    def old(model, rung):
        rate = [0.0, 0.02, 0.2, 0.7][rung]
        sums = {"em": rate, "em_stderr": math.sqrt(rate * (1 - rate) / 499)}
        return {"results": {"sums": sums}, "config": {"model_args": f"pretrained={model},dtype=float"}}

    frame, _ = imported("lm-eval", ladder(old))
    assert set(frame["trials"]) == {500} and sorted(frame["successes"]) == [0, 10, 100, 350]


def test_a_rate_without_items_is_left_out_and_named_until_the_user_gives_them(ladder, imported):
    path = ladder(lambda model, _: lm_eval(model, {"sums": {"em": 0.5}, "facts": {"em": 0.1}}, samples={"facts": 9}))
    frame, left_out = imported("lm-eval", path)
    assert set(frame["task"]) == {"facts"} and "--trials TASK=N" in left_out["sums of toy-1b"]
    frame, left_out = imported("lm-eval", path, trials=PerTask(option="--trials", general=70))
    assert frame.groupby("task")["trials"].first().to_dict() == {"facts": 9, "sums": 70} and not left_out
    frame, _ = imported("lm-eval", path, trials=named("--trials", sums=70, facts=10))
    assert frame.groupby("task")["trials"].first().to_dict() == {"facts": 10, "sums": 70}


def test_a_limited_run_that_does_not_say_its_items_does_not_get_those_of_others(ladder, imported):
    def document(model, rung):
        limit = {"limit": 10 if rung == 0 else None}
        return lm_eval(model, {"sums": {"em": 0.0}}, samples={"sums": 500} if rung else {}, config=limit)

    frame, left_out = imported("lm-eval", ladder(document))
    assert len(frame) == 3 and "only some items" in left_out["sums of toy-1b"]


def test_a_loss_per_byte_is_in_nats_and_says_so_and_one_per_word_is_left_out(ladder, imported):
    def document(model, rung):
        per_byte = {"bits_per_byte,none": 0.8, "byte_perplexity,none": 2**0.8} if rung else {"byte_perplexity": 2**0.8}
        return lm_eval(model, {"text": {"word_perplexity,none": 20.0, **per_byte}, "talk": {"perplexity,none": 9.0}})

    frame, left_out = imported("lm-eval", ladder(document), metric=named("--metric", text="loss"))
    assert set(frame["task"]) == {"text nats per byte"} and set(frame["metric"]) == {"loss"}
    np.testing.assert_allclose(frame["score"], 0.8 * math.log(2))
    assert "per word" in left_out["text: word_perplexity"] and "per answer" in left_out["talk: perplexity"]


def test_a_task_at_another_number_of_shots_is_another_task(ladder, imported):
    for rung, shots in enumerate((0, 5)):
        path = ladder(
            lambda model, _, r=rung, s=shots: lm_eval(model, {"sums": {"em": 0.1 + r / 2}}, shots={"sums": s}),
            name=f"results_{shots}.json",
        )
    frame, _ = imported("lm-eval", path, trials=named("--trials", **{"sums 5-shot": 80}))
    assert frame.groupby("task")["score"].first().to_dict() == {"sums 0-shot": 0.1, "sums 5-shot": 0.6}
    assert frame.groupby("task")["trials"].first().to_dict() == {"sums 0-shot": 500, "sums 5-shot": 80}
    assert set(imported("lm-eval", path, tasks=("sums 0-shot",))[0]["task"]) == {"sums 0-shot"}
    assert len(imported("lm-eval", path, tasks=("sums",))[0]) == 8


def test_an_average_of_tasks_is_left_out_unless_named_and_then_its_tasks_are(ladder, imported):
    def document(model, _):
        results = {name: {"em": 0.1 * i} for i, name in enumerate(("all", "exam", "part", "law", "art"), start=1)}
        samples, below = {"law": 30, "art": 50}, {"exam": ["part"], "part": ["law", "art"], "law": []}
        return lm_eval(model, results, samples=samples, group_subtasks=below)

    path = ladder(document)
    frame, left_out = imported("lm-eval", path)
    assert set(frame["task"]) == {"law", "art"} and all("--tasks" in left_out[name] for name in ("all", "exam", "part"))
    frame, _ = imported("lm-eval", path, tasks=("exam",))
    assert set(frame["task"]) == {"exam"} and set(frame["trials"]) == {80}
    with pytest.raises(ForecastError, match=r"--tasks 'law'.*is part of exam, which is taken"):
        imported("lm-eval", path, tasks=("exam", "law"))


def test_of_several_files_of_a_model_the_one_with_most_items_and_of_those_the_latest_is_taken(ladder, write, imported):
    path = ladder(lambda model, _: lm_eval(model, date=100.0))
    write("runs/results_few.json", lm_eval("toy-1b", {"sums": {"em": 0.9}}, samples={"sums": 10}, date=300.0))
    write("runs/results_new.json", lm_eval("toy-3b", {"sums": {"exact_match": 0.4}}, date=200.0))
    write("runs/results_copy.json", lm_eval("toy-9b", date=50.0))
    frame, left_out = imported("lm-eval", path, metric=named("--metric", sums="exact_match"))
    assert frame.set_index("model")["score"].to_dict() == {"toy-1b": 0.2, "toy-3b": 0.4, "toy-9b": 0.2, "toy-30b": 0.2}
    assert len(frame) == 4 and any("toy-3b" in what and "results_toy-3b" in what for what in left_out)
    assert not any("toy-9b" in what for what in left_out)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"model_name": "a/b"}, "a/b"),
        ({"config_general": {"model_name": "a/b"}}, "a/b"),
        ({"config": {"model": "hf", "model_args": "pretrained=a/b,dtype=float"}}, "a/b"),
        ({"config": {"model": "hf", "model_args": {"pretrained": "a/b"}}}, "a/b"),
        ({"config": {"model": "local", "model_args": "model=b,base_url=x"}}, "b"),
        ({"model_name": "a/b", "config": {"model_args": "pretrained=a/b,revision=step1000"}}, "a/b@step1000"),
        ({"model_name": "a/b", "config": {"model_args": None, "model_revision": "main"}}, "a/b"),
        ({"config": []}, ""),
    ],
)
def test_the_model_of_a_file_is_found_where_each_version_writes_it(document, name):
    assert model_name(document) == name


def test_names_of_lighteval_hold_task_and_shots(write):
    results = {"all": {"acc": 0.5}, "harness|arc:challenge|25": {"acc": 0.3, "acc_stderr": 0.01}}
    path = write("results.json", {"results": results, "config_general": {"model_name": "m"}})
    (found,) = read_lm_eval(path, Choices()).measurements
    assert (found.task, found.variant, found.metric, found.trials) == ("arc:challenge", "25-shot", "choice", 2101)


# Inspect


def test_logs_of_inspect_become_rows_and_those_that_did_not_succeed_are_named(ladder, write, imported):
    path = ladder(lambda model, rung: inspect_log(model, rung / 4), name="log.json")
    write("runs/failed.json", inspect_log("toy-1b", 0.9, status="error"))
    write("runs/listing.json", {"logs": []})
    frame, left_out = imported("inspect", path)
    assert frame.set_index("model").loc["toy-30b", ["score", "trials", "metric"]].tolist() == [0.75, 480, "exact_match"]
    assert len(frame) == 4
    assert {what.rpartition("/")[2]: why for what, why in left_out.items()} == {
        "failed.json": "the run did not succeed: its status is 'error'",
        "listing.json": "is no log of Inspect with a task, a model and results",
    }


def test_the_archive_of_a_log_says_the_same_as_its_json(ladder, tmp_path, imported):
    path = ladder(lambda model, rung: inspect_log(model, rung / 4), name="log.json")
    expected, _ = imported("inspect", path)
    for file in list(path.rglob("*.json")):
        with zipfile.ZipFile(file.with_suffix(".eval"), "w") as archive:
            archive.writestr("header.json", file.read_text())
        file.unlink()
    with zipfile.ZipFile(path / "running.eval", "w") as archive:
        archive.writestr("_journal/start.json", "{}")
    frame, left_out = imported("inspect", path)
    pd.testing.assert_frame_equal(frame.drop(columns="source"), expected.drop(columns="source"))
    assert list(left_out.values()) == ["the run has not ended"]


def test_an_archive_packed_by_zstandard_is_read_and_one_that_broke_is_a_known_error(ladder, imported):
    path = ladder(lambda model, rung: inspect_log(model, rung / 4), name="log.json")
    expected, _ = imported("inspect", path)
    for file in list(path.rglob("*.json")):
        with zstd_zipfile.ZipFile(file.with_suffix(".eval"), "w", compression=zstd_zipfile.ZIP_ZSTANDARD) as archive:
            archive.writestr("header.json", file.read_text())
        file.unlink()
    frame, _ = imported("inspect", path)
    pd.testing.assert_frame_equal(frame.drop(columns="source"), expected.drop(columns="source"))
    content = bytearray(file.with_suffix(".eval").read_bytes())
    start = content.index(ZSTANDARD_MAGIC)
    content[start + 8 : start + 40] = bytes(32)
    file.with_suffix(".eval").write_bytes(content)
    frame, left_out = imported("inspect", path)
    assert len(frame) == len(expected) - 1 and "not a zip archive that can be read" in "".join(left_out.values())
    with pytest.raises(ForecastError, match="not a zip archive that can be read"):
        imported("inspect", file.with_suffix(".eval"))


def test_the_mean_of_the_exact_scorer_is_its_accuracy_and_other_reducers_are_named(ladder, imported):
    def log(model, rung):
        found = inspect_log(model, scorer="exact")
        mean, best = ({"mean": {"value": rung / 8 * times}, "stderr": {"value": 0.01}} for times in (1, 2))
        scores = [{"reducer": name, "metrics": each} for name, each in (("mean", mean), ("pass_at_2", best))]
        found["results"]["scores"] = [{"name": "exact", "scored_samples": 400} | each for each in scores]
        return found

    frame, left_out = imported("inspect", ladder(log, name="log.json"))
    assert sorted(frame["score"]) == [0.0, 0.125, 0.25, 0.375] and set(frame["trials"]) == {400}
    assert left_out == {"sums: exact mean": "reduces the epochs by 'pass_at_2'"}


def test_items_answered_in_several_epochs_are_not_more_items(ladder, imported):
    frame, _ = imported("inspect", ladder(lambda model, _: inspect_log(model, epochs=5), name="log.json"))
    assert set(frame["trials"]) == {480}


def test_the_choice_scorer_is_a_choice_and_needs_its_chance(ladder, imported):
    path = ladder(lambda model, _: inspect_log(model, scorer="choice"), name="log.json")
    with pytest.raises(ForecastError, match="needs the chance of a guess"):
        imported("inspect", path)
    assert set(imported("inspect", path, chance=named("--chance", sums=0.25))[0]["chance"]) == {0.25}


@pytest.mark.parametrize("archived", [False, True])
def test_the_chance_of_a_choice_is_that_of_its_items(ladder, imported, archived):
    items = [{"choices": list("abcd"), "target": "A"}, {"choices": ["yes", "no"], "target": ["B"]}]
    path = ladder(lambda model, _: inspect_log(model, scorer="choice") | {"samples": items}, name="log.json")
    for file in list(path.rglob("*.json")) if archived else ():
        document = json.loads(file.read_text())
        with zipfile.ZipFile(file.with_suffix(".eval"), "w") as archive:
            archive.writestr("summaries.json", json.dumps(document.pop("samples")))
            archive.writestr("header.json", json.dumps(document))
        file.unlink()
    assert set(imported("inspect", path)[0]["chance"]) == {0.375}
    assert set(imported("inspect", path, chance=named("--chance", sums=0.2))[0]["chance"]) == {0.2}


def test_of_several_right_choices_the_chance_is_not_known(ladder, imported):
    items = [{"choices": list("abcd"), "target": ["A", "B"]}]
    path = ladder(lambda model, _: inspect_log(model, scorer="choice") | {"samples": items}, name="log.json")
    with pytest.raises(ForecastError, match="needs the chance of a guess"):
        imported("inspect", path)


def test_a_task_with_other_arguments_is_another_task(ladder, imported):
    for shots in (0, 4):
        path = ladder(lambda model, _, s=shots: inspect_log(model, fewshot=s, subject="law"), name=f"{shots}.json")
    frame, _ = imported("inspect", path)
    assert set(frame["task"]) == {"sums 0-shot, subject=law", "sums 4-shot, subject=law"}


# Models

WIDE = "Model,sums,facts\ntoy-1b,0.1,0.5\ntoy-3b,0.2,\ntoy-9b,-,0.7\ntoy-30b,1,0.8\n"
TRIALS = PerTask(option="--trials", general=1000)


def test_models_are_found_by_name_whoever_writes_it():
    assert spelling("meta-llama/Llama-2-7b") == spelling("Llama 2-7B") != spelling("Llama 2-70B")
    assert spelling("a/toy@step1") != spelling("a/toy")


def test_models_without_compute_are_left_out_and_close_names_suggested(write, imported):
    models = write(
        "models.csv", "model,compute,date\nLab/Toy 1B,1e21,\ntoy-3b,1e22,\ntoy-9b,1e23,\ntoy-30b,,2024-01-01\n"
    )
    path = write("wide.csv", WIDE + "toy-39b,0.5,0.5\n")
    frame, left_out = imported("wide", path, models=models, trials=TRIALS)
    assert set(frame["model"]) == {"toy-1b", "toy-3b", "toy-9b"}
    assert list(left_out) == ["model toy-39b", "model toy-30b"] and "'toy-9b'" in left_out["model toy-39b"]
    assert left_out["model toy-30b"] == "has no compute, nor both params and tokens in models.csv"


def test_a_name_that_fits_two_models_is_not_guessed(write, imported):
    models = write(
        "models.csv", "model,compute\nx/toy-1b,1e21\ny/toy-1b,1e20\ntoy-3b,1e22\ntoy-9b,1e23\ntoy-30b,1e24\n"
    )
    _, left_out = imported("wide", write("wide.csv", WIDE), models=models, trials=TRIALS)
    assert "several models" in left_out["model toy-1b"]


def test_dates_are_the_scale_only_where_no_model_has_compute(write, imported):
    models = write(
        "models.csv", "model,compute,date\n" + "".join(f"{name},,{2020 + i}-01-01\n" for i, name in enumerate(SIZES))
    )
    frame, left_out = imported("wide", write("wide.csv", WIDE), models=models, trials=TRIALS)
    assert frame["model"].nunique() == 4 and not left_out
    assert frame["date"].dt.year.between(2020, 2023).all()


def test_the_table_of_models_may_be_epochs(write, imported):
    header = "Model,Domain,Publication date,Training compute (FLOP)\n"
    rows = [f"{name.upper()},Language,2023-0{i}-01,{flop}\n" for i, (name, flop) in enumerate(SIZES.items(), start=1)]
    models = write("epoch.csv", header + "".join(rows) + "no compute,Language,2023-01-01,\n")
    frame, _ = imported("wide", write("wide.csv", WIDE), models=models, trials=TRIALS)
    by_model = frame.groupby("model")[["compute", "date"]].first()
    assert by_model.loc["toy-3b"].tolist() == [1e22, pd.Timestamp("2023-02-01")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model,speed\na,1\n", "needs a column of compute, .* --columns 'compute=NAME'"),
        ("who,compute\na,1e21\n", "no column is named 'model', .* --columns 'model=who'"),
        ("model,compute\na,much\n", "row 2, column 'compute', value 'much'"),
        ("model,compute\na,-1\na,2e21\n", "row 2, column 'compute', value '-1'.*\n.*row 3, column 'model'"),
        ("model,compute,date\na,1e21,soon\n", "row 2, column 'date', value 'soon'"),
        ("", "the file is empty"),
    ],
)
def test_a_table_of_models_that_cannot_be_used_is_named_with_its_rows(write, text, said):
    with pytest.raises(ForecastError, match=said):
        read_facts(write("models.csv", text)).check(["a"])


def test_problems_of_models_that_are_not_asked_for_are_not_the_users(write):
    path = write("models.csv", "model,compute,date\na,1e21,\nb,1e22,soon\nc,1e23,\nc,1e24,\n")
    table = read_facts(path)
    table.check(["a"])
    with pytest.raises(TableError) as caught:
        table.check(["a", "b", "c"])
    assert [problem.row for problem in caught.value.problems] == [3, 5]


# What the user says


def test_options_hold_for_a_named_task_before_all_others():
    option = per_task("--trials", ["a=b=3", "7"], int, expected="a number")
    assert (option.of("a=b"), option.of("c"), option.named_for("c")) == (3, 7, None)
    assert task_names(' a, "b, c",a,') == ("a", "b, c") and task_names(None) == ()


@pytest.mark.parametrize("given", [["=3"], ["a=1", "a=2"], ["1", "2"], ["a=x"], ["a="]])
def test_options_that_say_nothing_or_two_things_are_errors(given):
    with pytest.raises(ForecastError, match="--trials"):
        per_task("--trials", given, int, expected="a number")


def test_a_task_that_is_not_there_is_an_error_that_suggests_one_or_says_why(ladder, imported):
    path = ladder(lambda model, _: lm_eval(model, {"sums": {"em": 0.1}, "text": {"word_perplexity": 9.0}}))
    for options in ({"tasks": ("sum",)}, {"trials": named("--trials", sum=3)}, {"chance": named("--chance", sum=0.1)}):
        with pytest.raises(ForecastError, match=r"'sum': no measurement .* did you mean sums"):
            imported("lm-eval", path, **options)
    with pytest.raises(ForecastError, match="is per word"):
        imported("lm-eval", path, tasks=("text",))
    with pytest.raises(ForecastError, match=r"no such metric; give one of the file \(em\)"):
        imported("lm-eval", path, metric=named("--metric", sums="f1"))


def test_a_metric_for_all_tasks_holds_for_those_that_have_it_and_one_that_none_has_is_an_error(ladder, imported):
    results = {"sums": {"em": 0.1, "exact_match": 0.2}, "facts": {"exact_match": 0.3}}
    path = ladder(lambda model, _: lm_eval(model, results, samples={"sums": 5, "facts": 5}))
    frame, _ = imported("lm-eval", path, metric=PerTask(option="--metric", general="em"))
    assert frame.groupby("task")["score"].first().to_dict() == {"facts": 0.3, "sums": 0.1}
    with pytest.raises(ForecastError, match="--metric 'acc': no task has it; there are em, exact_match"):
        imported("lm-eval", path, metric=PerTask(option="--metric", general="acc"))
    with pytest.raises(ForecastError, match="is for the formats wide and long"):
        imported("lm-eval", path, percent=True)
