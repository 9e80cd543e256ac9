# SPDX-License-Identifier: Apache-2.0
"""Every task ends once. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from tests.replay.checks.creating import PTHREAD, verdicts, violated
from tests.replay.checks.living import end, family, identity
from tests.replay.checks.mutations import life

RULE = "exit-once"


def test_a_task_that_is_gone_without_an_end() -> None:
    """It is neither among those that ended nor among those that are there."""
    trace = family(0)
    trace.drop("end_task", tid=11)
    assert violated(trace) == {RULE}


def test_no_thread_was_the_last() -> None:
    """Of a process that ended, one must be."""
    trace = life()
    trace.rows["exit"][0]["group_dead"] = 0
    assert violated(trace) == {RULE}


def test_a_thread_that_acts_after_the_last() -> None:
    """Then it was not the last."""
    trace = family(PTHREAD)
    end(trace, identity(11, 1_000, 10), 2_000, group_dead=1)
    assert violated(trace) == {RULE}
    part = {one.name: one.violated for one in verdicts(trace)[RULE].parts}
    assert part["group_dead_last"] == 1
