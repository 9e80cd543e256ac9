# SPDX-License-Identifier: Apache-2.0
"""The kernel's names that a scenario may use, and their numbers on x86-64."""

from __future__ import annotations

import signal
from typing import Final

CLONE_FLAGS: Final = {
    "VM": 0x100, "FS": 0x200, "FILES": 0x400, "SIGHAND": 0x800, "PIDFD": 0x1000, "PTRACE": 0x2000,
    "VFORK": 0x4000, "PARENT": 0x8000, "THREAD": 0x10000, "NEWNS": 0x20000, "SYSVSEM": 0x40000,
    "SETTLS": 0x80000, "PARENT_SETTID": 0x100000, "CHILD_CLEARTID": 0x200000,
    "DETACHED": 0x400000, "UNTRACED": 0x800000, "CHILD_SETTID": 0x1000000,
    "NEWCGROUP": 0x2000000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000, "NEWUSER": 0x10000000,
    "NEWPID": 0x20000000, "NEWNET": 0x40000000, "IO": 0x80000000,
    "CLEAR_SIGHAND": 0x100000000,
}  # fmt: skip
"""CLONE_* of include/uapi/linux/sched.h; CLEAR_SIGHAND is clone3's alone."""
VM, VFORK, PARENT, THREAD = 0x100, 0x4000, 0x8000, 0x10000
THREAD_FLAGS: Final = 0x50F00
"""VM, FS, FILES, SIGHAND, THREAD and SYSVSEM, as pthread_create() asks for."""

CLONE, FORK, VFORK_CALL, CLONE3 = 56, 57, 58, 435
SYSCALLS: Final = {"clone": CLONE, "clone3": CLONE3}

ADVICE: Final = {
    "DONTNEED": 4, "DONTFORK": 10, "DOFORK": 11, "HUGEPAGE": 14, "NOHUGEPAGE": 15,
    "WIPEONFORK": 18, "KEEPONFORK": 19,
}  # fmt: skip
"""MADV_* whose effect on pages is defined at once."""

WAIT_OPTIONS: Final = {
    "NOHANG": 1, "STOPPED": 2, "EXITED": 4, "CONTINUED": 8, "NOWAIT": 0x01000000,
}  # fmt: skip
"""W* of include/uapi/linux/wait.h; WUNTRACED is STOPPED."""
WNOHANG, WEXITED, WNOWAIT = 1, 4, 0x01000000

ENDING_SIGNALS: Final = {
    name.removeprefix("SIG"): int(signal.Signals[name])
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
                 "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM")
}  # fmt: skip
"""Signals that end a process which has not asked for another action."""
CORE_SIGNALS: Final = frozenset({3, 4, 5, 6, 7, 8, 11})
"""Those of them that dump core where RLIMIT_CORE lets them."""
SIGCHLD: Final = 17
EXIT_SIGNALS: Final = {"none": 0, "CHLD": SIGCHLD, "URG": 23, "WINCH": 28}
"""What a child may send as it ends: others would end its parent, wherever that is by then."""
