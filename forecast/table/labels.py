"""Labels of rows: their task, the law it looks at, and the row whose answers they share."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from models.equations.metrics import metrics_where

UNKNOWN_K = -1


def task_labels(frame: pd.DataFrame) -> pd.Series:
    """The label of each row's task; there are as many as different (task, metric, k of a metric that has one, length).

    A length tells tasks apart only where one run has several of them: published lengths of one task may differ by run.
    """
    k = frame["k"].where(frame["metric"].isin(metrics_where("k")), 0).fillna(UNKNOWN_K).astype(int)
    same = [frame["task"], frame["metric"], k]
    of_run = frame["length"].groupby([frame["model"], frame["task"]]).transform("nunique")
    several = of_run.groupby(frame["task"]).transform("max") > 1
    length = frame["length"].where(several, 0.0).fillna(0.0)
    keys = pd.Series(list(zip(*same, length, strict=True)), index=frame.index, dtype=object)
    kinds = pd.DataFrame(keys.drop_duplicates().to_list(), columns=["task", "metric", "k", "length"])
    several_kinds = kinds.groupby("task")["k"].transform("size") > 1
    several_k = kinds.groupby(["task", "metric"])["k"].transform("nunique") > 1
    needed = kinds["k"].astype(str).where(kinds["k"] != UNKNOWN_K, "unknown k")
    bracket = kinds["metric"].where(~several_k, kinds["metric"] + " " + needed)
    bracket = bracket.where(kinds["length"] == 0, bracket + " of " + kinds["length"].map("{:g}".format))
    labels = kinds["task"].where(~several_kinds, kinds["task"] + " [" + bracket + "]")
    return keys.map(dict(zip(kinds.itertuples(index=False, name=None), _unique(labels), strict=True)))


def law_labels(tasks: pd.DataFrame) -> pd.Series:
    """The law of each task: the tasks of one name whose metrics are functions of one loss per token.

    `tasks` has task, metric and length, by task label. Exact match and at-least-k need a known length to be linked with
    other rates; pass@k and exact match, which is pass@1, only the same one, known or not. A choice among given answers
    has a law of its own: the loss of the right answer is a weak guide to it. A measured loss goes with the rates of its
    name, or has a law of its own where there are none.
    """
    whole = tasks["metric"].isin(metrics_where("of_answers"))
    lone = whole & (whole.groupby(tasks["task"]).transform("sum") == 1)
    attempts = _attempts(tasks) & tasks["length"].isna()
    linked = lone | (whole & (tasks["length"].notna() | (tasks["metric"] == "token_accuracy"))) | attempts
    joined = linked | ((tasks["metric"] == "loss") & linked.groupby(tasks["task"]).transform("any"))
    apart = attempts & (joined & ~attempts & whole).groupby(tasks["task"]).transform("any")
    answers = "law of " + tasks["task"] + apart.map({True: " in attempts", False: ""})
    size = joined.groupby(answers).transform("sum")
    keys = pd.Series(tasks.index.to_numpy(), index=tasks.index, dtype=object)
    keys = keys.where(~(joined & (size > 1)), answers)
    names = pd.Series(np.where(joined & (size > 1), tasks["task"], tasks.index), index=tasks.index, dtype=object)
    first = ~keys.duplicated()
    return keys.map(dict(zip(keys[first], _unique(names[first]), strict=True)))


def _attempts(tasks: pd.DataFrame) -> pd.Series:
    """Whether a task counts attempts at whole answers: pass@k, and exact match of the same name and length."""
    counted = tasks["metric"].isin(metrics_where("is_attempts"))
    same = [tasks["task"], tasks["length"].fillna(-1.0)]
    return counted | ((tasks["metric"] == "exact_match") & counted.groupby(same).transform("any"))


def given_rows(frame: pd.DataFrame, run: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Position of the row that a row is a count out of, or -1.

    At least k of L is a count among those of a smaller k, tokens beside the answers that are all right, and pass@k a
    count among the items of a larger k. These are rows of one run and law, of one length and, but for attempts, of the
    same number of items, whose counts do not contradict it.
    """
    table = pd.DataFrame({"run": run, "law": law, "metric": frame["metric"].to_numpy(), "position": range(len(frame))})
    table["length"] = frame["length"].to_numpy(dtype=float)
    table["k"] = frame["k"].to_numpy(dtype=float)
    table["count"] = frame["successes"].to_numpy(dtype=float, na_value=np.nan)
    table["items"] = frame["trials"].to_numpy(dtype=float, na_value=np.nan)
    attempts = table.assign(task=table["law"])
    attempts = attempts[_attempts(attempts) & (attempts["items"] > 0)]
    given = np.full(len(frame), -1)
    for group in _groups(table.drop(index=attempts.index)):
        _chain_tokens(given, group)
    for _, group in attempts.fillna({"length": -1.0}).groupby(["run", "law", "length"], sort=False):
        _chain_attempts(given, group)
    return given


def _groups(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of at least k, exact match and token accuracy of the same answers, in items."""
    table = table.assign(k=table["k"].where(table["metric"] != "exact_match", table["length"]))
    tokens = table["metric"].isin(metrics_where("counts_tokens"))
    table = table.assign(
        **{name: table[name].where(~tokens, table[name] / table["length"]) for name in ("count", "items")}
    )
    usable = table["metric"].isin(metrics_where("of_answers")) & table["length"].notna() & (table["items"] > 0)
    usable = table[usable & (table["k"].notna() | ~table["metric"].isin(metrics_where("k")))]
    answers = ["run", "law", "length"]
    for _, group in usable[usable.duplicated(answers, keep=False)].groupby(answers, sort=False):
        yield group


def _chain_tokens(given: np.ndarray, group: pd.DataFrame) -> None:
    chain = group[group["metric"] != "token_accuracy"].sort_values("k", kind="stable")
    repeated = chain.duplicated(["metric", "k"]).any()
    if not len(chain) or repeated or chain["items"].nunique() != 1 or not (chain["count"].diff()[1:] <= 0).all():
        return
    given[chain["position"].to_numpy()[1:]] = chain["position"].to_numpy()[:-1]
    last = chain.iloc[-1]
    for row in group[group["metric"] == "token_accuracy"].itertuples():
        if last["metric"] == "exact_match" and abs(row.items - last["items"]) < 0.5 and row.count >= last["count"]:
            given[row.position] = last["position"]


def _chain_attempts(given: np.ndarray, group: pd.DataFrame) -> None:
    chain = group.assign(
        k=group["k"].where(group["metric"] != "exact_match", 1.0), rate=group["count"] / group["items"]
    )
    chain = chain.sort_values("k", ascending=False, kind="stable")
    if not chain["k"].duplicated().any() and (chain["rate"].diff()[1:] <= 0).all():
        given[chain["position"].to_numpy()[1:]] = chain["position"].to_numpy()[:-1]


def _unique(labels: pd.Series) -> pd.Series:
    """Labels with a star where a task is itself called like another's label."""
    while labels.duplicated().any():
        labels = labels.where(~labels.duplicated(), labels + "*")
    return labels
