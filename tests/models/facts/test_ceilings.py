"""Bounds of ceilings: where the prior of a ceiling lies, and what is refused, said and kept; blanks change nothing."""

import numpy as np
import pandas as pd
import pytest
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import graph_inputs

from forecast.draws import Sampling
from forecast.errors import TableError
from forecast.fitting.compiling.graph import hash_of_graph
from forecast.fitting.sampler import draw_prior
from forecast.fitting.structures import fit_table
from forecast.table.dataset import frame_of, observations, read_table
from forecast.table.describe import describe, warnings_of
from models.capability import capability_model
from models.equations.surrogates import exact_match, room_above
from models.facts.ceilings import NONE, bounding_task, is_of_experts, lowest_ceiling
from models.structures import Structure
from tests.conftest import SEED, forecast_command

LADDER = np.linspace(20.0, 24.0, 9)
DRAWS = 400


@pytest.fixture
def table_of(tmp_path):
    """A table of tasks by name, each with further cells, that rise from next to nothing to 0.8."""

    def write(**tasks):
        rows = [
            {"model": f"run {x:g}", "task": cells.get("task", name), "metric": "exact_match", "compute": f"{10**x:.4g}"}
            | {"successes": round(800 / (1 + 10 ** (22 - x))), "trials": 1000}
            | {name: cell for name, cell in cells.items() if name != "task"}
            for name, cells in tasks.items()
            for x in LADDER
        ]
        pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
        return tmp_path / "table.csv"

    return write


def data_of(path):
    return observations(read_table(path))


def prior_draws(data, *names, structure=Structure()):
    """Arrays (draw, ...) of the prior."""
    tree = draw_prior(capability_model(data, structure=structure), draws=DRAWS, seed=SEED, names=list(names))
    return [tree["prior"][name].values[0] for name in names]


def graph_of(data):
    log_density = capability_model(data).logp()
    free = [each for each in graph_inputs([log_density]) if not isinstance(each, Constant)]
    return hash_of_graph([log_density], {each: place for place, each in enumerate(free)}, salt="")


# The model


def test_the_prior_of_a_ceiling_lies_at_or_above_the_score_of_experts_and_near_it(table_of):
    """Median at 1 - 0.5^0.5 = 29% of the way to 1; a lowest ceiling leaves half of the mass within 6% of the room."""
    choice = {"metric": "choice", "chance": 0.25}
    tasks = {"sums": {"human": 0.8}, "picks": choice | {"human": 0.6}, "least": {"ceiling_at_least": 0.8}}
    both = {"human": 0.7, "ceiling_at_least": 0.8}
    data = data_of(table_of(**tasks, both=both, low=choice | {"human": 0.26}, free={}))
    (ceiling,) = prior_draws(data, "ceiling")
    lowest, free = lowest_ceiling(data), ceiling[:, -1]
    assert lowest[:-1].tolist() == [0.8, 0.6, 0.8, 0.8, 0.26] and np.isnan(lowest[-1])
    assert (ceiling[:, :-1] >= lowest[:-1]).all() and (free < 0.6).mean() > 0.1
    way = ((ceiling[:, :-1] - lowest[:-1]) / (1.0 - lowest[:-1])).T
    error = 0.5 / np.sqrt(DRAWS) / 1.41  # of a median, by the density there
    for near in (way[0], way[1], way[3]):
        assert np.median(near) > 1 - np.sqrt(0.5) - 4 * error
        assert np.median(near) < 0.5
    assert np.median(way[2]) > 0.9


def test_a_perfect_score_of_experts_means_a_ceiling_of_1(table_of):
    (ceiling,) = prior_draws(data_of(table_of(sums={"human": 1.0})), "ceiling")
    np.testing.assert_allclose(ceiling, 1.0, atol=1e-8)


def test_where_a_perfect_model_scores_1_bounds_change_nothing(table_of):
    (ceiling,) = prior_draws(data_of(table_of(sums={"human": 0.6})), "ceiling", structure=Structure(ceiling=True))
    np.testing.assert_allclose(ceiling, 1.0)


@pytest.mark.parametrize("bounded", ["exact_match", "token_accuracy"])
def test_where_a_loss_is_irreducible_it_leaves_the_score_of_experts(table_of, bounded):
    """The success at a loss of E is that of exact match, or of single tokens; without the column E goes farther."""
    length = {"exact_match": 4.0, "token_accuracy": 1.0}
    cells = {"exact_match": {"length": 4}, "token_accuracy": {"length": 4, "trials": 4000}}

    def left(human):
        tasks = {name: own | {"task": "sums", "metric": name} for name, own in cells.items()}
        tasks[bounded] |= {"human": human}
        data = data_of(table_of(**tasks))
        irreducible, nu, floor = prior_draws(data, "irreducible", "nu", "floor")
        floor = floor[:, [name.endswith(f"[{bounded}]") for name in data.task.values]]
        return floor + (1.0 - floor) * exact_match(irreducible, length=length[bounded], nu=nu)

    assert left(0.9).min() >= 0.9 - 1e-9 and np.median(left(0.9)) < 0.96
    assert (left(None) < 0.9).mean() > 0.1


def test_what_is_left_of_1_by_another_length_is_found_by_the_frailty_of_the_answers():
    """nu = 1: a token is right by 1 / (1 + l), four by 1 / (1 + 4 l); at 1/4 of guessing 0.7 means 0.6 known."""
    found = room_above(np.array([0.5, 0.7]), floor=np.array([0.0, 0.25]), nu=1.0, length=4.0, bounding_length=1.0)
    np.testing.assert_allclose(found, [1 - 1 / 5, 1 - 1 / (1 + 4 * (1 / 0.6 - 1))])
    same = room_above(np.array([0.9]), floor=0.0, nu=3.0, length=4.0, bounding_length=4.0)
    np.testing.assert_allclose(same, 0.1)


def test_blank_bounds_change_neither_data_nor_graph_and_their_numbers_are_no_part_of_it(table_of):
    plain, blank = (data_of(table_of(sums=cells)) for cells in ({}, {"human": None, "ceiling_at_least": None}))
    assert plain.identical(blank) and "human" not in plain
    one, other = (data_of(table_of(sums={"human": human})) for human in (0.85, 0.95))
    assert graph_of(plain) == graph_of(blank) != graph_of(one) == graph_of(other)
    assert len({each.attrs["data_hash"] for each in (plain, blank, one, other)}) == 3


@pytest.mark.mcmc
def test_the_score_of_experts_narrows_a_ceiling_that_it_is_near(tmp_path):
    """A task that saturates at 0.9, experts at 0.88: the interval covers 0.9 and is narrower than without them.

    Without the column less than the tail of its Wilson interval lies below what was scored: the likelihood sees to it.
    """
    rng, x = np.random.default_rng(SEED), np.linspace(20.0, 24.0, 14)
    score = 0.9 / (1.0 + 10 ** (-0.6 * (x - 21.5 + rng.normal(0, 0.1, 14))))
    table = pd.DataFrame({"model": [f"run {each:g}" for each in x], "task": "sums", "metric": "exact_match"})
    table = table.assign(successes=rng.binomial(500, score), trials=500, compute=10**x)
    ends = {}
    for name, known in {"without": table, "with": table.assign(human=0.88)}.items():
        known.to_csv(tmp_path / "table.csv", index=False)
        fit = fit_table(read_table(tmp_path / "table.csv"), table=name, sampling=Sampling(seed=SEED, chains=2))
        ends[name] = np.quantile(fit.posterior.ceiling.values, [0.025, 0.05, 0.95])
    best = table["successes"].max() / 500
    assert ends["without"][0] > best - 1.96 * np.sqrt(best * (1 - best) / 500)
    assert 0.88 <= ends["with"][1] <= 0.9 <= ends["with"][2] < ends["without"][2]
    assert ends["with"][2] - ends["with"][1] < 0.9 * (ends["without"][2] - ends["without"][1])


# The table


def test_a_bound_in_one_row_of_a_task_holds_for_all_and_survives_a_cut(table_of):
    path = table_of(sums={"human": None}, words={})
    frame = pd.read_csv(path)
    frame.loc[8, "human"] = 0.9  # the largest run
    frame.to_csv(path, index=False)
    frame = read_table(path)
    assert (
        frame["human"][frame["task"] == "sums"].eq(0.9).all() and frame["human"][frame["task"] == "words"].isna().all()
    )
    data = observations(frame[frame["compute"] < 1e22])
    np.testing.assert_array_equal(data.human, [0.9, np.nan])
    pd.testing.assert_series_equal(frame_of(observations(frame))["human"], frame["human"])


def test_metrics_of_one_name_have_bounds_of_their_own(table_of):
    at_least = {"task": "sums", "metric": "at_least_k", "length": 4, "k": 2}
    data = data_of(table_of(sums={"length": 4, "human": 0.7}, half=at_least | {"human": 0.9}))
    assert data.human.to_series().to_dict() == {"sums [exact_match]": 0.7, "sums [at_least_k]": 0.9}
    assert data.task.values[bounding_task(data)].tolist() == ["sums [exact_match]"] and warnings_of(data) == []
    alone = data_of(table_of(sums={"length": 4}, half=at_least | {"human": 0.9}))
    assert bounding_task(alone).tolist() == [NONE] and not is_of_experts(alone).any()
    assert any("is not used" in sentence for sentence in warnings_of(alone))


@pytest.mark.parametrize("column", ["human", "ceiling_at_least"])
def test_bounds_that_cannot_be_meant_are_refused_with_their_rows(table_of, column):
    choice = {"metric": "choice", "chance": 0.25, column: 0.2}
    loss = {"metric": "loss", "score": 2.0, "successes": None, "trials": None, column: 0.9}
    frame = pd.read_csv(path := table_of(sums={column: 0.9}, picks=choice, text=loss, high={column: 90}))
    frame.loc[2, column] = 0.8
    frame.to_csv(path, index=False)
    with pytest.raises(TableError) as caught:
        read_table(path)
    said = {problem.row: problem for problem in caught.value.problems if problem.column == column}
    assert set(said) == {4, *range(11, 38)}
    assert said[4].wrong == f"task 'sums' has {column} 0.9 in row 2" and "one value" in said[4].remedy
    assert said[11].wrong == "is not above chance" and said[20].wrong == "is for rates; this row is a loss"
    assert said[29].wrong == "lies outside (0, 1], 0 excluded" and "such as 0.9," in said[29].remedy


def test_validate_prints_the_bounds_and_answers_them_as_json(table_of):
    path = table_of(sums={"human": 0.9}, least={"ceiling_at_least": 0.95}, free={})
    tasks = {task["task"]: task for task in describe(path)["tasks"]}
    assert [tasks[name]["human"] for name in ("sums", "least", "free")] == [0.9, None, None]
    assert tasks["least"]["ceiling_at_least"] == 0.95
    out = forecast_command("validate", path).out
    assert "exact_match, experts 0.9" in out and "exact_match, ceiling at least 0.95" in out
    assert "ceiling: at least 0.9, expected near the score of experts, 0.9" in out
