# SPDX-License-Identifier: Apache-2.0
"""Columns that many tables have."""

from __future__ import annotations

from traces.table import Column


def event_time(doc: str) -> Column:
    """Give the column of an event's time, CLOCK_MONOTONIC in ns, stored as differences."""
    return Column("time_ns", "u64", doc, "delta")


def task_identity(prefix: str = "", whose: str = "the task") -> tuple[Column, Column, Column]:
    """Give the columns that identify one task: tid, tgid and start_boottime."""
    return (
        Column(f"{prefix}tid", "u32", f"tid of {whose}"),
        Column(f"{prefix}tgid", "u32", f"tgid (process id) of {whose}"),
        Column(f"{prefix}start_ns", "u64", f"start_boottime of {whose}, ns since boot"),
    )


CPU = Column("cpu", "u16", "CPU on which it happened")
"""The CPU of an event."""

_SHARED_OBJECTS = ("mm", "files", "fs", "sighand", "signal", "nsproxy", "cred")


def object_pointers(prefix: str, whose: str) -> tuple[Column, ...]:
    """Give a column for each object that clone flags share or copy."""
    return tuple(
        Column(f"{prefix}{name}", "u64", f"kernel address of {whose} {name}; equal means shared")
        for name in _SHARED_OBJECTS
    )


PID_NAMESPACE = (
    Column("pidns_level", "u32", "depth of the active pid namespace, 0 is the initial one"),
    Column("pidns_inum", "u32", "inode number of the active pid namespace"),
    Column("ns_tid", "u32", "tid in the active (innermost) pid namespace"),
)
"""A task's number where it lives, and where that is."""

SLEEP = (
    Column("blocked_ns", "u64", "when the caller first slept inside the call; 0: never slept"),
    Column("blocked_total_ns", "u64", "how long the caller slept inside the call, in ns"),
    Column("woken_ns", "u64", "the last wake-up of the caller inside the call"),
    Column("waker_tid", "u32", "tid of the task that was running at that wake-up"),
    Column("sleeps", "u32", "how often the caller slept inside the call"),
)
"""How a caller slept inside a call, and who woke it."""

FILE = (
    Column("file_dev", "u32", "device of the file (major << 20 | minor)"),
    Column("file_ino", "u64", "inode of the file"),
)
"""A file, as its inode."""
