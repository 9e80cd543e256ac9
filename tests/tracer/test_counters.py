# SPDX-License-Identifier: Apache-2.0
"""tracer.counters: the kernel's own count of tasks."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tracer.counters import tasks_created
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


def test_reads_its_line(tmp_path: Path) -> None:
    """Only the line `processes` counts."""
    (tmp_path / "stat").write_text("cpu 1 2 3\nprocesses 4711\nprocs_running 2\n")
    assert tasks_created(tmp_path) == 4711


def test_grows_with_every_task() -> None:
    """Two more processes are at least two more tasks."""
    before = tasks_created()
    for _ in range(2):
        subprocess.run(["true"], check=True)
    assert tasks_created() >= before + 2


@pytest.mark.parametrize("text", [None, "", "processes \n", "processes x\n"])
def test_what_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    """No file, no line or no number: the typed error."""
    if text is not None:
        (tmp_path / "stat").write_text(text)
    with pytest.raises(ProctraceError):
        tasks_created(tmp_path)
