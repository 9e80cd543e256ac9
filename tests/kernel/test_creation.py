# SPDX-License-Identifier: Apache-2.0
"""How processes and threads come into being, and how that fails."""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from replay.process import Certainty, Choice, ParentReason
from tests.kernel.recording import argv, exit_status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder

CLONE_VM = 0x100
CLONE_SIGHAND = 0x800
CLONE_VFORK = 0x4000
CLONE_PARENT = 0x8000
CLONE_THREAD = 0x10000
SYS_CLONE, SYS_VFORK, SYS_CLONE3 = 56, 58, 435
SIGCHLD = 17

LOOP_OF_23 = "i=0; while [ $i -lt 23 ]; do /bin/true; i=$((i+1)); done"


def test_a_loop_of_23_commands_is_recorded_exactly(recorded: Recorder) -> None:
    """23 forks, 23 execs, 23 exits with status 0, 23 waits; the kernel's own counts agree."""
    # GIVEN a shell that runs /bin/true 23 times
    # WHEN it is recorded
    recording = recorded("sh", "-c", LOOP_OF_23)
    # THEN the shell has 23 children, each created, executed, ended and waited for once
    shell = recording.root
    children = [recording.forest.processes[child] for child in shell.children]
    assert argv(shell) == (b"sh", b"-c", LOOP_OF_23.encode())
    assert len(recording.forest.processes) == 24
    assert [argv(child) for child in children] == [(b"/bin/true",)] * 23
    assert [len(child.images) for child in children] == [1] * 23
    assert [exit_status(child) for child in children] == [0] * 23
    assert [child.wait.reaper for child in children if child.wait] == [shell.id] * 23
    assert {child.certainty for child in children} == {Certainty.CERTAIN}
    # AND the events themselves are as many
    counts = {name: recording.trace.rows(name) for name in ("newtask", "exec", "exit")}
    assert counts == {"newtask": 23, "exec": 24, "exit": 24}
    assert [row["status"] for row in recording.rows("wait") if row["ns_pid"] > 0] == [0] * 23
    # AND every task the kernel counted in /proc/stat was seen by the hooks
    audit = recording.trace.metadata["audit"]
    assert isinstance(audit, dict)
    assert audit["newtasks_followed"] == 23
    if audit["stable"]:
        seen = audit["newtasks_followed"] + audit["newtasks_other"]
        assert seen == audit["proc_stat_processes"]


def test_the_audit_command_finds_nothing_missing(recorded: Recorder) -> None:
    """`proctrace audit` says of the same recording that it is complete."""
    audit = recorded("sh", "-c", LOOP_OF_23).json("audit")
    assert audit["verdict"] == "complete"


def test_vfork_blocks_the_parent_until_exec(recorded: Recorder, programs: Path) -> None:
    """The parent of a vfork sleeps inside the call; the child shares its memory."""
    recording = recorded(programs / "vfork_exec")
    child = recording.only(lambda process: argv(process) == (b"true", b"by-vfork"))
    creation = child.leader.creation
    assert creation is not None
    assert creation.syscall == SYS_VFORK
    assert creation.clone_flags & (CLONE_VM | CLONE_VFORK) == CLONE_VM | CLONE_VFORK
    assert creation.exit_signal == SIGCHLD
    assert creation.blocked_ns > 0
    # exec_mmap() wakes the parent (mm_release(), 6.18) before sched_process_exec is reached.
    assert creation.return_ns >= child.images[0].enter_ns >= creation.first_run_ns > 0
    [row] = recording.rows("newtask")
    assert row["mm"] == row["child_mm"] != 0
    assert row["files"] != row["child_files"]


def test_posix_spawn_is_a_clone_that_shares_memory(recorded: Recorder, programs: Path) -> None:
    """Glibc's posix_spawn calls clone or clone3 with CLONE_VM and CLONE_VFORK."""
    recording = recorded(programs / "spawn")
    child = recording.only(lambda process: argv(process) == (b"true", b"by-spawn"))
    creation = child.leader.creation
    assert creation is not None
    assert creation.syscall in {SYS_CLONE, SYS_CLONE3}
    assert creation.clone_flags & (CLONE_VM | CLONE_VFORK) == CLONE_VM | CLONE_VFORK


def test_a_fork_shares_nothing_and_has_its_steps_in_order(
    recorded: Recorder, programs: Path
) -> None:
    """After fork each object is the child's own; creation, wake-up and first run follow."""
    recording = recorded(programs / "storm", "1")
    [row] = recording.rows("newtask")
    for name in ("mm", "files", "fs", "sighand", "signal"):
        assert row[name] != row[f"child_{name}"], name
    assert row["nsproxy"] == row["child_nsproxy"]
    creation = recording.by_pid(row["child_tid"]).leader.creation
    assert creation is not None
    moments = [creation.enter_ns, creation.time_ns, creation.wakeup_new_ns, creation.first_run_ns]
    assert moments == sorted(moments)
    assert moments[0] > 0


def test_clone_parent_makes_a_sibling(recorded: Recorder, programs: Path) -> None:
    """With CLONE_PARENT the caller is not the parent: its own parent is."""
    recording = recorded(programs / "clone_parent")
    [[middle_pid, sibling_pid]] = recording.numbers()
    middle, sibling = recording.by_pid(middle_pid), recording.by_pid(sibling_pid)
    assert sibling.leader.creation is not None
    assert sibling.leader.creation.caller == middle.leader.id
    assert sibling.leader.creation.clone_flags & CLONE_PARENT
    assert [span.parent for span in sibling.parents] == [recording.root.id]
    assert sibling.parents[0].reason == ParentReason.BIRTH
    assert sorted(recording.root.children) == sorted([middle.id, sibling.id])
    assert middle.children == []
    assert (exit_status(middle), exit_status(sibling)) == (20, 21)
    assert sibling.wait is not None
    assert sibling.wait.reaper == recording.root.id


def test_threads_are_tasks_of_one_process(recorded: Recorder, programs: Path) -> None:
    """Threads make no process, share everything, and are waited for by nobody."""
    recording = recorded(programs / "threads", "7")
    process = recording.root
    assert len(recording.forest.processes) == 1
    assert len(process.tasks) == 8
    assert process.leader.id.tid == process.id.tgid
    for thread in process.tasks[1:]:
        assert thread.creation is not None
        assert thread.creation.clone_flags & CLONE_THREAD
        assert thread.end is not None
    for row in recording.rows("newtask"):
        assert row["exit_signal"] == -1
        for name in ("mm", "files", "fs", "sighand", "signal"):
            assert row[name] == row[f"child_{name}"], name


def test_clones_that_fail_are_recorded_with_their_errno(recorded: Recorder, programs: Path) -> None:
    """EINVAL for impossible flags, EAGAIN at the limit of processes; neither makes a task."""
    recording = recorded(programs / "clone_fails", status=11)
    failed = [row for row in recording.rows("clone_call") if row["result"] < 0]
    assert [-row["result"] for row in failed] == [errno.EINVAL, errno.EAGAIN]
    assert failed[0]["flags"] == CLONE_SIGHAND
    assert failed[0]["exit_signal"] == SIGCHLD
    assert failed[0]["tid"] == recording.root.id.tgid
    assert [failed[1]["tid"]] == [child.tgid for child in recording.root.children]
    assert recording.trace.rows("newtask") == 1


@pytest.mark.parametrize("count", [1, 256, 1000])
def test_every_child_of_a_storm_has_its_status(
    recorded: Recorder, programs: Path, count: int
) -> None:
    """Nth child, Nth status: nothing is swapped, doubled or missing."""
    recording = recorded(programs / "storm", str(count))
    children = [recording.forest.processes[child] for child in recording.root.children]
    assert [exit_status(child) for child in children] == [n & 255 for n in range(count)]
    choices = Counter(child.wait.choice for child in children if child.wait)
    assert choices[Choice.WAITED] + choices[Choice.WAITED_LATER] == count
