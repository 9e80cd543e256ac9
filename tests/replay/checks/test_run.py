# SPDX-License-Identifier: Apache-2.0
"""Running checks, and the exit status."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.checks.registry import CHECKS
from replay.checks.run import STATUS_HOLDS, STATUS_UNDECIDED, STATUS_VIOLATED, run_checks, status
from replay.checks.verdict import Outcome
from tests.histories.random import Step, damage, played, steps
from tests.replay.checks.creating import MODEL, creations, only

LIVES = {
    "shared-objects", "new-task-state", "parent-and-group", "exit-signal", "birth-order",
    "returned-pid", "exec-identity", "exec-threads", "exit-once", "auto-reap", "reparenting",
    "wait-child", "reaped-once",
}  # fmt: skip
"""Rules about what the histories tell in full."""


def test_a_verdict_for_each_check_in_order() -> None:
    """Also for chosen ones."""
    found = run_checks(creations(0), MODEL)
    assert [verdict.rule for verdict in found] == [check.id for check in CHECKS]
    chosen = run_checks(creations(0), MODEL, CHECKS[2:3])
    assert [verdict.rule for verdict in chosen] == [CHECKS[2].id]


def test_the_status() -> None:
    """A violation outweighs a loss; what the host cannot show changes nothing."""
    trace = creations(0, 0)
    assert status(run_checks(trace, MODEL)) == STATUS_HOLDS
    trace.drop("newtask_state")
    assert status(run_checks(trace, MODEL)) == STATUS_HOLDS
    trace.lose("newtask", child_tid=12)
    assert status(run_checks(trace, MODEL)) == STATUS_UNDECIDED
    only(trace)["child_state"] = 0
    assert status(run_checks(trace, MODEL)) == STATUS_VIOLATED


def test_nothing_recorded() -> None:
    """An empty trace violates nothing."""
    trace = creations()
    trace.rows.clear()
    assert status(run_checks(trace, MODEL)) == STATUS_HOLDS


@settings(max_examples=40, deadline=None)
@given(steps)
def test_random_histories_keep_the_rules_of_lives(chosen: list[Step]) -> None:
    """Whatever tasks do in a legal order."""
    checks = [check for check in CHECKS if check.id in LIVES]
    found = run_checks(played(chosen).end_recording(), MODEL, checks)
    assert [one.cases for one in found if one.outcome is Outcome.VIOLATION] == []


@settings(max_examples=40, deadline=None)
@given(steps, st.lists(st.tuples(*[st.integers(0, 1000)] * 3), min_size=1, max_size=10))
def test_damaged_histories_get_their_verdicts(chosen: list[Step], harm: list[Step]) -> None:
    """Whatever rows are missing, repeated or altered."""
    trace = played(chosen).end_recording()
    damage(trace, harm)
    assert len(run_checks(trace, MODEL)) == len(CHECKS)
