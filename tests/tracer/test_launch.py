# SPDX-License-Identifier: Apache-2.0
"""tracer.launch: the command is started stopped, runs once, and never without its recorder."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracer.waiting import until
from tracer.invoker import InvokingUser
from tracer.launch import Launched, start
from traces.errors import ProctraceError

ROOT = Path(__file__).resolve().parent.parent.parent
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def run(*argv: str, env: dict[str, str] | None = None) -> int:
    """Start, release and wait; give the exit status."""
    launched = start(argv, env=env)
    launched.release()
    status = launched.wait_status()
    launched.close()
    return status


def output_of(
    capfd: pytest.CaptureFixture[str], *argv: str, as_user: InvokingUser | None = None
) -> list[str]:
    """Give the lines that a command prints; it inherits our standard output."""
    launched = start(argv, as_user=as_user)
    launched.release()
    assert launched.wait_status() == 0
    launched.close()
    return capfd.readouterr().out.splitlines()


def descriptors() -> set[int]:
    """Give our open descriptors."""
    return {number for number in range(1024) if Path(f"/proc/self/fd/{number}").is_symlink()}


def is_stopped_at_the_gate(launched: Launched) -> bool:
    """Tell whether the child sleeps in its read of the pipe."""
    state = Path(f"/proc/{launched.pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    return state == b"S"


def test_nothing_runs_before_the_release(tmp_path: Path) -> None:
    """The child exists and waits; the command's first effect comes after release()."""
    marker = tmp_path / "marker"
    launched = start(["touch", str(marker)])
    until(lambda: is_stopped_at_the_gate(launched))
    assert Path(f"/proc/{launched.pid}/exe").readlink() == Path("/proc/self/exe").readlink()
    assert not marker.exists()
    launched.release()
    assert launched.wait_status() == 0
    assert launched.wait_status() == 0
    assert marker.exists()
    launched.close()


def test_an_abandoned_child_runs_nothing(tmp_path: Path) -> None:
    """abandon() ends the child, reaps it and closes every descriptor."""
    before = descriptors()
    marker = tmp_path / "marker"
    launched = start(["touch", str(marker)])
    launched.abandon()
    assert not marker.exists()
    assert not Path(f"/proc/{launched.pid}").exists()
    assert descriptors() == before


def test_a_released_child_leaves_no_descriptor() -> None:
    """After close() the parent has the descriptors it had."""
    before = descriptors()
    assert run("true") == 0
    assert descriptors() == before


def test_the_child_ends_when_the_recorder_is_killed(tmp_path: Path) -> None:
    """GIVEN a recorder with a command not yet released, WHEN it gets SIGKILL, THEN the child ends.

    Nothing of the command may run unrecorded, and nothing may be left behind.
    """
    marker = tmp_path / "marker"
    code = (
        "import time; from tracer.launch import start\n"
        f"print(start(['touch', {str(marker)!r}]).pid, flush=True); time.sleep(60)"
    )
    # GIVEN
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as recorder:
        assert recorder.stdout is not None
        child = os.pidfd_open(int(recorder.stdout.readline()))
        # WHEN
        recorder.kill()
    # THEN
    ready, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert ready
    assert not marker.exists()


def test_statuses() -> None:
    """The command's own status, and 128 + n for a signal."""
    assert run("sh", "-c", "exit 7") == 7
    assert run("sh", "-c", "kill -TERM $$") == 128 + signal.SIGTERM


def test_pidfd_tells_the_end() -> None:
    """The pidfd is not readable while the command runs and is once it has ended."""
    launched = start(["true"])
    assert select.select([launched.pidfd], [], [], 0)[0] == []
    launched.release()
    assert select.select([launched.pidfd], [], [], 10)[0] == [launched.pidfd]
    launched.wait_status()
    launched.close()


def test_argv_arrives_as_given(tmp_path: Path) -> None:
    """argv[0] is what was typed, not the path that was found; bytes that are no UTF-8 survive."""
    odd = os.fsdecode(b"\xff\n ")
    output = tmp_path / "argv"
    launched = start(["sh", "-c", 'cat /proc/$$/cmdline >"$1"', "name", str(output), odd])
    launched.release()
    launched.wait_status()
    launched.close()
    assert output.read_bytes().split(b"\0")[0] == b"sh"
    assert output.read_bytes().split(b"\0")[5] == b"\xff\n "


def test_signals_are_those_of_a_shell(capfd: pytest.CaptureFixture[str]) -> None:
    """SIGPIPE and SIGXFSZ are not ignored, nothing is blocked; what we ignore stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        lines = output_of(capfd, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
        ours = _ignored(Path("/proc/self/status").read_text().splitlines())
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "SigBlk:\t0000000000000000" in lines
    by_python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    assert _ignored(lines) == ours & ~by_python
    assert _ignored(lines) & 1 << (signal.SIGHUP - 1)


def _ignored(status: list[str]) -> int:
    (mask,) = [line.split(":")[1] for line in status if line.startswith("SigIgn")]
    return int(mask, 16)


def test_our_signal_handlers_do_not_run_in_the_child() -> None:
    """SIGTERM ends the waiting child, whatever handler the recorder has installed."""
    called: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: called.append(number))
    try:
        launched = start(["true"])
    finally:
        signal.signal(signal.SIGTERM, before)
    os.kill(launched.pid, signal.SIGTERM)
    assert launched.wait_status() == 128 + signal.SIGTERM
    launched.release()
    launched.close()
    assert called == []


def test_descriptors(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What is inheritable (a make job server's pipe) is inherited, and nothing else."""
    shared = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(shared, True)  # noqa: FBT003 - its only argument
    inheritable = {number for number in descriptors() if os.get_inheritable(number)}
    code = "import os; print(*(n for n in range(1024) if os.path.islink(f'/proc/self/fd/{n}')))"
    try:
        printed = output_of(capfd, sys.executable, "-c", code)
    finally:
        os.close(shared)
    assert shared in inheritable
    assert {int(number) for number in printed[0].split()} == inheritable


def test_the_process_group_is_ours(capfd: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C at the terminal reaches the command as it would without proctrace."""
    group = output_of(capfd, "sh", "-c", "ps -o pgid= -p $$")
    assert int(group[0]) == os.getpgrp()


def test_the_environment_is_the_given_one(tmp_path: Path) -> None:
    """No variable is added or lost."""
    output = tmp_path / "environment"
    program = f"cat /proc/$$/environ >{output}"
    assert run("/bin/sh", "-c", program, env={"A": "b=c", "PATH": "/usr/bin:/bin"}) == 0
    assert set(output.read_bytes().split(b"\0")) == {b"A=b=c", b"PATH=/usr/bin:/bin", b""}


@pytest.mark.parametrize(
    ("first_line", "status", "said"),
    [
        ("echo no first line", 126, "neither a program"),
        ("#!/no/such/interpreter", 126, "/no/such/interpreter"),
        ("", 126, "neither a program"),
    ],
)
def test_a_program_that_cannot_be_executed(
    tmp_path: Path, first_line: str, status: int, said: str
) -> None:
    """What execve() says comes back as an error, and the child is reaped."""
    program = tmp_path / "program"
    program.write_text(first_line + "\n")
    program.chmod(0o755)
    launched = start([str(program)])
    with pytest.raises(ProctraceError) as caught:
        launched.release()
    assert caught.value.status == status
    assert said in caught.value.why
    assert not Path(f"/proc/{launched.pid}").exists()


def test_a_program_being_written(tmp_path: Path) -> None:
    """ETXTBSY is reported in words."""
    program = tmp_path / "program"
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    launched = start([str(program)])
    with program.open("ab"), pytest.raises(ProctraceError) as caught:
        launched.release()
    assert (caught.value.status, caught.value.why) == (126, "Text file busy")


def test_a_program_that_vanishes(tmp_path: Path) -> None:
    """It was there when it was looked up and is gone at execve(): not found."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    launched = start([str(program)])
    program.unlink()
    with pytest.raises(ProctraceError) as caught:
        launched.release()
    assert caught.value.status == 127


@needs_root
def test_as_the_invoking_user(capfd: pytest.CaptureFixture[str]) -> None:
    """All user and group ids are the user's, and so is the environment."""
    user = InvokingUser("somebody", 65534, 65533, (65533, 65532), "/home/somebody", "/bin/sh")
    script = "grep -E '^(Uid|Gid|Groups)' /proc/self/status; echo $HOME $USER $LOGNAME"
    lines = [line.split() for line in output_of(capfd, "sh", "-c", script, as_user=user)]
    assert lines[0] == ["Uid:", *["65534"] * 4]
    assert lines[1] == ["Gid:", *["65533"] * 4]
    assert sorted(lines[2]) == ["65532", "65533", "Groups:"]
    assert lines[3] == ["/home/somebody", "somebody", "somebody"]


@needs_root
def test_a_user_who_may_not_execute(tmp_path: Path) -> None:
    """Root finds the program, the user may not run it: 126."""
    tmp_path.chmod(0o700)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    user = InvokingUser("nobody", 65534, 65534, (65534,), "/", "/bin/sh")
    launched = start([str(program)], as_user=user)
    with pytest.raises(ProctraceError) as caught:
        launched.release()
    assert (caught.value.status, caught.value.why) == (126, "Permission denied")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may become everyone")
def test_a_user_we_may_not_become() -> None:
    """The failure of setresuid() is an error of its own; the command has not run."""
    user = InvokingUser("other", os.getuid() + 1, os.getgid() + 1, (), "/", "/bin/sh")
    launched = start(["true"], as_user=user)
    with pytest.raises(ProctraceError) as caught:
        launched.release()
    assert "as the user" in caught.value.what
