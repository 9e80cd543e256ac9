# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.effects: what one creation left behind."""

from __future__ import annotations

from replay.model.load import load_model
from replay.steps.effects import effects
from replay.steps.windows import Windows
from tests.replay.steps.story import StepsTrace, steps_trace

MODEL = load_model("linux-6.18")


def _effects(trace: StepsTrace, window: int) -> dict[str, bool]:
    return effects(trace, MODEL, Windows.of(trace).calls.row(window, named=True))


def test_steps_that_leave_something_are_judged() -> None:
    """Those that leave nothing, or nothing that was recorded, are not."""
    found = _effects(steps_trace(), 0)
    assert found["copy_files"] is found["copy_mm"] is found["copy_namespaces"] is True
    assert "alloc_pid" not in found
    assert "clear_members" not in found


def test_only_the_one_creation_counts() -> None:
    """What another one left behind is not held against it."""
    trace = steps_trace()
    trace.rows["newtask"][0]["child_mm"] = trace.rows["newtask"][0]["mm"]
    assert _effects(trace, 0)["copy_mm"] is False
    assert _effects(trace, 1)["copy_mm"] is True


def test_what_stands_beside_newtask_counts() -> None:
    """A pending signal that the child inherited is not as the model has it."""
    trace = steps_trace()
    trace.add("newtask_state", child_tid=11, child_start_ns=11, child_pending=1)
    assert _effects(trace, 0)["clear_members"] is False
    trace.rows["newtask_state"][0]["child_pending"] = 0
    assert _effects(trace, 0)["clear_members"] is True


def test_a_failed_call_left_nothing() -> None:
    """There is no task to look at."""
    assert _effects(steps_trace(), 2) == {}
