# SPDX-License-Identifier: Apache-2.0
"""What a process keeps when it executes another program, and what is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.words import at, ordered

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict, WitnessEvent

_TABLES: Final = ("exec", "newtask", "adopted")


def _run(evidence: Evidence) -> Verdict:
    kept: set[str] = set()
    replaced: set[str] = set()
    for sequence in evidence.model.sequences:
        if sequence.id == "exec":
            kept |= set(_words(sequence.settings.get("keeps")))
            replaced |= set(_words(sequence.settings.get("replaces")))
    leaders = evidence.lives.filter(pl.col("tid") == pl.col("tgid")).select(
        was_tgid="tgid", was_leader_ns="leader_start_ns", was_inum="pidns_inum", was_ns="ns_tid"
    )
    frame = evidence.executions.join(leaders, on=["was_tgid", "was_leader_ns"], how="left")
    questions = [question for name, question in _QUESTIONS.items() if name in kept | replaced]
    return judged(CHECK.id, evidence, Cases(frame, _TABLES, _events), questions)


def _words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


_UNKNOWN_BEFORE: Final = "what the task was before was not recorded"
_QUESTIONS: Final = {
    "tgid": Question(
        part="keeps_pid",
        rule="exec keeps the process id, and the task has it as its tid",
        applies=pl.lit(value=True),
        holds=(pl.col("tgid") == pl.col("was_tgid"))
        & (pl.col("tid") == pl.col("tgid"))
        & (pl.col("start_ns") == pl.col("was_leader_ns")),
        missing=_UNKNOWN_BEFORE,
        found=lambda row: f"it was {row['was_tgid']} and is {row['tgid']}",
    ),
    "pidns": Question(
        part="keeps_pid_namespace",
        rule="exec keeps the pid namespace and the pid in it",
        applies=pl.lit(value=True),
        holds=(pl.col("pidns_inum") == pl.col("was_inum")) & (pl.col("ns_tid") == pl.col("was_ns")),
        missing=_UNKNOWN_BEFORE,
        found=lambda row: f"pid {row['ns_tid']} in namespace {row['pidns_inum']}",
    ),
    "mm": Question(
        part="replaces_memory",
        rule="exec gives the process another address space",
        applies=pl.lit(value=True),
        holds=pl.when(pl.col("old_mm") != 0).then(pl.col("mm") != pl.col("old_mm")),
        missing="the address space at the call's entry was not recorded",
        found=lambda row: f"it has {row['mm']:#x} as before",
    ),
}
"""By what the model says that exec keeps or replaces."""


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    before = f"{row['old_tid']} calls execve, mm {row['old_mm']:#x}"
    after = f"{row['tid']} (process {row['tgid']}) has a new image, mm {row['mm']:#x}"
    return ordered(
        at(row["enter_ns"], "sys_enter", before), at(row["time_ns"], "sched_process_exec", after)
    )


CHECK: Final = Check(
    id="exec-identity",
    title="exec keeps the process and replaces its memory",
    what="For every successful exec: the process id and the pid namespace stay, the executing "
    "task has the process id as its tid and the leader's start time, and the mm is another one.",
    why="The parent waits for the pid that it was given, whatever program runs there.",
    limits="That code, data, heap and stack are new follows from the new mm; their addresses may "
    "be the same. A task that was not seen before its exec cannot be compared.",
    example="An exec after which the mm is the old one violates it.",
    source="fs/exec.c: begin_new_exec(), de_thread(), exec_mmap()",
    observed="`exec` at sched_process_exec (mm, tid), its entry (old_mm, old_tid); `newtask` and "
    "`adopted` for what the task was.",
    run=_run,
)
"""The check."""
