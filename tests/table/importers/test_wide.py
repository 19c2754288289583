"""Wide tables: columns as people name them, units, percentages and dates."""

import numpy as np
import pytest

from forecast.errors import ForecastError, TableError
from forecast.table.dataset import read_table
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.importing import import_results

SUMS = "model,compute,sums\nmi-1,1e21,0.1\nmi-2,1e22,0.2\nmi-3,1e23,0.3\n"


def named(option, **values):
    return PerTask(option=option, named=values)


def sizes(found):
    by_model = found.frame.groupby("model", sort=False)[["params", "tokens", "compute"]].first()
    return by_model.to_numpy().tolist()


def rows(header, *cells):
    """A table of three models with these columns, and scores."""
    lines = [f"mi-{i},{','.join(each)},0.{i}" for i, each in enumerate(zip(*cells, strict=True), start=1)]
    return "\n".join([f"model,{','.join(header)},sums", *lines, ""])


# Sizes

N, D, C = (1e9, 7e9, 7e10), (3e11, 1.4e12, 2e12), (1.8e21, 5.88e22, 8.4e23)
IN_BILLIONS, IN_TRILLIONS = ("1", "7", "70"), ("0.3", "1.4", "2")


@pytest.mark.parametrize(
    ("header", "params", "tokens"),
    [
        (("#Params (B)", "Pretraining Data Size (T)"), IN_BILLIONS, IN_TRILLIONS),
        (("Params (billions)", "Training tokens (T)"), IN_BILLIONS, IN_TRILLIONS),
        (("params_b", "tokens_T"), IN_BILLIONS, IN_TRILLIONS),
        (("Model size [M]", "train_tokens"), ("1000", "7000", "70000"), ("300B", "1.4T", "2T")),
        (("Parameters", "# tokens"), ("1B", "7 billion", "~70b"), ("3e11", "1.4e12", "2 trillion")),
        (("N", "D"), ("1e9", "7e9", "7e10"), ("3e11", "1.4e12", "2e12")),
        (("N (B)", "D (B)"), IN_BILLIONS, ("300", "1400", "2000")),
        (("num_params", "n_tokens"), ("1000000000", "7000000000", "70B"), ("300B", "1.4T", "2T")),
        (
            ("log10 params", "log10_tokens"),
            ("9", "9.84509804", "10.84509804"),
            ("11.47712125", "12.14612804", "12.30103"),
        ),
    ],
)
def test_sizes_are_read_in_the_units_of_headers_and_cells_and_it_is_said(table_of, header, params, tokens):
    found = table_of("wide", rows(header, params, tokens))
    np.testing.assert_allclose(sizes(found), np.transpose([N, D, 6 * np.multiply(N, D)]), rtol=1e-6)
    assert f"column '{header[0]}' as params" in found.said and f"column '{header[1]}' as tokens" in found.said
    assert set(found.frame["task"]) == {"sums"} and "warning" not in found.said


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("FLOPs (1E21)", ("1.8", "58.8", "840")),
        ("Training compute (FLOP)", ("1.8e+21", "5.88E22", "8.4e23 FLOP")),
        ("Training compute (petaFLOP)", ("1.8e6", "5.88e7", "8.4e8")),
        ("compute (×10²¹ FLOP)", ("1.8", "58.8", "840")),
        ("Total training FLOPs", ("1.8e21", "5.88 × 10^22", "840 ZFLOPs")),
        ("C", ("1.8e21", "5.88e22", "8.4e23")),
        ("log10(FLOP)", ("21.25527251", "22.76937733", "23.92427929")),
    ],
)
def test_compute_is_read_in_its_units(table_of, header, cells):
    found = table_of("wide", rows((header,), cells))
    np.testing.assert_allclose([each[2] for each in sizes(found)], C, rtol=1e-6)
    assert f"column '{header}' as compute" in found.said


def test_petaflop_days_are_those_of_a_petaflop_a_second(table_of):
    found = table_of("wide", rows(("Training compute (PF-days)",), ("1", "10", "3640")))
    np.testing.assert_allclose([each[2] for each in sizes(found)], [8.64e19, 8.64e20, 3.145e23], rtol=1e-3)


def test_plain_columns_of_an_observation_table_are_read_without_a_word(table_of):
    assert table_of("wide", rows(("params", "tokens"), ("1e9", "7e9", "7e10"), ("3e11", "1.4e12", "2e12"))).said == ""


@pytest.mark.parametrize(
    ("header", "cells", "remedy"),
    [
        (
            "params,tokens",
            (IN_BILLIONS, ("15", "15", "15")),
            r"--columns 'params \(B\)=params'.*\n.*'tokens \(T\)=tokens'",
        ),
        (
            "params,tokens",
            (("410", "1400", "7000"), ("300", "300", "1400")),
            r"'params \(M\)=params'.*\n.*\(B\)=tokens'",
        ),
        ("compute", (("6", "18", "84"),), r"--columns 'compute \(1e21\)=compute'"),
        ("Training compute", (("21.5", "22", "24.1"),), "--columns 'log10 compute=Training compute'"),
        ("Params (B)", (("1e9", "7e9", "7e10"),), r"read in billions.*--columns 'params \(1e0\)=Params \(B\)'"),
    ],
)
def test_sizes_that_cannot_be_meant_are_refused_with_what_to_type(table_of, header, cells, remedy):
    with pytest.raises(TableError, match=remedy):
        table_of("wide", rows(header.split(","), *cells))


def test_the_user_gives_the_unit_that_a_header_lacks(table_of):
    text = rows(("params", "tokens"), IN_BILLIONS, ("300", "1400", "2000"))
    found = table_of("wide", text, columns=["params (B)=params,tokens (B)=tokens"])
    np.testing.assert_allclose(sizes(found), np.transpose([N, D, 6 * np.multiply(N, D)]))


def test_two_columns_that_may_be_the_same_size_are_not_guessed(table_of):
    text = rows(("Parameters", "Model size", "tokens"), ("1B", "7B", "70B"), ("2B", "9B", "90B"), ("1T", "1T", "1T"))
    with pytest.raises(
        ForecastError, match="'Parameters' and 'Model size' may both be params; name one with --columns"
    ):
        table_of("wide", text)
    assert sizes(table_of("wide", text, columns=["params=Model size"]))[0][0] == 2e9


def test_dates_in_place_of_sizes_that_are_not_understood_are_a_loud_warning(table_of):
    text = rows(("Compute index", "date"), ("1e3", "1e4", "1e5"), ("2021-01-01", "2022-01-01", "2023-01-01"))
    found = table_of("wide", text)
    assert "warning: no model has a compute, so that dates are the scale" in found.said
    assert "--columns 'compute=Compute index'" in found.said and "Compute index" in " ".join(found.left_out)
    half = table_of("wide", rows(("#Params (B)", "date"), IN_BILLIONS, ("2021-01-01", "2022-01-01", "2023-01-01")))
    assert "params without tokens give no compute: add a column of tokens" in half.said


# Roles


def test_the_user_says_which_column_is_what(table_of):
    text = "model,Corpus,run,params,tokens,sums\nn,a,x1,1e9,2e10,0.1\nn,b,x2,1e9,2e10,0.2\nn,a,x3,1e9,1e11,0.3\n"
    with pytest.raises(TableError, match="--columns 'model=run', whose values are unique"):
        table_of("wide", text, tasks=("sums",))
    found = table_of("wide", text, columns=["model=run", "family=Corpus"])
    assert found.frame["model"].tolist() == ["x1", "x2", "x3"] and found.frame["family"].tolist() == ["a", "b", "a"]
    assert "column 'run' as model" in found.said and "column 'model'" in " ".join(found.left_out)


def test_columns_are_put_together_where_none_is_unique_alone(table_of):
    text = "arch,data,compute,sums\nn,a,1e20,0.1\nn,b,1e21,0.2\nw,a,1e22,0.3\n"
    with pytest.raises(ForecastError, match=r"no column is named 'model'.*--columns 'model=arch\+data'"):
        table_of("wide", text)
    assert table_of("wide", text, columns=["model=arch+data"]).frame["model"].tolist() == ["n a", "n b", "w a"]


@pytest.mark.parametrize("header", ["Model", "model_name", "Name", "Model name", "LLM", "System"])
def test_the_names_of_models_have_many_names(table_of, header):
    assert table_of("wide", SUMS.replace("model", header, 1)).frame["model"].tolist() == ["mi-1", "mi-2", "mi-3"]


def test_a_column_that_is_not_there_is_named_with_the_nearest(table_of):
    with pytest.raises(
        ForecastError, match=r"'compute=compte': no column of this name in given.csv; did you mean 'compute'"
    ):
        table_of("wide", SUMS, columns=["compute=compte"])


def test_a_role_may_be_in_one_of_the_two_files(table_of):
    models = "Name,Released on,Rechnung\nmi-1,14/01/2021,1e21\nmi-2,01/02/2022,1e22\nmi-3,01/03/2023,1e23\n"
    text = "who,sums\nmi-1,0.1\nmi-2,0.2\nmi-3,0.3\n"
    found = table_of("wide", text, models=models, columns=["model=who,compute=Rechnung"])
    assert found.frame["compute"].tolist() == [1e21, 1e22, 1e23]
    assert found.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2021-01-14", "2022-02-01", "2023-03-01"]
    with pytest.raises(ForecastError, match="'family=Lab': no column of this name in given"):
        table_of("wide", text, models=models, columns=["model=who,compute=Rechnung,family=Lab"])


@pytest.mark.parametrize("given", ["mdel=x", "foo=x", "model", "model=", "model=a,model=b"])
def test_a_role_that_is_not_known_or_named_twice_is_an_error(table_of, given):
    with pytest.raises(ForecastError, match="--columns"):
        table_of("wide", SUMS, columns=[given])


def test_items_may_stand_in_each_row(table_of):
    text = "model,compute,items,sums\nmi-1,1e21,50,0.1\nmi-2,1e22,60,0.2\nmi-3,1e23,,0.3\n"
    assert table_of("wide", text, columns=["trials=items"]).frame["trials"].tolist() == [50, 60, 100]
    with pytest.raises(TableError, match=r"row 2, column 'items', value 'x'.*is no count"):
        table_of("wide", text.replace("50", "x"), columns=["trials=items"])


def test_what_is_no_score_is_left_out_and_named(table_of):
    text = (
        ",Model,Type,Average,compute,sums\n0,mi-1,base,10,1e21,0.1\n1,mi-2,chat,20,1e22,0.2\n2,mi-3,base,30,1e23,0.3\n"
    )
    found = table_of("wide", text)
    assert set(found.frame["task"]) == {"sums"}
    assert found.left_out["column 'unnamed 1'"] == "has no name" and "text" in found.left_out["column 'Type'"]
    assert "--tasks 'Average'" in found.left_out["column 'Average'"]


def test_a_column_that_holds_no_score_at_all_is_one_problem_with_the_tasks_to_type(table_of):
    with pytest.raises(TableError) as caught:
        table_of("wide", rows(("compute", "Downloads"), ("1e21", "1e22", "1e23"), ("1500", "2500", "9000")))
    (problem,) = caught.value.problems
    assert problem.column == "Downloads" and "--tasks 'sums'" in problem.remedy


def test_a_table_with_a_row_for_each_task_is_known_as_one(table_of):
    with pytest.raises(ForecastError, match="its rows look like tasks: transpose it"):
        table_of("wide", "task,A,B,C\nsums,0.1,0.2,0.3\n")


def test_a_size_that_is_no_quantity_is_named_and_a_column_without_any_is_said(table_of):
    with pytest.raises(TableError, match=r"row 4, column 'params', value '8x7B': .*with a unit as in 7B"):
        table_of("wide", rows(("params", "tokens"), ("7B", "13B", "8x7B"), ("2T", "2T", "2T")))
    found = table_of("wide", rows(("compute", "size"), ("1e21", "1e22", "1e23"), ("small", "mid", "large")))
    assert "column 'size' is not read as params: no cell can be, such as 'small'" in found.said


# Percentages


def test_percentages_are_divided_only_when_the_user_or_the_table_says_so(table_of):
    text = SUMS.replace("0.1", "10").replace("0.2", "57.1").replace("0.3", "100")
    with pytest.raises(TableError, match=r"row 2, column 'sums', value '10'.*looks like percentages.*; add --percent "):
        table_of("wide", text)
    assert table_of("wide", text, percent=True).frame["score"].tolist() == [0.1, 0.571, 1.0]
    assert table_of("wide", text.replace("57.1", "57.1%")).frame["score"].tolist() == [0.1, 0.571, 1.0]
    assert table_of("wide", text.replace("sums", "sums (%)")).frame["score"].tolist() == [0.1, 0.571, 1.0]
    assert table_of("wide", text, percent_of=("sums",)).frame["score"].tolist() == [0.1, 0.571, 1.0]


MIXED = "model,compute,sums,quiz\nmi-1,1e21,0.05,25.1\nmi-2,1e22,0.2,44\nmi-3,1e23,0.5,70.2\n"


def test_a_column_of_rates_among_percentages_is_named(table_of):
    with pytest.raises(TableError) as caught:
        table_of("wide", MIXED, percent=True)
    (problem,) = caught.value.problems
    assert problem.column == "sums" and "never exceeds 1 (0.05 to 0.5)" in problem.wrong and "'quiz'" in problem.wrong
    assert "--percent-of 'quiz' in place of --percent" in problem.remedy and "--percent-of 'sums'" in problem.remedy
    with pytest.raises(TableError, match=r"'sums' looks like rates; add --percent-of 'quiz'"):
        table_of("wide", MIXED)


def test_percentages_are_those_of_the_tasks_that_are_named(table_of):
    scores = table_of("wide", MIXED, percent_of=("quiz",)).frame.groupby("task")["score"].apply(list)
    assert scores["quiz"] == [0.251, 0.44, 0.702] and scores["sums"] == [0.05, 0.2, 0.5]
    scores = table_of("wide", MIXED, percent=True, percent_of=("sums",)).frame.groupby("task")["score"].apply(list)
    assert scores["sums"] == [0.0005, 0.002, 0.005]
    with pytest.raises(ForecastError, match=r"--percent-of 'quizz'.*did you mean quiz"):
        table_of("wide", MIXED, percent_of=("quizz", "quiz"))


def test_a_percent_sign_decides_for_its_column_alone(table_of):
    text = MIXED.replace("25.1", "25.1%").replace("44", "44%").replace("70.2", "70.2 %")
    scores = table_of("wide", text).frame.groupby("task")["score"].apply(list)
    assert scores["quiz"] == [0.251, 0.44, 0.702] and scores["sums"] == [0.05, 0.2, 0.5]
    with pytest.raises(TableError, match=r"row 3.*value '0.2'.*may be a rate or a percentage"):
        table_of("wide", SUMS.replace("0.1", "0.1%"))


def test_a_header_that_says_percent_over_rates_is_refused(table_of):
    with pytest.raises(TableError, match=r"never exceeds 1.*rename the column"):
        table_of("wide", SUMS.replace("sums", "sums (%)"))


def test_rates_taken_for_percentages_are_an_error(table_of):
    with pytest.raises(ForecastError, match="with --percent no score is above 1%"):
        table_of("wide", MIXED.replace("25.1", "0.251").replace("44", "0.44").replace("70.2", "0.702"), percent=True)


def test_a_column_of_zeros_is_neither(table_of):
    text = MIXED.replace("0.05", "0").replace("0.2,", "0,").replace("0.5", "0")
    assert table_of("wide", text, percent=True).frame.groupby("task")["score"].max()["sums"] == 0


# Dates and models

PLAIN = "model,sums\nBat 1,0.35\nBat 2,0.61\nBat 3,0.84\n"
EPOCH = """Model,Domain,Publication date,Organization,Parameters,Training compute (FLOP),Confidence
Bat 1,Language,3/14/2023,Lab,,2.1e+25,Speculative
Bat 2,Language,5/13/2024,Lab,,3.8e+25,Likely
Bat 3,Language,2/27/2025,Lab,,2.1e+26,Confident
Go 1,Games,soon,Lab,,lots,Unknown
"""


def test_dates_follow_the_order_of_their_column_and_confidence_is_a_standard_deviation(table_of):
    found = table_of("wide", PLAIN, models=EPOCH)
    assert found.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2023-03-14", "2024-05-13", "2025-02-27"]
    np.testing.assert_allclose(found.frame["compute_sd"], np.log10([30, 10, 3]) / 1.645, rtol=2e-3)
    assert "as month/day/year: '3/14/2023' -> 2023-03-14" in found.said and "likely -> 0.608" in found.said


def test_dates_whose_order_nothing_settles_are_problems_until_the_user_gives_it(table_of):
    models = EPOCH.replace("3/14", "3/4").replace("5/13", "5/3").replace("2/27", "2/7")
    with pytest.raises(TableError) as caught:
        table_of("wide", PLAIN, models=models)
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4]
    assert "2023-03-04 or 2023-04-03" in str(caught.value)
    assert "--columns 'date (D/M/Y)=Publication date'" in str(caught.value)
    found = table_of("wide", PLAIN, models=models, columns=["date (D/M/Y)=Publication date"])
    assert found.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2023-04-03", "2024-03-05", "2025-07-02"]


def test_only_problems_of_models_that_are_asked_for_are_told(table_of):
    with pytest.raises(TableError) as caught:
        table_of("wide", PLAIN + "Go 1,0.5\n", models=EPOCH)
    assert {problem.column for problem in caught.value.problems} == {"Publication date", "Training compute (FLOP)"}
    assert {problem.row for problem in caught.value.problems} == {5}


# What was so before


def test_a_column_is_a_task_and_a_blank_cell_no_measurement(table_of):
    text = "Model,compute,sums,facts\na,1e20,0.1,0.5\nb,1e21,0.2,\nc,1e22,-,0.7\nd,1e23,1,n/a\n"
    successes = table_of("wide", text, trials=1000).frame.groupby("task")["successes"].apply(list).to_dict()
    assert successes == {"facts": [500, 700], "sums": [100, 200, 1000]}


def test_rates_without_a_number_of_items_are_an_error_that_names_the_tasks(table_of):
    with pytest.raises(ForecastError, match="none is given for 'sums', 'quiz'; add --trials 'sums=1000'"):
        table_of("wide", MIXED, trials=None, percent_of=("quiz",))


def test_losses_need_no_items_and_are_no_percentages(table_of):
    text = "model,compute,text,sums\na,1e20,2.5,10\nb,1e21,2.1,20\nc,1e22,1.9,30\n"
    frame = table_of("wide", text, metric=named("--metric", text="loss"), percent=True).frame
    assert frame.groupby("metric")["score"].apply(list).to_dict() == {
        "exact_match": [0.1, 0.2, 0.3],
        "loss": [2.5, 2.1, 1.9],
    }


def test_every_metric_of_a_table_can_be_named_and_no_other(table_of):
    for metric in ("token_accuracy", "exact_match"):
        frame = table_of("wide", SUMS, metric=PerTask(option="--metric", general=metric)).frame
        assert set(frame["metric"]) == {metric}
    with pytest.raises(ForecastError, match="did you mean exact_match"):
        table_of("wide", SUMS, metric=PerTask(option="--metric", general="exactmatch"))


def test_cells_that_are_no_scores_are_named_at_once_and_tasks_can_be_picked(table_of):
    text = "model,compute,sums,facts\na,1e20,0.1,low\nb,1e21,high,0.2\nc,1e22,0.3,7e3\n"
    with pytest.raises(TableError) as caught:
        table_of("wide", text)
    places = [(each.row, each.column, each.value) for each in caught.value.problems]
    assert places == [(2, "facts", "low"), (3, "sums", "high"), (4, "facts", "7e3")]
    assert all("--tasks" in each.remedy for each in caught.value.problems)
    assert len(table_of("wide", text.replace("high", "0.2"), tasks=("sums",)).frame) == 3


def test_rows_without_a_model_and_models_in_two_rows_are_errors(table_of):
    with pytest.raises(TableError, match="row 3, column 'model', value '': is blank"):
        table_of("wide", SUMS.replace("mi-2", ""))
    with pytest.raises(TableError, match="row 5, column 'model', value 'mi-1': the model is in row 2 too"):
        table_of("wide", SUMS + "mi-1,1e21,0.4\n")


def test_a_column_named_twice_is_an_error(table_of):
    with pytest.raises(ForecastError, match="two columns are named 'sums'"):
        table_of("wide", SUMS.replace("compute", "compute,sums").replace("e2", "e21,0.1e2"))


def test_other_kinds_of_files_are_read_alike(tmp_path):
    path = tmp_path / "given.txt"
    path.write_text("Modell;Rechnung;Summen\nA;1,5e21;0,05\nB;1,5e22;0,2\nC;1,5e23;0,53\n".replace("Modell", "Model"))
    from forecast.table.reading.roles import columns_of

    choices = Choices(trials=PerTask(option="--trials", general=100), columns=columns_of(["compute=Rechnung"]))
    import_results("wide", path, tmp_path / "t.csv", choices=choices)
    frame = read_table(tmp_path / "t.csv")
    assert frame["score"].tolist() == [0.05, 0.2, 0.53] and frame["compute"].tolist() == [1.5e21, 1.5e22, 1.5e23]


def test_a_column_of_text_that_is_called_as_families_are_is_proposed_as_family(table_of):
    found = table_of("wide", rows(("Series", "compute", "note"), ("A", "A", "B"), ("1e20", "1e21", "1e22"), "xyz"))
    assert found.left_out["column 'Series'"].endswith(
        "; may be the family of the model; --columns 'family=Series' takes it"
    )
    assert found.left_out["column 'note'"] == "holds text, no scores"
    both = table_of("wide", rows(("Series", "family", "compute"), "AAB", "CCD", ("1e20", "1e21", "1e22")))
    assert both.left_out["column 'Series'"] == "holds text, no scores"
