# SPDX-License-Identifier: Apache-2.0
"""Follows tasks from address space to address space, event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from replay.memory.events import Kind

if TYPE_CHECKING:
    from replay.memory.events import Event
    from replay.process import ProcessId, TaskId

FOREVER: Final = 2**63 - 1
"""The end of an address space that was still there as recording ended."""
NOWHERE: Final = -1
"""The number in place of an address space that is not known."""


class Made(StrEnum):
    """How an address space came into being."""

    BEFORE = "before"
    """It was there before its first task was followed, or its creation was not recorded."""
    FORK = "fork"
    """dup_mm() (kernel/fork.c) copied it from that of the caller of clone."""
    EXEC = "exec"
    """begin_new_exec() (fs/exec.c) put it in place of the one before."""


@dataclass(frozen=True, slots=True)
class Use:
    """A task's use of an address space."""

    task: TaskId
    process: ProcessId
    begin_ns: int
    end_ns: int


@dataclass(slots=True)
class Space:
    """One address space from its creation to its end."""

    number: int
    mm: int
    begin_ns: int
    made: Made
    process: ProcessId
    """The process of the task that it was made for."""
    parent: int = NOWHERE
    """For FORK, the address space it was copied from."""
    end_ns: int = FOREVER
    """When its last user executed another program or began to exit."""
    users: list[Use] = field(default_factory=list)
    """Every task that used it, in order of the end of use."""


@dataclass(slots=True)
class _Life:
    """A task as far as it was followed: what it uses, and since when."""

    task: TaskId
    process: ProcessId
    space: int
    since_ns: int


class Walk:
    """Goes through the events in order of time."""

    def __init__(self) -> None:
        self.spaces: list[Space] = []
        self.turns: list[tuple[int, ...]] = []
        self.execs: list[tuple[int, ...]] = []
        self.unseen_changes = 0
        self._lives: dict[tuple[int, int], _Life] = {}
        self._using: dict[int, set[tuple[int, int]]] = {}
        self._by_mm: dict[int, int] = {}
        self._before: dict[tuple[int, ProcessId], int] = {}

    def take(self, event: Event) -> None:
        """Go one event on."""
        match event.kind:
            case Kind.ADOPTED:
                if event.task not in self._lives and event.mm:
                    self._reopen(event)
                    self._begin(event, self._space_of(event, event.mm))
            case Kind.NEWTASK:
                self._newtask(event)
            case Kind.EXEC:
                self._exec(event)
            case Kind.EXIT:
                self._end(event.task, event.time_ns)

    def close(self) -> None:
        """End the uses that are left."""
        for task in list(self._lives):
            self._end(task, FOREVER)

    def _newtask(self, event: Event) -> None:
        caller = self._lives.get(event.caller)
        if event.caller_mm and (caller is None or self.spaces[caller.space].mm != event.caller_mm):
            self.unseen_changes += caller is not None
            parent = self._space_of(event, event.caller_mm)
            if caller is not None:
                self._move(caller, parent, event.time_ns)
        elif caller is not None:
            parent = caller.space
        else:
            return
        if not event.mm:
            return
        self._end(event.task, event.time_ns)
        if event.mm == self.spaces[parent].mm:
            self._begin(event, parent)
        else:
            self._begin(event, self._new(event, Made.FORK, event.mm, parent))

    def _exec(self, event: Event) -> None:
        self._end(event.caller, event.time_ns)
        self._end(event.task, event.time_ns)
        space = self._new(event, Made.EXEC, event.mm)
        self._begin(event, space)
        if event.enter_ns:
            self.execs.append((event.caller[0], event.enter_ns, event.time_ns, space))

    def _space_of(self, event: Event, mm: int) -> int:
        """Give the address space that is at `mm` now."""
        known = self._by_mm.get(mm)
        return self._new(event, Made.BEFORE, mm) if known is None else known

    def _reopen(self, event: Event) -> None:
        """Take back the end of an address space that has a user of whom nothing was known yet.

        A thread that was there before may be seen first when it ends, after all the others.
        """
        ended = self._before.get((event.mm, event.process))
        if ended is not None and event.mm not in self._by_mm:
            self.spaces[ended].end_ns = FOREVER
            self._by_mm[event.mm] = ended

    def _new(self, event: Event, made: Made, mm: int, parent: int = NOWHERE) -> int:
        number = len(self.spaces)
        since_ns = 0 if made is Made.BEFORE else event.time_ns
        self.spaces.append(Space(number, mm, since_ns, made, event.process, parent))
        self._by_mm[mm] = number
        self._using[number] = set()
        if made is Made.BEFORE:
            self._before[mm, event.process] = number
        return number

    def _begin(self, event: Event, space: int) -> None:
        life = _Life(event.task, event.process, space, event.time_ns)
        self._lives[event.task] = life
        self._using[space].add(event.task)
        self._turn(life)

    def _turn(self, life: _Life) -> None:
        self.turns.append((life.task.tid, life.since_ns, life.task.start_ns, *life.process,
                           life.space))  # fmt: skip

    def _move(self, life: _Life, space: int, time_ns: int) -> None:
        self._end(life.task, time_ns)
        moved = _Life(life.task, life.process, space, time_ns)
        self._lives[life.task] = moved
        self._using[space].add(life.task)
        self._turn(moved)

    def _end(self, task: tuple[int, int], time_ns: int) -> None:
        life = self._lives.pop(task, None)
        if life is None:
            return
        space = self.spaces[life.space]
        space.users.append(Use(life.task, life.process, life.since_ns, time_ns))
        using = self._using[life.space]
        using.discard(task)
        if not using:
            space.end_ns = time_ns
            if self._by_mm.get(space.mm) == space.number:
                del self._by_mm[space.mm]
