# SPDX-License-Identifier: Apache-2.0
"""Which process held a pid during a call."""

from __future__ import annotations

from replay.holders import PidHolders
from replay.nodes import Nodes
from replay.process import Creation, Process, ProcessId, Task, TaskId

HOST, CONTAINER, INNER = 4026531836, 70, 80


def born(nodes: Nodes, tgid: int, time_ns: int, inum: int = HOST, ns_pid: int = 0) -> Process:
    """Add a process that was created at a time; 0: older than the recording."""
    process_id = ProcessId(tgid, time_ns)
    creation = Creation(time_ns, TaskId(1, 1), 0, 17, 57) if time_ns else None
    process = nodes.add_process(Task(TaskId(*process_id), process_id, creation))
    process.pidns_inum, process.ns_pid = inum, ns_pid or tgid
    return process


def test_uses_of_a_pid_one_after_the_other() -> None:
    """A call sees those that may have held the pid between its entry and its return."""
    nodes = Nodes()
    first, second, third = (born(nodes, 5, time_ns) for time_ns in (100, 200, 300))
    holders = PidHolders([first, second, third], nodes)
    assert list(holders.between(HOST, 5, 150, 160)) == [first]
    assert list(holders.between(HOST, 5, 150, 250)) == [first, second]
    assert list(holders.between(HOST, 5, 250, 260)) == [second]
    assert list(holders.between(HOST, 5, 310, 999)) == [third]
    assert list(holders.between(HOST, 5, 50, 60)) == []
    assert list(holders.between(HOST, 6, 50, 999)) == []


def test_an_unknown_birth_hides_nobody() -> None:
    """A process of unknown origin in the middle of known ones."""
    nodes = Nodes()
    first, unknown, third = (born(nodes, 5, time_ns) for time_ns in (100, 0, 300))
    holders = PidHolders([first, unknown, third], nodes)
    assert unknown in list(holders.between(HOST, 5, 50, 150))
    assert unknown in list(holders.between(HOST, 5, 250, 260))


def test_a_process_has_a_pid_in_each_namespace_above() -> None:
    """Its own, the host's, and the one between that its creator was told."""
    nodes = Nodes()
    process = born(nodes, 500, 100, INNER, 1)
    nodes.foreign_pids.append((CONTAINER, 30, process))
    holders = PidHolders([process], nodes)
    for inum, pid in ((INNER, 1), (CONTAINER, 30), (HOST, 500)):
        assert list(holders.between(inum, pid, 150, 160)) == [process]
    assert list(holders.between(CONTAINER, 1, 150, 160)) == []
