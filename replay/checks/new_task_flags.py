# SPDX-License-Identifier: Apache-2.0
"""The flags that copy_process() clears and sets in a new task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_fields

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    return judged_fields(CHECK.id, evidence, ("child_flags",))


CHECK: Final = Check(
    id="new-task-flags",
    title="PF_SUPERPRIV is not inherited, PF_FORKNOEXEC is set",
    what="For every new task: the flags that say what the caller did are cleared "
    "(PF_SUPERPRIV, PF_WQ_WORKER, PF_IDLE), and PF_FORKNOEXEC says that it executed nothing yet.",
    why="Process accounting tells by them which processes used privilege and which only forked.",
    limits="The flags are read at task_newtask, before the child runs; later changes are its own.",
    example="A child of a process that used privilege, whose own flags have PF_SUPERPRIV, "
    "violates it.",
    source="kernel/fork.c: copy_process(), once copy_flags()",
    observed="Column child_flags of `newtask`: task->flags at tracepoint task_newtask.",
    run=_run,
)
"""The check."""
