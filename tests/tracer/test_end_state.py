# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.end_state: what is open at the end is written as unfinished."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tracer.end_state import write_end_state
from traces.reader import Trace, open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from pathlib import Path

GONE_TID = 2**22 + 1
"""Larger than any pid_max (include/linux/threads.h, PID_MAX_LIMIT)."""


FIELDS = (
    *("tid", "tgid", "start_ns", "leader_start_ns", "ended", "syscall", "compat", "args_read"),
    *("enter_ns", "blocked_ns", "blocked_total_ns", "woken_ns", "sleeping_since_ns"),
    *("waker_tid", "sleeps"),
)


def _entry(**values: Any) -> Any:  # noqa: ANN401 - stands for a ctypes struct
    blank = dict.fromkeys(FIELDS, 0)
    return SimpleNamespace(**(blank | {"arg": [0] * 5} | values))


def _written(folder: Path, *entries: Any, now_ns: int = 1000) -> Trace:  # noqa: ANN401
    file = io.BytesIO()
    writer = TraceWriter(file)
    followed = dict(enumerate(entries))
    write_end_state(writer, followed, now_ns)  # type: ignore[arg-type] # it uses items() alone
    path = folder / "a.ptrace"
    path.write_bytes(file.getvalue())
    return open_trace(path)


def test_a_living_task_stands_with_its_parent(tmp_path: Path) -> None:
    """This test is alive, and /proc knows who its parent is."""
    entry = _entry(tid=os.getpid(), tgid=os.getpid(), start_ns=5)
    (row,) = _written(tmp_path, entry).table("end_task").iter_rows(named=True)
    assert row["parent_tgid"] == os.getppid()
    assert row["state"] in (b"R", b"S")


def test_a_task_just_gone_has_no_state_and_an_ended_one_no_row(tmp_path: Path) -> None:
    """/proc may have forgotten it; one that ended has its exit row."""
    trace = _written(tmp_path, _entry(tid=GONE_TID, tgid=1), _entry(tid=7, ended=1))
    (row,) = trace.table("end_task").iter_rows(named=True)
    assert (row["tid"], row["parent_tgid"], row["state"]) == (GONE_TID, 0, b"")


def test_an_open_wait_is_a_row_with_its_sleep_until_now(tmp_path: Path) -> None:
    """wait4(-1) that sleeps since 400: unfinished, and blocked for 600 more."""
    arguments = [2**32 - 1, 0, 2, 0, 0]
    entry = _entry(
        tid=GONE_TID, syscall=61, enter_ns=300, arg=arguments, blocked_ns=350, sleeps=2,
        blocked_total_ns=20, sleeping_since_ns=400,
    )  # fmt: skip
    trace = _written(tmp_path, entry)
    (row,) = trace.table("wait").iter_rows(named=True)
    assert (row["unfinished"], row["idtype"], row["id"], row["options"]) == (1, -1, -1, 2)
    assert (row["enter_ns"], row["time_ns"], row["blocked_total_ns"]) == (300, 1000, 620)
    assert trace.table("end_task")["syscall"].to_list() == [61]


def test_an_open_waitid_names_what_it_waits_for(tmp_path: Path) -> None:
    """P_PID of pid 42 with WEXITED."""
    entry = _entry(tid=GONE_TID, syscall=247, arg=[1, 42, 0, 4, 0])
    (row,) = _written(tmp_path, entry).table("wait").iter_rows(named=True)
    assert (row["idtype"], row["id"], row["options"]) == (1, 42, 4)


def test_an_open_vfork_is_a_row(tmp_path: Path) -> None:
    """A parent that still waits for its vfork child."""
    entry = _entry(tid=GONE_TID, syscall=58, arg=[0x4100, 17, 0, 0, 0], args_read=1)
    (row,) = _written(tmp_path, entry).table("clone_call").iter_rows(named=True)
    assert (row["unfinished"], row["flags"], row["exit_signal"]) == (1, 0x4100, 17)
