# SPDX-License-Identifier: Apache-2.0
"""Names for the kernel's numbers: flags, signals, errors, system calls.

The numbers are those of the kernel's uapi headers for x86-64, never those of the machine that
replays: a trace is read on other systems too, where errno 11 is another error.
"""

from __future__ import annotations

from typing import Final

CLONE_VM: Final = 0x100
CLONE_VFORK: Final = 0x4000
CLONE_THREAD: Final = 0x10000
CLONE_PARENT_SETTID: Final = 0x100000
CLONE_CHILD_CLEARTID: Final = 0x200000
CLONE_CHILD_SETTID: Final = 0x1000000

CLONE_FLAGS: Final = {
    0x80: "CLONE_NEWTIME",
    CLONE_VM: "CLONE_VM",
    0x200: "CLONE_FS",
    0x400: "CLONE_FILES",
    0x800: "CLONE_SIGHAND",
    0x1000: "CLONE_PIDFD",
    0x2000: "CLONE_PTRACE",
    CLONE_VFORK: "CLONE_VFORK",
    0x8000: "CLONE_PARENT",
    CLONE_THREAD: "CLONE_THREAD",
    0x20000: "CLONE_NEWNS",
    0x40000: "CLONE_SYSVSEM",
    0x80000: "CLONE_SETTLS",
    CLONE_PARENT_SETTID: "CLONE_PARENT_SETTID",
    CLONE_CHILD_CLEARTID: "CLONE_CHILD_CLEARTID",
    0x400000: "CLONE_DETACHED",
    0x800000: "CLONE_UNTRACED",
    CLONE_CHILD_SETTID: "CLONE_CHILD_SETTID",
    0x2000000: "CLONE_NEWCGROUP",
    0x4000000: "CLONE_NEWUTS",
    0x8000000: "CLONE_NEWIPC",
    0x10000000: "CLONE_NEWUSER",
    0x20000000: "CLONE_NEWPID",
    0x40000000: "CLONE_NEWNET",
    0x80000000: "CLONE_IO",
    0x100000000: "CLONE_CLEAR_SIGHAND",
    0x200000000: "CLONE_INTO_CGROUP",
    0x400000000: "CLONE_AUTOREAP",
    0x800000000: "CLONE_NNP",
    0x1000000000: "CLONE_PIDFD_AUTOKILL",
    0x2000000000: "CLONE_EMPTY_MNTNS",
}
"""CLONE_* bits, include/uapi/linux/sched.h up to 7.1."""

TASK_FLAGS: Final = {
    0x1: "PF_VCPU",
    0x2: "PF_IDLE",
    0x4: "PF_EXITING",
    0x8: "PF_POSTCOREDUMP",
    0x10: "PF_IO_WORKER",
    0x20: "PF_WQ_WORKER",
    0x40: "PF_FORKNOEXEC",
    0x80: "PF_MCE_PROCESS",
    0x100: "PF_SUPERPRIV",
    0x200: "PF_DUMPCORE",
    0x400: "PF_SIGNALED",
    0x800: "PF_MEMALLOC",
    0x1000: "PF_NPROC_EXCEEDED",
    0x2000: "PF_USED_MATH",
    0x4000: "PF_USER_WORKER",
    0x8000: "PF_NOFREEZE",
    0x20000: "PF_KSWAPD",
    0x40000: "PF_MEMALLOC_NOFS",
    0x80000: "PF_MEMALLOC_NOIO",
    0x100000: "PF_LOCAL_THROTTLE",
    0x200000: "PF_KTHREAD",
    0x400000: "PF_RANDOMIZE",
    0x4000000: "PF_NO_SETAFFINITY",
    0x8000000: "PF_MCE_EARLY",
    0x10000000: "PF_MEMALLOC_PIN",
    0x80000000: "PF_SUSPEND_TASK",
}
"""PF_* bits of task->flags, include/linux/sched.h of 6.x; other bits changed their meaning."""

WAIT_OPTIONS: Final = {
    0x1: "WNOHANG",
    0x2: "WSTOPPED",
    0x4: "WEXITED",
    0x8: "WCONTINUED",
    0x1000000: "WNOWAIT",
    0x20000000: "__WNOTHREAD",
    0x40000000: "__WALL",
    0x80000000: "__WCLONE",
}
"""Options of wait4 and waitid, include/uapi/linux/wait.h."""

SYSCALLS: Final = {
    56: "clone",
    57: "fork",
    58: "vfork",
    59: "execve",
    61: "wait4",
    247: "waitid",
    322: "execveat",
    435: "clone3",
    9: "mmap",
    10: "mprotect",
    11: "munmap",
    12: "brk",
    25: "mremap",
    28: "madvise",
    329: "pkey_mprotect",
    440: "process_madvise",
}
"""The system calls that a trace holds, by x86-64 number: of processes, and of mappings."""

SIGCHLD: Final = 17
_SIGNALS: Final = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip

_ERRORS: Final = (
    "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF",
    "ECHILD", "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV",
    "ENODEV", "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG",
    "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK",
    "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP",
)  # fmt: skip
_LATER_ERRORS: Final = {
    75: "EOVERFLOW",
    80: "ELIBBAD",
    87: "EUSERS",
    95: "EOPNOTSUPP",
    122: "EDQUOT",
    126: "ENOKEY",
    127: "EKEYEXPIRED",
    129: "EKEYREJECTED",
    512: "ERESTARTSYS",
    513: "ERESTARTNOINTR",
    514: "ERESTARTNOHAND",
    516: "ERESTART_RESTARTBLOCK",
}
"""What clone, exec and wait give beside 1..40; 512 and above never leave the kernel, but a call
that a signal interrupts shows them at its exit."""


def flag_names(flags: int, table: dict[int, str]) -> list[str]:
    """Give the names of the bits that are set, lowest bit first; unnamed bits as hex numbers."""
    bits = (1 << position for position in range(flags.bit_length()))
    return [table.get(bit, hex(bit)) for bit in bits if flags & bit]


def signal_name(number: int) -> str:
    """Give `SIGKILL` for 9, `SIG34` for a real-time signal.

    Those go by number, as kill(1) takes them: SIGRTMIN is 32 to the kernel, 34 to the C library.
    """
    if 1 <= number <= len(_SIGNALS):
        return "SIG" + _SIGNALS[number - 1]
    return f"SIG{number}"


def errno_name(number: int) -> str:
    """Give `ENOENT` for 2; the bare number for one without a name here."""
    if 1 <= number <= len(_ERRORS):
        return _ERRORS[number - 1]
    return _LATER_ERRORS.get(number, str(number))


def syscall_name(number: int) -> str:
    """Give `clone` for 56; the bare number for a call that traces do not hold."""
    return SYSCALLS.get(number, str(number))
