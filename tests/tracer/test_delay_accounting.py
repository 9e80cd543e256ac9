# SPDX-License-Identifier: Apache-2.0
"""Delay accounting is turned on, and restored by whoever is the last, whatever happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracer.delay_accounting import DelayAccounting, check
from traces.errors import ProctraceError

ROOT = Path(__file__).resolve().parent.parent.parent

RECORDER = """
import os, sys
from pathlib import Path
from tracer.delay_accounting import DelayAccounting
with DelayAccounting(Path(sys.argv[1]), Path(sys.argv[2])):
    print("on", flush=True)
    sys.stdin.readline()
print("off", flush=True)
"""


class Host:
    """A switch and a state file of our own, and recorders as processes."""

    def __init__(self, folder: Path, value: bytes = b"0") -> None:
        self.sysctl, self.state = folder / "task_delayacct", folder / "state"
        self.sysctl.write_bytes(value)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start a recorder and wait until it has the accounting."""
        recorder = subprocess.Popen(
            [sys.executable, "-c", RECORDER, self.sysctl, self.state],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        self.started.append(recorder)
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == b"on\n"
        return recorder

    def value(self) -> bytes:
        return self.sysctl.read_bytes()

    def until(self, value: bytes) -> None:
        """Wait until the switch has a value, which a guardian whose recorder died sets."""
        deadline = time.monotonic() + 60
        while self.value() != value and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.value() == value


def end(recorder: subprocess.Popen[bytes]) -> None:
    """Let a recorder come to its end."""
    assert recorder.communicate(b"\n", 60)[0] == b"off\n"


def test_it_is_on_meanwhile(tmp_path: Path) -> None:
    """And as it was before when the recorder goes on."""
    host = Host(tmp_path)
    with DelayAccounting(host.sysctl, host.state):
        assert host.value() == b"1"
    assert host.value() == b"0"
    assert not host.state.exists()


def test_what_was_on_stays_on(tmp_path: Path) -> None:
    """The administrator wants it."""
    host = Host(tmp_path, b"1\n")
    with DelayAccounting(host.sysctl, host.state):
        assert host.value() == b"1"
    assert host.value() == b"1"


def test_an_exception(tmp_path: Path) -> None:
    """Restored before it is seen."""
    host = Host(tmp_path)
    with pytest.raises(KeyError), DelayAccounting(host.sysctl, host.state):
        raise KeyError
    assert host.value() == b"0"


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (signal.SIGKILL, False),
        (signal.SIGKILL, True),
        (signal.SIGINT, True),
        (signal.SIGTERM, True),
    ],
)
def test_a_recorder_that_is_killed(tmp_path: Path, number: signal.Signals, *, group: bool) -> None:
    """The guardian is not in its process group, and outlives it."""
    host = Host(tmp_path)
    recorder = host.start()
    (os.killpg if group else os.kill)(recorder.pid, number)
    # Its streams end with it: nobody else holds them open.
    recorder.communicate(timeout=60)
    host.until(b"0")
    assert recorder.returncode != 0


@pytest.mark.parametrize("kill_first", [False, True])
@pytest.mark.parametrize("older_first", [False, True])
def test_the_last_of_several_restores(
    tmp_path: Path, *, kill_first: bool, older_first: bool
) -> None:
    """In whatever order they end, and however."""
    host = Host(tmp_path)
    recorders = [host.start(), host.start()]
    first, second = recorders if older_first else recorders[::-1]
    if kill_first:
        first.kill()
        first.communicate(timeout=60)
    else:
        end(first)
    assert host.value() == b"1"
    end(second)
    host.until(b"0")


def test_a_guardian_that_was_killed(tmp_path: Path) -> None:
    """What it should have restored is restored by the next one."""
    host = Host(tmp_path)
    recorder = host.start()
    children = Path(f"/proc/{recorder.pid}/task/{recorder.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    end(recorder)
    assert host.value() == b"1"
    end(host.start())
    assert host.value() == b"0"


def test_where_it_cannot_be_had(tmp_path: Path) -> None:
    """No such switch; or no place for the state."""
    with pytest.raises(ProctraceError, match="delay accounting") as raised:
        check(tmp_path / "none")
    assert "no such switch" in raised.value.why
    host = Host(tmp_path)
    host.state = tmp_path / "no" / "folder"
    with pytest.raises(ProctraceError), DelayAccounting(host.sysctl, host.state):
        pass
    assert host.value() == b"0"
