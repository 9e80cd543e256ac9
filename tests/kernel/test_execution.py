# SPDX-License-Identifier: Apache-2.0
"""What processes execute: whole arguments, by path or descriptor, by any thread, or in vain."""

from __future__ import annotations

import errno
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.kernel.recording import argv, exit_status, proctrace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder

SYS_EXECVEAT = 322
KIB = 1024


def test_a_thread_that_executes_becomes_the_leader(recorded: Recorder, programs: Path) -> None:
    """After exec by another thread the process keeps its id and goes on, and the thread is gone."""
    recording = recorded(programs / "thread_exec", status=5)
    [[tgid, tid]] = recording.numbers()
    process = recording.root
    assert len(recording.forest.processes) == 1
    assert process.id.tgid == tgid
    assert [image.argv[0] for image in process.images][-1] == b"sh"
    assert process.images[-1].by.tid == tid
    assert exit_status(process) == 5
    [row] = recording.rows("exec", old_tid=tid)
    assert row["tid"] == tgid


@pytest.mark.parametrize("where", ["file", "memfd"])
def test_execveat_by_descriptor(recorded: Recorder, programs: Path, where: str) -> None:
    """With AT_EMPTY_PATH there is no path, yet the arguments and the executable are known."""
    recording = recorded(programs / "execveat_fd", where)
    image = recording.root.images[-1]
    [row] = recording.rows("exec", syscall=SYS_EXECVEAT)
    assert image.argv == (b"named-so", b"second")
    # alloc_bprm() names a file that is given by descriptor alone so (6.18).
    assert re.fullmatch(rb"/dev/fd/\d+", image.path)
    if where == "memfd":
        assert b"copy" in image.executable
    else:
        assert image.executable.endswith(b"/bin/true")
    assert row["argc"] == 2


def test_execs_that_fail_are_recorded_with_path_and_arguments(
    recorded: Recorder, programs: Path, tmp_path: Path
) -> None:
    """ENOENT, EACCES, ENOEXEC and EBADF; the process keeps its image and goes on."""
    recording = recorded(programs / "exec_fails", tmp_path, status=3)
    process = recording.root
    assert [(failed.errno, failed.path, failed.argv) for failed in process.failed_execs] == [
        (errno.ENOENT, b"absent", (b"first", b"argument one", b"")),
        (errno.EACCES, b"not-executable", (b"second", b"argument one", b"")),
        (errno.ENOEXEC, b"./no-format", (b"third", b"argument one", b"")),
        (errno.EBADF, b"relative", (b"at",)),
    ]
    assert [failed.argv_truncated for failed in process.failed_execs] == [False] * 4
    assert len(process.images) == 1
    assert recording.rows("exec_failed")[-1]["dirfd"] == -1


@pytest.mark.parametrize(
    "arguments",
    [
        [b"x" * 100 * KIB],
        [b"%05d" % number for number in range(100 * KIB // 6)],
        [b"two\nlines", b"tab\there", b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", b"back\\slash"],
        [b"\xff\xfe not utf-8 \x80", "žluťoučký".encode(), b"[bold]markup[/bold]", b"", b" "],
    ],
    ids=["one of 100 KiB", "many, 100 KiB together", "control characters", "no Unicode"],
)
def test_arguments_are_whole_and_unchanged(recorded: Recorder, arguments: list[bytes]) -> None:
    """Every byte of every argument comes back as it was given."""
    recording = recorded("/bin/true", *arguments)
    [image] = recording.root.images
    assert image.argv == (b"/bin/true", *arguments)
    assert not image.argv_truncated


@pytest.mark.parametrize("command", ["tree", "replay", "dump", "info", "audit"])
def test_no_control_character_reaches_the_terminal(recorded: Recorder, command: str) -> None:
    """What a recorded command was called cannot steer the terminal of who reads it."""
    recording = recorded(
        "/bin/true", b"\x1b[2Jgone\x07\r\n\x9b31m\xe2\x80\xae", b"[blink]x[/blink]"
    )
    shown = proctrace(command, recording.path)
    assert shown.returncode == 0, shown.stderr
    text = shown.stdout.decode()
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    if command == "tree":
        assert "[blink]x[/blink]" in text


def test_a_command_in_the_tree_can_be_pasted(recorded: Recorder) -> None:
    """The shell reads the command that `tree` shows as the arguments that were recorded."""
    arguments = [b"a b", b"it's", b'"', b"$HOME", b"*", b"two\nlines", b"\xff", b"\\"]
    recording = recorded("printf", b"%s\\0", *arguments)
    shown = proctrace("tree", recording.path, env={"COLUMNS": "400"}).stdout.decode()
    [line] = [line for line in shown.splitlines() if "printf" in line]
    pasted = line[line.index("printf") :]
    done = subprocess.run(["bash", "-c", pasted + " ; :"], check=False, capture_output=True)
    assert done.stdout.startswith(b"".join(argument + b"\0" for argument in arguments))


def test_path_and_working_directory(recorded: Recorder, tmp_path: Path) -> None:
    """The path as it was given, the file it led to, and the directory it was given in."""
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\nexit 4\n")
    script.chmod(0o700)
    recording = recorded("sh", "-c", "cd / && exec env --chdir=/usr true", status=0)
    image = recording.root.images[-1]
    assert image.cwd == b"/usr"
    assert image.executable.endswith(b"/true")
    recording = recorded("sh", "-c", "./script; exit $?", cwd=tmp_path, status=4)
    child = recording.only(lambda process: process is not recording.root)
    assert child.images[0].path == b"./script"
    assert child.images[0].cwd == bytes(tmp_path)
    assert argv(child) == (b"/bin/sh", b"./script")


def test_environment_is_recorded_only_when_asked_for(recorded: Recorder) -> None:
    """Nothing of the environment is in the file without --env."""
    secret = {"PATH": "/usr/bin:/bin", "TOKEN": "correct horse battery staple"}
    without = recorded("sh", "-c", "/bin/true", env=secret)
    assert all(
        image.environment == () for p in without.forest.processes.values() for image in p.images
    )
    with_it = recorded("sh", "-c", "/bin/true", options=("--env",), env=secret)
    assert b"TOKEN=correct horse battery staple" in with_it.root.images[0].environment
