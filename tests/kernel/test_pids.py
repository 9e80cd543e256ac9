# SPDX-License-Identifier: Apache-2.0
"""pids are attributes: they differ by namespace, and they are used again."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from replay.process import ParentReason
from tests.kernel.recording import exit_status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder


def test_nested_pid_namespaces(recorded: Recorder, programs: Path) -> None:
    """Each process has the pid of its innermost namespace beside the one that the host sees."""
    # GIVEN a pid namespace in a pid namespace, each with an init, and one more process inside
    recording = recorded(programs / "pid_namespace")
    outer, inner, child = (recording.by_status(status) for status in (31, 32, 33))
    level = recording.root.pidns_level
    # THEN the levels and pids are those of the namespaces
    assert [p.pidns_level - level for p in (outer, inner, child)] == [1, 2, 2]
    assert [p.ns_pid for p in (outer, inner, child)] == [1, 1, 2]
    # AND there are three namespaces
    inums = [p.pidns_inum for p in (recording.root, outer, inner)]
    assert len(set(inums)) == 3
    assert child.pidns_inum == inner.pidns_inum
    # AND each wait, which names pids of the caller's namespace, found its child
    for process, parent in ((outer, recording.root), (inner, outer), (child, inner)):
        assert process.wait is not None
        assert process.wait.reaper == parent.id


def test_the_init_of_a_namespace_adopts(recorded: Recorder, programs: Path) -> None:
    """An orphan inside a pid namespace goes to that namespace's init, which reaps it."""
    recording = recorded(programs / "pid_namespace", "orphan")
    inner, orphan = recording.by_status(32), recording.by_status(34)
    assert orphan.parents[-1].parent == inner.id
    assert orphan.parents[-1].reason == ParentReason.INIT
    assert orphan.wait is not None
    assert orphan.wait.reaper == inner.id
    assert orphan.ns_pid == 3


def test_the_same_pid_is_several_processes(recorded: Recorder, programs: Path) -> None:
    """Five processes with one pid, one after the other, are five: each with its own end."""
    recording = recorded(programs / "pid_reuse")
    [[pid, count]] = recording.numbers()
    same = [p for p in recording.forest.processes.values() if p.id.tgid == pid]
    assert [exit_status(process) for process in same] == [1, 2, 3, 4, 5]
    assert len({process.id for process in same}) == len(same) == count
    for process, successor in itertools.pairwise(same):
        assert process.end is not None
        assert successor.leader.creation is not None
        assert process.end.time_ns < successor.leader.creation.time_ns
        assert process.wait is not None
        assert process.wait.reaped_ns > process.end.time_ns


def test_the_same_pid_in_a_namespace(recorded: Recorder, programs: Path) -> None:
    """The same within a pid namespace, where waits name the reused pid."""
    recording = recorded(programs / "pid_reuse", "namespace")
    [[pid, count]] = recording.numbers()
    [init] = [recording.forest.processes[child] for child in recording.root.children]
    same = [recording.forest.processes[child] for child in init.children]
    assert [process.ns_pid for process in same] == [pid] * count
    assert [exit_status(process) for process in same] == [1, 2, 3, 4, 5]
    assert [p.wait.reaper for p in same if p.wait is not None] == [init.id] * count
