# SPDX-License-Identifier: Apache-2.0
"""Errors of a failed creation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.refused_flags import clone_call_events
from replay.model.terms import ERRNO_NUMBERS
from replay.names import errno_name

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict


def _run(evidence: Evidence) -> Verdict:
    errors = {name for step in evidence.model.steps for name in step.errno}
    known = sorted(ERRNO_NUMBERS[name] for name in errors)
    question = Question(
        part="possible",
        rule="a creation fails with an error that one of its steps gives",
        applies=pl.col("errno") != 0,
        holds=pl.col("errno").is_in(known),
        missing="",
        found=lambda row: f"the call gave {errno_name(row['errno'])}",
    )
    cases = Cases(evidence.clone_calls, ("clone_call",), clone_call_events)
    return judged(CHECK.id, evidence, cases, [question] if known else [])


CHECK: Final = Check(
    id="step-errors",
    title="a creation fails with an error that one of its steps can give",
    what="Every fork, vfork, clone and clone3 that fails gives an error that the model names for "
    "one of the steps.",
    why="The error tells which step failed, and so what to do: EAGAIN is a limit, ENOMEM memory "
    "or a dying pid namespace, EEXIST a pid that was asked for.",
    limits="A security module may return any error; those of the kernel's own modules are in the "
    "model. Which step it was is not judged here.",
    example="A fork that returns ECHILD violates it.",
    source="kernel/fork.c: copy_process() and what it calls",
    observed="`clone_call`: result at sys_exit.",
    run=_run,
)
"""The check."""
