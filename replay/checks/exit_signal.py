# SPDX-License-Identifier: Apache-2.0
"""The signal that the parent of a new task gets at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_fields

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    return judged_fields(CHECK.id, evidence, ("exit_signal",))


CHECK: Final = Check(
    id="exit-signal",
    title="the exit signal is the requested one, none for a thread",
    what="For every new task: exit_signal is what the system call asked for; -1 for a thread; "
    "with CLONE_PARENT that of the caller's group leader.",
    why="wait() without __WALL finds only children whose signal is SIGCHLD, and a thread must "
    "never signal its parent.",
    limits="A task that the kernel creates for itself has no system call to compare with, and "
    "the signal of a leader that was there before the recording is known only once it was seen: "
    "such cases are unknown.",
    example="A thread whose exit_signal is SIGCHLD violates it.",
    source="kernel/fork.c: copy_process(), under tasklist_lock",
    observed="Column exit_signal of `newtask`, and of `clone_call` for what was requested.",
    run=_run,
)
"""The check."""
