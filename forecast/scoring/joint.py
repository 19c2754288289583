"""Joint scores of forecasts: of rows that move together, by draws that share their index. Lower is better.

`scoringrules` compiles for three seconds when it is imported, so it is imported where a score is asked for.
"""

import numpy as np
import pandas as pd

from forecast.scoring.rows import on_crps_scale


def joint_scores(rows: pd.DataFrame, draws: np.ndarray, outcome: np.ndarray) -> dict[str, float]:
    """Energy and variogram score of rows of a table: rates as they are, losses in nats, horizons as log10 minutes.

    Rows in different units add up all the same, and those in the larger unit count for more.

    Parameters
    ----------
    rows : with the column metric
    draws : (draw, row), a draw of all rows at once on each line
    outcome : (row,)
    """
    scaled, seen = on_crps_scale(rows, draws, outcome)
    return {"energy_score": energy_score(scaled, seen), "variogram_score": variogram_score(scaled, seen)}


def energy_score(draws: np.ndarray, outcome: np.ndarray) -> float:
    """Energy score ``E |X - y| - E |X - X'| / 2`` of draws (draw, row); of one row it is the CRPS.

    It tells wrong places better than wrong dependence, grows with the square root of the number of rows, and takes time
    with the square of the number of draws. Infinite where a draw is.

    Source: Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102:359, eq. 22.
    """
    if not np.isfinite(draws).all():
        return float("inf")
    import scoringrules

    return float(scoringrules.es_ensemble(outcome, draws))


def variogram_score(draws: np.ndarray, outcome: np.ndarray, *, p: float = 0.5) -> float:
    """Variogram score of draws (draw, row): mean over pairs of ``(E |X_i - X_j|^p - |y_i - y_j|^p)^2``.

    It tells how rows move together, and does not see an error that all of them share. A mean over pairs in place of
    the sum, so that groups of different size compare. Infinite where a draw is, NaN of one row, which has no pair.

    Source: Scheuerer and Hamill 2015, Mon. Weather Rev. 143:1321.
    """
    count = len(outcome)
    if count < 2:
        return float("nan")
    if not np.isfinite(draws).all():
        return float("inf")
    import scoringrules

    return float(scoringrules.vs_ensemble(outcome, draws, p=p)) / (count * (count - 1))
