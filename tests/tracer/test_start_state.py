# SPDX-License-Identifier: Apache-2.0
"""tracer.start_state: /proc as it is, with hostile names and tasks that vanish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.waiting import until
from tracer import start_state
from tracer.start_state import StartTask, TaskState, parse_stat
from traces.errors import ProctraceError
from traces.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS_AFTER_COMM = b"S 41 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3\n"


@contextmanager
def running(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def fake_task(proc: Path, tid: int, *, tgid: int = 0, parent: int = 1, comm: bytes = b"x") -> None:
    """Make the files of a task under a fake /proc, as a thread of `tgid`."""
    for folder in (proc / str(tid), proc / str(tgid or tid) / "task" / str(tid)):
        folder.mkdir(parents=True, exist_ok=True)
    fields = FIELDS_AFTER_COMM.replace(b"41", str(parent).encode())
    (proc / str(tid) / "stat").write_bytes(b"%d (%s) %s" % (tid, comm, fields))
    status = f"Name:\tx\nTgid:\t{tgid or tid}\nPid:\t{tid}\nNSpid:\t{tid}\t7\n"
    (proc / str(tid) / "status").write_text(status)


def test_a_row_is_a_row_of_the_table() -> None:
    """The fields are the columns of start_task, in order."""
    assert StartTask._fields == tuple(column.name for column in TABLES["start_task"].columns)


@given(st.binary(max_size=64))
def test_any_comm(comm: bytes) -> None:
    """Comm may hold parentheses, blanks and newlines; the last ')' ends it."""
    line = b"42 (" + comm + b") " + FIELDS_AFTER_COMM
    assert parse_stat(line) == TaskState(comm, b"S", 41, 98765)


@pytest.mark.parametrize("line", [b"", b"42 (x", b"42 x) S", b"42 (x) S 1", b")("])
def test_what_is_no_stat_line(line: bytes) -> None:
    """It is refused and not half read."""
    with pytest.raises(ValueError, match="not a line"):
        parse_stat(line)


def test_our_own_row() -> None:
    """Every column of a process we know everything about."""
    row = next(row for row in start_state.trees([os.getpid()]) if row.tid == os.getpid())
    assert (row.tgid, row.parent_tgid) == (os.getpid(), os.getppid())
    assert row.state == b"R"
    assert row.executable == os.fsencode(os.path.realpath(sys.executable))
    assert row.cwd == os.fsencode(Path.cwd())
    assert row.argv.split(b"\0")[0] == os.fsencode(sys.orig_argv[0])
    assert row.pidns_inum == Path("/proc/self/ns/pid").stat().st_ino
    assert row.ns_tid == os.getpid()
    ticks = os.sysconf("SC_CLK_TCK")
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < row.start_ticks <= uptime_s * ticks


def test_threads_are_rows() -> None:
    """A thread has a tid of its own and its process's tgid; its id stands for the process."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        tid = thread.native_id
        assert tid is not None
        by_process = {row.tid: row for row in start_state.trees([os.getpid()])}
        by_thread = {row.tid for row in start_state.trees([tid])}
    finally:
        stop.set()
        thread.join()
    assert by_process[tid].tgid == os.getpid()
    assert {os.getpid(), tid} <= by_thread


def test_a_tree_has_its_descendants_and_nothing_else() -> None:
    """Children and grandchildren belong to it; parent and siblings do not."""
    with running("sh", "-c", "sh -c 'sleep 60 & echo; wait' & wait") as tree, running("cat"):
        assert tree.stdout is not None
        tree.stdout.readline()
        until(lambda: len(start_state.trees([tree.pid])) == 3)
        rows = start_state.trees([tree.pid])
        for row in rows:
            if row.tid != tree.pid:
                os.kill(row.tid, 9)
    assert [row.argv.split(b"\0")[0] for row in rows] == [b"sh", b"sh", b"sleep"]
    assert [row.parent_tgid for row in rows[1:]] == [row.tid for row in rows[:2]]


def test_the_whole_host() -> None:
    """We are in it, and init is, and no tid is there twice."""
    tids = [row.tid for row in start_state.whole_host()]
    assert {1, os.getpid()} <= set(tids)
    assert len(tids) == len(set(tids))


def test_a_target_that_is_gone() -> None:
    """The error names the pid."""
    with running("true") as process:
        process.wait()
    with pytest.raises(ProctraceError) as caught:
        start_state.trees([process.pid])
    assert caught.value.what == f"no process {process.pid}"


def test_hostile_names_and_missing_files(tmp_path: Path) -> None:
    """GIVEN tasks with odd names, without exe, cwd or cmdline, THEN each still is a row."""
    fake_task(tmp_path, 5, comm=b"a) R 9\n(b")
    fake_task(tmp_path, 6, tgid=5, parent=1)
    (tmp_path / "5" / "cmdline").write_bytes(b"sh\0-c\0\xff\0")
    (tmp_path / "5" / "exe").symlink_to("/bin/sh (deleted)")
    rows = start_state.trees([6], tmp_path)
    assert rows == [
        StartTask(
            tid=5,
            tgid=5,
            parent_tgid=1,
            start_ticks=98765,
            state=b"S",
            comm=b"a) R 9\n(b",
            argv=b"sh\0-c\0\xff\0",
            executable=b"/bin/sh (deleted)",
            cwd=b"",
            ns_tid=7,
            pidns_inum=0,
        ),
        StartTask(6, 5, 1, 98765, b"S", b"x", b"", b"", b"", 7, 0),
    ]


@pytest.mark.parametrize("gone", ["stat", "status"])
def test_tasks_that_vanish_are_left_out(tmp_path: Path, gone: str) -> None:
    """A task may end between two reads; the others are still rows."""
    fake_task(tmp_path, 5)
    fake_task(tmp_path, 8, parent=5)
    fake_task(tmp_path, 9, parent=5)
    (tmp_path / "8" / gone).unlink()
    assert [row.tid for row in start_state.trees([5], tmp_path)] == [5, 9]
    shutil.rmtree(tmp_path / "9" / "task")
    assert [row.tid for row in start_state.whole_host(tmp_path)] == [5]
    assert [row.tid for row in start_state.of_tasks([5, 77], tmp_path)] == [5]


def test_a_tree_that_grows_is_read_until_it_is_stable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a child that appears during the first round, THEN the next round finds it."""
    # GIVEN
    fake_task(tmp_path, 5)
    rounds: list[int] = []
    original = start_state._descendants  # noqa: SLF001

    def growing(roots: set[int], proc: Path) -> set[int]:
        found = original(roots, proc)
        if not rounds:
            fake_task(proc, 6, parent=5)
        rounds.append(1)
        return found

    monkeypatch.setattr(start_state, "_descendants", growing)
    # THEN
    assert [row.tid for row in start_state.trees([5], tmp_path)] == [5, 6]


def test_the_state_of_one_task(tmp_path: Path) -> None:
    """A zombie is Z with its parent; who is gone has no state."""
    with running("true") as process:
        until(lambda: (start_state.task_state(process.pid) or TaskState(b"", b"", 0, 0))[1] == b"Z")
        state = start_state.task_state(process.pid)
        rows = start_state.of_tasks([process.pid])
    assert state is not None
    assert (state.comm, state.parent_tgid) == (b"true", os.getpid())
    assert (rows[0].state, rows[0].argv, rows[0].executable) == (b"Z", b"", b"")
    assert start_state.task_state(process.pid) is None
    assert start_state.task_state(1, tmp_path) is None


def test_tasks_of_a_cgroup_and_those_below(tmp_path: Path) -> None:
    """Threads are listed, folders below are searched, one that vanishes is left out."""
    for name, tids in (("", "5\n6\n"), ("below", "9\n"), ("below/deeper", "5\n7\n")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "cgroup.threads").write_text(tids)
    (tmp_path / "without").mkdir()
    (tmp_path / "cgroup.controllers").touch()
    assert start_state.cgroup_tasks(tmp_path) == [5, 6, 7, 9]
    assert start_state.cgroup_id(tmp_path) == tmp_path.stat().st_ino


def test_what_is_no_cgroup(tmp_path: Path) -> None:
    """A folder that is no cgroup, or is not there, is refused in words."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ProctraceError) as caught:
            start_state.cgroup_tasks(path)
        assert "cgroup v2" in caught.value.why


def test_a_comm_with_a_carriage_return(tmp_path: Path) -> None:
    """It is no end of a line: what follows it in the name is no field."""
    fake_task(tmp_path, 9)
    status = b"Name:\tx\rPid:\t1\nTgid:\t9\nNSpid:\t9\t7\n"
    (tmp_path / "9" / "status").write_bytes(status + b"Pid:\t9\n")
    assert start_state._status(9, tmp_path)[b"Pid"] == [b"9"]  # noqa: SLF001
    (tmp_path / "9" / "status").write_bytes(status)
    assert b"Pid" not in start_state._status(9, tmp_path)  # noqa: SLF001


def test_a_zombie_does_not_live() -> None:
    """It is there until it is reaped, and does nothing any more."""
    assert start_state.is_living(os.getpid())
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{ended.pid}").exists()
        assert not start_state.is_living(ended.pid)
    assert not start_state.is_living(ended.pid)


def test_the_id_of_what_is_no_cgroup(tmp_path: Path) -> None:
    """It is asked for before anything else of the cgroup."""
    with pytest.raises(ProctraceError, match="no cgroup"):
        start_state.cgroup_id(tmp_path / "absent")
