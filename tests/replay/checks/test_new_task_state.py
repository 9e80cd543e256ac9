# SPDX-License-Identifier: Apache-2.0
"""The state in which a new task is published."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import creations, is_lost, only, verdicts, violated

RULE = "new-task-state"


def test_task_new() -> None:
    """Keeps the rule, and not that of the book."""
    assert verdicts(creations(0))[RULE].outcome is Outcome.PASS
    assert verdicts(creations(0), "textbook")[RULE].outcome is Outcome.VIOLATION


def test_a_task_that_could_run_already() -> None:
    """TASK_RUNNING violates this rule alone."""
    trace = creations(0, 0)
    only(trace)["child_state"] = 0
    assert violated(trace) == {RULE}
    case = verdicts(trace)[RULE].cases[0]
    assert case.why == "sched_fork: child_state is TASK_NEW; child_state is TASK_RUNNING"
    only(trace)["child_state"] = 0x4000
    assert verdicts(trace)[RULE].cases[0].why.endswith("; child_state is 0x4000")


def test_a_lost_creation() -> None:
    """Leaves it open."""
    trace = creations(0, 0)
    trace.lose("newtask", child_tid=11)
    assert is_lost(verdicts(trace)[RULE])


def test_a_trace_that_was_cut_off() -> None:
    """Leaves it open, too."""
    trace = creations(0)
    trace.complete = False
    assert is_lost(verdicts(trace)[RULE])
