# SPDX-License-Identifier: Apache-2.0
"""The language of histories says what its sentences say, in the rows that they make."""

from __future__ import annotations

import pytest

from tests.histories.build import History, told
from tests.histories.fake import FakeTrace
from traces.schema import TABLES


def test_a_story_gives_one_row_per_event() -> None:
    """The plainest history, row by row."""
    trace = told("sh forks a, a execs /bin/echo hi, a exits 3, sh waits a").end_recording()
    sh, a = trace.of("adopted")[0], trace.of("exit")[0]
    assert trace.of("newtask", tid=sh["tid"], child_tid=a["tid"], child_start_ns=a["start_ns"])
    assert trace.of("clone_call", tid=sh["tid"], result=a["tid"], syscall=57)
    assert trace.of("started", tid=a["tid"], start_ns=a["start_ns"])
    assert trace.of("exec", tid=a["tid"], old_tid=a["tid"], argc=2)
    assert trace.of("exit", exit_code=3 << 8, signal_flags=4, group_exit_code=3 << 8, group_dead=1)
    assert trace.of("dead", tid=a["tid"], exit_state=0x20, orphans=0)
    assert trace.of("wait", tid=sh["tid"], result=a["tid"], status=3 << 8, got=3)
    assert [row["tid"] for row in trace.of("end_task")] == [sh["tid"]]


def test_rows_have_the_types_of_the_schema() -> None:
    """Each table can be made, with every column in order, whether it has rows or not."""
    trace = told("sh forks a, a execs, a exits, sh waits a").end_recording()
    for table in TABLES.values():
        assert trace.table(table.name).columns == list(table.column_names())


def test_a_column_that_is_unknown_is_refused() -> None:
    """A test that misspells a column fails."""
    with pytest.raises(KeyError, match="no column"):
        FakeTrace().add("exit", exitcode=1)


def test_pids_are_used_again_only_after_they_are_free() -> None:
    """A zombie keeps its pid; when it was reaped, the pid comes round again."""
    history = History(last_pid=103)
    history.tell("sh forks a, a exits, sh forks b, b exits")
    a, b = history.threads["a"], history.threads["b"]
    assert (a.tid, b.tid) == (102, 103)
    history.tell("sh waits a, sh waits b, sh forks c, sh forks d")
    assert {history.threads["c"].tid, history.threads["d"].tid} <= {100, 102, 103}


def test_a_thread_that_execs_becomes_the_leader() -> None:
    """It takes tid and start time of the leader, which ends before."""
    history = told("sh forks a, a threads_off t")
    old = history.threads["a"].identity
    history.tell("t execs")
    assert history.threads["a"] is history.threads["t"]
    assert history.threads["t"].identity == old
    assert history.made.of("exit", tid=old[0], group_dead=0)
    assert history.made.of("exec", tid=old[0])[0]["old_tid"] != old[0]


def test_orphans_go_to_thread_subreaper_or_init() -> None:
    """find_new_reaper() in its three steps."""
    history = told(
        "sh adopts_orphans, sh forks a, a forks b, a threads_off t, t forks c,"
        "t ends, a exits, b exits, sh waits b, sh exits"
    )
    reapers = [row.get("reaper_tid") for row in history.made.rows["dead"]]
    a, sh = history.threads["a"], history.threads["sh"]
    assert reapers == [a.tid, sh.tid, None, 1]


def test_a_parent_that_ignores_children_reaps_none() -> None:
    """The child is dead at its last switch and its pid is free at once."""
    history = told("sh ignores_children, sh forks a, a exits")
    assert history.made.of("dead", exit_state=0x10)
    assert history.threads["a"].tid not in history.host.used


def test_only_a_parent_may_reap_a_zombie() -> None:
    """The language refuses what the kernel would."""
    with pytest.raises(AssertionError, match="no zombie"):
        told("sh forks a, sh waits a")
    with pytest.raises(AssertionError, match="no child"):
        told("sh forks a, a forks b, b exits, sh waits b")
