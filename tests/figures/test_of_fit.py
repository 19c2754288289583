import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from forecast.errors import ForecastError
from forecast.posterior.threshold import threshold


@pytest.fixture(autouse=True)
def closed():
    with matplotlib.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


RECORD = {"methods": [{"method": "ours", "n": 9, "crps": 0.1, "coverage_50": 0.5, "coverage_90": 0.9}]}
PLOTS = {
    "plot_curve": lambda fit, **options: fit.plot_curve("addition", at=0.4, **options),
    "plot_threshold": lambda fit, **options: fit.plot_threshold("addition", **options),
    "plot_forest": lambda fit, **options: fit.plot_forest(**options),
    "plot_track_record": lambda fit, **options: fit.plot_track_record(RECORD, **options),
}


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")  # of the name of a task
@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_a_figure_of_a_fit_is_drawn_on_the_axes_given_or_on_a_new_figure(fitted, plot):
    ax = Figure(figsize=(6, 4)).subplots()
    assert plot(fitted, ax=ax) is ax
    new = plot(fitted)
    assert new is not ax and new.figure in map(pyplot.figure, pyplot.get_fignums())
    new.figure.draw_without_rendering()


def test_the_curve_shows_the_median_that_the_threshold_says(fitted):
    ax = fitted.plot_curve("addition", at=0.4)
    (median,) = [line for line in ax.lines if line.get_label() == "median"]
    assert median.get_xdata()[0] == float(threshold(fitted, "addition", 0.4)["log10_compute"]["q50"])
    assert ax.get_ylabel() == "addition"


def test_the_forest_has_a_row_for_each_task_and_threshold(fitted):
    assert len(fitted.plot_forest().get_yticks()) == fitted.data.sizes["task"]
    assert len(fitted.plot_forest([0.3, 0.5], tasks=["addition", "four choices"]).get_yticks()) == 4


def test_a_task_that_is_not_there_is_refused_with_those_that_are(fitted):
    with pytest.raises(ForecastError, match="choose one of"):
        fitted.plot_curve("adition")
    assert not pyplot.get_fignums()


def test_the_style_of_the_caller_is_left_alone(fitted):
    before = dict(matplotlib.rcParams)
    fitted.plot_curve("addition")
    assert {name: matplotlib.rcParams[name] for name in before} == before
    assert np.isfinite(fitted.plot_curve("addition").get_xlim()).all()
