"""Judgements made of sub-judgements, the number needed being unknown: weights, limits, tables and forecasts."""

import numpy as np
import pandas as pd
import pytensor
import pytest
import xarray as xr
from pytensor import tensor as pt
from pytensor.compile.mode import Mode

from forecast.errors import TableError
from forecast.fitting.sampler import draw_prior
from forecast.fitting.simulate import drawn_fit
from forecast.posterior.predict import row_means
from forecast.posterior.score import expected_score, law_of_task, theta_at_score
from forecast.table.dataset import observations, read_table
from models.capability import capability_model
from models.equations.metrics import LARGEST_LENGTH, required_share_weights, success_of_judgement
from models.equations.surrogates import at_least_k, token_accuracy
from models.priors import Priors
from models.structures import Parts
from tests.conftest import SEED

LOSS = np.logspace(-3, 1.5, 12)


@pytest.mark.parametrize("length", [1, 4, 12])
@pytest.mark.parametrize("softness", [1e-3, 0.5, 20.0])
def test_weights_are_positive_and_add_up_to_one(length, softness):
    share = np.linspace(0.01, 0.99, 23)
    weights = required_share_weights(share, softness=softness, length=length)
    assert weights.shape == (23, length) and weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_sharp_judges_are_at_least_k_with_k_the_next_whole_number(k):
    for share in (k - 0.9, k - 0.5, k - 0.1):
        sharp = success_of_judgement(LOSS, 1.3 + 0 * LOSS, share=share / 5, softness=1e-3, length=5)
        np.testing.assert_allclose(sharp, at_least_k(LOSS, k=k, length=5, nu=1.3), rtol=6e-3)
    other = at_least_k(LOSS, k=k % 5 + 1, length=5, nu=1.3)
    assert not np.allclose(sharp, other, rtol=0.1)


def test_judges_as_soft_as_can_be_pass_the_share_that_is_right():
    """Weights alike are the mean over k = 1..L, which is token accuracy."""
    soft = success_of_judgement(LOSS, 0.8 + 0 * LOSS, share=0.4, softness=1e4, length=6)
    np.testing.assert_allclose(soft, token_accuracy(LOSS, nu=0.8), rtol=6e-3)


def test_a_larger_share_needed_is_passed_more_rarely_and_a_smaller_loss_more_often():
    share = np.linspace(0.02, 0.98, 25)[:, None]
    found = success_of_judgement(LOSS + 0 * share, 1.0 + 0 * share * LOSS, share=share, softness=0.4, length=8)
    assert np.all(np.diff(found, axis=0) < 0) and np.all(np.diff(found, axis=1) < 0)
    assert found.min() >= 0 and found.max() <= 1


def test_numbers_labelled_arrays_and_graphs_agree():
    share, softness = np.array([0.2, 0.9]), np.array([0.3, 2.0])
    found = required_share_weights(share, softness=softness, length=4)
    labelled = required_share_weights(
        xr.DataArray(share, dims="draw"), softness=xr.DataArray(softness, dims="draw"), length=4
    )
    np.testing.assert_allclose(labelled.transpose("draw", "k"), found)
    one_by_one = [required_share_weights(x, softness=s, length=4) for x, s in zip(share, softness, strict=True)]
    np.testing.assert_allclose(one_by_one, found)
    x, s = pt.vector("x"), pt.vector("s")
    weights = required_share_weights(x, softness=s, length=4)
    graph = pytensor.function([x, s], [weights, *pytensor.grad(weights[:, 0].sum(), [x, s])], mode=Mode("py"))
    value, *gradients = graph(share, softness)
    np.testing.assert_allclose(value, found)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


# tables


def rubric_table(folder, *, length="10", k="", tokens=True):
    lines = ["model,task,metric,successes,trials,length,k,compute"]
    for run in range(8):
        compute = f"{10 ** (20 + 0.4 * run):.4g}"
        lines.append(f"run {run},turing,at_least_k,{5 * run},100,{length},{k},{compute}")
        if tokens:
            lines.append(f"run {run},turing,token_accuracy,{200 + 80 * run},1000,10,,{compute}")
    path = folder / "table.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_blank_k_is_a_judgement_that_shares_the_law_of_its_sub_judgements(tmp_path):
    data = observations(read_table(rubric_table(tmp_path)))
    assert data.task.values.tolist() == ["turing [at_least_k]", "turing [token_accuracy]"]
    assert data.sizes["law"] == 1 and np.isnan(data.task_k.values[0]) and (data.given_index.values == -1).all()
    alone = observations(read_table(rubric_table(tmp_path, length="", tokens=False)))
    assert alone.task.values.tolist() == ["turing"]
    apart = observations(read_table(rubric_table(tmp_path, length="")))
    assert apart.sizes["law"] == 2  # an unknown length cannot be linked


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        ({"length": "", "k": "3"}, "length", "leave k blank too"),
        ({"length": str(LARGEST_LENGTH + 1)}, "length", "above"),
    ],
)
def test_what_cannot_be_judged_is_refused(cells, column, said, tmp_path):
    with pytest.raises(TableError) as caught:
        read_table(rubric_table(tmp_path, **cells))
    assert {problem.column for problem in caught.value.problems} == {column} and said in str(caught.value)


def test_known_and_unknown_k_of_one_name_are_told_apart(tmp_path):
    path = rubric_table(tmp_path, tokens=False)
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows, *(row.replace(",10,,", ",10,4,") for row in rows[1:])]))
    labels = observations(read_table(path)).task.values.tolist()
    assert labels == ["turing [at_least_k unknown k]", "turing [at_least_k 4]"]


# forecasts


@pytest.fixture(scope="module")
def judged(prior_fit, tmp_path_factory):
    return prior_fit(read_table(rubric_table(tmp_path_factory.mktemp("rubric"))), draws=200)


def test_the_share_that_is_needed_is_uniform_before_any_data(judged):
    share = np.sort(judged.posterior.required_share.values.ravel())
    assert abs(share - np.linspace(0, 1, share.size)).max() < 1.63 / np.sqrt(share.size)  # Kolmogorov, 1%


@pytest.mark.parametrize("at", [0.05, 0.5, 0.9])
def test_the_expected_judgement_at_the_theta_of_a_score_is_that_score(judged, at):
    theta = theta_at_score(judged, "turing [at_least_k]", at)
    finite = np.isfinite(theta)
    score = expected_score(judged, "turing [at_least_k]", theta.where(finite, 0.0))
    assert finite.sum() > 40 and not np.isnan(theta).any()
    np.testing.assert_allclose(score.where(finite, at), at, rtol=1e-6)


def test_the_graph_and_the_forecast_have_the_same_mean(tmp_path):
    """A million items, hardly over-dispersed: drawn counts are what the law of the draw expects."""
    path = rubric_table(tmp_path)
    path.write_text(path.read_text().replace(",100,10,", ",1000000,10,"))
    data, priors = observations(read_table(path)), Priors(concentration_median=1e9, concentration_log_sd=0.01)
    parts = Parts(outliers=False)
    model = capability_model(data, parts, priors)
    names = [variable.name for variable in model.unobserved_RVs]
    drawn = draw_prior(model, draws=30, seed=SEED, names=[*names, "count"])
    fit = drawn_fit(drawn["prior"].to_dataset()[names], data, priors, parts)
    rows = data.task_index.values == 0
    counts = drawn["prior_predictive"]["count"].values[0].T[rows] / 1e6
    assert {"required_share", "required_share_softness"} <= set(law_of_task(fit, "turing [at_least_k]"))
    assert row_means(fit)[rows].std() > 0.1
    np.testing.assert_allclose(row_means(fit)[rows], counts, atol=3e-3)  # six binomial standard deviations


def test_a_simulated_table_of_judgements_has_the_shape_of_its_design(tmp_path):
    from forecast.fitting.simulate import simulate
    from forecast.table.dataset import read_rows

    table, truth = simulate(read_rows(rubric_table(tmp_path)), seed=3)
    assert isinstance(table, pd.DataFrame) and truth.sizes["unknown_k"] == 1 and len(table) == 16
