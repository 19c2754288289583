"""Picture of a study: the headline as forecast below the first cut, with what the hidden runs scored."""

from matplotlib.figure import Figure

from forecast.figures.curve import plot_curve
from forecast.scales import scale_of
from forecast.study.fitted import StudyFit, seen_runs


def draw_forecast(first: StudyFit, figure: Figure) -> None:
    """The curve of the headline task as the first fit expects it, beside all runs of the table."""
    task = next(each for each in first.tasks if each.task == first.evidence.headline)
    ax, scale = figure.subplots(), scale_of(first.fit.data)
    largest = task.threshold["data_log10_compute"][1]
    plot_curve(task.grid, task.curve, task.observed, at=task.at, data_max=largest, scale=scale, ax=ax)
    ax.set_title(f"{task.task}, forecast from {seen_runs(first.fit.below)}", loc="left")
    ax.set_ylabel("score")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
