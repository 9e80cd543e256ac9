# SPDX-License-Identifier: Apache-2.0
"""A wait call and the end that it reports, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replay.checks.words import at, ordered
from replay.names import syscall_name

if TYPE_CHECKING:
    from replay.checks.verdict import WitnessEvent


def reap_events(row: dict[str, Any]) -> tuple[WitnessEvent, ...]:
    """Give the events of a row of `reaped.reaped_children`."""
    call = syscall_name(row["syscall"])
    status = "" if row["code"] is None else f", status {row['code']:#x}"
    return ordered(
        at(row["end_ns"], "sched_process_exit", f"process {row['child_tgid']} ends"),
        at(row["time_ns"], "sys_exit", f"{row['tid']} returns from {call}: {row['pid']}{status}"),
    )
