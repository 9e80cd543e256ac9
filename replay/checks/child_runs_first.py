# SPDX-License-Identifier: Apache-2.0
"""Whether a forked child runs before its parent returns from fork."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.post_conditions import new_task_event
from replay.checks.verdict import Verdict, WitnessEvent
from replay.names import CLONE_VM

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence

_TABLES: Final = ("newtask", "started", "clone_call")


def _run(evidence: Evidence) -> Verdict:
    wanted = any(
        sequence.settings.get("child_runs_first") is True for sequence in evidence.model.sequences
    )
    if not wanted:
        return Verdict(CHECK.id, (), ())
    frame = evidence.newtasks.join(
        evidence.trace.table("started").select(
            child_tid="tid", child_start_ns="start_ns", first_run_ns="time_ns", late="late"
        ),
        on=["child_tid", "child_start_ns"],
        how="left",
    )
    first_run = pl.when(pl.col("late") == 0).then("first_run_ns")
    question = Question(
        part="fork",
        rule="after fork the child runs first",
        applies=(pl.col("clone_flags") & CLONE_VM) == 0,
        holds=first_run <= pl.col("returned_ns"),
        missing="the child's first run or the parent's return was not recorded",
        found=lambda _: "the parent returned first",
    )
    cases = Cases(frame, _TABLES, _events)
    return judged(CHECK.id, evidence, cases, [question])


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    later = []
    if row["returned_ns"] is not None:
        event = WitnessEvent(row["returned_ns"], "sys_exit", f"{row['tid']} returns from the call")
        later.append(event)
    if row["first_run_ns"] is not None:
        text = f"{row['child_tid']} runs for the first time"
        later.append(WitnessEvent(row["first_run_ns"], "sched_switch", text))
    return (*new_task_event(row), *sorted(later, key=lambda event: event.time_ns))


CHECK: Final = Check(
    id="child-runs-first",
    title="after fork the child runs before the parent returns",
    what="For every fork of a process with memory of its own: the child was switched to before "
    "the parent's call returned. Only a model that says so asks for it: kernels leave it open.",
    why="Books explain by it why a fork that is followed by exec copies few pages. A program that "
    "relies on either order has a race.",
    limits="With several CPUs both may run at once; what is compared is the first switch to the "
    "child with the return of the call. With vfork the parent waits anyway, which is another rule.",
    example="proctrace check --model textbook on any recording of 6.18: the parent returns first "
    "most of the time.",
    source="kernel/sched/fair.c: sysctl_sched_child_runs_first, off since 2.6.32, read nowhere "
    "since 6.6, gone in 6.12",
    observed="`started` (sched_switch) and `clone_call` (sys_exit).",
    run=_run,
)
"""The check."""
