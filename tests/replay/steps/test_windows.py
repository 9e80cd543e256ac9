# SPDX-License-Identifier: Apache-2.0
"""Tests of replay.steps.windows: events belong to the call that encloses them."""

from __future__ import annotations

import polars as pl

from replay.steps.windows import What, Windows
from tests.replay.steps.story import SLAB_ALLOC, StepsTrace, steps_trace


def test_calls_and_what_they_made() -> None:
    """A call has the task it made and its moments; one that failed has none."""
    calls = Windows.of(steps_trace()).calls
    assert calls["child_tid"].to_list() == [11, 12, None]
    assert calls["result"].to_list() == [11, 12, -17]
    assert (calls["fork_ns"].drop_nulls() > calls["published_ns"].drop_nulls()).all()


def test_events_are_named_and_in_their_window() -> None:
    """Interrupts are left out; a site right behind a function is still in it."""
    windows = Windows.of(steps_trace())
    assert (windows.in_interrupt, windows.outside) == (1, 0)
    first = windows.events.filter(pl.col("window") == 0)
    assert first["function"].to_list()[:2] == ["copy_process", "prepare_creds"]
    assert "__mt_dup" in first["function"].to_list()
    assert "rcu_do_batch" not in first["function"].to_list()
    assert first["cache"].to_list()[0] == "task_struct"
    assert windows.events.group_by("window").len().sort("window")["len"].to_list() == [13, 3, 16]


def test_moments_lie_in_between_and_tell_the_time_to_the_next() -> None:
    """The times of a call add up to the whole call."""
    windows = Windows.of(steps_trace())
    for call in windows.calls.iter_rows(named=True):
        own = windows.moments.filter(pl.col("window") == call["window"])
        assert own["time_ns"].is_sorted()
        assert own["took_ns"].sum() == call["time_ns"] - call["enter_ns"]
        assert own["what"].to_list()[0] == What.ENTERED
        assert own["what"].to_list()[-1] == What.RETURNED
        assert own["failed"].all() == (call["result"] < 0)


def test_another_task_and_another_time_are_no_part_of_a_call() -> None:
    """Events without a call, as after losses, are counted."""
    trace = steps_trace()
    trace.step(SLAB_ALLOC, "dup_fd", "files_cache")
    trace.step(SLAB_ALLOC, "dup_fd", "files_cache", tid=99, time_ns=1_002_500)
    windows = Windows.of(trace)
    assert windows.outside == 2
    assert len(windows.events) == 32


def test_without_steps_there_are_only_moments() -> None:
    """A recording with --no-steps still has its calls."""
    trace = steps_trace()
    for table in ("step", "slab_cache", "kernel_function"):
        trace.rows.pop(table)
    windows = Windows.of(trace)
    assert windows.events.is_empty()
    assert len(windows.moments) == 5 + 5 + 2
    empty = Windows.of(StepsTrace())
    assert empty.calls.is_empty()
    assert empty.moments.is_empty()
