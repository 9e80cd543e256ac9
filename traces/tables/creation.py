# SPDX-License-Identifier: Apache-2.0
"""How tasks come into being: clone-family calls and the tasks they made."""

from __future__ import annotations

from traces.common_columns import (
    CPU,
    PID_NAMESPACE,
    SLEEP,
    event_time,
    object_pointers,
    task_identity,
)
from traces.table import Column, Table

TABLES = (
    Table(
        "adopted",
        "A task that existed before it was followed, seen for the first time: the root command "
        "as it is about to be executed, and every task of -p, -a and --cgroup at its first event.",
        (
            event_time("when it was first seen"),
            CPU,
            *task_identity(),
            Column("leader_start_ns", "u64", "start_boottime of its thread-group leader"),
            *task_identity("real_parent_", "its real_parent"),
            Column("exit_signal", "i32", "signal sent to the parent at its end; -1 for a thread"),
            Column("flags", "u32", "task->flags (PF_*)"),
            *PID_NAMESPACE,
            Column("uid", "u32", "real user id"),
            Column("cgroup", "u64", "id of its cgroup in the v2 hierarchy (its directory's inode)"),
            Column("mm", "u64", "kernel address of its mm; 0 for a kernel thread"),
            Column("comm", "bytes", "task->comm"),
        ),
    ),
    Table(
        "newtask",
        "A task was created (tracepoint task:task_newtask): the post-conditions of "
        "copy_process(), read from parent and child before the child can run.",
        (
            event_time("when copy_process() published the child"),
            CPU,
            *task_identity("", "the caller of clone"),
            *task_identity("child_", "the new task"),
            Column("child_leader_start_ns", "u64", "start_boottime of the child's group leader"),
            *task_identity("real_parent_", "the child's real_parent"),
            Column("clone_flags", "u64", "flags that copy_process() was given (CLONE_*)"),
            Column("exit_signal", "i32", "signal the parent gets at its end; -1 for a thread"),
            Column("child_state", "u32", "task->__state of the child; 0x800 is TASK_NEW"),
            Column("flags", "u32", "task->flags of the caller (PF_*)"),
            Column("child_flags", "u32", "task->flags of the child (PF_*)"),
            *PID_NAMESPACE,
            Column("uid", "u32", "real user id of the child"),
            Column("cgroup", "u64", "id of the child's cgroup in the v2 hierarchy"),
            *object_pointers("", "the caller's"),
            *object_pointers("child_", "the child's"),
            Column("comm", "bytes", "task->comm of the child"),
        ),
    ),
    Table(
        "started",
        "The first time a new task ran, with the steps that led there.",
        (
            event_time("first switch to the task (sched_switch)"),
            CPU,
            *task_identity(),
            Column("fork_ns", "u64", "sched_process_fork; 0 for io workers, which have none"),
            Column("wakeup_new_ns", "u64", "sched_wakeup_new"),
            Column(
                "late",
                "u8",
                "1 when no switch to the task was seen and time_ns is that of its first own "
                "event, an upper bound",
            ),
        ),
    ),
    Table(
        "clone_call",
        "A fork, vfork, clone or clone3 from entry to return, failed ones too.",
        (
            event_time("return of the system call"),
            CPU,
            *task_identity("", "the caller"),
            Column("enter_ns", "u64", "entry of the system call", "delta"),
            Column("syscall", "u16", "x86-64 number: 56 clone, 57 fork, 58 vfork, 435 clone3"),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("unfinished", "u8", "1 when the call had not returned as recording ended"),
            Column("flags", "u64", "requested CLONE_* flags without the signal"),
            Column("exit_signal", "u64", "requested signal at the child's end"),
            Column("stack", "u64", "requested stack pointer, 0 for the parent's"),
            Column("set_tid_size", "u64", "clone3: how many pids were asked for"),
            Column("args_read", "u8", "clone3: 1 when its argument structure could be read"),
            Column("result", "i64", "pid in the caller's namespace, or -errno"),
            *SLEEP,
        ),
    ),
)
"""The tables of this subject."""
