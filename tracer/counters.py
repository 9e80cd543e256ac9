# SPDX-License-Identifier: Apache-2.0
"""Counters of the kernel's own that a recording is audited against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.host import PROC
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from pathlib import Path


def tasks_created(proc: Path = PROC) -> int:
    """Give how many tasks, threads too, were created since boot: /proc/stat `processes`.

    It is the kernel's total_forks, which copy_process() increments under tasklist_lock just
    before it publishes the task; failed calls are not in it.
    """
    try:
        lines = (proc / "stat").read_text().splitlines()
    except OSError as error:
        raise _unreadable(proc, error.strerror or str(error)) from error
    for line in lines:
        name, _, value = line.partition(" ")
        if name == "processes" and value.strip().isdecimal():
            return int(value)
    raise _unreadable(proc, "it has no line 'processes'")


def _unreadable(proc: Path, why: str) -> ProctraceError:
    return ProctraceError(
        "cannot read the kernel's count of created tasks",
        f"{proc / 'stat'}: {why}",
        "check that /proc is mounted: mount -t proc proc /proc",
    )
