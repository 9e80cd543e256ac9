# SPDX-License-Identifier: Apache-2.0
"""Faults and copies of real programs are as many as the kernel itself counted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.kernel.recording import PROCTRACE, clean_environment, proctrace
from tracer import requirements
from tracer.delay_accounting import SYSCTL
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.kernel.conftest import Recorder

    Start = Callable[[], subprocess.Popen[bytes]]

OPTIONS = ("--faults", "--audit-copies")
PAGES, FORKS = 2000, 4
POPULATED = 512
COMMAND = "echo on; exec sleep 300"


@pytest.fixture(autouse=True)
def _possible() -> None:
    try:
        requirements.require_copy_audit()
    except ProctraceError as error:
        pytest.skip(f"copies cannot be audited here: {error.why}")


@pytest.fixture
def before() -> Iterator[bytes]:
    """Give what the switch was, and see that it is that again."""
    value = SYSCTL.read_bytes()
    yield value
    assert SYSCTL.read_bytes() == value


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a recording and waits until its command runs."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        path = tmp_path / f"{len(started)}.ptrace"
        recorder = subprocess.Popen(
            [PROCTRACE, "record", "-o", path, *OPTIONS, "--", "sh", "-c", COMMAND],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            start_new_session=True,
        )
        started.append(recorder)
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == b"on\n"
        return recorder

    yield run
    for recorder in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(recorder.pid, signal.SIGKILL)
        recorder.communicate()


def audit(path: Path) -> Any:  # noqa: ANN401 - JSON is anything
    """Give what `proctrace audit` says of a recording; nothing contradicts itself."""
    done = proctrace("audit", path, "--json")
    assert done.returncode == 0, done.stdout.decode()
    return json.loads(done.stdout)


def test_every_child_copied_what_the_kernel_counted(
    recorded: Recorder, programs: Path, before: bytes
) -> None:
    """GIVEN a storm of copies, WHEN the kernel counts too, THEN all its children agree exactly."""
    recording = recorded(programs / "cow_storm", str(PAGES), str(FORKS), options=OPTIONS)
    assert SYSCTL.read_bytes() == before
    found = audit(recording.path)
    root = recording.root.id.tgid
    for what, least in (("faults", PAGES * (FORKS + 2)), ("copies", PAGES * FORKS)):
        assert found[what]["recorded"] >= least
        differ = {task["tgid"] for task in found[what]["tasks_that_differ"]}
        assert differ <= {root}
        assert found[what]["exact"] >= FORKS
        assert found[what]["tasks"] == FORKS + 1
    # Of the command's own process a part is from before its exec, when it was not followed.
    assert set(found["faults"]["causes"]) <= {"exec_arguments", "before_start"}
    assert {one["name"]: one["holds"] for one in found["findings"]}["copies"] is True


def test_copies_of_threads_and_execs(recorded: Recorder, programs: Path) -> None:
    """Tasks of other kinds are not said to contradict the kernel."""
    recording = recorded("sh", "-c", f"{programs / 'threads'}; /bin/true; (exit 3); true",
                         options=OPTIONS)  # fmt: skip
    found = audit(recording.path)
    assert found["faults"]["beyond"] == 0
    assert found["copies"]["beyond"] == 0
    assert "other_calls" not in found["faults"]["causes"]


def test_pages_of_files_that_were_not_there(recorded: Recorder) -> None:
    """do_cow_fault() copies these in each exec, and the kernel does not count them."""
    recording = recorded("sh", "-c", "/bin/true; /bin/true; true", options=OPTIONS)
    found = audit(recording.path)["copies"]
    assert {task["tgid"] for task in found["tasks_that_differ"]} <= {recording.root.id.tgid}
    assert found["exact"] >= 2


def test_faults_that_a_call_takes_are_explained(recorded: Recorder, programs: Path) -> None:
    """GIVEN pages that MAP_POPULATE touches, THEN the audit says what took their faults."""
    recording = recorded(programs / "populate", str(POPULATED), options=("--faults",))
    causes = audit(recording.path)["faults"]["causes"]
    assert causes["populated"] == POPULATED
    assert "other_calls" not in causes


def test_ctrl_c_restores_the_switch(start: Start, before: bytes) -> None:
    """The recording ends in order, and so does the accounting."""
    recorder = start()
    assert SYSCTL.read_bytes().strip() == b"1"
    os.killpg(recorder.pid, signal.SIGINT)
    recorder.communicate(timeout=60)
    assert recorder.returncode == 128 + signal.SIGINT
    assert SYSCTL.read_bytes() == before


def test_a_killed_recorder_leaves_the_switch_as_it_was(start: Start, before: bytes) -> None:
    """And only the last of two recorders restores it."""
    first, second = start(), start()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    assert SYSCTL.read_bytes().strip() == b"1"
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while SYSCTL.read_bytes() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert SYSCTL.read_bytes() == before
