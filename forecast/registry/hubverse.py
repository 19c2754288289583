"""Long table of hubverse: quantiles and joint samples of a registered forecast, for the tools of others.

Columns as its `model_out_tbl` has them, without the name of the forecaster, which a hub takes from the file: of a row
`target` is its metric, of a threshold log10 FLOP or a decimal year. Samples of one `output_type_id` belong together
over all rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.registry.frozen import quantile_name
from forecast.registry.places import place_of
from models.dates import year_of

HUB_LEVELS = (0.01, 0.025, *(percent / 100 for percent in range(5, 100, 5)), 0.975, 0.99)
TASK_IDS = ("model", "task", "metric", "length", "k", "at")
COLUMNS = ("reference_date", "target", *TASK_IDS, "output_type", "output_type_id", "value")


def hubverse_table(registered: Mapping[str, Any]) -> pd.DataFrame:
    """A line for each quantile and each draw of each row and threshold; task ids that mean nothing are blank."""
    lines = [line for own in _asked(registered) for line in own]
    table = pd.DataFrame(lines, columns=["target", *TASK_IDS, "output_type", "output_type_id", "value"])
    return table.assign(reference_date=registered["registered"][:10])[list(COLUMNS)]


def _asked(registered: Mapping[str, Any]) -> Iterator[Iterator[tuple[Any, ...]]]:
    question, forecast, draws = (registered[name] for name in ("question", "forecast", "draws"))
    of_rows = zip(question["rows"], forecast["rows"], zip(*draws["rows"], strict=True), strict=True)
    for row, quantiles, own in of_rows:
        yield _lines(row["metric"], row, quantiles, own)
    of_thresholds = zip(question["thresholds"], forecast["thresholds"], draws["thresholds"], strict=True)
    for threshold, quantiles, own in of_thresholds:
        if "date" in quantiles:
            years = {name: float(year_of(place_of(date))) for name, date in quantiles["date"].items()}
            yield _lines("threshold_year", threshold, years, [float(year_of(place_of(date))) for date in own])
        else:
            yield _lines("threshold_log10_flop", threshold, quantiles["log10_compute"], own)


def _lines(
    target: str, asked: Mapping[str, Any], quantiles: Mapping[str, Any], draws: Any
) -> Iterator[tuple[Any, ...]]:
    ids = [asked.get(name) for name in TASK_IDS]
    for level in HUB_LEVELS:
        yield target, *ids, "quantile", f"{level:g}", float(quantiles[quantile_name(level)])
    for number, value in enumerate(np.array(draws, dtype=float), start=1):
        yield target, *ids, "sample", str(number), value
