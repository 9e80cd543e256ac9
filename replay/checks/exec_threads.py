# SPDX-License-Identifier: Apache-2.0
"""Exec ends the other threads of the process; what executes is its leader afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import PROCESS
from replay.checks.words import at, ordered

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict, WitnessEvent

_TABLES: Final = ("exec", "exit", "newtask", "adopted")


def _run(evidence: Evidence) -> Verdict:
    asked = any(
        sequence.settings.get("ends_other_threads") is True for sequence in evidence.model.sequences
    )
    lost = pl.lit(evidence.anything_lost(_TABLES))
    ended = (pl.col("first_exit_ns") <= pl.col("time_ns")).fill_null(value=False)
    executed = (pl.col("old_tid") == pl.col("other_tid")) & (
        pl.col("old_start_ns") == pl.col("other_start_ns")
    )
    questions = [
        Question(
            part="others_end",
            rule="exec ends every other thread before the new image stands ready",
            applies=~executed,
            holds=pl.when(ended).then(statement=True).when(~lost).then(statement=False),
            missing="the end of a thread may have been lost",
            found=lambda row: f"thread {row['other_tid']} had not ended",
        ),
        Question(
            part="old_tid_vanishes",
            rule="a thread that executes takes the leader's tid, and its own is gone",
            applies=executed,
            # Its old identity would have an end of its own.
            holds=pl.col("first_exit_ns").is_null(),
            missing="",
            found=lambda row: f"{row['other_tid']} ended on its own",
        ),
    ]
    cases = Cases(_frame(evidence), _TABLES, _events)
    return judged(CHECK.id, evidence, cases, questions if asked else [])


def _frame(evidence: Evidence) -> pl.DataFrame:
    """Give (exec, other task) for every task of the process that was there at the call.

    A process without threads has none but its leader, which is the one that executes.
    """
    executions = evidence.executions
    by_thread = pl.col("old_tid") != pl.col("tid")
    threads = evidence.lives.filter(pl.col("tid") != pl.col("tgid"))
    concerned = threads.select(PROCESS).unique()
    key = ["was_tgid", "was_leader_ns"]
    rows = executions.join(concerned, how="semi", left_on=key, right_on=PROCESS)
    others = evidence.lives.join(concerned, on=PROCESS, how="semi").select(
        *PROCESS, "born_ns", other_tid="tid", other_start_ns="start_ns"
    )
    ends = evidence.ends.group_by(other_tid="tid", other_start_ns="start_ns").agg(
        first_exit_ns=pl.col("time_ns").min()
    )
    pairs = rows.join(others, how="inner", suffix="_other", left_on=key, right_on=PROCESS).join(
        ends, on=["other_tid", "other_start_ns"], how="left"
    )
    itself = (pl.col("other_tid") == pl.col("tid")) & (
        pl.col("other_start_ns") == pl.col("start_ns")
    )
    there = (pl.col("born_ns") < pl.col("time_ns")) & (
        pl.col("first_exit_ns").is_null() | (pl.col("first_exit_ns") > pl.col("enter_ns"))
    )
    gone = _executed_before(evidence)
    pairs = pairs.join(gone, on=["other_tid", "other_start_ns"], how="left")
    earlier = (pl.col("gone_ns") < pl.col("time_ns")).fill_null(value=False)
    return pairs.filter(there & ~earlier & (~itself | by_thread)).sort("time_ns", "other_tid")


def _executed_before(evidence: Evidence) -> pl.DataFrame:
    """Give when threads took their leader's identity by an exec: their own is gone since."""
    rows = evidence.executions.filter(pl.col("old_tid") != pl.col("tid"))
    return rows.group_by(other_tid="old_tid", other_start_ns="old_start_ns").agg(
        gone_ns=pl.col("time_ns").min()
    )


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    return ordered(
        at(row["enter_ns"], "sys_enter", f"{row['old_tid']} of process {row['tgid']} calls execve"),
        at(row["first_exit_ns"], "sched_process_exit", f"{row['other_tid']} ends"),
        at(row["time_ns"], "sched_process_exec", f"{row['tid']} has a new image"),
    )


CHECK: Final = Check(
    id="exec-threads",
    title="exec ends the other threads, and the one that executes becomes the leader",
    what="For every successful exec in a process with threads: each other thread that was there "
    "ends before the new image stands ready, the leader too when another thread executes; and "
    "the executing thread's own tid is never seen to end, since it takes the leader's.",
    why="A program that executes from a thread loses the work of all others, without a handler.",
    limits="A thread whose end came before the call is no case.",
    example="A thread that ends after sched_process_exec of its process violates it.",
    source="fs/exec.c: de_thread()",
    observed="`exec` (old_tid, tid), `exit`, births in `newtask` and `adopted`.",
    run=_run,
)
"""The check."""
