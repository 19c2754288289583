"""Scenarios of a study: what `[[scenarios]]` may say, and how it is refused."""

import pytest

from forecast.errors import ForecastError
from forecast.questions.when.scenarios import SCENARIOS, Scenario
from forecast.study.file import read_study

STUDY = 'title = "T"\nquestion = "Q?"\ntable = "table.csv"\nthresholds = [0.5]\n'


@pytest.fixture
def study_of(tmp_path):
    def read(text):
        (tmp_path / "study.toml").write_text(STUDY + text, encoding="utf-8")
        return read_study(tmp_path)

    return read


def test_a_study_forecasts_no_dates_unless_it_asks_to(study_of):
    assert not study_of("").when and study_of("").scenarios == SCENARIOS
    assert study_of("when = true\n").when and study_of("when = true\n").scenarios == SCENARIOS


def test_scenarios_of_a_study_are_read_and_ask_for_dates(study_of):
    text = '[[scenarios]]\nname = "slow"\ngrowth = 0.2\nprogress = 0\n[[scenarios]]\nname = "wall"\nslowdown = 3\n'
    found = study_of(text)
    assert found.scenarios == (Scenario(name="slow", growth=0.2, progress=0), Scenario(name="wall", slowdown=3))
    assert found.when and not study_of("when = false\n" + text).when


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('scenarios = "fast"', "expected tables headed"),
        ("scenarios = []", "is [], expected tables headed [[scenarios]]; leave it out for the usual three"),
        ("[[scenarios]]\ngrowth = 0.5", "scenario 1: name is missing"),
        ('[[scenarios]]\nname = "a"\nspeed = 1', "scenario 1: key 'speed' is unknown; use name, growth"),
        ('[[scenarios]]\nname = "a"\ngrowth = -0.5', "scenario 1: growth is -0.5, expected decades a year"),
        ('[[scenarios]]\nname = "a"\nprogress = nan', "progress is nan"),
        ('[[scenarios]]\nname = "a"\nslowdown = 0', "slowdown is 0, expected true, false or the years"),
        ('[[scenarios]]\nname = "a"\n[[scenarios]]\nname = "a"', "two scenarios are named 'a'"),
        ("scenarios = [1]", "key 'scenarios', place 1 is 1, expected a table headed"),
        ('when = "yes"', "key 'when' is 'yes', expected true or false"),
    ],
)
def test_what_is_wrong_with_scenarios_is_said(study_of, text, said):
    with pytest.raises(ForecastError, match=r"study\.toml") as caught:
        study_of(text)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(study_of):
    with pytest.raises(ForecastError, match=r"scenario 1: growth.*scenario 1: slowdown.*scenario 2: name"):
        study_of('[[scenarios]]\nname = "a"\ngrowth = "x"\nslowdown = "y"\n[[scenarios]]\nprogress = 1')
