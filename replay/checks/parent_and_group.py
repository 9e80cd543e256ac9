# SPDX-License-Identifier: Apache-2.0
"""Whose child and in which thread group a new task is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_fields

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    return judged_fields(CHECK.id, evidence, ("real_parent", "child_tgid"))


CHECK: Final = Check(
    id="parent-and-group",
    title="the new task has the parent and the thread group that the flags say",
    what="For every new task: its real_parent is the caller, or with CLONE_PARENT or "
    "CLONE_THREAD the caller's own parent; it leads a process of its own (tgid is its tid), or "
    "with CLONE_THREAD is in the caller's.",
    why="Who is the parent decides who gets the signal and may wait; with CLONE_PARENT that is "
    "not the caller.",
    limits="The caller's own parent is known from its birth and from later reparenting in the "
    "same trace; between the end of a parent and the moment its children are given away either "
    "is right, and the case is unknown. It is compared by process, not by thread.",
    example="A fork whose child has another real_parent than the caller violates it.",
    source="kernel/fork.c: copy_process(), under tasklist_lock",
    observed="Columns real_parent_* and child_tgid of `newtask`; `adopted`, `orphan` and `dead`.",
    run=_run,
)
"""The check."""
