# SPDX-License-Identifier: Apache-2.0
"""Who runs first after fork, asked for by the book alone."""

from __future__ import annotations

from replay.checks.verdict import Outcome
from tests.replay.checks.creating import VFORK, VM, creations, is_lost, only, verdicts

RULE = "child-runs-first"


def test_kernels_leave_it_open() -> None:
    """Their models ask nothing."""
    verdict = verdicts(creations(0))[RULE]
    assert (verdict.outcome, verdict.count) == (Outcome.PASS, 0)


def test_a_parent_that_returns_first() -> None:
    """Is against the book, with the three events in their order."""
    verdict = verdicts(creations(0), "textbook")[RULE]
    assert verdict.outcome is Outcome.VIOLATION
    events = [event.name for event in verdict.cases[0].events]
    assert events == ["task_newtask", "sys_exit", "sched_switch"]


def test_a_child_that_runs_first() -> None:
    """Keeps it."""
    trace = creations(0)
    only(trace, "started")["time_ns"] = 1_050
    assert verdicts(trace, "textbook")[RULE].outcome is Outcome.PASS


def test_what_shares_memory_is_no_case() -> None:
    """The sentence is about fork, where pages are copied."""
    assert verdicts(creations(VM | VFORK), "textbook")[RULE].count == 0


def test_a_first_run_that_was_not_seen() -> None:
    """A time that is only an upper bound decides nothing."""
    trace = creations(0)
    only(trace, "started")["late"] = 1
    assert verdicts(trace, "textbook")[RULE].unobservable == 1
    trace.lose("started")
    assert is_lost(verdicts(trace, "textbook")[RULE])
