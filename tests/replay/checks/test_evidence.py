# SPDX-License-Identifier: Apache-2.0
"""What was lost, and what that concerns."""

from __future__ import annotations

import pytest

from tests.replay.checks.creating import creations, evidence


@pytest.mark.parametrize(
    ("ring", "newtask", "step"),
    [
        (b"small ring", 3, 0),
        (b"step ring", 0, 3),
        (b"followed tasks", 3, 3),
        (b"fault ring", 0, 0),
        (b"something new", 3, 0),
    ],
)
def test_a_loss_concerns_the_tables_of_its_ring(ring: bytes, newtask: int, step: int) -> None:
    """A lost fault says nothing of creations."""
    trace = creations(0)
    trace.add("lost", time_ns=1, ring=ring, count=3)
    assert evidence(trace).lost(("newtask",)) == newtask
    assert evidence(trace).lost(("step",)) == step
    assert evidence(trace).anything_lost(("newtask",)) is bool(newtask)


def test_calls_that_did_not_return_are_none() -> None:
    """They have no result."""
    trace = creations(0, 0)
    trace.rows["clone_call"][0]["unfinished"] = 1
    assert len(evidence(trace).clone_calls) == 1
