# SPDX-License-Identifier: Apache-2.0
"""The parent of a vfork sleeps. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.living import end, identity
from tests.replay.checks.mutations import life, vfork

RULE = "vfork-wait"


def test_a_fork_is_no_case() -> None:
    """Its parent runs on."""
    assert verdicts(life())[RULE].count == 0


def test_a_child_that_ends_without_exec() -> None:
    """Releases its parent by that; up to 6.15 the end is announced later."""
    trace = vfork()
    trace.drop("exec")
    assert violated(trace) == {RULE}
    assert verdicts(trace, "linux-6.12")[RULE].violated == 0
    only(trace, "clone_call").update(time_ns=3_100)
    assert verdicts(trace)[RULE].passed == 2


def test_a_child_that_does_neither() -> None:
    """Leaves its parent asleep."""
    trace = vfork()
    trace.drop("exec")
    trace.drop("exit")
    assert RULE in violated(trace)


def test_woken_by_somebody_else() -> None:
    """Only the child wakes it, or a signal that ends it."""
    trace = vfork()
    only(trace, "clone_call")["waker_tid"] = 77
    assert violated(trace) == {RULE}
    end(trace, identity(10, 1_000), 2_200, 9)
    assert RULE not in violated(trace)


def test_a_parent_that_still_waits_when_the_recording_ends() -> None:
    """Is no case: it has not returned."""
    trace = vfork()
    trace.drop("exec")
    trace.drop("exit")
    only(trace, "clone_call")["unfinished"] = 1
    assert verdicts(trace)[RULE].count == 0
