# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.actor.problem: errors name the actor, not a number."""

from __future__ import annotations

import errno

import pytest

from tests.tracer.actor.scripts import script_of
from tracer.actor.control import Entry, Failure, State
from tracer.actor.problem import failed, never_began, stuck, too_long

SCRIPT = script_of(
    "actors: {p: [{repeat: {times: 6, steps: [{fork: c}]}}], c: }", timeout_s=2.5
)  # fmt: skip


def _asleep(actor: int, state: State = State.BARRIER) -> Entry:
    return Entry(actor, state, 100 + actor, 3, 0)


@pytest.mark.parametrize(
    ("error", "why"), [(errno.ENOMEM, "c.1: mmap: Cannot allocate memory"), (0, "c.1: mmap")]
)
def test_what_an_actor_could_not_do(error: int, why: str) -> None:
    """With the kernel's reason where there is one."""
    problem = failed(SCRIPT, Failure(1, error, "mmap"))
    assert (problem.what, problem.why) == ("the scenario told could not be executed", why)


def test_out_of_time() -> None:
    """Who slept is told; otherwise it is said that they did not."""
    problem = too_long(SCRIPT, [_asleep(0, State.WAITING)])
    assert problem.what == "the scenario told did not end within 2.5 s"
    assert problem.why == "p waits for a child (its operation 3)"
    assert "--timeout" in problem.hint
    assert too_long(SCRIPT, []).why == "its processes were still at work"


def test_those_who_are_stuck() -> None:
    """Four are named, the rest counted."""
    problem = stuck(SCRIPT, [_asleep(actor) for actor in range(7)])
    assert problem.why.startswith("p waits at a barrier (its operation 3), c.1 waits")
    assert problem.why.endswith(", and 3 more")
    for state in (State.PAUSED, State.WAITING, State.BARRIER, State.KILL, State.VFORK):
        assert stuck(SCRIPT, [_asleep(0, state)]).why.startswith("p ")


def test_a_program_that_began_nobody() -> None:
    """Its status is all there is to tell."""
    assert "status 2" in never_began(SCRIPT, 2).why
