# SPDX-License-Identifier: Apache-2.0
"""What a trace holds: its tables, their columns, and the unit of each column.

Names are the kernel's own. A task is identified by (tid, start_ns) and a process by its
leader's (tgid, leader_start_ns): `start_ns` is `task_struct.start_boottime`, so a pid that is
used again gives a new identity, and `/proc/PID/stat` field 22 can be compared with it.
Times called `*_ns` other than `start_ns` are CLOCK_MONOTONIC. An identity or a time of 0 means
"none". Numbers called tid, tgid and pid are those of the initial pid namespace unless the name
begins with `ns_`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FORMAT_VERSION = 1
"""Grows by one with any change of the file format or of a table; see `migrate.py`."""

ColumnType = Literal["u64", "i64", "u32", "i32", "u16", "i16", "u8", "bytes"]
Encoding = Literal["plain", "delta"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type, what it says and in which unit.

    `delta` columns are stored in a block as the wrapping difference to the row before; the
    reader gives absolute values back.
    """

    name: str
    type: ColumnType
    doc: str
    encoding: Encoding = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of event (or of state) and its columns, in the order they are stored."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    def column_names(self) -> tuple[str, ...]:
        """Give the names of the columns in stored order."""
        return tuple(column.name for column in self.columns)


def _time(doc: str) -> Column:
    return Column("time_ns", "u64", doc, "delta")


def _task(prefix: str = "", whose: str = "the task") -> tuple[Column, Column, Column]:
    return (
        Column(f"{prefix}tid", "u32", f"tid of {whose}"),
        Column(f"{prefix}tgid", "u32", f"tgid (process id) of {whose}"),
        Column(f"{prefix}start_ns", "u64", f"start_boottime of {whose}, ns since boot"),
    )


_CPU = Column("cpu", "u16", "CPU on which it happened")

_SHARED_OBJECTS = ("mm", "files", "fs", "sighand", "signal", "nsproxy", "cred")


def _pointers(prefix: str, whose: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{prefix}{name}", "u64", f"kernel address of {whose} {name}; equal means shared")
        for name in _SHARED_OBJECTS
    )


_NAMESPACE = (
    Column("pidns_level", "u32", "depth of the active pid namespace, 0 is the initial one"),
    Column("pidns_inum", "u32", "inode number of the active pid namespace"),
    Column("ns_tid", "u32", "tid in the active (innermost) pid namespace"),
)

_BLOCKED = (
    Column("blocked_ns", "u64", "when the caller first slept inside the call; 0: never slept"),
    Column("blocked_total_ns", "u64", "how long the caller slept inside the call, in ns"),
    Column("woken_ns", "u64", "the last wake-up of the caller inside the call"),
    Column("waker_tid", "u32", "tid of the task that was running at that wake-up"),
    Column("sleeps", "u32", "how often the caller slept inside the call"),
)

_FILE = (
    Column("file_dev", "u32", "device of the file (major << 20 | minor)"),
    Column("file_ino", "u64", "inode of the file"),
)

_TABLES = (
    Table(
        "adopted",
        "A task that existed before it was followed, seen for the first time: the root command "
        "as it is about to be executed, and every task of -p, -a and --cgroup at its first event.",
        (
            _time("when it was first seen"),
            _CPU,
            *_task(),
            Column("leader_start_ns", "u64", "start_boottime of its thread-group leader"),
            *_task("real_parent_", "its real_parent"),
            Column("exit_signal", "i32", "signal sent to the parent at its end; -1 for a thread"),
            Column("flags", "u32", "task->flags (PF_*)"),
            *_NAMESPACE,
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
            _time("when copy_process() published the child"),
            _CPU,
            *_task("", "the caller of clone"),
            *_task("child_", "the new task"),
            Column("child_leader_start_ns", "u64", "start_boottime of the child's group leader"),
            *_task("real_parent_", "the child's real_parent"),
            Column("clone_flags", "u64", "flags that copy_process() was given (CLONE_*)"),
            Column("exit_signal", "i32", "signal the parent gets at its end; -1 for a thread"),
            Column("child_state", "u32", "task->__state of the child; 0x800 is TASK_NEW"),
            Column("flags", "u32", "task->flags of the caller (PF_*)"),
            Column("child_flags", "u32", "task->flags of the child (PF_*)"),
            *_NAMESPACE,
            Column("uid", "u32", "real user id of the child"),
            Column("cgroup", "u64", "id of the child's cgroup in the v2 hierarchy"),
            *_pointers("", "the caller's"),
            *_pointers("child_", "the child's"),
            Column("comm", "bytes", "task->comm of the child"),
        ),
    ),
    Table(
        "started",
        "The first time a new task ran, with the steps that led there.",
        (
            _time("first switch to the task (sched_switch)"),
            _CPU,
            *_task(),
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
            _time("return of the system call"),
            _CPU,
            *_task("", "the caller"),
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
            *_BLOCKED,
        ),
    ),
    Table(
        "exec",
        "A successful execve or execveat, as the new image stands ready.",
        (
            _time("sched_process_exec"),
            _CPU,
            *_task("", "the task, with the identity it has after exec"),
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
            *_NAMESPACE,
        ),
    ),
    Table(
        "exec_failed",
        "An execve or execveat that returned an error.",
        (
            _time("return of the system call"),
            _CPU,
            *_task("", "the caller"),
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
    Table(
        "wait",
        "A wait4 or waitid from entry to return.",
        (
            _time("return of the system call"),
            _CPU,
            *_task("", "the caller"),
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
            *_BLOCKED,
        ),
    ),
    Table(
        "exit",
        "A task ended (tracepoint sched:sched_process_exit).",
        (
            _time("sched_process_exit"),
            _CPU,
            *_task(),
            *_task("real_parent_", "its real_parent before any reparenting by its own end"),
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
            _time("last sched_switch"),
            _CPU,
            *_task(),
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
            *_task("reaper_", "the task that its children were given to; 0 if it had none"),
        ),
    ),
    Table(
        "orphan",
        "A child that its parent left behind by ending; the reaper is in the parent's dead row.",
        (
            _time("sched_process_exit of the parent"),
            _CPU,
            *_task("", "the parent that ends"),
            *_task("child_", "the child left behind"),
            Column("truncated", "u8", "1 on the last row when there were more children than these"),
        ),
    ),
    Table(
        "signal",
        "A signal was sent to a followed task (signal:signal_generate), SIGCHLD left out.",
        (
            _time("signal_generate"),
            _CPU,
            *_task("", "the task that was running: the sender, or interrupted by the kernel"),
            *_task("target_", "the receiver"),
            Column("sig", "i32", "signal number"),
            Column("code", "i32", "si_code: 0 kill, 0x80 kernel, -6 tkill, ..."),
            Column("group", "i32", "1 when sent to the whole process"),
            Column(
                "result", "i32", "0 delivered, 1 ignored, 2 already pending, 3 overflow, 4 lost"
            ),
        ),
    ),
    Table(
        "fault",
        "A page fault from its entry (exceptions:page_fault_user, page_fault_kernel) to the "
        "moment the kernel accounts it (mm_account_fault()), with the page-table entry before "
        "and after. The task is the one that had this tid at that time.",
        (
            _time("entry of the fault"),
            _CPU,
            Column("tid", "u32", "tid of the task"),
            Column("took_ns", "u32", "from entry to accounting; 0 when it never completed"),
            Column("address", "u64", "the address that was accessed", "delta"),
            Column("ip", "u64", "the instruction that accessed it", "delta"),
            Column("old_pte", "u64", "page-table entry at entry, raw; 0 none", "delta"),
            Column("new_pte", "u64", "page-table entry when accounted, raw; 0 none", "delta"),
            Column(
                "old_level",
                "u8",
                "where old_pte was found: 1 PTE, 2 PMD (2 MiB page or no "
                "table below), 3 PUD, 4 P4D, 5 PGD",
            ),
            Column("new_level", "u8", "where new_pte was found"),
            Column(
                "error_code",
                "u8",
                "x86 error code: 1 protection (page was present), 2 write, "
                "4 user mode, 16 instruction fetch, 32 protection key",
            ),
            Column(
                "flags",
                "u8",
                "1 in kernel mode, 2 major, 4 completed, 8 the old page's "
                "descriptor was read, 16 it was PG_anon_exclusive",
            ),
            Column("refcount", "i32", "page->_refcount of the old page; 0 unless flags & 8"),
            Column("mapcount", "i32", "page->_mapcount of the old page + 1; 0 unless flags & 8"),
        ),
    ),
    Table(
        "mapping_call",
        "A system call that changed mappings, as it returned: mmap, mprotect, munmap, brk, "
        "mremap, madvise, pkey_mprotect, process_madvise.",
        (
            _time("return of the system call"),
            _CPU,
            *_task("", "the caller"),
            Column("enter_ns", "u64", "entry of the system call", "delta"),
            Column(
                "syscall",
                "u16",
                "9 mmap, 10 mprotect, 11 munmap, 12 brk, 25 mremap, "
                "28 madvise, 329 pkey_mprotect, 440 process_madvise",
            ),
            Column("compat", "u8", "1 when called through the 32-bit entry"),
            Column("arg0", "u64", "first argument: an address, in all of them"),
            Column("arg1", "u64", "second argument: a length (brk: none)"),
            Column("arg2", "u64", "protection, advice, or mremap's new length"),
            Column("arg3", "u64", "mmap's and mremap's flags"),
            Column("arg4", "u64", "mmap's descriptor, mremap's new address"),
            Column("arg5", "u64", "mmap's offset in bytes"),
            Column("result", "i64", "what it returned: an address, 0, or -errno"),
            Column("file_dev", "u32", "mmap of a file: its device (major << 20 | minor); else 0"),
            Column("file_ino", "u64", "mmap of a file: its inode; its path is in `text`"),
        ),
    ),
    Table(
        "module",
        "A file that was executed or mapped, as it was when recording ended.",
        (
            *_FILE,
            Column("path", "bytes", "its path on the recording host"),
            Column("build_id", "bytes", "GNU build id; empty where it has none or is no ELF file"),
            Column("elf_type", "u16", "2 fixed address, 3 position-independent, 0 no ELF file"),
        ),
    ),
    Table(
        "segment",
        "A loadable segment (PT_LOAD) of a module.",
        (
            *_FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("offset", "u64", "where it begins in the file, in bytes"),
            Column("file_bytes", "u64", "how much of it comes from the file"),
            Column("mem_bytes", "u64", "its length in memory; what exceeds file_bytes is bss"),
            Column("flags", "u32", "1 executable, 2 writable, 4 readable"),
        ),
    ),
    Table(
        "section",
        "An allocated section of a module.",
        (
            *_FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("bytes", "u64", "its length"),
            Column("flags", "u64", "sh_flags: 1 writable, 2 allocated, 4 executable"),
            Column("name", "bytes", "its name (.text, .data, ...)"),
        ),
    ),
    Table(
        "symbol",
        "A symbol of a module that an instruction or a written address of the trace falls into.",
        (
            *_FILE,
            Column("vaddr", "u64", "where it is linked to begin"),
            Column("bytes", "u64", "its length; 0 unknown"),
            Column("kind", "u8", "1 object, 2 function"),
            Column("name", "bytes", "its name as in the symbol table"),
        ),
    ),
    Table(
        "lost",
        "What could not be recorded.",
        (
            Column("time_ns", "u64", "when the recorder noticed", "delta"),
            Column("ring", "bytes", "where: the name of a ring, of a map, or of a program"),
            Column("cpu", "u16", "CPU on which it happened"),
            Column("count", "u64", "how many records since the row before"),
            Column("first_ns", "u64", "earliest loss since the row before"),
            Column("last_ns", "u64", "latest loss since the row before"),
        ),
    ),
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
        "end_task",
        "A followed task that was still there as recording ended.",
        (
            *_task(),
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
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""Every table by name."""
