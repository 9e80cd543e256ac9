# SPDX-License-Identifier: Apache-2.0
"""Who is whose parent when parents end: subreapers, init, daemons, leaders that end first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.process import Choice, ParentReason
from tests.kernel.recording import argv, exit_status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kernel.conftest import Recorder


def test_a_subreaper_adopts_an_orphan(recorded: Recorder, programs: Path) -> None:
    """The orphan has two parents in its life: by birth, then the subreaper, who reaps it."""
    # GIVEN a subreaper whose child ends before its grandchild
    recording = recorded(programs / "orphan", "subreaper")
    [[grandchild_pid, adopter_pid]] = recording.numbers()
    # WHEN the forest is rebuilt
    grandchild, middle = recording.by_pid(grandchild_pid), recording.by_status(6)
    # THEN the grandchild went from the one to the other
    assert adopter_pid == recording.root.id.tgid
    assert [(span.parent, span.reason) for span in grandchild.parents] == [
        (middle.id, ParentReason.BIRTH),
        (recording.root.id, ParentReason.SUBREAPER),
    ]
    # AND its place in the tree is that of its birth, while the subreaper reaped it
    assert middle.children == [grandchild.id]
    assert grandchild.wait is not None
    assert grandchild.wait.reaper == recording.root.id
    assert exit_status(grandchild) == 7


def test_whoever_takes_orphans_here_adopts_one(recorded: Recorder, programs: Path) -> None:
    """Init, or a subreaper above the recorder: it is the one that the orphan itself saw."""
    recording = recorded(programs / "orphan")
    [[grandchild_pid, adopter_pid]] = recording.numbers()
    grandchild = recording.by_pid(grandchild_pid)
    adopted = grandchild.parents[-1]
    assert adopted.parent is not None
    assert adopted.parent.tgid == adopter_pid
    assert adopted.reason == (ParentReason.INIT if adopter_pid == 1 else ParentReason.SUBREAPER)
    assert len(grandchild.parents) == 2
    assert exit_status(grandchild) == 7


def test_a_daemon_is_followed_out_of_its_session(recorded: Recorder, programs: Path) -> None:
    """After the double fork the daemon has lost its parent, and is still in the tree."""
    recording = recorded(programs / "daemon")
    daemon = recording.only(lambda process: argv(process) == (b"daemon",))
    first = recording.forest.at_birth(daemon)
    assert first is not None
    assert first.wait is not None
    assert first.wait.reaper == recording.root.id
    assert recording.forest.at_birth(first) is recording.root
    assert daemon.parents[0].parent == first.id
    assert daemon.parents[-1].reason in {ParentReason.INIT, ParentReason.SUBREAPER}


def test_a_process_outlives_its_leader(recorded: Recorder, programs: Path) -> None:
    """The leader ends first and stays a zombie; the process ends with its last thread's status."""
    recording = recorded(programs / "leader_exits", status=9)
    process = recording.root
    assert len(process.tasks) == 2
    leader_end, other_end = process.tasks[0].end, process.tasks[1].end
    assert leader_end is not None
    assert other_end is not None
    assert process.end is not None
    assert leader_end.time_ns < other_end.time_ns == process.end.time_ns
    assert process.end.status == 9


def test_children_of_an_ended_leader_belong_to_the_process(recorded: Recorder) -> None:
    """A child created by a thread other than the leader is the child of the process."""
    code = (
        "import subprocess, threading\n"
        "t = threading.Thread(target=subprocess.run, args=(['/bin/true', 'from-thread'],))\n"
        "t.start(); t.join()\n"
    )
    recording = recorded("/usr/bin/python3", "-c", code)
    child = recording.only(lambda process: argv(process) == (b"/bin/true", b"from-thread"))
    assert recording.root.children == [child.id]
    assert child.leader.creation is not None
    assert child.leader.creation.caller == recording.root.tasks[1].id
    assert child.wait is not None
    assert child.wait.choice in {Choice.WAITED, Choice.WAITED_LATER}
