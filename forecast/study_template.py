"""The study that `forecast new` writes."""

from pathlib import Path

from forecast.errors import ForecastError, shown_path

STUDY = """\
title = "When does my capability appear?"
question = "At what training compute does a run reach half of the test, judging from the runs so far?"
table = "table.csv"
thresholds = [0.5]   # scores that count as 'the capability is there'
cuts = []            # FLOP, e.g. [1e23]: also fit the runs below it and score that forecast on the rest
when = false         # true: also at what date, by the growth of the largest training runs
seed = 1
"""

TABLE = """\
model,task,metric,score,trials,compute
small (replace me),my task,exact_match,0.002,1000,1e21
medium (replace me),my task,exact_match,0.011,1000,5e21
large (replace me),my task,exact_match,0.046,1000,2e22
largest (replace me),my task,exact_match,0.163,1000,1e23
"""

README = """\
# When does my capability appear?

Say here where the numbers of `table.csv` come from and what would change your mind.
One row is one score of one model on one task; compute is training FLOP.

    forecast validate table.csv
    forecast run .
"""


def write_template(folder: Path) -> None:
    """Write the files into a new or empty folder; nothing is ever overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ForecastError(f"{shown_path(folder)}: exists and is not an empty folder; name another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ForecastError(f"{shown_path(folder)}: cannot be made ({error.strerror}); name another folder") from error
    for name, text in {"study.toml": STUDY, "table.csv": TABLE, "README.md": README}.items():
        (folder / name).write_text(text, encoding="utf-8")
