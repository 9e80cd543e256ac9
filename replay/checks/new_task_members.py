# SPDX-License-Identifier: Apache-2.0
"""Members of a new task beyond those that `newtask` has: what is cleared, and what it inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_table

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    return judged_table(CHECK.id, evidence, "newtask_state")


CHECK: Final = Check(
    id="new-task-members",
    title="pending signals, times and counters begin at nothing",
    what="For every new task: no signal is pending for it, it has used no time and had no fault "
    "or switch, has no children, a kernel stack of its own, the caller's seccomp filter, and "
    "shares the I/O context (CLONE_IO) and the semaphore undo list (CLONE_SYSVSEM) only where the "
    "flags say so.",
    why="What a child inherits without knowing is what surprises: a pending signal would end it "
    "for something that it never did.",
    limits="Read at task_newtask, a moment after the child can be sent signals. A thread shares "
    "the signals that are pending for its process. Needs a recording with steps.",
    example="A child of a process with a pending SIGTERM, which has that signal pending itself, "
    "violates it.",
    source="kernel/fork.c: copy_process(), dup_task_struct(), copy_mm(), copy_io(), "
    "copy_seccomp(); ipc/sem.c: copy_semundo()",
    observed="Table `newtask_state`, read at tracepoint task_newtask.",
    run=_run,
)
"""The check."""
