# SPDX-License-Identifier: Apache-2.0
"""Tasks older than the recording: from their first event, and from /proc."""

from __future__ import annotations

from replay.forest import ProcessForest
from replay.process import Certainty, Choice, ParentReason, ProcessId, TaskId
from tests.histories.build import told
from tests.histories.fake import FakeTrace

TICK_NS = 10_000_000


def listed(tid: int, parent: int, ticks: int, **values: int | bytes) -> dict[str, int | bytes]:
    """Give a row of start_task."""
    return {"tid": tid, "tgid": tid, "parent_tgid": parent, "start_ticks": ticks,
            "ns_tid": tid, "pidns_inum": 4026531836, **values}  # fmt: skip


def test_the_root_command_is_known_from_its_first_event() -> None:
    """It is older than the recording, and its parent outside is named."""
    history = told("sh forks a")
    sh = history.process(history.forest(), "sh")
    assert sh.before_recording
    assert sh.leader.creation is None
    assert sh.certainty is Certainty.CERTAIN
    assert sh.parents[0].parent == ProcessId(*history.threads["init"].identity)
    assert sh.parents[0].reason is ParentReason.START


def test_proc_gives_processes_without_events() -> None:
    """Their start is known to a tick, so it is inferred; nothing says that they ended."""
    trace = FakeTrace()
    trace.add("start_task", **listed(20, 10, 700, argv=b"sleep\x00100\0", executable=b"/bin/sleep",
                                     cwd=b"/tmp", comm=b"sleep"))  # fmt: skip
    trace.add("start_task", **listed(10, 0, 500, comm=b"init"))
    forest = ProcessForest.from_trace(trace)
    old = forest.processes[ProcessId(20, 700 * TICK_NS)]
    assert old.before_recording
    assert old.certainty is Certainty.INFERRED
    assert old.leader.comm == b"sleep"
    assert old.inherited is not None
    assert old.inherited.argv == (b"sleep", b"100")
    assert (old.inherited.executable, old.inherited.cwd) == (b"/bin/sleep", b"/tmp")
    assert old.wait is not None
    assert (old.wait.choice, old.wait.certainty) == (Choice.ALIVE, Certainty.INFERRED)
    assert forest.at_birth(old) is forest.processes[ProcessId(10, 500 * TICK_NS)]
    assert old.parents[0].certainty is Certainty.CERTAIN
    assert len(forest.roots) == 1
    assert forest.anomalies.found() == []


def test_proc_and_first_event_are_one_task() -> None:
    """The identity is that of the event, with the command that /proc showed."""
    trace = FakeTrace()
    trace.add("start_task", **listed(20, 10, 700, argv=b"server\0", executable=b"/bin/server"))
    trace.add("start_task", **listed(10, 0, 500))
    start_ns = 700 * TICK_NS + 123
    trace.add("adopted", tid=20, tgid=20, start_ns=start_ns, leader_start_ns=start_ns,
              real_parent_tid=10, real_parent_tgid=10, real_parent_start_ns=500 * TICK_NS + 9,
              time_ns=5, comm=b"server", pidns_inum=4026531836, ns_tid=20)  # fmt: skip
    forest = ProcessForest.from_trace(trace)
    assert list(forest.processes) == [(10, 500 * TICK_NS + 9), (20, start_ns)]
    process = forest.processes[ProcessId(20, start_ns)]
    assert process.certainty is Certainty.CERTAIN
    assert process.inherited is not None
    assert process.inherited.argv == (b"server",)
    assert [span.reason for span in process.parents] == [ParentReason.START]


def test_the_same_pid_with_another_start_is_another_process() -> None:
    """A pid used again after the list was made."""
    history = told("sh forks a")
    a = history.threads["a"]
    history.made.add("start_task", **listed(a.tid, 0, 1))
    forest = history.forest()
    assert len([key for key in forest.processes if key.tgid == a.tid]) == 2


def test_a_parent_that_changed_after_the_list_was_made() -> None:
    """The first event shows another parent than /proc did."""
    trace = FakeTrace()
    for row in (listed(10, 0, 500), listed(15, 10, 600), listed(20, 15, 700)):
        trace.add("start_task", **row)
    trace.add("adopted", tid=20, tgid=20, start_ns=700 * TICK_NS, leader_start_ns=700 * TICK_NS,
              real_parent_tid=10, real_parent_tgid=10, real_parent_start_ns=500 * TICK_NS,
              time_ns=50)  # fmt: skip
    forest = ProcessForest.from_trace(trace)
    process = forest.processes[ProcessId(20, 700 * TICK_NS)]
    assert [span.parent and span.parent.tgid for span in process.parents] == [15, 10]
    assert process.parents[1].reason is ParentReason.SEEN
    assert process.parents[1].since_ns == 50


def test_a_parent_outside_the_list_is_unknown() -> None:
    """Only its pid was shown, which is no identity."""
    trace = FakeTrace()
    trace.add("start_task", **listed(20, 15, 700))
    (process,) = ProcessForest.from_trace(trace).roots
    assert process.parents[0].parent is None
    assert process.parents[0].certainty is Certainty.UNKNOWN


def test_threads_belong_to_their_leader() -> None:
    """Listed threads, and a thread whose event comes before any of its leader."""
    trace = FakeTrace()
    trace.add("start_task", **{**listed(21, 10, 701), "tgid": 20})
    trace.add("start_task", **listed(20, 10, 700))
    trace.add("adopted", tid=22, tgid=20, start_ns=702 * TICK_NS, leader_start_ns=700 * TICK_NS,
              real_parent_tid=1, real_parent_tgid=1, real_parent_start_ns=4)  # fmt: skip
    forest = ProcessForest.from_trace(trace)
    (process,) = forest.processes.values()
    assert [task.id for task in process.tasks] == [
        TaskId(20, 700 * TICK_NS), TaskId(21, 701 * TICK_NS), TaskId(22, 702 * TICK_NS),
    ]  # fmt: skip
    assert process.before_recording
    assert process.parents[0].parent == ProcessId(1, 4)
    assert forest.anomalies.count("leader_never_created") == 0


def test_a_task_created_while_the_list_was_made_is_not_older() -> None:
    """Its creation was recorded, and that says more."""
    history = told("sh forks a")
    a = history.threads["a"]
    history.made.add("start_task", **listed(a.tid, 0, a.start_ns // TICK_NS))
    forest = history.forest()
    process = history.process(forest, "a")
    assert not process.before_recording
    assert [span.reason for span in process.parents] == [ParentReason.BIRTH]
    assert forest.anomalies.found() == []


def test_the_clock_tick_of_the_host_counts() -> None:
    """It is written in the metadata."""
    trace = FakeTrace(metadata={"host": {"clock_ticks_per_second": 1000}})
    trace.add("start_task", **listed(20, 0, 7))
    assert list(ProcessForest.from_trace(trace).processes) == [(20, 7_000_000)]


def test_kernel_threads_are_marked() -> None:
    """They have no command line and no executable."""
    trace = FakeTrace()
    trace.add("start_task", **listed(2, 0, 1, comm=b"kthreadd"))
    (process,) = ProcessForest.from_trace(trace).roots
    assert process.leader.kernel
    assert process.inherited is None
