# SPDX-License-Identifier: Apache-2.0
"""A wait reports the status with which the child ended, and what it used."""

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
_STATUS: Final = 0xFFFF
_RUSAGE_KNOWN: Final = 2
_KIB_PER_PAGE: Final = 4


def _run(evidence: Evidence) -> Verdict:
    if not any(sequence.id == "wait" for sequence in evidence.model.sequences):
        return Verdict(CHECK.id, (), ())
    found = pl.col("child_tgid").is_not_null()
    usage = found & ((pl.col("got") & _RUSAGE_KNOWN) != 0)
    used = (
        (pl.col("ru_minflt") >= pl.col("min_flt"))
        & (pl.col("ru_majflt") >= pl.col("maj_flt"))
        & (pl.col("ru_maxrss_kib") >= pl.col("maxrss_pages").fill_null(0) * _KIB_PER_PAGE)
    )
    questions = [
        Question(
            part="status",
            rule="a wait reports the status with which the child ended",
            applies=found & pl.col("code").is_not_null(),
            holds=(pl.col("code") & _STATUS) == (pl.col("code_right") & _STATUS),
            missing="the end of the child's leader was not recorded",
            found=lambda row: f"{row['code']:#x} is not {row['code_right']:#x}",
        ),
        Question(
            part="usage",
            rule="the resource usage that a wait reports is at least what the child had used",
            applies=usage,
            holds=used,
            missing="",
            found=lambda row: f"{row['ru_minflt']} faults are less than {row['min_flt']}",
        ),
    ]
    cases = Cases(evidence.reaped, _TABLES, reap_events)
    return judged(CHECK.id, evidence, cases, questions)


CHECK: Final = Check(
    id="wait-status",
    title="a wait reports the status and the usage of the child",
    what="For every wait that takes a child away: the status is that of the process's end (of "
    "exit_group or of the deadly signal, else of its leader), and faults and peak memory are at "
    "least those at sched_process_exit.",
    why="The status is the one answer that a parent gets.",
    limits="A call without a status or rusage argument has nothing to compare. Usage grows by "
    "what the child's own children used, and by faults after sched_process_exit: a lower bound.",
    example="A wait that reports status 0 for a child that ended with 3 violates it.",
    source="kernel/exit.c: wait_task_zombie(); kernel/sys.c: getrusage()",
    observed="`wait` (status, rusage as they were copied to the caller), `exit`.",
    run=_run,
)
"""The check."""
