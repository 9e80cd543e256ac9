# SPDX-License-Identifier: Apache-2.0
"""Threads release themselves. What breaks it, and what is lost, is in mutations.py."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import only, verdicts, violated
from tests.replay.checks.living import reap
from tests.replay.checks.mutations import life, threads

RULE = "auto-reap"


def test_a_quick_parent() -> None:
    """A process that was reaped before its last switch is EXIT_DEAD, too."""
    trace = life()
    only(trace, "dead")["exit_state"] = 0x10
    assert verdicts(trace)[RULE].outcome is Outcome.PASS


def test_a_task_that_leaves_alive() -> None:
    """Neither zombie nor dead: no leader may."""
    trace = life()
    only(trace, "dead")["exit_state"] = 0
    assert violated(trace) == {RULE}


def test_a_traced_thread() -> None:
    """Is kept by its tracer, which shows by a stop that it was told of."""
    trace = threads()
    only(trace, "dead")["exit_state"] = 0x20
    reap(trace, 11, 1_500, 0x137F)
    verdict = verdicts(trace)[RULE]
    assert (verdict.violated, verdict.unobservable) == (0, 1)
