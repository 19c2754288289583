"""Values of options as people write them: scores, lengths of time and quantities."""

from collections.abc import Callable, Sequence

import typer

from forecast.errors import ForecastError

HALF = 0.5


def score_or_time(given: str | float) -> float:
    """A score as a number or, of a horizon, as a length of time such as 8h, which is minutes."""
    from forecast.words import minutes_of

    try:
        return float(given)
    except ValueError:
        pass
    try:
        return minutes_of(str(given))
    except ValueError as error:
        share = _share(str(given))
        said = f"is not a number such as 0.5; {error}" if share is None else f"is not a number; write {share:g}"
        raise typer.BadParameter(f"{str(given)!r} {said}") from None


def _share(given: str) -> float | None:
    """The share that '50%' or '0,5' means; None of other words."""
    number, percent, rest = given.replace(",", ".").partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        return None
    return share if 0 < share < 1 and not rest.strip() else None


def rates_asked(at: Sequence[float] | None) -> list[float]:
    """Thresholds of rates, a half where none is given; a `ForecastError` where one cannot be, before any fit."""
    from forecast.posterior.tasks import check_rate

    for each in at or ():
        check_rate(each)
    return list(at or [HALF])


def flop(given: str | float) -> float:
    """A quantity as cells of a table may have it: 1e22, '5 PFLOP' or '1.5 PF-days'."""
    value = _quantity(given, "1e22 or 10 ZFLOP")
    if value <= 0:
        raise typer.BadParameter(f"{str(given)!r} is no training compute; write FLOP above 0, such as 1e22")
    return value


def sized(option: str, role: str) -> Callable[[str], float]:
    """The reading of a number of parameters or tokens, by the rules of the columns of a table; '70B' is 7e10."""

    def size(given: str | float) -> float:
        from forecast.table.checks.magnitudes import unmeant

        value = _quantity(given, "7e9 or 7B")
        if wrong := unmeant(role, value):
            raise ForecastError(f"{option} {given}: {wrong}")
        return value

    return size


def _quantity(given: str | float, examples: str) -> float:
    from forecast.table.reading.quantities import quantity

    try:
        return float(given)
    except ValueError:
        pass
    value = quantity(str(given))
    if value is None:
        raise typer.BadParameter(f"{str(given)!r} is not a number; write one such as {examples}")
    return value
