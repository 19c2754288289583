"""Long tables: one row a score under any names."""

import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.importers.choices import PerTask

LONG = """LLM,Benchmark,Result,Questions,Training FLOPs
mi-1,sums,0.1,100,1e21
mi-2,sums,0.2,100,1e22
mi-3,sums,0.3,100,1e23
mi-1,quiz,0.3,50,1e21
mi-2,quiz,0.5,50,
mi-3,quiz,0.7,50,1e23
"""


def named(option, **values):
    return PerTask(option=option, named=values)


def test_columns_are_known_by_what_people_call_them(table_of):
    found = table_of("long", LONG, trials=None)
    assert found.frame.groupby("task")["trials"].first().to_dict() == {"quiz": 50, "sums": 100}
    assert found.frame["score"].tolist() == [0.1, 0.2, 0.3, 0.3, 0.5, 0.7]
    assert set(found.frame["compute"]) == {1e21, 1e22, 1e23} and len(found.frame) == 6
    assert "column 'Benchmark' as task" in found.said and "column 'Result' as score" in found.said


def test_an_observation_table_with_other_names_is_one(table_of):
    text = LONG.replace("LLM,Benchmark,Result,Questions,Training FLOPs", "wer,was,wie gut,wie viele,wie teuer")
    with pytest.raises(ForecastError, match="no column is named 'model'"):
        table_of("long", text)
    columns = ["model=wer,task=was", "score=wie gut", "trials=wie viele", "compute=wie teuer"]
    assert len(table_of("long", text, columns=columns, trials=None).frame) == 6
    with pytest.raises(
        ForecastError, match=r"no column has the tasks and scores.*--columns task=NAME --columns score=NAME"
    ):
        table_of("long", text, columns=["model=wer"])


def test_items_are_those_of_the_row_unless_the_user_gives_them_for_the_task(table_of):
    frame = table_of("long", LONG.replace("sums,0.1,100", "sums,0.1,"), trials=70).frame
    assert frame["trials"].tolist() == [70, 100, 100, 50, 50, 50]
    with pytest.raises(ForecastError, match="none is given for 'sums'; add --trials 'sums=1000'"):
        table_of("long", LONG.replace("sums,0.1,100", "sums,0.1,"), trials=None)


def test_percentages_are_decided_task_by_task(table_of):
    text = LONG.replace("0.3,50", "30,50").replace("0.5,50", "50,50").replace("0.7,50", "70,50")
    with pytest.raises(
        TableError, match=r"task 'quiz' looks like percentages.*'sums' looks like rates; add --percent-of 'quiz'"
    ):
        table_of("long", text)
    with pytest.raises(TableError, match="task 'sums' never exceeds 1"):
        table_of("long", text, percent=True)
    frame = table_of("long", text, percent_of=("quiz",)).frame
    assert frame["score"].tolist() == [0.1, 0.2, 0.3, 0.3, 0.5, 0.7]


def test_counts_stand_in_for_scores(table_of):
    text = "model,task,correct,n,compute\na,t,1,100,1e21\nb,t,20,100,1e22\nc,t,30,100,1e23\n"
    found = table_of("long", text, trials=None)
    assert found.frame["successes"].tolist() == [1, 20, 30] and "column 'correct' as successes" in found.said
    with pytest.raises(TableError, match="row 2, column 'correct', value '101': is above the number of items, 100"):
        table_of("long", text.replace("a,t,1,", "a,t,101,"), trials=None)


EXPERTS = """model,task,score,n,compute,{header}
a,t,{scores[0]},100,1e21,{human}
b,t,{scores[1]},100,1e22,
c,t,{scores[2]},100,1e23,{human}
"""
RATES, PERCENT = (0.1, 0.2, 0.9), (10, 20, 90)


@pytest.mark.parametrize("header", ["human", "Human baseline", "expert_score", "Expert", "human_score", "Human (%)"])
def test_scores_of_experts_are_known_by_what_people_call_them(table_of, header):
    text = EXPERTS.format(header=header, scores=RATES, human="88%" if "%" not in header else 88)
    frame = table_of("long", text, trials=None).frame
    assert frame["human"].tolist() == [0.88, 0.88, 0.88]


@pytest.mark.parametrize(("scores", "human"), [(RATES, 0.88), (RATES, "88%"), (PERCENT, 88), (PERCENT, "88 %")])
def test_scores_of_experts_are_in_the_unit_of_the_scores_of_their_task(table_of, scores, human):
    text = EXPERTS.format(header="human", scores=scores, human=human)
    assert table_of("long", text, trials=None, percent=scores == PERCENT).frame["human"].tolist() == [0.88] * 3


@pytest.mark.parametrize(
    ("scores", "human", "wrong"),
    [(PERCENT, 0.88, "may be a rate or a percentage"), (RATES, 88, "is no score"), (RATES, "high", "is no score")],
)
def test_scores_of_experts_in_another_unit_are_refused(table_of, scores, human, wrong):
    text = EXPERTS.format(header="human", scores=scores, human=human)
    with pytest.raises(TableError, match=f"row 2, column 'human', value '{human}': {wrong}"):
        table_of("long", text, trials=None, percent=scores == PERCENT)


def test_a_column_of_words_is_no_score_of_experts(table_of):
    text = EXPERTS.format(header="Expert", scores=RATES, human="yes")
    assert "human" not in table_of("long", text, trials=None).frame.dropna(axis=1, how="all")


METRICS = """model,task,metric,value,compute
a,t,acc,0.3,1e21
b,t,acc,0.4,1e22
c,t,acc,0.5,1e23
a,h,pass@8,0.3,1e21
b,h,pass@8,0.4,1e22
c,h,pass@8,0.5,1e23
c,w,val loss,3.2,1e23
c,v,BLEU,0.3,1e23
"""


def test_metrics_go_by_the_names_that_people_give_them(table_of):
    found = table_of("long", METRICS)
    kinds = found.frame.groupby("task")[["metric", "k"]].first()
    assert kinds["metric"].to_dict() == {"h": "pass_at_k", "t": "exact_match", "w": "loss"} and kinds.at["h", "k"] == 8
    assert "--metric 'v=exact_match'" in found.left_out["v: BLEU"]
    chosen = table_of("long", METRICS, chance=named("--chance", t=0.25)).frame
    assert set(chosen.loc[chosen["task"] == "t", "metric"]) == {"choice"}
    read = table_of("long", METRICS, metric=named("--metric", v="exact_match")).frame
    assert "v" in set(read["task"])


def test_facts_of_a_model_must_agree_in_all_its_rows(table_of):
    with pytest.raises(TableError, match="row 5, column 'LLM', value 'mi-1': the model has compute '1e21' in row 2"):
        table_of("long", LONG.replace("50,1e21", "50,2e21"))


def test_lengths_and_k_are_kept(table_of):
    text = "model,task,metric,score,trials,length,k,compute\n" + "".join(
        f"m{i},copy,at_least_k,0.{i},100,{length},2,1e2{i}\n" for i in (1, 2, 3) for length in (4, 8)
    )
    frame = table_of("long", text, trials=None).frame
    assert sorted(set(frame["length"])) == [4, 8] and set(frame["k"]) == {2} and len(frame) == 6


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (("mi-1,sums", ",sums"), "row 2, column 'LLM', value '': is blank"),
        (("mi-1,sums", "mi-1,"), "row 2, column 'Benchmark', value '': is blank"),
        (("0.1,100", "low,100"), "row 2, column 'Result', value 'low': is text"),
        (("0.1,100", "0.1,1.5"), "row 2, column 'Questions', value '1.5'"),
        (("0.1,100", "-0.1,100"), "row 2, column 'Result', value '-0.1': lies outside"),
        (("100,1e21", "100,x"), "row 2, column 'Training FLOPs', value 'x'"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(table_of, bad, said):
    columns = ["trials=Questions"]
    with pytest.raises(TableError, match=said):
        table_of("long", LONG.replace(*bad, 1), columns=columns)


def test_models_may_come_from_a_table_of_their_own(table_of):
    models = "Name,Parameters,Training tokens\nmi-1,1B,20B\nmi-2,2B,40B\nmi-3,4B,80B\n"
    text = "\n".join(line.rpartition(",")[0] for line in LONG.splitlines())
    frame = table_of("long", text, models=models).frame
    assert sorted(set(frame["compute"])) == pytest.approx([1.2e20, 4.8e20, 1.92e21])
