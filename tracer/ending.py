# SPDX-License-Identifier: Apache-2.0
"""Ends processes that were followed: exactly these, whatever became of their pids meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.start_state import task_state

if TYPE_CHECKING:
    from collections.abc import Iterable

_TICK_NS: Final = 10**9 // os.sysconf("SC_CLK_TCK")
_GONE_WITHIN_S: Final = 5.0


class Living(NamedTuple):
    """A followed task that has not ended."""

    tid: int
    tgid: int
    start_ns: int
    leader_start_ns: int


def end_processes(tasks: Iterable[Living]) -> None:
    """Send SIGKILL to the processes of these tasks, and wait until they have ended."""
    processes = {(task.tgid, task.leader_start_ns) for task in tasks}
    descriptors = [pidfd for one in sorted(processes) if (pidfd := _opened(*one)) is not None]
    try:
        for pidfd in descriptors:
            _kill(pidfd)
        _wait_for_all(descriptors)
    finally:
        for pidfd in descriptors:
            os.close(pidfd)


def _opened(tgid: int, start_ns: int) -> int | None:
    """Open a process; None when it is gone, or when its pid is another's by now."""
    try:
        pidfd = os.pidfd_open(tgid)
    except OSError:
        return None
    # Looked at after it was opened: what has that start is what the descriptor is about.
    state = task_state(tgid)
    if state is not None and state.start_ticks == start_ns // _TICK_NS:
        return pidfd
    os.close(pidfd)
    return None


def _kill(pidfd: int) -> None:
    # One that has ended meanwhile is as it was wanted.
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _wait_for_all(descriptors: list[int]) -> None:
    poll = select.poll()
    for pidfd in descriptors:
        poll.register(pidfd, select.POLLIN)
    left, give_up = len(descriptors), time.monotonic() + _GONE_WITHIN_S
    while left and time.monotonic() < give_up:
        for pidfd, _ in poll.poll(100):
            poll.unregister(pidfd)
            left -= 1
