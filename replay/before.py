# SPDX-License-Identifier: Apache-2.0
"""Tasks that are older than the recording: from /proc, and from their first event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.births import KERNEL_FLAGS
from replay.process import (
    Certainty,
    Image,
    ParentReason,
    ParentSpan,
    ProcessId,
    Task,
    TaskId,
)
from replay.tables import columns, identity_columns
from replay.text import arguments

if TYPE_CHECKING:
    from replay.nodes import Nodes
    from replay.process import Process
    from replay.tables import TraceTables

INITIAL_PIDNS_INUM = 0xEFFFFFFC
"""PROC_PID_INIT_INO, include/uapi/linux/nsfs.h: inode number of the initial pid namespace."""

_NS_PER_S = 1_000_000_000
_DEFAULT_TICKS_PER_S = 100


_ADOPTED = (
    "tid", "tgid", "start_ns", "leader_start_ns", "flags", "pidns_level", "pidns_inum", "ns_tid",
    "uid", "cgroup", "comm",
)  # fmt: skip


def _adopted(trace: TraceTables) -> pl.DataFrame:
    """Give the rows with leaders before threads, each in order of age."""
    rows = trace.table("adopted").unique(["tid", "start_ns"], keep="first", maintain_order=True)
    return rows.sort(pl.col("tid") != pl.col("tgid"), "start_ns", "tid", maintain_order=True)


def add_adopted(trace: TraceTables, nodes: Nodes) -> None:
    """Add the tasks of `adopted`."""
    for row in columns(_adopted(trace), *_ADOPTED):
        tid, tgid, start_ns, leader_start_ns, flags, level, inum, ns_tid, uid, cgroup, comm = row
        process_id = ProcessId(tgid, start_ns if tid == tgid else leader_start_ns)
        task = Task(TaskId(tid, start_ns), process_id, comm=comm, ns_tid=ns_tid)
        task.kernel = bool(flags & KERNEL_FLAGS)
        if tid == tgid:
            process = nodes.add_process(task)
            process.ns_pid = ns_tid
        else:
            process = _process_of_thread(task, nodes)
        process.before_recording = True
        process.pidns_level, process.pidns_inum = level, inum
        process.uid, process.cgroup = uid, cgroup


def _process_of_thread(thread: Task, nodes: Nodes) -> Process:
    """Add a thread whose leader may have had no event; the leader's identity is exact then."""
    if thread.process not in nodes.processes:
        nodes.add_process(Task(TaskId(*thread.process), thread.process))
    nodes.add_thread(thread)
    return nodes.processes[thread.process]


_START = (
    "tid", "tgid", "parent_tgid", "start_ticks", "comm", "argv", "executable", "cwd", "ns_tid",
    "pidns_inum",
)  # fmt: skip

_Shown = list[tuple["Process", int]]


def add_start_tasks(trace: TraceTables, nodes: Nodes) -> _Shown:
    """Add what /proc showed; give each process with the tgid of its parent.

    A task that was created while the list was being made has its creation recorded too, which
    says more: this needs the born tasks to be there already.
    """
    rows = trace.table("start_task").sort(
        pl.col("tid") != pl.col("tgid"), "start_ticks", "tid", maintain_order=True
    )
    ticks_per_s = _ticks_per_s(trace)
    exact = _exact_starts(trace, rows.get_column("tid"), ticks_per_s)
    shown: _Shown = []
    leaders: dict[int, ProcessId] = {}
    for row in columns(rows, *_START):
        tid, tgid, parent_tgid, ticks, comm, argv, executable, cwd, ns_tid, inum = row
        start_ns = exact.get((tid, ticks), ticks * _NS_PER_S // ticks_per_s)
        certainty = Certainty.CERTAIN if (tid, ticks) in exact else Certainty.INFERRED
        task_id = TaskId(tid, start_ns)
        process_id = ProcessId(*task_id) if tid == tgid else leaders.get(tgid)
        if process_id is None:
            process_id = nodes.process_of(tid, tgid, start_ns) or ProcessId(tgid, 0)
        task = nodes.tasks.get(task_id)
        if task is None:
            task = Task(task_id, process_id, comm=comm, ns_tid=ns_tid, certainty=certainty)
            _place(task, nodes)
        if tid != tgid:
            continue
        leaders[tgid] = process_id
        process = nodes.processes[process_id]
        if task.creation is not None:
            continue
        process.before_recording = True
        process.ns_pid, process.pidns_inum = ns_tid, inum
        task.ns_tid, task.comm = ns_tid, task.comm or comm
        process.inherited = _image(argv, executable, cwd, task_id)
        task.kernel |= not executable and not argv
        shown.append((process, parent_tgid))
    return shown


def _place(task: Task, nodes: Nodes) -> None:
    if task.id.tid == task.process.tgid:
        nodes.add_process(task)
    else:
        nodes.add_thread(task)


def _image(argv: bytes, executable: bytes, cwd: bytes, by: TaskId) -> Image | None:
    if not argv and not executable:
        return None
    return Image(
        0, arguments(argv), argv_truncated=False, path=b"", executable=executable,
        interpreter=b"", cwd=cwd, environment=(), by=by,
    )  # fmt: skip


def _ticks_per_s(trace: TraceTables) -> int:
    host = trace.metadata.get("host")
    value = host.get("clock_ticks_per_second") if isinstance(host, dict) else None
    return value if isinstance(value, int) and value > 0 else _DEFAULT_TICKS_PER_S


def _exact_starts(
    trace: TraceTables, tids: pl.Series, ticks_per_s: int
) -> dict[tuple[int, int], int]:
    """Give start_boottime by (tid, clock ticks) for the tasks of /proc that any row mentions.

    /proc shows nsec_to_clock_t(start_boottime), which rounds down (fs/proc/array.c).
    """
    if tids.is_empty():
        return {}
    wanted = tids.unique().to_list()
    found: dict[tuple[int, int], int] = {}
    for table, tid_column, start_column in identity_columns():
        rows = trace.table(table).filter(pl.col(tid_column).is_in(wanted))
        for tid, start_ns in columns(rows.select(tid_column, start_column).unique(),
                                     tid_column, start_column):  # fmt: skip
            if start_ns:
                key = (tid, start_ns * ticks_per_s // _NS_PER_S)
                found[key] = min(start_ns, found.get(key, start_ns))
    return found


def set_older_parents(trace: TraceTables, shown: _Shown, nodes: Nodes) -> None:
    """Set the parents of older processes as recording began; every task must be known."""
    _set_shown_parents(shown)
    _set_adopted_parents(trace, nodes)


def _set_shown_parents(shown: _Shown) -> None:
    """Set the parents that /proc showed: of those with that tgid, the one that was there too."""
    there = {process.id.tgid: process.id for process, _ in shown}
    for process, parent_tgid in shown:
        parent = there.get(parent_tgid)
        known = parent is not None or parent_tgid == 0
        certainty = Certainty.CERTAIN if known else Certainty.UNKNOWN
        process.parents.append(ParentSpan(0, parent, ParentReason.START, certainty))


_PARENT = ("time_ns", "tgid", "leader_start_ns", "real_parent_tid", "real_parent_tgid",
           "real_parent_start_ns")  # fmt: skip


def _set_adopted_parents(trace: TraceTables, nodes: Nodes) -> None:
    """Set the parents that tasks showed at their first event, where /proc did not say so."""
    rows = trace.table("adopted").sort("time_ns", maintain_order=True)
    for time_ns, tgid, start_ns, *parent_task in columns(rows, *_PARENT):
        process = nodes.processes.get((tgid, start_ns))
        parent = nodes.process_of(*parent_task)
        if process is None or (process.parents and parent in {None, process.parents[-1].parent}):
            continue
        first = not process.parents or process.parents[-1].certainty is Certainty.UNKNOWN
        reason = ParentReason.START if first else ParentReason.SEEN
        certainty = Certainty.CERTAIN if parent is not None else Certainty.UNKNOWN
        span = ParentSpan(time_ns, parent, reason, certainty)
        process.parents = [span] if first else [*process.parents, span]
