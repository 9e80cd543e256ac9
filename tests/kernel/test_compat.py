# SPDX-License-Identifier: Apache-2.0
"""Programs that call the kernel through its 32-bit entry are followed like all others."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from replay.process import Choice

if TYPE_CHECKING:
    from tests.kernel.conftest import Recorder

SOURCE = Path(__file__).resolve().parent / "programs" / "compat.s"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Assemble and link the program, which needs no library."""
    made, linked = tmp_path / "compat.o", tmp_path / "compat"
    subprocess.run(["as", "--32", "-o", made, SOURCE], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-o", linked, made], check=True)
    try:
        subprocess.run([linked], check=True)
    except OSError as error:
        pytest.skip(f"this kernel runs no 32-bit programs: {error.strerror}")
    return linked


def test_fork_wait_and_exec_by_the_32_bit_entry(recorded: Recorder, program: Path) -> None:
    """GIVEN a program whose system calls are numbered as on i386.

    WHEN it is recorded
    THEN calls, statuses and strings are those of the same program in 64 bits.
    """
    recording = recorded(program)
    (call,) = recording.trace.table("clone_call").iter_rows(named=True)
    assert (call["syscall"], call["compat"], call["exit_signal"]) == (57, 1, 17)
    root, child = recording.forest.processes.values()
    assert child.end is not None
    assert child.end.status == 7
    assert child.wait is not None
    # The child may have ended before its parent came to wait.
    assert child.wait.choice in {Choice.WAITED, Choice.WAITED_LATER}
    assert child.wait.reaper == root.id
    (failed,) = root.failed_execs
    assert (failed.path, failed.errno) == (b"/no/such", 2)
    assert failed.argv == (b"/bin/true", b"argument")
    assert root.images[-1].argv == (b"/bin/true", b"argument")
