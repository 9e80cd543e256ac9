# SPDX-License-Identifier: Apache-2.0
"""Tasks with events and without an origin."""

from __future__ import annotations

import pytest

from replay.forest import ProcessForest
from replay.process import Certainty, ProcessId, TaskId
from tests.histories.build import told
from tests.histories.fake import FakeTrace


def test_a_lost_thread_joins_its_process() -> None:
    """The youngest process with that tgid that is not younger than the thread."""
    history = told("sh forks a, a threads_off t, t forks b, t ends, a exits, sh waits a")
    history.made.lose("newtask", child_tid=history.threads["t"].tid)
    forest = history.forest()
    thread = history.task(forest, "t")
    a = history.process(forest, "a")
    assert thread.process == a.id
    assert thread in a.tasks
    assert thread.certainty is Certainty.UNKNOWN
    assert a.certainty is Certainty.CERTAIN
    assert forest.at_birth(history.process(forest, "b")) is a


@pytest.mark.parametrize(
    "table",
    ["newtask", "started", "clone_call", "exec_failed", "wait", "exit", "dead", "end_task"],
)
def test_any_event_makes_a_node(table: str) -> None:
    """Whatever it is that a task of unknown origin does."""
    trace = FakeTrace()
    trace.add(table, tid=5, tgid=5, start_ns=50)
    forest = ProcessForest.from_trace(trace)
    node = forest.processes[ProcessId(5, 50)]
    assert node.certainty is Certainty.UNKNOWN
    assert forest.anomalies.count("task_never_created") == 1


def test_an_exec_makes_nodes_of_both_identities() -> None:
    """The one before it, a thread, and the one after it, the leader."""
    trace = FakeTrace()
    trace.add("exec", time_ns=9, tid=5, tgid=5, start_ns=50, old_tid=6, old_start_ns=60)
    forest = ProcessForest.from_trace(trace)
    (process,) = forest.processes.values()
    assert [task.id for task in process.tasks] == [TaskId(5, 50), TaskId(6, 60)]


def test_a_thread_without_a_leader() -> None:
    """The leader is a node whose start is not known."""
    trace = FakeTrace()
    trace.add("exit", tid=6, tgid=5, start_ns=60)
    forest = ProcessForest.from_trace(trace)
    assert list(forest.processes) == [ProcessId(5, 0)]
    assert forest.anomalies.count("leader_never_created") == 1


def test_who_is_only_mentioned_gets_no_node() -> None:
    """The parent of the root command is not followed."""
    history = told("sh forks a")
    assert ProcessId(*history.threads["init"].identity) not in history.forest().processes
