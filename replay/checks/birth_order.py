# SPDX-License-Identifier: Apache-2.0
"""The order in which a new task appears, is announced, is woken and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.words import at, created, ordered
from replay.model.values import Observed

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict, WitnessEvent
    from replay.model.values import Model

_TABLES: Final = ("newtask", "started")
_TIMES: Final = {
    "task_newtask": "time_ns",
    "sched_process_fork": "fork_ns",
    "sched_wakeup_new": "wakeup_new_ns",
}
"""Columns of the moments, by the tracepoint with which a model observes a step."""
_FIRST_RUN: Final = "first_run"


def _run(evidence: Evidence) -> Verdict:
    started = evidence.trace.table("started").select(
        "fork_ns", "wakeup_new_ns", child_tid="tid", child_start_ns="start_ns",
        first_run_ns="time_ns",
    )  # fmt: skip
    frame = evidence.newtasks.join(
        started.unique(["child_tid", "child_start_ns"]),
        on=["child_tid", "child_start_ns"],
        how="left",
    )
    # A task that was not woken before the recording ended has no row, and no case.
    frame = frame.filter(pl.col("first_run_ns").is_not_null() | evidence.anything_lost(_TABLES))
    questions = [_question(one, other) for one, other in _pairs(evidence.model)]
    return judged(CHECK.id, evidence, Cases(frame, _TABLES, _events), questions)


def _pairs(model: Model) -> list[tuple[str, str]]:
    """Give (earlier, later) names of moments that follow each other in the model."""
    names = {}
    for step in model.steps:
        for seen in step.observe.get("t0", ()):
            if seen.kind is Observed.TRACEPOINT and seen.name in _TIMES:
                names[step.id] = seen.name
    pairs = [
        (names[one], names[other])
        for one in names
        for other in names
        if one in model.before[other]
        and not any(one in model.before[mid] and mid in model.before[other] for mid in names)
    ]
    woken = "sched_wakeup_new"
    return [*pairs, (woken, _FIRST_RUN)] if woken in names.values() else []


def _question(one: str, other: str) -> Question:
    first, then = (pl.col(_TIMES.get(name, "first_run_ns")) for name in (one, other))
    return Question(
        part=f"{one} before {other}",
        rule=f"{one} comes before {other}",
        # An io_uring worker is not announced: no sched_process_fork. 0 is "none".
        applies=((first > 0) & (then > 0)).fill_null(value=True),
        holds=first <= then,
        missing="one of them was not recorded",
        found=lambda _: f"{other} came first",
    )


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    child = row["child_tid"]
    return ordered(
        created(row),
        at(row["fork_ns"], "sched_process_fork", f"{child} is announced"),
        at(row["wakeup_new_ns"], "sched_wakeup_new", f"{child} may run"),
        at(row["first_run_ns"], "sched_switch", f"{child} runs for the first time"),
    )


CHECK: Final = Check(
    id="birth-order",
    title="a new task is published, announced, woken, and only then runs",
    what="For every new task: task_newtask comes before sched_process_fork, that before "
    "sched_wakeup_new, and that before the first switch to the task.",
    why="A task that ran before it was complete would run with members of its parent. The order "
    "is also what makes it safe to read the new task at task_newtask.",
    limits="Times of different CPUs are compared; their clocks agree to well below the microsecond "
    "that a wake-up takes. A task that never ran has no case. An io_uring worker is not announced.",
    example="A first switch that is earlier than sched_wakeup_new violates it.",
    source="kernel/fork.c: copy_process(), kernel_clone(); kernel/sched/core.c: wake_up_new_task()",
    observed="`newtask`, and fork_ns, wakeup_new_ns and time_ns of `started`.",
    run=_run,
)
"""The check."""
