# SPDX-License-Identifier: Apache-2.0
"""How a task was created, in one word and the flags that the word leaves open.

The kernel has one way, `kernel_clone()`; the words name what a caller means by its flags:

* `fork`: SIGCHLD at the end and nothing shared. Flags that only report the tid
  (CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID) make no difference: glibc's
  fork() is `clone(CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD)`.
* `vfork`: the vfork system call.
* `vfork-like`: CLONE_VM and CLONE_VFORK with SIGCHLD through clone or clone3, as posix_spawn()
  does.
* `thread`: CLONE_THREAD.
* `clone`: everything else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from replay import names

if TYPE_CHECKING:
    from replay.process import Creation

_TID_REPORTS: Final = (
    names.CLONE_PARENT_SETTID | names.CLONE_CHILD_SETTID | names.CLONE_CHILD_CLEARTID
)
_VFORK_PAIR: Final = names.CLONE_VM | names.CLONE_VFORK
_SYSCALL_VFORK: Final = 58


class How(StrEnum):
    """What the caller of clone meant; see the module."""

    FORK = "fork"
    VFORK = "vfork"
    VFORK_LIKE = "vfork-like"
    CLONE = "clone"
    THREAD = "thread"


def how_created(creation: Creation) -> How:
    """Give the word for a creation."""
    flags = creation.clone_flags & ~_TID_REPORTS
    if flags & names.CLONE_THREAD:
        return How.THREAD
    if creation.exit_signal != names.SIGCHLD:
        return How.CLONE
    if flags == 0:
        return How.FORK
    if flags & _VFORK_PAIR == _VFORK_PAIR:
        return How.VFORK if creation.syscall == _SYSCALL_VFORK else How.VFORK_LIKE
    return How.CLONE


def telling_flags(creation: Creation) -> list[str]:
    """Name the flags that the word of `how_created` does not already say, lowest bit first.

    For `clone` a signal other than SIGCHLD is among them, as `exit SIGUSR1` or `exit none`.
    """
    how = how_created(creation)
    if how is How.THREAD:
        return []
    implied = _VFORK_PAIR if how in (How.VFORK, How.VFORK_LIKE) else 0
    flags = creation.clone_flags & ~_TID_REPORTS & ~implied
    found = names.flag_names(flags, names.CLONE_FLAGS)
    if creation.exit_signal != names.SIGCHLD:
        signal = names.signal_name(creation.exit_signal) if creation.exit_signal > 0 else "none"
        found.append(f"exit {signal}")
    return found
