import numpy as np
import pytest

from forecast.questions.when.answer import when
from forecast.questions.when.scenarios import SCENARIOS
from forecast.report.live.dates import Asked, arrival_dates
from tests.conftest import SEED
from tests.questions.when.test_answer import KNOWN, TASK, known_fit


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
@pytest.mark.parametrize("trained", [False, True])
def test_dates_are_those_of_forecast_when_score_by_score(scenario, trained):
    spread = np.random.default_rng(SEED).normal(26.0, 1.0, 400)
    fit, scores = known_fit(spread, ceiling=0.95, draws=400), np.array([0.2, 0.5, 0.96])
    asked = Asked(frontier=KNOWN, scenario=scenario, seed=SEED, trained=trained)
    for at, found in zip(scores, arrival_dates(fit, TASK, scores, None, asked), strict=True):
        options = {"frontier": KNOWN, "scenarios": [scenario], "seed": SEED, "trained": trained}
        expected = when(fit, TASK, float(at), **options)["scenarios"][0]["events"]["typical"]["date"]
        assert found == [expected[name] for name in ("q05", "q50", "q95")]


def test_a_score_above_the_ceiling_never_comes():
    asked = Asked(frontier=KNOWN, scenario=SCENARIOS[0], seed=SEED)
    assert arrival_dates(known_fit(ceiling=0.5), TASK, np.array([0.9]), None, asked) == [["inf"] * 3]
