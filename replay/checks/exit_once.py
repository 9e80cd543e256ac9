# SPDX-License-Identifier: Apache-2.0
"""Every task ends once, and the last one of a process says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import PROCESS, TASK, with_leader
from replay.checks.verdict import Verdict
from replay.checks.words import at, ordered

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import WitnessEvent

_TABLES: Final = ("newtask", "adopted", "exit", "exec", "end_task")
_CALLS: Final = ("clone_call", "wait", "exec_failed")


def _run(evidence: Evidence) -> Verdict:
    if not any(sequence.id == "exit" for sequence in evidence.model.sequences):
        return Verdict(CHECK.id, (), ())
    whole = ~pl.lit(evidence.anything_lost(_TABLES))
    once = Question(
        part="once",
        rule="a task ends exactly once",
        # A task that a leader's exec took the place of ends twice under that leader's tid.
        applies=(pl.col("expected") > 0) | (pl.col("count") > 0),
        holds=pl.when(pl.col("count") == pl.col("expected")).then(statement=True)
        .when(whole | (pl.col("count") > pl.col("expected"))).then(statement=False),
        missing="its end may have been lost",
        found=lambda row: f"{row['tid']} ended {row['count']} times",
    )  # fmt: skip
    tasks = judged(CHECK.id, evidence, Cases(_tasks(evidence), _TABLES, _task_events), [once])
    groups = judged(
        CHECK.id,
        evidence,
        Cases(_groups(evidence), _TABLES, _group_events),
        _group_questions(whole),
    )
    return Verdict(
        CHECK.id,
        (*tasks.parts, *groups.parts),
        (*tasks.cases, *groups.cases),
        missing=tasks.missing,
        incomplete=tasks.incomplete,
    )


def _group_questions(whole: pl.Expr) -> list[Question]:
    return [
        Question(
            part="one_group_dead",
            rule="of a process that ended, exactly one task was the last",
            applies=pl.col("alive") == 0,
            holds=pl.when(pl.col("group_dead") == 1).then(statement=True)
            .when(whole | (pl.col("group_dead") > 1)).then(statement=False),
            missing="the last end may have been lost",
            found=lambda row: f"{row['group_dead']} of {row['tasks_ended']} say so",
        ),
        Question(
            part="group_dead_last",
            rule="no task of a process calls anything after the last one ended",
            applies=pl.col("group_dead") > 0,
            holds=~(pl.col("last_call_ns") > pl.col("group_dead_ns")).fill_null(value=False)
            & (pl.col("alive") == 0),
            missing="",
            found=lambda _: "one did, or is there as recording ends",
        ),
    ]  # fmt: skip


def _tasks(evidence: Evidence) -> pl.DataFrame:
    """Give every task with how often it ended (`count`), and how often it must have."""
    counts = evidence.ends.group_by(TASK).agg(
        count=pl.len(), first_ns=pl.col("time_ns").min(), last_ns=pl.col("time_ns").max()
    )
    by_thread = evidence.executions.filter(pl.col("old_tid") != pl.col("tid"))
    replaced = by_thread.group_by(TASK).agg(replaced=pl.len())
    vanished = by_thread.select(tid="old_tid", start_ns="old_start_ns", vanished=1).unique(TASK)
    there = evidence.trace.table("end_task").select(*TASK, there=1).unique(TASK)
    frame = evidence.lives
    for rows in (counts, replaced, vanished, there):
        frame = frame.join(rows, on=TASK, how="left", maintain_order="left")
    frame = frame.with_columns(pl.col("count", "replaced", "vanished", "there").fill_null(0))
    lived = pl.col("there").cast(pl.Int64) + pl.col("vanished").cast(pl.Int64)
    return frame.with_columns(
        count=pl.col("count").cast(pl.Int64),
        expected=1 + pl.col("replaced").cast(pl.Int64) - lived,
    )


def _groups(evidence: Evidence) -> pl.DataFrame:
    """Give every process that ended, with its tasks that live on and the last call of any."""
    there = evidence.trace.table("end_task").group_by(PROCESS).agg(alive=pl.len())
    calls = [
        with_leader(
            evidence.trace.table(name).select("tid", "tgid", "start_ns", "enter_ns"), evidence.lives
        )
        for name in _CALLS
    ]
    last = pl.concat(calls).group_by(PROCESS).agg(last_call_ns=pl.col("enter_ns").max())
    frame = evidence.ended
    for rows in (there, last):
        frame = frame.join(rows, on=PROCESS, how="left", maintain_order="left")
    return frame.with_columns(pl.col("alive").fill_null(0))


def _task_events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    ends = {row["first_ns"], row["last_ns"]}
    return ordered(
        at(row["born_ns"], "task_newtask", f"{row['tid']} of process {row['tgid']} is there"),
        *(at(time_ns, "sched_process_exit", f"{row['tid']} ends") for time_ns in ends),
    )


def _group_events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    return ordered(
        at(row["group_dead_ns"], "sched_process_exit", f"the last task of {row['tgid']} ends"),
        at(row["last_call_ns"], "sys_enter", f"a task of {row['tgid']} calls the kernel"),
        at(row["end_ns"], "sched_process_exit", f"a task of {row['tgid']} ends"),
    )


CHECK: Final = Check(
    id="exit-once",
    title="every task ends once, and one is the last of its process",
    what="Every task that was seen ends exactly once, or is there as recording ends. Of a "
    "process that ended, exactly one end says group_dead, and no task of it does anything later.",
    why="What a process held is given back when its last thread ends, whatever its leader does.",
    limits="sched_process_exit of the last thread may be seen before that of another which was "
    "counted first and interrupted then: their order is not judged, only what they do. A leader "
    "that another thread replaces by exec ends, and its tid ends again later.",
    example="Two ends of one task, or a process without group_dead, violate it.",
    source="kernel/exit.c: do_exit(), signal->live",
    observed="`exit` (group_dead), `end_task`, and the calls of tasks.",
    run=_run,
)
"""The check."""
