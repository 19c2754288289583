"""Groups of a fit as ArviZ names them, its model on request, and the way back from a changed posterior."""

import subprocess
import sys
import warnings

import arviz as az
import numpy as np
import pymc as pm
import pytest
from scipy import stats

from forecast.errors import ForecastError
from forecast.posterior.fit import Fit, thinned
from forecast.posterior.predict import row_means
from forecast.posterior.score import law_of_task
from forecast.posterior.threshold import threshold_draws
from models.facts.counts import conditional_counts
from tests.conftest import TASKS

TASK = next(iter(TASKS))


@pytest.fixture(scope="module")
def groups(fitted):
    return thinned(fitted, 100).to_datatree(prior_draws=50)


def test_the_groups_are_those_of_arviz(groups, fitted):
    names = {"posterior", "prior", "log_likelihood", "log_prior", "posterior_predictive", "observed_data"}
    assert set(groups.children) == names
    rows = fitted.data.sizes["observation"]
    assert groups["observed_data"]["count"].sizes["rate_row"] == rows
    assert groups["log_likelihood"]["count"].dims == ("chain", "draw", "rate_row")
    assert groups["posterior_predictive"]["count"].sizes["rate_row"] == rows
    assert np.isfinite(groups["log_prior"].to_dataset().to_array().values).all()


def test_the_likelihood_is_the_mixture_of_beta_binomials(groups, fitted):
    few = thinned(fitted, 100)
    counts, trials = conditional_counts(few.data)
    means, row = row_means(few), 3
    law = law_of_task(few, str(few.data.task.values[few.data.task_index.values[row]]))
    kappa, mean = law.concentration.transpose("chain", "draw").values.ravel(), means[row]
    outlier, gross = few.priors.outlier_share, few.priors.gross_error_share
    each = [
        stats.betabinom.pmf(counts[row], trials[row], mean * k, (1.0 - mean) * k)
        for k in (kappa, kappa / few.priors.outlier_dispersion)
    ]
    expected = np.log((1.0 - outlier - gross) * each[0] + outlier * each[1] + gross / (trials[row] + 1.0))
    np.testing.assert_allclose(groups["log_likelihood"]["count"].values[..., row].ravel(), expected, rtol=1e-6)


def test_arviz_summarises_scores_and_scales_what_the_fit_holds(groups):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few draws
        assert "exponent" in " ".join(az.summary(groups, var_names=["exponent"]).index)
        assert np.isfinite(az.loo(groups, var_name="count").elpd)
        assert {"prior", "likelihood"} <= set(az.psense_summary(groups, var_names=["sigma_run"]).columns)


def test_a_fit_gives_its_model_and_shows_itself(fitted):
    assert isinstance(fitted.model(), pm.Model) and "theta" in fitted.model().named_vars
    shown = fitted._repr_html_()
    assert f"{fitted.data.sizes['run']} runs" in shown and "R-hat" in shown and "<script" not in shown


def test_a_changed_posterior_finds_its_way_back_to_thresholds(fitted):
    later = fitted.posterior.assign(theta_origin=fitted.posterior.theta_origin + 1.0)
    changed = Fit.from_posterior(later, like=fitted)
    assert changed.diagnostics.reasons  # unknown: not trusted
    assert threshold_draws(changed, TASK, 0.5).median() > threshold_draws(fitted, TASK, 0.5).median()
    with pytest.raises(ForecastError, match="theta_origin"):
        Fit.from_posterior(fitted.posterior.drop_vars("theta_origin"), like=fitted)


def test_a_stored_fit_answers_thresholds_and_forecasts_without_pymc(fit_file):
    code = f"""
import sys
from forecast.posterior.fit import load
from forecast.posterior.predict import typical_score
from forecast.posterior.threshold import threshold
fit = load({str(fit_file)!r})
threshold(fit, {TASK!r}, 0.5)
typical_score(fit, {TASK!r}, [21.0, 22.0])
heavy = {{"pymc", "nutpie", "arviz", "pytensor", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
