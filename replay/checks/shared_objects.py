# SPDX-License-Identifier: Apache-2.0
"""What parent and child share after a creation, and what the child has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from replay.checks.check import Check
from replay.checks.post_conditions import judged_fields

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict

FIELDS: Final = ("mm", "files", "fs", "sighand", "signal", "nsproxy", "cred")
"""The objects that a task points to."""


def _run(evidence: Evidence) -> Verdict:
    return judged_fields(CHECK.id, evidence, FIELDS)


CHECK: Final = Check(
    id="shared-objects",
    title="each object is shared or copied as the clone flags say",
    what="For every new task: mm, files, fs, sighand, signal, nsproxy and cred are the caller's "
    "own object where the flags ask for sharing, and another one where they do not.",
    why="The flags of clone are exactly this choice. A table of open files that is shared by "
    "mistake, or memory that is copied by mistake, is a fault of the program that no test of its "
    "results shows.",
    limits="Objects are told apart by their kernel address at the moment of creation. For cred "
    "and nsproxy the kernel has an exception that no trace shows (a thread keyring, a time "
    "namespace unshared for children): what breaks the rule there is unknown, not a violation. A "
    "kernel thread has no mm, and shares none.",
    example="A fork without flags whose child has the caller's files violates it; a pthread "
    "whose files differ does, too.",
    source="kernel/fork.c: copy_files(), copy_fs(), copy_sighand(), copy_signal(), copy_mm(); "
    "kernel/cred.c: copy_creds(); kernel/nsproxy.c: copy_namespaces()",
    observed="Pointers of caller and child in `newtask`, read at tracepoint task_newtask.",
    run=_run,
)
"""The check."""
