# SPDX-License-Identifier: Apache-2.0
"""Nodes are found by identity, also by plain tuples, and come in order of creation."""

from __future__ import annotations

from replay.nodes import Nodes
from replay.process import ProcessId, Task, TaskId


def add(nodes: Nodes, tid: int, tgid: int, start_ns: int, leader_start_ns: int) -> None:
    """Add a task."""
    task = Task(TaskId(tid, start_ns), ProcessId(tgid, leader_start_ns))
    if tid == tgid:
        nodes.add_process(task)
    else:
        nodes.add_thread(task)


def test_lookup_by_plain_tuple() -> None:
    """A NamedTuple and a tuple of its members are the same key."""
    nodes = Nodes()
    add(nodes, 5, 5, 50, 50)
    assert nodes.tasks[5, 50].id == TaskId(5, 50)
    assert nodes.processes[5, 50].id == ProcessId(5, 50)
    assert (5, 51) not in nodes.processes


def test_process_of_a_task_that_is_no_node() -> None:
    """A leader names its process; a thread has the youngest that is not younger than it."""
    nodes = Nodes()
    add(nodes, 5, 5, 50, 50)
    add(nodes, 6, 5, 60, 50)
    assert nodes.process_of(6, 5, 60) == ProcessId(5, 50)
    assert nodes.process_of(9, 9, 90) == ProcessId(9, 90)
    assert nodes.process_of(7, 5, 70) == ProcessId(5, 50)
    assert nodes.process_of(7, 5, 40) is None
    add(nodes, 5, 5, 65, 65)
    assert nodes.process_of(7, 5, 70) == ProcessId(5, 65)
    assert nodes.process_of(7, 5, 64) == ProcessId(5, 50)
    assert nodes.process_of(7, 8, 64) is None


def test_everything_is_in_order_of_creation() -> None:
    """Processes, tasks, and the threads of a process after its leader."""
    nodes = Nodes()
    for identity in ((9, 9, 90, 90), (8, 5, 80, 50), (5, 5, 50, 50), (7, 5, 70, 50)):
        if identity != (5, 5, 50, 50):
            add(nodes, *identity)
    assert [process.id.tgid for process in nodes.in_order()] == [5, 9]
    assert [tid for tid, _ in nodes.tasks] == [5, 7, 8, 9]
    assert [task.id.tid for task in nodes.processes[5, 50].tasks] == [5, 7, 8]
    assert nodes.anomalies.count("leader_never_created") == 1
