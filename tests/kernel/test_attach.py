# SPDX-License-Identifier: Apache-2.0
"""Recording what runs already: a tree by its pid, the whole host."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from replay.forest import ProcessForest
from tests.kernel.recording import PROCTRACE, argv, clean_environment, exit_status
from traces.reader import open_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTENING = "while read line; do case $line in fork) (exit 6);; *) exit 7;; esac; echo did; done"


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[bytes]]:
    """Give a running shell that does what it is told on stdin."""
    command = ["sh", "-c", LISTENING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        yield running
        running.kill()


def _wait_for_blocks(path: Path) -> None:
    """Wait until the recorder follows: its start state is in the file by then."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.stat().st_size and open_trace(path).rows("start_task"):
            return
        time.sleep(0.05)
    raise TimeoutError(path)


@pytest.mark.parametrize("how", ["pid", "all"])
def test_attach_to_a_running_shell(
    shell: subprocess.Popen[bytes], tmp_path: Path, how: str
) -> None:
    """Its past is taken from /proc, its future is recorded, until it ends."""
    # GIVEN a shell that runs already
    path = tmp_path / "attached.ptrace"
    target = ["-p", str(shell.pid)] if how == "pid" else ["-a"]
    # Without faults the start state is complete once any of it is there.
    command = [PROCTRACE, "record", "--no-faults", "-o", str(path), *target]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=clean_environment()) as recorder:
        try:
            _wait_for_blocks(path)
            assert shell.stdin is not None
            assert shell.stdout is not None
            # WHEN it creates a child, and ends
            shell.stdin.write(b"fork\n")
            shell.stdin.flush()
            assert shell.stdout.readline() == b"did\n"
            shell.stdin.write(b"end\n")
            shell.stdin.flush()
            assert shell.wait(60) == 7
            if how == "all":
                recorder.terminate()
            recorder.communicate(timeout=60)
        finally:
            recorder.kill()
    # THEN both are in the trace, and the shell is known to be older
    trace = open_trace(path)
    assert trace.complete
    forest = ProcessForest.from_trace(trace)
    [process] = [p for p in forest.processes.values() if p.id.tgid == shell.pid]
    assert process.before_recording
    assert argv(process) == (b"sh", b"-c", LISTENING.encode())
    assert exit_status(process) == 7
    [child] = [forest.processes[child] for child in process.children]
    assert exit_status(child) == 6
    assert child.leader.creation is not None
    if how == "all":
        assert os.getpid() in {known.tgid for known in forest.processes}
