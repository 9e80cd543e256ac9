# SPDX-License-Identifier: Apache-2.0
"""Tasks as /proc shows them when recording begins or ends; any of them may vanish meanwhile."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tracer.host import PROC
from traces.errors import ProctraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_T = TypeVar("_T")

_SETTLED_AFTER = 20
"""Rounds after which a tree that never stops growing is taken as it is."""

_GONE = (FileNotFoundError, ProcessLookupError)
_ENDED = (b"Z", b"X")


class StartTask(NamedTuple):
    """A row of the table start_task, column by column."""

    tid: int
    tgid: int
    parent_tgid: int
    start_ticks: int
    state: bytes
    comm: bytes
    argv: bytes
    executable: bytes
    cwd: bytes
    ns_tid: int
    pidns_inum: int


class TaskState(NamedTuple):
    """What /proc/TID/stat says of a task; `parent_tgid` is that of its real_parent."""

    comm: bytes
    state: bytes
    parent_tgid: int
    start_ticks: int


def parse_stat(line: bytes) -> TaskState:
    """Parse a /proc/TID/stat line; comm may hold anything, even ')' and newlines.

    Raise ValueError for what is no such line.
    """
    begin, end = line.find(b"(") + 1, line.rfind(b")")
    fields = line[end + 1 :].split()
    if not 0 < begin <= end or len(fields) < 20:
        message = f"not a line of /proc/PID/stat: {line[:80]!r}"
        raise ValueError(message)
    return TaskState(line[begin:end], fields[0], int(fields[1]), int(fields[19]))


def task_state(tid: int, proc: Path = PROC) -> TaskState | None:
    """Give the state of a task; None when it is gone."""
    try:
        return parse_stat((proc / str(tid) / "stat").read_bytes())
    except _GONE:
        return None


def is_living(tid: int, proc: Path = PROC) -> bool:
    """Tell whether there is such a task and it has not ended: a zombie has."""
    state = task_state(tid, proc)
    return state is not None and state.state not in _ENDED


def whole_host(proc: Path = PROC) -> list[StartTask]:
    """Give every task of the host."""
    return _rows(_process_ids(proc), proc)


def trees(pids: Iterable[int], proc: Path = PROC) -> list[StartTask]:
    """Give all tasks of the processes `pids` and of all their descendants.

    A thread's id stands for its process. Raise ProctraceError when one of them is gone.
    """
    roots = {_process_of(pid, proc) for pid in pids}
    found: set[int] = set()
    for _ in range(_SETTLED_AFTER):
        before, found = found, found | _descendants(roots | found, proc)
        if found == before:
            break
    return _rows(sorted(found), proc)


def of_tasks(tids: Iterable[int], proc: Path = PROC) -> list[StartTask]:
    """Give those of the tasks `tids` that still exist."""
    return [row for tid in tids if (row := _row(tid, proc)) is not None]


def cgroup_tasks(cgroup: Path) -> list[int]:
    """Give the tids of all tasks in a cgroup of the v2 hierarchy and in those below it.

    Raise ProctraceError when `cgroup` is no such directory.
    """
    _check_cgroup(cgroup)
    return sorted({tid for folder, _, _ in os.walk(cgroup) for tid in _members(Path(folder))})


def cgroup_id(cgroup: Path) -> int:
    """Give the kernel's id of a cgroup: the inode number of its directory.

    Raise ProctraceError when `cgroup` is no such directory.
    """
    _check_cgroup(cgroup)
    return cgroup.stat().st_ino


def _check_cgroup(cgroup: Path) -> None:
    if not (cgroup / "cgroup.controllers").is_file():
        raise ProctraceError(
            f"no cgroup: {os.fsencode(cgroup).decode(errors='replace')!a}",
            "it is no directory of a cgroup v2 file system (it has no cgroup.controllers)",
            "see 'systemd-cgls', or: find /sys/fs/cgroup -name cgroup.controllers",
        )


def _members(folder: Path) -> list[int]:
    # cgroup.procs cannot be read in a threaded cgroup; cgroup.threads can in every one.
    try:
        return [int(tid) for tid in (folder / "cgroup.threads").read_bytes().split()]
    except OSError:
        return []


def _process_ids(proc: Path) -> list[int]:
    return sorted(int(entry.name) for entry in os.scandir(proc) if entry.name.isdecimal())


def _process_of(pid: int, proc: Path) -> int:
    tgid = _status(pid, proc).get(b"Tgid")
    if not tgid:
        raise ProctraceError(
            f"no process {pid}",
            f"{proc / str(pid)} is not there; it has ended, or never was",
            "see 'ps -e' for the processes there are",
        )
    return int(tgid[0])


def _descendants(roots: set[int], proc: Path) -> set[int]:
    children = defaultdict(list)
    for pid in _process_ids(proc):
        state = task_state(pid, proc)
        if state is not None:
            children[state.parent_tgid].append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children[pid]
    return found


def _rows(pids: Iterable[int], proc: Path) -> list[StartTask]:
    return of_tasks((tid for pid in pids for tid in _threads(pid, proc)), proc)


def _threads(pid: int, proc: Path) -> Iterator[int]:
    try:
        tids = sorted(int(task.name) for task in (proc / str(pid) / "task").iterdir())
    except _GONE:
        return
    yield from tids


def _row(tid: int, proc: Path) -> StartTask | None:
    folder = proc / str(tid)
    state, status = task_state(tid, proc), _status(tid, proc)
    if state is None or b"Tgid" not in status:
        return None
    return StartTask(
        tid=tid,
        tgid=int(status[b"Tgid"][0]),
        parent_tgid=state.parent_tgid,
        start_ticks=state.start_ticks,
        state=state.state,
        comm=state.comm,
        argv=_optional((folder / "cmdline").read_bytes) or b"",
        executable=_link(folder / "exe"),
        cwd=_link(folder / "cwd"),
        ns_tid=int(status.get(b"NSpid", status[b"Pid"])[-1]),
        pidns_inum=_optional(lambda: (folder / "ns" / "pid").stat().st_ino) or 0,
    )


def _status(tid: int, proc: Path) -> dict[bytes, list[bytes]]:
    """Give the fields of /proc/TID/status that name ids; none when the task is gone."""
    try:
        text = (proc / str(tid) / "status").read_bytes()
    except _GONE:
        return {}
    # Not splitlines(): comm, in the first line, may hold a carriage return.
    lines = (line.partition(b":") for line in text.split(b"\n"))
    return {key: value.split() for key, _, value in lines if key in (b"Tgid", b"Pid", b"NSpid")}


def _link(path: Path) -> bytes:
    target = _optional(path.readlink)
    return b"" if target is None else os.fsencode(target)


def _optional(read: Callable[[], _T]) -> _T | None:
    """Give what is read; None for what this task does not have, or hides from us."""
    try:
        return read()
    except OSError:
        return None
