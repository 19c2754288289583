"""Progress of a command on stderr: a bar on a terminal, else a line for each stage that ended."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from forecast.cli.options import plain

SHORT = 0.5  # seconds of a stage that is not worth a line


@contextlib.contextmanager
def shown_stages(*, quiet: bool) -> Iterator[Any]:
    """The stages of a command on stderr: one bar with the time left on a terminal, else a line for each that ended."""
    from forecast.stages import SILENT, Stages

    if quiet:
        yield SILENT
    elif not sys.stderr.isatty():

        class Lines(Stages):
            def _ended(self, stage: Any, seconds: float) -> None:
                if seconds < SHORT:
                    return
                found = f", {stage.found}" if stage.found else ""
                print(plain(f"{stage.name} {seconds:.1f} s{found}"), file=sys.stderr, flush=True)

        yield Lines()
    else:
        with _bar() as stages:
            yield stages


@contextlib.contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from forecast.stages import Stages

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *left, console=Console(stderr=True), transient=True) as bar:
        job = bar.add_task("starting", total=1.0)

        class Bar(Stages):
            def __init__(self) -> None:
                self.done, self.weight = 0.0, 1.0

            def plan(self, weight: float) -> None:
                bar.update(job, total=weight)

            def advance(self, share: float, text: str | None = None) -> None:
                said = None if text is None else escape(plain(text))
                bar.update(job, completed=self.done + self.weight * share, description=said)

            def _begun(self, stage: Any) -> None:
                self.weight = stage.weight or self.weight
                bar.update(job, description=escape(plain(stage.name)))

            def _ended(self, stage: Any, seconds: float) -> None:
                self.done += stage.weight
                bar.update(job, completed=max(self.done, bar.tasks[0].completed))

        yield Bar()
