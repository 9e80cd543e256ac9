# SPDX-License-Identifier: Apache-2.0
"""What a caller of clone meant by its flags."""

from __future__ import annotations

import pytest

from replay.creation import How, how_created, telling_flags
from replay.process import Creation, TaskId

SIGCHLD, SIGUSR1 = 17, 10


def made(flags: int, exit_signal: int = SIGCHLD, syscall: int = 56) -> Creation:
    """Give a creation with these flags."""
    return Creation(1, TaskId(1, 1), flags, exit_signal, syscall)


@pytest.mark.parametrize(
    ("creation", "how", "flags"),
    [
        (made(0, syscall=57), How.FORK, []),
        (made(0x1200000), How.FORK, []),  # glibc's fork()
        (made(0x1300000, syscall=435), How.FORK, []),
        (made(0x4100, syscall=58), How.VFORK, []),
        (made(0x4100), How.VFORK_LIKE, []),
        (made(0x100004100, syscall=435), How.VFORK_LIKE, ["CLONE_CLEAR_SIGHAND"]),
        (made(0x3D0F00, exit_signal=-1), How.THREAD, []),
        (made(0x30000000), How.CLONE, ["CLONE_NEWUSER", "CLONE_NEWPID"]),
        (made(0x8000), How.CLONE, ["CLONE_PARENT"]),
        (made(0x100), How.CLONE, ["CLONE_VM"]),
        (made(0, exit_signal=SIGUSR1), How.CLONE, ["exit SIGUSR1"]),
        (made(0x4100, exit_signal=0), How.CLONE, ["CLONE_VM", "CLONE_VFORK", "exit none"]),
    ],
)
def test_how_and_the_flags_it_leaves_open(creation: Creation, how: How, flags: list[str]) -> None:
    """A word for each kind, and no flag twice."""
    assert (how_created(creation), telling_flags(creation)) == (how, flags)
