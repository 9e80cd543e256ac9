# SPDX-License-Identifier: Apache-2.0
"""Steps that leave no event. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from replay.checks.verdict import Outcome, Reason
from tests.replay.checks.creating import verdicts
from tests.replay.checks.mutations import life

RULE = "source-order"


def test_the_kernel_s_own_model_is_not_asked() -> None:
    """Nor one that it extends: it would be compared with itself."""
    assert verdicts(life())[RULE].count == 0
    assert verdicts(life(), "linux-5.10")[RULE].count == 0


def test_the_book() -> None:
    """The flags come last there, and first in every kernel."""
    verdict = verdicts(life(), "textbook")[RULE]
    assert {part.name: (part.passed, part.violated) for part in verdict.parts} == {
        "clear_members before sched_fork": (1, 0),
        "clear_members before task_flags": (0, 1),
        "sched_fork before task_flags": (0, 1),
        # What shows itself only beyond the limit has its neighbours.
        "dup_task_struct before nproc_limit": (1, 0),
        "nproc_limit before clear_members": (1, 0),
        "nproc_limit before copy_creds": (0, 1),
    }


def test_the_book_on_a_kernel_of_its_age() -> None:
    """Up to 5.13 the limit is checked where the book says."""
    trace = life()
    trace.metadata["host"] = {"kernel": "5.10.200"}
    parts = {part.name: part for part in verdicts(trace, "textbook")[RULE].parts}
    assert parts["nproc_limit before copy_creds"].passed == 1
    assert parts["clear_members before task_flags"].violated == 1


def test_a_kernel_that_is_not_known() -> None:
    """Leaves it open."""
    trace = life()
    trace.metadata.clear()
    verdict = verdicts(trace, "textbook")[RULE]
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.UNOBSERVABLE)
