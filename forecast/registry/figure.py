"""Figure of a record: reliability of the intervals of registered forecasts, and the histogram of their PIT."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from forecast.backtesting.figures import plot_pit, plot_reliability
from forecast.figures.style import write_figure
from forecast.scoring.summary import pit_histogram, reliability
from forecast.words import counted


def write_calibration(ours: pd.DataFrame, path: Path) -> None:
    """Draw the lines of the forecasts themselves, all tasks and files together, into a file."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plot_reliability(reliability(ours), ax=left)
        left.set_xlabel("nominal coverage (%)")
        left.set_ylabel("observed (%)")
        plot_pit(pit_histogram(ours), ax=right)
        right.set_xlabel("PIT of the outcome")
        right.set_ylabel("share of outcomes")
        for ax in (left, right):
            ax.legend(frameon=False, fontsize="small")
        told = counted(ours["bed"].nunique(), "registered forecast")
        figure.suptitle(f"{told}, {counted(len(ours), 'outcome')}", x=0.01, ha="left")

    write_figure(path, draw, size=(6.4, 3.0))
