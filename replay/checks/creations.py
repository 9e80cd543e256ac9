# SPDX-License-Identifier: Apache-2.0
"""Creations of tasks joined with what was asked for and with what their caller was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.names import SIGCHLD

if TYPE_CHECKING:
    from replay.tables import TraceTables

_TASK: Final = ("tid", "start_ns")
_PROCESS: Final = ("tgid", "leader_start_ns")
_SYSCALL_CLONE3: Final = 435


def with_request(newtasks: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    """Add the system call of each creation, in order of time; null where there is none.

    `returned_ns`: when it returned, null also for one that had not when the recording ended;
    `requested`: the exit signal that it asked for. A task that the kernel created for itself has
    no call.
    """
    calls = trace.table("clone_call").select(
        *_TASK,
        "enter_ns",
        "unfinished",
        returned_ns="time_ns",
        requested=pl.col("exit_signal").cast(pl.Int64),
        # The arguments of a clone3 that could not be read are stored as 0.
        read=(pl.col("syscall") != _SYSCALL_CLONE3) | (pl.col("args_read") != 0),
    )
    # The call is the caller's first that returned after the creation, if it had begun before.
    found = newtasks.sort("time_ns").join_asof(
        calls.sort("returned_ns"),
        left_on="time_ns",
        right_on="returned_ns",
        by=list(_TASK),
        strategy="forward",
        check_sortedness=False,
    )
    during = pl.col("enter_ns") <= pl.col("time_ns")
    return found.with_columns(
        requested=pl.when(during & pl.col("read")).then("requested"),
        returned_ns=pl.when(during & (pl.col("unfinished") == 0)).then("returned_ns"),
    )


def with_leaders(newtasks: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    """Add `leaders`: the exit signal that the caller's group leader had; null if unknown.

    A leader has the signal of its birth until it executes or is given to another parent.
    """
    signal = pl.col("exit_signal").cast(pl.Int64)
    born = _born(trace, leaders=signal)
    adopted = _adopted(trace, leaders=signal)
    # de_thread() and reparent_leader() set it to SIGCHLD.
    reset = pl.lit(SIGCHLD, pl.Int64)
    executed = trace.table("exec").select(
        "tgid", time_ns="enter_ns", leader_start_ns="start_ns", leaders=reset
    )
    orphans = _orphans(trace, leaders=reset)
    return _as_of(newtasks, trace, [born, adopted, executed, orphans])


def with_callers_parent(newtasks: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    """Add `callers_parent`: tgid of the caller's own parent at that moment; null if unknown.

    It is that of the caller's birth until it was given to another. Between the end of a parent
    and its last switch, when its children are given away, either is right: null.
    """
    parent = pl.col("real_parent_tgid")
    born = _born(trace, callers_parent=parent)
    adopted = _adopted(trace, callers_parent=parent)
    between = _orphans(trace, callers_parent=pl.lit(None, pl.UInt32))
    fathers = trace.table("orphan").select(
        *_TASK, child_tgid="child_tgid", leader_start_ns="child_start_ns"
    )
    dead = trace.table("dead").filter(pl.col("reaper_tgid") != 0)
    given = dead.select(*_TASK, "time_ns", callers_parent="reaper_tgid")
    heirs = fathers.join(given, on=list(_TASK), how="inner").select(
        "time_ns", "leader_start_ns", "callers_parent", tgid="child_tgid"
    )
    return _as_of(newtasks, trace, [born, adopted, between, heirs])


def _born(trace: TraceTables, **value: pl.Expr) -> pl.DataFrame:
    leaders = trace.table("newtask").filter(pl.col("child_tid") == pl.col("child_tgid"))
    return leaders.select(
        "time_ns", tgid="child_tgid", leader_start_ns="child_start_ns", **value
    )  # fmt: skip


def _adopted(trace: TraceTables, **value: pl.Expr) -> pl.DataFrame:
    leaders = trace.table("adopted").filter(pl.col("tid") == pl.col("tgid"))
    return leaders.select("time_ns", *_PROCESS, **value)


def _orphans(trace: TraceTables, **value: pl.Expr) -> pl.DataFrame:
    return trace.table("orphan").select(
        "time_ns", tgid="child_tgid", leader_start_ns="child_start_ns", **value
    )  # fmt: skip


def _as_of(newtasks: pl.DataFrame, trace: TraceTables, states: list[pl.DataFrame]) -> pl.DataFrame:
    """Add what was last known of the caller's process before each creation."""
    order = states[0].columns
    known = pl.concat([state.select(order) for state in states]).sort("time_ns")
    return (
        _with_leader(newtasks, trace)
        .sort("time_ns")
        .join_asof(
            known,
            on="time_ns",
            by=list(_PROCESS),
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )


def _with_leader(newtasks: pl.DataFrame, trace: TraceTables) -> pl.DataFrame:
    """Add the caller's leader_start_ns: its own start, or for a thread what its birth says."""
    born = trace.table("newtask").select(
        tid="child_tid", start_ns="child_start_ns", leader_start_ns="child_leader_start_ns"
    )
    adopted = trace.table("adopted").select(*_TASK, "leader_start_ns")
    births = pl.concat([born, adopted]).unique(list(_TASK), keep="first")
    own = pl.col("tid") == pl.col("tgid")
    return newtasks.join(births, on=list(_TASK), how="left").with_columns(
        leader_start_ns=pl.when(own).then("start_ns").otherwise("leader_start_ns")
    )
