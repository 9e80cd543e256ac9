# SPDX-License-Identifier: Apache-2.0
"""Columns that many tables have."""

from __future__ import annotations

from traces.common_columns import event_time, object_pointers, task_identity


def test_times_are_stored_as_differences() -> None:
    """An event's time is near that of the row before."""
    assert event_time("when").encoding == "delta"


def test_an_identity_is_tid_tgid_and_start() -> None:
    """A pid that is used again gives a new identity."""
    names = [column.name for column in task_identity("child_", "the child")]
    assert names == ["child_tid", "child_tgid", "child_start_ns"]


def test_each_shared_object_has_a_pointer() -> None:
    """They are what clone flags share or copy."""
    columns = object_pointers("child_", "the child's")
    assert [column.name for column in columns] == [
        "child_mm", "child_files", "child_fs", "child_sighand", "child_signal",
        "child_nsproxy", "child_cred",
    ]  # fmt: skip
    assert all(column.doc.endswith("equal means shared") for column in columns)
