# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.pump: a recording goes on as long as it should and ends for the right reason."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tracer import launch, pump
from tracer.interrupts import Interrupts
from tracer.losses import Loss
from tracer.pump import Pump
from tracer.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable


ROOT = Path(__file__).resolve().parents[2]


class Session:
    """A session that counts what is done to it."""

    def __init__(self, left_for: int = 0) -> None:
        self.drains = 0
        self.file_bytes = 0
        self.losses: list[Loss] = []
        self._left_for = left_for

    def drain(self) -> float:
        self.drains += 1
        self.file_bytes += 100
        return 0.0

    def flush(self) -> list[Loss]:
        losses, self.losses = self.losses, []
        return losses

    def anyone_left(self) -> bool:
        self._left_for -= 1
        return self._left_for >= 0


def _pump(
    request: Request,
    session: Session,
    interrupts: Interrupts,
    command: tuple[str, ...] = (),
    notice: Callable[[str], None] = print,
) -> Pump:
    launched = launch.start(command) if command else None
    made = Pump(request, launched, session, interrupts, notice)  # type: ignore[arg-type] # a fake
    if launched is not None:
        launched.release()
    return made


def test_it_ends_with_the_command_and_its_status() -> None:
    """The plain case."""
    with Interrupts() as interrupts:
        made = _pump(Request(None, command=("sh",)), Session(), interrupts, ("sh", "-c", "exit 9"))
        made.run()
    assert made.stopped_by == "end of the command"
    assert made.status() == 9


def test_a_deadly_signal_is_a_status_as_in_a_shell() -> None:
    """128 and the number."""
    command = ("sh", "-c", "kill -9 $$")
    with Interrupts() as interrupts:
        made = _pump(Request(None, command=command), Session(), interrupts, command)
        made.run()
    assert made.status() == 128 + signal.SIGKILL


def test_until_last_goes_on_after_the_command() -> None:
    """What the command left behind is waited for."""
    session = Session(left_for=3)
    command = ("true",)
    with Interrupts() as interrupts:
        request = Request(None, command=command, until_last=True)
        made = _pump(request, session, interrupts, command)
        made.run()
    assert made.stopped_by == "end of the last task"
    assert made.status() == 0


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request(None, whole_host=True, duration_s=0.05), "duration"),
        (Request(None, whole_host=True, max_size_bytes=350), "size"),
        (Request(None, pids=(1,)), "end of the last task"),
    ],
)
def test_limits_end_it(request_: Request, why: str) -> None:
    """Time, size, or nobody left to follow."""
    with Interrupts() as interrupts:
        made = _pump(request_, Session(), interrupts)
        made.run()
    assert made.stopped_by == why
    assert made.status() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_of_the_host(number: signal.Signals) -> None:
    """Ctrl-C is how such a recording is meant to end, so its status is 0."""
    with Interrupts() as interrupts:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
        timer.start()
        made = _pump(Request(None, whole_host=True), Session(), interrupts)
        made.run()
        timer.join()
    assert made.stopped_by == "signal"
    assert made.status() == 0


def test_sigterm_is_passed_to_the_command() -> None:
    """The command ends by it, and the recording with the command."""
    command = ("sleep", "60")
    with Interrupts() as interrupts:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        made = _pump(Request(None, command=command), Session(), interrupts, command)
        made.run()
        timer.join()
    assert made.status() == 128 + signal.SIGTERM


def test_a_command_that_does_not_listen_is_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the file is finished without it; the status says which signal asked."""
    monkeypatch.setattr(pump, "_GRACE_S", 0.1)
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    reader, writer = os.pipe()
    before = os.dup(1)
    os.dup2(writer, 1)
    with Interrupts() as interrupts:
        command = (sys.executable, "-c", deaf)
        made = _pump(Request(None, command=command), Session(), interrupts, command)
        os.dup2(before, 1)
        os.read(reader, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        made.run()
    for descriptor in (reader, writer, before):
        os.close(descriptor)
    assert made.stopped_by == "signal"
    assert made.status() == 128 + signal.SIGTERM
    launched = made._launched  # noqa: SLF001 - the child is ours to end
    assert launched is not None
    signal.pidfd_send_signal(launched.pidfd, signal.SIGKILL)
    launched.wait_status()


def test_losses_are_told_while_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who sees the loss can stop and record again."""
    monkeypatch.setattr(pump, "_FLUSH_S", 0.0)
    session = Session()
    session.losses = [Loss("small ring", 1, 12, 0, 9)]
    told: list[str] = []
    with Interrupts() as interrupts:
        request = Request(None, whole_host=True, duration_s=0.05)
        _pump(request, session, interrupts, notice=told.append).run()
    assert told == ["lost 12 records: small ring, CPU 1"]
    assert subprocess.run(["true"], check=True).returncode == 0


@pytest.mark.parametrize("redirected", [False, True])
def test_the_foreground_is_that_of_the_terminal(*, redirected: bool) -> None:
    """Ctrl-C reaches the command by the terminal, wherever standard input comes from."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tracer import pump; "
    program += "print('foreground' if pump._in_foreground() else 'background')"
    pid, terminal = pty.fork()
    if pid == 0:
        if redirected:
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.execv(sys.executable, [sys.executable, "-c", program])  # noqa: S606 - as written
    said = os.read(terminal, 100)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert said.strip() == b"foreground"
    if not redirected:
        done = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, start_new_session=True
        )
        assert done.stdout.strip() == b"background"
