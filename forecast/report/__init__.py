"""The report: what is shown, in words and HTML; `write_report` writes that of a fit."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.report.content import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from forecast.report.content import write_report

    return write_report
