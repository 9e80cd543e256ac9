# SPDX-License-Identifier: Apache-2.0
"""Creation, exec and end of tasks, as they stand in the trace and as replay understands them."""

from __future__ import annotations

import pytest

from replay.creation import How, how_created
from replay.process import ParentReason
from tests.replay.simulator.rebuilt import Rebuilt

OBJECTS = ("mm", "files", "fs", "sighand", "signal", "nsproxy", "cred")


@pytest.mark.parametrize(
    ("step", "shared", "how"),
    [
        ("{fork: c}", {"nsproxy"}, How.FORK),
        ("{vfork: c}", {"mm", "nsproxy"}, How.VFORK),
        ("{thread: c}", set(OBJECTS), How.THREAD),
        ("{clone: {actor: c, flags: [VM, FILES]}}", {"mm", "files", "nsproxy"}, How.CLONE),
        ("{clone: {actor: c, flags: [NEWUTS]}}", set(), How.CLONE),
    ],
)
def test_flags_say_what_is_shared(step: str, shared: set[str], how: How) -> None:
    """By the addresses of the kernel's objects."""
    told = Rebuilt(f"actors: {{p: [{step}], c: [{{exit_thread: 0}}]}}")
    (row,) = told.rows("newtask")
    assert {name for name in OBJECTS if row[name] == row[f"child_{name}"]} == shared
    task = told.task("c")
    creation = told.forest.tasks[task.tid, task.start_ns].creation  # type: ignore[index]
    assert creation is not None
    assert how_created(creation) is how


def test_a_vfork_parent_sleeps_until_the_exec() -> None:
    """And the child wrote the parent's memory until then."""
    told = Rebuilt("""
regions: {r: {pages: 4}}
actors:
  p: [{map: r}, {vfork: c}, {write: r}, {wait: c}]
  c: [{write: r}, {exec: [/bin/true]}]
""")
    (call,) = told.rows("clone_call")
    (executed,) = told.rows("exec", tid=told.pid("c"))
    assert call["enter_ns"] < call["blocked_ns"] < call["woken_ns"] < executed["time_ns"]
    assert call["waker_tid"] == told.pid("c")
    assert [row["min_flt"] for row in told.rows("exit")] == [4, 0]


def test_refused_flags_give_an_errno() -> None:
    """The model's, and no task is made."""
    told = Rebuilt("actors: {p: [{clone: {actor: c, flags: [THREAD]}}], c: }")
    assert told.rows("clone_call")[0]["result"] == -22
    assert not told.rows("newtask")


def test_a_parent_may_be_the_caller_s() -> None:
    """CLONE_PARENT makes a sibling."""
    told = Rebuilt("""
actors:
  p: [{fork: m}, {wait: all}]
  m: [{clone: {actor: c, flags: [PARENT]}}]
  c: []
""")
    assert told.parent("c") == told.pid("p")


def test_children_go_to_the_nearest_subreaper() -> None:
    """Or to a thread of the same process, or to init."""
    told = Rebuilt("""
actors:
  p: [{become: subreaper}, {fork: m}, {wait: all}]
  m: [{become: subreaper}, {fork: n}, {wait: n}, {barrier: x}, {wait: c}]
  n: [{fork: c}]
  c: [{barrier: x}]
""")
    assert told.parent("c") == told.pid("m")
    assert told.process("c").parents[-1].reason is ParentReason.SUBREAPER
    alone = Rebuilt("actors: {p: [{fork: c}], c: [pause]}")
    assert alone.process("c").parents[-1].reason is ParentReason.INIT
    thread = Rebuilt("""
actors:
  p: [{thread: t}, {fork: c}, {exit_thread: 0}]
  t: [{wait: c}]
  c: [{exit: 1}]
""")
    (row,) = thread.rows("dead", tid=thread.pid("p"))
    assert row["reaper_tid"] in {0, thread.pid("t")}
    assert thread.parent("c") == thread.pid("p")


def test_exec_by_a_thread_makes_it_the_leader() -> None:
    """All others end; its old identity is in the row."""
    told = Rebuilt("actors: {p: [{thread: t}, pause], t: [{exec: [/bin/true]}]}")
    (row,) = told.rows("exec", argc=1, tid=1000)[1:]
    assert row["old_tid"] != row["tid"]
    assert told.rows("exit", tid=1000, exit_code=9)
    assert told.process("p").end is not None


def test_ends_by_status_and_by_signal() -> None:
    """With all threads, or alone."""
    told = Rebuilt("""
actors:
  p: [{thread: t}, {fork: c}, {fork: k}, {kill: {actor: k, signal: KILL}}, {exit_thread: 3}]
  t: [{exit_thread: 7}]
  c: [{thread: u}, {exit: {signal: TERM}}]
  u: [pause]
  k: [pause]
""")
    ends = {name: told.process(name).end for name in ("p", "c", "k")}
    found = {name: (end.status, end.signal) for name, end in ends.items() if end is not None}
    assert found == {"p": (3, 0), "c": (0, 15), "k": (0, 9)}
    assert {row["sig"] for row in told.rows("signal")} == {9, 15}
    killed = ends["k"]
    assert killed is not None
    assert killed.killed_by is not None
    assert killed.killed_by.tid == told.pid("p")
    assert told.rows("exit", tid=told.pid("t"))[0]["exit_code"] == 7 << 8
