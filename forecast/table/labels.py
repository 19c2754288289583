"""Labels of rows: their task, the law it looks at, and the row whose answers they share."""

import numpy as np
import pandas as pd

RATES_OF_ANSWERS = ("exact_match", "at_least_k", "token_accuracy")
UNKNOWN_K = -1


def task_labels(frame: pd.DataFrame) -> pd.Series:
    """The label of each row's task; there are as many as different (task, metric, k of at_least_k, length).

    A length tells tasks apart only where one run has several of them: published lengths of one task may differ by run.
    """
    k = frame["k"].where(frame["metric"] == "at_least_k", 0).fillna(UNKNOWN_K).astype(int)
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
    other rates. A choice among given answers has a law of its own: the loss of the right answer is a weak guide to it.
    A measured loss goes with the rates of its name, or has a law of its own where there are none.
    """
    whole = tasks["metric"].isin(RATES_OF_ANSWERS)
    lone = whole & (whole.groupby(tasks["task"]).transform("sum") == 1)
    linked = lone | (whole & (tasks["length"].notna() | (tasks["metric"] == "token_accuracy")))
    joined = linked | ((tasks["metric"] == "loss") & linked.groupby(tasks["task"]).transform("any"))
    size = joined.groupby(tasks["task"]).transform("sum")
    keys = pd.Series(tasks.index.to_numpy(), index=tasks.index, dtype=object)
    keys = keys.where(~(joined & (size > 1)), "law of " + tasks["task"])
    names = pd.Series(np.where(joined & (size > 1), tasks["task"], tasks.index), index=tasks.index, dtype=object)
    first = ~keys.duplicated()
    return keys.map(dict(zip(keys[first], _unique(names[first]), strict=True)))


def given_rows(frame: pd.DataFrame, run: np.ndarray, law: np.ndarray) -> np.ndarray:
    """Position of the row that a row is a count out of, or -1: at least k among fewer, tokens beside all right.

    These are rows of one run and law, of one length and of the same number of items, whose counts do not contradict it.
    """
    table = pd.DataFrame({"run": run, "law": law, "metric": frame["metric"].to_numpy(), "position": range(len(frame))})
    table["length"] = frame["length"].to_numpy(dtype=float)
    table["k"] = frame["k"].to_numpy(dtype=float)
    table.loc[table["metric"] == "exact_match", "k"] = table["length"]
    table["kind"] = table["metric"] + table["k"].astype(str)
    table["count"] = frame["successes"].to_numpy(dtype=float, na_value=np.nan)
    table["items"] = frame["trials"].to_numpy(dtype=float, na_value=np.nan)
    tokens = table["metric"] == "token_accuracy"
    table.loc[tokens, ["count", "items"]] = table.loc[tokens, ["count", "items"]].div(
        table.loc[tokens, "length"], axis=0
    )
    given = np.full(len(frame), -1)
    usable = table["metric"].isin(RATES_OF_ANSWERS) & table["length"].notna() & (table["items"] > 0)
    usable = table[usable & (table["k"].notna() | (table["metric"] != "at_least_k"))]
    answers = ["run", "law", "length"]
    for _, group in usable[usable.duplicated(answers, keep=False)].groupby(answers, sort=False):
        chain = group[group["metric"] != "token_accuracy"].sort_values("k", kind="stable")
        sound = (
            chain["items"].nunique() == 1
            and not chain["kind"].duplicated().any()
            and (chain["count"].diff()[1:] <= 0).all()
        )
        if not len(chain) or not sound:
            continue
        given[chain["position"].to_numpy()[1:]] = chain["position"].to_numpy()[:-1]
        last = chain.iloc[-1]
        for row in group[group["metric"] == "token_accuracy"].itertuples():
            if last["metric"] == "exact_match" and abs(row.items - last["items"]) < 0.5 and row.count >= last["count"]:
                given[row.position] = last["position"]
    return given


def _unique(labels: pd.Series) -> pd.Series:
    """Labels with a star where a task is itself called like another's label."""
    while labels.duplicated().any():
        labels = labels.where(~labels.duplicated(), labels + "*")
    return labels
