"""Facts of the models that were found: what places each on the scale of compute or of dates."""

from collections.abc import Mapping

import pandas as pd

from forecast.table.importers.measurements import LeftOut

Facts = dict[str, str]  # compute and more of one model as text, blank where it is not known


def facts_of_models(
    row_of: Mapping[str, str], facts: pd.DataFrame, of_results: pd.DataFrame | None, source: str
) -> tuple[dict[str, Facts], list[LeftOut]]:
    """The facts of each model that has a scale, and the others with the reason why they have none.

    The scale is compute, 6 N D, or, where no model has either, the date. Parameters that the results tell stand in
    where the table of models has neither compute nor parameters.
    """
    known = {name: _completed(name, facts.loc[row].to_dict(), of_results) for name, row in row_of.items()}
    scale = _sized if any(_sized(each) for each in known.values()) else _dated
    left_out = [
        LeftOut(what=f"model {name}", why=f"{_missing(each, by_date=scale is _dated)} in {source}")
        for name, each in known.items()
        if not scale(each)
    ]
    return {name: each for name, each in known.items() if scale(each)}, left_out


def _completed(name: str, facts: Facts, of_results: pd.DataFrame | None) -> Facts:
    if of_results is None or name not in of_results.index or facts["compute"] or facts["params"]:
        return facts
    return facts | {"params": str(of_results.at[name, "params"])}


def _missing(facts: Facts, *, by_date: bool) -> str:
    if facts["params"] and not by_date:
        return "has params but no tokens, nor compute,"
    return "has no compute, nor both params and tokens" + (", nor a date" if by_date else "")


def _sized(facts: Facts) -> bool:
    return bool(facts["compute"] or (facts["tokens"] and (facts["params"] or facts["active_params"])))


def _dated(facts: Facts) -> bool:
    return bool(facts["date"])
