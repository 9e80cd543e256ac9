# SPDX-License-Identifier: Apache-2.0
"""What parents did about the ends of their children: slept for them, reaped them later, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from replay.ends import decode, encode
from replay.holders import PidHolders
from replay.parents import add_seen_parent
from replay.process import Certainty, Choice, End, Process, WaitOutcome
from replay.reaps import reaps
from replay.tables import columns, last_time_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.losses import Losses
    from replay.nodes import Nodes
    from replay.process import ProcessId
    from replay.tables import TraceTables

WNOHANG = 1
WSTOPPED = 2
"""The same bit as wait4's WUNTRACED."""
WCONTINUED = 8

EXIT_DEAD = 0x10
"""task->exit_state, include/linux/sched.h: reaped, or needing nobody to reap it."""


class _Reap(NamedTuple):
    """A wait call that reaped a child."""

    process: Process
    """The process of the caller."""
    pid: int
    enter_ns: int
    return_ns: int
    options: int
    slept_ns: int
    """When it first slept in the call; 0 when it never did."""
    slept_total_ns: int
    code: int | None
    """The wait status; None where the caller did not ask for it."""


def add_waits(trace: TraceTables, processes: list[Process], nodes: Nodes, losses: Losses) -> None:
    """Set the outcome of every process; all ends and parents must be known."""
    holders = PidHolders(processes, nodes)
    for reap in _reaps(trace, nodes):
        child = _child_of(reap, holders, nodes)
        if child is None:
            nodes.anomalies.add("wait_child_unknown")
        else:
            child.wait = _reaped(child, reap, nodes)
    end_ns = last_time_ns(trace)
    for process in processes:
        if process.wait is None:
            process.wait = _unreaped(process, nodes, losses, end_ns)


_REAP = ("pid", "enter_ns", "time_ns", "options", "blocked_ns", "blocked_total_ns", "code")


def _reaps(trace: TraceTables, nodes: Nodes) -> Iterator[_Reap]:
    """Give the calls that reaped a child, in order of return."""
    rows = reaps(trace)
    callers = columns(rows, "tid", "start_ns")
    tasks, of = nodes.tasks, nodes.processes
    for caller, row in zip(callers, columns(rows, *_REAP), strict=True):
        yield _Reap(of[tasks[caller].process], *row)


def _child_of(reap: _Reap, holders: PidHolders, nodes: Nodes) -> Process | None:
    """Give the child that a call reaped: of those that held the pid, the oldest that fits."""
    caller = reap.process.id
    adopted = None
    for child in holders.between(reap.process.pidns_inum, reap.pid, reap.enter_ns, reap.return_ns):
        if child.wait is not None or not _has_ended(child, reap):
            continue
        if _since_ns(child, caller) is not None:
            return child
        if adopted is None and _may_be_adopted(child, reap.return_ns, nodes):
            adopted = child
    return adopted


def _since_ns(child: Process, parent: ProcessId) -> int | None:
    """Give since when a process is a parent; None where it never was."""
    for span in child.parents:
        if span.parent == parent:
            return span.since_ns
    return None


def _has_ended(child: Process, reap: _Reap) -> bool:
    if child.end is not None:
        return child.end.time_ns <= reap.return_ns
    return reap.code is not None and not any(task.alive for task in child.tasks)


def _may_be_adopted(child: Process, time_ns: int, nodes: Nodes) -> bool:
    """Whether a process that is no known parent may have become one; else it is a tracer."""
    last = child.parents[-1] if child.parents else None
    if last is None or last.parent is None or last.certainty is not Certainty.CERTAIN:
        return True
    parent = nodes.processes.get(last.parent)
    return parent is not None and parent.end is not None and parent.end.time_ns <= time_ns


def _reaped(child: Process, reap: _Reap, nodes: Nodes) -> WaitOutcome:
    _compare_status(child, reap, nodes)
    caller = reap.process.id
    end_ns = child.end.time_ns if child.end is not None else 0
    since_ns = _since_ns(child, caller)
    if since_ns is None:
        since_ns = add_seen_parent(child, caller, reap.return_ns, nodes)
    if 0 < end_ns < since_ns and child.parents[0].parent != caller:
        # A zombie when its parent ended: only the process that it was given to reaped it.
        choice = Choice.NEVER
    elif reap.options & WNOHANG or (not reap.slept_ns and end_ns < reap.enter_ns):
        choice = Choice.WAITED_LATER
    else:
        # Also a call made before the end that found the zombie at once, without sleeping.
        choice = Choice.WAITED
    only_ends = not reap.options & (WSTOPPED | WCONTINUED)
    certain = end_ns and (reap.code is not None or only_ends)
    return WaitOutcome(
        choice,
        caller,
        reap.enter_ns,
        reap.return_ns,
        reap.slept_total_ns,
        reap.return_ns - end_ns if end_ns else 0,
        Certainty.CERTAIN if certain else Certainty.INFERRED,
    )


def _compare_status(child: Process, reap: _Reap, nodes: Nodes) -> None:
    """Compare the reported status with the recorded end, or take it where that one is missing."""
    if reap.code is None:
        return
    end = child.end
    if end is None:
        child.end = End(0, *decode(reap.code), 0, 0, 0, 0, 0, 0, certainty=Certainty.INFERRED)
    elif end.certainty is Certainty.UNKNOWN:
        end.status, end.signal, end.core_dumped = decode(reap.code)
        end.certainty = Certainty.INFERRED
    elif encode(end) != reap.code:
        nodes.anomalies.add("wait_status_differs")


def _unreaped(process: Process, nodes: Nodes, losses: Losses, end_ns: int) -> WaitOutcome:
    """Conclude from the absence of a wait call, where no such call can be missing."""
    end = process.end
    if end is None:
        return _without_end(process, losses)
    guardian = _guardian(process, end.time_ns, nodes)
    state = process.exit_state
    if guardian is None or not state or losses.possible_after(end.time_ns):
        return WaitOutcome(Choice.UNKNOWN, certainty=Certainty.UNKNOWN)
    if state == EXIT_DEAD:
        return WaitOutcome(Choice.AUTO_REAPED)
    gone_ns = guardian.end.time_ns if guardian.end is not None else end_ns
    return WaitOutcome(Choice.NEVER, zombie_ns=max(0, gone_ns - end.time_ns))


def _guardian(process: Process, time_ns: int, nodes: Nodes) -> Process | None:
    """Give the parent of a process at a moment; None where its calls were not recorded."""
    parent = None
    for span in process.parents:
        if span.since_ns <= time_ns or parent is None:
            parent = span.parent
    return nodes.processes.get(parent) if parent is not None else None


def _without_end(process: Process, losses: Losses) -> WaitOutcome:
    if any(task.alive for task in process.tasks):
        return WaitOutcome(Choice.ALIVE)
    if process.before_recording and not losses.possible_after(0):
        # As /proc showed it, and without any event since: nothing says that it ended.
        return WaitOutcome(Choice.ALIVE, certainty=Certainty.INFERRED)
    return WaitOutcome(Choice.UNKNOWN, certainty=Certainty.UNKNOWN)
