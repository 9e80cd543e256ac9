# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.costs: every nanosecond of every creation is in one row."""

from __future__ import annotations

import pytest

from replay.model.load import load_model
from replay.names import CLONE_VFORK, CLONE_VM
from replay.steps.costs import ENTRY, Costs, costs
from replay.steps.naming import named
from replay.steps.windows import Windows
from tests.replay.steps.story import SLAB_ALLOC, StepsTrace, steps_trace


def _costs(trace: StepsTrace) -> Costs:
    windows = Windows.of(trace)
    model = load_model("linux-6.18")
    return costs(windows, named(windows.moments, model), model)


def test_the_times_add_up() -> None:
    """The sum of all rows is the time from entry to return of the calls that made a task."""
    trace = steps_trace()
    found = _costs(trace)
    made = [row for row in trace.rows["clone_call"] if row["result"] > 0]
    assert found.total_ns == sum(row["time_ns"] - row["enter_ns"] for row in made)
    assert found.rows["ns"].sum() == found.total_ns
    assert (found.creations, found.failed, found.slept) == (2, 1, 0)
    assert float(found.rows["share"].sum()) == pytest.approx(1)


def test_rows_are_in_the_order_of_the_steps() -> None:
    """The entry first, then as the kernel goes."""
    steps = list(dict.fromkeys(_costs(steps_trace()).rows["step"].to_list()))
    assert steps[:3] == [ENTRY, "dup_task_struct", "copy_creds"]
    assert steps[-1] == "wake_up_new_task"


def test_a_vfork_parents_sleep_is_no_cost_of_a_step() -> None:
    """It stands apart, and is taken off the span it lies in and off the total."""
    trace = StepsTrace()
    enter_ns = trace.tick()
    trace.step(SLAB_ALLOC, "copy_process", "task_struct")
    flags = CLONE_VFORK | CLONE_VM
    trace.child(11, flags)
    trace.now_ns += 50_000
    trace.call(enter_ns, 11, flags=flags, blocked_total_ns=49_000)
    found = _costs(trace)
    assert (found.slept, found.slept_ns) == (1, 49_000)
    took_ns = {row["step"]: row["ns"] for row in found.rows.to_dicts()}
    assert took_ns["wake_up_new_task"] == 2_000
    assert "vfork_wait" not in took_ns
    assert found.total_ns == trace.now_ns - enter_ns - 49_000


def test_nothing_created_gives_no_rows() -> None:
    """Nothing is divided by nothing."""
    assert _costs(StepsTrace()).rows.is_empty()
