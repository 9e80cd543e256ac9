# SPDX-License-Identifier: Apache-2.0
"""A child is taken away by one wait, and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.reap_words import reap_events
from replay.checks.verdict import Verdict

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_TABLES: Final = ("wait", "exit", "newtask", "adopted")
_CHILD: Final = ["child_tgid", "child_start_ns"]
_WSTOPPED_CONTINUED: Final = 2 | 8


def _run(evidence: Evidence) -> Verdict:
    asked = any(
        sequence.settings.get("reaped_once") is True for sequence in evidence.model.sequences
    )
    if not asked:
        return Verdict(CHECK.id, (), ())
    whole = ~pl.lit(evidence.anything_lost(_TABLES))
    frame = evidence.reaped.filter(pl.col("child_tgid").is_not_null()).with_columns(
        before=pl.int_range(pl.len()).over(_CHILD)
    )
    # A call without a status may have reported a stop of a process with the same pid.
    may_be_stop = pl.col("code").is_null() & ((pl.col("options") & _WSTOPPED_CONTINUED) != 0)
    question = Question(
        part="once",
        rule="a child is taken away once",
        applies=pl.lit(value=True),
        holds=pl.when(pl.col("before") == 0).then(statement=True)
        .when(whole & ~may_be_stop & ~pl.col("traces").any().over(_CHILD)).then(statement=False),
        missing="a tracer was told before, or the next process with this pid was not recorded",
        found=lambda row: f"{row['pid']} was taken away before",
    )  # fmt: skip
    return judged(CHECK.id, evidence, Cases(frame, _TABLES, reap_events), [question])


CHECK: Final = Check(
    id="reaped-once",
    title="a child is taken away once",
    what="For every wait that takes a child away: no wait before it took the same process.",
    why="The pid is free after the first: a second report would be of somebody else.",
    limits="waitid with WNOWAIT only looks, and is no case. A tracer is told of the end before "
    "the parent is: a pid of which a stop was reported to the caller is not judged.",
    example="Two waits that return the same pid although no new process had it violate it.",
    source="kernel/exit.c: wait_task_zombie(), cmpxchg of EXIT_ZOMBIE to EXIT_DEAD",
    observed="`wait` joined with `exit` by the pid in the caller's namespace.",
    run=_run,
)
"""The check."""
