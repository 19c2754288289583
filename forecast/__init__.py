"""From a table of benchmark results to a forecast: fit, threshold, predict, report.

The names below are imported on first use, so that `import forecast` and `forecast --help` stay cheap.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.errors import ForecastError, TableError
    from forecast.fit import Sampling
    from forecast.predict import predict, typical_score
    from forecast.report import write_report
    from forecast.store import Fit, load, save
    from forecast.table import observations, read_table
    from forecast.table_fit import fit_table
    from forecast.threshold import threshold, threshold_compute

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
    "fit": ("Sampling",),
    "predict": ("predict", "typical_score"),
    "report": ("write_report",),
    "store": ("Fit", "load", "save"),
    "table": ("observations", "read_table"),
    "table_fit": ("fit_table",),
    "threshold": ("threshold", "threshold_compute"),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """Two functions are named like their module: importing that module must not hide the function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULE_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
