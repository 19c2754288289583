"""Stages of long work: which is under way, how far it is, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Stage:
    """What is told of a stage when it ends: its name, its seconds and `found`."""

    name: str
    weight: float  # of the time of the whole command; 0: part of the stage around it
    found: str = ""


class Stages:
    """Stages of a piece of work, told to nobody; commands show them: see `forecast.cli.options`."""

    def plan(self, weight: float) -> None:
        """How much the weights of all stages add up to."""

    @contextmanager
    def stage(self, name: str, *, weight: float = 0.0) -> Iterator[Stage]:
        """A stage that lasts as long as the context."""
        stage, begin = Stage(name, weight), time.perf_counter()
        self._begun(stage)
        yield stage
        self._ended(stage, time.perf_counter() - begin)

    def advance(self, share: float, text: str | None = None) -> None:
        """How much of the stage that has a weight is done, between 0 and 1, and what is under way."""

    def _begun(self, stage: Stage) -> None:
        pass

    def _ended(self, stage: Stage, seconds: float) -> None:
        pass


SILENT = Stages()
