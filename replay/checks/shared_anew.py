# SPDX-License-Identifier: Apache-2.0
"""Faults during which another thread forked, and so shared the page with a child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.memory.walk import NOWHERE
from replay.names import CLONE_VM

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_SYSCALL_VFORK: Final = 58


def forked_meanwhile(faults: pl.DataFrame, evidence: Evidence) -> pl.Series:
    """Tell for each fault whether another task called for a copy of its address space during it.

    dup_mmap() holds the mmap_lock that the fault waits for: what had one owner at the fault's
    entry then has two, also where the call fails later, until the copy is given up again.
    """
    ours = faults.with_row_index("row").select(
        "row", "tid", "space", "time_ns", until_ns=pl.col("time_ns") + pl.col("took_ns")
    )
    asked = evidence.trace.table("clone_call").filter(
        (pl.col("flags") & CLONE_VM == 0) & (pl.col("syscall") != _SYSCALL_VFORK)
    )
    callers = asked.select("tid", time_ns="enter_ns")
    calls = asked.select(
        evidence.memory.spaces.assign(callers)["space"],
        other_tid="tid",
        other_ns="enter_ns",
        other_until_ns="time_ns",
    )
    pairs = ours.filter(pl.col("space") != NOWHERE).join(calls, on="space").filter(
        (pl.col("tid") != pl.col("other_tid"))
        & (pl.col("other_ns") <= pl.col("until_ns"))
        & (pl.col("other_until_ns") >= pl.col("time_ns"))
    )  # fmt: skip
    return ours.select(pl.col("row").is_in(pairs.get_column("row").implode())).to_series()
