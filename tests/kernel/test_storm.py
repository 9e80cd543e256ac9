# SPDX-License-Identifier: Apache-2.0
"""Many processes on a busy machine: nothing is lost, and the counts are exact."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from replay.process import Choice
from tests.kernel.recording import exit_status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kernel.conftest import Recorder

COUNT = 20_000


@pytest.fixture
def _busy_cores() -> Iterator[None]:
    """Keep every core busy with a loop of its own."""
    cores = sorted(os.sched_getaffinity(0))
    loop = "while :; do :; done"
    loops = [subprocess.Popen(["taskset", "-c", str(core), "sh", "-c", loop]) for core in cores]
    try:
        yield
    finally:
        for running in loops:
            running.kill()
            running.wait()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_busy_cores")
def test_twenty_thousand_forks_on_busy_cores(recorded: Recorder, programs: Path) -> None:
    """20,000 times fork, exit and wait, with both cores busy: all are there, in order."""
    # GIVEN a busy loop on each core
    # WHEN a storm of forks is recorded
    recording = recorded(programs / "storm", str(COUNT))
    # THEN nothing was lost and every event is there exactly once
    trace = recording.trace
    assert trace.rows("lost") == 0
    rows = {name: trace.rows(name) for name in ("newtask", "clone_call", "wait", "exit", "dead")}
    expected = {"newtask": COUNT, "clone_call": COUNT, "wait": COUNT}
    assert rows == {**expected, "exit": COUNT + 1, "dead": COUNT + 1}
    # AND so is its first run, also where no program was shown the switch to it
    assert trace.rows("started") == COUNT
    # AND every child has its own status, and its parent reaped it
    children = [recording.forest.processes[child] for child in recording.root.children]
    assert [exit_status(child) for child in children] == [n & 255 for n in range(COUNT)]
    choices = Counter(child.wait.choice for child in children if child.wait)
    assert choices[Choice.WAITED] + choices[Choice.WAITED_LATER] == COUNT
    # AND the audit says so
    assert recording.json("audit")["verdict"] == "complete"
