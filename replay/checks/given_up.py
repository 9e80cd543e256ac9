# SPDX-License-Identifier: Apache-2.0
"""When processes gave memory up: by an end, an exec, a mapping, a failed fork, a page's copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from replay.memory.classes import FaultClass
from replay.memory.pte import FRAME

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence


def overlaps(begin_ns: pl.Series, end_ns: pl.Series, evidence: Evidence) -> pl.Series:
    """Tell for each span whether any process gave memory up during it."""
    spans = _spans(evidence)
    starts = np.sort(spans.get_column("begin_ns").to_numpy())
    stops = np.sort(spans.get_column("end_ns").to_numpy())
    begun = np.searchsorted(starts, end_ns.to_numpy(), side="right")
    over = np.searchsorted(stops, begin_ns.to_numpy(), side="left")
    return pl.Series("overlaps", begun > over)


def copied_by_others(faults: pl.DataFrame, evidence: Evidence) -> pl.Series:
    """Tell for each fault whether another task copied the same page during it, and so gave it up.

    After a fork both sides write, and the second to look at the page may be its last owner.
    """
    ours = faults.with_row_index("row").select(
        "row", "tid", _frame(), "time_ns", until_ns=_until()
    )  # fmt: skip
    copies = evidence.memory.faults.filter(pl.col("class") == FaultClass.COPY.value).select(
        _frame(), other_tid="tid", other_ns="time_ns", other_until_ns=_until()
    )
    pairs = ours.join(copies, on="frame", how="inner").filter(
        (pl.col("tid") != pl.col("other_tid"))
        & (pl.col("other_ns") <= pl.col("until_ns"))
        & (pl.col("other_until_ns") >= pl.col("time_ns"))
    )
    return ours.select(pl.col("row").is_in(pairs.get_column("row").implode())).to_series()


def _frame() -> pl.Expr:
    """Give the page frame that a fault found."""
    return (pl.col("old_pte") & pl.lit(int(FRAME), pl.UInt64)).alias("frame")


def _until() -> pl.Expr:
    return pl.col("time_ns") + pl.col("took_ns")


def _spans(evidence: Evidence) -> pl.DataFrame:
    trace = evidence.trace
    dead = trace.table("dead").select("tid", "start_ns", end_ns="time_ns")
    exits = evidence.ends.sort("time_ns").join_asof(
        dead.sort("end_ns"),
        left_on="time_ns",
        right_on="end_ns",
        by=["tid", "start_ns"],
        strategy="forward",
        check_sortedness=False,
    )
    before = any(
        one.settings.get("exit_tracepoint") == "before exit_mm" for one in evidence.model.sequences
    )
    # Up to 6.15 the end is announced after the memory was given up, and its begin is not known.
    begin = pl.col("time_ns") if before else pl.lit(0, pl.UInt64)
    ended = exits.select(begin_ns=begin, end_ns=pl.col("end_ns").fill_null((1 << 64) - 1))
    # A fork that fails takes back what it copied.
    failed = trace.table("clone_call").filter(pl.col("result") < 0)
    called = [
        rows.select(begin_ns="enter_ns", end_ns="time_ns")
        for rows in (trace.table("exec"), trace.table("mapping_call"), failed)
    ]
    return pl.concat([ended, *called])
