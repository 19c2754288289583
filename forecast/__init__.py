"""From a table of benchmark results to a forecast: fit, threshold, predict, report.

The names below are imported on first use, so that `import forecast` and `forecast --help` stay cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.errors import ForecastError, TableError
    from forecast.fitting.structures import fit_table
    from forecast.posterior.fit import Fit, Sampling, load, save
    from forecast.posterior.predict import predict, typical_score
    from forecast.posterior.threshold import threshold, threshold_compute
    from forecast.report.page import write_report
    from forecast.table.dataset import observations, read_table

__all__ = [
    "Fit",
    "ForecastError",
    "Sampling",
    "TableError",
    "fit_table",
    "load",
    "observations",
    "predict",
    "read_table",
    "save",
    "threshold",
    "threshold_compute",
    "typical_score",
    "write_report",
]

_HOMES = {
    "errors": ("ForecastError", "TableError"),
    "fitting.structures": ("fit_table",),
    "posterior.fit": ("Fit", "Sampling", "load", "save"),
    "posterior.predict": ("predict", "typical_score"),
    "posterior.threshold": ("threshold", "threshold_compute"),
    "report.page": ("write_report",),
    "table.dataset": ("observations", "read_table"),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
