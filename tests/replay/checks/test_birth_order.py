# SPDX-License-Identifier: Apache-2.0
"""A new task is published, announced, woken, and runs.

What breaks it, and what is lost, is in mutations.py.
"""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.mutations import life

RULE = "birth-order"


def test_each_pair_is_judged() -> None:
    """In the order of the model."""
    parts = verdicts(life())[RULE].parts
    assert [(part.name, part.passed) for part in parts] == [
        ("task_newtask before sched_process_fork", 1),
        ("sched_process_fork before sched_wakeup_new", 1),
        ("sched_wakeup_new before first_run", 1),
    ]


def test_a_task_that_is_not_announced() -> None:
    """An io_uring worker has no sched_process_fork."""
    trace = life()
    only(trace, "started")["fork_ns"] = 0
    assert verdicts(trace)[RULE].passed == 1


def test_an_announcement_before_the_publication() -> None:
    """Is a violation."""
    trace = life()
    only(trace, "started")["fork_ns"] = 999
    assert violated(trace) == {RULE}


def test_the_book_does_not_ask() -> None:
    """It has no such moments."""
    assert verdicts(life(), "textbook")[RULE].outcome is Outcome.PASS
    assert verdicts(life(), "textbook")[RULE].count == 0
