# SPDX-License-Identifier: Apache-2.0
"""Parent and thread group of a new task."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import (
    PARENT,
    PTHREAD,
    create,
    creations,
    is_lost,
    only,
    verdicts,
    violated,
)  # fmt: skip

RULE = "parent-and-group"


def test_a_trace_that_keeps_the_rule() -> None:
    """A child, a sibling and a thread."""
    verdict = verdicts(creations(0, PARENT, PTHREAD))[RULE]
    assert (verdict.outcome, verdict.passed) == (Outcome.PASS, 6)


def test_a_child_of_another() -> None:
    """Its real_parent must be the caller."""
    trace = creations(0)
    only(trace).update(real_parent_tid=1, real_parent_tgid=1)
    assert violated(trace) == {RULE}
    assert "real_parent is 1 (process 1)" in verdicts(trace)[RULE].cases[0].why


def test_a_sibling_with_the_wrong_parent() -> None:
    """CLONE_PARENT gives it the caller's parent."""
    trace = creations(PARENT)
    only(trace).update(real_parent_tid=10, real_parent_tgid=10)
    assert violated(trace) == {RULE}


def test_a_thread_in_a_group_of_its_own() -> None:
    """And a process in that of its parent."""
    trace = creations(PTHREAD)
    only(trace)["child_tgid"] = 11
    assert violated(trace) == {RULE}
    trace = creations(0)
    only(trace)["child_tgid"] = 10
    assert violated(trace) == {RULE}


def test_a_caller_that_was_given_to_another_parent() -> None:
    """Its siblings have the new parent from then on, and either one in between."""
    trace = creations()
    father = {"tid": 1, "tgid": 1, "start_ns": 1}
    trace.add("orphan", time_ns=5_000, **father, child_tid=10, child_tgid=10, child_start_ns=1_000)
    heir = {"reaper_tid": 2, "reaper_tgid": 2, "reaper_start_ns": 2}
    trace.add("dead", time_ns=6_000, **father, exit_state=0x20, **heir)
    create(trace, PARENT, 20, 5_500)
    create(trace, PARENT, 21, 7_000)
    only(trace, index=1).update(real_parent_tid=2, real_parent_tgid=2)
    verdict = verdicts(trace)[RULE]
    assert (verdict.outcome, verdict.violated, verdict.unobservable) == (Outcome.PASS, 0, 1)
    only(trace, index=1).update(real_parent_tid=1, real_parent_tgid=1)
    assert violated(trace) == {RULE}


def test_a_caller_whose_birth_was_lost() -> None:
    """Its parent is not known, so neither is that of a sibling."""
    trace = creations(PARENT)
    trace.lose("adopted")
    verdict = verdicts(trace)[RULE]
    assert is_lost(verdict)
    assert verdict.lost == 1
