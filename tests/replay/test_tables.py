# SPDX-License-Identifier: Apache-2.0
"""How replay reads tables."""

from __future__ import annotations

from replay.tables import columns, identity_columns, last_time_ns
from tests.histories.build import told
from tests.histories.fake import FakeTrace


def test_columns_give_rows_as_tuples() -> None:
    """In the order of the frame and of the names asked for."""
    trace = FakeTrace()
    trace.add("start_task", tid=1, comm=b"a")
    trace.add("start_task", tid=2, comm=b"b")
    assert list(columns(trace.table("start_task"), "comm", "tid")) == [(b"a", 1), (b"b", 2)]


def test_every_identity_of_the_schema_is_found() -> None:
    """Those with a prefix too, and no column that only looks like one."""
    found = set(identity_columns())
    assert ("exec", "old_tid", "old_start_ns") in found
    assert ("dead", "reaper_tid", "reaper_start_ns") in found
    assert ("newtask", "real_parent_tid", "real_parent_start_ns") in found
    assert ("signal", "target_tid", "target_start_ns") in found
    assert ("exit", "tid", "start_ns") in found
    assert not [tid for _, tid, _ in found if tid in {"ns_tid", "waker_tid"}]
    assert "start_task" not in {table for table, _, _ in found}


def test_the_last_event() -> None:
    """Of any table; 0 in a trace without events."""
    history = told("sh forks a, a exits, sh waits a")
    trace = history.end_recording()
    assert last_time_ns(trace) == trace.of("wait")[0]["time_ns"]
    assert last_time_ns(FakeTrace()) == 0
