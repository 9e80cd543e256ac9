# SPDX-License-Identifier: Apache-2.0
"""The state of the host where the recording begins and ends, and what was lost between."""

from __future__ import annotations

from traces.common_columns import FILE, event_time, task_identity
from traces.table import Column, Table

TABLES = (
    Table(
        "start_task",
        "A task as /proc showed it when recording began (the tree of -p, --cgroup, or all of -a; "
        "for a command, the command itself).",
        (
            Column("tid", "u32", "tid"),
            Column("tgid", "u32", "tgid"),
            Column("parent_tgid", "u32", "tgid of its parent"),
            Column("start_ticks", "u64", "/proc/PID/stat field 22: start_boottime in clock ticks"),
            Column("state", "bytes", "state letter"),
            Column("comm", "bytes", "comm"),
            Column("argv", "bytes", "/proc/PID/cmdline, NUL-terminated strings"),
            Column("executable", "bytes", "target of /proc/PID/exe; empty for a kernel thread"),
            Column("cwd", "bytes", "target of /proc/PID/cwd"),
            Column("ns_tid", "u32", "tid in the innermost pid namespace"),
            Column("pidns_inum", "u32", "inode number of its pid namespace"),
        ),
    ),
    Table(
        "start_mapping",
        "A mapping of a process that ran already when a recording with faults began, as "
        "/proc/PID/maps showed it.",
        (
            event_time("when it was looked at; the process was followed by then"),
            Column("tgid", "u32", "tgid of the process"),
            Column("address", "u64", "where it begins"),
            Column("end", "u64", "where it ends"),
            Column("prot", "u8", "1 readable, 2 writable, 4 executable"),
            Column("shared", "u8", "1 for a shared mapping"),
            Column("offset", "u64", "where in the file it begins, in bytes"),
            *FILE,
            Column("path", "bytes", "path of the file; [heap], [stack] and such; empty for none"),
            Column("unread_pages", "u64", "how many of its pages, at its end, were not looked at"),
        ),
    ),
    Table(
        "start_page",
        "Pages of a process that ran already when a recording with faults began, as "
        "/proc/PID/pagemap showed them: a run of pages in frames that follow each other.",
        (
            event_time("time_ns of its rows in start_mapping"),
            Column("tgid", "u32", "tgid of the process"),
            Column("address", "u64", "of the first page", "delta"),
            Column("frame", "u64", "of the first page; 0 for swapped pages", "delta"),
            Column("pages", "u32", "how many they are"),
            Column(
                "flags",
                "u8",
                "1 present, 2 swapped, 4 of a file or of shared memory, "
                "8 mapped by nobody else (exclusively mapped)",
            ),
        ),
    ),
    Table(
        "end_task",
        "A followed task that was still there as recording ended.",
        (
            *task_identity(),
            Column("leader_start_ns", "u64", "start_boottime of its thread-group leader"),
            Column("parent_tgid", "u32", "tgid of its parent at the end, from /proc; 0 unknown"),
            Column("state", "bytes", "state letter from /proc; empty when it was just gone"),
            Column(
                "syscall",
                "u16",
                "followed system call it was in, 0 none; also rows of "
                "clone_call and wait with unfinished = 1",
            ),
            Column("enter_ns", "u64", "entry of that call"),
        ),
    ),
    Table(
        "lost",
        "What could not be recorded.",
        (
            Column("time_ns", "u64", "when the recorder noticed", "delta"),
            Column("ring", "bytes", "where: the name of a ring, of a map, or of a program"),
            Column("cpu", "u16", "CPU on which it happened; 65535 where that is not known"),
            Column("count", "u64", "how many records since the row before"),
            Column("first_ns", "u64", "earliest loss since the row before"),
            Column("last_ns", "u64", "latest loss since the row before"),
        ),
    ),
)
"""The tables of this subject."""
