# SPDX-License-Identifier: Apache-2.0
"""Whose a fault was."""

from __future__ import annotations

from replay.memory.spaces import AddressSpaces
from replay.memory.walk import NOWHERE
from tests.histories.memory import KERNEL, MemoryHistory, remember


def _assigned(history: MemoryHistory) -> list[tuple[int, ...]]:
    spaces = AddressSpaces.from_trace(history.trace)
    return spaces.assign(history.trace.table("fault")).rows()


def _who(history: MemoryHistory, name: str, space: int) -> tuple[int, ...]:
    thread = history.threads[name]
    return (thread.start_ns, thread.proc.leader.tid, thread.proc.leader.start_ns, space)


def test_faults_of_forks_threads_and_programs() -> None:
    """A fault belongs to the task and the address space of its moment."""
    history = remember("sh writes 1, sh forks a, a writes 1, a threads_off t, t writes 2")
    first = [_who(history, "sh", 0), _who(history, "a", 1), _who(history, "t", 1)]
    history.tell("t execs x, a writes 1")
    assert _assigned(history) == [*first, _who(history, "a", 2)]


def test_a_tid_that_is_used_again() -> None:
    """It is another task then."""
    history = MemoryHistory()
    history.host.last_pid = history.threads["sh"].tid + 1
    history.tell("sh forks a, a writes 1, a exits, sh waits a, sh forks b, b writes 1")
    assert history.threads["a"].tid == history.threads["b"].tid
    assert _assigned(history) == [_who(history, "a", 1), _who(history, "b", 2)]


def test_a_fault_after_the_exit_row_and_one_of_nobody() -> None:
    """The task clears its tid in user memory as it ends; a stranger is nobody."""
    history = remember("sh forks a, a exits")
    history.fault("a", 0x5000, 0, 0x1025, 6, flags=KERNEL | 4)
    history.made.add("fault", time_ns=history.tick(), tid=7)
    assert _assigned(history) == [_who(history, "a", 1), (0, 0, 0, NOWHERE)]


def test_exec_writes_to_the_new_image_before_it_stands_ready() -> None:
    """And reads from the old one until then."""
    history = remember("sh writes 1")
    history.fault("sh", 0x5000, 0, 0x1025, 4, flags=KERNEL | 4)
    history.fault("sh", 0x6000, 0, 0x2067, 6, flags=KERNEL | 4)
    enter_ns = history.made.rows["fault"][0]["time_ns"] + 1
    history.tell("sh execs x, sh writes 1")
    history.made.rows["exec"][0]["enter_ns"] = enter_ns
    assert [row[-1] for row in _assigned(history)] == [0, 0, 1, 1]


def test_address_spaces_of_a_process() -> None:
    """All that any of its tasks used."""
    history = remember("sh forks a, a execs x, sh forks b")
    spaces = AddressSpaces.from_trace(history.trace)
    assert spaces.of_process(history.threads["a"].tid) == [1, 2]
    assert spaces.of_process(history.threads["b"].tid) == [3]
