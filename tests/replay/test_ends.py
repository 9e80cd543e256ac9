# SPDX-License-Identifier: Apache-2.0
"""How tasks and processes end: status, signal, last thread, exec by a thread, and the killer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.ends import decode, encode
from replay.process import Certainty, Choice, End, TaskId
from tests.histories.build import History, told

if TYPE_CHECKING:
    from replay.forest import ProcessForest


def process_end(history: History, forest: ProcessForest, name: str) -> End:
    """Give the end of a process."""
    end = history.process(forest, name).end
    assert end is not None
    return end


@given(st.integers(0, 0xFFFF))
def test_a_status_word_survives_decoding(code: int) -> None:
    """Status, signal and core bit are all that it holds."""
    end = End(1, *decode(code), 0, 0, 0, 0, 0, 0)
    assert encode(end) == code


def test_exit_status() -> None:
    """A normal end."""
    history = told("sh forks a, a exits 3")
    end = process_end(history, history.forest(), "a")
    assert (end.status, end.signal, end.core_dumped) == (3, 0, False)
    assert end.time_ns == history.made.of("exit")[0]["time_ns"]


def test_a_signal_ends_all_threads_and_names_its_sender() -> None:
    """Group exit: the status is that of the group, whoever was the last thread."""
    history = told("sh forks a, a threads_off t, sh kills a 15")
    forest = history.forest()
    end = process_end(history, forest, "a")
    assert (end.status, end.signal) == (0, 15)
    assert end.killed_by == TaskId(*history.threads["sh"].identity)
    assert end.certainty is Certainty.CERTAIN


def test_the_leader_exits_first() -> None:
    """A wait reports the leader's status, though the last thread ended with another."""
    history = told("sh forks a, a threads_off t, a ends 5")
    assert history.process(history.forest(), "a").end is None
    history = told("sh forks a, a threads_off t, a ends 5, t ends 6, sh waits a")
    forest = history.forest()
    end = process_end(history, forest, "a")
    last = history.task(forest, "t").end
    assert last is not None
    assert (end.status, last.status) == (5, 6)
    assert end.time_ns == last.time_ns
    assert end.utime_ns == 20
    assert end.min_flt == 2


def test_exit_group_after_the_leader_ended() -> None:
    """The status of the group counts, not the leader's."""
    history = told("sh forks a, a threads_off t, a ends 5, t exits 6, sh waits a")
    assert process_end(history, history.forest(), "a").status == 6


def test_exec_by_a_thread_goes_on_as_the_leader() -> None:
    """Same process, the old leader's end kept apart, the thread without an end of its own."""
    # GIVEN a thread that executes a program, forks, and exits
    history = told("sh forks a, a threads_off t")
    thread_id = TaskId(*history.threads["t"].identity)
    history.tell("t execs /bin/new, a forks b, a exits 9, sh waits a")
    # WHEN it is replayed
    forest = history.forest()
    # THEN all of it is one process, which ends once
    a = history.process(forest, "a")
    assert forest.anomalies.found() == []
    assert a.end is not None
    assert (a.end.status, a.end.utime_ns) == (9, 20)
    assert a.leader.replaced_ends is not None
    assert [end.signal for end in a.leader.replaced_ends] == [9]
    thread = forest.tasks[thread_id]
    assert thread.end is None
    assert thread.became_leader_ns == a.images[0].time_ns
    assert a.images[0].by == thread_id
    assert forest.at_birth(history.process(forest, "b")) is a
    assert a.wait is not None
    assert a.wait.choice is Choice.WAITED_LATER


def test_the_last_switch_of_the_old_leader_is_not_that_of_the_process() -> None:
    """Same identity, but it was before the end of the task that took it."""
    history = told("sh forks a, a threads_off t, t execs, a exits")
    forest = history.forest()
    assert history.process(forest, "a").leader.exit_state == 0x20
    final_ns = history.made.of("dead")[-1]["time_ns"]
    history.made.drop("dead", time_ns=final_ns)
    assert history.process(history.forest(), "a").leader.exit_state == 0


def test_exec_by_a_thread_again_and_again() -> None:
    """Two threads in turn take the identity of the leader."""
    history = told("sh forks a, a threads_off t, t execs, a threads_off u, u execs, a exits 1")
    forest = history.forest()
    a = history.process(forest, "a")
    assert a.leader.replaced_ends is not None
    assert len(a.leader.replaced_ends) == 2
    assert a.end is not None
    assert a.end.status == 1
    assert forest.anomalies.found() == []


def test_exec_by_a_thread_whose_row_was_lost() -> None:
    """Two ends of the leader: the later one is the end of the process, and it is counted."""
    history = told("sh forks a, a threads_off t, t execs, a exits 9")
    history.made.lose("exec")
    forest = history.forest()
    a = history.process(forest, "a")
    assert a.end is not None
    assert a.end.status == 9
    assert a.certainty is Certainty.UNKNOWN
    assert forest.anomalies.count("exit_repeated") == 1


def test_a_fault_has_no_killer() -> None:
    """The kernel itself raised the signal; the core is noted."""
    history = told("sh forks a, a faults, sh waits a")
    end = process_end(history, history.forest(), "a")
    assert (end.signal, end.core_dumped, end.killed_by) == (11, True, None)


def test_the_last_signal_of_that_number_is_the_deadly_one() -> None:
    """Handled before, and sent by another; other signals, and repeats of a pending one, aside."""
    history = told("sh forks a, sh forks b, b signals a 15, b signals a 1, sh kills a 15")
    history.made.rows["signal"].insert(
        1,
        {
            **history.made.of("signal")[0],
            "result": 2,
            "time_ns": history.made.of("exit")[0]["time_ns"],
        },
    )
    history.tell("b forks c")
    end = process_end(history, history.forest(), "a")
    assert end.killed_by == TaskId(*history.threads["sh"].identity)


def test_a_signal_after_the_end_killed_nobody() -> None:
    """It was sent to a zombie."""
    history = told("sh forks a, sh kills a, sh forks b, b signals a 9")
    end = process_end(history, history.forest(), "a")
    assert end.killed_by == TaskId(*history.threads["sh"].identity)


def test_a_signal_to_a_thread_counts_for_its_process() -> None:
    """The call tgkill names a thread; its default action ends the process."""
    history = told("sh forks a, a threads_off t, sh kills a 6")
    thread = history.threads["t"]
    history.made.of("signal")[0].update(history.is_(thread, "target_"), code=-6)
    end = process_end(history, history.forest(), "a")
    assert end.killed_by == TaskId(*history.threads["sh"].identity)


def test_a_lost_leader_status_comes_from_the_wait() -> None:
    """Without the leader's exit row its status is unknown; the wait call knows it."""
    history = told("sh forks a, a threads_off t, a ends 5, t ends 6")
    history.made.lose("exit", tid=history.threads["a"].tid)
    forest = history.forest()
    end = process_end(history, forest, "a")
    assert (end.status, end.certainty) == (0, Certainty.UNKNOWN)
    assert forest.anomalies.count("leader_status_missing") == 1
    history.tell("sh waits a")
    end = process_end(history, history.forest(), "a")
    assert (end.status, end.certainty) == (5, Certainty.INFERRED)


def test_no_last_task() -> None:
    """All tasks ended, so the process did, although no row says which was the last."""
    history = told("sh forks a, a exits 4")
    history.made.of("exit")[0]["group_dead"] = 0
    forest = history.forest()
    end = process_end(history, forest, "a")
    assert (end.status, end.certainty) == (4, Certainty.INFERRED)
    assert forest.anomalies.count("last_task_missing") == 1


@pytest.mark.parametrize(
    ("change", "anomaly"),
    [
        ({"time_ns": 1}, "exit_before_creation"),
        ({"again": 1}, "exit_repeated"),
        ({"thread_too": 1}, "last_task_repeated"),
    ],
)
def test_contradictions_are_counted(change: dict[str, int], anomaly: str) -> None:
    """The process is marked as unknown and keeps the first end."""
    history = told("sh forks a, a threads_off t, t ends, a exits 4")
    rows = history.made.rows["exit"]
    if "again" in change:
        rows.append({**rows[1], "exit_code": 0, "time_ns": history.tick()})
    elif "thread_too" in change:
        rows[0]["group_dead"] = 1
    else:
        rows[1].update(change)
    forest = history.forest()
    assert forest.anomalies.count(anomaly) == 1
    assert history.process(forest, "a").certainty is Certainty.UNKNOWN


def test_ended_and_still_listed() -> None:
    """The list of those still there was made while the task ended."""
    history = told("sh forks a, a exits 4")
    history.made.add("end_task", **history.is_(history.threads["a"]))
    forest = history.forest()
    assert forest.anomalies.count("ended_and_alive") == 1
    assert process_end(history, forest, "a").status == 4


def test_the_name_and_owner_at_the_end() -> None:
    """The last values recorded are kept."""
    history = told("sh forks a, a exits")
    history.made.of("exit")[0].update(uid=1000, cgroup=77)
    a = history.process(history.forest(), "a")
    assert (a.uid, a.cgroup, a.leader.comm) == (1000, 77, b"a")
