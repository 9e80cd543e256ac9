# SPDX-License-Identifier: Apache-2.0
"""The order in which the steps of a creation show themselves."""

from __future__ import annotations

from dataclasses import replace
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
    questions = [_asked(one, other) for one, other in pairs]
    cases = Cases(first_times(evidence), TABLES, _call)
    found = judged(CHECK.id, evidence, cases, questions)
    with_cases = tuple(part for part in found.parts if part.count)
    return replace(found, parts=with_cases or found.parts[:1])


def _asked(one: str, other: str) -> Question:
    first, then = pl.col(f"at_{one}"), pl.col(f"at_{other}")
    return Question(
        part=f"{one} before {other}",
        rule=f"{one} comes before {other}",
        applies=first.is_not_null() & then.is_not_null(),
        holds=first <= then,
        missing="",
        found=lambda _: f"{other} came first",
        events=_events(one, other),
    )


def _events(one: str, other: str) -> Callable[[dict[str, Any]], tuple[WitnessEvent, ...]]:
    def events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
        entered, returned = _call(row)
        both = [WitnessEvent(row[f"at_{step}"], "step", step) for step in (one, other)]
        return entered, *sorted(both, key=lambda event: event.time_ns), returned

    return events


def _call(row: dict[str, Any]) -> tuple[WitnessEvent, WitnessEvent]:
    result = call_result(row["result"], row["syscall"])
    return (
        WitnessEvent(row["enter_ns"], "sys_enter", f"{row['tid']} calls the clone family"),
        WitnessEvent(row["time_ns"], "sys_exit", f"{row['tid']}: {result}"),
    )


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
