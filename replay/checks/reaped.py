# SPDX-License-Identifier: Apache-2.0
"""Joins each wait call that reaped with the child that it took away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.before import INITIAL_PIDNS_INUM
from replay.checks.lives import PROCESS, TASK, with_leader
from replay.reaps import reaps

if TYPE_CHECKING:
    from replay.tables import TraceTables

_KEY: Final = ["inum", "pid"]
_STOPPED: Final = 0x7F


def reaped_children(trace: TraceTables, lives: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    """Give `reaps.reaps` with the caller's process and the child.

    `inum`: the caller's pid namespace; `child_tgid`, `child_start_ns` and what
    `lives.ended_processes` says of it: of the processes that had this pid there, the last that
    ended before the call returned, null where none did. `alive`: a process that has this pid and
    is not known to have ended. `traces`: the caller was also told of a stop of this pid, as a
    tracer is. The pid of a process is known in its own namespace and in the initial one.
    """
    calls = with_leader(reaps(trace), lives)
    callers = lives.select(*TASK, inum="pidns_inum")
    calls = calls.join(callers, on=TASK, how="left", maintain_order="left")
    calls = calls.with_columns(pid=pl.col("pid").cast(pl.UInt32))
    known = _pids(lives)
    dead = known.join(ended, on=PROCESS, how="inner").rename(
        {"tgid": "child_tgid", "leader_start_ns": "child_start_ns"}
    )
    found = calls.join_asof(
        dead.sort("end_ns"),
        left_on="time_ns",
        right_on="end_ns",
        by=_KEY,
        strategy="backward",
        check_sortedness=False,
    )
    found = found.with_columns(end_ns=pl.when(pl.col("child_tgid").is_not_null()).then("end_ns"))
    living = known.join(ended, on=PROCESS, how="anti").select(*_KEY, alive=True).unique(_KEY)
    traced = stops(trace).select(*TASK, "pid", traces=True).unique()
    found = found.join(living, on=_KEY, how="left", maintain_order="left")
    found = found.join(traced, on=[*TASK, "pid"], how="left", maintain_order="left")
    return found.with_columns(pl.col("alive", "traces").fill_null(value=False))


def _pids(lives: pl.DataFrame) -> pl.DataFrame:
    """Give the pids that processes have: in their own namespace and in the initial one."""
    leaders = lives.filter(pl.col("tid") == pl.col("tgid"))
    columns = [*PROCESS, "exit_signal"]
    inner = leaders.select(*columns, inum="pidns_inum", pid="ns_tid")
    outer = leaders.filter(pl.col("pidns_inum") != INITIAL_PIDNS_INUM).select(
        *columns, inum=pl.lit(INITIAL_PIDNS_INUM, pl.UInt32), pid="tgid"
    )
    return pl.concat([inner, outer]).rename({"exit_signal": "born_signal"})


def stops(trace: TraceTables) -> pl.DataFrame:
    """Give the calls that reported a stop: a tracer gets one before it can do anything."""
    rows = trace.table("wait")
    low = (pl.col("status") & _STOPPED) == _STOPPED
    stopped = pl.when(pl.col("syscall") == 61).then(low).otherwise(pl.col("code").is_in([4, 5]))
    return rows.filter((pl.col("got") & 5 != 0) & stopped).with_columns(
        pid=pl.col("ns_pid").cast(pl.UInt32)
    )
