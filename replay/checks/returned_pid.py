# SPDX-License-Identifier: Apache-2.0
"""What the call of the clone family returns to the parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from replay.before import INITIAL_PIDNS_INUM
from replay.checks.check import Check
from replay.checks.judge import Cases, Question, judged
from replay.checks.lives import TASK
from replay.checks.verdict import WitnessEvent
from replay.checks.words import created

if TYPE_CHECKING:
    from replay.checks.evidence import Evidence
    from replay.checks.verdict import Verdict

_TABLES: Final = ("newtask", "clone_call")
_STEP: Final = "returned"
_BOOK_STEP: Final = "task_newtask"


def _run(evidence: Evidence) -> Verdict:
    steps = (_STEP, _BOOK_STEP)
    asked = any(evidence.model.has_step(step) for step in steps)
    calls = evidence.trace.table("clone_call").filter(pl.col("unfinished") == 0)
    results = calls.select(*TASK, "result", returned_ns="time_ns")
    callers = evidence.lives.select(*TASK, caller_inum="pidns_inum")
    frame = (
        evidence.newtasks.join(results, on=[*TASK, "returned_ns"], how="left")
        .join(callers, on=TASK, how="left")
        .filter(pl.col("returned_ns").is_not_null())
    )
    outer = pl.col("caller_inum") == INITIAL_PIDNS_INUM
    inner = pl.col("caller_inum") == pl.col("pidns_inum")
    expected = pl.when(outer).then("child_tid").when(inner).then("ns_tid")
    question = Question(
        part="pid",
        rule="the call returns the child's pid in the caller's namespace",
        applies=pl.lit(value=True),
        holds=pl.col("result") == expected.cast(pl.Int64),
        missing="the caller's pid namespace, or the child's pid there, is not known",
        found=lambda row: f"it returned {row['result']}",
    )
    cases = Cases(frame, _TABLES, _events)
    return judged(CHECK.id, evidence, cases, [question] if asked else [])


def _events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    text = f"{row['tid']} returns from the call: {row['result']}"
    return created(row), WitnessEvent(row["returned_ns"], "sys_exit", text)


CHECK: Final = Check(
    id="returned-pid",
    title="the call returns the pid of the child",
    what="For every creation whose call returned: the result is the new task's pid, as the "
    "caller's pid namespace numbers it.",
    why="The parent knows its child by this number alone: it waits for it and kills it by that.",
    limits="A pid is known in the task's innermost namespace and in the initial one. A caller in "
    "between has no decidable case. Calls that had not returned as recording ended have none.",
    example="A clone that returns 5 while its child has the pid 6 violates it.",
    source="kernel/fork.c: kernel_clone(), pid_vnr()",
    observed="`newtask`, and result of `clone_call` at sys_exit.",
    run=_run,
)
"""The check."""
