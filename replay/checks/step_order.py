# SPDX-License-Identifier: Apache-2.0
"""The order in which the steps of a creation show themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged, nothing_recorded
from replay.checks.seen_steps import TABLES, first_times, lacking, observable
from replay.checks.verdict import Verdict, WitnessEvent
from replay.checks.words import call_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from replay.checks.evidence import Evidence


def _run(evidence: Evidence) -> Verdict:
    model = evidence.model
    names = observable(model)
    pairs = [(one, other) for other in names for one in names if one in model.before[other]]
    if not pairs:
        return Verdict(CHECK.id, (), ())
    if lacks := lacking(evidence):
        return nothing_recorded(CHECK.id, evidence, TABLES, lacks)
    frame = first_times(evidence)
    parts: list[Verdict] = [
        judged(CHECK.id, evidence, Cases(frame, TABLES, _events(one, other)), [_asked(one, other)])
        for one, other in pairs
    ]
    with_cases = [part for part in parts if part.count] or parts[:1]
    return Verdict(
        CHECK.id,
        tuple(part for verdict in with_cases for part in verdict.parts),
        tuple(case for verdict in with_cases for case in verdict.cases),
        missing=evidence.lost(TABLES),
        incomplete=not evidence.complete,
    )


def _asked(one: str, other: str) -> Question:
    first, then = pl.col(f"at_{one}"), pl.col(f"at_{other}")
    return Question(
        part=f"{one} before {other}",
        rule=f"{one} comes before {other}",
        applies=first.is_not_null() & then.is_not_null(),
        holds=first <= then,
        missing="",
        found=lambda _: f"{other} came first",
    )


def _events(one: str, other: str) -> Callable[[dict[str, Any]], tuple[WitnessEvent, ...]]:
    def events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
        both = [WitnessEvent(row[f"at_{step}"], "step", step) for step in (one, other)]
        result = call_result(row["result"], row["syscall"])
        return (
            WitnessEvent(row["enter_ns"], "sys_enter", f"{row['tid']} calls the clone family"),
            *sorted(both, key=lambda event: event.time_ns),
            WitnessEvent(row["time_ns"], "sys_exit", f"{row['tid']}: {result}"),
        )

    return events


CHECK: Final = Check(
    id="step-order",
    title="the steps of a creation come in the model's order",
    what="For every call of the clone family and every two steps of which the model puts one "
    "before the other: the first event of the one comes before the first event of the other, "
    "where both show themselves.",
    why="The order decides what a failure must undo, and what a child may see of its parent's "
    "objects. The classic account has another one.",
    limits="Only steps that allocate, ask for a capability, or have a tracepoint show themselves. "
    "The order of two that leave fields alone is in source-order.",
    example="A pid that is allocated before the open files are copied violates it, as the "
    "textbook wants it.",
    source="kernel/fork.c: copy_process()",
    observed="`step` (allocations by call site, capability checks), `newtask`, `started`, within "
    "the window of `clone_call`.",
    run=_run,
)
"""The check."""
