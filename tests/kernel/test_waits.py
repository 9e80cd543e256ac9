# SPDX-License-Identifier: Apache-2.0
"""What a parent does about its child's end, in each way that the kernel offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from replay.process import Choice

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder

SYS_WAIT4, SYS_WAITID = 61, 247
WNOHANG, WNOWAIT = 1, 0x01000000
P_PID, P_PGID, P_PIDFD = 1, 2, 3

WAYS = {
    "blocked": (Choice.WAITED, SYS_WAIT4, -1),
    "late": (Choice.WAITED_LATER, SYS_WAIT4, -1),
    "nowait": (Choice.WAITED_LATER, SYS_WAITID, P_PID),
    "pidfd": (Choice.WAITED, SYS_WAITID, P_PIDFD),
    "group": (Choice.WAITED, SYS_WAITID, P_PGID),
    "poll": (Choice.WAITED_LATER, SYS_WAIT4, -1),
    "thread": (Choice.WAITED, SYS_WAIT4, -1),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_wait(recorded: Recorder, programs: Path, way: str) -> None:
    """Whether the parent slept for the child or ran on, and which call reaped it."""
    choice, syscall, idtype = WAYS[way]
    recording = recorded(programs / "waits", way)
    child = recording.by_status(8)
    wait = child.wait
    assert child.end is not None
    assert wait is not None
    assert (wait.choice, wait.reaper) == (choice, recording.root.id)
    assert (wait.blocked_ns > 0) == (choice == Choice.WAITED)
    assert wait.reaped_ns >= child.end.time_ns
    assert wait.zombie_ns >= 0
    reaping = recording.rows("wait")[-1]
    assert (reaping["syscall"], reaping["idtype"]) == (syscall, idtype)


def test_nowait_leaves_the_zombie(recorded: Recorder, programs: Path) -> None:
    """A waitid with WNOWAIT reports the child and does not reap it; the second call does."""
    recording = recorded(programs / "waits", "nowait")
    first, second = recording.rows("wait")
    assert first["options"] & WNOWAIT
    assert not second["options"] & WNOWAIT
    assert first["ns_pid"] == second["ns_pid"] == recording.by_status(8).id.tgid
    assert (first["code"], first["status"]) == (second["code"], second["status"]) == (1, 8)
    assert first["blocked_total_ns"] > 0


def test_polling_is_recorded_call_by_call(recorded: Recorder, programs: Path) -> None:
    """Every WNOHANG call that found nothing returned 0; the last one returned the child."""
    recording = recorded(programs / "waits", "poll")
    calls = recording.rows("wait")
    assert all(call["options"] & WNOHANG for call in calls)
    assert {call["result"] for call in calls[:-1]} == {0}
    assert calls[-1]["result"] == recording.by_status(8).id.tgid


def test_another_thread_waits(recorded: Recorder, programs: Path) -> None:
    """The caller of wait is the thread, the reaper is the process."""
    recording = recorded(programs / "waits", "thread")
    [call] = recording.rows("wait")
    assert call["tgid"] == recording.root.id.tgid
    assert call["tid"] == recording.root.tasks[1].id.tid != call["tgid"]


def test_a_zombie_that_is_never_waited_for(recorded: Recorder, programs: Path) -> None:
    """Its parent saw the end and went away; no call of the parent reaped it."""
    recording = recorded(programs / "waits", "never")
    child = recording.by_status(8)
    assert child.wait is not None
    assert child.wait.choice == Choice.NEVER
    assert child.wait.zombie_ns > 0
    assert recording.rows("wait") == []


def test_rusage_is_what_the_parent_got(recorded: Recorder) -> None:
    """A shell that asks for its child's usage: the figures of wait4 are those of the child."""
    code = (
        "import os\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0)\n"
        "_, status, usage = os.wait4(pid, 0)\n"
        "print(usage.ru_minflt, usage.ru_maxrss)\n"
    )
    recording = recorded("/usr/bin/python3", "-c", code)
    [[minflt, maxrss]] = recording.numbers()
    [call] = recording.rows("wait")
    assert call["got"] & 3 == 3
    assert (call["ru_minflt"], call["ru_maxrss_kib"]) == (minflt, maxrss)
