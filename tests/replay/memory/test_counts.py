# SPDX-License-Identifier: Apache-2.0
"""Recorded faults against the kernel's own counts."""

from __future__ import annotations

from replay.memory.counts import task_counts
from tests.histories.memory import KERNEL, MemoryHistory, remember


def _counts(history: MemoryHistory, *names: str) -> list[tuple[object, ...]]:
    return task_counts(history.trace, history.memory()).select(names).rows()


def test_each_task_by_itself() -> None:
    """Threads too; only completed faults count, and those after the exit row apart."""
    history = remember("sh forks a, a writes 1, a writes 2, a threads_off t, t writes 3, t ends")
    history.fault("a", 0x9000, 0, 0, 6, flags=0)
    history.tell("a exits")
    history.fault("a", 0x1000, 0x1025, 0x2067, 7, flags=KERNEL | 4)
    for row, count in zip(history.made.rows["exit"], (1, 5), strict=True):
        row.update(min_flt=count - 1, maj_flt=1)
    t, a = history.threads["t"], history.threads["a"]
    assert task_counts(history.trace, history.memory()).rows() == [
        (t.tid, t.start_ns, a.tid, 1, 0, 1, 0, True),
        (a.tid, a.start_ns, a.tid, 2, 1, 5, 3, True),
    ]


def test_a_task_from_before() -> None:
    """Its difference may be from before it was followed."""
    history = remember("sh writes 1, sh exits")
    assert _counts(history, "recorded", "expected", "whole_life") == [(1, 1, False)]


def test_a_thread_that_takes_the_leaders_place() -> None:
    """It keeps its counts under its new name, and the leader's own are gone with it."""
    history = remember("sh forks a, a writes 1, a threads_off t, t writes 2, t writes 3")
    history.tell("t execs x, a writes 4, a exits")
    a = history.threads["a"]
    assert _counts(history, "tid", "recorded") == [(a.tid, 3)]


def test_no_tasks() -> None:
    """Give no rows."""
    assert _counts(remember("sh writes 1"), "tid") == []
