# SPDX-License-Identifier: Apache-2.0
"""What was going on when the recording ended: living tasks, calls that had not returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.few_rows import write_few_rows
from tracer.start_state import task_state

if TYPE_CHECKING:
    from tracer.bcc_seam import Table
    from traces.writer import TraceWriter

_WAIT_CALLS = (61, 247)
_WAITID = 247
_CLONE_CALLS = (56, 57, 58, 435)


def write_end_state(writer: TraceWriter, followed: Table, now_ns: int) -> None:
    """Write the tables end_task, and the unfinished rows of clone_call and wait."""
    alive = [entry for _, entry in followed.items() if not entry.ended]
    alive.sort(key=lambda entry: (entry.start_ns, entry.tid))
    write_few_rows(writer, "end_task", [_end_task(entry) for entry in alive])
    waits = [entry for entry in alive if entry.syscall in _WAIT_CALLS]
    write_few_rows(writer, "wait", [_wait(entry, now_ns) for entry in waits])
    clones = [entry for entry in alive if entry.syscall in _CLONE_CALLS]
    write_few_rows(writer, "clone_call", [_clone(entry, now_ns) for entry in clones])


def _identity(entry: Any) -> dict[str, Any]:  # noqa: ANN401 - a ctypes struct made by bcc
    return {"tid": entry.tid, "tgid": entry.tgid, "start_ns": entry.start_ns}


def _end_task(entry: Any) -> dict[str, Any]:  # noqa: ANN401
    state = task_state(entry.tid)
    return _identity(entry) | {
        "leader_start_ns": entry.leader_start_ns,
        "parent_tgid": state.parent_tgid if state else 0,
        "state": state.state if state else b"",
        "syscall": entry.syscall,
        "enter_ns": entry.enter_ns if entry.syscall else 0,
    }


def _unfinished(entry: Any, now_ns: int) -> dict[str, Any]:  # noqa: ANN401
    asleep_ns = now_ns - entry.sleeping_since_ns if entry.sleeping_since_ns else 0
    return _identity(entry) | {
        "time_ns": now_ns,
        "enter_ns": entry.enter_ns,
        "syscall": entry.syscall,
        "compat": entry.compat,
        "unfinished": 1,
        "blocked_ns": entry.blocked_ns,
        "blocked_total_ns": entry.blocked_total_ns + asleep_ns,
        "woken_ns": entry.woken_ns,
        "waker_tid": entry.waker_tid,
        "sleeps": entry.sleeps,
    }


def _wait(entry: Any, now_ns: int) -> dict[str, Any]:  # noqa: ANN401
    if entry.syscall == _WAITID:
        idtype, requested, options = entry.arg[0], entry.arg[1], entry.arg[3]
    else:
        idtype, requested, options = -1, entry.arg[0], entry.arg[2]
    return _unfinished(entry, now_ns) | {
        "idtype": _signed32(idtype),
        "id": _signed32(requested),
        "options": options & 0xFFFFFFFF,
    }


def _clone(entry: Any, now_ns: int) -> dict[str, Any]:  # noqa: ANN401
    return _unfinished(entry, now_ns) | {
        "flags": entry.arg[0],
        "exit_signal": entry.arg[1],
        "stack": entry.arg[2],
        "set_tid_size": entry.arg[3],
        "args_read": entry.args_read,
    }


def _signed32(value: int) -> int:
    return (value & 0xFFFFFFFF) - ((value & 0x80000000) << 1)
