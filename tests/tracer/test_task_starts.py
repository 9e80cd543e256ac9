# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.task_starts: which of the tasks that had a tid had it at some time."""

from __future__ import annotations

import numpy as np
import pytest

from tracer.task_starts import TaskStarts


def _noted() -> TaskStarts:
    starts = TaskStarts()
    starts.note_columns("adopted", {"tid": np.array([7]), "start_ns": np.array([100])})
    children = {
        "tid": np.array([7, 7]),
        "child_tid": np.array([8, 7]),
        "child_start_ns": np.array([150, 300]),
    }
    starts.note_columns("newtask", children)
    starts.note_columns("exit", {"tid": np.array([7]), "start_ns": np.array([1])})
    return starts


@pytest.mark.parametrize(
    ("tid", "at", "start"),
    [(7, 99, None), (7, 100, 100), (7, 299, 100), (7, 300, 300), (7, 2**62, 300), (8, 200, 150),
     (9, 200, None)],
)  # fmt: skip
def test_the_last_one_before(tid: int, at: int, start: int | None) -> None:
    """A tid may have had several tasks, one after the other, and the rows may come in any order."""
    assert _noted().start_of(tid, at) == start


def test_rows_out_of_order() -> None:
    """Two CPUs write each its own."""
    starts = TaskStarts()
    for start in (300, 100):
        row = {"child_tid": np.array([7]), "child_start_ns": np.array([start])}
        starts.note_columns("newtask", row)
    assert starts.start_of(7, 200) == 100
