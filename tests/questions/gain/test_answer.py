"""Compute-equivalent gain: its closed form on a straight path, and the score that both recipes have on any path."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.draws import Diagnostics
from forecast.errors import ForecastError
from forecast.posterior.fit import save
from forecast.posterior.predict import typical_score
from forecast.questions.gain.answer import gain, lines_of
from forecast.table.dataset import read_table
from models.dates import years
from tests.conftest import forecast_command as command
from tests.conftest import refuse_constant, write_rows

HEADER = ("model", "family", "task", "metric", "score", "trials", "compute", "date")
SOUND = Diagnostics(max_rhat=1.0, min_ess_bulk=900.0, min_ess_tail=900.0, divergences=0, total_draws=900, worst=())
FAMILIES = {"old": ("2020-03-01", 20.0), "new": ("2023-06-01", 21.0), "far": ("2022-01-01", 25.0)}
TASKS = ("sums", "words")


def rows(*, compute=True, families=FAMILIES):
    for place, (family, (date, first)) in enumerate(families.items()):
        for run in range(4):
            for task in TASKS if compute else TASKS[:1]:
                score = round(0.1 + 0.15 * run + 0.05 * place, 3)
                row = {"model": f"{family} {run}", "family": family, "task": task, "metric": "exact_match"}
                when = date if compute else f"{2019 + run}-0{place + 1}-01"
                size = {"compute": f"{10 ** (first + 0.5 * run):.6g}"} if compute else {}
                yield row | {"score": score, "trials": 200, "date": when} | size


@pytest.fixture(scope="module")
def made(tmp_path_factory, prior_fit):
    """Fits whose draws are of the prior: of families, of one family, and of families in years."""
    folder, found = tmp_path_factory.mktemp("gain"), {}
    tables = {"three": rows(), "one": rows(families={"old": FAMILIES["old"]}), "years": rows(compute=False)}
    for name, table in tables.items():
        path = write_rows(folder / f"{name}.csv", list(table), header=HEADER)
        found[name] = replace(prior_fit(read_table(path), draws=200), diagnostics=SOUND, table=path.name)
        save(found[name], folder / f"{name}.nc")
    return found | {"folder": folder}


@pytest.fixture(scope="module")
def fit(made):
    return made["three"]


def straight(fit):
    """The same on a path without bends."""
    return replace(fit, posterior=fit.posterior.assign(slopes=xr.ones_like(fit.posterior.slopes)))


def median(line):
    return float(np.log10(line["gain"]["q50"]))


def test_on_a_straight_path_the_gain_is_effect_progress_and_deviation(fit):
    answer, posterior = gain(straight(fit), "new", against="old"), fit.posterior
    apart = years(np.datetime64("2023-06-01")) - years(np.datetime64("2020-03-01"))
    shared = posterior.family_effect.sel(family="new") - posterior.family_effect.sel(family="old")
    shared = shared + posterior.progress * apart
    of_task = posterior.theta_scale * (posterior.deviation.sel(family="new") - posterior.deviation.sel(family="old"))
    assert median(answer["shared"]) == pytest.approx(np.quantile(shared, 0.5, method="inverted_cdf"))
    assert answer["shared"]["p_ahead"] == pytest.approx(float((shared > 0).mean()))
    for line in answer["tasks"]:
        decades = (shared + of_task.sel(law=line["task"])).values
        assert median(line) == pytest.approx(np.quantile(decades, 0.5, method="inverted_cdf"))
    mean = shared + of_task.mean("law")
    assert median(answer["mean"]) == pytest.approx(np.quantile(mean, 0.5, method="inverted_cdf"))


@pytest.mark.parametrize("against", ["old", None])
@pytest.mark.parametrize("x", [20.5, 22.0, 24.0])
def test_with_so_much_more_compute_the_other_has_the_same_score_on_a_bent_path(fit, against, x):
    """Draw by draw: a fit of one draw has its own gain, and its own two curves."""
    for draw in range(5):
        one = replace(fit, posterior=fit.posterior.isel(draw=[draw]))
        answer = gain(one, "new", against=against, log10_compute=x)
        year = float(years(np.datetime64("2023-06-01"))) if against is None else None
        for line in answer["tasks"]:
            more = np.array([x + median(line)])
            theirs = typical_score(one, line["task"], more, family=against, year=year)
            assert theirs.values == pytest.approx(typical_score(one, line["task"], np.array([x]), family="new").values)


def test_the_gain_of_one_is_the_inverse_of_that_of_the_other_where_the_path_is_straight(fit):
    there, back = gain(straight(fit), "new", against="old"), gain(straight(fit), "old", against="new")
    assert there["shared"]["p_ahead"] == pytest.approx(1.0 - back["shared"]["p_ahead"])
    assert there["log10_compute"] == back["log10_compute"] == pytest.approx(21.25)  # the middle of 21 to 21.5
    assert there["overlap"] and not gain(fit, "far", against="old")["overlap"]


def test_the_typical_recipe_is_that_of_the_same_date(fit):
    answer = gain(fit, "new")
    assert answer["against"] is None and answer["family_recipe_of"] == answer["against_recipe_of"] == "2023-06-01"
    faster = fit.posterior.assign(progress=fit.posterior.progress + 3.0)
    again = gain(replace(fit, posterior=faster), "new")
    assert again["shared"]["gain"]["q50"] == pytest.approx(answer["shared"]["gain"]["q50"], rel=1e-6)


def test_of_one_task_there_is_no_mean_and_of_a_task_that_falls_no_gain(fit):
    answer = gain(fit, "new", against="old", task="sums")
    assert answer["mean"] is None and [name for name, _ in lines_of(answer)] == ["shared by all tasks", "sums"]
    order = np.argsort(fit.data.log10_compute.values[fit.data.run_index.values], kind="stable")
    score = fit.data.score.values.copy()
    score[order] = np.linspace(0.9, 0.1, len(order))
    falls = replace(fit, data=fit.data.assign(score=("observation", score)))
    told = gain(falls, "new", against="old")
    assert told["mean"] is None and told["tasks"][0]["gain"]["q50"] is None and told["tasks"][0]["p_ahead"] is None
    assert [name for name, _ in lines_of(told)] == ["shared by all tasks"]


def test_in_years_it_is_months_ahead(made):
    answer = gain(straight(made["years"]), "new", against="old").to_dict()
    effect = made["years"].posterior.family_effect
    ahead = 12.0 * (effect.sel(family="new") - effect.sel(family="old")) / 0.6
    assert answer["tasks"][0]["gain"] is None and answer["log10_compute"] is None and answer["date"][:2] == "20"
    assert answer["tasks"][0]["months_ahead"]["q50"] == pytest.approx(np.quantile(ahead, 0.5, method="inverted_cdf"))
    assert answer["family_dates"] == ["2019-02-01", "2022-02-01"] and answer["family_log10_compute"] is None


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("three", {"family": "neu"}, "'neu' is not a family of this fit; choose one of: 'new'"),
        ("three", {"family": "new", "against": "ol"}, "'ol' is not a family of this fit; choose one of: 'old'"),
        ("three", {"family": "new", "against": "new"}, "are both 'new'; name two recipes"),
        ("one", {"family": "old"}, "one.csv holds one family, 'old': .* in the column 'family' and fit again"),
        ("years", {"family": "new", "log10_compute": 22.0}, "--compute: this fit is in years"),
        ("three", {"family": "new", "task": "sum"}, "'sum' is not a task"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_to_do(made, name, options, said):
    with pytest.raises(ForecastError, match=said):
        gain(made[name], **options)


@pytest.mark.parametrize(("name", "said"), [("three", "is worth"), ("years", "months ahead of")])
def test_the_command_says_it_in_a_sentence_and_a_row_each_draws_it_and_gives_json(made, tmp_path, name, said):
    path = made["folder"] / f"{name}.nc"
    done = command("gain", path, "--family", "new", "--against", "old", "-o", tmp_path / "gain.svg")
    assert done.code == 0, done.err
    assert said in done.out.split("\n")[0] and "old" in done.out and "shared by all tasks" in done.out
    assert "sums" in (tmp_path / "gain.svg").read_text(encoding="utf-8")
    answer = command("gain", path, "--family", "new", "--json").json
    assert answer["against"] is None and answer["scale"] == ("date" if name == "years" else "compute")
    json.loads(json.dumps(answer, allow_nan=False), parse_constant=refuse_constant)


def test_the_command_names_what_goes_beyond_the_runs(made):
    done = command("gain", made["folder"] / "three.nc", "--family", "far", "--against", "old")
    assert "no run of one has a place among those of the other" in done.out
