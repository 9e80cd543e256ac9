# SPDX-License-Identifier: Apache-2.0
"""A recorder that is asked to stop, or killed, leaves a readable file and a clean kernel."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from replay.forest import ProcessForest
from tests.kernel.recording import PROCTRACE, clean_environment, exit_status, proctrace
from tests.possible import program_exists
from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replay.process import Process

STEPS = "i=0; while :; do i=$((i+1)); (exit $((i % 256))); echo $i; sleep 0.05; done"
"""A command that goes on until it is ended, and says how far it is."""

Running = subprocess.Popen[bytes]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Give a function that starts a recorder in a session of its own; what is left is killed."""
    started: list[Running] = []

    def run(*arguments: str | Path, command: tuple[str, ...] = (PROCTRACE, "record")) -> Running:
        recorder = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            cwd=tmp_path,
            start_new_session=True,
        )
        started.append(recorder)
        return recorder

    yield run
    for recorder in started:
        try:
            os.killpg(recorder.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            recorder.communicate()


def _until_step(recorder: Running, wanted: int) -> None:
    """Read what the command prints until it has come so far."""
    assert recorder.stdout is not None
    for line in recorder.stdout:
        if int(line) >= wanted:
            return
    raise AssertionError(recorder.stderr.read().decode() if recorder.stderr else "")


def _programs_of(pid: int) -> set[int]:
    """Give the ids of the BPF programs that a process holds, by descriptor or by link."""
    found = set()
    for description in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            text = description.read_text()
            found |= {int(number) for number in re.findall(r"prog_id:\t(\d+)", text)}
    return found


def _subshells(forest: ProcessForest) -> list[Process]:
    [root] = forest.roots
    children = [forest.processes[child] for child in root.children]
    return [child for child in children if not child.images]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_file(
    start: Callable[..., Running], tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end the command too, and the file has its end and its audit."""
    # GIVEN a recording under way
    path = tmp_path / "stopped.ptrace"
    recorder = start("-o", path, "--", "sh", "-c", STEPS)
    _until_step(recorder, 5)
    # WHEN the recorder's process group gets the signal, as from a terminal
    os.killpg(recorder.pid, number)
    status = recorder.wait(60)
    # THEN the status tells the signal, and the trace is complete up to there
    assert status == 128 + number
    trace = open_trace(path)
    assert trace.complete
    ended = [exit_status(child) for child in _subshells(ProcessForest.from_trace(trace))]
    assert ended[:5] == [1, 2, 3, 4, 5]
    assert proctrace("audit", path, "--json").returncode == 0


def test_only_the_recorder_gets_the_signal(start: Callable[..., Running], tmp_path: Path) -> None:
    """A SIGTERM to the recorder alone is passed on, so that the command does not run on unseen."""
    path = tmp_path / "passed.ptrace"
    recorder = start("-o", path, "--", "sh", "-c", STEPS)
    _until_step(recorder, 3)
    recorder.terminate()
    recorder.wait(60)
    trace = open_trace(path)
    assert trace.complete
    [root] = ProcessForest.from_trace(trace).roots
    assert root.end is not None
    assert root.end.signal == signal.SIGTERM


def test_a_killed_recorder_leaves_a_readable_file_and_no_program(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    """After kill -9 the file is read up to its last block, and no BPF program is left."""
    # GIVEN a recording that has written blocks
    path = tmp_path / "killed.ptrace"
    recorder = start("-o", path, "--", "sh", "-c", STEPS)
    _until_step(recorder, 40)
    programs = _programs_of(recorder.pid)
    assert programs
    # WHEN the recorder is killed
    os.kill(recorder.pid, signal.SIGKILL)
    recorder.wait(60)
    # THEN what was written is readable, and known not to be all
    trace = open_trace(path)
    assert not trace.complete
    assert trace.truncated
    forest = ProcessForest.from_trace(trace)
    assert [exit_status(child) for child in _subshells(forest)][:3] == [1, 2, 3]
    for command in ("replay", "tree", "info", "dump", "audit"):
        shown = proctrace(command, path)
        assert b"Traceback" not in shown.stderr
        assert shown.stdout, command
    # AND the kernel is clean; it frees programs after a grace period
    deadline = time.monotonic() + 60
    while any(map(program_exists, programs)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [number for number in programs if program_exists(number)] == []


def test_two_recorders_at_once(start: Callable[..., Running], tmp_path: Path) -> None:
    """A second recorder does not disturb the first, and each records its own command alone."""
    first = start("-o", tmp_path / "1.ptrace", "--", "sh", "-c", STEPS)
    _until_step(first, 1)
    second = start("-o", tmp_path / "2.ptrace", "--", "sh", "-c", "/bin/true; exit 3")
    assert second.wait(60) == 3
    os.killpg(first.pid, signal.SIGINT)
    first.wait(60)
    forest = ProcessForest.from_trace(open_trace(tmp_path / "2.ptrace"))
    assert len(forest.processes) == 2
    forest = ProcessForest.from_trace(open_trace(tmp_path / "1.ptrace"))
    assert forest.losses.count == 0
    [_] = forest.roots


def test_a_command_that_is_no_longer_recorded(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    """When the file cannot grow any more, nothing of the recorder's slows the command down."""
    # GIVEN a recording that reached the limit of its file
    path = tmp_path / "limited.ptrace"
    script = 'ulimit -f 128; exec "$0" record -o "$1" -- sh -c "$2"'
    forever = "while :; do /bin/true; done"
    recorder = start(path, forever, command=("sh", "-c", script, PROCTRACE))
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < 1 << 16:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # THEN its programs are gone, and it waits for the command
    while _programs_of(recorder.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert recorder.poll() is None
    # WHEN it is asked to end THEN it does, and what was saved is readable
    recorder.terminate()
    assert recorder.wait(60) == -signal.SIGTERM
    assert open_trace(path).truncated
