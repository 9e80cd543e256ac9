# SPDX-License-Identifier: Apache-2.0
"""Real work, recorded once and run once under strace: both must tell the same story.

Compared are what every process ran and how it ended, what its parent ran as it created it, and
every exec that failed. Pids and order differ between two runs; so do the names of gcc's temporary
files, which are made equal in both (see `strace.plain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kernel.builds import PYTHON_PROGRAM, write_c_project
from tests.kernel.strace import recorded_account, under_strace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder

TO_THE_LAST = ("--until-last",)
"""As strace does: Python's resource tracker, for one, outlives the program for a moment."""


@pytest.mark.timeout(400)
def test_a_parallel_build(recorded: Recorder, tmp_path: Path) -> None:
    """`make -j2` of a C project: compilers, assemblers, shells, pipelines, a failing command."""
    # GIVEN the same C project twice, at a path of the same name
    command = ("make", "-j2", "--no-print-directory", "-s")
    first, second, traces = (tmp_path / name for name in ("first", "second", "traces"))
    for folder in (first, second, traces):
        folder.mkdir()
    write_c_project(first)
    write_c_project(second)
    # WHEN one is built under proctrace and one under strace
    recording = recorded(*command, options=TO_THE_LAST, cwd=first)
    expected = under_strace(traces, command, cwd=second)
    # THEN the accounts are equal
    found = recorded_account(recording)
    assert sum(expected.processes.values()) >= 200
    assert found.processes == expected.processes
    assert found.edges == expected.edges
    assert found.failed == expected.failed


@pytest.mark.timeout(400)
def test_a_python_program(recorded: Recorder, tmp_path: Path) -> None:
    """subprocess, multiprocessing by fork and by spawn, threads that spawn, os.posix_spawn."""
    program, traces = tmp_path / "program.py", tmp_path / "traces"
    program.write_text(PYTHON_PROGRAM)
    traces.mkdir()
    command = ("/usr/bin/python3", "-I", program)
    recording = recorded(*command, options=TO_THE_LAST)
    expected = under_strace(traces, command)
    found = recorded_account(recording)
    assert sum(expected.processes.values()) >= 20
    assert found.processes == expected.processes
    assert found.edges == expected.edges
    assert found.failed == expected.failed
