# SPDX-License-Identifier: Apache-2.0
"""Lives of tasks and processes as frames: born, executed, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from replay.tables import TraceTables

TASK: Final = ["tid", "start_ns"]
PROCESS: Final = ["tgid", "leader_start_ns"]
SIGNAL_GROUP_EXIT: Final = 4
"""signal->flags, include/linux/sched/signal.h."""
_NAMESPACE: Final = ("pidns_level", "pidns_inum", "ns_tid")


def tasks(trace: TraceTables) -> pl.DataFrame:
    """Give each task once: TASK, PROCESS, born_ns, exit_signal, its pid namespace, mm.

    `born_ns` of a task that was there before is when it was first seen. A thread that executes
    takes the identity of its leader, so that its own has no end.
    """
    born = trace.table("newtask").select(
        *_NAMESPACE, "exit_signal",
        tid="child_tid", start_ns="child_start_ns", tgid="child_tgid",
        leader_start_ns="child_leader_start_ns", born_ns="time_ns", mm="child_mm",
    )  # fmt: skip
    adopted = trace.table("adopted").select(
        *_NAMESPACE, "exit_signal", *TASK, *PROCESS, "mm", born_ns="time_ns"
    )
    both = pl.concat([born, adopted.select(born.columns)])
    return both.unique(TASK, keep="first", maintain_order=True)


def with_leader(rows: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Add leader_start_ns to rows that name a task by tid, tgid and start_ns; null if unknown."""
    known = lives.select(*TASK, "leader_start_ns")
    own = pl.col("tid") == pl.col("tgid")
    return rows.join(known, on=TASK, how="left", maintain_order="left").with_columns(
        leader_start_ns=pl.when(own).then("start_ns").otherwise("leader_start_ns")
    )


def ends(trace: TraceTables, lives: pl.DataFrame) -> pl.DataFrame:
    """Give the rows of `exit` in order of time, with leader_start_ns."""
    return with_leader(trace.table("exit"), lives).sort("time_ns", maintain_order=True)


def executions(trace: TraceTables, lives: pl.DataFrame) -> pl.DataFrame:
    """Give the rows of `exec` in order of time with what the task was: was_tgid, was_leader_ns."""
    was = lives.select(
        old_tid="tid", old_start_ns="start_ns", was_tgid="tgid", was_leader_ns="leader_start_ns"
    )
    rows = trace.table("exec").sort("time_ns", maintain_order=True)
    return rows.join(was, on=["old_tid", "old_start_ns"], how="left", maintain_order="left")


def ended_processes(ends_of_tasks: pl.DataFrame) -> pl.DataFrame:
    """Give each process of which an end was seen: first and last end, status, faults, parent.

    `end_ns` is the last of its tasks' ends. `code` is what wait() reports by
    wait_task_zombie() (kernel/exit.c): that of the group's exit, else that of the leader.
    """
    leader = pl.col("exit_code").filter(pl.col("tid") == pl.col("tgid")).last()
    group = (pl.col("signal_flags").last() & SIGNAL_GROUP_EXIT) != 0
    return ends_of_tasks.group_by(PROCESS, maintain_order=True).agg(
        end_ns=pl.col("time_ns").last(),
        tasks_ended=pl.len(),
        group_dead=(pl.col("group_dead") != 0).sum(),
        group_dead_ns=pl.col("time_ns").filter(pl.col("group_dead") != 0).min(),
        code=pl.when(group).then(pl.col("group_exit_code").last()).otherwise(leader),
        min_flt=pl.col("min_flt").sum(),
        maj_flt=pl.col("maj_flt").sum(),
        maxrss_pages=pl.col("maxrss_pages").filter(pl.col("group_dead") != 0).last(),
        parent_tid=pl.col("real_parent_tid").last(),
        parent_tgid=pl.col("real_parent_tgid").last(),
    )
