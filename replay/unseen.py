# SPDX-License-Identifier: Apache-2.0
"""Tasks that have events although nothing recorded says where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.process import Certainty, ProcessId, Task, TaskId
from replay.tables import columns

if TYPE_CHECKING:
    from replay.nodes import Nodes
    from replay.tables import TraceTables

_ACTING = (
    "newtask", "started", "clone_call", "exec", "exec_failed", "wait", "exit", "dead", "end_task",
)  # fmt: skip


def add_unseen(trace: TraceTables, nodes: Nodes) -> None:
    """Add a task of unknown origin for each identity that acts and is no task yet.

    An identity that only another task's row mentions, as the parent of the root command, is not
    followed and gets no task.
    """
    rows = _acting(trace).join(_created(trace), on=["tid", "start_ns"], how="anti")
    rows = rows.sort(pl.col("tid") != pl.col("tgid"), "start_ns", "tid", "tgid")
    for tid, tgid, start_ns in columns(rows, "tid", "tgid", "start_ns"):
        if (tid, start_ns) in nodes.tasks:
            continue
        nodes.anomalies.add("task_never_created")
        process_id = nodes.process_of(tid, tgid, start_ns) or ProcessId(tgid, 0)
        task = Task(TaskId(tid, start_ns), process_id, certainty=Certainty.UNKNOWN)
        if tid == tgid:
            nodes.add_process(task)
        else:
            nodes.add_thread(task)


def _acting(trace: TraceTables) -> pl.DataFrame:
    frames = [trace.table(name).select("tid", "tgid", "start_ns") for name in _ACTING]
    before_exec = trace.table("exec").select(
        pl.col("old_tid").alias("tid"), "tgid", pl.col("old_start_ns").alias("start_ns")
    )
    return pl.concat([frame.unique() for frame in (*frames, before_exec)]).unique()


def _created(trace: TraceTables) -> pl.DataFrame:
    born = trace.table("newtask").select(
        pl.col("child_tid").alias("tid"), pl.col("child_start_ns").alias("start_ns")
    )
    return pl.concat([born, trace.table("adopted").select("tid", "start_ns")])
