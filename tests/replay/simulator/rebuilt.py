# SPDX-License-Identifier: Apache-2.0
"""A simulation with what replay makes of it, asked by the names of the scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replay.forest import ProcessForest
from replay.process import ProcessId
from replay.simulator.openness import openness
from tests.replay.simulator.told import acted, opened

if TYPE_CHECKING:
    from replay.process import Choice, Process
    from replay.simulator.tasks import Task


class Rebuilt:
    """A scenario without its head, simulated and rebuilt."""

    def __init__(self, text: str, *settings: str, seed: int = 0, model: str = "linux-6.18") -> None:
        self.text = text
        self.done = acted(text, *settings, seed=seed, model=model)
        self.trace = opened(self.done)
        self.forest = ProcessForest.from_trace(self.trace)

    def task(self, name: str) -> Task:
        """Give the simulator's task by the name of its actor."""
        actors = self.done.plan.actors
        return next(task for task in self.done.host.tasks if actors[task.actor].name == name)

    def pid(self, name: str) -> int:
        """Give the tid of an actor."""
        return self.task(name).tid

    def process(self, name: str) -> Process:
        """Give what replay knows of the process of an actor."""
        of = self.task(name).process
        return self.forest.processes[ProcessId(of.tgid, of.start_ns)]

    def parent(self, name: str) -> int | None:
        """Give the tgid of the last known parent."""
        found = self.forest.parent(self.process(name))
        return None if found is None else found.id.tgid

    def choice(self, name: str) -> Choice | None:
        """Give what was done about the end of a process."""
        wait = self.process(name).wait
        return None if wait is None else wait.choice

    def rows(self, table: str, **values: int) -> list[dict[str, Any]]:
        """Give the rows of a table that have these values."""
        rows = self.trace.table(table).to_dicts()
        return [row for row in rows if values.items() <= row.items()]

    def open(self, kind: str) -> list[Any]:
        """Give what is open of a kind."""
        return list(openness(self.done.host)[kind])
