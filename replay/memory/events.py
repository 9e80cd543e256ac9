# SPDX-License-Identifier: Apache-2.0
"""The rows that say which task uses which mm, of four tables in one order."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from replay.process import ProcessId, TaskId
from replay.tables import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.tables import TraceTables


class Kind(IntEnum):
    """What an event is, in the order in which events of one moment are taken."""

    EXIT = 0
    ADOPTED = 1
    NEWTASK = 2
    EXEC = 3


class Event(NamedTuple):
    """One event of a task."""

    time_ns: int
    kind: Kind
    task: TaskId
    process: ProcessId
    mm: int = 0
    """ADOPTED: the task's; NEWTASK: the child's; EXEC: the new one."""
    caller: TaskId = TaskId(0, 0)
    """NEWTASK: who created it; EXEC: the task as it was before."""
    caller_mm: int = 0
    enter_ns: int = 0
    """EXEC: when the call was entered; 0 unknown."""


_ADOPTED = ("time_ns", "tid", "start_ns", "tgid", "leader_start_ns", "mm")
_NEWTASK = ("time_ns", "child_tid", "child_start_ns", "child_tgid", "child_leader_start_ns",
            "child_mm", "tid", "start_ns", "mm")  # fmt: skip
_EXEC = ("time_ns", "tid", "start_ns", "mm", "old_tid", "old_start_ns", "enter_ns")
_EXIT = ("time_ns", "tid", "start_ns")


def events(trace: TraceTables) -> list[Event]:
    """Give the events in order of time."""
    found = [
        *_adopted(trace),
        *_created(trace),
        *_executed(trace),
        *_ended(trace),
    ]
    found.sort(key=_order)
    return found


def _order(event: Event) -> tuple[int, int]:
    return event.time_ns, event.kind


def _process(task: TaskId, tgid: int, leader_start_ns: int) -> ProcessId:
    return ProcessId(tgid, task.start_ns if task.tid == tgid else leader_start_ns)


def _adopted(trace: TraceTables) -> Iterator[Event]:
    for time_ns, tid, start_ns, tgid, leader_ns, mm in columns(trace.table("adopted"), *_ADOPTED):
        task = TaskId(tid, start_ns)
        yield Event(time_ns, Kind.ADOPTED, task, _process(task, tgid, leader_ns), mm)


def _created(trace: TraceTables) -> Iterator[Event]:
    for row in columns(trace.table("newtask"), *_NEWTASK):
        time_ns, tid, start_ns, tgid, leader_ns, mm, caller, caller_ns, caller_mm = row
        task, creator = TaskId(tid, start_ns), TaskId(caller, caller_ns)
        process = _process(task, tgid, leader_ns)
        yield Event(time_ns, Kind.NEWTASK, task, process, mm, creator, caller_mm)


def _executed(trace: TraceTables) -> Iterator[Event]:
    """Give the execs; a task is the leader of its process after one (de_thread(), fs/exec.c)."""
    for row in columns(trace.table("exec"), *_EXEC):
        time_ns, tid, start_ns, mm, old_tid, old_start_ns, enter_ns = row
        task, before = TaskId(tid, start_ns), TaskId(old_tid, old_start_ns)
        process = ProcessId(tid, start_ns)
        yield Event(time_ns, Kind.EXEC, task, process, mm, before, enter_ns=enter_ns)


def _ended(trace: TraceTables) -> Iterator[Event]:
    for time_ns, tid, start_ns in columns(trace.table("exit"), *_EXIT):
        yield Event(time_ns, Kind.EXIT, TaskId(tid, start_ns), ProcessId(0, 0))
