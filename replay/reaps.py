# SPDX-License-Identifier: Apache-2.0
"""The wait calls that took a child away, told apart from those that only report something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from replay.tables import TraceTables

WAIT4: Final = 61
"""System call number of wait4, which waitpid and wait use too; the other is waitid, 247."""
WNOWAIT: Final = 0x01000000
P_PID: Final = 1
_STOPPED: Final = 0x7F


def reaps(trace: TraceTables) -> pl.DataFrame:
    """Give the calls that reaped a child, in order of return: rows of `wait` with `pid`, `code`.

    `pid` is the child's in the caller's pid namespace; `code` the wait status, null where the
    caller did not ask for it. A stop or continuation is no reaping, and waitid with WNOWAIT
    leaves the zombie where it is. With the status unknown, the call counts if a child that ended
    fits.
    """
    wait4 = pl.col("syscall") == WAIT4
    low = pl.col("status") & _STOPPED
    ended4 = (pl.col("got") & 1 == 0) | (low != _STOPPED)  # 0x7f: stopped; 0xffff: continued
    ended_id = pl.col("code").is_in([1, 2, 3]) | ((pl.col("code") == 0) & (pl.col("got") & 4 == 0))
    reported = pl.when(pl.col("idtype") == P_PID).then("id").otherwise(0)
    word = (
        pl.when(wait4).then("status")
        .when(pl.col("code") == 1).then((pl.col("status") & 0xFF) * 256)
        .when(pl.col("code") == 2).then("status")
        .otherwise(pl.col("status") | 0x80)
    )  # fmt: skip
    known = pl.when(wait4).then(pl.col("got") & 1 != 0).otherwise(pl.col("code") != 0)
    asked = pl.when(wait4).then(pl.col("result").cast(pl.Int32, strict=False)).otherwise(reported)
    return (
        trace.table("wait")
        .filter(pl.col("unfinished") == 0)
        .filter(
            pl.when(wait4)
            .then((pl.col("result") > 0) & ended4)
            .otherwise((pl.col("result") == 0) & ended_id & (pl.col("options") & WNOWAIT == 0))
        )
        .with_columns(
            pl.when(pl.col("ns_pid") > 0).then("ns_pid").otherwise(asked).alias("pid"),
            pl.when(known).then(word).otherwise(None).alias("code"),
        )
        .filter(pl.col("pid") > 0)
        .sort("time_ns", "tid", maintain_order=True)
    )
