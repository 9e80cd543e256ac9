# SPDX-License-Identifier: Apache-2.0
"""How processes end: by status, by signal, with or without a core, reaped by nobody."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from replay.process import Choice
from tests.kernel.recording import exit_status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder


def test_signals_that_end_a_process(recorded: Recorder, programs: Path, tmp_path: Path) -> None:
    """Signal and core-dump flag are those that wait reported, and the killer is known."""
    recording = recorded(programs / "killed", tmp_path)
    ends = {}
    for pid, number, core in recording.numbers():
        end = recording.by_pid(pid).end
        assert end is not None
        assert (end.signal, end.core_dumped, end.status) == (number, bool(core), 0)
        ends[number] = end
    assert ends[signal.SIGKILL].killed_by == recording.root.leader.id
    assert sorted(ends) == [signal.SIGKILL, signal.SIGSEGV]


@pytest.mark.parametrize("status", [0, 1, 77, 125, 255])
def test_the_recorder_ends_as_the_command_does(recorded: Recorder, status: int) -> None:
    """Exit statuses pass through, even those that mean something when proctrace itself fails."""
    recording = recorded("sh", "-c", f"exit {status}", status=status)
    assert exit_status(recording.root) == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_the_recorder_tells_the_signal_as_a_shell_does(recorded: Recorder, number: int) -> None:
    """128 + the signal's number."""
    recording = recorded("sh", "-c", f"kill -{int(number)} $$", status=128 + number)
    assert recording.root.end is not None
    assert recording.root.end.signal == number
    assert recording.root.end.killed_by == recording.root.leader.id


@pytest.mark.parametrize("how", ["ignore", "nocldwait"])
def test_a_child_that_needs_no_reaping(recorded: Recorder, programs: Path, how: str) -> None:
    """Ignoring SIGCHLD, or SA_NOCLDWAIT: the child leaves no zombie and nobody reaps it."""
    recording = recorded(programs / "auto_reap", how)
    child = recording.by_status(4)
    assert child.wait is not None
    assert child.wait.choice == Choice.AUTO_REAPED
    assert child.wait.reaper is None


def test_usage_counters_are_the_kernels(recorded: Recorder, programs: Path) -> None:
    """Faults and peak memory of each process are those of its own exit."""
    recording = recorded(programs / "storm", "20")
    faults = {row["tid"]: row["min_flt"] for row in recording.rows("exit")}
    for process in recording.forest.processes.values():
        assert process.end is not None
        assert process.end.min_flt == faults[process.id.tgid] > 0
        assert process.end.maxrss_pages > 0
