# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.recorder on the running kernel: what goes wrong leaves a readable file."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tracer import memory_layout, program
from tracer.memory_layout import MemoryUnmeasuredError
from tracer.recorder import record
from tracer.request import Request
from traces.errors import STATUS_OWN_FAILURE, ProctraceError
from traces.reader import open_trace

if TYPE_CHECKING:
    from tracer.btf import Btf

pytestmark = pytest.mark.kernel


def test_a_command_is_recorded(tmp_path: Path) -> None:
    """From beginning to end, with who, where and why it stopped."""
    path = tmp_path / "a.ptrace"
    outcome = record(Request(path, command=("sh", "-c", "exit 4")), print)
    trace = open_trace(path)
    assert trace.complete
    assert outcome.status == 4
    assert outcome.file_bytes == path.stat().st_size
    recording = trace.metadata["recording"]
    assert isinstance(recording, dict)
    assert recording["command"] == "sh -c 'exit 4'"
    assert recording["stopped_by"] == "end of the command"
    assert recording["status"] == 4
    assert {"host", "plan", "audit"} <= set(trace.metadata)


@pytest.mark.parametrize("required", [False, True])
def test_a_host_without_page_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, required: bool
) -> None:
    """Faults are left out, and that is said, unless they were asked for."""

    def measure(*_: object) -> NoReturn:
        raise MemoryUnmeasuredError("cannot measure", "nothing answers", "hint")

    monkeypatch.setattr(memory_layout, "measure", measure)
    path, said = tmp_path / "a.ptrace", list[str]()
    request = Request(path, command=("true",), faults=True, faults_required=required)
    if required:
        with pytest.raises(MemoryUnmeasuredError):
            record(request, said.append)
        return
    assert record(request, said.append).status == 0
    assert said == ["Page faults are not recorded: cannot measure, nothing answers"]
    trace = open_trace(path)
    recording = trace.metadata["recording"]
    assert isinstance(recording, dict)
    assert (trace.rows("fault"), recording["faults"]) == (0, False)


def test_a_signal_while_it_is_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked to stop before anything began wants nothing to begin."""
    load = program.load

    def interrupted(options: program.Options, btf: Btf) -> program.Program:
        os.kill(os.getpid(), signal.SIGTERM)
        return load(options, btf)

    monkeypatch.setattr(program, "load", interrupted)
    path, effect = tmp_path / "a.ptrace", tmp_path / "effect"
    with pytest.raises(ProctraceError, match="before the recording began") as caught:
        record(Request(path, command=("touch", str(effect))), print)
    assert caught.value.status == 128 + signal.SIGTERM
    assert not effect.exists()
    assert not path.exists()
    # What runs already has begun long ago: it is recorded up to the signal.
    outcome = record(Request(path, whole_host=True), print)
    assert (outcome.status, outcome.stopped_by) == (0, "signal")
    assert open_trace(path).complete


def test_a_file_that_exists_stops_it_before_the_command_ran(tmp_path: Path) -> None:
    """The command's own effects must not happen without a recording."""
    path, effect = tmp_path / "a.ptrace", tmp_path / "effect"
    path.write_bytes(b"precious")
    with pytest.raises(ProctraceError):
        record(Request(path, command=("touch", str(effect))), print)
    assert not effect.exists()
    assert path.read_bytes() == b"precious"


def test_a_full_disk_is_one_clear_error_and_the_command_is_waited_for(tmp_path: Path) -> None:
    """Every write to /dev/full fails, the first one before the command is released."""
    effect = tmp_path / "effect"
    request = Request(Path("/dev/full"), overwrite=True, command=("touch", str(effect)))
    with pytest.raises(ProctraceError) as caught:
        record(request, print)
    assert caught.value.status == STATUS_OWN_FAILURE
    assert caught.value.why == "No space left on device"
    assert not effect.exists()


def test_a_command_that_cannot_be_executed_leaves_its_failed_exec(tmp_path: Path) -> None:
    """A script whose interpreter is absent: 127 as a shell gives it, and a readable file."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    path = tmp_path / "a.ptrace"
    with pytest.raises(ProctraceError) as caught:
        record(Request(path, command=(str(script),)), print)
    assert caught.value.status in (126, 127)
    assert open_trace(path).truncated


def test_a_running_tree_is_followed(tmp_path: Path) -> None:
    """-p finds the children that exist and those that come."""
    path = tmp_path / "a.ptrace"
    pid = os.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", "sleep 0.3 & while :; do sleep 0.05; done"])  # noqa: S606
    try:
        time.sleep(0.1)
        record(Request(path, pids=(pid,), duration_s=0.5), print)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    trace = open_trace(path)
    assert pid in trace.table("start_task")["tid"].to_list()
    assert trace.rows("start_task") >= 2
    assert trace.rows("newtask") >= 3
    assert pid in trace.table("adopted")["tid"].to_list()
