# SPDX-License-Identifier: Apache-2.0
"""How tasks and processes ended, and who killed them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from replay.process import Certainty, End, Process, Task, TaskId
from replay.tables import columns

if TYPE_CHECKING:
    from replay.nodes import Nodes
    from replay.process import ProcessId
    from replay.tables import TraceTables

SIGNAL_GROUP_EXIT = 4
"""signal->flags, include/linux/sched/signal.h: group_exit_code is the status of the process."""

_SENT_BY_TASK = frozenset({0, -1, -6})
"""si_code SI_USER, SI_QUEUE, SI_TKILL; with any other the kernel itself raised the signal."""

_GENERATED = (0, 4)
"""TRACE_SIGNAL_DELIVERED and TRACE_SIGNAL_LOSE_INFO, include/trace/events/signal.h: with the
other results the signal was not sent, or changed nothing."""

_EXIT = (
    "tid", "start_ns", "exit_state", "leader_exit_state", "dead_ns", "group_dead",
    "signal_flags", "group_exit_code", "comm", "uid", "cgroup",
)  # fmt: skip
_END = (
    "time_ns", "exit_code", "min_flt", "maj_flt", "utime_ns", "stime_ns", "runtime_ns",
    "maxrss_pages",
)  # fmt: skip


def decode(code: int) -> tuple[int, int, bool]:
    """Give (status, signal, core dumped) of a wait status or of task->exit_code."""
    return code >> 8 & 0xFF, code & 0x7F, bool(code & 0x80)


def encode(end: End) -> int:
    """Give the wait status of an end."""
    return end.status << 8 | end.signal | (0x80 if end.core_dumped else 0)


def add_ends(trace: TraceTables, nodes: Nodes) -> None:
    """Set the end of every task and process that ended, and who is still alive.

    Images must be known, to tell an exec after the end.
    """
    takeovers = _takeovers(trace)
    exits = _exits(trace)
    last_switch_ns: dict[ProcessId, int] = {}
    for row, numbers in zip(columns(exits, *_EXIT), columns(exits, *_END), strict=True):
        tid, start_ns, exit_state, leader_state, dead_ns, group_dead, *of_group = row
        time_ns, code, *usage = numbers
        task = nodes.tasks[tid, start_ns]
        end = End(time_ns, *decode(code), *usage)
        if time_ns < takeovers.get((tid, start_ns), 0):
            _replace(task, end)
            continue
        if not _set_end(task, end, nodes):
            continue
        flags, group_code, comm, uid, cgroup = of_group
        task.comm, task.exit_state = comm, exit_state
        process = nodes.processes[task.process]
        if dead_ns > last_switch_ns.get(process.id, 0):
            last_switch_ns[process.id] = dead_ns
            process.exit_state = leader_state
        if group_dead:
            process.uid, process.cgroup = uid, cgroup
            _end_process(process, task, group_code if flags & SIGNAL_GROUP_EXIT else None, nodes)
    _add_alive(trace, nodes)
    _check_last_tasks(nodes)
    _add_killers(trace, nodes)


def _exits(trace: TraceTables) -> pl.DataFrame:
    """Give the exit rows by time, with the state at the last switch of the same identity."""
    dead = trace.table("dead").select(
        "tid", "start_ns", "exit_state", "leader_exit_state", pl.col("time_ns").alias("dead_ns")
    )
    last = dead.sort("dead_ns").unique(["tid", "start_ns"], keep="last")
    seen = (pl.col("dead_ns") >= pl.col("time_ns")).fill_null(value=False)
    return (
        trace.table("exit")
        .join(last, on=["tid", "start_ns"], how="left")
        .with_columns(
            pl.when(seen).then(name).otherwise(0).alias(name)
            for name in ("exit_state", "leader_exit_state", "dead_ns")
        )
        .sort("time_ns", "tid", "start_ns", maintain_order=True)
    )


def _takeovers(trace: TraceTables) -> dict[tuple[int, int], int]:
    """Give when another task last took a leader's identity; exits before are of older bearers."""
    by_thread = trace.table("exec").filter(pl.col("old_tid") != pl.col("tid")).sort("time_ns")
    return {
        (tid, start_ns): time_ns
        for tid, start_ns, time_ns in columns(by_thread, "tid", "start_ns", "time_ns")
    }


def _replace(task: Task, end: End) -> None:
    if task.replaced_ends is None:
        task.replaced_ends = []
    task.replaced_ends.append(end)


def _set_end(task: Task, end: End, nodes: Nodes) -> bool:
    """Set the end of a task; false where the row is one too many."""
    if task.creation is not None and end.time_ns < task.creation.time_ns:
        nodes.anomalies.add("exit_before_creation")
        task.certainty = nodes.processes[task.process].certainty = Certainty.UNKNOWN
    if task.end is None:
        task.end = end
        return True
    nodes.anomalies.add("exit_repeated")
    process = nodes.processes[task.process]
    process.certainty = Certainty.UNKNOWN
    if process.end is not None:
        return False
    # Not yet the end of the process: an exec by a thread whose row is missing explains both.
    _replace(task, task.end)
    task.end = end
    return True


def _end_process(process: Process, last: Task, group_code: int | None, nodes: Nodes) -> None:
    """End a process with its last task, with the status that wait_task_zombie() reports."""
    end = last.end
    if process.end is not None or end is None:
        nodes.anomalies.add("last_task_repeated")
        process.certainty = Certainty.UNKNOWN
        return
    if process.images and process.images[-1].time_ns > end.time_ns:
        nodes.anomalies.add("exec_after_end")
        process.certainty = Certainty.UNKNOWN
    leader = process.leader
    if len(process.tasks) > 1 or leader.replaced_ends:
        end = _summed(process, end)
    if group_code is not None:
        code: int | None = group_code
    else:
        code = encode(leader.end) if leader.end is not None else None
    if code is None:
        nodes.anomalies.add("leader_status_missing")
        end = replace(end, status=0, signal=0, core_dumped=False, certainty=Certainty.UNKNOWN)
    elif code != encode(end):
        status, signal, core_dumped = decode(code)
        end = replace(end, status=status, signal=signal, core_dumped=core_dumped)
    process.end = end


def _summed(process: Process, last: End) -> End:
    """Give the end with the counts of all its tasks, those that an exec replaced too."""
    ends = [task.end for task in process.tasks if task.end is not None]
    for task in process.tasks:
        ends += task.replaced_ends or []
    return replace(
        last,
        min_flt=sum(end.min_flt for end in ends),
        maj_flt=sum(end.maj_flt for end in ends),
        utime_ns=sum(end.utime_ns for end in ends),
        stime_ns=sum(end.stime_ns for end in ends),
        runtime_ns=sum(end.runtime_ns for end in ends),
    )


def _add_alive(trace: TraceTables, nodes: Nodes) -> None:
    for tid, start_ns in columns(trace.table("end_task"), "tid", "start_ns"):
        task = nodes.tasks[tid, start_ns]
        if task.end is None:
            task.alive = True
        else:
            nodes.anomalies.add("ended_and_alive")


def _check_last_tasks(nodes: Nodes) -> None:
    """Infer the end of a process whose tasks all ended though none was its last."""
    endless = [process for process in nodes.processes.values() if process.end is None]
    for process in endless:
        tasks = [task for task in process.tasks if not task.became_leader_ns]
        last = max(tasks, key=_end_ns, default=process.leader)
        if last.end is None or any(task.end is None for task in tasks):
            continue
        nodes.anomalies.add("last_task_missing")
        _end_process(process, last, None, nodes)
        if process.end is not None:
            process.end = replace(process.end, certainty=Certainty.INFERRED)


def _end_ns(task: Task) -> int:
    return task.end.time_ns if task.end is not None else 0


_SIGNAL = ("time_ns", "tid", "start_ns", "target_tid", "target_tgid", "target_start_ns", "sig",
           "code")  # fmt: skip


def _add_killers(trace: TraceTables, nodes: Nodes) -> None:
    """Name the sender of the last signal to each process of the number that ended it."""
    sent = trace.table("signal").filter(pl.col("result").is_in(_GENERATED))
    for time_ns, tid, start_ns, *target, sig, code in columns(
        sent.sort("time_ns", maintain_order=True), *_SIGNAL
    ):
        process_id = nodes.process_of(*target)
        process = nodes.processes.get(process_id) if process_id is not None else None
        if process is None or process.end is None or process.end.signal != sig:
            continue
        if time_ns <= process.end.time_ns:
            process.end.killed_by = TaskId(tid, start_ns) if code in _SENT_BY_TASK else None
