# SPDX-License-Identifier: Apache-2.0
"""The signal at a task's end."""

from __future__ import annotations

from replay.checks.verdict import Outcome, Reason
from tests.replay.checks.creating import (
    CLONE3,
    INUM,
    PARENT,
    PTHREAD,
    create,
    creations,
    is_lost,
    only,
    verdicts,
    violated,
)  # fmt: skip

RULE = "exit-signal"


def test_a_trace_that_keeps_the_rule() -> None:
    """A child, a sibling and a thread."""
    verdict = verdicts(creations(0, PARENT, PTHREAD))[RULE]
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 3)


def test_a_child_with_another_signal() -> None:
    """Than was asked for."""
    trace = creations(0)
    only(trace)["exit_signal"] = 10
    assert violated(trace) == {RULE}


def test_a_thread_with_a_signal() -> None:
    """Must have none."""
    trace = creations(PTHREAD)
    only(trace)["exit_signal"] = 17
    assert violated(trace) == {RULE}


def test_a_sibling_has_the_signal_of_the_leader() -> None:
    """Which executing sets to SIGCHLD."""
    trace = creations(PARENT)
    only(trace, "adopted")["exit_signal"] = 10
    assert violated(trace) == {RULE}
    trace.add("exec", time_ns=900, enter_ns=800, tid=10, tgid=10, start_ns=1_000,
              old_tid=10, old_start_ns=1_000, pidns_inum=INUM, ns_tid=10)  # fmt: skip
    assert violated(trace) == set()


def test_a_call_that_was_lost() -> None:
    """Leaves open what was asked for."""
    trace = creations(0)
    trace.lose("clone_call")
    verdict = verdicts(trace)[RULE]
    assert is_lost(verdict)
    assert verdict.lost == 1


def test_a_task_that_the_kernel_created_for_itself() -> None:
    """Has no call to compare with, which is no loss."""
    trace = creations(0)
    trace.drop("clone_call")
    verdict = verdicts(trace)[RULE]
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNOBSERVABLE)


def test_a_clone3_that_could_not_be_read() -> None:
    """Is stored with zeros, which ask for nothing."""
    trace = creations(0)
    create(trace, 0, 20, 20_000)
    only(trace, "clone_call", 1).update(syscall=CLONE3, args_read=0, exit_signal=0)
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable, verdict.passed) == (0, 1, 1)
