# SPDX-License-Identifier: Apache-2.0
"""Tests of tracer.actor.acting: a script comes to its end, or is stopped with the reason."""

from __future__ import annotations

import io
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.tracer.actor.scripts import TICK_NS, acted, script_of
from tests.tracer.waiting import until
from tracer.actor import acting as acting_module
from tracer.actor.acting import FAILURE, STANDSTILL, TIMEOUT
from tracer.start_state import trees
from traces.reader import open_trace
from traces.writer import TraceWriter

if TYPE_CHECKING:
    from tests.tracer.actor.scripts import Session
    from tracer.actor.acting import Acting
    from traces.reader import Trace

LAST = "end of the last task"
WAIT4 = "61 "
"""How /proc shows a task in this system call of x86-64."""


def stopped_by(acting: Acting) -> str:
    """Give why the script is to stop, once it is."""
    reasons = [""]

    def stopped() -> bool:
        reasons.append(acting.watch())
        return bool(reasons[-1])

    until(stopped)
    return reasons[-1]


def told(acting: Acting, session: Session, folder: Path) -> Trace:
    """Give the trace of who was who, for a session that saw the tasks that are there now."""
    assert session.starts is not None
    living = session.living()
    session.starts.note_columns(
        "adopted",
        {
            "tid": np.array([one.tid for one in living]),
            "start_ns": np.array([one.start_ns for one in living]),
        },
    )
    file = io.BytesIO()
    writer = TraceWriter(file)
    acting.before_end(STANDSTILL)
    acting.after_end(writer)
    writer.finish()
    path = folder / "a.ptrace"
    path.write_bytes(file.getvalue())
    return open_trace(path)


def test_a_script_comes_to_its_end() -> None:
    """Its root's status is that of the scenario, and nothing is wrong."""
    with acted(script_of("actors: {p: [{fork: c}, {wait: c}, {exit: 3}], c: }")) as told:
        acting, _, root = told
        assert root.wait() == 3
        assert acting.watch() == ""
        acting.before_end(LAST)
        assert acting.problem(LAST, 3) is None


def test_who_was_who_is_written(tmp_path: Path) -> None:
    """GIVEN sleepers, one in a further image, THEN each task has the name it began as."""
    text = "actors: {p: [{fork: c}, {fork: e}, pause], c: [pause], e: [{exec: f}], f: [pause]}"
    with acted(script_of(text)) as (acting, session, root):
        assert stopped_by(acting) == STANDSTILL
        rows = {row.tid: row for row in trees([root.pid])}
        trace = told(acting, session, tmp_path)
        assert session.living() == []
        assert acting.problem(STANDSTILL, 0) is None
    actors = list(trace.table("actor").iter_rows(named=True))
    assert [(row["actor"], row["name"]) for row in actors] == [(0, b"p"), (1, b"c"), (2, b"e")]
    comms = [b"p", b"c", b"f"]
    for row, comm in zip(actors, comms, strict=True):
        assert row["start_ns"] == rows[row["tid"]].start_ticks * TICK_NS
        assert rows[row["tid"]].comm == comm
    assert trace.metadata["run"] == {"version": 1}


def test_what_cannot_be_done_stops_all() -> None:
    """The actor, the call and the kernel's reason are named."""
    with acted(script_of("actors: {p: [{fork: c}, pause], c: [{exec: [/none]}]}")) as told:
        acting, session, _ = told
        assert stopped_by(acting) == FAILURE
        acting.before_end(FAILURE)
        assert session.living() == []
        problem = acting.problem(FAILURE, 0)
        assert problem is not None
        assert problem.why == "c: /none: No such file or directory"


def test_a_script_that_takes_too_long_is_ended() -> None:
    """A program that is at work is no standstill."""
    script = script_of("actors: {p: [{exec: [/bin/sleep, '60']}]}", timeout_s=0.5)
    with acted(script) as (acting, session, root):
        until(lambda: b"sleep" in Path(f"/proc/{root.pid}/comm").read_bytes())
        assert stopped_by(acting) == TIMEOUT
        acting.before_end(TIMEOUT)
        assert session.living() == []
        assert root.wait() == -signal.SIGKILL
        problem = acting.problem(TIMEOUT, 0)
        assert problem is not None
        assert problem.what == "the scenario told did not end within 0.5 s"
        assert problem.why == "its processes were still at work"


def test_those_who_wait_for_each_other_are_named() -> None:
    """A vfork child that pauses holds its parent for ever."""
    text = "actors: {p: [{fork: c}, {vfork: d}, {barrier: b}], c: [{barrier: b}], d: [pause]}"
    with acted(script_of(text)) as (acting, _, _):
        assert stopped_by(acting) == STANDSTILL
        acting.before_end(STANDSTILL)
        problem = acting.problem(STANDSTILL, 0)
        assert problem is not None
        assert problem.why == (
            "p waits for its vfork child (its operation 1), c waits at a barrier (its operation 0)"
        )


def test_a_waiting_actor_is_no_standstill_while_its_child_works() -> None:
    """Whether nothing moves any more is looked at in all tasks."""
    text = "actors: {p: [{fork: c}, {wait: c}], c: [{exec: [/bin/sleep, '60']}]}"
    with acted(script_of(text, timeout_s=0.5)) as (acting, session, root):
        until(lambda: len(session.living()) == 2)
        until(lambda: Path(f"/proc/{root.pid}/syscall").read_text().startswith(WAIT4))
        assert stopped_by(acting) == TIMEOUT
        acting.before_end(TIMEOUT)
        problem = acting.problem(TIMEOUT, 0)
        assert problem is not None
        assert problem.why == "p waits for a child (its operation 1)"


def test_a_program_that_begins_nobody_is_a_problem() -> None:
    """Its status is told, for there is no actor to ask."""
    script = replace(script_of("actors: {p: }"), plan=b"no plan")
    with acted(script) as (acting, _, root):
        assert root.wait() == 2
        problem = acting.problem(LAST, 2)
        assert problem is not None
        assert problem.why == "its program ended with status 2 before the first actor began"


def test_abandoned_actors_are_ended() -> None:
    """Whatever else goes wrong, nothing of a script is left."""
    script = script_of("actors: {p: [{fork: c}, pause], c: [pause]}")
    with acted(script) as (acting, session, root):
        assert stopped_by(acting) == STANDSTILL
        acting.abandon()
        assert session.living() == []
        assert root.wait() == -signal.SIGKILL


@pytest.mark.parametrize("end", ["pause", "{exec: [/bin/sleep, '60']}"])
def test_an_actor_ends_by_itself(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """A recorder that was killed cannot end it; a timer does, also what it executed."""
    monkeypatch.setattr(acting_module, "_NET_S", 0.0)
    script = script_of(f"actors: {{p: [{{fork: c}}, {end}], c: }}", timeout_s=0.3)
    with acted(script) as (_, _, root):
        assert root.wait() == -signal.SIGALRM
