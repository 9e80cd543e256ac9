# SPDX-License-Identifier: Apache-2.0
"""The process forest: every process and thread of a recording with its life."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from replay.before import add_adopted, add_start_tasks, set_older_parents
from replay.births import add_born, births, set_late_parents
from replay.ends import add_ends
from replay.images import add_images, set_inherited
from replay.losses import Losses
from replay.nodes import Nodes
from replay.parents import add_later_parents
from replay.tables import columns
from replay.unseen import add_unseen
from replay.waits import add_waits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.anomalies import Anomalies
    from replay.process import Process, ProcessId, Task, TaskId
    from replay.tables import TraceTables


@dataclass(frozen=True, slots=True)
class ProcessForest:
    """What a recording says about processes, each known by its identity and never by its pid.

    Everything is in order of creation, and the same trace gives the same order.
    """

    processes: dict[ProcessId, Process]
    tasks: dict[TaskId, Task]
    """All tasks, the leaders of processes too."""
    roots: list[Process]
    """Processes whose parent at birth is not part of the recording, or not known."""
    anomalies: Anomalies
    losses: Losses

    @classmethod
    def from_trace(cls, trace: TraceTables) -> ProcessForest:
        """Rebuild the forest; input that contradicts itself is counted in `anomalies`."""
        with without_collector():
            return cls._build(trace)

    @classmethod
    def _build(cls, trace: TraceTables) -> ProcessForest:
        nodes, losses = Nodes(), Losses.of(trace)
        add_adopted(trace, nodes)
        born = births(trace)
        late = add_born(trace, born, nodes)
        shown = add_start_tasks(trace, nodes)
        add_unseen(trace, nodes)
        set_late_parents(late, nodes)
        set_older_parents(trace, shown, nodes)
        processes = nodes.in_order()
        add_images(trace, nodes)
        add_ends(trace, nodes)
        add_later_parents(trace, born, nodes)
        set_inherited(processes, nodes)
        add_waits(trace, processes, nodes, losses)
        _count_endless(trace, nodes)
        roots = _link_children(processes, nodes)
        # The keys are ProcessId and TaskId already; `Nodes` looks them up as plain tuples.
        return cls(
            cast("dict[ProcessId, Process]", nodes.processes),
            cast("dict[TaskId, Task]", nodes.tasks),
            roots,
            nodes.anomalies,
            losses,
        )

    def parent(self, process: Process) -> Process | None:
        """Give the latest parent; None where it is not part of the recording or not known."""
        return self._span(process, -1)

    def at_birth(self, process: Process) -> Process | None:
        """Give the first known parent; for a process created while followed, that at birth."""
        return self._span(process, 0)

    def _span(self, process: Process, which: int) -> Process | None:
        parent = process.parents[which].parent if process.parents else None
        return self.processes.get(parent) if parent is not None else None

    def walk(self) -> Iterator[tuple[int, Process]]:
        """Give (depth, process) in display order: a parent, then its children as created."""
        waiting = [(0, root) for root in reversed(self.roots)]
        while waiting:
            depth, process = waiting.pop()
            yield depth, process
            waiting += ((depth + 1, self.processes[child]) for child in reversed(process.children))


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the cycle collector: it would scan millions of new objects, none of them garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _link_children(processes: list[Process], nodes: Nodes) -> list[Process]:
    roots = []
    for process in processes:
        first = process.parents[0].parent if process.parents else None
        parent = nodes.processes.get(first) if first is not None else None
        if parent is None:
            roots.append(process)
        else:
            parent.children.append(process.id)
    return roots


def _count_endless(trace: TraceTables, nodes: Nodes) -> None:
    """Count followed tasks that neither ended nor were still there; a cut trace tells of none."""
    if not trace.complete:
        return
    adopted = set(columns(trace.table("adopted"), "tid", "start_ns"))
    count = sum(
        task.end is None
        and not task.alive
        and not task.became_leader_ns
        and (task.creation is not None or task.id in adopted)
        for task in nodes.tasks.values()
    )
    nodes.anomalies.add("task_without_end", count)
