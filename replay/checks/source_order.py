# SPDX-License-Identifier: Apache-2.0
"""The order of steps that leave no event, or not always: only the kernel's source tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.post_conditions import new_task_event
from replay.checks.seen_steps import observable
from replay.checks.verdict import Verdict
from replay.model.load import model_for
from replay.recording import Recording

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.model.values import Model

_TABLES: Final = ("newtask",)


def _run(evidence: Evidence) -> Verdict:
    model, release = evidence.model, Recording.of(evidence.trace).kernel
    own = model_for(release).model if release else None
    if own is not None and (own.name == model.name or model.name in own.extends):
        return Verdict(CHECK.id, (), ())
    questions = [_asked(one, other, own) for one, other in _pairs(model)]
    cases = Cases(evidence.newtasks, _TABLES, new_task_event)
    return judged(CHECK.id, evidence, cases, questions)


def _pairs(model: Model) -> list[tuple[str, str]]:
    """Give each step before another of which no event shows the order, or only at times."""
    silent = [
        step.id
        for step in model.steps
        if step.leaves and step.id not in observable(model)
    ]  # fmt: skip
    pairs = [(one, other) for other in silent for one in silent if one in model.before[other]]
    seldom = set(observable(model)) - set(observable(model, always=True))
    for step in model.steps:
        pairs += [(one, step.id) for one in sorted(step.after) if seldom & {one, step.id}]
    return pairs


def _asked(one: str, other: str, own: Model | None) -> Question:
    holds: bool | None = None
    if own is not None and one in own.before.get(other, ()):
        holds = True
    elif own is not None and other in own.before.get(one, ()):
        holds = False
    return Question(
        part=f"{one} before {other}",
        rule=f"{one} comes before {other}",
        applies=pl.lit(value=True),
        holds=pl.lit(holds, pl.Boolean),
        missing="no model of the kernel that made this task has an order of the two",
        found=lambda _: f"in the source of {own.name if own else ''} {other} comes first",
    )


CHECK: Final = Check(
    id="source-order",
    title="steps that leave no event come in the order of the kernel's source",
    what="For every two steps of a model that only leave fields behind, and for a step that shows "
    "itself only at times and its neighbours: the model of the kernel "
    "that recorded the trace has them in the same order. Asked of a model other than the "
    "kernel's own, such as the textbook; each new task of that kernel is a case.",
    why="The classic account sets the state before the flags; a kernel that does it the other way "
    "round leaves the same task, and no tracepoint in between.",
    limits="This is read from the kernel's source, as the model of its version has it, and not "
    "observed in the trace: the fields at task_newtask show that both were done.",
    example="proctrace check --model textbook on 6.18: task_flags comes before clear_members.",
    source="kernel/fork.c: copy_process(); kernel/sched/core.c: sched_fork()",
    observed="The kernel release in the trace's metadata, `newtask`.",
    run=_run,
)
"""The check."""
