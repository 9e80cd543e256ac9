# SPDX-License-Identifier: Apache-2.0
"""Turns the kernel's delay accounting on for a while, and back whatever happens.

`kernel.task_delayacct` is 0 by default, and tasks created while it is have no counters
(delayacct_tsk_init(), include/linux/delayacct.h). A guardian, a small process of its own session,
turns it on and restores it when the recorder says so or is gone, by kill -9 too. Guardians of
recorders that run at once find each other by locks on one file: the last one restores. Should
a guardian itself be killed, the value to restore is in that file for the next one.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Self

from traces.errors import ProctraceError

if TYPE_CHECKING:
    from types import TracebackType

SYSCTL = Path("/proc/sys/kernel/task_delayacct")
STATE = Path("/run/proctrace-task_delayacct")
"""While anyone needs the accounting: the value to restore."""

_ON = b"1"
_READY = b"r"
_VALUE_BYTES = 16
# Ranges of STATE that are locked: one process at a time looks at it; all who need the accounting.
_TURN, _USERS = 0, 1


class DelayAccounting:
    """While entered, delay accounting is on; tasks created then count their copies."""

    def __init__(self, sysctl: Path = SYSCTL, state: Path = STATE) -> None:
        self._sysctl, self._state = sysctl, state
        self._guardian, self._hold = 0, -1

    def __enter__(self) -> Self:
        """Turn it on; raise ProctraceError where that cannot be done.

        To be entered before the recorder has threads, and before it creates what is recorded.
        """
        check(self._sysctl)
        recorder = os.pidfd_open(os.getpid())
        report, report_write = os.pipe()
        held, self._hold = os.pipe()
        # A stop is the recorder's to obey: signals stay blocked in the guardian, which waits for
        # the recorder's end alone.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._guardian = os.fork()
        if not self._guardian:
            try:
                os.close(self._hold)
                _Guard(self._sysctl, self._state).run(recorder, held, report_write)
            finally:
                os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for descriptor in (recorder, held, report_write):
            os.close(descriptor)
        ready = os.read(report, 1)
        os.close(report)
        if ready != _READY:
            self._end()
            raise _refused(self._sysctl, f"the guardian could not use it or {self._state}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Have it restored, and wait until it is."""
        self._end()

    def _end(self) -> None:
        os.close(self._hold)
        os.waitpid(self._guardian, 0)


def check(sysctl: Path = SYSCTL) -> None:
    """Raise ProctraceError unless delay accounting can be turned on."""
    if not sysctl.exists():
        raise _refused(sysctl, "the kernel has no such switch (Linux 5.14, CONFIG_TASK_DELAY_ACCT)")
    if not os.access(sysctl, os.W_OK):
        raise _refused(sysctl, "it cannot be written")


def _refused(sysctl: Path, why: str) -> ProctraceError:
    return ProctraceError(
        "cannot turn on the kernel's delay accounting",
        f"{sysctl}: {why}",
        "record as root on the host itself, or without --audit-copies",
    )


class _Guard:
    """The guardian's own side, in its process."""

    def __init__(self, sysctl: Path, state: Path) -> None:
        self._sysctl, self._path = sysctl, state
        self._state = -1
        self._before = b""

    def run(self, recorder: int, held: int, report: int) -> None:
        """Turn it on, say so, and restore it when the recorder lets go or is gone."""
        os.setsid()
        _silence()
        self._take_turn()
        try:
            self._turn_on()
            self._give_turn()
            os.write(report, _READY)
            os.close(report)
            _until_readable(recorder, held)
        finally:
            self._leave()
        os._exit(0)

    def _turn_on(self) -> None:
        if self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, _USERS):
            # Nobody else needs it; a value in the file was left by a guardian that was killed.
            before = os.pread(self._state, _VALUE_BYTES, 0) or self._sysctl.read_bytes().strip()
            os.pwrite(self._state, before, 0)
        self._before = os.pread(self._state, _VALUE_BYTES, 0)
        self._lock(fcntl.LOCK_SH, _USERS)
        self._sysctl.write_bytes(_ON)

    def _leave(self) -> None:
        self._take_turn()
        if self._before and self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, _USERS):
            self._sysctl.write_bytes(self._before)
            self._path.unlink(missing_ok=True)

    def _take_turn(self) -> None:
        """Lock the file, unless the last one to leave removed it meanwhile: then the new one."""
        while True:
            if self._state < 0:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._state = os.open(self._path, flags, 0o600)
            self._lock(fcntl.LOCK_EX, _TURN)
            if os.fstat(self._state).st_nlink:
                return
            os.close(self._state)
            self._state = -1

    def _give_turn(self) -> None:
        fcntl.lockf(self._state, fcntl.LOCK_UN, 1, _TURN)

    def _lock(self, how: int, place: int) -> bool:
        try:
            fcntl.lockf(self._state, how, 1, place)
        except BlockingIOError:
            return False
        return True


def _silence() -> None:
    """Let go of the recorder's streams: whoever reads them is not to wait for this process."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _until_readable(*descriptors: int) -> None:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    poll.poll()
