# SPDX-License-Identifier: Apache-2.0
"""Events that change who uses which mm."""

from __future__ import annotations

from replay.memory.events import Kind, events
from replay.process import ProcessId, TaskId
from tests.histories.memory import remember


def test_events_come_in_order_of_time() -> None:
    """The rows of four tables are one list."""
    history = remember("sh forks a, a execs /bin/true, a exits, sh waits a")
    found = events(history.trace)
    assert [event.kind for event in found] == [Kind.ADOPTED, Kind.NEWTASK, Kind.EXEC, Kind.EXIT]
    assert [event.time_ns for event in found] == sorted(event.time_ns for event in found)
    assert found[1].caller == TaskId(*history.threads["sh"].identity)
    assert found[1].process == ProcessId(*history.threads["a"].identity)
    assert found[1].mm != found[1].caller_mm != 0


def test_a_thread_belongs_to_its_leaders_process() -> None:
    """And after its exec it is the leader."""
    history = remember("sh threads_off t")
    old = TaskId(*history.threads["t"].identity)
    history.execs("t")
    found = events(history.trace)
    assert found[1].process == ProcessId(*history.threads["sh"].identity)
    assert found[-1].kind is Kind.EXEC
    assert found[-1].caller == old
    assert found[-1].task == TaskId(*history.threads["sh"].identity)
