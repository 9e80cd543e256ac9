# SPDX-License-Identifier: Apache-2.0
"""The parent of a vfork sleeps until its child executes or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import TASK
from replay.checks.verdict import Verdict
from replay.checks.words import at, created, ordered
from replay.names import CLONE_VFORK

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent

_TABLES: Final = ("newtask", "clone_call", "exec", "exit")
_CHILD: Final = ["child_tid", "child_start_ns"]
_SIGNAL: Final = 0x7F


def _run(evidence: Evidence) -> Verdict:
    model = evidence.model
    rules = [one for one in model.sequences if one.id == "vfork"]
    if not rules or rules[0].settings.get("parent_runs_meanwhile") is not False:
        return Verdict(CHECK.id, (), ())
    released_by = rules[0].settings.get("released_by", ())
    before_exit_mm = any(
        one.settings.get("exit_tracepoint") == "before exit_mm" for one in model.sequences
    )
    frame = _frame(evidence, tuple(released_by) if isinstance(released_by, tuple) else ())
    killed = pl.col("killed").fill_null(value=False) & (rules[0].settings.get("wait") == "killable")
    # Up to 6.15 sched_process_exit came after exit_mm(), which wakes the parent.
    too_early = pl.col("by_exit") & (not before_exit_mm)
    after = pl.col("returned_ns") >= pl.col("release_ns")
    whole = ~pl.lit(evidence.anything_lost(_TABLES))
    alive = pl.col("release_ns").is_null() & whole
    holds = pl.when(alive).then(statement=False).otherwise(after)
    questions = [
        Question(
            part="returns_after_release",
            rule="vfork returns in the parent after the child executed or ended",
            applies=pl.col("returned_ns").is_not_null(),
            holds=pl.when(holds).then(statement=True)
            .when(~killed & ~too_early & (whole | ~pl.col("by_exit"))).then(statement=False),
            missing="the child's exec or end was not recorded, or the parent was killed",
            found=lambda _: "the parent returned first",
        ),
        Question(
            part="woken_by_child",
            rule="the child wakes the parent",
            applies=pl.col("returned_ns").is_not_null() & (pl.col("sleeps") > 0),
            holds=pl.when(pl.col("waker_tid") == pl.col("child_tid")).then(statement=True)
            .when(~killed & (pl.col("waker_tid") > 0) & (pl.col("sleeps") == 1))
            .then(statement=False),
            missing="the last wake-up was not recorded, or not that of this wait",
            found=lambda row: f"task {row['waker_tid']} did",
        ),
    ]  # fmt: skip
    return judged(CHECK.id, evidence, Cases(frame, _TABLES, _events), questions)


def _frame(evidence: Evidence, released_by: tuple[str, ...]) -> pl.DataFrame:
    """Give each vfork with its call, and the first exec or the end of its child: release_ns."""
    calls = evidence.trace.table("clone_call").select(
        *TASK, "blocked_ns", "woken_ns", "waker_tid", "sleeps", returned_ns="time_ns"
    )
    first_exec = (
        evidence.trace.table("exec")
        .group_by(child_tid="old_tid", child_start_ns="old_start_ns")
        # The parent is woken by exec_mmap(), in the middle of the call.
        .agg(exec_ns=pl.when(pl.col("enter_ns") > 0).then("enter_ns").otherwise("time_ns").min())
    )
    ends = evidence.ends.group_by(child_tid="tid", child_start_ns="start_ns").agg(
        exit_ns=pl.col("time_ns").min()
    )
    killed = evidence.ends.select(
        *TASK, killed=((pl.col("exit_code") | pl.col("group_exit_code")) & _SIGNAL) != 0
    ).unique(TASK)
    by = {"exec": "exec_ns", "exit": "exit_ns"}
    release = [by[name] for name in released_by if name in by]
    return (
        evidence.newtasks.filter((pl.col("clone_flags") & CLONE_VFORK) != 0)
        .join(calls, on=[*TASK, "returned_ns"], how="left")
        .join(first_exec, on=_CHILD, how="left")
        .join(ends, on=_CHILD, how="left")
        .join(killed, on=TASK, how="left")
        .with_columns(release_ns=pl.min_horizontal(release or [pl.lit(None, pl.UInt64)]))
        .with_columns(by_exit=pl.col("exec_ns").is_null() | (pl.col("exit_ns") < pl.col("exec_ns")))
    )


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    parent, child = row["tid"], row["child_tid"]
    return ordered(
        created(row),
        at(row["blocked_ns"], "sched_switch", f"{parent} sleeps"),
        at(row["exec_ns"], "sys_enter", f"{child} calls execve, with success"),
        at(row["exit_ns"], "sched_process_exit", f"{child} ends"),
        at(row["woken_ns"], "sched_waking", f"{parent} is woken by {row['waker_tid']}"),
        at(row["returned_ns"], "sys_exit", f"{parent} returns from the call"),
    )


CHECK: Final = Check(
    id="vfork-wait",
    title="the parent of a vfork sleeps until its child executes or ends",
    what="For every creation with CLONE_VFORK: the call returns only after the child entered the "
    "exec that succeeded, or ended; and a parent that slept was woken by the child.",
    why="Until then both use the same stack. A parent that ran meanwhile would overwrite the "
    "child's frames, which no error message would tell.",
    limits="The wait is killable: a parent that a signal ends may return before. That it does not "
    "run in between is concluded from its one sleep inside the call. Up to Linux 6.15 the end of a "
    "child is announced after the parent was woken: an earlier return is unknown there.",
    example="A vfork that returns before the child's execve was entered violates it.",
    source="kernel/fork.c: kernel_clone(), wait_for_vfork_done(), complete_vfork_done(); "
    "fs/exec.c: exec_mmap()",
    observed="`newtask`, sleep and wake-up in `clone_call`, enter_ns of `exec`, `exit`.",
    run=_run,
)
"""The check."""
