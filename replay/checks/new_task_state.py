# SPDX-License-Identifier: Apache-2.0
"""The scheduler state in which a new task is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_fields

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    return judged_fields(CHECK.id, evidence, ("child_state",))


CHECK: Final = Check(
    id="new-task-state",
    title="a new task cannot run before it is woken",
    what="For every new task: its state, as it is published, is the one that sched_fork() gives.",
    why="Until wake_up_new_task() nothing, not even a signal, may make the child run: it is not "
    "whole yet. Books say TASK_UNINTERRUPTIBLE; kernels have had TASK_NEW since 4.8.",
    limits="The state is read once, at task_newtask; what it was before is not seen.",
    example="A child whose state is TASK_RUNNING (0) at task_newtask violates it.",
    source="kernel/sched/core.c: sched_fork()",
    observed="Column child_state of `newtask`: task->__state at tracepoint task_newtask.",
    run=_run,
)
"""The check."""
