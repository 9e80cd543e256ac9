# SPDX-License-Identifier: Apache-2.0
"""The flags of a new task."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import creations, is_lost, only, verdicts, violated

RULE = "new-task-flags"
PF_FORKNOEXEC = 0x40


def test_a_trace_that_keeps_the_rule() -> None:
    """Although the caller used privilege itself."""
    assert verdicts(creations(0))[RULE].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("flag", "part"),
    [(0x100, "no_superpriv"), (0x20, "no_worker"), (0x4000000, "no_worker")],
)
def test_a_flag_that_was_not_cleared(flag: int, part: str) -> None:
    """PF_SUPERPRIV and the flags of workers are not inherited."""
    trace = creations(0)
    only(trace)["child_flags"] |= flag
    assert violated(trace) == {RULE}
    assert [case.part for case in verdicts(trace)[RULE].cases] == [part]


def test_a_flag_that_was_not_set() -> None:
    """PF_FORKNOEXEC must be there."""
    trace = creations(0)
    only(trace)["child_flags"] &= ~PF_FORKNOEXEC
    assert violated(trace) == {RULE}
    assert "PF_FORKNOEXEC set" in verdicts(trace)[RULE].cases[0].why


def test_what_the_kernel_began_to_clear_later() -> None:
    """PF_NO_SETAFFINITY is cleared since 5.15: no rule of 5.10."""
    trace = creations(0)
    only(trace)["child_flags"] |= 0x4000000
    assert verdicts(trace, "linux-5.10")[RULE].outcome is Outcome.PASS


def test_a_lost_creation() -> None:
    """Leaves it open."""
    trace = creations(0)
    trace.lose("newtask", child_tid=11)
    assert is_lost(verdicts(trace)[RULE])
