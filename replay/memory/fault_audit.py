# SPDX-License-Identifier: Apache-2.0
"""Why the kernel counted more faults for a task than were recorded, as far as can be told.

mm_account_fault() (mm/memory.c) counts faults of get_user_pages() for the task that asks, and
those raise no event. Where a recorded call explains such faults, it says how many at most.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import polars as pl

from replay.memory.counts import task_counts
from replay.memory.pte import PAGE_BYTES
from replay.tables import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.memory.history import PageHistories
    from replay.tables import TraceTables

_TASK: Final = ["tid", "start_ns"]
_MMAP, _MADVISE = 9, 28
_MAP_LOCKED, _MAP_POPULATE = 0x2000, 0x8000
_POPULATING_ADVICE: Final = (22, 23)
"""MADV_POPULATE_READ and MADV_POPULATE_WRITE, include/uapi/asm-generic/mman-common.h."""
_AUXILIARY_VECTOR, _AT_EXECFN = 7, 31
_PAIR = struct.Struct("<QQ")
_MOST_ARGUMENT_PAGES: Final = (6 << 20) // PAGE_BYTES
"""bprm_stack_limits() (fs/exec.c) allows three quarters of _STK_LIM (8 MiB)."""
_FAULT_RING: Final = b"fault ring"


class Cause(StrEnum):
    """Why faults that the kernel counted were not recorded, in the order they are tried."""

    EXEC_ARGUMENTS = "exec_arguments"
    """execve wrote its arguments into the stack of the new image: get_arg_page() (fs/exec.c)."""
    POPULATED = "populated"
    """MAP_POPULATE, MAP_LOCKED or MADV_POPULATE_* touched the pages: populate_vma_page_range()
    and faultin_page_range() (mm/gup.c)."""
    BEFORE_START = "before_start"
    """The task was there before it was followed."""
    LOST = "lost"
    """Records of faults were lost."""
    OTHER_CALLS = "other_calls"
    """get_user_pages() for something that is not recorded: ptrace, process_vm_writev, O_DIRECT,
    mlock, a futex in shared memory."""


@dataclass(frozen=True, slots=True)
class FaultAudit:
    """Completed faults of all tasks that ended, against the kernel's own counts of them."""

    recorded: int
    expected: int
    tasks: int
    exact: int
    """Tasks of which both numbers are equal."""
    after_end: int
    """Faults after the task's exit row, which the kernel's counts in it do not contain."""
    causes: dict[Cause, int]
    """Faults by why they were not recorded; those above zero."""
    beyond: int
    """Faults that were recorded and that the kernel did not count: a contradiction."""
    by_task: pl.DataFrame
    """A row for each task that ended: see `task_counts`, and a column for each `Cause`."""

    @classmethod
    def of(cls, trace: TraceTables, memory: PageHistories) -> FaultAudit:
        """Compare them, task by task."""
        tasks = task_counts(trace, memory)
        for name, bounds in (
            (Cause.EXEC_ARGUMENTS, _argument_pages(trace)),
            (Cause.POPULATED, _populated_pages(trace)),
        ):
            at_most = bounds.group_by(_TASK).agg(pl.col("pages").sum().alias(name))
            tasks = tasks.join(at_most, on=_TASK, how="left", maintain_order="left")
        tasks = _shared_out(tasks, any_lost=_FAULT_RING in trace.table("lost")["ring"].to_list())
        sums = {cause: int(tasks[cause].sum()) for cause in Cause}
        return cls(
            int(tasks["recorded"].sum()),
            int(tasks["expected"].sum()),
            len(tasks),
            int((tasks["difference"] == 0).sum()),
            int(tasks["after"].sum()),
            {cause: count for cause, count in sums.items() if count},
            -int(tasks["difference"].clip(upper_bound=0).sum()),
            tasks,
        )

    @property
    def explained(self) -> bool:
        """Whether a recorded cause accounts for every difference."""
        return not self.beyond and not {Cause.OTHER_CALLS, Cause.LOST} & self.causes.keys()


def _shared_out(tasks: pl.DataFrame, *, any_lost: bool) -> pl.DataFrame:
    """Give each cause as much of what is left of the difference as it explains."""
    left = pl.col("difference").clip(lower_bound=0)
    most = {
        Cause.EXEC_ARGUMENTS: pl.col(Cause.EXEC_ARGUMENTS).fill_null(0),
        Cause.POPULATED: pl.col(Cause.POPULATED).fill_null(0),
        Cause.BEFORE_START: pl.when(pl.col("whole_life")).then(0).otherwise(left),
        Cause.LOST: left if any_lost else pl.lit(0),
        Cause.OTHER_CALLS: left,
    }
    tasks = tasks.with_columns(left.alias("left"))
    for cause, at_most in most.items():
        share = pl.min_horizontal("left", at_most.cast(pl.Int64)).alias(cause)
        tasks = tasks.with_columns(share)
        tasks = tasks.with_columns((pl.col("left") - pl.col(cause)).alias("left"))
    return tasks.drop("left")


def _argument_pages(trace: TraceTables) -> pl.DataFrame:
    """Give for each exec how many pages its arguments, environment and path lay on at most."""
    vectors = trace.table("text").filter(pl.col("what") == _AUXILIARY_VECTOR)
    tops = {
        (tid, time_ns): _path_address(data)
        for tid, time_ns, data in columns(vectors, "tid", "time_ns", "data")
    }
    done = columns(trace.table("exec"), "tid", "start_ns", "time_ns", "start_stack")
    rows = [
        (tid, start_ns, _between(stack, tops.get((tid, time_ns), 0)))
        for tid, start_ns, time_ns, stack in done
    ]
    failed = columns(trace.table("exec_failed"), *_TASK)
    rows += [(tid, start_ns, _MOST_ARGUMENT_PAGES) for tid, start_ns in failed]
    schema = {"tid": pl.UInt32, "start_ns": pl.UInt64, "pages": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row")


def _path_address(vector: bytes) -> int:
    """Give where the program's path lies, the topmost string of a new stack; 0 unknown."""
    pairs: Iterator[tuple[int, int]] = _PAIR.iter_unpack(vector[: len(vector) // 16 * 16])
    return dict(pairs).get(_AT_EXECFN, 0)


def _between(stack: int, path: int) -> int:
    """Count pages from the stack pointer to the end of a path of up to a page."""
    if not stack or not stack <= path < stack + _MOST_ARGUMENT_PAGES * PAGE_BYTES:
        return _MOST_ARGUMENT_PAGES
    return path // PAGE_BYTES - stack // PAGE_BYTES + 2


def _populated_pages(trace: TraceTables) -> pl.DataFrame:
    """Give for each call that touches a whole range how many pages the range has."""
    flags = pl.col("arg3") & (_MAP_LOCKED | _MAP_POPULATE)
    maps = (pl.col("syscall") == _MMAP) & (flags != 0)
    advises = (pl.col("syscall") == _MADVISE) & pl.col("arg2").is_in(_POPULATING_ADVICE)
    pages = pl.col("arg1") // PAGE_BYTES + (pl.col("arg1") % PAGE_BYTES != 0)
    within = pages.clip(upper_bound=1 << 40).cast(pl.Int64).alias("pages")
    return trace.table("mapping_call").filter(maps | advises).select(*_TASK, within)
