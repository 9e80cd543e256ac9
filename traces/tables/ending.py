# SPDX-License-Identifier: Apache-2.0
"""How tasks end: exits, signals, new parents, and the waits that reap them."""

from __future__ import annotations

from traces.common_columns import CPU, SLEEP, event_time, task_identity
from traces.table import Column, Table

TABLES = (
    Table(
        "wait",
        "A wait4 or waitid from entry to return.",
        (
            event_time("return of the system call"),
            CPU,
            *task_identity("", "the caller"),
            Column("enter_ns", "u64", "entry of the system call", "delta"),
            Column("syscall", "u16", "61 wait4 (and waitpid), 247 waitid"),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("unfinished", "u8", "1 when the call had not returned as recording ended"),
            Column("idtype", "i32", "waitid: P_ALL 0, P_PID 1, P_PGID 2, P_PIDFD 3; wait4: -1"),
            Column("id", "i32", "requested pid, as passed"),
            Column("options", "u32", "WNOHANG 1, WSTOPPED 2, WEXITED 4, WCONTINUED 8, ..."),
            Column("result", "i64", "what the call returned, or -errno"),
            Column("ns_pid", "i32", "child it reported, in the caller's pid namespace; 0: none"),
            Column("got", "u8", "1 status is known, 2 rusage is known, 4 siginfo was read (bits)"),
            Column("code", "i32", "waitid: si_code (1 exited, 2 killed, 3 dumped, ...); else 0"),
            Column("status", "i32", "wait4: status word; waitid: si_status"),
            Column("ru_utime_us", "u64", "rusage: user time in µs"),
            Column("ru_stime_us", "u64", "rusage: system time in µs"),
            Column("ru_maxrss_kib", "u64", "rusage: peak resident set in KiB"),
            Column("ru_minflt", "u64", "rusage: minor faults"),
            Column("ru_majflt", "u64", "rusage: major faults"),
            *SLEEP,
        ),
    ),
    Table(
        "exit",
        "A task ended (tracepoint sched:sched_process_exit).",
        (
            event_time("sched_process_exit"),
            CPU,
            *task_identity(),
            *task_identity("real_parent_", "its real_parent before any reparenting by its own end"),
            Column(
                "exit_code",
                "i32",
                "task->exit_code as wait reports it: status << 8 | signal, 0x80: core dumped",
            ),
            Column(
                "group_exit_code", "i32", "signal->group_exit_code; valid with signal_flags & 4"
            ),
            Column("signal_flags", "u32", "signal->flags; 4 is SIGNAL_GROUP_EXIT"),
            Column("group_dead", "u8", "1 when it was the last thread of its process"),
            Column("orphans", "u32", "children it still had"),
            Column("min_flt", "u64", "the kernel's own count of minor faults"),
            Column("maj_flt", "u64", "the kernel's own count of major faults"),
            Column("utime_ns", "u64", "task->utime"),
            Column("stime_ns", "u64", "task->stime"),
            Column(
                "runtime_ns",
                "u64",
                "se.sum_exec_runtime: CPU time as the scheduler last accounted it",
            ),
            Column("nvcsw", "u64", "voluntary context switches"),
            Column("nivcsw", "u64", "involuntary context switches"),
            Column("maxrss_pages", "u64", "signal->maxrss in pages; final when group_dead"),
            Column(
                "flags",
                "u32",
                "task->flags (PF_*): 0x40 FORKNOEXEC, 0x200 DUMPCORE, 0x400 SIGNALED",
            ),
            Column("mm", "u64", "kernel address of its mm"),
            Column("cgroup", "u64", "id of its cgroup in the v2 hierarchy"),
            Column("uid", "u32", "real user id"),
            Column("comm", "bytes", "task->comm"),
        ),
    ),
    Table(
        "dead",
        "The last switch away from a task that ended: what became of it and of its children.",
        (
            event_time("last sched_switch"),
            CPU,
            *task_identity(),
            Column(
                "exit_state",
                "u32",
                "0x20 EXIT_ZOMBIE: waits to be reaped; 0x10 EXIT_DEAD: "
                "already reaped, or reaped itself; 0x30: traced",
            ),
            Column("orphans", "u32", "children it had as it ended"),
            Column(
                "leader_exit_state",
                "u32",
                "exit_state of its group's leader at that moment; of the last task of a process "
                "it says what became of the process",
            ),
            *task_identity("reaper_", "the task that its children were given to; 0 if it had none"),
        ),
    ),
    Table(
        "orphan",
        "A child that its parent left behind by ending; the reaper is in the parent's dead row.",
        (
            event_time("sched_process_exit of the parent"),
            CPU,
            *task_identity("", "the parent that ends"),
            *task_identity("child_", "the child left behind"),
            Column("truncated", "u8", "1 on the last row when there were more children than these"),
        ),
    ),
    Table(
        "signal",
        "A signal was sent to a followed task (signal:signal_generate), SIGCHLD left out.",
        (
            event_time("signal_generate"),
            CPU,
            *task_identity("", "the sender, or who was interrupted by the kernel"),
            *task_identity("target_", "the receiver"),
            Column("sig", "i32", "signal number"),
            Column("code", "i32", "si_code: 0 kill, 0x80 kernel, -6 tkill, ..."),
            Column("group", "i32", "1 when sent to the whole process"),
            Column(
                "result", "i32", "0 delivered, 1 ignored, 2 already pending, 3 overflow, 4 lost"
            ),
        ),
    ),
)
"""The tables of this subject."""
