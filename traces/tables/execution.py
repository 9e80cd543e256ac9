# SPDX-License-Identifier: Apache-2.0
"""exec: the calls that replaced a process's image, those that failed, and their text."""

from __future__ import annotations

from traces.common_columns import CPU, PID_NAMESPACE, event_time, task_identity
from traces.table import Column, Table

TABLES = (
    Table(
        "exec",
        "A successful execve or execveat, as the new image stands ready.",
        (
            event_time("sched_process_exec"),
            CPU,
            *task_identity("", "the task, with the identity it has after exec"),
            Column("old_tid", "u32", "tid before; differs when a thread other than the leader ran"),
            Column("old_start_ns", "u64", "start_boottime before exec"),
            Column("enter_ns", "u64", "entry of the system call; 0 unknown"),
            Column("syscall", "u16", "59 execve, 322 execveat; 0 unknown (kernel's own exec)"),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("uid", "u32", "real user id after exec"),
            Column("euid", "u32", "effective user id after exec"),
            Column("argc", "u32", "number of arguments"),
            Column("arg_bytes", "u64", "length of the whole argument area"),
            Column("exe_dev", "u32", "device of the executable (major << 20 | minor)"),
            Column("exe_ino", "u64", "inode of the executable"),
            Column("mm", "u64", "kernel address of the new mm"),
            Column("old_mm", "u64", "kernel address of the mm at the call's entry; 0 unknown"),
            Column("start_code", "u64", "new image's layout, addresses: code"),
            Column("end_code", "u64", "end of code"),
            Column("start_data", "u64", "data"),
            Column("end_data", "u64", "end of data"),
            Column("start_brk", "u64", "heap"),
            Column("start_stack", "u64", "stack"),
            Column("mmap_base", "u64", "where mappings begin, growing down"),
            Column("cgroup", "u64", "id of its cgroup in the v2 hierarchy"),
            *PID_NAMESPACE,
        ),
    ),
    Table(
        "exec_failed",
        "An execve or execveat that returned an error.",
        (
            event_time("return of the system call"),
            CPU,
            *task_identity("", "the caller"),
            Column("enter_ns", "u64", "entry of the system call"),
            Column("syscall", "u16", "59 execve, 322 execveat"),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("dirfd", "i32", "execveat's directory; -100 is AT_FDCWD"),
            Column("at_flags", "i32", "execveat's flags"),
            Column("result", "i64", "-errno"),
        ),
    ),
    Table(
        "text",
        "A piece of a string that belongs to an exec or exec_failed row with the same tid and "
        "time_ns; pieces of one string are joined by offset.",
        (
            Column("time_ns", "u64", "time_ns of the row it belongs to", "delta"),
            Column("tid", "u32", "tid of the row it belongs to"),
            Column(
                "what",
                "u16",
                "1 path as given, 2 argv, 3 cwd, 4 environment, 5 executable, 6 interpreter, "
                "7 auxiliary vector (pairs of u64), 8 mapped file",
            ),
            Column("flags", "u16", "1 truncated, 2 a part could not be read"),
            Column("offset", "u32", "where this piece begins in the string, in bytes"),
            Column("total", "u32", "length of the string in bytes where known, else 0"),
            Column(
                "data",
                "bytes",
                "argv and environment: NUL-terminated; cwd and executable: "
                "path components from the innermost outwards, each NUL-terminated",
            ),
        ),
    ),
)
"""The tables of this subject."""
