# SPDX-License-Identifier: Apache-2.0
"""The whole forest: random histories are rebuilt exactly, and damaged ones never raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from replay.ends import encode
from replay.forest import ProcessForest
from replay.process import Certainty
from tests.histories.build import History, told
from tests.histories.fake import FakeTrace
from tests.histories.random import Step, damage, played, steps

if TYPE_CHECKING:
    from tests.histories.kernel import Proc


def _check_process(forest: ProcessForest, proc: Proc) -> None:
    process = forest.processes[proc.identity]  # type: ignore[index] # equal to a ProcessId
    assert [span.parent for span in process.parents] == [p.identity for p in proc.parents]
    assert [image.argv[0] for image in process.images] == proc.programs
    assert process.ns_pid == proc.leader.pids[proc.pidns.inum]
    assert process.wait is not None
    assert process.wait.choice == proc.choice, proc.name
    assert process.wait.reaper == (proc.reaper.identity if proc.reaper else None)
    assert process.certainty is Certainty.CERTAIN
    if proc.living():
        assert process.end is None
    else:
        assert process.end is not None
        assert encode(process.end) == proc.exit_code
        assert process.end.time_ns == proc.ended_ns


@settings(max_examples=300, deadline=None)
@given(steps)
def test_random_histories_are_rebuilt_exactly(chosen: list[Step]) -> None:
    """Tree, parents, programs, ends and waits are those of the history, and nothing is odd."""
    history = played(chosen)
    forest = history.forest()
    assert [anomaly.kind.name for anomaly in forest.anomalies.found()] == []
    assert len(forest.processes) == len(history.procs) - 1
    for proc in history.procs[1:]:
        _check_process(forest, proc)


@settings(max_examples=200, deadline=None)
@given(steps, st.lists(st.tuples(*[st.integers(0, 1000)] * 3), min_size=1, max_size=10))
def test_damaged_histories_never_raise(chosen: list[Step], harm: list[Step]) -> None:
    """Whatever rows are missing, repeated or altered, each process is in the tree once."""
    trace = played(chosen).end_recording()
    damage(trace, harm)
    forest = ProcessForest.from_trace(trace)
    walked = [process.id for _, process in forest.walk()]
    assert sorted(walked) == sorted(forest.processes)
    for process in forest.processes.values():
        above, steps_up = forest.parent(process), 0
        while above is not None:
            above, steps_up = forest.parent(above), steps_up + 1
            assert steps_up <= len(forest.processes)


@settings(max_examples=40, deadline=None)
@given(steps, st.data())
def test_rows_in_any_order_give_the_same_forest(chosen: list[Step], data: st.DataObject) -> None:
    """Rows come from several CPUs; only their times order them."""
    trace = played(chosen).end_recording()
    shuffled = FakeTrace(
        {name: data.draw(st.permutations(rows)) for name, rows in trace.rows.items()}
    )
    forest, other = ProcessForest.from_trace(trace), ProcessForest.from_trace(shuffled)
    assert list(forest.processes.items()) == list(other.processes.items())
    assert list(forest.tasks.items()) == list(other.tasks.items())


def test_a_lost_creation_leaves_a_node_of_unknown_origin() -> None:
    """Its exit names the parent; what depends on it is inferred, and nothing is violated."""
    # GIVEN a process whose creation was lost
    history = told("sh forks a, a forks b, b exits, a waits b, a exits 4, sh waits a")
    history.made.lose("newtask", child_tid=history.threads["a"].tid)
    # WHEN it is replayed
    forest = history.forest()
    # THEN it is there, below the parent that its exit shows, with its child and its end
    a, b = history.process(forest, "a"), history.process(forest, "b")
    assert a.certainty is Certainty.UNKNOWN
    assert a.leader.creation is None
    assert forest.at_birth(a) is history.process(forest, "sh")
    assert a.parents[0].certainty is Certainty.INFERRED
    assert forest.at_birth(b) is a
    assert a.end is not None
    assert a.end.status == 4
    assert a.wait is not None
    assert a.wait.reaper == history.process(forest, "sh").id
    names = {anomaly.kind.name for anomaly in forest.anomalies.found()}
    assert names == {"task_never_created", "clone_without_newtask"}


def test_walk_shows_a_parent_before_its_children_in_order_of_creation() -> None:
    """The display order, with depths."""
    history = told("sh forks a, sh forks b, a forks c, b forks d, a forks e, c forks f")
    forest = history.forest()
    by_id = {proc.identity: proc.name for proc in history.procs}
    shown = [(depth, by_id[process.id]) for depth, process in forest.walk()]
    assert shown == [(0, "sh"), (1, "a"), (2, "c"), (3, "f"), (2, "e"), (1, "b"), (2, "d")]


def test_latest_parent_and_parent_at_birth() -> None:
    """An orphan is a child of its first parent in the tree, and has another parent now."""
    history = told("sh adopts_orphans, sh forks a, a forks b, a exits, sh waits a")
    forest = history.forest()
    b = history.process(forest, "b")
    assert forest.at_birth(b) is history.process(forest, "a")
    assert forest.parent(b) is history.process(forest, "sh")
    assert history.process(forest, "a").children == [b.id]
    assert forest.roots == [history.process(forest, "sh")]


def test_an_empty_trace_is_an_empty_forest() -> None:
    """No row at all."""
    forest = ProcessForest.from_trace(FakeTrace())
    assert (forest.processes, forest.roots, list(forest.walk())) == ({}, [], [])


def test_the_collector_is_left_as_it_was() -> None:
    """Replay pauses it, and lets it run again only if it ran before."""
    import gc  # noqa: PLC0415

    assert gc.isenabled()
    ProcessForest.from_trace(FakeTrace())
    assert gc.isenabled()
    gc.disable()
    try:
        History().forest()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_task_without_end_is_counted_in_a_complete_trace_only() -> None:
    """A cut trace lacks the list of those still there."""
    history = told("sh forks a")
    trace = history.end_recording()
    trace.drop("end_task", tid=history.threads["a"].tid)
    assert ProcessForest.from_trace(trace).anomalies.count("task_without_end") == 1
    trace.complete = False
    assert ProcessForest.from_trace(trace).anomalies.count("task_without_end") == 0
