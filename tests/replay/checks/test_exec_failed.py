# SPDX-License-Identifier: Apache-2.0
"""An exec that fails changes nothing. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.mutations import failed_exec

RULE = "exec-failed"


def test_nothing_seen_afterwards() -> None:
    """Is no case: a task that lives on shows its mm nowhere."""
    trace = failed_exec()
    trace.drop("exit")
    assert verdicts(trace)[RULE].count == 0


def test_a_task_that_is_killed() -> None:
    """It may be past the point of no return."""
    trace = failed_exec()
    only(trace, "exit").update(mm=0xBAD000, exit_code=11)
    only(trace, "wait")["status"] = 11
    assert violated(trace) == set()
    assert verdicts(trace)[RULE].unobservable == 1
