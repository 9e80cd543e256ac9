# SPDX-License-Identifier: Apache-2.0
"""Errors that some step can give."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import creations, fail, is_lost, verdicts, violated

RULE = "step-errors"


def test_errors_of_steps() -> None:
    """EAGAIN, ENOMEM, EEXIST, and the restart that no program sees."""
    trace = creations(0)
    for errno in (11, 12, 17, 513):
        fail(trace, errno)
    verdict = verdicts(trace)[RULE]
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 4)


def test_an_error_that_no_step_gives() -> None:
    """Violates this rule alone; entry and return are the witness."""
    trace = creations(0)
    fail(trace, 10)
    assert violated(trace) == {RULE}
    case = verdicts(trace)[RULE].cases[0]
    assert case.why.endswith("the call gave ECHILD")
    assert [event.name for event in case.events] == ["sys_enter", "sys_exit"]


def test_a_model_that_names_no_errors() -> None:
    """Does not ask."""
    trace = creations()
    fail(trace, 10)
    assert verdicts(trace, "textbook")[RULE].count == 0


def test_a_lost_call() -> None:
    """Leaves the rule open."""
    trace = creations(0)
    fail(trace, 10)
    trace.lose("clone_call", result=-10)
    assert is_lost(verdicts(trace)[RULE])
