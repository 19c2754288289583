"""Which rows are of one task, which tasks look at one law, and which rows count the same answers."""

import numpy as np
import pytest

from forecast.table.dataset import observations, read_table

HEADER = "model,task,metric,successes,trials,length,k,score,compute"
COMPUTE = (1e20, 1e21, 1e22)


@pytest.fixture
def table_of(tmp_path):
    """Observations of three runs by rows of cells from task to score, or by one list of rows for each run."""

    def build(*rows, runs=None):
        lines = [
            f"run {run},{cells},{compute:g}"
            for run, compute in enumerate(COMPUTE)
            for cells in (rows if runs is None else runs[run])
        ]
        path = tmp_path / "table.csv"
        path.write_text("\n".join([HEADER, *lines]))
        return observations(read_table(path))

    return build


def laws_of(data):
    """The law of each task."""
    return dict(zip(data.task.values.tolist(), data.law.values[data.law_index.values].tolist(), strict=True))


def given_of(data, run=0):
    """For each row of a run its task and that of the row it is a count out of, or None."""
    task = data.task.values[data.task_index.values]
    rows = np.flatnonzero(data.run_index.values == run)
    given = data.given_index.values
    assert np.all((given[rows] < 0) | (data.run_index.values[given[rows]] == run))
    return {str(task[row]): str(task[given[row]]) if given[row] >= 0 else None for row in rows}


# tasks


def test_a_task_of_one_metric_keeps_its_name_and_of_several_gains_the_metric(table_of):
    data = table_of("one,exact_match,5,100,4,,", "two,exact_match,5,100,4,,", "two,token_accuracy,200,400,4,,")
    assert data.task.values.tolist() == ["one", "two [exact_match]", "two [token_accuracy]"]


def test_several_k_and_lengths_are_tasks_labelled_by_both(table_of):
    cells = [f"t,at_least_k,5,100,{length},{k}," for length in (4, 8) for k in (2, 3)]
    data = table_of(*cells, "t,exact_match,1,100,4,,", "t,exact_match,0,100,8,,")
    assert data.task.values.tolist() == [
        *(f"t [at_least_k {k} of {length}]" for length in (4, 8) for k in (2, 3)),
        *("t [exact_match of 4]", "t [exact_match of 8]"),
    ]
    assert data.task_k.values[:4].tolist() == [2, 3, 2, 3]
    assert data.task_length.values.tolist() == [4, 4, 8, 8, 4, 8]
    assert set(laws_of(data).values()) == {"t"}


def test_lengths_that_differ_between_runs_alone_do_not_make_two_tasks(table_of):
    data = table_of(runs=[[f"t,exact_match,5,100,{length},,"] for length in (4, 5, 6)])
    assert data.task.values.tolist() == ["t"] and data.task_length.item() == 5


def test_a_task_called_like_the_label_of_another_keeps_a_label_of_its_own(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,choice,5,100,,,", "t [choice],exact_match,5,100,4,,"]
    data = table_of(*rows)
    assert data.task.values.tolist() == ["t [exact_match]", "t [choice]", "t [choice]*"]
    assert data.task_name.values.tolist() == ["t", "t", "t [choice]"]
    assert len(set(laws_of(data).values())) == 3


# laws


def test_exact_match_at_least_k_and_tokens_of_one_name_are_one_law(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,at_least_k,40,100,4,2,", "t,token_accuracy,200,400,4,,"]
    assert set(laws_of(table_of(*rows)).values()) == {"t"}
    assert set(laws_of(table_of(*rows, "u,exact_match,5,100,4,,")).values()) == {"t", "u"}  # not with another name


def test_a_choice_has_a_law_of_its_own(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,choice,30,100,,,", "t,token_accuracy,200,400,4,,", "t,loss,,,,,2.5"]
    assert laws_of(table_of(*rows)) == {
        "t [exact_match]": "t",
        "t [choice]": "t [choice]",
        "t [token_accuracy]": "t",
        "t [loss]": "t",
    }


def test_a_choice_and_a_loss_of_one_name_are_two_laws(table_of):
    laws = laws_of(table_of("t,choice,30,100,,,", "t,loss,,,,,2.5"))
    assert laws == {"t [choice]": "t [choice]", "t [loss]": "t [loss]"}


def test_a_loss_joins_the_rates_of_its_name_and_is_a_law_where_there_are_none(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,loss,,,,,2.5", "validation,loss,,,,,3.1"]
    assert laws_of(table_of(*rows)) == {"t [exact_match]": "t", "t [loss]": "t", "validation": "validation"}


def test_a_loss_joins_a_lone_rate_of_unknown_length(table_of):
    """Alone with a loss, an unknown length is part of the relation of both."""
    assert set(laws_of(table_of("t,exact_match,5,100,,,", "t,loss,,,,,2.5")).values()) == {"t"}


def test_exact_match_of_unknown_length_is_not_linked_with_other_rates(table_of):
    rows = ["t,exact_match,5,100,,,", "t,token_accuracy,200,400,4,,"]
    laws = laws_of(table_of(*rows))
    assert laws == {label: label for label in ("t [exact_match]", "t [token_accuracy]")}
    laws = laws_of(table_of(*rows, "t,at_least_k,40,100,4,2,"))
    assert laws["t [exact_match]"] == "t [exact_match]"
    assert laws["t [token_accuracy]"] == laws["t [at_least_k]"] == "t"


def test_tokens_of_unknown_length_are_linked(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,token_accuracy,200,400,,,"]
    assert set(laws_of(table_of(*rows)).values()) == {"t"}


def test_a_law_called_like_another_task_keeps_a_name_of_its_own(table_of):
    rows = ["t,exact_match,5,100,4,,", "t,token_accuracy,200,400,4,,", "t,choice,30,100,,,"]
    data = table_of(*rows, "t [choice],exact_match,5,100,4,,")
    assert len(set(data.law.values.tolist())) == data.sizes["law"] == 3
    assert laws_of(data)["t [choice]"] != laws_of(data)["t [choice]*"]


# rows of the same answers

CHAIN = [
    "t,exact_match,10,100,4,,",
    "t,at_least_k,90,100,4,1,",
    "t,token_accuracy,220,400,4,,",
    "t,at_least_k,30,100,4,3,",
]


def test_at_least_k_is_a_count_among_fewer_and_tokens_beside_exact_match(table_of):
    assert given_of(table_of(*CHAIN)) == {
        "t [at_least_k 1]": None,
        "t [at_least_k 3]": "t [at_least_k 1]",
        "t [exact_match]": "t [at_least_k 3]",
        "t [token_accuracy]": "t [exact_match]",
    }


def test_the_order_of_the_rows_does_not_matter(table_of):
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        assert given_of(table_of(*(CHAIN[row] for row in order))) == given_of(table_of(*CHAIN))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("t,at_least_k,95,100,4,3,", "more answers have three right than have one"),
        ("t,at_least_k,9,100,4,3,", "fewer answers have three right than have four"),
        ("t,at_least_k,15,50,4,3,", "another number of items"),
    ],
    ids=["above", "below", "items"],
)
def test_a_chain_that_contradicts_itself_is_left_independent(table_of, wrong, why):
    runs = [[*CHAIN[:3], wrong], CHAIN, CHAIN]
    data = table_of(runs=runs)
    assert set(given_of(data, run=0).values()) == {None}, why
    assert list(given_of(data, run=1).values()).count(None) == 1  # the other run keeps its chain


def test_a_row_given_twice_leaves_its_chain_independent(table_of):
    data = table_of(*CHAIN, "t,at_least_k,31,100,4,3,")
    assert np.all(data.given_index == -1)


@pytest.mark.parametrize(
    "tokens",
    ["t,token_accuracy,39,400,4,,", "t,token_accuracy,110,200,4,,", "t,token_accuracy,220,400,,,"],
    ids=["fewer tokens than exact matches have", "another number of items", "unknown length"],
)
def test_tokens_that_cannot_be_of_the_same_answers_are_independent_and_the_chain_stays(table_of, tokens):
    data = table_of(*CHAIN[:2], tokens, CHAIN[3])
    of_tokens = data.metric.values[data.task_index.values] == "token_accuracy"
    assert np.all(data.given_index.values[of_tokens] == -1)
    assert np.sum(data.given_index.values[~of_tokens] >= 0) == 2 * len(COMPUTE)


def test_tokens_without_exact_match_are_independent(table_of):
    data = table_of(*CHAIN[1:])
    of_tokens = data.metric.values[data.task_index.values] == "token_accuracy"
    assert np.all(data.given_index.values[of_tokens] == -1)


def test_answers_of_another_length_or_run_or_name_are_other_answers(table_of):
    longer = [row.replace(",4,", ",8,").replace("400,8", "800,8") for row in CHAIN]
    data = table_of(*CHAIN, *longer, *(row.replace("t,", "u,", 1) for row in CHAIN))
    given, rows = data.given_index.values, np.arange(data.sizes["observation"])
    linked = given >= 0
    assert linked.sum() == len(COMPUTE) * 3 * 3
    for same in (data.run_index.values, data.length.values, data.law_index.values[data.task_index.values]):
        assert np.all(same[rows[linked]] == same[given[linked]])


def test_choices_and_losses_are_given_nothing(table_of):
    data = table_of("t,choice,30,100,,,", "t,loss,,,,,2.5", "t,exact_match,10,100,4,,")
    assert np.all(data.given_index == -1)
