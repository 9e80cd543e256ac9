# SPDX-License-Identifier: Apache-2.0
"""Recorded faults of each task against what the kernel itself counted for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from replay.memory.classes import COMPLETED

if TYPE_CHECKING:
    from replay.memory.history import PageHistories
    from replay.tables import TraceTables

_TASK = ["tid", "start_ns"]


def task_counts(trace: TraceTables, memory: PageHistories) -> pl.DataFrame:
    """Give a row for each task that ended, in order of its end.

    `tid`, `start_ns`, `tgid`; `recorded`: completed faults of the task up to its exit row;
    `after`: those after it; `expected`: min_flt + maj_flt as the exit row has them;
    `difference`: expected - recorded; `whole_life`: whether it was created while followed, so
    that nothing of it is from before.

    mm_account_fault() (mm/memory.c) counts faults that come from get_user_pages() too, for the
    task that asks, and those have no recorded fault: the arguments of exec, MAP_POPULATE, pinned
    buffers. A thread that becomes the leader of its process by exec keeps its counts.
    """
    faults = _completed(trace, memory)
    ends = trace.table("exit").sort("time_ns", maintain_order=True).unique(
        _TASK, keep="last", maintain_order=True
    )  # fmt: skip
    born = trace.table("newtask").select(
        pl.col("child_tid").alias("tid"),
        pl.col("child_start_ns").alias("start_ns"),
        pl.lit(value=True).alias("whole_life"),
    )
    end = ends.select(*_TASK, pl.col("time_ns").alias("end_ns"))
    after = pl.col("time_ns") > pl.col("end_ns")
    counted = (
        faults.join(end, on=_TASK, how="inner")
        .group_by(_TASK)
        .agg(
            (~after).sum().cast(pl.Int64).alias("recorded"),
            after.sum().cast(pl.Int64).alias("after"),
        )
    )
    expected = (pl.col("min_flt") + pl.col("maj_flt")).cast(pl.Int64, strict=False)
    return (
        ends.select(*_TASK, "tgid", expected.alias("expected"))
        .join(counted, on=_TASK, how="left", maintain_order="left")
        .join(born.unique(_TASK), on=_TASK, how="left", maintain_order="left")
        .with_columns(
            pl.col("recorded", "after").fill_null(0), pl.col("whole_life").fill_null(value=False)
        )
        .with_columns((pl.col("expected") - pl.col("recorded")).alias("difference"))
        .select(*_TASK, "tgid", "recorded", "after", "expected", "difference", "whole_life")
    )


def _completed(trace: TraceTables, memory: PageHistories) -> pl.DataFrame:
    """Give (tid, start_ns, time_ns) of each completed fault, by the identity the task ended with.

    de_thread() (fs/exec.c) gives a thread that executes a program the leader's tid and start
    time; the faults of the leader that it replaced are left out.
    """
    faults = memory.faults.filter((pl.col("flags") & COMPLETED) != 0).select("tid", "time_ns")
    faults = faults.with_columns(memory.spaces.assign(faults)["start_ns"])
    taken = trace.table("exec").filter(pl.col("old_tid") != pl.col("tid"))
    if taken.is_empty():
        return faults
    taken = taken.sort("time_ns", maintain_order=True)
    before = taken.select(
        pl.col("old_tid").alias("tid"),
        pl.col("old_start_ns").alias("start_ns"),
        pl.col("tid").alias("later_tid"),
        pl.col("start_ns").alias("later_start_ns"),
    ).unique(_TASK, keep="last")
    since = taken.select(*_TASK, pl.col("time_ns").alias("taken_ns")).unique(_TASK, keep="last")
    replaced = (pl.col("time_ns") < pl.col("taken_ns")).fill_null(value=False)
    return (
        faults.join(since, on=_TASK, how="left")
        .filter(~replaced)
        .join(before, on=_TASK, how="left")
        .select(
            pl.coalesce("later_tid", "tid").alias("tid"),
            pl.coalesce("later_start_ns", "start_ns").alias("start_ns"),
            "time_ns",
        )
    )
