"""Report of a study, and the index of the folder that it lies in."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from forecast.figures.style import write_figure
from forecast.report.complaints import run_command
from forecast.report.index import INDEX, PLACES, write_index
from forecast.report.live.data import live_data
from forecast.report.live.dates import Asked
from forecast.report.page import write_page
from forecast.report.sections import Report
from forecast.report.views.backtest import BacktestView, backtest_view
from forecast.report.views.pictures import known_places
from forecast.scales import scale_of
from forecast.study.file import Study
from forecast.study.fitted import StudyFit
from forecast.study.picture import draw_forecast


def answer_of(study: Study, fits: Sequence[StudyFit]) -> str:
    """The threshold of the headline task by each fit, in a sentence each."""
    return " ".join(each.sentence(study.headline) for each in fits)


def report_of_study(
    study: Study,
    fits: Sequence[StudyFit],
    believed: BacktestView,
    *,
    warnings: Sequence[str],
    dates: Sequence[dict[str, Any]],
    asked: Asked | None,
    output: Path,
) -> Report:
    """The report: the fit at the first cut whole, then what the later fits changed."""
    scale = scale_of(fits[-1].fit.data)
    return Report(
        title=study.title,
        question=study.question,
        answer=answer_of(study, fits),
        sections=[each.section(k_sweep_length=study.k_sweep_length) for each in fits],
        warnings=warnings,
        record=backtest_view(believed, table=study.table.name, seed=study.seed),
        dates=dates,
        scale=scale,
        command=run_command(fits[-1].fit, study.folder, output),
        live=live_data(
            fits[0].fit, fits[0].tasks, headline=fits[0].evidence.headline, known=known_places(scale), asked=asked
        ),
    )


def write_study(report: Report, first: StudyFit, output: Path) -> None:
    """Write `report.html`, and its headline as `forecast.svg`."""
    write_figure(output / "forecast.svg", partial(draw_forecast, first), size=(7.0, 4.1))
    write_page(output / "report.html", report)


def write_index_above(study: Path, output: Path) -> None:
    """Write the index of the folder around a study anew, where `forecast index` has made one and shows `output`."""
    above = study.resolve().parent
    shown = any((study / place).resolve() == output.resolve() for place in PLACES)
    if shown and (above / INDEX).is_file():
        write_index(above)
