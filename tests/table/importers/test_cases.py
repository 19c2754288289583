"""Tables as people have them: each is read rightly, or refused with what to do; never silently wrong."""

import pytest

from forecast.errors import ForecastError, TableError

FLOP = ("1e20", "1e21", "1e22")


def table(**columns):
    """A table of three models, with their compute unless it is given."""
    cells = {"model": ("ibis-a", "ibis-b", "ibis-c"), **({} if "tokens" in columns else {"compute": FLOP}), **columns}
    return "\n".join([",".join(cells), *map(",".join, zip(*cells.values(), strict=True)), ""])


def scores(found, task):
    return found.frame[found.frame["task"] == task]["score"].tolist()


# Scores that are no share of right items


@pytest.mark.parametrize("name", ["win_rate", "Arena Elo", "F1 (riddles)", "riddles_bleu", "ROUGE-L", "riddles_mcc"])
def test_a_measure_that_counts_nothing_right_is_left_out_and_can_be_taken(table_of, name):
    text = table(sums=("0.1", "0.2", "0.3"), **{name: ("0.4", "0.5", "0.6")})
    found = table_of("wide", text)
    assert set(found.frame["task"]) == {"sums"} and f"--tasks '{name}'" in found.left_out[f"column '{name}'"]
    assert scores(table_of("wide", text, tasks=("sums", name)), name) == [0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("val_ppl", "perplexity"),
        ("Brook perplexity", "perplexity"),
        ("brook_bpb", "bits_per_byte"),
        ("bits per byte", "bits_per_byte"),
        ("val_loss", "loss"),
        ("brook NLL", "loss"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_loss_below_1_is_not_taken_for_a_rate_by_its_name(table_of, name, remedy, named):
    text = table(**{name: ("0.9", "0.8", "0.7")})
    with pytest.raises(ForecastError, match=f"named like a loss.*--metric '{name}={remedy}'"):
        table_of("wide", text, tasks=(name,) if named else ())


@pytest.mark.parametrize("name", ["lossless puzzles", "winograd", "map reading", "bitsy"])
def test_a_task_whose_name_holds_such_a_word_by_chance_stays_one(table_of, name):
    found = table_of("wide", table(**{name: ("0.1", "0.2", "0.3")}), tasks=(name,), percent=False)
    assert len(found.frame) == 3


# Rows of scores taken for columns of tasks


@pytest.mark.parametrize(("task", "score"), [("task", "score"), ("benchmark", "accuracy"), ("Eval name", "correct")])
def test_a_table_with_a_row_for_each_score_is_not_read_as_a_task_named_score(table_of, task, score):
    text = table(**{task: ("sums",) * 3, score: ("0", "1", "1")})
    with pytest.raises(ForecastError, match="forecast import long"):
        table_of("wide", text)


def test_a_column_of_scores_beside_the_data_a_model_saw_is_a_task(table_of):
    found = table_of("wide", table(Dataset=("web", "web", "books"), accuracy=("0.1", "0.2", "0.4")))
    assert scores(found, "accuracy") == [0.1, 0.2, 0.4]


# pass@k


def test_pass_at_k_is_in_one_unit_at_all_k(table_of):
    text = table(**{"pass@1": ("0.01", "0.03", "0.09"), "pass@16": ("0.2", "0.8", "2.5")})
    found = table_of("wide", text, percent=True)
    assert set(found.frame["k"]) == {1, 16} and scores(found, "pass@k")[:3] == [0.0001, 0.0003, 0.0009]
    assert scores(table_of("wide", text, percent_of=("pass@16",)), "pass@k") == scores(found, "pass@k")
    with pytest.raises(TableError, match=r"row 4, column 'pass@16', value '2.5'.*add --percent") as caught:
        table_of("wide", text)
    assert len(caught.value.problems) == 1


# Numbers and units of other countries


def test_a_point_is_of_thousands_where_the_file_has_decimal_commas(table_of):
    text = "Name;Parameter (Mio.);Tokens (Mrd.);Rätsel\na;774;40;4,5\nb;1.558;80;9,5\nc;6.700;300;21,5\n"
    found = table_of("wide", text, percent=True)
    assert found.frame["params"].tolist() == [7.74e8, 1.558e9, 6.7e9]
    assert found.frame["tokens"].tolist() == [4e10, 8e10, 3e11]


def test_a_point_is_decimal_where_another_cell_shows_it(table_of):
    found = table_of("wide", "model;params (B);tokens (B);sums\na;1.558;80;0.1\nb;2.8;80;0.2\nc;6.700;300;0.25\n")
    assert found.frame["params"].tolist() == [1.558e9, 2.8e9, 6.7e9]


@pytest.mark.parametrize("cell", ["1e400", "9" * 400, "1e305T"])
def test_a_size_beyond_all_numbers_is_refused(table_of, cell):
    with pytest.raises(TableError, match="cannot be meant"):
        table_of("wide", table(params=("1e9", "2e9", cell), tokens=("1e12",) * 3, sums=("0.1", "0.2", "0.3")))


# Repeated rows


ROWS = "".join(f"x,0.{n % 10}1,{2020 + n % 5}-01-01\n" for n in range(1, 13))
REPEATED = f"model,sums,date\n{ROWS}y,0.5,2021-06-01\nz,0.6,2022-06-01\n"
LONG = REPEATED.replace("sums", "score,task").replace(",20", ",sums,20")


@pytest.mark.parametrize(("format", "text"), [("wide", REPEATED), ("long", LONG)])
@pytest.mark.parametrize(
    ("how", "score", "date"), [("latest", 0.91, "2024"), ("best", 0.91, "2021"), ("mean", 0.41, "2021")]
)
def test_of_repeated_rows_the_latest_is_by_date_and_the_best_by_score(table_of, format, text, how, score, date):
    found = table_of(format, text, repeats=how, trials=10_000)
    first = found.frame.iloc[0]
    assert (len(found.frame), first["model"]) == (3, "x")
    assert first["score"] == pytest.approx(score, abs=1e-4) and f"{first['date']:%Y}" == date


@pytest.mark.parametrize("format", ["wide", "long"])
def test_of_rows_of_one_date_the_latest_is_the_last_even_where_there_are_more_than_nine(table_of, format):
    header = "model,compute,sums" if format == "wide" else "model,compute,task,score"
    task = "" if format == "wide" else "sums,"
    rows = [f"x,1e21,{task}0.{n:02d}" for n in range(1, 13)]
    text = "\n".join([header, *rows, f"y,1e22,{task}0.3", f"z,1e23,{task}0.4", ""])
    assert table_of(format, text, repeats="latest").frame["score"].tolist() == [0.12, 0.3, 0.4]


def test_each_row_of_a_long_table_may_be_a_run_of_its_own_compute(table_of):
    rows = ["x,1e21,sums,0.1", "x,1e21,quiz,0.2", "x,2e21,sums,0.3", "x,2e21,quiz,0.4", "y,1e22,sums,0.5"]
    found = table_of("long", "\n".join(["model,compute,task,score", *rows, ""]), repeats="each")
    assert found.frame.groupby("model")["compute"].first().to_dict() == {"x #1": 1e21, "x #2": 2e21, "y": 1e22}
