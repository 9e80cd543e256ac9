# SPDX-License-Identifier: Apache-2.0
"""A wait reports only a child of the caller that has ended, and one that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.reap_words import reap_events
from replay.checks.verdict import Verdict
from replay.names import SIGCHLD

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_TABLES: Final = ("wait", "exit", "newtask", "adopted", "orphan", "dead")
_CHILD: Final = ["child_tgid", "child_start_ns"]
_WSTOPPED_CONTINUED: Final = 2 | 8
_NOTHREAD: Final = 0x20000000
_WALL: Final = 0x40000000
_WCLONE: Final = 0x80000000
_P_PID: Final = 1


def _run(evidence: Evidence) -> Verdict:
    if not any(sequence.id == "wait" for sequence in evidence.model.sequences):
        return Verdict(CHECK.id, (), ())
    whole = ~pl.lit(evidence.anything_lost(_TABLES))
    found, options = pl.col("child_tgid").is_not_null(), pl.col("options")
    # Without the status the call may have reported a stop.
    may_be_stop = pl.col("code").is_null() & ((options & _WSTOPPED_CONTINUED) != 0)
    questions = [
        Question(
            part="ended",
            rule="a wait reports a child that has ended",
            applies=found | pl.col("alive"),
            holds=pl.when(found).then(statement=True)
            .when(whole & ~may_be_stop).then(statement=False),
            missing="the child's end may have been lost, or the call reported a stop",
            found=lambda row: f"{row['pid']} had not ended",
        ),
        Question(
            part="own_child",
            rule="a wait reports a child of the caller's process",
            applies=found,
            holds=pl.when(pl.col("tgid") == pl.col("parent_tgid")).then(statement=True)
            .when(pl.col("given")).then(statement=True)
            .when(whole & ~pl.col("traces") & ~pl.col("unsure")).then(statement=False),
            missing="the child's parent is not known, or the caller traces it",
            found=lambda row: f"{row['pid']} is a child of {row['parent_tgid']}",
        ),
        Question(
            part="asked_for",
            rule="a wait for one pid reports that pid",
            applies=(pl.col("id") > 0) & pl.col("idtype").is_in([-1, _P_PID]),
            holds=pl.col("id") == pl.col("pid").cast(pl.Int64),
            missing="",
            found=lambda row: f"it asked for {row['id']} and got {row['pid']}",
        ),
        Question(
            part="own_thread",
            rule="with __WNOTHREAD a wait reports a child of the calling thread",
            applies=found & ((options & _NOTHREAD) != 0),
            holds=pl.when(pl.col("tid") == pl.col("parent_tid")).then(statement=True)
            .when(whole & ~pl.col("given") & ~pl.col("unsure")).then(statement=False),
            missing="the child was given to another parent",
            found=lambda row: f"{row['pid']} is a child of thread {row['parent_tid']}",
        ),
        Question(
            part="kind",
            rule="without __WALL a wait reports a child with SIGCHLD, with __WCLONE the others",
            applies=found & ((options & _WALL) == 0),
            holds=pl.when((pl.col("signal") == SIGCHLD) == ((options & _WCLONE) == 0))
            .then(statement=True)
            .when(whole & ~pl.col("given") & ~pl.col("traces")).then(statement=False),
            missing="the child's exit signal is not known",
            found=lambda row: f"its exit signal is {row['signal']}",
        ),
    ]  # fmt: skip
    return judged(CHECK.id, evidence, Cases(_frame(evidence), _TABLES, reap_events), questions)


def _frame(evidence: Evidence) -> pl.DataFrame:
    """Add `given`: the child was left to the caller; `unsure`: to whom is not known."""
    rows = evidence.reaped.with_row_index("row")
    orphans = evidence.trace.table("orphan").select(
        "tid", "start_ns", child_tgid="child_tgid", child_start_ns="child_start_ns",
        orphan_ns="time_ns",
    )  # fmt: skip
    dead = evidence.trace.table("dead").select("tid", "start_ns", "reaper_tgid")
    given = orphans.join(dead, on=["tid", "start_ns"], how="left").drop("tid", "start_ns")
    mine = rows.select("row", "time_ns", "tgid", *_CHILD).join(given, on=_CHILD, how="inner")
    mine = mine.filter(pl.col("orphan_ns") <= pl.col("time_ns"))
    verdicts = mine.group_by("row").agg(
        given=(pl.col("reaper_tgid") == pl.col("tgid")).any(),
        unsure=(pl.col("reaper_tgid").is_null() | (pl.col("reaper_tgid") == 0)).any(),
    )
    rows = rows.join(verdicts, on="row", how="left", maintain_order="left")
    executed = evidence.trace.table("exec").group_by(
        child_tgid="tgid", child_start_ns="start_ns"
    ).agg(executed=pl.len())  # fmt: skip
    rows = rows.join(executed, on=_CHILD, how="left", maintain_order="left")
    signal = pl.when(pl.col("executed") > 0).then(SIGCHLD).otherwise("born_signal")
    return rows.with_columns(
        pl.col("given", "unsure").fill_null(value=False), signal=signal.cast(pl.Int64)
    )


CHECK: Final = Check(
    id="wait-child",
    title="a wait reports a child of the caller that has ended",
    what="For every wait4 and waitid that takes a child away: the child had ended, its parent is "
    "the caller's process (at its end, or because it was left to it), it is the pid that was "
    "asked for, with __WNOTHREAD a child of that thread, and its exit signal is of the kind that "
    "the options ask for.",
    why="A wait that took somebody else's child would make that parent wait for ever.",
    limits="A tracer may wait for what it traces: a caller that was told of a stop of that pid is "
    "not judged. Pids of namespaces between the innermost and the initial one are not known.",
    example="A wait that returns the pid of a grandchild whose parent lives violates it.",
    source="kernel/exit.c: do_wait(), wait_consider_task(), eligible_child(), wait_task_zombie()",
    observed="`wait`; `exit` with real_parent; `orphan` and reaper in `dead`.",
    run=_run,
)
"""The check."""
