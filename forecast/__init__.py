"""From a table of benchmark results to a forecast: fit, threshold, predict, back-test, and the four questions.

The names below are imported on first use, so that `import forecast` and `forecast --help` stay cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.backtesting.run import backtest
    from forecast.draws import Sampling
    from forecast.errors import ForecastError, TableError
    from forecast.fitting.average import fit
    from forecast.posterior.fit import Fit, load, save
    from forecast.posterior.predict import predict
    from forecast.posterior.threshold import threshold, threshold_draws
    from forecast.questions.design.answer import design
    from forecast.questions.emergence.answer import emergence
    from forecast.questions.howmuch.answer import howmuch
    from forecast.questions.when.answer import when
    from forecast.table.dataset import read_table

__all__ = [
    "Fit",
    "ForecastError",
    "Sampling",
    "TableError",
    "backtest",
    "design",
    "emergence",
    "fit",
    "howmuch",
    "load",
    "predict",
    "read_table",
    "save",
    "threshold",
    "threshold_draws",
    "when",
]

_HOMES = {
    "backtesting.run": ("backtest",),
    "draws": ("Sampling",),
    "errors": ("ForecastError", "TableError"),
    "fitting.average": ("fit",),
    "posterior.fit": ("Fit", "load", "save"),
    "posterior.predict": ("predict",),
    "posterior.threshold": ("threshold", "threshold_draws"),
    "questions.design.answer": ("design",),
    "questions.emergence.answer": ("emergence",),
    "questions.howmuch.answer": ("howmuch",),
    "questions.when.answer": ("when",),
    "table.dataset": ("read_table",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
