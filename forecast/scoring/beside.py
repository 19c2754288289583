"""Predictions beside scores that are known already: inside or outside the 90% interval, and CRPS."""

import numpy as np
import pandas as pd

from forecast.scoring.rows import crps, on_crps_scale

UNITS = {"loss": " nats", "horizon": " decades of minutes"}  # of a CRPS; that of a rate has none


def beside(predicted: pd.DataFrame, draws: np.ndarray, scores: np.ndarray, trials: np.ndarray) -> pd.DataFrame:
    """The lines of `forecast.posterior.predict.summarise` with score, inside (the 90% interval) and crps.

    All three are None where no score is known, and the lines are as they were where none is at all. A rate whose trials
    are known is compared as the count that it is rounded from.

    Parameters
    ----------
    draws : (draw, row)
    scores : (row,) NaN or infinite where there is nothing to compare with
    trials : (row,) NaN where unknown
    """
    known = np.isfinite(scores)
    if not known.any():
        return predicted
    counted = known & np.isfinite(trials) & (predicted["metric"] != "loss").to_numpy()
    outcome = np.where(counted, np.rint(scores * trials) / trials, scores)
    found = pd.DataFrame(
        {
            "score": scores,
            "inside": (predicted["q05"].to_numpy() <= outcome) & (outcome <= predicted["q95"].to_numpy()),
            "crps": crps(*on_crps_scale(predicted, draws, np.where(known, outcome, 1.0))),
        }
    )
    plain = found.astype(object).where(np.broadcast_to(known[:, None], found.shape), None)
    return pd.concat([predicted, plain], axis=1)


def in_words(lines: pd.DataFrame, *, learned: np.ndarray) -> str:
    """How lines of `beside` did: '5 of 6 inside the 90% interval, mean CRPS 0.031'; empty where no score is known.

    `learned`, (row,), says which are of runs that the fit has seen: what it says of these is no forecast.
    """
    if "score" not in lines:
        return ""
    compared = lines["score"].notna().to_numpy()
    seen, again = lines[compared], int((learned & compared).sum())
    said = f"{int(seen['inside'].sum())} of {len(seen)} inside the 90% interval"
    unit = seen["metric"].map(UNITS).fillna("")
    means = [f"{own.mean():.3g}{name}" for name, own in seen["crps"].astype(float).groupby(unit, sort=False)]
    note = f" ({again} of runs that the fit has learned from)" if again else ""
    return f"{said}, mean CRPS {' and '.join(means)}{note}"
