# SPDX-License-Identifier: Apache-2.0
"""Tasks that were created while they were followed, each with the call that created it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.names import CLONE_THREAD
from replay.process import (
    Certainty,
    Creation,
    ParentReason,
    ParentSpan,
    ProcessId,
    Task,
    TaskId,
)
from replay.tables import columns

if TYPE_CHECKING:
    from replay.nodes import Nodes
    from replay.process import Process
    from replay.tables import TraceTables

KERNEL_FLAGS = 0x200000 | 0x4000 | 0x10
"""PF_KTHREAD | PF_USER_WORKER | PF_IO_WORKER, include/linux/sched.h of 6.18."""

_NO_TIME_LIMIT = 2**64 - 1

_CREATION = (
    "time_ns", "tid", "start_ns", "clone_flags", "exit_signal", "syscall", "enter_ns",
    "return_ns", "blocked_total_ns", "wakeup_new_ns", "first_run_ns",
)  # fmt: skip
_CHILD = ("child_tid", "child_tgid", "child_start_ns", "child_leader_start_ns", "comm", "ns_tid")
_PROCESS = (
    "real_parent_tid", "real_parent_tgid", "real_parent_start_ns", "pidns_inum", "pidns_level",
    "uid", "cgroup", "result",
)  # fmt: skip


def births(trace: TraceTables) -> pl.DataFrame:
    """Give the newtask rows in order of creation, joined with the clone call and the first run.

    Added columns: `syscall`, `enter_ns`, `return_ns`, `blocked_total_ns`, `result` (of the call),
    `wakeup_new_ns`, `first_run_ns`; all 0 where no such row belongs to the new task.
    """
    started = trace.table("started").select(
        pl.col("tid").alias("child_tid"),
        pl.col("start_ns").alias("child_start_ns"),
        "wakeup_new_ns",
        pl.col("time_ns").alias("first_run_ns"),
    )
    child = ["child_tid", "child_start_ns"]
    born = trace.table("newtask").sort("time_ns", maintain_order=True)
    return (
        born.unique(child, keep="first", maintain_order=True)
        .join_asof(
            successful_calls(trace),
            left_on="time_ns",
            right_on="limit_ns",
            by=["tid", "start_ns"],
            strategy="forward",
            check_sortedness=False,  # both are sorted by time, and so is each caller's part
        )
        .with_columns(_where_inside("syscall", "return_ns", "blocked_total_ns", "result"))
        .with_columns(_where_inside("enter_ns"))
        .join(started.unique(child, keep="first"), on=child, how="left")
        .with_columns(pl.col("wakeup_new_ns", "first_run_ns").fill_null(0))
        .sort("child_start_ns", "child_tid", maintain_order=True)
    )


def successful_calls(trace: TraceTables) -> pl.DataFrame:
    """Give the clone calls that made a task, by time of return.

    `limit_ns` is that time too, except for a call that had not returned when recording ended:
    any later time is inside it.
    """
    unfinished = pl.col("unfinished") == 1
    return (
        trace.table("clone_call")
        .filter((pl.col("result") > 0) | unfinished)
        .select(
            "tid", "start_ns", "enter_ns", "syscall", "blocked_total_ns", "unfinished",
            pl.when(unfinished).then(0).otherwise("time_ns").alias("return_ns"),
            pl.when(unfinished).then(0).otherwise("result").alias("result"),
            pl.when(unfinished).then(pl.lit(_NO_TIME_LIMIT, pl.UInt64)).otherwise("time_ns")
            .alias("limit_ns"),
        )
        .sort("limit_ns", maintain_order=True)
    )  # fmt: skip


def _where_inside(*names: str) -> list[pl.Expr]:
    """Keep the call's columns where the new task appeared inside the call, and 0 elsewhere."""
    inside = (pl.col("enter_ns") <= pl.col("time_ns")).fill_null(value=False)
    return [pl.when(inside).then(name).otherwise(0).alias(name) for name in names]


def add_born(trace: TraceTables, born: pl.DataFrame, nodes: Nodes) -> list[_LateParent]:
    """Add a task for each row of `births`; give the processes whose parent was not yet known."""
    _count_contradictions(trace, born, nodes)
    late: list[_LateParent] = []
    processes = born.filter(pl.col("child_tid") == pl.col("child_tgid"))
    tasks = _tasks(processes)
    for task, row in zip(tasks, columns(processes, *_PROCESS), strict=True):
        process = nodes.processes.get(task.process)
        if process is None:
            process = nodes.add_process(task)
        else:
            nodes.anomalies.add("adopted_and_created")
            process.leader.creation = task.creation
            process.before_recording = False
            process.certainty = Certainty.UNKNOWN
        _fill(process, row, nodes, late)
    for thread in _tasks(born.filter(pl.col("child_tid") != pl.col("child_tgid"))):
        if thread.id in nodes.tasks:
            nodes.anomalies.add("adopted_and_created")
        else:
            nodes.add_thread(thread)
    return late


_LateParent = tuple["Process", tuple[int, int, int]]


def set_late_parents(late: list[_LateParent], nodes: Nodes) -> None:
    """Give the parent at birth to those for which every task had to be known first."""
    for process, (tid, tgid, start_ns) in late:
        parent = nodes.process_of(tid, tgid, start_ns)
        certainty = Certainty.CERTAIN if tid == tgid else Certainty.INFERRED
        if parent is None:
            nodes.anomalies.add("parent_unknown")
            certainty = Certainty.UNKNOWN
        creation = process.leader.creation
        since_ns = creation.time_ns if creation is not None else 0
        process.parents.append(ParentSpan(since_ns, parent, ParentReason.BIRTH, certainty))


def _tasks(born: pl.DataFrame) -> list[Task]:
    kernel = (born.get_column("child_flags") & KERNEL_FLAGS) != 0
    tasks = []
    rows = zip(columns(born, *_CREATION), columns(born, *_CHILD), kernel.to_list(), strict=True)
    for made, (tid, tgid, start_ns, leader_start_ns, comm, ns_tid), is_kernel in rows:
        time_ns, caller_tid, caller_start_ns, *call = made
        creation = Creation(time_ns, TaskId(caller_tid, caller_start_ns), *call)
        process_id = ProcessId(tgid, start_ns if tid == tgid else leader_start_ns)
        task = Task(TaskId(tid, start_ns), process_id, creation, comm)
        task.ns_tid = ns_tid
        task.kernel = is_kernel
        tasks.append(task)
    return tasks


def _fill(process: Process, row: tuple[int, ...], nodes: Nodes, late: list[_LateParent]) -> None:
    tid, tgid, start_ns, inum, level, process.uid, process.cgroup, result = row
    process.pidns_inum = inum
    process.pidns_level = level
    leader = process.tasks[0]
    process.ns_pid = leader.ns_tid
    creation = leader.creation
    parent = nodes.tasks.get((tid, start_ns))
    if parent is None:
        late.append((process, (tid, tgid, start_ns)))
    elif creation is not None:
        span = ParentSpan(creation.time_ns, parent.process, ParentReason.BIRTH)
        process.parents.append(span)
    if level and result > 0 and creation is not None:
        caller = nodes.tasks.get(creation.caller)
        if caller is not None:
            above = nodes.processes[caller.process].pidns_inum
            if above != inum:
                nodes.foreign_pids.append((above, result, process))


def _count_contradictions(trace: TraceTables, born: pl.DataFrame, nodes: Nodes) -> None:
    count = nodes.anomalies.add
    count("newtask_repeated", len(trace.table("newtask")) - len(born))
    thread = pl.col("child_tid") != pl.col("child_tgid")
    flagged = (pl.col("clone_flags") & CLONE_THREAD) != 0
    count("thread_flag_differs", len(born.filter(thread != flagged)))
    by_kernel = ((pl.col("child_flags") | pl.col("flags")) & KERNEL_FLAGS) != 0
    count("newtask_without_clone", len(born.filter((pl.col("syscall") == 0) & ~by_kernel)))
    returned = len(successful_calls(trace).filter(pl.col("unfinished") == 0))
    matched = len(born.filter(pl.col("return_ns") > 0))
    count("clone_without_newtask", max(0, returned - matched))
