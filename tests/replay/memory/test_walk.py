# SPDX-License-Identifier: Apache-2.0
"""From address space to address space."""

from __future__ import annotations

from replay.memory.events import events
from replay.memory.walk import FOREVER, NOWHERE, Made, Walk
from tests.histories.memory import MemoryHistory, remember


def _walk(history: MemoryHistory) -> Walk:
    walk = Walk()
    for event in events(history.trace):
        walk.take(event)
    walk.close()
    return walk


def test_fork_exec_and_exit() -> None:
    """Each makes or ends one, and a pointer that is used again is another address space."""
    history = remember("sh forks a, a execs x, a exits, sh waits a, sh forks b")
    spaces = _walk(history).spaces
    assert [space.made for space in spaces] == [Made.BEFORE, Made.FORK, Made.EXEC, Made.FORK]
    assert [space.parent for space in spaces] == [NOWHERE, 0, NOWHERE, 0]
    assert spaces[3].mm in {spaces[1].mm, spaces[2].mm}
    assert spaces[1].end_ns == history.trace.rows["exec"][0]["time_ns"]
    assert spaces[2].end_ns == history.trace.rows["exit"][0]["time_ns"]
    assert spaces[0].end_ns == FOREVER


def test_threads_and_vfork_share() -> None:
    """An address space ends with the last that uses it."""
    history = remember("sh forks a, a threads_off t, a vforks v, v execs x, t ends, a ends")
    spaces = _walk(history).spaces
    assert [space.made for space in spaces] == [Made.BEFORE, Made.FORK, Made.EXEC]
    names = [history.threads[name].tid for name in ("v", "t", "a")]
    assert [use.task.tid for use in spaces[1].users] == names
    assert spaces[1].end_ns == spaces[1].users[-1].end_ns < FOREVER


def test_an_exec_that_was_lost_is_noticed() -> None:
    """The caller of clone tells which mm it uses."""
    history = remember("sh execs x, sh forks a")
    history.trace.drop("exec")
    walk = _walk(history)
    assert walk.unseen_changes == 1
    assert [space.made for space in walk.spaces] == [Made.BEFORE, Made.BEFORE, Made.FORK]
    assert walk.spaces[2].parent == 1


def test_exec_by_another_thread() -> None:
    """The task has another name then, and what it used before ends with it."""
    history = remember("sh forks a, a threads_off t, t execs x")
    spaces = _walk(history).spaces
    exec_ns = history.trace.rows["exec"][0]["time_ns"]
    assert (spaces[1].end_ns, spaces[2].begin_ns) == (exec_ns, exec_ns)
    assert [use.task.tid for use in spaces[2].users] == [history.threads["a"].tid]


def test_a_caller_that_was_never_seen() -> None:
    """Its child has a parent nevertheless."""
    history = remember("sh forks a, a forks b")
    history.trace.drop("newtask", child_tid=history.threads["a"].tid)
    spaces = _walk(history).spaces
    assert [space.made for space in spaces] == [Made.BEFORE, Made.BEFORE, Made.FORK]


def test_a_thread_that_is_seen_first_when_all_others_have_ended() -> None:
    """It was there all the time, and ends the address space that they all used."""
    history = remember("sh threads_off t, sh writes 5, sh ends, t writes 5, t ends")
    created = history.trace.rows["newtask"].pop()
    thread, pointer = history.threads["t"], created["mm"]
    first_ns = history.trace.rows["exit"][1]["time_ns"] - 1
    history.trace.add("adopted", time_ns=first_ns, tid=thread.tid, start_ns=thread.start_ns,
                      tgid=history.threads["sh"].tid, mm=pointer,
                      leader_start_ns=history.threads["sh"].start_ns)  # fmt: skip
    [space] = _walk(history).spaces
    assert [use.task.tid for use in space.users] == [history.threads["sh"].tid, thread.tid]
    assert space.end_ns == first_ns + 1
