# SPDX-License-Identifier: Apache-2.0
"""Tasks and processes of the simulated kernel, and who gets the children of one that ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.scenario.plan import PlanActor
    from replay.simulator.memory import Space
    from replay.simulator.order import Clock, Stamp


class State(Enum):
    """Whether a task can go on, and what for it waits otherwise."""

    READY = "ready"
    BARRIER = "barrier"
    CHILD = "the end of a child"
    VFORK = "its vfork child"
    KILL = "the pause of the task that it is to end"
    PAUSE = "a signal"
    ENDED = "nothing: it ended"


@dataclass(eq=False)
class Task:
    """A thread."""

    tid: int
    start_ns: int
    process: Process
    actor: int
    plan: PlanActor
    space: Space
    clock: Clock
    at: int = 0
    """The next operation of its actor."""
    born_at: Stamp | None = None
    """When it was created; None for the first one."""
    ended_at: Stamp | None = None
    own_code: int | None = None
    """With which it ended alone, not with its whole process."""
    begun: list[int] = field(default_factory=list)
    """How far its clock had come when each of its operations began."""
    state: State = State.READY
    since_ns: int = 0
    """When it entered the call in which it waits."""
    min_flt: int = 0
    children: list[Process] = field(default_factory=list)
    """Processes whose real_parent it is, the oldest first."""
    vfork_parent: Task | None = None
    vfork_call: dict[str, int] = field(default_factory=dict)
    comm: bytes = b""
    objects: dict[str, int] = field(default_factory=dict)
    """Addresses of files, fs, sighand, signal, nsproxy and cred."""


@dataclass(eq=False)
class Process:
    """A thread group."""

    tgid: int
    start_ns: int
    real_parent: Task | None
    """None: outside of the scenario, as is the recorder and init."""
    exit_signal: int
    actor: int = 0
    """The number of the actor that it began with."""
    born_of: Process | None = None
    """Its parent at birth."""
    threads: list[Task] = field(default_factory=list)
    subreaper: bool = False
    ignores_children: bool = False
    attitudes: list[Stamp] = field(default_factory=list)
    """When it became a subreaper, or began to ignore its children."""
    exit_code: int = 0
    zombie: bool = False
    reaped: bool = False
    ended_at: Stamp | None = None
    to_init: bool = False
    reaper: Process | None = None
    """Who waited for it."""
    reaper_slept: bool = False
    abandoned: bool = False
    """It was a zombie when its parent ended."""

    @property
    def leader(self) -> Task:
        """The thread whose tid is the process id."""
        return self.threads[0]

    def living(self) -> list[Task]:
        """Give the threads that did not end."""
        return [task for task in self.threads if task.state is not State.ENDED]

    def children(self) -> list[Process]:
        """Give the processes that its threads may wait for."""
        return [child for task in self.threads for child in task.children if not child.reaped]


def new_reaper(father: Task) -> Task | None:
    """Give who gets the children of a task that ends; None for init: find_new_reaper()."""
    siblings = father.process.living()
    if siblings:
        return siblings[0]
    above = father.process.real_parent
    while above is not None:
        if above.process.subreaper and above.process.living():
            return above.process.living()[0]
        above = above.process.real_parent
    return None
