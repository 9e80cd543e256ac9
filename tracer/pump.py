# SPDX-License-Identifier: Apache-2.0
"""The loop of a recording: drain on a timer until something says that it is over."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.interrupts import Interrupts
    from tracer.launch import Launched
    from tracer.losses import Loss
    from tracer.request import Request
    from tracer.session import Session

_POLL_S = 0.02
_BUSY_FULLNESS = 0.1
"""With a ring fuller than this the next drain follows at once."""
_FLUSH_S = 1.0
_GRACE_S = 2.0
"""How long a command has to end once the recorder was asked to stop."""
_SIGNAL_STATUS = 128


class Pump:
    """Drains a session until its recording is over; `stopped_by` says in a word why it is.

    `watch`, asked after each drain, may give a reason of its own.
    """

    def __init__(
        self,
        request: Request,
        launched: Launched | None,
        session: Session,
        interrupts: Interrupts,
        notice: Callable[[str], None],
    ) -> None:
        self.stopped_by = ""
        self.watch: Callable[[], str] | None = None
        self._request = request
        self._launched = launched
        self._session = session
        self._interrupts = interrupts
        self._notice = notice
        self._begin = time.monotonic()
        self._asked_to_stop: float | None = None
        self._poll = select.poll()
        self._poll.register(interrupts.wake_fd, select.POLLIN)
        if launched is not None:
            self._poll.register(launched.pidfd, select.POLLIN)
        self._command_status: int | None = None

    def run(self) -> None:
        """Drain until it is over, writing to the file about once a second."""
        next_flush = self._begin + _FLUSH_S
        while not self.stopped_by:
            fullness = self._session.drain()
            now = time.monotonic()
            if now >= next_flush:
                self._tell_losses(self._session.flush())
                next_flush = now + _FLUSH_S
            wait_s = 0.0 if fullness > _BUSY_FULLNESS else _POLL_S
            self._look(self._poll.poll(wait_s * 1000))
            self.stopped_by = self._why_over(time.monotonic())
        self._session.drain()

    def status(self) -> int:
        """Give the exit status of the whole recording: the command's own where it has ended."""
        if self._command_status is not None:
            return self._command_status
        if self._interrupts.received and self._launched is not None:
            return _SIGNAL_STATUS + self._interrupts.received[0]
        return 0

    def _look(self, ready: list[tuple[int, int]]) -> None:
        descriptors = {descriptor for descriptor, _ in ready}
        if self._interrupts.wake_fd in descriptors:
            self._interrupts.clear_wake_up()
            self._pass_on()
        if self._launched is not None and self._launched.pidfd in descriptors:
            self._poll.unregister(self._launched.pidfd)
            self._command_status = self._launched.wait_status()

    def _pass_on(self) -> None:
        """Tell the command to stop, too; a terminal has sent Ctrl-C to it already."""
        if self._asked_to_stop is None:
            self._asked_to_stop = time.monotonic()
        if self._launched is None or self._command_status is not None:
            return
        last = self._interrupts.received[-1]
        if last != signal.SIGINT or not _in_foreground():
            signal.pidfd_send_signal(self._launched.pidfd, last)

    def _why_over(self, now: float) -> str:
        if self._asked_to_stop is not None and self._stop_is_due(now):
            return "signal"
        if self.watch is not None and (why := self.watch()):
            return why
        request = self._request
        if request.duration_s is not None and now - self._begin >= request.duration_s:
            return "duration"
        limit = request.max_size_bytes
        if limit is not None and self._session.file_bytes >= limit:
            return "size"
        if self._launched is not None and not request.until_last:
            return "end of the command" if self._command_status is not None else ""
        return self._why_all_gone()

    def _stop_is_due(self, now: float) -> bool:
        if self._launched is None or self._command_status is not None:
            return True
        asked_often = len(self._interrupts.received) > 1
        return asked_often or now - (self._asked_to_stop or now) >= _GRACE_S

    def _why_all_gone(self) -> str:
        if self._launched is not None and self._command_status is None:
            return ""
        if self._request.whole_host or self._request.cgroup is not None:
            return ""
        return "" if self._session.anyone_left() else "end of the last task"

    def _tell_losses(self, losses: list[Loss]) -> None:
        for loss in losses:
            self._notice(f"lost {loss.count} records: {loss.place}, CPU {loss.cpu}")


def _in_foreground() -> bool:
    """Tell whether we belong to the foreground process group of our terminal."""
    try:
        # Not standard input, which may be redirected.
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
