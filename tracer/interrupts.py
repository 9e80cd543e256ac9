# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM end a recording in order instead of ending the recorder."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While entered, remembers which signal asked to stop; `wake_fd` becomes readable then."""

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self._before: dict[signal.Signals, object] = {}
        self._old_wake_fd = -1
        self.wake_fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        """Take over the signals."""
        self._old_wake_fd = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in _SIGNALS:
            # nohup ignores SIGHUP for what it starts.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal() returned
        signal.set_wakeup_fd(self._old_wake_fd)
        os.close(self.wake_fd)
        os.close(self._write_fd)

    def _note(self, number: int, _frame: object) -> None:
        self.received.append(signal.Signals(number))

    def clear_wake_up(self) -> None:
        """Empty the pipe, so that the next poll sleeps again."""
        try:
            os.read(self.wake_fd, 512)
        except BlockingIOError:
            return
