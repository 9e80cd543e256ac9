# SPDX-License-Identifier: Apache-2.0
"""What a new task begins with, beside its flags and pointers."""

from __future__ import annotations

import pytest

from replay.checks.verdict import Outcome, Reason
from tests.replay.checks.creating import (
    IO,
    PTHREAD,
    SYSVSEM,
    creations,
    is_lost,
    only,
    verdicts,
    violated,
)  # fmt: skip

RULE = "new-task-members"


def test_a_trace_that_keeps_the_rule() -> None:
    """With and without sharing of the I/O context and of the undo list."""
    verdict = verdicts(creations(0, PTHREAD, IO, SYSVSEM))[RULE]
    assert verdict.outcome is Outcome.PASS
    assert verdict.unobservable == 0


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("child_pending", 1 << 14, "nothing_pending"),
        ("child_shared_pending", 1, "group_nothing_pending"),
        ("child_utime_ns", 5, "no_user_time"),
        ("child_stime_ns", 5, "no_system_time"),
        ("child_vfork_done", 0xFF, "no_vfork_yet"),
        ("child_has_children", 1, "no_children"),
        ("child_min_flt", 1, "no_minor_faults"),
        ("child_maj_flt", 1, "no_major_faults"),
        ("child_switches", 1, "no_switches"),
        ("child_nr_threads", 2, "alone"),
        ("child_undo_list", 0x99, "no_undo"),
        ("child_io_context", 9, "io_not_shared"),
        ("child_stack", 1 << 20, "own_stack"),
        ("child_seccomp_filter", 0, "same_filter"),
    ],
)
def test_a_member_that_was_inherited(column: str, value: int, part: str) -> None:
    """Violates this rule alone, in the part that is about it."""
    trace = creations(0)
    only(trace, "newtask_state")[column] = value
    assert violated(trace) == {RULE}
    assert [case.part for case in verdicts(trace)[RULE].cases] == [part]


def test_an_io_context_that_is_not_shared() -> None:
    """Although CLONE_IO asks for it."""
    trace = creations(IO)
    only(trace, "newtask_state")["child_io_context"] = 10
    assert violated(trace) == {RULE}
    assert [case.part for case in verdicts(trace)[RULE].cases] == ["io_shared"]


def test_a_recording_without_steps() -> None:
    """Cannot tell, which is no loss."""
    trace = creations(0)
    trace.drop("newtask_state")
    verdict = verdicts(trace)[RULE]
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNOBSERVABLE)
    assert "record with steps" in verdict.not_recorded


def test_a_lost_state() -> None:
    """Leaves its cases open."""
    trace = creations(0, 0)
    trace.lose("newtask_state", child_tid=12)
    verdict = verdicts(trace)[RULE]
    assert is_lost(verdict)
    assert verdict.lost == verdict.passed > 0
