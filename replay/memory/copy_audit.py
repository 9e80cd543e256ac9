# SPDX-License-Identifier: Apache-2.0
"""Copies on write as faults showed them, against the kernel's own count of each task.

The kernel counts runs of wp_page_copy() (mm/memory.c) and hugetlb_wp() (mm/hugetlb.c): copies of
private pages, of the page of zeros, and of pages of files that were there for reading; copies
for get_user_pages() too, and those thrown away because another thread was faster. It does not
count do_cow_fault(), which copies a page of a file that was not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.memory.classes import WRITE, FaultClass
from replay.memory.fault_audit import Cause

if TYPE_CHECKING:
    from replay.memory.fault_audit import FaultAudit
    from replay.memory.history import PageHistories
    from replay.tables import TraceTables

_F = FaultClass
_TASK: Final = ["tid", "start_ns"]
_COPYING: Final = (_F.COPY, _F.FILE_COW, _F.ZERO_COPY, _F.HUGE_COPY, _F.HUGE_SPLIT)
_PERHAPS: Final = (_F.RACED, _F.SPURIOUS, _F.SWAP_IN, _F.MIGRATION_WAIT, _F.UNKNOWN, _F.INCOMPLETE)
"""Writes of these classes may have copied too: in vain, or after the page had been brought back."""
_PRESENT: Final = 1
"""`error_code` of an access to a page that was there."""


class CopyCause(StrEnum):
    """Why copies that the kernel counted were not seen, in the order they are tried."""

    RACED = "raced"
    """Faults whose entries do not tell: another thread was faster, the page came from swap."""
    UNSEEN_FAULTS = "unseen_faults"
    """Copies in faults that the kernel counted and that raised no event: get_user_pages()."""
    BEFORE_START = "before_start"
    """The task was there before it was followed."""
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class CopyAudit:
    """Copies of the tasks that ended and that the kernel counted for."""

    recorded: int
    expected: int
    tasks: int
    exact: int
    """Tasks of which both numbers are equal."""
    without_count: int
    """Tasks that ended and whose count was not received, or began before it was kept."""
    causes: dict[CopyCause, int]
    """Copies by why they were not seen; those above zero."""
    beyond: int
    """Copies that were seen and that the kernel did not count, of tasks that had their address
    space to themselves: a contradiction."""
    by_task: pl.DataFrame
    """A row for each task that was compared: `tid`, `start_ns`, `tgid`, `copied`, `wpcopy_count`,
    `difference`, and a column for each `CopyCause`."""

    @classmethod
    def of(cls, trace: TraceTables, memory: PageHistories, faults: FaultAudit) -> CopyAudit | None:
        """Compare them, task by task; None where the kernel was not asked (--audit-copies)."""
        if trace.table("taskstats").is_empty():
            return None
        ended = faults.by_task
        tasks = _with_counts(trace, ended).join(_seen(memory), on=_TASK, how="left")
        tasks = tasks.with_columns(pl.col("copied", "perhaps").fill_null(0))
        tasks = tasks.with_columns((pl.col("wpcopy_count") - pl.col("copied")).alias("difference"))
        kept = pl.col("whole_life") | (pl.col("difference") >= 0)
        tasks = _shared_out(tasks.filter(kept))
        sums = {cause: int(tasks[cause].sum()) for cause in CopyCause}
        alone = tasks.join(_alone(memory), on=_TASK, how="semi")
        return cls(
            int(tasks["copied"].sum()),
            int(tasks["wpcopy_count"].sum()),
            len(tasks),
            int((tasks["difference"] == 0).sum()),
            len(ended) - len(tasks),
            {cause: count for cause, count in sums.items() if count},
            -int(alone["difference"].clip(upper_bound=0).sum()),
            tasks.select(*_TASK, "tgid", "copied", "wpcopy_count", "difference", *CopyCause),
        )

    @property
    def explained(self) -> bool:
        """Whether a cause accounts for every difference."""
        known = self.tasks and CopyCause.UNEXPLAINED not in self.causes
        return bool(known) and not (self.by_task["difference"] < 0).any()


def _with_counts(trace: TraceTables, ended: pl.DataFrame) -> pl.DataFrame:
    """Add the kernel's counts; a pid that came again has several, told apart by time."""
    ends = trace.table("exit").select(*_TASK, "time_ns").unique(_TASK, keep="last")
    counts = trace.table("taskstats").select(
        "tid", "time_ns", pl.col("wpcopy_count").cast(pl.Int64, strict=False)
    )
    found = ends.sort("time_ns").join_asof(
        counts.sort("time_ns"), on="time_ns", by="tid", strategy="nearest", check_sortedness=False
    )
    found = found.drop("time_ns").drop_nulls("wpcopy_count")
    return ended.join(found, on=_TASK, how="inner", maintain_order="left")


def _seen(memory: PageHistories) -> pl.DataFrame:
    """Count the copies of each task before its end, and faults that may have been some."""
    write = (pl.col("error_code") & WRITE) != 0
    present = (pl.col("error_code") & _PRESENT) != 0
    copied = pl.col("class").is_in(_COPYING) & present
    perhaps = pl.col("class").is_in(_PERHAPS) & write
    rows = memory.faults.filter(copied | perhaps)
    rows = rows.with_columns(memory.spaces.assign(rows)["start_ns"], copied.alias("copied"))
    return rows.group_by(_TASK).agg(
        pl.col("copied").sum().cast(pl.Int64),
        (~pl.col("copied")).sum().cast(pl.Int64).alias("perhaps"),
    )


def _shared_out(tasks: pl.DataFrame) -> pl.DataFrame:
    left = pl.col("difference").clip(lower_bound=0)
    # What execve writes its arguments to are new pages, and no copies.
    unseen = pl.sum_horizontal([Cause.POPULATED, Cause.LOST, Cause.OTHER_CALLS])
    most = {
        CopyCause.RACED: pl.col("perhaps"),
        CopyCause.UNSEEN_FAULTS: unseen,
        CopyCause.BEFORE_START: pl.col(f"{Cause.BEFORE_START}_faults"),
        CopyCause.UNEXPLAINED: left,
    }
    tasks = tasks.rename({Cause.BEFORE_START: f"{Cause.BEFORE_START}_faults"})
    tasks = tasks.with_columns(left.alias("left"))
    for cause, at_most in most.items():
        share = pl.min_horizontal("left", at_most.cast(pl.Int64)).alias(cause)
        tasks = tasks.with_columns(share)
        tasks = tasks.with_columns((pl.col("left") - pl.col(cause)).alias("left"))
    return tasks


def _alone(memory: PageHistories) -> pl.DataFrame:
    """Give the tasks that never shared an address space with another."""
    users = [(space.number, *use.task) for space in memory.spaces.spaces for use in space.users]
    schema = {"space": pl.Int64, "tid": pl.UInt32, "start_ns": pl.UInt64}
    used = pl.DataFrame(users, schema, orient="row")
    shared = used.group_by("space").agg(pl.struct(_TASK).n_unique().alias("tasks"))
    most = used.join(shared, on="space").group_by(_TASK).agg(pl.col("tasks").max())
    return most.filter(pl.col("tasks") == 1)
