# SPDX-License-Identifier: Apache-2.0
"""Files that are no traces, and commands that are none: one clear error each, status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.errors import the_error
from traces.blocks import FILE_HEADER_BYTES, MAGIC, pack_file_header
from traces.schema import FORMAT_VERSION

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "traces" / "samples" / "shell.ptrace"
COMMANDS = ("replay", "tree", "info", "dump", "audit")


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "proctrace", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, cwd=ROOT)


@pytest.mark.parametrize("command", COMMANDS)
def test_files_that_are_no_traces(tmp_path: Path, command: str) -> None:
    """Text, nothing, a folder, a device, a fifo, no file at all."""
    text, empty, fifo = tmp_path / "text", tmp_path / "empty", tmp_path / "fifo"
    text.write_text("pid 1 is init\n" * 100)
    empty.touch()
    os.mkfifo(fifo)
    for path in (text, empty, fifo, tmp_path, Path("/dev/null"), tmp_path / "absent"):
        error = the_error(_run(command, path), 2)
        assert str(path) in error


@pytest.mark.parametrize("command", COMMANDS)
def test_a_newer_format_is_refused_by_name(tmp_path: Path, command: str) -> None:
    """The error names the version of the file, and what to do about it."""
    newer = FORMAT_VERSION + 1
    path = tmp_path / "newer.ptrace"
    path.write_bytes(pack_file_header(newer) + SAMPLE.read_bytes()[FILE_HEADER_BYTES:])
    error = the_error(_run(command, path), 2)
    assert f"{newer}" in error
    assert "proctrace" in error.splitlines()[-1]


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_truncated_trace_is_read_as_far_as_it_goes(
    tmp_path: Path, command: str, kept: float
) -> None:
    """What is there is shown, with a notice that it is not all."""
    whole = SAMPLE.read_bytes()
    path = tmp_path / "cut.ptrace"
    path.write_bytes(whole[: int(len(whole) * kept)])
    done = _run(command, path, "--json")
    assert b"Traceback" not in done.stderr
    assert done.stdout
    said = done.stdout + done.stderr
    assert b"truncated" in said or b'"complete":false' in said


def test_a_header_alone_is_a_truncated_trace(tmp_path: Path) -> None:
    """A recorder that was killed at once leaves this; a cut magic is no trace."""
    path = tmp_path / "header.ptrace"
    path.write_bytes(pack_file_header(FORMAT_VERSION))
    assert _run("info", path).returncode == 0
    path.write_bytes(MAGIC[:4])
    the_error(_run("info", path), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["record", "--bogus"],
        ["record"],
        ["record", "-p", "0"],
        ["record", "-p", "many"],
        ["record", "--max-size", "pig", "--", "true"],
        ["record", "--duration", "-1", "--", "true"],
        ["tree"],
        ["tree", "--bogus", "file"],
        ["replay", "one", "two"],
    ],
    ids=" ".join,
)
def test_misuse(arguments: list[str]) -> None:
    """One error with the usage and a hint."""
    the_error(_run(*arguments), 2)


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """An error shows a hostile file name without its control characters."""
    error = the_error(_run("tree", tmp_path / "\x1b[2J\nname"), 2)
    assert "\x1b" not in error


def test_debug_shows_where(tmp_path: Path) -> None:
    """With --debug there is a traceback before the error."""
    done = _run("--debug", "tree", tmp_path)
    assert done.returncode == 2
    assert b"Traceback" in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`proctrace dump FILE | head -1` ends quietly."""
    pipeline = f"{sys.executable} -m proctrace dump {SAMPLE} | head -n 1"
    done = subprocess.run(["sh", "-c", pipeline], check=True, capture_output=True, cwd=ROOT)
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
