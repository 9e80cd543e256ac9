# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.session on the running kernel."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tracer.btf import Btf
from tracer.launch import Launched, start
from tracer.program import Options, Program, load
from tracer.session import Session
from traces.reader import Trace, open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kernel


class Live:
    """A session that follows one command, and its trace."""

    def __init__(self, command: tuple[str, ...], options: Options) -> None:
        self.launched: Launched = start(command)
        self.file = io.BytesIO()
        self.program = load(options, Btf.running())
        self.session = Session(self.program, options, TraceWriter(self.file))

    def trace(self, folder: Path) -> Trace:
        path = folder / "a.ptrace"
        path.write_bytes(self.file.getvalue())
        return open_trace(path)


@pytest.fixture
def sleeper() -> Iterator[Live]:
    """Give a session around a shell that starts one child and waits for it."""
    live = Live(("sh", "-c", "sleep 0.2; exit 3"), Options(recorder_tgid=os.getpid()))
    yield live
    live.session.close()
    live.launched.close()


def test_a_command_is_followed_from_its_exec_to_its_last_switch(
    sleeper: Live, tmp_path: Path
) -> None:
    """Nothing before the exec, everything after, and the accounts agree with /proc/stat."""
    session, launched = sleeper.session, sleeper.launched
    session.follow_from_exec(launched.pid)
    assert session.anyone_left()
    launched.release()
    while session.anyone_left():
        session.drain()
        time.sleep(0.01)
    assert launched.wait_status() == 3
    assert session.finish() == 0
    trace = sleeper.trace(tmp_path)
    assert trace.table("adopted")["tid"].to_list() == [launched.pid]
    assert trace.rows("newtask") == trace.rows("started") == 1
    assert trace.rows("exit") == trace.rows("dead") == trace.rows("exec") == 2
    audit = trace.metadata["audit"]
    assert isinstance(audit, dict)
    assert audit["newtasks_followed"] == 1
    counted = audit["newtasks_followed"] + audit["newtasks_other"]
    assert audit["proc_stat_processes"] == counted or not audit["stable"]


def test_what_lives_on_is_told(sleeper: Live, tmp_path: Path) -> None:
    """A recording that ends first says who was still there and in which call."""
    session, launched = sleeper.session, sleeper.launched
    session.follow_from_exec(launched.pid)
    launched.release()
    while session.drain() == 0 and not session.followed_tids():
        time.sleep(0.001)
    time.sleep(0.1)
    left = session.finish()
    rows = sleeper.trace(tmp_path).table("end_task")
    assert left == len(rows) == 2
    assert launched.pid in rows["tid"].to_list()
    launched.wait_status()


def test_what_goes_on_until_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that fall asleep while the accounts are taken have slept no negative time."""
    live = Live(("sh", "-c", "while :; do sleep 0.01; done"), Options(recorder_tgid=os.getpid()))
    missed = Program.missed

    def slowly(program: Program) -> dict[str, int]:
        time.sleep(0.3)
        return missed(program)

    monkeypatch.setattr(Program, "missed", slowly)
    try:
        live.session.follow_from_exec(live.launched.pid)
        live.launched.release()
        time.sleep(0.1)
        live.session.finish()
        trace = live.trace(tmp_path)
        assert "audit" in trace.metadata
        newest_ns = max(trace.table("newtask")["time_ns"].to_list())
        unfinished = trace.table("wait").filter(unfinished=1)["time_ns"].to_list()
        assert all(time_ns > newest_ns for time_ns in unfinished)
    finally:
        signal.pidfd_send_signal(live.launched.pidfd, signal.SIGKILL)
        live.launched.wait_status()
        live.session.close()
        live.launched.close()


def test_tiny_rings_lose_records_and_say_so(tmp_path: Path) -> None:
    """Every failed reservation is counted and stands in the trace with its time."""
    page = os.sysconf("SC_PAGE_SIZE")
    options = Options(recorder_tgid=os.getpid(), small_ring_bytes=page, large_ring_bytes=page)
    loop = "i=0; while [ $i -lt 60 ]; do (:); i=$((i+1)); done"
    live = Live(("sh", "-c", loop), options)
    try:
        live.session.follow_from_exec(live.launched.pid)
        live.launched.release()
        live.launched.wait_status()
        live.session.finish()
        assert live.session.records_lost > 0
        trace = live.trace(tmp_path)
        lost = trace.table("lost")
        assert sum(lost["count"].to_list()) == live.session.records_lost
        assert {b"small ring", b"large ring"} >= set(lost["ring"].to_list())
        assert all(first <= last for first, last in lost.select("first_ns", "last_ns").rows())
        audit = trace.metadata["audit"]
        assert isinstance(audit, dict)
        assert audit["newtasks_followed"] == 60
        assert trace.rows("newtask") < 60
    finally:
        live.session.close()
        live.launched.close()
