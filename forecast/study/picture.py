"""Picture of a study: the headline as forecast at the first cut, with what the hidden runs scored."""

from matplotlib.figure import Figure

from forecast.figures.svg import headline_figure
from forecast.scales import scale_of
from forecast.study.fitted import StudyFit, seen_runs
from forecast.table.training_runs import read_runs


def draw_forecast(first: StudyFit, figure: Figure) -> None:
    """The curve of the headline task as the first fit expects it, beside all runs of the table."""
    task = next(each for each in first.tasks if each.task == first.evidence.headline)
    title = f"{task.task}, forecast from {seen_runs(first.cut)}"
    headline_figure(task, scale=scale_of(first.fit.data), runs=read_runs(), title=title, key="forecast").draw(figure)
