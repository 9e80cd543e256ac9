# SPDX-License-Identifier: Apache-2.0
"""Events of witnesses in words, as several checks tell them."""

from __future__ import annotations

from typing import Any

from replay.checks.verdict import WitnessEvent
from replay.names import CLONE_FLAGS, errno_name, flag_names, syscall_name


def created(row: dict[str, Any]) -> WitnessEvent:
    """Give the creation of a row of `newtask`."""
    flags = " | ".join(flag_names(row["clone_flags"], CLONE_FLAGS)) or "no flags"
    text = f"{row['tid']} created {row['child_tid']} with {flags}"
    return WitnessEvent(row["time_ns"], "task_newtask", text)


def ordered(*events: WitnessEvent | None) -> tuple[WitnessEvent, ...]:
    """Give the events that are known in order of time."""
    known = [event for event in events if event is not None]
    return tuple(sorted(known, key=lambda event: event.time_ns))


def at(time_ns: int | None, name: str, text: str) -> WitnessEvent | None:
    """Give an event, None where its time is not known."""
    return WitnessEvent(time_ns, name, text) if time_ns else None


def call_result(result: int | None, syscall: int) -> str:
    """Give what a call of the clone family returned."""
    if result is None:
        return "it did not return"
    name = syscall_name(syscall)
    return f"{name} returns {errno_name(-result) if result < 0 else result}"
